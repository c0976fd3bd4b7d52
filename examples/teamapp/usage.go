package main

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-invitations/invitations"
)

func (a *app) serveUsage(mux *http.ServeMux) {
	show := func(v *visit) error { return a.showUsage(v, http.StatusOK, emptyForm("calls", "amount", "1")) }
	mux.Handle("GET /teams/{team}/usage", a.team(show))
	mux.Handle("GET /personal/usage", a.signedIn(show))
	mux.Handle("POST /teams/{team}/calls", a.team(a.makeCalls))
	mux.Handle("POST /personal/calls", a.signedIn(a.makeCalls))
}

// here returns the workspace that the page is about: that of the path.
func (v *visit) here() workspace {
	if v.Team.ID != "" {
		return v.Team
	}
	return v.Workspaces[0]
}

type usagePage struct {
	Here workspace
	Form form
	Past *pastUsage // nil for people who may not see the use of others
}

// A pastUsage is the use of a team by its members in one period.
type pastUsage struct {
	invitations.PeriodUsage
	Period               invitations.Period
	Names                nameBook
	Most                 int64  // the largest amount of a bar
	Earlier, Later, Next string // pages; empty: none
}

// showUsage shows the balance of a workspace and, to those who may see it, the use by member.
func (a *app) showUsage(v *visit, status int, f form) error {
	body := usagePage{Here: v.here(), Form: f}
	if v.Team.Can(invitations.PermissionQuotaUpdate) {
		var err error
		if body.Past, err = a.pastUsage(v); err != nil {
			return err
		}
	}
	return a.show(v, status, "usage", "Usage", body)
}

// pastUsage returns the use of a team in the period that the address of the page names.
func (a *app) pastUsage(v *visit) (*pastUsage, error) {
	query := v.r.URL.Query()
	page := func(at, cursor string) string {
		return v.pathWith(v.Team.Path()+"/usage", "at", at, "cursor", cursor)
	}
	p := invitations.UsageParams{
		Organization: v.Team.ID, Period: invitations.Period(query.Get("period")), Limit: 20, Cursor: query.Get("cursor"),
	}
	if p.Period == "" {
		p.Period = invitations.PeriodMonth
	}
	var err error
	if at := query.Get("at"); at != "" {
		if p.At, err = time.Parse(time.DateOnly, at); err != nil {
			return nil, &invitations.InvalidError{Field: "at", Code: "malformed", Reason: "must be a date such as 2026-03-31"}
		}
	}
	past := &pastUsage{Period: p.Period}
	if past.PeriodUsage, err = a.svc.Usage(v.r.Context(), v.actor(), p); err != nil {
		return nil, err
	}
	if !past.End.IsZero() {
		past.Earlier = page(past.Start.AddDate(0, 0, -1).Format(time.DateOnly), "")
		if !past.End.After(v.Now) {
			past.Later = page(past.End.Format(time.DateOnly), "")
		}
	}
	if past.NextCursor != "" {
		past.Next = page(query.Get("at"), past.NextCursor)
	}
	var ids []string
	past.Most = max(past.Shared, 1)
	for _, m := range past.Members {
		ids = append(ids, m.UserID)
		past.Most = max(past.Most, m.Used)
	}
	past.Names, err = a.namesOf(v.r.Context(), ids...)
	return past, err
}

// makeCalls takes sample calls from the quota of the workspace that the page is about. The session
// can have been switched to another workspace in another window since. Then it asks first, so that
// nobody uses the quota of a team for themselves, or the other way round.
func (a *app) makeCalls(v *visit) error {
	return a.submit(v, "calls", func(f form) (string, string, error) {
		ctx, here := v.r.Context(), v.here()
		amount, err := f.number("amount", 100)
		if err != nil {
			return "", "", err
		}
		if here.ID != v.Current.ID {
			if f.Get("switch") != "yes" {
				return "", "", a.show(v, http.StatusConflict, "other-workspace", "Which workspace?", struct {
					Here   workspace
					Amount int64
				}{here, int64(amount)})
			}
			a.sessions.Put(ctx, keyWorkspace, here.ID)
			v.Current = here
		}
		balance, err := a.svc.Consume(ctx, here.Workspace(), v.User.ID, int64(amount))
		var exceeded *invitations.QuotaExceededError
		if errors.As(err, &exceeded) {
			err = &invitations.InvalidError{Field: "amount", Code: "too_large", Reason: exceededText(exceeded, v.Now)}
		}
		made := "Made " + calls(int64(amount)) + " in " + here.Name + "."
		if left, limited := balance.Left(); limited {
			made += " Left: " + calls(left) + "."
		}
		return here.Path() + "/usage", made, err
	}, func(f form) error { return a.showUsage(v, http.StatusUnprocessableEntity, f) })
}

// exceededText returns what is left of the quota that was too small, and when to try again.
func exceededText(e *invitations.QuotaExceededError, now time.Time) string {
	left, _ := e.Balance.Left()
	text := "Only " + calls(left) + " left."
	if left == 0 {
		text = "No calls are left."
	}
	if at := e.RetryAt(); !at.IsZero() {
		return text + " The quota starts again on " + dateTime(at) + ", " + relative(at, now) + "."
	}
	return text + " Waiting does not help: make fewer calls, or ask for a larger quota."
}
