package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-invitations/invitations"
)

var memberRaces = []race{
	{name: "Class48_OwnersAgainstEachOther", members: manyOwners(), round: raceOwners},
	{name: "Class14_DemotionAgainstAct", members: team, round: raceDemotionAct},
	{name: "Class14_RiseAgainstAct", members: team, round: raceRiseAct},
	{name: "Class15_EditAgainstDemotionOfTheEditor", members: team, round: raceDemotionEdit},
}

var team = map[string]invitations.Role{"ada": "owner", "bob": "admin", "joe": "viewer"}

var bob = invitations.User("bob")

// needed is the permission that the actor of an event needs.
var needed = map[invitations.EventType]invitations.Permission{
	invitations.EventMemberRoleChanged:    invitations.PermissionMemberUpdate,
	invitations.EventMemberRemoved:        invitations.PermissionMemberRemove,
	invitations.EventOwnershipTransferred: invitations.PermissionOrganizationManage,
	invitations.EventQuotaChanged:         invitations.PermissionQuotaUpdate,
	invitations.EventInvitationCreated:    invitations.PermissionInvitationCreate,
	invitations.EventInvitationEdited:     invitations.PermissionInvitationCreate,
	invitations.EventInvitationResent:     invitations.PermissionInvitationResend,
	invitations.EventInvitationRevoked:    invitations.PermissionInvitationRevoke,
}

var policy = invitations.DefaultPolicy()

var rank = map[invitations.Role]int{"owner": 3, "admin": 2, "developer": 1, "viewer": 1}

// explained returns the roles that the events of the organization leave. It returns an error
// if the order of the events does not explain them: an actor had lost the right to an act, or
// no owner was left. It also compares the roles with the members that the store shows.
func (r *round) explained() (map[string]invitations.Role, error) {
	page, err := r.store.Events(r.ctx, invitations.EventQuery{Organization: r.organization, Limit: 100_000})
	if err != nil {
		return nil, err
	}
	roles, known := map[string]invitations.Role{}, map[string]bool{}
	for events, version := page.Items, int64(1); len(events) > 0; version++ {
		n := 1
		for n < len(events) && events[n].Version == events[0].Version {
			n++
		}
		if events[0].Version != version {
			return nil, fmt.Errorf("version %d has no event", version)
		}
		before := maps.Clone(roles)
		for _, e := range events[:n] {
			if err := take(e, before, roles); err != nil {
				return nil, fmt.Errorf("version %d: %s of %q by %q: %w", version, e.Type, e.Subject, e.Actor, err)
			}
			if e.Subject != "" { // as of an invitation
				known[e.Subject] = true
			}
		}
		if !slices.Contains(slices.Collect(maps.Values(roles)), invitations.RoleOwner) {
			return nil, fmt.Errorf("no owner is left after version %d", version)
		}
		events = events[n:]
	}
	f, err := r.store.View(r.ctx, invitations.Query{Organization: r.organization, Members: slices.Collect(maps.Keys(known)), Totals: true})
	shown := map[string]invitations.Role{}
	for user, m := range f.Members {
		shown[user] = m.Role
	}
	if d := differ(shown, roles); d != "" && err == nil {
		err = fmt.Errorf("the members are not those that the events leave: %s", d)
	}
	return roles, errors.Join(err, want("members", f.Totals.Members, len(roles)))
}

// take applies one event to roles. before are the roles before the change.
func take(e invitations.Event, before, roles map[string]invitations.Role) error {
	subject, isMember := roles[e.Subject]
	switch e.Type {
	case invitations.EventMemberJoined:
		if isMember {
			return fmt.Errorf("the user is already %q", subject)
		}
		roles[e.Subject] = e.Role
		return nil
	case invitations.EventMemberRoleChanged, invitations.EventOwnershipTransferred:
		roles[e.Subject] = e.Role
	case invitations.EventMemberRemoved, invitations.EventMemberLeft:
		delete(roles, e.Subject)
	default:
		isMember = true
	}
	actor := before[e.Actor]
	switch {
	case !isMember:
		return errors.New("the user is not a member")
	case e.Actor == "" || e.Reason != "": // the host's backend, or a consequence of another event
		return nil
	case needed[e.Type] == "":
		return nil
	case !policy.Allows(actor, needed[e.Type]):
		return fmt.Errorf("the actor is %q", actor)
	case e.Actor != e.Subject && rank[actor] < max(rank[before[e.Subject]], rank[e.Role]):
		return fmt.Errorf("the actor is %q, and the event is about %q and %q", actor, before[e.Subject], e.Role)
	}
	return nil
}

// acted returns the actors of the events after a version.
func (r *round) acted(version int64) (map[string]bool, error) {
	page, err := r.store.Events(r.ctx, invitations.EventQuery{
		Organization: r.organization, After: &invitations.EventPosition{Version: version, Index: 1 << 30}, Limit: 100_000,
	})
	actors := map[string]bool{}
	for _, e := range page.Items {
		actors[e.Actor] = true
	}
	return actors, err
}

func (r *round) changeRole(actor, user string, role invitations.Role) error {
	return second(r.svc.ChangeRole(r.ctx, invitations.User(actor), invitations.ChangeRoleParams{
		Organization: r.organization, UserID: user, Role: role,
	}))
}

func (r *round) remove(actor, user string) error {
	return second(r.svc.RemoveMember(r.ctx, invitations.User(actor), r.organization, user))
}

var owners = names("owner", 16)

func manyOwners() map[string]invitations.Role {
	roles := map[string]invitations.Role{}
	for _, user := range owners {
		roles[user] = invitations.RoleOwner
	}
	return roles
}

// raceOwners lets 16 owners end their own or each other's rank in two of six ways, while
// another user accepts to be an owner and does the same.
func raceOwners(r *round) error {
	type way struct {
		own bool // ends the rank of the actor only
		do  func(me, other string) error
	}
	ways := []way{
		{true, func(me, _ string) error { return r.changeRole(me, me, "viewer") }},
		{true, func(me, _ string) error { return r.remove(me, me) }},
		{true, func(me, _ string) error { return second(r.svc.Leave(r.ctx, r.organization, me)) }},
		{false, func(me, other string) error { return r.changeRole(me, other, "viewer") }},
		{false, r.remove},
		{false, func(me, other string) error {
			return second(r.svc.TransferOwnership(r.ctx, invitations.User(me), invitations.TransferOwnershipParams{
				Organization: r.organization, From: me, To: other, Role: "viewer",
			}))
		}},
	}
	i, j := r.random.IntN(len(ways)), r.random.IntN(len(ways))
	one, two, crowd := ways[i], ways[j], len(owners)
	sender := []invitations.Actor{invitations.System(), invitations.User(owners[r.random.IntN(crowd)])}[r.n%2]
	sent, err := r.svc.Invite(r.ctx, sender, invitations.InviteParams{
		Organization: r.organization, Email: "ann@example.com", Role: invitations.RoleOwner,
	})
	if err != nil {
		return err
	}
	shift := 1 + r.random.IntN(crowd-1)
	answers := together(crowd+1, func(i int) answer[bool] {
		other := owners[(i+shift)%crowd]
		switch {
		case i < crowd && i%2 == 0:
			return answer[bool]{err: one.do(owners[i], other)}
		case i < crowd:
			return answer[bool]{err: two.do(owners[i], other)}
		}
		if _, err := r.svc.Accept(r.ctx, sent.Token.Reveal(), ann); err != nil {
			return answer[bool]{err: err}
		}
		return answer[bool]{err: one.do("ann", other)}
	})
	_, refused := tally(answers, invitations.ErrLastOwner, invitations.ErrPermissionDenied, invitations.ErrNotFound, invitations.ErrRevoked)
	members, err := r.explained()
	if err := errors.Join(refused, err); err != nil {
		return fmt.Errorf("ways %d and %d: %w", i, j, err)
	}
	left := 0
	for _, role := range members {
		if role == invitations.RoleOwner {
			left++
		}
	}
	if one.own && two.own && left != 1 {
		return fmt.Errorf("ways %d and %d: every owner gave up, and %d are left", i, j, left)
	}
	did, err := r.acted(2)
	if err != nil {
		return err
	}
	for n, user := range owners {
		// An owner that finds the other demoted succeeds without an event.
		if done := answers[n].err == nil; did[user] && !done || !did[user] && done && one.own && two.own {
			return fmt.Errorf("ways %d and %d: the act of %s ended with %v, and events of it: %v", i, j, user, answers[n].err, did[user])
		}
	}
	return nil
}

// act lets bob do one of ten acts to joe or to an invitation. It does the first four to joe.
func (r *round) act(n int, sent invitations.SentInvitation) error {
	switch n {
	case 0:
		return r.changeRole("bob", "joe", "developer")
	case 1:
		return r.changeRole("bob", "joe", "admin")
	case 2:
		return r.remove("bob", "joe")
	case 3:
		return r.svc.SetQuota(r.ctx, bob, invitations.SetQuotaParams{
			Workspace: invitations.InOrganization(r.organization), UserID: "joe", Quota: invitations.Quota{Limit: 1, Period: invitations.PeriodDay},
		})
	case 4:
		return second(r.svc.Invite(r.ctx, bob, invitations.InviteParams{Organization: r.organization, Email: "x@example.com", Role: "admin"}))
	case 5:
		return second(r.svc.CreateLink(r.ctx, bob, invitations.CreateLinkParams{Organization: r.organization, Role: "viewer"}))
	case 6:
		return second(r.svc.Resend(r.ctx, bob, invitations.ResendParams{Organization: r.organization, ID: sent.ID}))
	case 7:
		return second(r.svc.Revoke(r.ctx, bob, r.organization, sent.ID))
	case 8:
		return second(r.svc.Edit(r.ctx, bob, invitations.EditParams{Organization: r.organization, ID: sent.ID, Role: "viewer"}))
	}
	return second(r.svc.InviteAll(r.ctx, bob, r.organization, []invitations.InviteParams{
		{Email: "y@example.com", Role: "viewer"}, {Email: "z@example.com", Role: "viewer"},
	}))
}

// duel races one of the first acts of bob, an admin, with another call. The order of the events
// must explain both results, and bob has events if and only if he succeeds.
func (r *round) duel(acts int, other func() error) error {
	sent, err := r.svc.CreateLink(r.ctx, invitations.System(), invitations.CreateLinkParams{Organization: r.organization, Role: "admin"})
	if err != nil {
		return err
	}
	act := r.random.IntN(acts)
	errs := together(2, func(i int) error {
		if i == 0 {
			return r.act(act, sent)
		}
		return other()
	})
	if errs[1] != nil {
		return errs[1]
	}
	if errs[0] != nil && !errors.Is(errs[0], invitations.ErrPermissionDenied) {
		return fmt.Errorf("act %d of bob ended with: %w", act, errs[0])
	}
	if _, err := r.explained(); err != nil {
		return fmt.Errorf("act %d: %w", act, err)
	}
	did, err := r.acted(2)
	if did["bob"] != (errs[0] == nil) {
		return fmt.Errorf("act %d of bob ended with %v, and events of it: %v", act, errs[0], did["bob"])
	}
	return err
}

// demote ends the rank of bob, by a removal or by another role.
func (r *round) demote() error {
	if r.n%2 == 0 {
		return r.remove("ada", "bob")
	}
	return r.changeRole("ada", "bob", "viewer")
}

// nothingPending returns an error if an invitation of bob is still pending.
func (r *round) nothingPending() error {
	f, err := r.store.View(r.ctx, invitations.Query{Organization: r.organization, PendingSentBy: "bob", PendingAt: start})
	return errors.Join(err, want("pending invitations of bob", len(f.PendingRecords), 0))
}

// raceDemotionAct demotes bob while he acts. He must not act afterwards, and leaves no pending
// invitation.
func raceDemotionAct(r *round) error {
	return errors.Join(r.duel(10, r.demote), r.nothingPending())
}

// raceRiseAct raises joe above bob while bob acts on joe. Bob must not act on joe afterwards.
func raceRiseAct(r *round) error {
	return r.duel(4, func() error {
		err := r.changeRole("ada", "joe", "owner")
		if errors.Is(err, invitations.ErrNotFound) {
			return nil // bob removed joe before
		}
		return err
	})
}

// raceDemotionEdit demotes bob while he edits an invitation that ann accepts. An edit makes the
// invitation bob's own, so it ends with his rank.
func raceDemotionEdit(r *round) error {
	sent, err := r.invite("viewer")
	if err != nil {
		return err
	}
	errs := together(3, func(i int) error {
		switch i {
		case 0:
			return second(r.svc.Edit(r.ctx, bob, invitations.EditParams{Organization: r.organization, ID: sent.ID, Role: "admin"}))
		case 1:
			return second(r.svc.Accept(r.ctx, sent.Token.Reveal(), ann))
		}
		return r.demote()
	})
	members, err := r.explained()
	if err := errors.Join(errs[2], err, r.nothingPending()); err != nil {
		return err
	}
	did, err := r.acted(2)
	if err != nil {
		return err
	}
	_, joined := members["ann"]
	if did["bob"] != (errs[0] == nil) || joined != (errs[1] == nil) {
		return fmt.Errorf("the edit of bob ended with %v, the acceptance of ann with %v, the actors are %v, and the members %v", errs[0], errs[1], did, members)
	}
	if errs[0] != nil && !errors.Is(errs[0], invitations.ErrPermissionDenied) && !errors.Is(errs[0], invitations.ErrAccepted) ||
		errs[1] != nil && !errors.Is(errs[1], invitations.ErrRevoked) {
		return errors.Join(errs...)
	}
	return nil
}
