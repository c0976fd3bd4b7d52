package behaviour

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

var addStories = []check{
	{"AddMember", storyAddMember},
	{"AddMemberAgain", storyAddAgain},
	{"AddMemberAfterARemoval", storyAddRemoved},
	{"AddMemberTakesASeatOnly", storyAddSeat},
	{"Class10_AdditionGivesNoMoreThanTheActorHolds", storyAddRank},
	{"MetadataOfAMember", storySetMetadata},
	{"EditOfQuotaAndMetadata", storyEditGrant},
}

func storyAddMember(w *world) {
	w.company()
	mail := w.invite(ada, "acme", "ann@example.com", "admin")
	elsewhere := w.invite(ada, "zeta", "ann@example.com", "viewer")
	w.clock.Add(time.Hour)
	version := w.version("acme")
	metadata := map[string]string{"source": "scim"}
	some := invitations.Quota{Limit: 5, Period: invitations.PeriodDay}
	joined, err := w.svc.AddMember(w.ctx, bob, invitations.AddMemberParams{
		Organization: "acme", UserID: "ann", Role: "developer", Email: "Ann@Example.com", Quota: some, Metadata: metadata,
	})
	w.ok(err)
	metadata["source"] = "changed by the caller"
	want := invitations.Member{
		Organization: "acme", UserID: "ann", Role: "developer", JoinedAt: w.clock.Now(), InvitedBy: "bob", Metadata: map[string]string{"source": "scim"},
	}
	w.equal("joined", joined, invitations.Joined{Member: want})
	got, err := w.svc.Member(w.ctx, "acme", "ann")
	w.ok(err)
	w.equal("stored", got, want)
	w.equal("events", w.happened("acme", version+1), []invitations.Event{
		{Version: version + 1, Index: 0, Type: invitations.EventMemberJoined, Actor: "bob", Subject: "ann", Role: "developer", InvitedBy: "bob"},
		{
			Version: version + 1, Index: 1, Type: invitations.EventInvitationRevoked, Actor: "bob", InvitationID: mail.ID, Email: "ann@example.com", Role: "admin",
			MaxUses: 1, ExpiresAt: mail.ExpiresAt, Reason: "already_member",
		},
		{Version: version + 1, Index: 2, Type: invitations.EventQuotaChanged, Actor: "bob", Subject: "ann", Quota: some},
	})
	w.equal("the invitation", w.get(mail).State, invitations.StateRevoked)
	w.equal("that of the other organization", w.get(elsewhere), elsewhere.Invitation)
	w.remains(invitations.InOrganization("acme"), "ann", invitations.Balance{Own: usage(5, invitations.PeriodDay, 0, tomorrow)})
	w.holds("acme", "ann", invitations.PermissionOrganizationUse, true)
	w.holds("zeta", "ann", invitations.PermissionOrganizationUse, false)
	// An addition is no acceptance: an invitation that is sent later is for somebody else.
	w.acceptRefused(w.invite(ada, "acme", "ann@example.com", "owner"), annID, invitations.ErrAlreadyMember)
	w.unchanged("refused", func() {
		for name, c := range map[string]struct {
			p    invitations.AddMemberParams
			want error
		}{
			"no user":              {invitations.AddMemberParams{Organization: "acme", Role: "viewer"}, invitations.ErrInvalid},
			"no organization":      {invitations.AddMemberParams{UserID: "x", Role: "viewer"}, invitations.ErrInvalid},
			"no role":              {invitations.AddMemberParams{Organization: "acme", UserID: "x"}, invitations.ErrInvalid},
			"an unknown role":      {invitations.AddMemberParams{Organization: "acme", UserID: "x", Role: "superuser"}, invitations.ErrInvalid},
			"no address":           {invitations.AddMemberParams{Organization: "acme", UserID: "x", Role: "viewer", Email: "ann"}, invitations.ErrInvalid},
			"a limit below zero":   {invitations.AddMemberParams{Organization: "acme", UserID: "x", Role: "viewer", Quota: invitations.Quota{Limit: -2, Period: "day"}}, invitations.ErrInvalid},
			"a key without a text": {invitations.AddMemberParams{Organization: "acme", UserID: "x", Role: "viewer", Metadata: map[string]string{"": "x"}}, invitations.ErrInvalid},
			"nowhere":              {invitations.AddMemberParams{Organization: "none", UserID: "x", Role: "viewer"}, notFound},
		} {
			joined, err := w.svc.AddMember(w.ctx, invitations.System(), c.p)
			w.refusal(name, err, c.want)
			w.equal("the member of a refusal", joined, invitations.Joined{})
		}
	})
	w.explained("acme")
}

// storyAddAgain: the same call again returns the same membership. It changes nothing, neither the
// role nor anything else.
func storyAddAgain(w *world) {
	w.company()
	add := func(actor invitations.Actor, user string, role invitations.Role) (invitations.Joined, error) {
		return w.svc.AddMember(w.ctx, actor, invitations.AddMemberParams{
			Organization: "acme", UserID: user, Role: role, Email: "ann@example.com", Metadata: map[string]string{"n": string(role)},
			Quota: invitations.Quota{Limit: 7, Period: invitations.PeriodDay},
		})
	}
	first, err := add(invitations.System(), "joe", "viewer")
	w.ok(err)
	mail := w.invite(ada, "acme", "ann@example.com", "viewer")
	invited := w.accept(w.invite(ada, "acme", "x@example.com", "viewer"), person("x", "x@example.com"))
	w.clock.Add(time.Hour)
	w.unchanged("again", func() {
		for _, actor := range []invitations.Actor{invitations.System(), ada, bob} {
			again, err := add(actor, "joe", "viewer")
			w.ok(err)
			w.equal("again", again, invitations.Joined{Member: first.Member, Repeated: true})
			again, err = add(actor, "x", "viewer") // who joined in another way
			w.ok(err)
			w.equal("again", again, invitations.Joined{Member: invited, Repeated: true})
		}
		for _, role := range []invitations.Role{"admin", "developer", "owner"} {
			w.refusal("as "+string(role), second(add(invitations.System(), "joe", role)), invitations.ErrAlreadyMember)
		}
		w.refusal("an owner", second(add(bob, "ada", "viewer")), invitations.ErrAlreadyMember)
		w.equal("the invitation of an address that a member names", w.get(mail).State, invitations.StatePending)
	})
	w.changeRole(ada, "acme", "joe", "admin")
	again, err := add(ada, "joe", "admin") // the present role counts
	w.ok(err)
	w.equal("repeated", again.Repeated, true)
}

// storyAddRemoved: the host may add a user who was removed. The mark of the removal stays, so older
// invitations remain shut when the membership ends.
func storyAddRemoved(w *world) {
	w.company()
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "admin"})
	acme := invitations.InOrganization("acme")
	w.setQuota(ada, "acme", "dev", 10, invitations.PeriodMonth)
	w.ok(second(w.svc.Consume(w.ctx, acme, "dev", 4)))
	w.remove("acme", "dev")
	w.acceptRefused(link, invitations.Identity{UserID: "dev"}, invitations.ErrRevoked)
	w.add("acme", "dev", "developer")
	w.remains(acme, "dev", invitations.Balance{Own: usage(10, invitations.PeriodMonth, 4, nextMonth)}) // the quota of before
	w.leave("acme", "dev")
	w.acceptRefused(link, invitations.Identity{UserID: "dev"}, invitations.ErrRevoked)
	_, err := w.svc.AddMember(w.ctx, ada, invitations.AddMemberParams{
		Organization: "acme", UserID: "dev", Role: "developer", Quota: invitations.Quota{Limit: 6, Period: invitations.PeriodMonth},
	})
	w.ok(err)
	w.remains(acme, "dev", invitations.Balance{Own: usage(6, invitations.PeriodMonth, 4, nextMonth)})
	w.accept(w.resend(ada, link), invitations.Identity{UserID: "x"})
	w.explained("acme")
}

// storyAddSeat: an addition takes a seat. It takes no pending place and no mail, and the rules of
// invitations do not concern it.
func storyAddSeat(w *world) {
	w = w.with(invitations.Config{MemberLimit: 6, ReserveSeats: true, PendingLimit: 1, SendsPerOrganization: 1})
	w.company() // four members
	w.ok(w.svc.SetLimits(w.ctx, invitations.System(), "acme", invitations.Limits{NoLinks: true, AllowedDomains: []string{"corp.example"}, SeatlessRoles: []invitations.Role{"billing"}}))
	mail := w.invite(ada, "acme", "ann@corp.example", "viewer") // reserves one, and takes the only place
	add := func(user, email string, role invitations.Role) error {
		return second(w.svc.AddMember(w.ctx, ada, invitations.AddMemberParams{Organization: "acme", UserID: user, Role: role, Email: email}))
	}
	w.ok(add("x", "x@elsewhere.example", "viewer"))
	w.unchanged("at the limit", func() {
		w.seats(add("y", "", "viewer"), 6, 5, 1)
		w.seats(add("y", "other@corp.example", "viewer"), 6, 5, 1)
	})
	w.ok(add("bill", "", "billing"))
	w.ok(add("ann", "ann@corp.example", "admin")) // on the seat of her invitation
	w.equal("the invitation", w.get(mail).State, invitations.StateRevoked)
	w.unchanged("full", func() {
		w.seats(add("y", "", "viewer"), 6, 6, 0)
		w.equal("again", add("x", "", "viewer"), error(nil))
		_, err := w.svc.ChangeRole(w.ctx, ada, invitations.ChangeRoleParams{Organization: "acme", UserID: "bill", Role: "viewer"})
		w.seats(err, 6, 6, 0)
	})
	w.explained("acme")
}

// storyAddRank: nobody adds a member with a role or a quota that they could not give. A policy can
// take the permission away.
func storyAddRank(w *world) {
	w = w.with(invitations.Config{Policy: recruiters()})
	w.company()
	w.add("acme", "joe", "recruiter")
	add := func(actor invitations.Actor, user string, role invitations.Role, q invitations.Quota) error {
		return second(w.svc.AddMember(w.ctx, actor, invitations.AddMemberParams{Organization: "acme", UserID: user, Role: role, Quota: q}))
	}
	some := invitations.Quota{Limit: 5, Period: invitations.PeriodDay}
	w.unchanged("refused", func() {
		for range 2 {
			w.refusal("an admin adds an owner", add(bob, "x", "owner", invitations.Quota{}), invitations.ErrRoleNotAssignable)
			w.refusal("an admin adds themselves as owner", add(bob, "bob", "owner", invitations.Quota{}), invitations.ErrRoleNotAssignable)
			for _, user := range []string{"joe", "dev", "kim", "eve"} { // who may invite, and may not add
				w.refusal(user, add(invitations.User(user), "x", "viewer", invitations.Quota{}), denied)
				w.refusal(user+", themselves", add(invitations.User(user), user, "owner", invitations.Quota{}), denied)
			}
			w.refusal("nobody", add(invitations.Actor{}, "x", "viewer", some), invitations.ErrInvalid)
		}
	})
	w.ok(add(bob, "x", "admin", some))
	w.ok(add(ada, "y", "owner", some))
	w.explained("acme")
}

func storySetMetadata(w *world) {
	w.company()
	sent, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{
		Organization: "acme", Email: "ann@example.com", Role: "developer", Metadata: map[string]string{"team": "blue", "desk": "4"},
	})
	w.ok(err)
	want := w.accept(sent, annID)
	w.accept(w.invite(ada, "zeta", "ann@example.com", "viewer"), annID)
	w.clock.Add(time.Hour)
	version := w.version("acme")
	set := func(actor invitations.Actor, user string, metadata map[string]string) (invitations.Member, error) {
		return w.svc.SetMetadata(w.ctx, actor, invitations.SetMetadataParams{Organization: "acme", UserID: user, Metadata: metadata})
	}
	metadata := map[string]string{"team": "red"} // replaces all
	got, err := set(bob, "ann", metadata)
	w.ok(err)
	metadata["team"], got.Metadata["team"] = "changed by the caller", "and here"
	want.Metadata = map[string]string{"team": "red"} // the only change
	got, err = w.svc.Member(w.ctx, "acme", "ann")
	w.ok(err)
	w.equal("stored", got, want)
	w.equal("events", w.happened("acme", version+1), []invitations.Event{
		{Version: version + 1, Type: invitations.EventMemberMetadataChanged, Actor: "bob", Subject: "ann", Role: "developer"},
	})
	w.equal("that of the invitation", w.get(sent).Metadata, map[string]string{"team": "blue", "desk": "4"})
	w.unchanged("refused, or the same again", func() {
		got, err := set(ada, "ann", map[string]string{"team": "red"})
		w.ok(err)
		w.equal("the same again", got, want)
		many := map[string]string{}
		for n := range 17 {
			many[fmt.Sprint(n)] = ""
		}
		for name, c := range map[string]struct{ err, want error }{
			"nobody":               {second(set(invitations.Actor{}, "ann", nil)), invitations.ErrInvalid},
			"no user":              {second(set(ada, "", nil)), invitations.ErrInvalid},
			"too many pairs":       {second(set(ada, "ann", many)), invitations.ErrInvalid},
			"too many bytes":       {second(set(ada, "ann", map[string]string{"k": strings.Repeat("x", 4096)})), invitations.ErrInvalid},
			"a control character":  {second(set(ada, "ann", map[string]string{"k": "a\x00"})), invitations.ErrInvalid},
			"of a higher role":     {second(set(bob, "ada", nil)), denied},
			"themselves":           {second(set(invitations.User("ann"), "ann", nil)), denied},
			"a stranger":           {second(set(invitations.User("eve"), "ann", nil)), denied},
			"of nobody":            {second(set(ada, "nobody", nil)), notFound},
			"of nobody, the host":  {second(set(invitations.System(), "nobody", nil)), notFound},
			"in no organization":   {second(w.svc.SetMetadata(w.ctx, invitations.System(), invitations.SetMetadataParams{Organization: "none", UserID: "ann"})), notFound},
			"of a former member":   {second(set(ada, "x", nil)), notFound},
			"of the other's owner": {second(set(invitations.User("x"), "ada", nil)), denied},
		} {
			w.refusal(name, c.err, c.want)
		}
	})
	got, err = set(invitations.System(), "ann", nil)
	w.ok(err)
	w.equal("without metadata", got.Metadata, map[string]string{})
	w.changeRole(ada, "acme", "ann", "viewer")
	w.explained("acme")
}

// storyEditGrant: the token that was sent grants the quota and the metadata of the last edit.
func storyEditGrant(w *world) {
	w = w.with(invitations.Config{Policy: recruiters()})
	w.company()
	w.add("acme", "joe", "recruiter")
	joe, acme := invitations.User("joe"), invitations.InOrganization("acme")
	some, more, none := invitations.Quota{Limit: 5, Period: invitations.PeriodDay}, invitations.Quota{Limit: 9, Period: invitations.PeriodMonth}, invitations.Quota{}
	metadata, empty := map[string]string{"team": "red"}, map[string]string{}
	create := func(p invitations.InviteParams) invitations.SentInvitation {
		p.Organization, p.Role = "acme", "developer"
		sent, err := w.svc.Invite(w.ctx, ada, p)
		w.ok(err)
		return sent
	}
	mail := create(invitations.InviteParams{Email: "ann@example.com", Metadata: map[string]string{"team": "blue", "desk": "4"}})
	had := create(invitations.InviteParams{Email: "x@example.com", Quota: some, Metadata: metadata})
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "developer", Quota: some})
	w.accept(link, invitations.Identity{UserID: "y"})

	w.unchanged("an actor without the right to quotas", func() {
		for _, p := range []invitations.EditParams{
			{ID: mail.ID, Quota: &some}, {ID: had.ID, Quota: &none}, {ID: had.ID, Quota: &more}, {ID: had.ID, Metadata: &empty}, {ID: link.ID, Quota: &none},
		} {
			p.Organization = "acme"
			w.refusal(fmt.Sprintf("%+v", p), second(w.svc.Edit(w.ctx, joe, p)), denied)
		}
	})
	w.edit(joe, mail, invitations.EditParams{Metadata: &empty, Quota: &none}) // it had none and gets none
	w.unchanged("out of bounds", func() {
		bad, control := invitations.Quota{Limit: 1}, map[string]string{"a\n": ""}
		for _, p := range []invitations.EditParams{{ID: mail.ID, Quota: &bad}, {ID: mail.ID, Metadata: &control}} {
			p.Organization = "acme"
			w.refusal("out of bounds", second(w.svc.Edit(w.ctx, ada, p)), invitations.ErrInvalid)
		}
		w.edit(ada, had, invitations.EditParams{Quota: &some, Metadata: &metadata}) // as they are
	})
	inv := w.edit(bob, mail, invitations.EditParams{Quota: &more, Metadata: &metadata})
	metadata["team"] = "changed by the caller"
	w.equal("edited", []any{inv.Quota, inv.Metadata, inv.SentBy}, []any{more, map[string]string{"team": "red"}, "bob"})
	w.equal("stored", w.get(mail), inv)
	m := w.accept(mail, annID)
	w.equal("the metadata", m.Metadata, map[string]string{"team": "red"})
	w.remains(acme, "ann", invitations.Balance{Own: usage(9, invitations.PeriodMonth, 0, nextMonth)})
	w.edit(bob, had, invitations.EditParams{Quota: &none, Metadata: &empty})
	w.equal("without metadata", w.accept(had, person("x", "x@example.com")).Metadata, empty)
	w.remains(acme, "x", invitations.Balance{})
	w.edit(bob, link, invitations.EditParams{Quota: &more})
	w.accept(link, invitations.Identity{UserID: "z"})
	w.remains(acme, "z", invitations.Balance{Own: usage(9, invitations.PeriodMonth, 0, nextMonth)})
	w.remains(acme, "y", invitations.Balance{Own: usage(5, invitations.PeriodDay, 0, tomorrow)}) // who joined before
	w.edit(joe, w.invite(ada, "acme", "kim@example.com", "viewer"), invitations.EditParams{Metadata: &metadata})
	w.explained("acme")
}
