package storetest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var receivedPageChecks = []check{
	{"InvitationsOfAnAddress", pagesReceived},
	{"InvitationsOfAnAddressAfterAnyPosition", pagesReceivedPositions},
}

// newestFirst is the order of the invitations of an address: by CreatedAt, by ID and by
// Organization as bytes, all descending.
func newestFirst(a, b invitations.InvitationPosition) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), bytes.Compare(b.ID[:], a.ID[:]), strings.Compare(b.Organization, a.Organization))
}

// mailbox puts invitations of ann and of others into organizations that have the same IDs at
// the same instants. It returns all invitations of ann, in order.
func (w *world) mailbox() []invitations.Record {
	w.Helper()
	var hers []invitations.Record
	for i, organization := range []string{"zeta", "acme", "Acme", "ä", "Ä", "z", "a\u0308", "none of hers"} {
		var c invitations.Changes
		for n := range 5 {
			r := invitation(organization, n)
			r.Email, r.CreatedAt = "ann@example.com", start.Add(time.Duration(n/2)*time.Second)
			r.ExpiresAt = start.Add(time.Microsecond)
			if organization == "none of hers" {
				r.Email = []string{"Ann@example.com", "ann@example.co", "bann@example.com", "ann@example.com ", "joe@example.com"}[n]
			} else if n == i%5 {
				r.Email = "joe@example.com" // each lacks another one
			}
			c.Invitations = append(c.Invitations, r)
		}
		for n, change := range []func(*invitations.Record){
			func(r *invitations.Record) { r.ExpiresAt = start }, // has expired at this very instant
			func(r *invitations.Record) { r.ExpiresAt = start.Add(-day) },
			func(r *invitations.Record) { r.State = invitations.StateAccepted },
			func(r *invitations.Record) { r.State = invitations.StateDeclined },
			func(r *invitations.Record) { r.State = invitations.StateRevoked },
			func(r *invitations.Record) { r.Kind, r.Email = invitations.KindLink, "" },
		} {
			r := invitation(organization, 100+n)
			r.Email = "ann@example.com"
			if organization == "none of hers" {
				r.Email = "joe@example.com"
			}
			change(&r)
			c.Invitations = append(c.Invitations, r)
		}
		w.change(organization, c)
		for _, r := range c.Invitations {
			if r.Email == "ann@example.com" {
				hers = append(hers, r)
			}
		}
	}
	slices.SortFunc(hers, func(a, b invitations.Record) int { return newestFirst(positionOf(a), positionOf(b)) })
	return hers
}

func positionOf(r invitations.Record) invitations.InvitationPosition {
	return invitations.InvitationPosition{CreatedAt: r.CreatedAt, ID: r.ID, Organization: r.Organization}
}

// received returns a query for the invitations of ann in some states, and those of all that it
// asks for.
func received(all []invitations.Record, states []invitations.State) (q invitations.InvitationQuery, want []invitations.Record) {
	q = invitations.InvitationQuery{States: states, Email: "ann@example.com", At: start}
	for _, r := range all {
		if passes(r, q) {
			want = append(want, r)
		}
	}
	return q, want
}

func pagesReceived(w *world) {
	all := w.mailbox()
	for _, states := range someStates {
		q, want := received(all, states)
		for _, limit := range []int{1, 2, 3, 4, 7, len(want) - 1, len(want), len(want) + 1, 1000} {
			if len(want) > 40 && limit < 7 {
				continue
			}
			w.walk(q, limit, want)
		}
		q.Limit = 1000
		if viewer := w.page(q).Viewer; viewer != nil {
			w.Errorf("got viewer %v", viewer)
		}
		q.Email = "nobody@example.com"
		w.equal("of another address", w.page(q).Items, []invitations.Record{})
	}
	q, _ := received(all, []invitations.State{invitations.StatePending})
	q.Limit, q.At = 1000, start.Add(time.Microsecond)
	w.equal("a microsecond later", w.page(q).Items, []invitations.Record{})
}

func pagesReceivedPositions(w *world) {
	all := w.mailbox()
	second := start.Add(time.Second)
	top := uuid.UUID(bytes.Repeat([]byte{0xff}, 16))
	positions := []invitations.InvitationPosition{ // nothing stands at most of them
		{CreatedAt: second, ID: id(3), Organization: "b"}, {CreatedAt: second, ID: id(3), Organization: "\U0010ffff"},
		{CreatedAt: second, ID: id(3), Organization: "A"}, {CreatedAt: second, ID: id(3), Organization: "\x20"},
		{CreatedAt: second, ID: top, Organization: "acme"}, {CreatedAt: second, Organization: "acme"},
		{CreatedAt: second.Add(time.Microsecond), ID: id(3), Organization: "acme"}, {CreatedAt: second.Add(-time.Microsecond), ID: id(3), Organization: "acme"},
		{CreatedAt: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), ID: top, Organization: "z"},
		{CreatedAt: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), Organization: "z"},
	}
	for _, r := range all {
		positions = append(positions, positionOf(r))
	}
	for _, states := range someStates[:3] {
		q, want := received(all, states)
		for _, p := range positions {
			first := slices.IndexFunc(want, func(r invitations.Record) bool { return newestFirst(positionOf(r), p) > 0 })
			if first < 0 {
				first = len(want)
			}
			q.After, q.Limit = &p, 3
			w.equal(fmt.Sprintf("in states %v, after %+v", states, p), w.page(q).Items, want[first:min(first+3, len(want))])
		}
	}
}
