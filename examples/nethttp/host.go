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
	mu       sync.Mutex
	accounts []account
	made     int               // accounts so far
	sessions map[string]string // account ids, by what the cookie holds
	teams    map[string][]string
	outbox   []mail
}

// An account is a user. Its id is what a membership is tied to: an id is never
// given to somebody else, as an address may be.
type account struct {
	id       string
	Email    string // canonical
	Verified bool   // there is proof that the user owns Email
}

// identity vouches for who: the zero account, which is nobody, has the zero Identity.
func (a account) identity() invitations.Identity {
	return invitations.Identity{UserID: a.id, Email: a.Email, EmailVerified: a.Verified}
}

// A mail is one that was sent.
type mail struct {
	To           string
	Organization string
	Link         string
}

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

func newHost() *host {
	return &host{sessions: map[string]string{}, teams: map[string][]string{}}
}

// register makes an account for an address that has none. An account that is not verified
// may be a stranger's, who waits in it for the owner of the address to come and be let into
// a team. So proof of the address replaces it by one with another id, and ends its sessions.
// Without proof it stays, or everybody could take it away.
func (h *host) register(email string, verified bool) (account, error) {
	email, err := invitations.CanonicalEmail(email)
	if err != nil {
		return account{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.find(email); i >= 0 {
		if h.accounts[i].Verified || !verified {
			return account{}, errHasAccount
		}
		h.endSessions(h.accounts[i].id, "")
		h.accounts = slices.Delete(h.accounts, i, i+1)
	}
	h.made++
	who := account{id: "user-" + strconv.Itoa(h.made), Email: email, Verified: verified}
	h.accounts = append(h.accounts, who)
	return who, nil
}

// find returns the place of the account with a canonical address, or -1.
func (h *host) find(email string) int {
	return slices.IndexFunc(h.accounts, func(a account) bool { return a.Email == email })
}

// signIn returns the account with this address. Yours asks for more.
func (h *host) signIn(email string) (account, error) {
	email, err := invitations.CanonicalEmail(email)
	if err != nil {
		return account{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.find(email); i >= 0 {
		return h.accounts[i], nil
	}
	return account{}, errSignInFailed
}

// hasAccount is what [invitations.Visitor] asks for. An account that is not verified does
// not count: nobody is sent to sign in to what may be a stranger's.
func (h *host) hasAccount(_ context.Context, email string) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.find(email)
	return i >= 0 && h.accounts[i].Verified, nil
}

// verify stands for the mail with which you verify an address. It ends all sessions of who
// but the one with this secret: somebody else may have made the account. Where there are
// passwords and other ways to sign in, those from before end with them.
func (h *host) verify(who account, secret string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.find(who.Email); i >= 0 && h.accounts[i].id == who.id {
		h.accounts[i].Verified = true
		h.endSessions(who.id, secret)
	}
}

// endSessions ends all sessions of an account but the one with the secret except.
func (h *host) endSessions(id, except string) {
	maps.DeleteFunc(h.sessions, func(secret, of string) bool { return of == id && secret != except })
}

const sessionCookie = "session"

// begin begins a session of who, with a new secret, and ends the one that was.
func (h *host) begin(w http.ResponseWriter, r *http.Request, who account, secure bool) {
	secret := rand.Text()
	h.mu.Lock()
	delete(h.sessions, session(r))
	h.sessions[secret] = who.id
	h.mu.Unlock()
	http.SetCookie(w, cookie(secret, 0, secure))
}

func (h *host) end(w http.ResponseWriter, r *http.Request, secure bool) {
	h.mu.Lock()
	delete(h.sessions, session(r))
	h.mu.Unlock()
	http.SetCookie(w, cookie("", -1, secure))
}

func cookie(secret string, maxAge int, secure bool) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: secret, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteLaxMode, // Strict would hide it from who comes by a link in a mail
	}
}

// session returns the secret of the request's session, or "".
func session(r *http.Request) string {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// current returns who is signed in.
func (h *host) current(r *http.Request) (account, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id, ok := h.sessions[session(r)]
	i := slices.IndexFunc(h.accounts, func(a account) bool { return a.id == id })
	if !ok || i < 0 {
		return account{}, false
	}
	return h.accounts[i], true
}

// joined remembers for the home page that who is in a team. Which role they have
// there, and whether they still are, the library knows.
func (h *host) joined(who account, organization string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(h.teams[who.id], organization) {
		h.teams[who.id] = append(h.teams[who.id], organization)
	}
}

func (h *host) teamsOf(who account) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.teams[who.id])
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
