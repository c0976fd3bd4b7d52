package main

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/postgresstore"
	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
)

// The values that a session keeps.
const (
	keyUser       = "user"      // the ID of the account that is signed in
	keyVerifiedAt = "verified"  // when its address was proved
	keyWorkspace  = "workspace" // the ID of the chosen organization; empty: the personal workspace
	keyNotice     = "notice"    // shown once, on the next page
	keyProblem    = "problem"   // like keyNotice, about something that did not work
	keyReturn     = "return"    // the organization of an invitation to show once the address is verified
	keyReturnID   = "return_id"
	keyReturnHash = "return_hash" // of its token
	keyOutcomes   = "outcomes"    // of the list of people that was invited last, shown once
)

// newSessions returns sessions that are kept in the database, so that a restart signs nobody out.
func newSessions(db *database, https bool) *scs.SessionManager {
	s := scs.New()
	s.Lifetime = 14 * 24 * time.Hour
	s.HashTokenInStore = true // a copy of the database signs nobody in
	s.Cookie.Name = "session"
	s.Cookie.SameSite = http.SameSiteLaxMode
	if s.Cookie.Secure = https; https {
		s.Cookie.Name = "__Host-session"
	}
	if db.postgres {
		s.Store = postgresstore.NewWithCleanupInterval(db.DB, 0) // work cleans up
	} else {
		s.Store = sqlite3store.NewWithCleanupInterval(db.DB, 0)
	}
	return s
}

// startSession signs an account in. The session gets another ID, so that nobody who knew it
// before is signed in too, and keeps nothing of the person who was signed in before.
func (a *app) startSession(ctx context.Context, u account) error {
	if err := a.sessions.RenewToken(ctx); err != nil {
		return err
	}
	if err := a.sessions.Clear(ctx); err != nil {
		return err
	}
	a.sessions.Put(ctx, keyUser, u.ID)
	a.sessions.Put(ctx, keyVerifiedAt, u.VerifiedAt)
	return nil
}

// sessionAccount returns the account that is signed in, or the zero account. When an address is
// proved, the sessions from before end, because somebody else can have begun them.
func (a *app) sessionAccount(ctx context.Context) (account, error) {
	id := a.sessions.GetString(ctx, keyUser)
	if id == "" {
		return account{}, nil
	}
	u, err := a.accountByID(ctx, id)
	if u.VerifiedAt != a.sessions.GetInt64(ctx, keyVerifiedAt) {
		u = account{}
	}
	return u, err
}

// dropOldSessions deletes the sessions that are over.
func (a *app) dropOldSessions(ctx context.Context) error {
	now := `julianday('now')`
	if a.db.postgres {
		now = `now()`
	}
	_, err := a.db.ExecContext(ctx, `delete from sessions where expiry < `+now)
	return err
}
