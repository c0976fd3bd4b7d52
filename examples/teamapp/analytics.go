package main

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/go-invitations/invitations"
)

// serveAnalytics adds the page with the numbers of a team's invitations.
func (a *app) serveAnalytics(mux *http.ServeMux) {
	mux.Handle("GET /teams/{team}/analytics", a.team(a.showAnalytics))
}

// A statisticsPeriod is a choice of the invitations that count.
type statisticsPeriod struct {
	Key, Name string
	days      int // 0: all of them
}

var statisticsPeriods = []statisticsPeriod{{"30", "30 days", 30}, {"90", "90 days", 90}, {"all", "All time", 0}}

// An analyticsPage is the data of the page.
type analyticsPage struct {
	Period                 string
	Periods                []statisticsPeriod
	Total                  invitations.Funnel
	Rate, Median, NineIn10 string
	Charts                 []chart
}

// showAnalytics shows what became of the invitations of a period.
func (a *app) showAnalytics(v *visit) error {
	ctx, chosen := v.r.Context(), statisticsPeriods[0]
	for _, p := range statisticsPeriods {
		if p.Key == v.r.FormValue("period") {
			chosen = p
		}
	}
	p := invitations.StatisticsParams{Organization: v.Team.ID}
	if chosen.days > 0 {
		p.From = v.Now.AddDate(0, 0, -chosen.days)
	}
	found, err := a.svc.Statistics(ctx, v.actor(), p)
	if err != nil {
		return err
	}
	links, err := a.svc.Invitations(ctx, v.actor(), invitations.InvitationsParams{
		Organization: v.Team.ID, Kind: invitations.KindLink, Limit: 100,
	})
	if err != nil {
		return err
	}
	linkNames := map[string]string{}
	for _, l := range links.Items {
		linkNames[l.ID.String()] = roleName(l.Role) + ", " + date(l.CreatedAt)
	}
	var senders []string
	for _, f := range found.BySender {
		senders = append(senders, f.Key)
	}
	names, err := a.namesOf(ctx, senders...)
	if err != nil {
		return err
	}

	f, all := found.Total, chart{Title: "Results", Max: found.Total.Created}
	for _, b := range []bar{
		{"Created", "", f.Created, f.Created}, {"Led to a new member", "", f.Created, f.Used}, {"Pending", "", f.Created, f.Pending},
		{"Declined", "", f.Created, f.Declined}, {"Revoked", "", f.Created, f.Revoked}, {"Expired", "", f.Created, f.Expired},
	} {
		b.Value = fmt.Sprint(b.Part)
		all.Bars = append(all.Bars, b)
	}
	accepted := func(f invitations.Funnel) bar {
		return bar{"", fmt.Sprintf("%d of %d accepted", f.Used, f.Created), f.Created, f.Used}
	}
	joined := func(f invitations.Funnel) bar { return bar{"", fmt.Sprintf("%d joined", f.Joined), f.Joined, f.Joined} }
	return a.show(v, http.StatusOK, "analytics", "Analytics", analyticsPage{
		Period: chosen.Key, Periods: statisticsPeriods, Total: f,
		Rate: fmt.Sprintf("%.0f%%", 100*f.AcceptanceRate()), Median: timeWords(f.Median), NineIn10: timeWords(f.P90),
		Charts: []chart{
			all,
			newChart("By role", found.ByRole, func(role string) string { return roleName(invitations.Role(role)) }, accepted),
			newChart("By sender", found.BySender, names.Of, accepted),
			newChart("By link", found.ByLink, func(id string) string { return cmp.Or(linkNames[id], "An older link") }, joined),
		},
	})
}

// timeWords returns a time that people took.
func timeWords(d time.Duration) string { return cmp.Or(distance(d), "less than a minute") }

// A chart is a picture of bars that count up to Max.
type chart struct {
	Title string
	Max   int
	Bars  []bar
	More  int // groups that have no bar
}

// A bar shows a number as a part of all.
type bar struct {
	Label, Value string
	All, Part    int
}

// newChart returns the chart of the first groups, without those that have nothing to show.
func newChart(title string, groups []invitations.Funnel, label func(key string) string, count func(invitations.Funnel) bar) chart {
	const maxBars = 10
	c := chart{Title: title}
	for _, f := range groups {
		b := count(f)
		b.Label = label(f.Key)
		switch {
		case b.All == 0:
		case len(c.Bars) == maxBars:
			c.More++
		default:
			c.Bars, c.Max = append(c.Bars, b), max(c.Max, b.All)
		}
	}
	return c
}
