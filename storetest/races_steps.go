package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/go-invitations/invitations"
)

// raceSerialized lets many updates count up one number, each from what it reads.
func raceSerialized(ctx context.Context, store invitations.Store) error {
	return rounds(crowdRounds, store, func(_ *invitations.Service, organization string) error {
		inv := link(organization, 1)
		inv.MaxUses, inv.Uses = 0, 0
		put := func(change func(f invitations.Facts) (invitations.Changes, error)) error {
			return store.Update(ctx, invitations.Query{Organization: organization, Invitation: inv.ID}, change)
		}
		if err := put(func(invitations.Facts) (invitations.Changes, error) {
			return invitations.Changes{Invitations: []invitations.Record{inv}}, nil
		}); err != nil {
			return err
		}
		answers := together(crowdSize, func(int) answer[int64] {
			var seen int64
			err := put(func(f invitations.Facts) (invitations.Changes, error) {
				seen = f.Version
				r := *f.Invitation
				r.Uses++
				return invitations.Changes{Invitations: []invitations.Record{r}, Events: []invitations.Event{event(organization, "x", inv.ID)}}, nil
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
		s, err := readState(ctx, store, organization)
		if err != nil {
			return err
		}
		return errors.Join(
			want("versions that the decisions saw", len(versions), crowdSize),
			want("the count", s.Invitations.Items[0].Uses, crowdSize),
			want("versions", int(s.Facts.Version), crowdSize+2),
			want("events", len(s.Events.Items), crowdSize+1),
		)
	})
}

// raceReads lets some read while one writes its version into everything: what a View or a
// page shows together is of one version.
func raceReads(ctx context.Context, store invitations.Store) error {
	const organization = "acme"
	q := invitations.Query{
		Organization: organization, Invitation: id(1), Sender: true, Members: []string{"ada", "bob"}, Removals: true,
		PendingSentBy: "bob", PendingAt: start, Quotas: true,
	}
	write := func() error {
		return store.Create(ctx, q, func(f invitations.Facts) (invitations.Changes, error) {
			version := f.Version + 1
			c := everything(organization)
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
	return errors.Join(together(5, func(i int) error {
		if i == 0 {
			defer written.Store(true)
			for range 4 * pairRounds {
				if err := write(); err != nil {
					return err
				}
			}
			return nil
		}
		for !written.Load() {
			f, err := store.View(ctx, q)
			if err != nil {
				return err
			}
			version := fmt.Sprint(f.Version)
			if f.Sender == nil || f.Invitation == nil || len(f.PendingRecords) != 1 {
				return fmt.Errorf("a view at version %s lacks something", version)
			}
			for what, got := range map[string]string{
				"a member": f.Members["ada"].InvitedBy, "another member": f.Members["bob"].InvitedBy, "the sender": f.Sender.InvitedBy,
				"the invitation": fmt.Sprint(f.Invitation.SentVersion), "the removal": fmt.Sprint(f.Removals["ada"]),
				"a pending invitation": fmt.Sprint(f.PendingRecords[0].SentVersion),
				"the shared quota":     fmt.Sprint(f.Quotas[""].Version), "a quota": fmt.Sprint(f.Quotas["bob"].Version),
			} {
				if got != version {
					return fmt.Errorf("a view at version %s has %s of version %s", version, what, got)
				}
			}
			page, err := store.Invitations(ctx, invitations.InvitationQuery{Organization: organization, Viewer: "ada", Limit: 1})
			if err != nil {
				return err
			}
			if shown := fmt.Sprint(page.Items[0].SentVersion); shown != page.Viewer.InvitedBy {
				return fmt.Errorf("a page has an invitation of version %s and its viewer of version %s", shown, page.Viewer.InvitedBy)
			}
			members, err := store.Members(ctx, invitations.MemberQuery{Organization: organization, Viewer: "bob", Limit: 1})
			if err != nil {
				return err
			}
			if len(members.Items) != 1 || members.Viewer == nil {
				return errors.New("a page of members lacks something")
			}
			if shown := members.Items[0].InvitedBy; shown != members.Viewer.InvitedBy {
				return fmt.Errorf("a page has a member of version %s and its viewer of version %s", shown, members.Viewer.InvitedBy)
			}
		}
		return nil
	})...)
}
