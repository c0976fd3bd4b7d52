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

func second[T any](_ T, err error) error { return err }

func (w *world) lookup(sent invitations.Sent) invitations.Offer {
	w.Helper()
	offer, err := w.svc.Lookup(w.ctx, sent.Token.Reveal())
	w.ok(err)
	return offer
}
