package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/behaviour"
)

// A finding is everything that a check reads of the organizations of a round.
type finding struct {
	ctx        context.Context
	store      invitations.Store
	svc        *invitations.Service
	scene      scene
	events     map[string][]invitations.Event // by organization
	effects    map[effect]int
	members    map[string]invitations.Member // of the shared organization
	pending    map[uuid.UUID]bool            // in the shared organization
	violations []string
}

func (f *finding) violation(format string, args ...any) {
	f.violations = append(f.violations, fmt.Sprintf(format, args...))
}

// check compares the store with the answers to the calls. It returns the violations. An error means
// that it could not read.
func check(ctx context.Context, store invitations.Store, s scene, j *journal) (*finding, error) {
	f := &finding{
		ctx: ctx, store: store, svc: newService(store), scene: s,
		events: map[string][]invitations.Event{}, effects: map[effect]int{}, members: map[string]invitations.Member{}, pending: map[uuid.UUID]bool{},
	}
	answers := j.tallies()
	for of := range answers {
		f.events[of.Organization] = nil
	}
	for organization := range f.events {
		if err := f.organization(organization); err != nil {
			return nil, err
		}
	}
	f.answers(answers)
	for _, part := range []func() error{f.rows, func() error { return f.usage(answers) }, func() error { return f.feed(j) }} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// organization reads the events of an organization, and checks that they give its rows. This includes
// the limits, and that there always was an owner.
func (f *finding) organization(organization string) error {
	joined, accepted := map[effect]int{}, map[effect]int{}
	for e, err := range f.svc.AllEvents(f.ctx, invitations.System(), invitations.TimelineParams{Organization: organization, Limit: 100}) {
		if err != nil {
			return err
		}
		f.events[organization] = append(f.events[organization], e)
		if of := effectOf(e); of != (effect{}) {
			f.effects[of]++
		}
		switch {
		case e.Type == invitations.EventMemberJoined && e.InvitationID != uuid.Nil:
			joined[effect{organization, "", e.InvitationID, e.Subject}]++
		case e.Type == invitations.EventInvitationAccepted:
			accepted[effect{organization, "", e.InvitationID, e.Actor}]++
		}
	}
	if !maps.Equal(joined, accepted) {
		f.violation("%s: acceptances and joined members differ", organization)
	}
	if len(f.events[organization]) == 0 {
		facts, err := f.store.View(f.ctx, invitations.Query{Organization: organization, AlsoDeleted: true})
		if err == nil && facts.Version != 0 {
			f.violation("%s has version %d and no events", organization, facts.Version)
		}
		return err
	}
	if err := behaviour.Explain(f.ctx, f.store, f.svc, config, organization); err != nil {
		f.violation("%s: %v", organization, err)
	}
	return nil
}

// answers compares the effects with the answers.
func (f *finding) answers(answers map[effect]tally) {
	for of, t := range answers {
		n := f.effects[of]
		if of.Type == consumed {
			continue
		}
		least, most := t[done], t[done]+t[unknown]
		if of.once() {
			least, most = min(1, least), min(1, most)
		}
		if n < least || n > most {
			f.violation("%s: it is there %d times, and the answers were %v", describe(of), n, t)
		}
	}
	for of, n := range f.effects {
		if answers[of] == nil {
			f.violation("%s: it is there %d times, and no call asked for it", describe(of), n)
		}
	}
}

func describe(of effect) string {
	text := of.Organization + " " + string(of.Type)
	if of.ID != uuid.Nil {
		text += " " + of.ID.String()
	}
	return strings.TrimSpace(text + " " + of.User)
}

// rows checks the rows of the shared organization, as the service shows them.
func (f *finding) rows() error {
	system, owners := invitations.System(), 0
	for m, err := range f.svc.AllMembers(f.ctx, system, invitations.MembersParams{Organization: f.scene.Organization, Limit: 100}) {
		if err != nil {
			return err
		}
		f.members[m.UserID] = m.Member
		if m.Role == invitations.RoleOwner {
			owners++
		}
	}
	if len(f.members) > memberLimit {
		f.violation("%d members, and there are %d seats", len(f.members), memberLimit)
	}
	if owners != 1 {
		f.violation("%d owners, and each transfer leaves 1", owners)
	}
	accepted := map[uuid.UUID]int{}
	for of, n := range f.effects {
		if of.Type == invitations.EventInvitationAccepted {
			accepted[of.ID] += n
		}
	}
	for inv, err := range f.svc.AllInvitations(f.ctx, system, invitations.InvitationsParams{Organization: f.scene.Organization, Limit: 100}) {
		if err != nil {
			return err
		}
		f.pending[inv.ID] = inv.State == invitations.StatePending
		most := 1
		if inv.Kind == invitations.KindLink {
			most = inv.MaxUses
		}
		if n := accepted[inv.ID]; n > most || n != inv.Uses {
			f.violation("%s %s was accepted %d times, has %d uses and admits %d", inv.Kind, inv.ID, n, inv.Uses, most)
		}
	}
	return nil
}

// usage compares the amounts used with the consumptions. Each took from the quota of a client and
// from that of the organization.
func (f *finding) usage(answers map[effect]tally) error {
	u, err := f.svc.Usage(f.ctx, invitations.System(), invitations.UsageParams{
		Organization: f.scene.Organization, Period: invitations.PeriodEndless, Limit: 100,
	})
	if err != nil {
		return err
	}
	used, total := map[string]int64{}, int64(0)
	for _, m := range u.Members {
		used[m.UserID] = m.Used
		total += m.Used
	}
	for n := range clients {
		t := answers[effect{f.scene.Organization, consumed, uuid.Nil, clientName(n)}]
		if n := used[clientName(n)]; n < int64(t[done]) || n > int64(t[done]+t[unknown]) || n > ownQuota {
			f.violation("a client used %d of %d, and the answers were %v", n, ownQuota, t)
		}
	}
	if u.Shared != total || total > quota {
		f.violation("%d are used of the quota of %d, and %d by members", u.Shared, quota, total)
	}
	return nil
}

// feed checks that the feed has every event once and in order, and that clients have read what it has.
// It also checks what the errors say.
func (f *finding) feed(j *journal) error {
	fed, after, positions := map[string][]string{}, f.scene.Position, map[int64]string{}
	for {
		events, err := f.svc.Feed(f.ctx, after, 100)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			break
		}
		for _, e := range events {
			if e.Position <= after {
				f.violation("position %d of the feed comes after position %d", e.Position, after)
			}
			after = e.Position
			positions[e.Position] = nameOf(e)
			fed[e.Organization] = append(fed[e.Organization], nameOf(e))
		}
	}
	for organization, events := range f.events {
		var names []string
		for _, e := range events {
			names = append(names, nameOf(e))
		}
		if !slices.Equal(fed[organization], names) {
			f.violation("%s: the feed has %d events, and the timeline %d", organization, len(fed[organization]), len(names))
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	f.violations = append(f.violations, j.found...)
	for text := range j.errors {
		if strings.Contains(text, "@example.com") || strings.Contains(text, "inv_") {
			f.violation("an error quotes an address or a token: %s", text)
		}
	}
	for position, name := range j.seen {
		if positions[position] != name {
			f.violation("a client read %q at position %d of the feed, and there is %q", name, position, positions[position])
		}
	}
	return nil
}

// repeatUnknown repeats the calls of unknown outcome. If the effect of one is there, the answer must
// be that of the first call.
func (f *finding) repeatUnknown(j *journal, repeats []repeat) error {
	for _, r := range repeats {
		n := j.begin(r.effect)
		err := r.call(f.ctx, f.svc)
		a := answerOf(err)
		j.end(n, a, fmt.Sprint(err))
		if a == failed || a == unknown {
			return fmt.Errorf("repeating a call without a fault: %w", err)
		}
		there := f.effects[r.effect] > 0
		switch r.effect.Type {
		case invitations.EventInvitationAccepted:
			_, isMember := f.members[r.effect.User]
			there = there && isMember
		case invitations.EventInvitationCreated:
			there = there && f.pending[r.effect.ID]
		}
		if there && a != done {
			f.violation("%s: it is there, and repeating the call is refused: %v", describe(r.effect), err)
		}
	}
	return nil
}

// goesOn checks that everything still works: somebody is invited and accepts.
func (f *finding) goesOn() error {
	system := invitations.System()
	unlimited := invitations.Limits{Members: invitations.NoLimit, Pending: 1000}
	if err := f.svc.SetLimits(f.ctx, system, f.scene.Organization, unlimited); err != nil {
		return err
	}
	const email = "last@example.com"
	s, err := f.svc.Invite(f.ctx, system, invitations.InviteParams{Organization: f.scene.Organization, Email: email, Role: "viewer"})
	if err != nil {
		return err
	}
	_, err = f.svc.Accept(f.ctx, s.Token.Reveal(), invitations.Identity{UserID: "last", Email: email, EmailVerified: true})
	if err != nil {
		return err
	}
	if _, err := f.svc.Member(f.ctx, f.scene.Organization, "last"); errors.Is(err, invitations.ErrNotFound) {
		f.violation("a new member is not there")
	} else if err != nil {
		return err
	}
	return nil
}
