package behaviour

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/go-invitations/invitations"
)

// memberThreats are the threats to memberships.
var memberThreats = []check{
	{"Class12_QuotaOfAnInvitationOnEveryPath", storyQuotaOnEveryPath},
	{"Class13_NobodyRaisesThemselves", storyNoRaise},
	{"Class13_AdminCannotTouchAnOwner", storyUntouchable},
	{"Class13_DemotedDoNotComeBackByAnOldLink", storyDemotedComeBack},
	{"Class15_RemovedComeBackByNothingSentBefore", storyComeBack},
	{"Class15_InvitationsEndWithTheirSender", storyFallenSender},
	{"Class16_CascadeIsExact", storyCascade},
	{"Class39_PendingNeedsPermissionToList", storyPendingList},
	{"Class46_StatusIsReadAtUse", storyStatus},
	{"Class47_RemovedActNoMore", storyRemovedActNoMore},
	{"Class48_LastOwnerOnEveryPath", storyLastOwner},
}

// storyQuotaOnEveryPath: an actor who may not set quotas cannot give one by an invitation,
// neither a new one nor one that another member sent.
func storyQuotaOnEveryPath(w *world) {
	w = w.with(invitations.Config{Policy: recruiters()})
	w.company()
	w.role("acme", "joe", "recruiter")
	joe := invitations.User("joe")
	some := invitations.Quota{Limit: 5, Period: invitations.PeriodDay}
	mail, err := w.svc.Invite(w.ctx, bob, invitations.InviteParams{Organization: "acme", Email: "ann@example.com", Role: "viewer", Quota: some})
	w.ok(err)
	link := w.link(bob, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", Quota: some})
	w.unchanged("refused", func() {
		_, err := w.svc.Invite(w.ctx, joe, invitations.InviteParams{Organization: "acme", Email: "eve@example.com", Role: "viewer", Quota: some})
		w.refusal("invite", err, invitations.ErrPermissionDenied)
		_, err = w.svc.CreateLink(w.ctx, joe, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", Quota: some})
		w.refusal("link", err, invitations.ErrPermissionDenied)
		for _, sent := range []invitations.SentInvitation{mail, link} {
			_, err = w.svc.Resend(w.ctx, joe, invitations.ResendParams{Organization: "acme", ID: sent.ID})
			w.refusal("resend", err, invitations.ErrPermissionDenied)
			_, err = w.svc.PendingToken(w.ctx, joe, "acme", sent.ID)
			w.refusal("token", err, invitations.ErrPermissionDenied)
		}
	})
	// A sender who lost the permission gives no quota.
	w.role("acme", "bob", "recruiter")
	w.acceptRefused(mail, annID, invitations.ErrSenderNotEntitled)
	w.accept(w.invite(joe, "acme", "ann@example.org", "viewer"), person("ann", "ann@example.org"))
}

func storyNoRaise(w *world) {
	w.company()
	roles := w.svc.Policy().Roles()
	w.unchanged("refused", func() {
		for user, role := range map[string]invitations.Role{"bob": "admin", "dev": "developer", "kim": "viewer", "eve": ""} {
			for _, to := range roles {
				if to == role || user == "bob" && to != "owner" {
					continue // they have it, or may lower their own
				}
				want := error(invitations.ErrPermissionDenied)
				if user == "bob" {
					want = invitations.ErrRoleNotAssignable
				}
				_, err := w.svc.ChangeRole(w.ctx, invitations.User(user), invitations.ChangeRoleParams{Organization: "acme", UserID: user, Role: to})
				w.refusal(user+" to "+string(to), err, want)
			}
			_, err := w.svc.TransferOwnership(w.ctx, invitations.User(user), invitations.TransferOwnershipParams{Organization: "acme", From: "ada", To: user, Role: "viewer"})
			w.refusal(user+" by transfer", err, invitations.ErrPermissionDenied)
		}
		for _, other := range []string{"bob", "dev", "kim"} { // not by raising others either
			_, err := w.svc.ChangeRole(w.ctx, bob, invitations.ChangeRoleParams{Organization: "acme", UserID: other, Role: "owner"})
			w.refusal("bob raises "+other, err, invitations.ErrRoleNotAssignable)
		}
	})
}

func storyUntouchable(w *world) {
	w.company()
	w.setQuota(ada, "acme", "ada", 5, invitations.PeriodDay)
	w.unchanged("refused", func() {
		for _, role := range w.svc.Policy().Roles() {
			_, err := w.svc.ChangeRole(w.ctx, bob, invitations.ChangeRoleParams{Organization: "acme", UserID: "ada", Role: role})
			w.refusal("change the role to "+string(role), err, invitations.ErrPermissionDenied)
		}
		_, err := w.svc.RemoveMember(w.ctx, bob, "acme", "ada")
		w.refusal("remove", err, invitations.ErrPermissionDenied)
		for _, q := range []invitations.Quota{{}, {Limit: 1, Period: invitations.PeriodDay}} {
			err = w.svc.SetQuota(w.ctx, bob, invitations.SetQuotaParams{Workspace: invitations.InOrganization("acme"), UserID: "ada", Quota: q})
			w.refusal("set the quota", err, invitations.ErrPermissionDenied)
		}
		_, err = w.svc.TransferOwnership(w.ctx, bob, invitations.TransferOwnershipParams{Organization: "acme", From: "ada", To: "bob", Role: "viewer"})
		w.refusal("transfer", err, invitations.ErrPermissionDenied)
	})
	// Admins are equal to each other.
	w.changeRole(bob, "acme", "dev", "admin")
	w.setQuota(bob, "acme", "dev", 5, invitations.PeriodDay)
	w.changeRole(bob, "acme", "dev", "viewer")
	_, err := w.svc.RemoveMember(w.ctx, bob, "acme", "dev")
	w.ok(err)
}

func storyComeBack(w *world) {
	w.company()
	used := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	unused := w.link(invitations.System(), invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	mail := w.invite(ada, "acme", "ann@example.com", "viewer")
	elsewhere := w.link(ada, invitations.CreateLinkParams{Organization: "zeta", Role: "viewer"})
	w.accept(used, invitations.Identity{UserID: "ann"}) // without her address, so mail stays pending
	w.clock.Add(-day)                                   // versions tell the order, not the clock
	_, err := w.svc.RemoveMember(w.ctx, bob, "acme", "ann")
	w.ok(err)
	for _, sent := range []invitations.SentInvitation{used, unused, mail} {
		w.acceptRefused(sent, annID, invitations.ErrRevoked)
		w.acceptRefused(sent, person("ann", "Ann@Example.com"), invitations.ErrNotPending)
	}
	w.accept(elsewhere, annID)
	w.accept(used, invitations.Identity{UserID: "x"})
	w.clock.Add(-day)
	for _, sent := range []invitations.SentInvitation{mail, used, unused} { // the sending counts, not the creation
		w.accept(w.resend(ada, sent), annID)
		w.remove("acme", "ann")
	}
	w.accept(w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"}), annID)
}

func storyPendingList(w *world) {
	w.company()
	w.role("acme", "joe", "billing")
	w.accept(w.invite(ada, "acme", "eve@example.com", "admin"), person("eve", "eve@example.com"))
	w.remove("acme", "eve")
	w.found("beta", "x") // an owner, of another organization
	sent := w.invite(ada, "acme", "secret@example.com", "viewer")
	for _, user := range []string{"dev", "kim", "joe", "eve", "x", "nobody"} {
		actor := invitations.User(user)
		list, err := w.svc.Invitations(w.ctx, actor, invitations.InvitationsParams{Organization: "acme", Email: "secret@example.com"})
		w.refusal("list", err, invitations.ErrPermissionDenied)
		inv, err := w.svc.Invitation(w.ctx, actor, "acme", sent.ID)
		w.refusal("get", err, invitations.ErrPermissionDenied)
		again, err := w.svc.PendingToken(w.ctx, actor, "acme", sent.ID)
		w.refusal("token", err, invitations.ErrPermissionDenied)
		for inv, err := range w.svc.AllInvitations(w.ctx, actor, invitations.InvitationsParams{Organization: "acme"}) {
			w.refusal("all", err, invitations.ErrPermissionDenied)
			w.equal("an invitation with a refusal", inv, invitations.Invitation{})
		}
		members, err := w.svc.Members(w.ctx, actor, invitations.MembersParams{Organization: "acme"})
		if err != nil {
			w.refusal("members", err, invitations.ErrPermissionDenied)
		}
		workspaces, err := w.svc.Workspaces(w.ctx, invitations.WorkspacesParams{UserID: user})
		w.ok(err)
		shown, err := json.Marshal([]any{list, inv, again, members, workspaces})
		w.ok(err)
		if text := string(shown); strings.Contains(text, "secret") || strings.Contains(text, sent.ID.String()) {
			w.Errorf("%s is shown a pending invitation: %s", user, text)
		}
	}
	page, err := w.svc.Invitations(w.ctx, bob, invitations.InvitationsParams{Organization: "acme", Email: "secret@example.com"})
	w.ok(err)
	w.equal("the list of an admin", page.Items, []invitations.Invitation{sent.Invitation})
}

// storyStatus: a role that the policy lost stops its members at the next call, and their
// invitations. So does a limit of 0.
func storyStatus(w *world) {
	w = w.with(invitations.Config{Policy: recruiters()})
	w.company()
	w.role("acme", "joe", "recruiter")
	joe := invitations.User("joe")
	acme := invitations.InOrganization("acme")
	forIt := w.invite(ada, "acme", "ann@example.com", "recruiter")
	byIt := w.invite(joe, "acme", "eve@example.com", "viewer")
	consume := func(w *world, user string) error { return second(w.svc.Consume(w.ctx, acme, user, 1)) }
	w.ok(consume(w, "joe"))

	without := w.with(invitations.Config{}) // the default policy has no recruiters
	without.refused(consume(without, "joe"), invitations.ErrPermissionDenied)
	without.holds("acme", "joe", invitations.PermissionMemberList, false)
	_, err := without.svc.Invite(w.ctx, joe, invitations.InviteParams{Organization: "acme", Email: "x@example.com", Role: "viewer"})
	w.refused(err, invitations.ErrPermissionDenied)
	without.acceptRefused(forIt, annID, invitations.ErrRoleUnknown)
	without.acceptRefused(byIt, person("eve", "eve@example.com"), invitations.ErrSenderNotEntitled)

	w.setQuota(invitations.System(), "acme", "", 0, invitations.PeriodEndless)
	for _, user := range []string{"ada", "bob", "dev", "joe"} {
		w.refused(consume(w, user), invitations.ErrQuotaExceeded)
	}
	w.setQuota(invitations.System(), "acme", "", 10, invitations.PeriodEndless)
	w.setQuota(ada, "acme", "dev", 0, invitations.PeriodDay)
	w.refused(consume(w, "dev"), invitations.ErrQuotaExceeded)
	w.ok(consume(w, "joe"))
	w.accept(byIt, person("eve", "eve@example.com"))
}

func storyRemovedActNoMore(w *world) {
	w.company()
	w.role("acme", "joe", "viewer")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.setQuota(invitations.System(), "acme", "", 10, invitations.PeriodDay)
	for _, permission := range permissions {
		w.holds("acme", "bob", permission, permission != invitations.PermissionOrganizationManage)
	}
	_, err := w.svc.Consume(w.ctx, invitations.InOrganization("acme"), "bob", 1)
	w.ok(err)
	_, err = w.svc.RemoveMember(w.ctx, ada, "acme", "bob")
	w.ok(err)

	w.unchanged("calls of a removed member", func() {
		for _, permission := range permissions {
			w.holds("acme", "bob", permission, false)
		}
		denied := invitations.ErrPermissionDenied
		in := invitations.InOrganization("acme")
		some := invitations.Quota{Limit: 1, Period: invitations.PeriodDay}
		for name, err := range map[string]error{
			"invite":      second(w.svc.Invite(w.ctx, bob, invitations.InviteParams{Organization: "acme", Email: "x@example.com", Role: "viewer"})),
			"link":        second(w.svc.CreateLink(w.ctx, bob, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})),
			"resend":      second(w.svc.Resend(w.ctx, bob, invitations.ResendParams{Organization: "acme", ID: sent.ID})),
			"revoke":      second(w.svc.Revoke(w.ctx, bob, "acme", sent.ID)),
			"token":       second(w.svc.PendingToken(w.ctx, bob, "acme", sent.ID)),
			"get":         second(w.svc.Invitation(w.ctx, bob, "acme", sent.ID)),
			"list":        second(w.svc.Invitations(w.ctx, bob, invitations.InvitationsParams{Organization: "acme"})),
			"members":     second(w.svc.Members(w.ctx, bob, invitations.MembersParams{Organization: "acme"})),
			"change role": second(w.svc.ChangeRole(w.ctx, bob, invitations.ChangeRoleParams{Organization: "acme", UserID: "joe", Role: "developer"})),
			"raise again": second(w.svc.ChangeRole(w.ctx, bob, invitations.ChangeRoleParams{Organization: "acme", UserID: "bob", Role: "admin"})),
			"remove":      second(w.svc.RemoveMember(w.ctx, bob, "acme", "joe")),
			"transfer":    second(w.svc.TransferOwnership(w.ctx, bob, invitations.TransferOwnershipParams{Organization: "acme", From: "ada", To: "joe", Role: "viewer"})),
			"set quota":   w.svc.SetQuota(w.ctx, bob, invitations.SetQuotaParams{Workspace: in, UserID: "joe", Quota: some}),
			"quota":       second(w.svc.Quota(w.ctx, bob, "acme", "joe")),
			"consume":     second(w.svc.Consume(w.ctx, in, "bob", 1)),
			"remaining":   second(w.svc.Remaining(w.ctx, in, "bob")),
		} {
			w.refusal(name, err, denied)
		}
		w.refused(second(w.svc.Leave(w.ctx, "acme", "bob")), invitations.ErrNotFound)
		w.refused(second(w.svc.Member(w.ctx, "acme", "bob")), invitations.ErrNotFound)
	})
	list, err := w.svc.Workspaces(w.ctx, invitations.WorkspacesParams{UserID: "bob"})
	w.ok(err)
	if len(list.Organizations) != 1 || list.Organizations[0].ID != "zeta" {
		w.Errorf("got workspaces %+v", list)
	}
}

func storyLastOwner(w *world) {
	w.company()
	paths := map[string]func(user string) error{
		"leaves": func(user string) error { return second(w.svc.Leave(w.ctx, "acme", user)) },
		"removes themselves": func(user string) error {
			return second(w.svc.RemoveMember(w.ctx, invitations.User(user), "acme", user))
		},
		"is removed by the host": func(user string) error { return second(w.svc.RemoveMember(w.ctx, invitations.System(), "acme", user)) },
	}
	for _, role := range w.svc.Policy().Roles() {
		if role == invitations.RoleOwner {
			continue
		}
		for by, actor := range map[string]func(user string) invitations.Actor{
			"themselves": invitations.User, "the host": func(string) invitations.Actor { return invitations.System() },
		} {
			paths["is demoted to "+string(role)+" by "+by] = func(user string) error {
				return second(w.svc.ChangeRole(w.ctx, actor(user), invitations.ChangeRoleParams{Organization: "acme", UserID: user, Role: role}))
			}
		}
	}
	w.invite(ada, "acme", "joe@example.com", "owner") // an invited owner does not count
	for name, path := range paths {
		w.unchanged(name, func() {
			for range 2 {
				err := path("ada")
				w.refusal(name, err, invitations.ErrLastOwner)
				var coded *invitations.Error
				if !errors.As(err, &coded) || coded.Code() != "last_owner" {
					w.Errorf("%s: got error %v", name, err)
				}
			}
		})
		// One of two owners may go, the last one may not.
		w.role("acme", "ann", "owner")
		w.ok(path("ann"))
		w.refusal(name+", the second", path("ada"), invitations.ErrLastOwner)
	}
	// A transfer leaves an owner.
	w.transfer(ada, invitations.TransferOwnershipParams{Organization: "acme", From: "ada", To: "kim", Role: "viewer"})
	w.leave("acme", "ada")
	for name, path := range paths {
		w.refusal(name, path("kim"), invitations.ErrLastOwner)
	}
	// The owner of the other organization does not count here.
	w.holds("zeta", "ada", invitations.PermissionOrganizationManage, true)
}

// storyDemotedComeBack: leaving and following an old link does not undo a demotion. Later
// invitations count.
func storyDemotedComeBack(w *world) {
	w.company()
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "admin"})
	w.accept(link, invitations.Identity{UserID: "tom"})
	w.changeRole(ada, "acme", "tom", "viewer")
	w.leave("acme", "tom")
	w.acceptRefused(link, invitations.Identity{UserID: "tom"}, invitations.ErrRevoked)
	w.accept(w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"}), invitations.Identity{UserID: "tom"})

	// A transfer is a demotion too.
	crown := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "owner"})
	w.accept(crown, invitations.Identity{UserID: "una"})
	_, err := w.svc.TransferOwnership(w.ctx, invitations.User("una"), invitations.TransferOwnershipParams{Organization: "acme", From: "una", To: "tom", Role: "viewer"})
	w.ok(err)
	w.leave("acme", "una")
	w.acceptRefused(crown, invitations.Identity{UserID: "una"}, invitations.ErrRevoked)

	// A promoted member may come back by an old link with a lower role.
	low := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	w.accept(low, invitations.Identity{UserID: "pia"})
	w.changeRole(ada, "acme", "pia", "admin")
	w.leave("acme", "pia")
	w.accept(low, invitations.Identity{UserID: "pia"})
}
