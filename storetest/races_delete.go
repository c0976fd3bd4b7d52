package storetest

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/go-invitations/invitations"
)

var deletionRaces = []race{
	{name: "DeletionAgainstAccepts", round: raceDeletionAccepts},
	{name: "DeletionAgainstInvites", round: raceDeletionInvites},
	{name: "DeletionAgainstCreates", round: raceDeletionCreates},
}

// deleted returns the facts of a deleted organization, and its events after the start of a
// follower. It returns an error if anything happened after the deletion.
func (r *round) deleted(organization string, f *follower, users ...string) (invitations.Facts, []invitations.Event, error) {
	facts, err := r.store.View(r.ctx, invitations.Query{Organization: organization, Totals: true, PendingAt: start})
	if err == nil && facts.Version != 0 {
		err = errors.New("the organization still exists")
	}
	if err != nil {
		return facts, nil, err
	}
	facts, err = r.store.View(r.ctx, invitations.Query{
		Organization: organization, AlsoDeleted: true, Members: users, Totals: true, PendingAt: start,
	})
	if err := cmp.Or(err, f.toTheEnd(r.ctx)); err != nil {
		return facts, nil, err
	}
	var events []invitations.Event
	deletions := 0
	for _, e := range f.all {
		if e.Organization != organization {
			continue
		}
		events = append(events, e)
		if e.Type == invitations.EventOrganizationDeleted {
			deletions++
			err = errors.Join(err, want("version of the last change", int(facts.Version), int(e.Version)))
		}
	}
	return facts, events, errors.Join(err, want("events of a deletion", deletions, 1))
}

// follower returns a follower that has reached the end of the feed.
func (r *round) follower() (*follower, error) {
	f := &follower{store: r.store, limit: 1000}
	err := f.toTheEnd(r.ctx)
	f.all = nil
	return f, err
}

// count returns the number of events of a type.
func count(events []invitations.Event, which invitations.EventType) (n int) {
	for _, e := range events {
		if e.Type == which {
			n++
		}
	}
	return n
}

// deletion deletes the organization while a crowd calls do.
func (r *round) deletion(crowd int, do func(i int) error) (done []answer[int], f *follower, err error) {
	if f, err = r.follower(); err != nil {
		return nil, nil, err
	}
	actor := []invitations.Actor{ada, invitations.System()}[r.n%2]
	place := r.random.IntN(crowd)
	done = together(crowd+1, func(i int) answer[int] {
		switch {
		case i == place:
			return answer[int]{err: r.svc.DeleteOrganization(r.ctx, actor, r.organization)}
		case i == crowd:
			return answer[int]{place, do(place)}
		}
		return answer[int]{i, do(i)}
	})
	err = done[place].err
	return append(done[:place], done[place+1:]...), f, err
}

// raceDeletionAccepts deletes an organization while many join it. Nobody is a member afterwards,
// and a call succeeded if and only if it came before.
func raceDeletionAccepts(r *round) error {
	const crowd = 16
	users := names(r.organization+", user", crowd)
	sent, err := r.link(invitations.CreateLinkParams{Role: "viewer"})
	if err != nil {
		return err
	}
	answers, f, err := r.deletion(crowd, func(i int) error {
		return second(r.svc.Accept(r.ctx, sent.Token.Reveal(), invitations.Identity{UserID: users[i]}))
	})
	if err != nil {
		return err
	}
	n, err := tally(answers, invitations.ErrInvalidToken)
	if err != nil {
		return err
	}
	facts, events, err := r.deleted(r.organization, f, users...)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if _, isMember := facts.Members[users[a.value]]; isMember != (a.err == nil) {
			return fmt.Errorf("an acceptance ended with %v, and the user had become a member: %v", a.err, isMember)
		}
	}
	_, memberships, err := r.store.Workspaces(r.ctx, invitations.WorkspaceQuery{UserID: users[answers[0].value], Limit: 9})
	return errors.Join(
		err,
		want("members at the deletion", facts.Totals.Members, n+1), want("events of members that joined", count(events, invitations.EventMemberJoined), n),
		want("versions", int(facts.Version), 3+n), want("memberships of a user", len(memberships), 0),
	)
}

// raceDeletionInvites deletes an organization while many are invited. No invitation is pending
// afterwards.
func raceDeletionInvites(r *round) error {
	const crowd = 8
	address := func(i int) string { return fmt.Sprintf("p%d.%d@example.com", r.n, i) }
	answers, f, err := r.deletion(crowd, func(i int) error {
		return second(r.svc.Invite(r.ctx, ada, invitations.InviteParams{Organization: r.organization, Email: address(i), Role: "viewer"}))
	})
	if err != nil {
		return err
	}
	n, err := tally(answers, invitations.ErrPermissionDenied)
	if err != nil {
		return err
	}
	facts, events, err := r.deleted(r.organization, f)
	if err != nil {
		return err
	}
	for i := range crowd {
		page, err := r.store.Invitations(r.ctx, invitations.InvitationQuery{Email: address(i), At: start, Limit: 9})
		if err := errors.Join(err, want("invitations of an address", len(page.Items), 0)); err != nil {
			return err
		}
	}
	return errors.Join(
		want("pending invitations at the deletion", facts.Totals.PendingEmails, n),
		want("events of invitations", count(events, invitations.EventInvitationCreated), n), want("versions", int(facts.Version), 2+n),
	)
}

// raceDeletionCreates deletes an organization while many create it. In every second round it
// exists before. Its ID stays taken.
func raceDeletionCreates(r *round) error {
	const creators, deleters = 8, 4
	organization := r.organization + ", created and deleted"
	f, err := r.follower()
	if err != nil {
		return err
	}
	existed := r.n%2 == 0
	if existed {
		if _, err := r.svc.CreateOrganization(r.ctx, organization, "owner 0"); err != nil {
			return err
		}
	}
	answers := together(creators+deleters, func(i int) answer[bool] {
		if i < creators {
			return answer[bool]{true, second(r.svc.CreateOrganization(r.ctx, organization, fmt.Sprint("owner ", i)))}
		}
		return answer[bool]{false, r.svc.DeleteOrganization(r.ctx, invitations.System(), organization)}
	})
	created, deleted := 0, 0
	for i, a := range answers {
		switch {
		case a.err == nil && a.value && existed && i > 0:
			return fmt.Errorf("owner %d creates an organization that owner 0 had created", i)
		case a.err == nil && a.value:
			created++
		case a.err == nil:
			deleted++
		case a.value && !errors.Is(a.err, invitations.ErrConflict), !a.value && !errors.Is(a.err, invitations.ErrNotFound):
			return fmt.Errorf("a call ended with: %w", a.err)
		}
	}
	if deleted > 1 || !existed && created != 1 {
		return fmt.Errorf("%d calls created the organization, and %d deleted it", created, deleted)
	}
	if deleted == 0 {
		if err := r.svc.DeleteOrganization(r.ctx, invitations.System(), organization); err != nil {
			return fmt.Errorf("the organization cannot be deleted: %w", err)
		}
	}
	if _, err := r.svc.CreateOrganization(r.ctx, organization, "owner 0"); !errors.Is(err, invitations.ErrConflict) {
		return fmt.Errorf("a Create after the deletion ended with: %w", err)
	}
	facts, events, err := r.deleted(organization, f)
	return errors.Join(err, want("members at the deletion", facts.Totals.Members, 1), want("versions", int(facts.Version), 2), want("events", len(events), 2))
}
