package main

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

// serveActivity adds the page with the events of a team.
func (a *app) serveActivity(mux *http.ServeMux) {
	mux.Handle("GET /teams/{team}/activity", a.team(a.showActivity))
}

// An eventGroup is a choice of the filter: the types that begin with one of the words.
type eventGroup struct {
	Key, Name string
	types     []string
}

var eventGroups = []eventGroup{
	{"", "Everything", []string{""}},
	{"invitations", "Invitations", []string{"invitation."}},
	{"members", "Members", []string{"member.", "ownership.", "person."}},
	{"quotas", "Quotas and limits", []string{"quota.", "limits.", "organization."}},
}

// has reports whether the group has a type.
func (g eventGroup) has(kind invitations.EventType) bool {
	return slices.ContainsFunc(g.types, func(start string) bool { return strings.HasPrefix(string(kind), start) })
}

// An activityPage is the data of the page.
type activityPage struct {
	Filters url.Values // group, person, from and to, as in its address
	Groups  []eventGroup
	People  []account
	Events  []invitations.Event
	Names   nameBook
	Problem string // with the filters
	pager
}

// Filtered reports whether the page shows a part of the events.
func (p activityPage) Filtered() bool {
	return p.Filters.Get("group")+p.Filters.Get("person")+p.Filters.Get("from")+p.Filters.Get("to") != ""
}

// showActivity shows the events of a team, the newest first.
func (a *app) showActivity(v *visit) error {
	ctx, filters := v.r.Context(), v.r.URL.Query()
	body := activityPage{Filters: filters, Groups: eventGroups}
	events, err := a.timeline(v, filters)
	status := http.StatusOK
	if errors.Is(err, invitations.ErrInvalid) {
		status, err = http.StatusUnprocessableEntity, nil
		body.Problem = "Choose a first day that is not after the last day, in the form 2026-12-31."
	}
	if err != nil {
		return err
	}
	members, err := a.svc.Members(ctx, v.actor(), invitations.MembersParams{Organization: v.Team.ID, Limit: 100})
	if err != nil {
		return err
	}
	ids := []string{filters.Get("person")} // who may have left the team
	for _, m := range members.Items {
		ids = append(ids, m.UserID)
	}
	people, err := a.namesOf(ctx, ids...)
	if err != nil {
		return err
	}
	body.People = slices.SortedFunc(maps.Values(people), func(x, y account) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.ID, y.ID))
	})
	if body.Names, err = a.namesOf(ctx, peopleIn(events.Items...)...); err != nil {
		return err
	}
	body.Events, body.pager = events.Items, v.pager(v.Team.Path()+"/activity", events.NextCursor)
	return a.show(v, status, "activity", "Activity", body)
}

// timeline returns the page of events that the filters select.
func (a *app) timeline(v *visit, filters url.Values) (found invitations.List[invitations.Event], err error) {
	p := invitations.TimelineParams{
		Organization: v.Team.ID, Actor: filters.Get("person"), NewestFirst: true, Cursor: filters.Get("cursor"),
	}
	for _, g := range eventGroups {
		for kind := range sentences {
			if g.Key == filters.Get("group") && g.has(kind) {
				p.Types = append(p.Types, kind)
			}
		}
	}
	if day := filters.Get("from"); day != "" {
		p.From, err = time.Parse(time.DateOnly, day)
	}
	if day := filters.Get("to"); day != "" && err == nil {
		p.To, err = time.Parse(time.DateOnly, day)
		p.To = p.To.AddDate(0, 0, 1) // the last day counts
	}
	if err != nil {
		return found, invitations.ErrInvalid
	}
	return a.svc.Timeline(v.r.Context(), v.actor(), p)
}
