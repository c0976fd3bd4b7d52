package behaviour

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// recruiters returns a policy with a role that may invite and may not set quotas.
func recruiters() *invitations.Policy {
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{
		"owner": permissions,
		"admin": slices.DeleteFunc(slices.Clone(permissions), func(p invitations.Permission) bool {
			return p == invitations.PermissionOrganizationManage
		}),
		"recruiter": {
			invitations.PermissionInvitationCreate, invitations.PermissionInvitationResend, invitations.PermissionMemberList,
			invitations.PermissionOrganizationUse,
		},
		"developer": {invitations.PermissionMemberList, invitations.PermissionOrganizationUse},
		"viewer":    {invitations.PermissionMemberList},
	})
	if err != nil {
		panic(err) // the literal above is wrong
	}
	return policy
}

// storyFallenSender: invitations end with the rank of their sender, and stay valid if another
// member resent them.
func storyFallenSender(w *world) {
	w.company()
	for name, fall := range map[string]func(){
		"demoted": func() { w.changeRole(ada, "acme", "bob", "viewer") },
		"removed": func() { w.remove("acme", "bob") },
		"left":    func() { w.leave("acme", "bob") },
	} {
		w.role("acme", "bob", "admin")
		who := func(of string) invitations.Identity { return person(of+" "+name, of+"-"+name+"@example.com") }
		ann, joe, kim := who("ann"), who("joe"), who("kim")
		mail := w.invite(bob, "acme", ann.Email, "admin")
		link := w.link(bob, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", MaxUses: 2})
		w.accept(link, joe)
		taken := w.invite(bob, "acme", kim.Email, "admin")
		taken = w.resend(ada, taken)
		fall()
		for _, sent := range []invitations.SentInvitation{mail, link} {
			w.acceptRefused(sent, ann, invitations.ErrRevoked)
			w.next(sent, invitations.Visitor{Identity: ann}, invitations.StepStop)
			w.refusal("resend", second(w.svc.Resend(w.ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID})), invitations.ErrRevoked)
		}
		w.accept(taken, kim)
		w.equal("earlier members stay", w.accept(link, joe).UserID, joe.UserID)
		// A new promotion revives nothing.
		w.role("acme", "bob", "owner")
		w.acceptRefused(mail, ann, invitations.ErrRevoked)
		w.accept(w.invite(ada, "acme", ann.Email, "viewer"), ann)
	}
}

// sendings returns invitations of every sender, role, quota and state.
func sendings(organization string, now time.Time) []invitations.Record {
	var all []invitations.Record
	senders := []string{"bob", "ada", ""}
	for n := range 3*2*4*2 + 4*3*2*2 {
		r := link(organization, n)
		if n/3%2 == 0 {
			r.Kind, r.MaxUses, r.Uses = invitations.KindEmail, 1, 0
			r.Email, r.SweepAt = fmt.Sprintf("p%d@example.com", n), start.Add(5*day)
		}
		r.SentBy, r.CreatedBy = senders[n%3], senders[n/7%3]
		r.Role = []invitations.Role{"viewer", "developer", "admin", "owner"}[n/6%4]
		if n/24%2 == 0 {
			r.Quota = invitations.Quota{}
		}
		r.ExpiresAt = now.Add(time.Microsecond)
		switch {
		case n < 48: // pending
		case n < 60:
			r.ExpiresAt = now // expired
		default:
			r.State = []invitations.State{invitations.StateAccepted, invitations.StateDeclined, invitations.StateRevoked}[n/12-5]
			r.EndedAt = start
		}
		all = append(all, r)
	}
	return all
}

func storyCascade(w *world) {
	w = w.with(invitations.Config{Policy: recruiters()})
	now := start.Add(time.Hour)
	w.clock.Add(time.Hour)
	populate := func(organization string, role invitations.Role) {
		w.Helper()
		w.found(organization, "ada")
		w.role(organization, "bob", role)
		w.role(organization, "kim", "viewer")
		w.change(organization, invitations.Changes{Invitations: sendings(organization, now)})
	}
	populate("zeta", "admin")
	other := w.state("zeta", everybody...)
	for i, c := range []struct {
		name     string
		from, to invitations.Role // of bob
		fall     func(organization string) error
		actor    string
	}{
		{"demoted", "admin", "viewer", w.demotes(ada, "viewer"), "ada"},
		{"demoted to a role without quotas", "admin", "recruiter", w.demotes(ada, "recruiter"), "ada"},
		{"demoted from owner to admin", "owner", "admin", w.demotes(invitations.System(), "admin"), ""},
		{"demotes themselves", "owner", "developer", w.demotes(bob, "developer"), "bob"},
		{"promoted", "admin", "owner", w.demotes(ada, "owner"), "ada"},
		{"the same role", "recruiter", "recruiter", w.demotes(ada, "recruiter"), "ada"},
		{"removed", "admin", "", func(o string) error { return second(w.svc.RemoveMember(w.ctx, ada, o, "bob")) }, "ada"},
		{"leaves", "owner", "", func(o string) error { return second(w.svc.Leave(w.ctx, o, "bob")) }, "bob"},
		{"transfers, and is an admin", "owner", "admin", w.hands("admin"), "bob"},
		{"transfers, and is a viewer", "owner", "viewer", w.hands("viewer"), "bob"},
	} {
		acme := fmt.Sprintf("acme %d", i)
		populate(acme, c.from)
		all := invitations.InvitationQuery{Organization: acme, At: now, Limit: 1000}
		want, version := w.page(all), w.version(acme)
		w.ok(c.fall(acme))

		ended := map[uuid.UUID]invitations.Event{}
		for n := range want.Items {
			r := &want.Items[n]
			if r.SentBy != "bob" || r.State != invitations.StatePending || !now.Before(r.ExpiresAt) || c.from == c.to ||
				c.to != "" && couldSend(w.svc.Policy(), c.to, r.Invitation) {
				continue
			}
			r.State, r.EndedAt, r.SweepAt = invitations.StateRevoked, now, time.Time{}
			ended[r.ID] = invitations.Event{
				Version: version + 1, Type: invitations.EventInvitationRevoked, Actor: c.actor,
				InvitationID: r.ID, Email: r.Email, Role: r.Role, Quota: r.Quota, MaxUses: r.MaxUses, ExpiresAt: r.ExpiresAt,
				Reason: invitations.ErrSenderNotEntitled.Code(),
			}
		}
		w.equal(c.name+": invitations", w.page(all), want)
		for _, e := range w.happened(acme, version+1) {
			if e.Type == invitations.EventInvitationRevoked {
				e.Index = 0
				w.equal(c.name+": event", e, ended[e.InvitationID])
				delete(ended, e.InvitationID)
			}
		}
		w.equal(c.name+": invitations that ended without an event", slices.Collect(maps.Keys(ended)), []uuid.UUID{})
		w.equal(c.name+": the other organization", w.state("zeta", everybody...), other)
	}
}

// couldSend reports whether a member with a role could send the invitation.
func couldSend(policy *invitations.Policy, role invitations.Role, inv invitations.Invitation) bool {
	if inv.Quota != (invitations.Quota{}) && !policy.Allows(role, invitations.PermissionQuotaUpdate) {
		return false
	}
	if !policy.Allows(role, invitations.PermissionInvitationCreate) && !policy.Allows(role, invitations.PermissionInvitationResend) {
		return false
	}
	return covers(policy, role, rank(policy, inv.Role))
}

// rank returns the role that counts for a role. That of an unknown role is the owner's, because
// its permissions are unknown.
func rank(policy *invitations.Policy, role invitations.Role) invitations.Role {
	if policy.Has(role) {
		return role
	}
	return invitations.RoleOwner
}

// covers reports whether a role holds every permission of another.
func covers(policy *invitations.Policy, role, other invitations.Role) bool {
	for _, permission := range append(slices.Clone(permissions), hostsOwn) {
		if policy.Allows(other, permission) && !policy.Allows(role, permission) {
			return false
		}
	}
	return true
}

// hostsOwn is a permission that the library does not know.
const hostsOwn = invitations.Permission("report:read")

func (w *world) demotes(actor invitations.Actor, role invitations.Role) func(organization string) error {
	return func(organization string) error {
		_, err := w.svc.ChangeRole(w.ctx, actor, invitations.ChangeRoleParams{Organization: organization, UserID: "bob", Role: role})
		return err
	}
}

func (w *world) hands(role invitations.Role) func(organization string) error {
	return func(organization string) error {
		_, err := w.svc.TransferOwnership(w.ctx, bob, invitations.TransferOwnershipParams{Organization: organization, From: "bob", To: "kim", Role: role})
		return err
	}
}
