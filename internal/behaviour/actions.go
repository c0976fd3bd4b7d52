package behaviour

import (
	"context"
	"time"

	"github.com/go-invitations/invitations"
)

var (
	ada   = invitations.User("ada")
	bob   = invitations.User("bob")
	annID = person("ann", "ann@example.com")
)

// found creates an organization with its first owner.
func (w *world) found(organization, owner string) {
	w.Helper()
	_, err := w.svc.CreateOrganization(w.ctx, organization, owner)
	w.ok(err)
}

// role gives a user a role in an organization, past the library's rules: it ends none of
// their invitations.
func (w *world) role(organization, user string, role invitations.Role) {
	w.Helper()
	w.change(organization, setRole(organization, user, role))
}

// add makes a user a member on behalf of the host's backend.
func (w *world) add(organization, user string, role invitations.Role) {
	w.Helper()
	_, err := w.svc.AddMember(w.ctx, invitations.System(), invitations.AddMemberParams{Organization: organization, UserID: user, Role: role})
	w.ok(err)
}

func setRole(organization, user string, role invitations.Role) invitations.Changes {
	return invitations.Changes{
		Members: []invitations.Member{{Organization: organization, UserID: user, Role: role, JoinedAt: start}},
		Events:  []invitations.Event{{Organization: organization, Type: "member.role_changed", At: start, Subject: user, Role: role}},
	}
}

func (w *world) changeRole(actor invitations.Actor, organization, user string, role invitations.Role) invitations.Member {
	w.Helper()
	m, err := w.svc.ChangeRole(w.ctx, actor, invitations.ChangeRoleParams{Organization: organization, UserID: user, Role: role})
	w.ok(err)
	return m
}

// remove removes a member on behalf of the host's backend.
func (w *world) remove(organization, user string) {
	w.Helper()
	_, err := w.svc.RemoveMember(w.ctx, invitations.System(), organization, user)
	w.ok(err)
}

func (w *world) leave(organization, user string) {
	w.Helper()
	_, err := w.svc.Leave(w.ctx, organization, user)
	w.ok(err)
}

func (w *world) transfer(actor invitations.Actor, p invitations.TransferOwnershipParams) invitations.Member {
	w.Helper()
	m, err := w.svc.TransferOwnership(w.ctx, actor, p)
	w.ok(err)
	return m
}

// setQuota sets the quota of a member, or of the organization for an empty user.
func (w *world) setQuota(actor invitations.Actor, organization, user string, limit int64, period invitations.Period) {
	w.Helper()
	w.ok(w.svc.SetQuota(w.ctx, actor, invitations.SetQuotaParams{
		Workspace: invitations.InOrganization(organization), UserID: user, Quota: invitations.Quota{Limit: limit, Period: period},
	}))
}

// holds compares whether the user's role holds the permission with want.
func (w *world) holds(organization, user string, permission invitations.Permission, want bool) {
	w.Helper()
	m, err := w.svc.Authorize(w.ctx, organization, user, permission)
	switch {
	case want:
		w.ok(err)
		if m.UserID != user || m.Organization != organization {
			w.Fatalf("got member %+v", m)
		}
	default:
		w.refused(err, invitations.ErrPermissionDenied)
		w.equal("the member of a refusal", m, invitations.Member{})
	}
}

// unchanged runs f, which must change neither of two organizations.
func (w *world) unchanged(what string, f func()) {
	w.Helper()
	var before []state
	for _, organization := range []string{"acme", "zeta"} {
		before = append(before, w.state(organization, everybody...))
	}
	f()
	for i, organization := range []string{"acme", "zeta"} {
		w.equal(what+": "+organization, w.state(organization, everybody...), before[i])
	}
}

// everybody are the users that act in the stories.
var everybody = []string{"ada", "bob", "ann", "joe", "kim", "eve", "dev", "x", "y", "z"}

// happened returns the events of an organization from a version on, without Organization
// and At, which are equal in all of them.
func (w *world) happened(organization string, from int64) []invitations.Event {
	w.Helper()
	page := w.events(invitations.EventQuery{Organization: organization, After: &invitations.EventPosition{Version: from, Index: -1}, Limit: 1000})
	for i := range page.Items {
		e := &page.Items[i]
		if e.Organization != organization || !e.At.Equal(w.clock.Now()) {
			w.Errorf("got event %+v", *e)
		}
		e.Organization, e.At = "", time.Time{}
	}
	return page.Items
}

// version returns the present version of an organization.
func (w *world) version(organization string) int64 {
	w.Helper()
	return w.view(invitations.Query{Organization: organization}).Version
}

// person returns an identity with a verified address.
func person(user, email string) invitations.Identity {
	return invitations.Identity{UserID: user, Email: email, EmailVerified: true}
}

func (w *world) invite(actor invitations.Actor, organization, email string, role invitations.Role) invitations.SentInvitation {
	w.Helper()
	sent, err := w.svc.Invite(w.ctx, actor, invitations.InviteParams{Organization: organization, Email: email, Role: role})
	w.ok(err)
	return sent
}

func (w *world) link(actor invitations.Actor, p invitations.CreateLinkParams) invitations.SentInvitation {
	w.Helper()
	sent, err := w.svc.CreateLink(w.ctx, actor, p)
	w.ok(err)
	return sent
}

func (w *world) accept(sent invitations.SentInvitation, who invitations.Identity) invitations.Member {
	w.Helper()
	joined, err := w.svc.Accept(w.ctx, sent.Token.Reveal(), who)
	w.ok(err)
	return joined.Member
}

// acceptRefused fails the check unless the acceptance is refused with want, twice, and
// changes nothing.
func (w *world) acceptRefused(sent invitations.SentInvitation, who invitations.Identity, want error) {
	w.Helper()
	before := w.state(sent.Organization, who.UserID, "ada")
	for range 2 {
		_, err := w.svc.Accept(w.ctx, sent.Token.Reveal(), who)
		w.refused(err, want)
	}
	w.equal("state after a refusal", w.state(sent.Organization, who.UserID, "ada"), before)
}

func (w *world) next(sent invitations.SentInvitation, v invitations.Visitor, want invitations.Step) invitations.NextStep {
	w.Helper()
	next, err := w.svc.NextStep(w.ctx, sent.Token.Reveal(), v)
	w.ok(err)
	if next.Step != want {
		w.Fatalf("got step %q (%v), want %q", next.Step, next.Reason, want)
	}
	return next
}

func (w *world) get(sent invitations.SentInvitation) invitations.Invitation {
	w.Helper()
	inv, err := w.svc.Invitation(w.ctx, invitations.System(), sent.Organization, sent.ID)
	w.ok(err)
	return inv
}

func (w *world) resend(actor invitations.Actor, sent invitations.SentInvitation) invitations.SentInvitation {
	w.Helper()
	again, err := w.svc.Resend(w.ctx, actor, invitations.ResendParams{Organization: sent.Organization, ID: sent.ID})
	w.ok(err)
	return again
}

func accounts(emails ...string) func(context.Context, string) (bool, error) {
	return func(_ context.Context, email string) (bool, error) {
		for _, e := range emails {
			if e == email {
				return true, nil
			}
		}
		return false, nil
	}
}

// second returns the error of a call.
func second[T any](_ T, err error) error { return err }

func (w *world) lookup(sent invitations.SentInvitation) invitations.Offer {
	w.Helper()
	offer, err := w.svc.Lookup(w.ctx, sent.Token.Reveal())
	w.ok(err)
	return offer
}
