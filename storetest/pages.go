package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var pageChecks = []check{
	{"InvitationsByEveryFilter", pagesInvitations},
	{"InvitationsAfterAnyPosition", pagesPositions},
	{"Viewer", pagesViewer},
}

// variety puts 30 invitations of great variety into each of two organizations, and returns
// those of the first, newest first.
func (w *world) variety() []invitations.Record {
	w.Helper()
	states := []invitations.State{invitations.StatePending, invitations.StateAccepted, invitations.StateDeclined, invitations.StateRevoked}
	var all []invitations.Record
	for _, organization := range []string{"zeta", "acme"} {
		all = nil
		for n := range 30 {
			r := invitation(organization, n)
			if n%3 == 0 {
				r = link(organization, n)
			} else {
				r.Email = fmt.Sprintf("p%d@example.com", n%2)
			}
			r.State = states[n%7%4]
			if r.State != invitations.StatePending {
				r.EndedAt = start
			}
			r.Role = []invitations.Role{"viewer", "admin"}[n%5%2]
			r.SentBy = []string{"ada", "bob", ""}[n%3]
			r.CreatedAt = start.Add(time.Duration(n/4) * time.Second) // four at the same instant
			r.ExpiresAt = start.Add(time.Duration(n%4-1) * time.Hour) // some before, some at, some after start
			all = append(all, r)
		}
		w.change(organization, invitations.Changes{Invitations: all})
	}
	slices.SortFunc(all, func(a, b invitations.Record) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		return bytes.Compare(b.ID[:], a.ID[:])
	})
	return all
}

// passes reports whether a record passes the filter of a query.
func passes(r invitations.Record, q invitations.InvitationQuery) bool {
	state := r.State
	if state == invitations.StatePending && !q.At.Before(r.ExpiresAt) {
		state = invitations.StateExpired
	}
	return (len(q.States) == 0 || slices.Contains(q.States, state)) &&
		(q.Kind == "" || r.Kind == q.Kind) && (q.Role == "" || r.Role == q.Role) &&
		(q.Email == "" || r.Email == q.Email) && (q.SentBy == "" || r.SentBy == q.SentBy)
}

// someStates are filters of states: none, each state, and several.
var someStates = [][]invitations.State{
	nil, {invitations.StatePending}, {invitations.StateExpired}, {invitations.StateAccepted}, {invitations.StateDeclined}, {invitations.StateRevoked},
	{invitations.StateExpired, invitations.StatePending},
	{invitations.StateAccepted, invitations.StateExpired, invitations.StateRevoked},
	{invitations.StateAccepted, invitations.StateDeclined, invitations.StateRevoked},
	{invitations.StateAccepted, invitations.StateDeclined, invitations.StateExpired, invitations.StatePending, invitations.StateRevoked},
}

func pagesInvitations(w *world) {
	all := w.variety()
	for _, states := range someStates {
		for _, kind := range []invitations.Kind{"", invitations.KindEmail, invitations.KindLink} {
			for _, role := range []invitations.Role{"", "admin"} {
				for _, email := range []string{"", "p1@example.com", "P1@example.com"} {
					for _, sentBy := range []string{"", "ada", "nobody"} {
						q := invitations.InvitationQuery{Organization: "acme", States: states, At: start, Kind: kind, Role: role, Email: email, SentBy: sentBy}
						var want []invitations.Record
						for _, r := range all {
							if passes(r, q) {
								want = append(want, r)
							}
						}
						w.walk(q, 7, want)
					}
				}
			}
		}
	}
}

// walk reads all pages of a query and compares their items with want.
func (w *world) walk(q invitations.InvitationQuery, limit int, want []invitations.Record) {
	w.Helper()
	var got []invitations.Record
	for q.Limit = limit; ; {
		page := w.page(q)
		got = append(got, page.Items...)
		if len(page.Items) > limit || len(got) > len(want) {
			w.Fatalf("%+v: got %d invitations on a page, %d in all, want %d", q, len(page.Items), len(got), len(want))
		}
		if len(page.Items) < limit {
			break
		}
		q.After = positionIn(q, page.Items[limit-1])
	}
	w.equal(fmt.Sprintf("%+v", q), got, want)
}

// positionIn returns the position of a record in the order of q.
func positionIn(q invitations.InvitationQuery, r invitations.Record) *invitations.InvitationPosition {
	p := invitations.InvitationPosition{CreatedAt: r.CreatedAt, ID: r.ID}
	if q.Organization == "" {
		p.Organization = r.Organization
	}
	return &p
}

func pagesPositions(w *world) {
	all := w.variety()
	for limit := 1; limit <= 31; limit += 6 {
		w.walk(invitations.InvitationQuery{Organization: "acme", At: start}, limit, all)
	}
	before := func(p invitations.InvitationPosition) []invitations.Record {
		i := slices.IndexFunc(all, func(r invitations.Record) bool {
			return r.CreatedAt.Before(p.CreatedAt) || r.CreatedAt.Equal(p.CreatedAt) && bytes.Compare(r.ID[:], p.ID[:]) < 0
		})
		if i < 0 {
			return nil
		}
		return all[i:]
	}
	top := uuid.UUID(bytes.Repeat([]byte{0xff}, 16))
	for _, p := range []invitations.InvitationPosition{ // nothing stands at most of them
		{CreatedAt: start.Add(3 * time.Second), ID: id(14)},
		{CreatedAt: start.Add(3 * time.Second), ID: id(1000)},
		{CreatedAt: start.Add(3 * time.Second)},
		{CreatedAt: start.Add(3 * time.Second), ID: top},
		{CreatedAt: start.Add(3*time.Second + time.Microsecond)},
		{CreatedAt: start.Add(-time.Microsecond), ID: top},
		{CreatedAt: start, ID: id(0)},
		{CreatedAt: start.Add(100 * day)},
		{CreatedAt: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)},
		{CreatedAt: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
	} {
		page := w.page(invitations.InvitationQuery{Organization: "acme", At: start, After: &p, Limit: 100})
		w.equal(fmt.Sprintf("after %+v", p), page.Items, before(p))
	}
}

func pagesViewer(w *world) {
	w.twins()
	w.change("zeta", invitations.Changes{RemovedMembers: []string{"bob"}})
	bob := member("acme", "bob", "admin")
	for _, c := range []struct {
		organization, viewer string
		want                 *invitations.Member
	}{
		{"acme", "bob", &bob},
		{"zeta", "bob", nil},
		{"acme", "nobody", nil},
		{"acme", "", nil},
		{"none", "bob", nil},
	} {
		page := w.page(invitations.InvitationQuery{Organization: c.organization, Viewer: c.viewer, At: start, Limit: 1})
		w.equal("viewer of invitations", page.Viewer, c.want)
		events := w.events(invitations.EventQuery{Organization: c.organization, Viewer: c.viewer, Limit: 1})
		w.equal("viewer of events", events.Viewer, c.want)
		if n := len(page.Items) + len(events.Items); (c.organization == "none") != (n == 0) {
			w.Errorf("%s: got %d records", c.organization, n)
		}
	}
}
