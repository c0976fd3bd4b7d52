package behaviour

import (
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var eraseStories = []check{
	{"EraseAnAddress", storyEraseAddress},
	{"EraseAUser", storyEraseUser},
	{"Class15_ErasedSenderIsNotTheHost", storyErasedSender},
	{"Class16_ErasureIsExact", storyErasureExact},
	{"Class16_ErasureReachesDeletedOrganizations", storyEraseDeleted},
	{"ErasureIsResumed", storyEraseResumed},
	{"ErasureIsRefused", storyEraseRefused},
}

// The person to erase: texts that occur nowhere else.
const (
	zed        = "zed-4711"
	zedEmail   = "zed.4711@example.com"
	zedMessage = "Dear zed of the old days"
	zedTeam    = "the team of zed"
	pseudonym  = "erased 1"
)

// erase erases a person, however many calls it takes. It returns the number of rows.
func (w *world) erase(p invitations.EraseParams) (rows int) {
	w.Helper()
	for range 1000 {
		e, err := w.svc.Erase(w.ctx, p)
		w.ok(err)
		if rows += e.Rows; e.Done {
			return rows
		}
	}
	w.Fatal("an erasure has no end")
	return rows
}

// everything is all that the store and the service show of organizations, as JSON. It leaves out
// the marks of removals, quotas and amounts used, which remain under the ID of an erased user.
func (w *world) everything(organizations ...string) string {
	w.Helper()
	var all []any
	users := append(slices.Clone(everybody), zed, pseudonym)
	for _, o := range organizations {
		records := w.page(invitations.InvitationQuery{Organization: o, At: w.clock.Now(), Limit: 1000})
		q := invitations.Query{
			Organization: o, AlsoDeleted: true, Members: users, Totals: true, PendingAt: start, Emails: []string{zedEmail}, PendingFor: zedEmail,
			SendingsUpTo: 1000, SendingsAfter: start.Add(-day), TracesOf: invitations.Person{Email: zedEmail}, TracesUpTo: 1000,
		}
		for _, r := range records.Items {
			q.Invitations = append(q.Invitations, r.ID)
		}
		all = append(all, records, w.view(q))
		q.TracesOf, q.PendingSentBy = invitations.Person{UserID: zed}, zed
		all = append(all, w.view(q), w.events(invitations.EventQuery{Organization: o, Limit: 1000}))
		host := invitations.System()
		for inv, err := range w.svc.AllInvitations(w.ctx, host, invitations.InvitationsParams{Organization: o, Limit: 2}) {
			w.ok(err)
			all = append(all, inv)
		}
		for m, err := range w.svc.AllMembers(w.ctx, host, invitations.MembersParams{Organization: o, Limit: 2}) {
			w.ok(err)
			all = append(all, m)
		}
		all = append(all, w.timeline(host, invitations.TimelineParams{Organization: o, NewestFirst: true, Limit: 3}))
		statistics, err := w.svc.Statistics(w.ctx, host, invitations.StatisticsParams{Organization: o})
		w.ok(err)
		all = append(all, statistics)
	}
	everywhere, err := w.svc.Invitations(w.ctx, invitations.System(), invitations.InvitationsParams{Email: zedEmail})
	w.ok(err)
	workspaces, err := w.svc.Workspaces(w.ctx, invitations.WorkspacesParams{UserID: zed})
	w.ok(err)
	for _, p := range []invitations.Person{{Email: zedEmail}, {UserID: zed}} {
		traces, err := w.store.Traces(w.ctx, p, 100)
		w.ok(err)
		all = append(all, traces)
	}
	return string(marshal(append(all, everywhere, w.received(person("x", zedEmail), invitations.ReceivedParams{}), workspaces, w.follow(0))))
}

// traceless fails the check if one of the texts occurs in everything.
func (w *world) traceless(organizations []string, texts ...string) {
	w.Helper()
	all := w.everything(organizations...)
	for _, text := range texts {
		if i := strings.Index(all, text); i >= 0 {
			w.Fatalf("%q is left: %s", text, all[max(0, i-300):min(len(all), i+300)])
		}
	}
}

// inviteZed invites the person to erase, with a message and metadata.
func (w *world) inviteZed(organization string) invitations.SentInvitation {
	w.Helper()
	sent, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{
		Organization: organization, Email: "Zed.4711@Example.com", Role: "viewer", Message: zedMessage, Metadata: map[string]string{"team": zedTeam},
	})
	w.ok(err)
	return sent
}

// storyEraseAddress: an address leaves every list, event and statistic, together with the message
// and the metadata of its invitations. What was pending ends.
func storyEraseAddress(w *world) {
	w = w.with(invitations.Config{RemindBefore: 2 * day})
	w.company()
	w.found("beta", "ada")
	var ends []invitations.SentInvitation
	add := func(sent invitations.SentInvitation) invitations.SentInvitation {
		ends = append(ends, sent)
		return sent
	}
	w.accept(add(w.inviteZed("beta")), person(zed, zedEmail))
	expired := add(w.inviteZed("acme"))
	w.clock.Add(7 * day) // nobody has swept
	w.ok(w.svc.Decline(w.ctx, add(w.inviteZed("acme")).Token.Reveal()))
	w.ok(second(w.svc.Revoke(w.ctx, ada, "acme", add(w.inviteZed("acme")).ID)))
	pending := w.resend(bob, add(w.inviteZed("acme")))
	w.edit(bob, pending, invitations.EditParams{Role: "developer"})
	swept := add(w.inviteZed("zeta"))
	w.clock.Add(6 * day)
	w.sweepAll(100) // reminds of both
	before := w.state("acme", everybody...)
	positions := w.positions()

	if n := w.erase(invitations.EraseParams{Email: "ZED.4711@example.com"}); n < len(ends)+12 {
		w.Errorf("%d rows were erased", n)
	}
	w.traceless([]string{"acme", "zeta", "beta"}, zedEmail, zedMessage, zedTeam)

	// No invitation for the address is pending, or can be made so.
	for _, sent := range []invitations.SentInvitation{pending, expired, swept} {
		inv := w.get(sent)
		want := invitations.Invitation{
			ID: sent.ID, Organization: sent.Organization, Kind: invitations.KindEmail, State: invitations.StateRevoked, Role: inv.Role, MaxUses: 1,
			CreatedBy: "ada", SentBy: inv.SentBy, CreatedAt: sent.CreatedAt, SentAt: inv.SentAt, ExpiresAt: inv.ExpiresAt, EndedAt: w.clock.Now(),
		}
		w.equal("an erased invitation", inv, want)
		w.refused(second(w.svc.Resend(w.ctx, ada, invitations.ResendParams{Organization: sent.Organization, ID: sent.ID})), invitations.ErrRevoked)
		w.refused(second(w.svc.PendingToken(w.ctx, ada, sent.Organization, sent.ID)), invitations.ErrRevoked)
	}
	w.acceptRefused(pending, person(zed, zedEmail), invitations.ErrRevoked)
	w.refused(w.svc.Decline(w.ctx, pending.Token.Reveal()), invitations.ErrRevoked)
	for _, who := range []string{"", "eve"} { // an empty address equals none
		w.refused(second(w.svc.Accept(w.ctx, pending.Token.Reveal(), invitations.Identity{UserID: "x", Email: who, EmailVerified: true})), invitations.ErrNotPending)
	}
	// The membership stays, without the metadata of the invitation. Its replay works.
	m, err := w.svc.Member(w.ctx, "beta", zed)
	w.ok(err)
	w.equal("the member", m, invitations.Member{
		Organization: "beta", UserID: zed, Role: "viewer", JoinedAt: start, InvitationID: ends[0].ID, InvitedBy: "ada",
	})
	w.equal("a replay", w.accept(ends[0], person(zed, zedEmail)), m)
	// Other events keep their places, and new ones tell of each erased invitation.
	w.equal("positions of earlier events", w.positions()[:len(positions)], positions)
	told := map[uuid.UUID]int{}
	for _, e := range w.follow(positions[len(positions)-1]) {
		switch e.Type {
		case invitations.EventPersonErased:
			told[e.InvitationID]++
			w.equal("the event of an erasure", e, invitations.Event{
				Position: e.Position, Organization: e.Organization, Version: e.Version, Index: e.Index, Type: e.Type, At: w.clock.Now(), InvitationID: e.InvitationID,
			})
		case invitations.EventInvitationRevoked:
			w.equal("the reason of an end", []string{e.Reason, e.Actor, e.Email}, []string{"erased", "", ""})
		default:
			w.Errorf("got event %+v", e)
		}
	}
	for _, sent := range ends {
		w.equal("events of an erased invitation", told[sent.ID], 1)
	}
	after := w.state("acme", everybody...)
	w.equal("the number of invitations", len(after.Invitations.Items), len(before.Invitations.Items))
	w.unchanged("a second erasure", func() { w.equal("rows", w.erase(invitations.EraseParams{Email: zedEmail}), 0) })
	// The address can be invited again, and is like new.
	again := w.inviteZed("acme")
	w.equal("received", w.received(person(zed, zedEmail), invitations.ReceivedParams{}).Items, []invitations.Offer{offerOf(again)})
	w.accept(again, person(zed, zedEmail))
	for _, o := range []string{"acme", "zeta", "beta"} {
		w.explained(o)
	}
}

// positions returns the positions of all events in the feed.
func (w *world) positions() (all []int64) {
	w.Helper()
	for _, e := range w.follow(0) {
		all = append(all, e.Position)
	}
	return all
}

// storyEraseUser: the pseudonym stands wherever the user stood. Nothing else changes.
func storyEraseUser(w *world) {
	w.company()
	w.found("beta", zed)
	z := invitations.User(zed)
	w.accept(w.inviteZed("acme"), person(zed, zedEmail))
	w.changeRole(ada, "acme", zed, "admin")
	w.setQuota(ada, "acme", zed, 5, invitations.PeriodDay)
	w.accept(w.invite(z, "acme", "ann@example.com", "viewer"), annID)
	link := w.link(z, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	w.accept(link, invitations.Identity{UserID: "x"})
	w.resend(ada, link) // ada is the sender now
	joes := w.invite(z, "acme", "joe@example.com", "viewer")
	w.changeRole(z, "acme", "kim", "developer")
	w.ok(second(w.svc.RemoveMember(w.ctx, z, "acme", "dev")))
	w.ok(second(w.svc.AddMember(w.ctx, z, invitations.AddMemberParams{Organization: "acme", UserID: "eve", Role: "viewer"})))
	w.ok(second(w.svc.SetMetadata(w.ctx, z, invitations.SetMetadataParams{Organization: "acme", UserID: "kim", Metadata: map[string]string{"a": "b"}})))
	old := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	w.ok(second(w.svc.AddMember(w.ctx, z, invitations.AddMemberParams{Organization: "beta", UserID: "kim", Role: "owner"})))

	organizations := []string{"acme", "zeta", "beta"}
	var members *invitations.MembershipError
	for _, leave := range []func() error{
		func() error { return second(w.svc.RemoveMember(w.ctx, ada, "acme", zed)) },
		func() error { return second(w.svc.Leave(w.ctx, "beta", zed)) },
	} { // a membership stands in the way
		var err error
		w.unchanged("a membership in the way", func() {
			_, err = w.svc.Erase(w.ctx, invitations.EraseParams{UserID: zed, Pseudonym: pseudonym})
			w.refused(err, invitations.ErrConflict)
		})
		list, listErr := w.svc.Workspaces(w.ctx, invitations.WorkspacesParams{UserID: zed})
		w.ok(listErr)
		if !errors.As(err, &members) || members.Organization != list.Organizations[0].ID {
			w.Errorf("got error %v, which names %+v", err, members)
		}
		w.ok(leave())
	}
	w.equal("the invitation ends with its sender", w.get(joes).State, invitations.StateRevoked)

	want := []state{w.state("acme", everybody...), w.state("beta", everybody...), w.state("zeta", everybody...)}
	removal := w.view(invitations.Query{Organization: "acme", Members: []string{zed}, Removals: true}).Removals
	if n := w.erase(invitations.EraseParams{UserID: zed, Pseudonym: pseudonym}); n < 20 {
		w.Errorf("%d rows were erased", n)
	}
	w.traceless(organizations, zed)
	for i, o := range []string{"acme", "beta"} {
		got := w.state(o, everybody...)
		erased := got.Events.Items[len(got.Events.Items)-1]
		w.equal("the event of the erasure", erased, invitations.Event{
			Organization: o, Version: want[i].Facts.Version + 1, Type: invitations.EventPersonErased, At: start, Subject: pseudonym,
		})
		got.Facts.Version--
		got.Events.Items = got.Events.Items[:len(got.Events.Items)-1]
		w.equal(o, strings.ReplaceAll(string(marshal(got)), pseudonym, zed), string(marshal(want[i])))
	}
	w.equal("an organization without a trace", w.state("zeta", everybody...), want[2])
	w.equal("the timeline of the pseudonym", len(w.timeline(ada, invitations.TimelineParams{Organization: "acme", Actor: pseudonym})) > 5, true)
	w.equal("erased again", w.erase(invitations.EraseParams{UserID: zed, Pseudonym: pseudonym}), 0)
	// The mark of the removal stays under the ID, which must not come back by an old link.
	w.equal("the removal", w.view(invitations.Query{Organization: "acme", Members: []string{zed}, Removals: true}).Removals, removal)
	w.acceptRefused(old, person(zed, zedEmail), invitations.ErrRevoked)
	for _, o := range organizations {
		w.explained(o)
	}
}

// storyErasedSender: an invitation of an erased sender is worth as little as before. Its sender
// never becomes the host.
func storyErasedSender(w *world) {
	w.company()
	w.role("acme", zed, "owner")
	z := invitations.User(zed)
	mail := w.invite(z, "acme", "ann@example.com", "owner")
	link := w.link(z, invitations.CreateLinkParams{Organization: "acme", Role: "admin"})
	expired := w.invite(z, "acme", "joe@example.com", "admin")
	w.clock.Add(day)
	// The host removes the member past the library, so the invitations stay pending.
	w.change("acme", invitations.Changes{RemovedMembers: []string{zed}})
	dead := func(want error) {
		w.Helper()
		for _, sent := range []invitations.SentInvitation{mail, link} {
			w.acceptRefused(sent, annID, want)
			w.refused(second(w.svc.PendingToken(w.ctx, ada, "acme", sent.ID)), want)
		}
	}
	dead(invitations.ErrSenderNotEntitled)
	w.role("acme", pseudonym, "owner") // a member with this ID inherits nothing
	w.erase(invitations.EraseParams{UserID: zed, Pseudonym: pseudonym})
	dead(invitations.ErrRevoked)
	w.remove("acme", pseudonym)
	for _, sent := range []invitations.SentInvitation{mail, link, expired} {
		inv := w.get(sent)
		w.equal("the sender", []string{inv.CreatedBy, inv.SentBy}, []string{pseudonym, pseudonym})
	}
	w.clock.Add(6 * day)
	w.acceptRefused(expired, person("joe", "joe@example.com"), invitations.ErrRevoked)
}

// storyErasureExact: an erasure touches no other address, user or organization, however alike.
func storyErasureExact(w *world) {
	w.company()
	alike := []string{"zed.4711@example.co", "zed4711@example.com", "zed.4711+x@example.com", "zed.4711@sub.example.com", "aed.4711@example.com"}
	var others []invitations.SentInvitation
	for i, email := range alike {
		sent, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{
			Organization: []string{"acme", "zeta"}[i%2], Email: email, Role: "viewer", Message: "Hello", Metadata: map[string]string{"team": "red"},
		})
		w.ok(err)
		others = append(others, sent)
	}
	for _, user := range []string{"zed", "zed-471", "zed-47110", "Zed-4711"} {
		w.role("acme", user, "admin")
		w.invite(invitations.User(user), "acme", strings.ToLower(user)+"@example.org", "viewer")
	}
	w.accept(w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", Metadata: map[string]string{"team": "red"}}), person(zed, zedEmail))
	w.unchanged("a person without a trace", func() {
		w.equal("rows", w.erase(invitations.EraseParams{Email: zedEmail}), 0)
		w.equal("rows", w.erase(invitations.EraseParams{UserID: "nobody", Pseudonym: pseudonym}), 0)
	})
	w.inviteZed("zeta")
	want, users := w.state("acme", everybody...), append(slices.Clone(everybody), zed, "zed", "zed-471", "zed-47110", "Zed-4711")
	w.erase(invitations.EraseParams{Email: zedEmail})
	w.equal("an organization without the address", w.state("acme", everybody...), want)
	m, err := w.svc.Member(w.ctx, "acme", zed)
	w.ok(err)
	w.equal("the metadata of a link", m.Metadata, map[string]string{"team": "red"})
	w.leave("acme", zed)
	before := w.view(invitations.Query{Organization: "acme", Members: users, Removals: true}).Members
	w.erase(invitations.EraseParams{UserID: zed, Pseudonym: pseudonym})
	w.equal("the other members", w.view(invitations.Query{Organization: "acme", Members: users, Removals: true}).Members, before)
	for _, sent := range others {
		w.equal("another's invitation", w.get(sent), sent.Invitation)
		w.equal("a member of another address", w.accept(sent, person("p "+sent.Email, sent.Email)).Metadata, map[string]string{"team": "red"})
	}
	for _, organization := range []string{"acme", "zeta"} {
		for _, e := range w.state(organization).Events.Items {
			inv := slices.IndexFunc(others, func(s invitations.SentInvitation) bool { return s.ID == e.InvitationID })
			if inv >= 0 && e.Email != others[inv].Email {
				w.Errorf("%s of another has the address %q", e.Type, e.Email)
			}
		}
	}
}

// storyEraseDeleted: the rows of a deleted organization lose the person too, before they are
// purged and without showing again.
func storyEraseDeleted(w *world) {
	w.company()
	w.role("acme", zed, "owner")
	sent := w.inviteZed("acme")
	w.invite(invitations.User(zed), "acme", "joe@example.com", "viewer")
	w.accept(w.inviteZed("zeta"), person("y", zedEmail))
	w.ok(w.svc.DeleteOrganization(w.ctx, invitations.User(zed), "acme"))
	members := w.view(invitations.Query{Organization: "acme", AlsoDeleted: true, Totals: true}).Totals.Members
	w.erase(invitations.EraseParams{Email: zedEmail})
	w.erase(invitations.EraseParams{UserID: zed, Pseudonym: pseudonym}) // no membership there is in the way
	f := w.view(invitations.Query{
		Organization: "acme", AlsoDeleted: true, Invitations: []uuid.UUID{sent.ID}, Totals: true, TracesOf: invitations.Person{UserID: zed}, TracesUpTo: 100,
	})
	w.equal("the facts of the deleted organization", []any{f.Deleted, f.Totals.Members, f.TracedInvitations, f.TracedEvents},
		[]any{true, members, nil, nil})
	r := f.Invitations[sent.ID]
	w.equal("the invitation", []any{r.Email, r.Message, r.Metadata, r.State}, []any{"", "", nil, invitations.StateRevoked})
	all := string(marshal(w.follow(0)))
	for _, text := range []string{zed, zedEmail} {
		if strings.Contains(all, text) {
			w.Errorf("the feed still has %q", text)
		}
	}
	w.equal("deleted it stays", w.state("acme", everybody...), state{})
	w.refused(second(w.svc.Accept(w.ctx, sent.Token.Reveal(), person(zed, zedEmail))), noToken)
	_, err := w.svc.CreateOrganization(w.ctx, "acme", "ada")
	w.refused(err, invitations.ErrConflict)
	w.follow(0)
	w.clock.Add(3 * day)
	w.purge(w.clock.Now().Add(-day))
	w.equal("after the purge", w.erase(invitations.EraseParams{Email: zedEmail}), 0)
}
