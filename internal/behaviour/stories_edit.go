package behaviour

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var editStories = []check{
	{"EditOfAnEmailInvitation", storyEditMail},
	{"EditOfALink", storyEditLink},
	{"EditIsRefused", storyEditRefused},
}

func (w *world) edit(actor invitations.Actor, sent invitations.SentInvitation, p invitations.EditParams) invitations.Invitation {
	w.Helper()
	p.Organization, p.ID = sent.Organization, sent.ID
	inv, err := w.svc.Edit(w.ctx, actor, p)
	w.ok(err)
	return inv
}

func storyEditMail(w *world) {
	w.company()
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	other := w.invite(ada, "zeta", "ann@example.com", "viewer")
	version := w.version("acme")
	w.clock.Add(time.Hour)
	message := "Hello again"
	want := sent.Invitation
	want.Role, want.Message, want.SentBy, want.ExpiresAt = "developer", message, "bob", w.clock.Now().Add(3*day)
	w.equal("edited", w.edit(bob, sent, invitations.EditParams{Role: "developer", Message: &message, ExpiresIn: 3 * day}), want)
	w.equal("stored", w.get(sent), want)
	w.equal("the other organization's", w.get(other), other.Invitation)
	edited := invitations.Event{
		Version: version + 1, Type: invitations.EventInvitationEdited, Actor: "bob", InvitationID: sent.ID, Email: "ann@example.com",
		Role: "developer", FormerRole: "viewer", MaxUses: 1, ExpiresAt: want.ExpiresAt, Changed: []string{"role", "message", "expires_at"},
		InvitedBy: "bob",
	}
	w.equal("events", w.happened("acme", version+1), []invitations.Event{edited})

	w.unchanged("an edit that changes nothing", func() {
		w.equal("edited", w.edit(ada, sent, invitations.EditParams{}), want)
		w.equal("edited", w.edit(ada, sent, invitations.EditParams{Role: "developer", Message: &message, ExpiresIn: 3 * day}), want)
	})
	// An edit of one field leaves the others.
	none := ""
	want.Message, want.SentBy = "", "ada"
	w.equal("without a message", w.edit(ada, sent, invitations.EditParams{Message: &none}), want)

	// The old token grants the edited offer.
	offer := w.lookup(sent)
	if offer.Role != "developer" || offer.SentBy != "ada" || !offer.ExpiresAt.Equal(want.ExpiresAt) {
		w.Errorf("the offer is %+v", offer)
	}
	if m := w.accept(sent, annID); m.Role != "developer" || m.InvitedBy != "ada" {
		w.Errorf("got member %+v", m)
	}
	w.equal("in the other organization", w.accept(other, annID).Role, invitations.Role("viewer"))
}

func storyEditLink(w *world) {
	w.found("acme", "ada")
	sent := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", MaxUses: 2})
	person := func(user, domain string) invitations.Identity {
		return invitations.Identity{UserID: user, Email: user + "@" + domain, EmailVerified: true}
	}
	w.accept(sent, person("x", "example.org"))
	domains, uses := []string{"B.example", "a.example", "b.example"}, 3
	inv := w.edit(ada, sent, invitations.EditParams{AllowedDomains: &domains, MaxUses: &uses})
	w.equal("domains", inv.AllowedDomains, []string{"a.example", "b.example"})
	w.equal("uses", []int{inv.Uses, inv.MaxUses}, []int{1, 3})
	w.acceptRefused(sent, person("y", "example.org"), invitations.ErrDomainNotAllowed)
	w.accept(sent, person("y", "a.example"))
	w.unchanged("limits that are used up", func() {
		for _, uses := range []int{1, 2} {
			_, err := w.svc.Edit(w.ctx, ada, invitations.EditParams{Organization: "acme", ID: sent.ID, MaxUses: &uses})
			w.refused(err, invitations.ErrInvalid)
		}
	})
	// Remove both limits, then set the lowest possible one.
	none, endless := []string{}, 0
	w.edit(ada, sent, invitations.EditParams{AllowedDomains: &none, MaxUses: &endless})
	w.accept(sent, person("z", "example.org"))
	uses = 4
	w.edit(ada, sent, invitations.EditParams{MaxUses: &uses})
	w.accept(sent, person("kim", "example.org"))
	w.acceptRefused(sent, person("joe", "example.org"), invitations.ErrExhausted)
	_, err := w.svc.Edit(w.ctx, ada, invitations.EditParams{Organization: "acme", ID: sent.ID, MaxUses: &endless})
	w.refused(err, invitations.ErrExhausted)
}

func storyEditRefused(w *world) {
	w.company()
	uses, many, domains := 3, 10_001, []string{"not a domain"}
	mail := w.invite(ada, "acme", "ann@example.com", "viewer")
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
	w.unchanged("refused", func() {
		for name, c := range map[string]struct {
			actor invitations.Actor
			p     invitations.EditParams
			want  error
		}{
			"nobody":                   {invitations.Actor{}, invitations.EditParams{Organization: "acme", ID: mail.ID}, invitations.ErrInvalid},
			"no id":                    {ada, invitations.EditParams{Organization: "acme"}, invitations.ErrInvalid},
			"no organization":          {ada, invitations.EditParams{ID: mail.ID}, invitations.ErrInvalid},
			"an unknown role":          {ada, invitations.EditParams{Organization: "acme", ID: mail.ID, Role: "superuser"}, invitations.ErrInvalid},
			"too short a life":         {ada, invitations.EditParams{Organization: "acme", ID: mail.ID, ExpiresIn: time.Hour}, invitations.ErrInvalid},
			"too long a life":          {ada, invitations.EditParams{Organization: "acme", ID: mail.ID, ExpiresIn: 31 * day}, invitations.ErrInvalid},
			"uses of an email":         {ada, invitations.EditParams{Organization: "acme", ID: mail.ID, MaxUses: &uses}, invitations.ErrInvalid},
			"too many uses":            {ada, invitations.EditParams{Organization: "acme", ID: link.ID, MaxUses: &many}, invitations.ErrInvalid},
			"no domain":                {ada, invitations.EditParams{Organization: "acme", ID: link.ID, AllowedDomains: &domains}, invitations.ErrInvalid},
			"an unknown id":            {ada, invitations.EditParams{Organization: "acme", ID: id(77)}, invitations.ErrNotFound},
			"an unknown organization":  {invitations.System(), invitations.EditParams{Organization: "none", ID: mail.ID}, invitations.ErrNotFound},
			"of the other one":         {ada, invitations.EditParams{Organization: "zeta", ID: mail.ID}, invitations.ErrNotFound},
			"no permission":            {invitations.User("dev"), invitations.EditParams{Organization: "acme", ID: mail.ID}, invitations.ErrPermissionDenied},
			"by a stranger":            {invitations.User("eve"), invitations.EditParams{Organization: "acme", ID: mail.ID}, invitations.ErrPermissionDenied},
			"by a stranger, elsewhere": {invitations.User("eve"), invitations.EditParams{Organization: "none", ID: mail.ID}, invitations.ErrPermissionDenied},
		} {
			_, err := w.svc.Edit(w.ctx, c.actor, c.p)
			w.refusal(name, err, c.want)
		}
	})
	// An edit revives nothing that has ended or expired.
	revoked := w.invite(ada, "acme", "kim@example.com", "viewer")
	w.ok(second(w.svc.Revoke(w.ctx, ada, "acme", revoked.ID)))
	declined := w.invite(ada, "acme", "joe@example.com", "viewer")
	w.ok(w.svc.Decline(w.ctx, declined.Token.Reveal()))
	w.accept(mail, annID)
	w.clock.Add(7 * day)
	w.unchanged("not pending", func() {
		for id, want := range map[uuid.UUID]error{
			mail.ID: invitations.ErrAccepted, revoked.ID: invitations.ErrRevoked, declined.ID: invitations.ErrDeclined, link.ID: invitations.ErrExpired,
		} {
			_, err := w.svc.Edit(w.ctx, ada, invitations.EditParams{Organization: "acme", ID: id, Role: "admin", ExpiresIn: day})
			if !errors.Is(err, want) || !errors.Is(err, invitations.ErrNotPending) {
				w.Errorf("got error %v, want %v", err, want)
			}
		}
	})
}
