package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var updateRaces = []race{
	{name: "SerializedUpdates", round: raceSerialized},
	{name: "FactsOfAnUpdateAreOfOneVersion", round: raceFacts},
	{name: "ReadsAreOfOneVersion", round: raceReads},
	{name: "CreatesOfOneOrganization", round: raceCreates},
	{name: "FoundersOfOneOrganization", round: raceFounders},
}

// raceSerialized lets many Updates count up one number, each from the number that it reads.
func raceSerialized(r *round) error {
	inv := link(r.organization, 1)
	inv.MaxUses, inv.Uses = 0, 0
	if err := r.update(invitations.Changes{Invitations: []invitations.Record{inv}}); err != nil {
		return err
	}
	answers := together(crowdSize, func(int) answer[int64] {
		var seen int64
		q := invitations.Query{Organization: r.organization, Invitation: inv.ID}
		err := r.store.Update(r.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
			if f.Invitation == nil {
				return invitations.Changes{}, errors.New("the invitation is missing")
			}
			seen = f.Version
			counted := *f.Invitation
			counted.Uses++
			return invitations.Changes{
				Invitations: []invitations.Record{counted}, Events: []invitations.Event{event(r.organization, "x", inv.ID)},
			}, nil
		})
		return answer[int64]{seen, err}
	})
	if _, err := tally(answers); err != nil {
		return err
	}
	versions := map[int64]bool{}
	for _, a := range answers {
		versions[a.value] = true
	}
	s, err := readState(r.ctx, r.store, r.organization)
	if err != nil {
		return err
	}
	stored, err := s.oneRecord()
	return errors.Join(
		err,
		want("versions that the decisions saw", len(versions), crowdSize),
		want("the count", stored.Uses, crowdSize),
		want("versions", int(s.Facts.Version), crowdSize+2),
		want("events", len(s.Events.Items), crowdSize+1),
	)
}

// raceFacts lets many Updates add one of each row. Every fact that a decision sees must be of
// the version that it sees.
func raceFacts(r *round) error {
	const updates = 12
	addresses := make([]string, updates)
	users := names("user", updates)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("p%d@example.com", i)
	}
	q := invitations.Query{
		Organization: r.organization, Invitation: id(1000), Sender: true, Invitations: []uuid.UUID{id(1000)},
		Members: append([]string{"ada"}, users...), Removals: true, Quotas: true,
		Emails: addresses, CountPending: true, CountReserved: true, PendingSentBy: "bob", PendingAt: start,
		SendingsUpTo: 100, SendingsAfter: start.Add(-day), CountSeats: true, Limits: limitsOf(100), Totals: true, OwnersUpTo: 100,
		TracesOf: invitations.Person{UserID: "cid"}, TracesUpTo: 100,
	}
	// The nth write leaves n of each row, and version n+1.
	write := func(n int) invitations.Changes {
		inv, shared := invitation(r.organization, n), link(r.organization, 1000)
		inv.Email = addresses[n-1]
		shared.SentBy, shared.MaxUses, shared.Uses = "ada", 0, n
		ada := member(r.organization, "ada", invitations.RoleOwner)
		ada.Metadata = map[string]string{"n": fmt.Sprint(n)}
		e := event(r.organization, "x", inv.ID)
		e.At, e.InvitedBy = start.Add(time.Duration(n)*time.Microsecond), "cid"
		joined := member(r.organization, users[n-1], invitations.RoleOwner)
		joined.InvitedBy = "cid"
		return invitations.Changes{
			Limits:      &invitations.Limits{Pending: 1000 + n},
			Invitations: []invitations.Record{inv, shared},
			Members:     []invitations.Member{ada, joined},
			Removals:    []string{"ada", users[n-1]},
			Quotas: []invitations.QuotaRecord{
				quota(r.organization, "", int64(n), invitations.PeriodDay, int64(n)), quota(r.organization, users[n-1], 1, invitations.PeriodDay, 1),
			},
			Events: []invitations.Event{e},
		}
	}
	if err := r.update(write(1)); err != nil {
		return err
	}
	return cmp.Or(together(updates-1, func(int) error {
		var torn error
		err := r.store.Update(r.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
			n := int(f.Version) - 1
			if n < 1 || n >= updates {
				torn = fmt.Errorf("a decision sees version %d", f.Version)
				return invitations.Changes{}, nil
			}
			torn = ofWrite(f, n)
			return write(n + 1), nil
		})
		return errors.Join(err, torn)
	})...)
}

// ofWrite returns an error if one of the facts of raceFacts is not that of the nth write.
func ofWrite(f invitations.Facts, n int) error {
	if f.Invitation == nil || f.Sender == nil {
		return errors.New("a decision misses the invitation or its sender")
	}
	for what, got := range map[string]int{
		"Invitation": f.Invitation.Uses, "Invitations": f.Invitations[id(1000)].Uses,
		"Members": len(f.Members) - 1, "Removals": len(f.Removals) - 1, "Quotas": len(f.Quotas) - 1,
		"a removal": int(f.Removals["ada"]) - 1, "the shared quota": int(f.Quotas[""].Version),
		"PendingByEmail": len(f.PendingByEmail), "PendingCount": f.PendingCount - 1, "ReservedCount": f.ReservedCount,
		"PendingRecords": len(f.PendingRecords), "Sendings": len(f.Sendings),
		"SeatCount": f.SeatCount - 1, "Totals": f.Totals.Members - 1, "PendingEmails": f.Totals.PendingEmails, "Reserved": f.Totals.Reserved,
		"Limits": f.Limits.Pending - 1000, "TracedInvitations": len(f.TracedInvitations) - 1,
		"TracedMembers": len(f.TracedMembers), "TracedEvents": len(f.TracedEvents), "OwnerCount": f.OwnerCount - 1,
	} {
		if got != n {
			return fmt.Errorf("a decision at version %d sees %s of version %d", n+1, what, got+1)
		}
	}
	for what, m := range map[string]invitations.Member{"Sender": *f.Sender, "a member": f.Members["ada"]} {
		if m.Metadata["n"] != fmt.Sprint(n) {
			return fmt.Errorf("a decision at version %d sees %s of write %s", n+1, what, m.Metadata["n"])
		}
	}
	return nil
}

// raceReads lets four read while one writes its version into everything. A View or a page must
// show one version.
func raceReads(r *round) error {
	const writes = 20
	q := invitations.Query{
		Organization: r.organization, Invitation: id(1), Sender: true, Members: []string{"ada", "bob"}, Removals: true,
		PendingSentBy: "bob", PendingAt: start, Quotas: true,
	}
	write := func() error {
		return r.store.Update(r.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
			version := f.Version + 1
			c := everything(r.organization)
			c.Limits = &invitations.Limits{Pending: int(version)}
			for i := range c.Members {
				c.Members[i].InvitedBy = fmt.Sprint(version)
			}
			c.Invitations = c.Invitations[:1]
			c.Invitations[0].SentVersion = version
			c.Removals = []string{"ada"}
			for i := range c.Quotas {
				c.Quotas[i].Version = version
			}
			return c, nil
		})
	}
	if err := write(); err != nil {
		return err
	}
	var written atomic.Bool
	return cmp.Or(together(5, func(i int) error {
		if i == 0 {
			defer written.Store(true)
			for range writes {
				if err := write(); err != nil {
					return err
				}
			}
			return nil
		}
		for !written.Load() {
			if err := r.readOnce(q); err != nil {
				return err
			}
		}
		return nil
	})...)
}

// readOnce returns an error if the View or a page of raceReads shows more than one version.
func (r *round) readOnce(q invitations.Query) error {
	f, err := r.store.View(r.ctx, q)
	if err != nil {
		return err
	}
	version := fmt.Sprint(f.Version)
	if f.Sender == nil || f.Invitation == nil || len(f.PendingRecords) != 1 {
		return fmt.Errorf("a View at version %s misses the invitation, its sender or a pending record", version)
	}
	for what, got := range map[string]string{
		"a member": f.Members["ada"].InvitedBy, "another member": f.Members["bob"].InvitedBy, "the sender": f.Sender.InvitedBy,
		"the invitation": fmt.Sprint(f.Invitation.SentVersion), "the removal": fmt.Sprint(f.Removals["ada"]),
		"a pending invitation": fmt.Sprint(f.PendingRecords[0].SentVersion),
		"the shared quota":     fmt.Sprint(f.Quotas[""].Version), "a quota": fmt.Sprint(f.Quotas["bob"].Version),
		"the limits": fmt.Sprint(f.Limits.Pending),
	} {
		if got != version {
			return fmt.Errorf("a View at version %s has %s of version %s", version, what, got)
		}
	}
	page, err := r.store.Invitations(r.ctx, invitations.InvitationQuery{Organization: r.organization, Viewer: "ada", Limit: 1})
	if err != nil {
		return err
	}
	if len(page.Items) != 1 || page.Viewer == nil {
		return errors.New("a page of invitations misses its item or its viewer")
	}
	if shown := fmt.Sprint(page.Items[0].SentVersion); shown != page.Viewer.InvitedBy {
		return fmt.Errorf("a page has an invitation of version %s and its viewer of version %s", shown, page.Viewer.InvitedBy)
	}
	members, err := r.store.Members(r.ctx, invitations.MemberQuery{Organization: r.organization, Viewer: "ada", Quotas: true, After: "ada", Limit: 1})
	if err != nil {
		return err
	}
	if len(members.Items) != 1 || members.Viewer == nil {
		return errors.New("a page of members misses its item or its viewer")
	}
	if shown := members.Items[0].InvitedBy; shown != members.Viewer.InvitedBy {
		return fmt.Errorf("a page has a member of version %s and its viewer of version %s", shown, members.Viewer.InvitedBy)
	}
	for _, q := range []*invitations.QuotaRecord{members.Items[0].Own, members.Items[0].Shared} {
		if q == nil || fmt.Sprint(q.Version) != members.Viewer.InvitedBy {
			return fmt.Errorf("a page has a quota %v and its viewer of version %s", q, members.Viewer.InvitedBy)
		}
	}
	events, err := r.store.Events(r.ctx, invitations.EventQuery{Organization: r.organization, Viewer: "ada", NewestFirst: true, Limit: 1})
	if err != nil {
		return err
	}
	if len(events.Items) != 1 || events.Viewer == nil {
		return errors.New("a page of events misses its item or its viewer")
	}
	if shown := fmt.Sprint(events.Items[0].Version); shown != events.Viewer.InvitedBy {
		return fmt.Errorf("a page has an event of version %s and its viewer of version %s", shown, events.Viewer.InvitedBy)
	}
	return nil
}

// raceCreates lets many Creates of one organization add a member each, from the number of
// members that they see.
func raceCreates(r *round) error {
	organization := r.organization + ", created by many"
	answers := together(crowdSize, func(i int) answer[int] {
		seen := -1
		q := invitations.Query{Organization: organization, CountSeats: true, Limits: limitsOf(2 * crowdSize)}
		err := r.store.Create(r.ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
			seen = f.SeatCount
			if int64(seen) != f.Version || f.Organization != organization {
				return invitations.Changes{}, fmt.Errorf("a decision on %q at version %d sees %d members", f.Organization, f.Version, seen)
			}
			return invitations.Changes{Members: []invitations.Member{member(organization, fmt.Sprint("user ", i), "viewer")}}, nil
		})
		return answer[int]{seen, err}
	})
	if _, err := tally(answers); err != nil {
		return err
	}
	seen := map[int]bool{}
	for _, a := range answers {
		seen[a.value] = true
	}
	f, err := r.store.View(r.ctx, invitations.Query{Organization: organization, CountSeats: true, Limits: limitsOf(2 * crowdSize)})
	return errors.Join(err, want("numbers of members that the decisions saw", len(seen), crowdSize),
		want("members", f.SeatCount, crowdSize), want("versions", int(f.Version), crowdSize))
}

func raceFounders(r *round) error {
	organization := r.organization + ", founded by one"
	owners := names("owner", crowdSize)
	n, err := tally(together(crowdSize, func(i int) answer[invitations.Member] {
		return answerOf(r.svc.CreateOrganization(r.ctx, organization, owners[i]))
	}), invitations.ErrConflict)
	if err != nil {
		return err
	}
	s, err := readState(r.ctx, r.store, organization, owners...)
	return errors.Join(err, want("successes", n, 1), want("owners", len(s.Facts.Members), 1), want("events", len(s.Events.Items), 1))
}
