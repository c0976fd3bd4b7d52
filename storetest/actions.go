package storetest

import (
	"context"

	"github.com/go-invitations/invitations"
)

var (
	ada   = invitations.User("ada")
	bob   = invitations.User("bob")
	annID = person("ann", "ann@example.com")
)

// found makes an organization with its first owner.
func (w *world) found(organization, owner string) {
	w.Helper()
	_, err := w.svc.CreateOrganization(w.ctx, organization, owner)
	w.ok(err)
}

// role gives a member of an organization another role, or makes one.
func (w *world) role(organization, user string, role invitations.Role) {
	w.Helper()
	w.change(organization, setRole(organization, user, role))
}

// setRole is the change of role that a rule of the library would make.
func setRole(organization, user string, role invitations.Role) invitations.Changes {
	return invitations.Changes{
		Members: []invitations.Member{{Organization: organization, UserID: user, Role: role, JoinedAt: start}},
		Events:  []invitations.Event{{Organization: organization, Type: "member.role_changed", At: start, Subject: user, Role: role}},
	}
}

// remove removes a member as a rule of the library would.
func (w *world) remove(organization, user string) {
	w.Helper()
	w.ok(w.store.Update(w.ctx, invitations.Query{Organization: organization}, func(f invitations.Facts) (invitations.Changes, error) {
		return invitations.Changes{
			Gone:     []string{user},
			Removals: []invitations.Removal{{Organization: organization, UserID: user, Version: f.Version + 1, At: w.clock.Now()}},
		}, nil
	}))
}

// leave lets a member go as if of their own accord.
func (w *world) leave(organization, user string) {
	w.Helper()
	w.change(organization, invitations.Changes{Gone: []string{user}})
}

// person returns an identity whose address is verified.
func person(user, email string) invitations.Identity {
	return invitations.Identity{UserID: user, Email: email, EmailVerified: true}
}

func (w *world) invite(actor invitations.Actor, organization, email string, role invitations.Role) invitations.Sent {
	w.Helper()
	sent, err := w.svc.Invite(w.ctx, actor, invitations.InviteParams{Organization: organization, Email: email, Role: role})
	w.ok(err)
	return sent
}

func (w *world) link(actor invitations.Actor, p invitations.LinkParams) invitations.Sent {
	w.Helper()
	sent, err := w.svc.CreateLink(w.ctx, actor, p)
	w.ok(err)
	return sent
}

func (w *world) accept(sent invitations.Sent, who invitations.Identity) invitations.Member {
	w.Helper()
	m, err := w.svc.Accept(w.ctx, sent.Token.Reveal(), who)
	w.ok(err)
	return m
}

// acceptRefused fails the check unless the acceptance is refused with want, twice, and
// changes nothing.
func (w *world) acceptRefused(sent invitations.Sent, who invitations.Identity, want error) {
	w.Helper()
	before := w.state(sent.Organization, who.UserID, "ada")
	for range 2 {
		_, err := w.svc.Accept(w.ctx, sent.Token.Reveal(), who)
		w.refused(err, want)
	}
	w.equal("state after a refusal", w.state(sent.Organization, who.UserID, "ada"), before)
}

func (w *world) next(sent invitations.Sent, v invitations.Visitor, want invitations.Step) invitations.Next {
	w.Helper()
	next, err := w.svc.Next(w.ctx, sent.Token.Reveal(), v)
	w.ok(err)
	if next.Step != want {
		w.Fatalf("got step %q (%v), want %q", next.Step, next.Reason, want)
	}
	return next
}

func (w *world) get(sent invitations.Sent) invitations.Invitation {
	w.Helper()
	inv, err := w.svc.Get(w.ctx, invitations.System(), sent.Organization, sent.ID)
	w.ok(err)
	return inv
}

func (w *world) resend(actor invitations.Actor, sent invitations.Sent) invitations.Sent {
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

func (w *world) lookup(sent invitations.Sent) invitations.Offer {
	w.Helper()
	offer, err := w.svc.Lookup(w.ctx, sent.Token.Reveal())
	w.ok(err)
	return offer
}
