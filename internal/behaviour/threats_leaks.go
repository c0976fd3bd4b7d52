package behaviour

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-invitations/invitations"
)

// leakThreats are the threats to secrets: tokens, keys and the existence of invitations.
var leakThreats = []check{
	{"Class31_TokenNeedsPermissionToResend", storyTokenAgain},
	{"Class33_NothingPrintsASecret", storyNoSecrets},
	{"Class38_SameAnswerToStrangers", storyStrangers},
	{"Class44_LookingChangesNothing", storyLooking},
}

func storyTokenAgain(w *world) {
	w.found("acme", "ada")
	w.role("acme", "bob", "admin")
	w.role("acme", "dev", "developer")
	sent := w.invite(ada, "acme", "ann@example.com", "admin")
	for _, actor := range []invitations.Actor{ada, bob, invitations.System()} {
		again, err := w.svc.PendingToken(w.ctx, actor, "acme", sent.ID)
		w.ok(err)
		if again.Token.Reveal() != sent.Token.Reveal() {
			w.Error("got another token")
		}
	}
	for _, user := range []string{"dev", "ann", "nobody"} {
		again, err := w.svc.PendingToken(w.ctx, invitations.User(user), "acme", sent.ID)
		w.refused(err, invitations.ErrPermissionDenied)
		if !again.Token.IsZero() {
			w.Error("got a token with a refusal")
		}
	}
	page, err := w.svc.Invitations(w.ctx, ada, invitations.InvitationsParams{Organization: "acme"})
	w.ok(err)
	listed, err := json.Marshal(page)
	w.ok(err)
	if text := string(listed); strings.Contains(text, "inv_") || strings.Contains(strings.ToLower(text), "nonce") {
		w.Errorf("a list shows a secret: %s", text)
	}
}

func storyNoSecrets(w *world) {
	w.found("acme", "ada")
	sent := w.invite(ada, "acme", "ann@example.com", "viewer")
	token := sent.Token.Reveal()
	_, mismatch := w.svc.Accept(w.ctx, token, person("eve", "eve@example.com"))
	_, twice := w.svc.Invite(w.ctx, ada, invitations.InviteParams{Organization: "acme", Email: "ann@example.com", Role: "viewer"})
	next, err := w.svc.NextStep(w.ctx, token, invitations.Visitor{Identity: person("eve", "eve@example.com")})
	w.ok(err)
	for _, v := range []any{sent, w.get(sent), w.lookup(sent), next, mismatch, twice, w.svc, w.state("acme").Events, w.accept(sent, annID)} {
		asJSON, err := json.Marshal(v)
		w.ok(err)
		for _, text := range []string{fmt.Sprint(v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), string(asJSON)} {
			if strings.Contains(text, token[4:]) || strings.Contains(text, string(testKey(1))) || strings.Contains(text, "0x1, 0x1, 0x1, 0x1") {
				w.Errorf("%T prints a secret: %s", v, text)
			}
		}
	}
	for _, err := range []error{mismatch, twice} {
		if strings.Contains(err.Error(), "ann") {
			w.Errorf("an error quotes an address: %v", err)
		}
	}
}

func storyStrangers(w *world) {
	w.found("acme", "ada")
	w.invite(ada, "acme", "ann@example.com", "viewer")
	stranger := invitations.User("eve")
	for _, organization := range []string{"acme", "none"} {
		for _, email := range []string{"ann@example.com", "joe@example.com"} { // invited or not
			_, err := w.svc.Invite(w.ctx, stranger, invitations.InviteParams{Organization: organization, Email: email, Role: "viewer"})
			if err != error(invitations.ErrPermissionDenied) { //nolint:errorlint // the very same answer
				w.Errorf("%s, %s: got error %v", organization, email, err)
			}
		}
		_, err := w.svc.Invitations(w.ctx, stranger, invitations.InvitationsParams{Organization: organization})
		if err != error(invitations.ErrPermissionDenied) { //nolint:errorlint // the very same answer
			w.Errorf("%s: got error %v", organization, err)
		}
	}
}

func storyLooking(w *world) {
	w.found("acme", "ada")
	mail := w.invite(ada, "acme", "ann@example.com", "viewer")
	link := w.link(ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer", MaxUses: 1})
	before := w.state("acme", "ann", "ada")
	for _, sent := range []invitations.SentInvitation{mail, link} {
		for range 3 {
			_, err := w.svc.Lookup(w.ctx, sent.Token.Reveal())
			w.ok(err)
			w.next(sent, invitations.Visitor{}, invitations.StepSignIn)
			w.next(sent, invitations.Visitor{Identity: annID}, invitations.StepAccept)
			_, err = w.svc.PendingToken(w.ctx, ada, "acme", sent.ID)
			w.ok(err)
		}
	}
	w.equal("state", w.state("acme", "ann", "ada"), before)
	w.accept(mail, annID)
}
