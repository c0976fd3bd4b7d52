package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/go-invitations/invitations"
)

// A host stands for the accounts, sessions and mails of your application. Replace it. It asks for
// no password, and treats every address as verified.
type host struct {
	mailbox  io.Writer // of all recipients
	sessions sync.Map  // from the value of the cookie to an Identity
}

// signIn begins a session of the user with this address.
func (h *host) signIn(w http.ResponseWriter, email string) error {
	email, err := invitations.CanonicalEmail(email)
	if err != nil {
		return err
	}
	// In production, use an ID that never changes. An address can change.
	user := invitations.Identity{UserID: email, Email: email, EmailVerified: true}
	// With SameSite=Strict, the link in a mail would open signed out. Set Secure when you serve
	// HTTPS.
	cookie := &http.Cookie{ //nolint:gosec // loopback has no HTTPS
		Name: "session", Value: rand.Text(), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	h.sessions.Store(cookie.Value, user)
	http.SetCookie(w, cookie)
	return nil
}

// current returns the signed-in user, or the zero Identity.
func (h *host) current(r *http.Request) invitations.Identity {
	cookie, err := r.Cookie("session")
	if err != nil {
		return invitations.Identity{}
	}
	user, _ := h.sessions.Load(cookie.Value)
	identity, _ := user.(invitations.Identity)
	return identity
}

// mail stands for sending a mail. The link is a secret: do not log it.
func (h *host) mail(to, link string) {
	fmt.Fprintf(h.mailbox, "Mail to %s: %s\n", to, link)
}
