package behaviour

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var memberStories = []check{
	{"ChangeRole", storyChangeRole},
	{"RemoveMember", storyRemoveMember},
	{"LeaveAndComeBack", storyLeave},
	{"TransferOwnership", storyTransfer},
	{"MembersPageByPage", storyMembers},
	{"AuthorizeAsOfNow", storyAuthorize},
}

// company creates two organizations with the same members: the owner ada, the admin bob, the
// developer dev and the viewer kim.
func (w *world) company() {
	w.Helper()
	for _, organization := range []string{"acme", "zeta"} {
		w.found(organization, "ada")
		for user, role := range map[string]invitations.Role{"bob": "admin", "dev": "developer", "kim": "viewer"} {
			w.role(organization, user, role)
		}
	}
}

func storyChangeRole(w *world) {
	w.found("acme", "ada")
	w.found("zeta", "ada")
	sent, err := w.svc.Invite(w.ctx, ada, invitations.InviteParams{
		Organization: "acme", Email: "ann@example.com", Role: "viewer", Metadata: map[string]string{"team": "blue"},
	})
	w.ok(err)
	want := w.accept(sent, annID)
	w.accept(w.invite(ada, "zeta", "ann@example.com", "viewer"), annID)
	w.clock.Add(time.Hour)
	version := w.version("acme")

	w.holds("acme", "ann", invitations.PermissionOrganizationUse, false)
	want.Role = "developer" // the only change
	w.equal("with the new role", w.changeRole(ada, "acme", "ann", "developer"), want)
	got, err := w.svc.Member(w.ctx, "acme", "ann")
	w.ok(err)
	w.equal("stored", got, want)
	w.holds("acme", "ann", invitations.PermissionOrganizationUse, true)
	w.holds("zeta", "ann", invitations.PermissionOrganizationUse, false)
	w.equal("events", w.happened("acme", version+1), []invitations.Event{
		{Version: version + 1, Type: invitations.EventMemberRoleChanged, Actor: "ada", Subject: "ann", Role: "developer", FormerRole: "viewer"},
	})

	w.unchanged("calls that change nothing", func() {
		w.equal("the same role again", w.changeRole(ada, "acme", "ann", "developer"), want)
		for name, c := range map[string]struct {
			p    invitations.ChangeRoleParams
			want error
		}{
			"an unknown role":      {invitations.ChangeRoleParams{Organization: "acme", UserID: "ann", Role: "superuser"}, invitations.ErrInvalid},
			"no role":              {invitations.ChangeRoleParams{Organization: "acme", UserID: "ann"}, invitations.ErrInvalid},
			"nobody":               {invitations.ChangeRoleParams{Organization: "acme", UserID: "nobody", Role: "viewer"}, invitations.ErrNotFound},
			"no user":              {invitations.ChangeRoleParams{Organization: "acme", Role: "viewer"}, invitations.ErrInvalid},
			"no such organization": {invitations.ChangeRoleParams{Organization: "none", UserID: "ann", Role: "viewer"}, invitations.ErrNotFound},
		} {
			_, err := w.svc.ChangeRole(w.ctx, invitations.System(), c.p)
			w.refusal(name, err, c.want)
		}
	})
	// A member who gives up a role loses its permissions at once.
	w.changeRole(ada, "acme", "ann", "admin")
	ann := invitations.User("ann")
	w.changeRole(ann, "acme", "ann", "viewer")
	_, err = w.svc.ChangeRole(w.ctx, ann, invitations.ChangeRoleParams{Organization: "acme", UserID: "ann", Role: "admin"})
	w.refused(err, invitations.ErrPermissionDenied)
	// The role of the invitation does not matter any more.
	w.equal("a replay", w.accept(sent, annID).Role, invitations.Role("viewer"))
	w.changeRole(invitations.System(), "acme", "ann", "owner")
	w.equal("a replay", w.accept(sent, annID).Role, invitations.RoleOwner)
}

func storyRemoveMember(w *world) {
	w.company()
	sent := w.invite(ada, "acme", "ann@example.com", "developer")
	want := w.accept(sent, annID)
	w.clock.Add(time.Hour)
	version := w.version("acme")
	m, err := w.svc.RemoveMember(w.ctx, bob, "acme", "ann")
	w.ok(err)
	w.equal("the membership as it was", m, want)
	_, err = w.svc.Member(w.ctx, "acme", "ann")
	w.refused(err, invitations.ErrNotFound)
	w.equal("events", w.happened("acme", version+1), []invitations.Event{
		{Version: version + 1, Type: invitations.EventMemberRemoved, Actor: "bob", Subject: "ann", Role: "developer"},
	})
	w.equal("removal", w.view(invitations.Query{Organization: "acme", Members: []string{"ann"}, Removals: true}).Removals["ann"], version+1)
	w.unchanged("calls that remove nobody", func() {
		for _, user := range []string{"ann", "nobody"} {
			_, err = w.svc.RemoveMember(w.ctx, bob, "acme", user)
			w.refused(err, invitations.ErrNotFound)
		}
		_, err = w.svc.RemoveMember(w.ctx, invitations.System(), "none", "bob")
		w.refused(err, invitations.ErrNotFound)
	})
	// A member of the other organization is not a member of this one.
	w.accept(w.invite(ada, "zeta", "ann@example.com", "viewer"), annID)
	_, err = w.svc.RemoveMember(w.ctx, ada, "acme", "ann")
	w.refused(err, invitations.ErrNotFound)
	w.holds("zeta", "ann", invitations.PermissionMemberList, true)
}

func storyLeave(w *world) {
	w.found("acme", "ada")
	w.found("zeta", "ada")
	twice := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", MaxUses: 2})
	spent := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", MaxUses: 1})
	x := invitations.Identity{UserID: "x"}
	want := w.accept(twice, x)
	w.clock.Add(time.Hour)
	version := w.version("acme")
	m, err := w.svc.Leave(w.ctx, "acme", "x")
	w.ok(err)
	w.equal("the membership as it was", m, want)
	w.equal("events", w.happened("acme", version+1), []invitations.Event{
		{Version: version + 1, Type: invitations.EventMemberLeft, Actor: "x", Subject: "x", Role: "viewer"},
	})
	w.equal("leaving is not a removal", w.view(invitations.Query{Organization: "acme", Members: []string{"x"}, Removals: true}), invitations.Facts{
		Organization: "acme", Version: version + 1,
	})
	w.holds("acme", "x", invitations.PermissionMemberList, false)
	w.unchanged("not a member", func() {
		for _, organization := range []string{"acme", "zeta", "none"} {
			_, err := w.svc.Leave(w.ctx, organization, "x")
			w.refused(err, invitations.ErrNotFound)
		}
	})

	// A link with a use left admits them again, and counts the use.
	if m := w.accept(twice, x); !m.JoinedAt.Equal(w.clock.Now()) {
		w.Errorf("got %+v", m)
	}
	w.leave("acme", "x")
	w.acceptRefused(twice, x, invitations.ErrExhausted)
	w.accept(spent, x)
	w.leave("acme", "x")
	w.acceptRefused(spent, x, invitations.ErrExhausted)
	mail := w.invite(ada, "acme", "ann@example.com", "viewer")
	w.accept(mail, annID)
	w.leave("acme", "ann")
	w.acceptRefused(mail, annID, invitations.ErrAccepted)
	w.accept(w.invite(ada, "acme", "ann@example.com", "admin"), annID)
}

func storyTransfer(w *world) {
	w.company()
	w.clock.Add(time.Hour)
	version := w.version("acme")
	heir := w.transfer(ada, invitations.TransferOwnershipParams{Organization: "acme", From: "ada", To: "kim", Role: "admin"})
	w.equal("the new owner", heir, invitations.Member{Organization: "acme", UserID: "kim", Role: "owner", JoinedAt: start})
	w.equal("events", w.happened("acme", version+1), []invitations.Event{
		{Version: version + 1, Index: 0, Type: invitations.EventMemberRoleChanged, Actor: "ada", Subject: "kim", Role: "owner", FormerRole: "viewer"},
		{Version: version + 1, Index: 1, Type: invitations.EventMemberRoleChanged, Actor: "ada", Subject: "ada", Role: "admin", FormerRole: "owner"},
		{Version: version + 1, Index: 2, Type: invitations.EventOwnershipTransferred, Actor: "ada", Subject: "kim", Role: "owner"},
	})
	w.holds("acme", "kim", invitations.PermissionOrganizationManage, true)
	w.holds("acme", "ada", invitations.PermissionOrganizationManage, false)
	w.holds("acme", "ada", invitations.PermissionMemberRemove, true)
	w.holds("zeta", "ada", invitations.PermissionOrganizationManage, true)

	kim := invitations.User("kim")
	w.unchanged("transfers that are refused", func() {
		for name, c := range map[string]struct {
			actor    invitations.Actor
			from, to string
			role     invitations.Role
			want     error
		}{
			"by the former owner":       {ada, "kim", "ada", "viewer", invitations.ErrPermissionDenied},
			"the same again":            {ada, "ada", "kim", "admin", invitations.ErrPermissionDenied},
			"from an admin":             {kim, "bob", "kim", "viewer", invitations.ErrConflict},
			"the same again, by System": {invitations.System(), "ada", "kim", "admin", invitations.ErrConflict},
			"to nobody":                 {kim, "kim", "nobody", "viewer", invitations.ErrNotFound},
			"from nobody":               {kim, "nobody", "kim", "viewer", invitations.ErrNotFound},
			"to themselves":             {kim, "kim", "kim", "viewer", invitations.ErrInvalid},
			"and remains the owner":     {kim, "kim", "bob", "owner", invitations.ErrInvalid},
			"an unknown role":           {kim, "kim", "bob", "superuser", invitations.ErrInvalid},
			"by an admin to themselves": {bob, "kim", "bob", "viewer", invitations.ErrPermissionDenied},
		} {
			_, err := w.svc.TransferOwnership(w.ctx, c.actor, invitations.TransferOwnershipParams{Organization: "acme", From: c.from, To: c.to, Role: c.role})
			w.refusal(name, err, c.want)
		}
	})

	// An owner hands over their own rank, or that of another owner.
	w.changeRole(kim, "acme", "bob", "owner")
	w.transfer(kim, invitations.TransferOwnershipParams{Organization: "acme", From: "kim", To: "bob", Role: "viewer"})
	w.changeRole(bob, "acme", "ada", "owner")
	w.transfer(ada, invitations.TransferOwnershipParams{Organization: "acme", From: "bob", To: "dev", Role: "billing"})
	w.transfer(invitations.System(), invitations.TransferOwnershipParams{Organization: "acme", From: "dev", To: "kim", Role: "developer"})
	var owners []string
	for m, err := range w.svc.AllMembers(w.ctx, ada, invitations.MembersParams{Organization: "acme", Role: "owner"}) {
		w.ok(err)
		owners = append(owners, m.UserID)
	}
	w.equal("owners", owners, []string{"ada", "kim"})
}

func storyMembers(w *world) {
	w.company()
	var want []string
	for i, text := range odd {
		w.role("acme", text, []invitations.Role{"viewer", "developer"}[i%2])
		if i%2 == 0 {
			want = append(want, text)
		}
	}
	want = append(want, "kim")
	slices.Sort(want)
	for _, limit := range []int{1, 4, len(want), 100} {
		var got []string
		p := invitations.MembersParams{Organization: "acme", Role: "viewer", Limit: limit}
		for pages := 0; ; pages++ {
			list, err := w.svc.Members(w.ctx, invitations.User("kim"), p)
			w.ok(err)
			for _, m := range list.Items {
				got = append(got, m.UserID)
			}
			if p.Cursor = list.NextCursor; p.Cursor == "" || pages > len(want) {
				break
			}
		}
		w.equal(fmt.Sprintf("viewers, %d a page", limit), got, want)
	}
	none, err := w.svc.Members(w.ctx, invitations.System(), invitations.MembersParams{Organization: "none"})
	w.ok(err)
	w.equal("members of no organization", none, invitations.List[invitations.Member]{})
	for _, c := range []struct {
		p    invitations.MembersParams
		want error
	}{
		{invitations.MembersParams{Organization: "none"}, invitations.ErrPermissionDenied},
		{invitations.MembersParams{Organization: "acme", Limit: 101}, invitations.ErrInvalid},
		{invitations.MembersParams{Organization: "acme", Limit: -1}, invitations.ErrInvalid},
		{invitations.MembersParams{Organization: "acme", Cursor: "x"}, invitations.ErrInvalid},
		{invitations.MembersParams{Organization: "acme", Role: invitations.Role(strings.Repeat("r", 65))}, invitations.ErrInvalid},
	} {
		_, err := w.svc.Members(w.ctx, ada, c.p)
		w.refused(err, c.want)
	}
}

// storyAuthorize: the present role decides about every call.
func storyAuthorize(w *world) {
	w.company()
	for _, c := range []struct {
		role invitations.Role
		may  []invitations.Permission
	}{
		{"viewer", []invitations.Permission{invitations.PermissionMemberList}},
		{"developer", []invitations.Permission{invitations.PermissionMemberList, invitations.PermissionOrganizationUse}},
		{"billing", []invitations.Permission{invitations.PermissionMemberList, invitations.PermissionBillingManage}},
		{"admin", slices.DeleteFunc(slices.Clone(permissions), func(p invitations.Permission) bool { return p == invitations.PermissionOrganizationManage })},
		{"owner", permissions},
	} {
		w.changeRole(ada, "acme", "kim", c.role)
		for _, permission := range permissions {
			w.holds("acme", "kim", permission, slices.Contains(c.may, permission))
		}
	}
	for _, permission := range permissions {
		w.holds("none", "kim", permission, false)
		w.holds("zeta", "kim", permission, permission == invitations.PermissionMemberList)
		w.holds("acme", "nobody", permission, false)
	}
	_, err := w.svc.Authorize(w.ctx, "acme", "kim", "")
	w.refused(err, invitations.ErrInvalid)
	_, err = w.svc.Invitation(w.ctx, invitations.User("nobody"), "acme", uuid.Max)
	w.refused(err, invitations.ErrPermissionDenied)
}

// permissions are all permissions of the package.
var permissions = []invitations.Permission{
	invitations.PermissionInvitationCreate, invitations.PermissionInvitationResend, invitations.PermissionInvitationRevoke, invitations.PermissionInvitationList,
	invitations.PermissionMemberList, invitations.PermissionMemberAdd, invitations.PermissionMemberUpdate, invitations.PermissionMemberRemove,
	invitations.PermissionQuotaUpdate,
	invitations.PermissionOrganizationUse, invitations.PermissionOrganizationManage, invitations.PermissionBillingManage,
}
