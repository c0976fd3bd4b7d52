package main

import (
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/go-invitations/invitations"
)

// A host stands for the accounts, sessions and mails of your application. Replace it. It signs
// everybody in without a password.
type host struct {
	secure bool // send cookies over HTTPS only; false for plain HTTP on loopback

	mu       sync.Mutex
	made     int                // number of accounts made so far
	accounts map[string]account // by canonical address
	sessions map[string]account // by the value of the cookie; the account as it was at sign-in
	outbox   []mail
}

// An account is a user. Memberships belong to its ID, which must never be given to another user.
// The zero account means that nobody is signed in.
type account struct {
	id       string
	Email    string // canonical
	Verified bool   // the user has proved to own Email
}

func (a account) identity() invitations.Identity {
	return invitations.Identity{UserID: a.id, Email: a.Email, EmailVerified: a.Verified}
}

// A mail is an invitation mail that was sent.
type mail struct{ To, Organization, Link string }

// A refusal is an error of the application itself.
type refusal struct {
	status        int
	code, message string
}

func (r *refusal) Error() string { return r.code }

var (
	errSignedOut    = &refusal{http.StatusUnauthorized, "unauthenticated", "Sign in first"}
	errSignInFailed = &refusal{http.StatusForbidden, "sign_in_failed", "Signing in did not work"}
	errHasAccount   = &refusal{http.StatusConflict, "account_exists", "This address has an account: sign in instead"}
)

func newHost(secure bool) *host {
	return &host{secure: secure, accounts: map[string]account{}, sessions: map[string]account{}}
}

// register creates an account for an address without one.
//
// An unverified account may belong to an attacker who waits for the owner of the address to join a
// team. If the address is verified now, register therefore replaces an unverified account by a new
// one with a new ID, which also ends the sessions of the old one. An unverified registration must
// not replace an account, because anybody could do that.
func (h *host) register(email string, verified bool) (account, error) {
	email, err := invitations.CanonicalEmail(email)
	if err != nil {
		return account{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if old, ok := h.accounts[email]; ok && (old.Verified || !verified) {
		return account{}, errHasAccount
	}
	h.made++
	h.accounts[email] = account{id: "user-" + strconv.Itoa(h.made), Email: email, Verified: verified}
	return h.accounts[email], nil
}

// signIn returns the account with this address. Yours must check a password or something better.
func (h *host) signIn(email string) (account, error) {
	email, err := invitations.CanonicalEmail(email)
	if err != nil {
		return account{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if user, ok := h.accounts[email]; ok {
		return user, nil
	}
	return account{}, errSignInFailed
}

// hasAccount is the callback of [invitations.Visitor]. It ignores unverified accounts, because the
// owner of the address should not sign in to an account that an attacker may have made.
func (h *host) hasAccount(_ context.Context, email string) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.accounts[email].Verified, nil
}

// verify stands for the mail with which you verify an address. It ends all other sessions of the
// account, because an attacker may have made it. Yours must also reset passwords and other ways to
// sign in that were set before.
func (h *host) verify(_ http.ResponseWriter, r *http.Request) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if user := h.signedIn(r); user.id != "" {
		user.Verified = true
		h.accounts[user.Email] = user
		maps.DeleteFunc(h.sessions, func(value string, other account) bool {
			return other.id == user.id && value != session(r)
		})
	}
	return nil
}

const sessionCookie = "session"

// begin ends the session of the request and begins a new one for user. It begins none if user is
// the zero account.
func (h *host) begin(w http.ResponseWriter, r *http.Request, user account) {
	cookie := &http.Cookie{ //nolint:gosec // Secure is a setting
		Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: h.secure,
		// With SameSite=Strict, a user who follows the link in the mail would seem signed out.
		SameSite: http.SameSiteLaxMode,
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, session(r))
	if user.id != "" {
		cookie.Value, cookie.MaxAge = rand.Text(), 0
		h.sessions[cookie.Value] = user
	}
	http.SetCookie(w, cookie)
}

func (h *host) signOut(w http.ResponseWriter, r *http.Request) error {
	h.begin(w, r, account{})
	return nil
}

// session returns the value of the session cookie, or "".
func session(r *http.Request) string {
	if c, err := r.Cookie(sessionCookie); err == nil {
		return c.Value
	}
	return ""
}

// current returns the signed-in user, or the zero account.
func (h *host) current(r *http.Request) account {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.signedIn(r)
}

func (h *host) signedIn(r *http.Request) account {
	then := h.sessions[session(r)]
	if now := h.accounts[then.Email]; now.id == then.id {
		return now
	}
	return account{} // register has replaced the account
}

// send stands for sending a mail.
func (h *host) send(m mail) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outbox = append(h.outbox, m)
}

// sent returns all mails, newest first.
func (h *host) sent() []mail {
	h.mu.Lock()
	defer h.mu.Unlock()
	mails := slices.Clone(h.outbox)
	slices.Reverse(mails)
	return mails
}
