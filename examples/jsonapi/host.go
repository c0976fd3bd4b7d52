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

// A host stands for what your application has already: accounts, sessions and
// mail. It is no example of how to make them; signing in asks for no password.
type host struct {
	secure bool // cookies are for https alone

	mu       sync.Mutex
	made     int                // accounts so far
	accounts map[string]account // by canonical address
	sessions map[string]account // as it was at sign-in, by what the cookie holds
	outbox   []mail
}

// An account is a user. Its id is what a membership is tied to: an id is never
// given to somebody else, as an address may be. The zero account is nobody.
type account struct {
	id       string
	Email    string // canonical
	Verified bool   // there is proof that the user owns Email
}

func (a account) identity() invitations.Identity {
	return invitations.Identity{UserID: a.id, Email: a.Email, EmailVerified: a.Verified}
}

// A mail is one that was sent.
type mail struct{ To, Organization, Link string }

// A refusal is an error of the host's own.
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

// register makes an account for an address that has none. An account that is not verified
// may be a stranger's, who waits in it for the owner of the address to come and be let into
// a team. So proof of the address replaces it by one with another id, and so ends its
// sessions. Without proof it stays, or everybody could take it away.
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

// signIn returns the account with this address. Yours asks for more.
func (h *host) signIn(email string) (account, error) {
	email, err := invitations.CanonicalEmail(email)
	if err != nil {
		return account{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if who, ok := h.accounts[email]; ok {
		return who, nil
	}
	return account{}, errSignInFailed
}

// hasAccount is what [invitations.Visitor] asks for. An account that is not verified does
// not count: nobody is sent to sign in to what may be a stranger's.
func (h *host) hasAccount(_ context.Context, email string) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.accounts[email].Verified, nil
}

// verify stands for the mail with which you verify an address. It ends all other sessions of
// who is signed in: somebody else may have made the account. Where there are passwords and
// other ways to sign in, those from before end with them.
func (h *host) verify(_ http.ResponseWriter, r *http.Request) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if who := h.signedIn(r); who.id != "" {
		who.Verified = true
		h.accounts[who.Email] = who
		maps.DeleteFunc(h.sessions, func(secret string, of account) bool { return of.id == who.id && secret != session(r) })
	}
	return nil
}

const sessionCookie = "session"

// begin begins a session of who, with a new secret, and ends the one that was. With nobody
// it only ends.
func (h *host) begin(w http.ResponseWriter, r *http.Request, who account) {
	cookie := &http.Cookie{
		Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: h.secure,
		SameSite: http.SameSiteLaxMode, // Strict would hide it from who comes by a link in a mail
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, session(r))
	if who.id != "" {
		cookie.Value, cookie.MaxAge = rand.Text(), 0
		h.sessions[cookie.Value] = who
	}
	http.SetCookie(w, cookie)
}

func (h *host) end(w http.ResponseWriter, r *http.Request) error {
	h.begin(w, r, account{})
	return nil
}

// session returns the secret of the request's session, or "".
func session(r *http.Request) string {
	if c, err := r.Cookie(sessionCookie); err == nil {
		return c.Value
	}
	return ""
}

// current returns who is signed in.
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
	return account{} // another account has replaced it
}

// send stands for sending mail.
func (h *host) send(m mail) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outbox = append(h.outbox, m)
}

// sent returns all mails, the newest first.
func (h *host) sent() []mail {
	h.mu.Lock()
	defer h.mu.Unlock()
	mails := slices.Clone(h.outbox)
	slices.Reverse(mails)
	return mails
}
