package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// An apiKey lets a program act for one member in one team, with at most a role. The key itself is
// not kept.
type apiKey struct {
	ID, Team, Account, Name string
	Role                    invitations.Role
	CreatedAt               time.Time
	joinedAt                int64
}

const (
	keyPrefix = "teamy_" // tells people, and programs that look for leaked secrets, what the text is
	maxKeys   = 20       // of one member in one team
)

// hashKey returns what is kept of a key. The key has 256 random bits, so that a fast hash is enough.
func hashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func (a *app) serveKeys(mux *http.ServeMux) {
	mux.Handle("GET /teams/{team}/keys", a.team(func(v *visit) error { return a.showKeys(v, http.StatusOK, emptyForm("key")) }))
	mux.Handle("POST /teams/{team}/keys", a.team(a.makeKey))
	mux.Handle("POST /teams/{team}/keys/{key}/delete", a.action(a.deleteKey))
}

type keysPage struct {
	Keys  []apiKey
	Roles []invitations.Role
	Form  form
	Base  string
}

// showKeys shows a member their own keys.
func (a *app) showKeys(v *visit, status int, f form) error {
	keys, err := a.keys(v.r.Context(), `organization = $1 and account_id = $2 order by created_at desc, id`, v.Team.ID, v.User.ID)
	if err != nil {
		return err
	}
	return a.show(v, status, "keys", "API keys", keysPage{Keys: keys, Roles: v.Team.roles(), Form: f, Base: a.baseURL + apiPath})
}

// makeKey adds a key. The answer shows it, and nothing else ever does: a redirect would have to
// keep it somewhere.
func (a *app) makeKey(v *visit) error {
	return a.submit(v, "key", func(f form) (string, string, error) {
		key, err := a.addKey(v.r.Context(), v.User.ID, v.Team.ID, f.Get("name"), invitations.Role(f.Get("role")))
		if err != nil {
			return "", "", err
		}
		return "", "", a.show(v, http.StatusCreated, "key", "Your new API key", key)
	}, func(f form) error { return a.showKeys(v, http.StatusUnprocessableEntity, f) })
}

// addKey adds a key for a member, and returns its text.
func (a *app) addKey(ctx context.Context, user, team, name string, role invitations.Role) (string, error) {
	name, err := checkName(name)
	if err != nil {
		return "", err
	}
	m, err := a.svc.Member(ctx, team, user)
	if err != nil {
		return "", err
	}
	if !a.svc.Policy().CanGrant(m.Role, role) {
		return "", &invitations.InvalidError{Field: "role", Code: "unknown_role", Reason: "must not be above your own"}
	}
	key := keyPrefix + newSecret()
	tooMany := &invitations.InvalidError{Field: "name", Code: "too_many", Reason: "of a key must be deleted first: you have 20"}
	return key, changeRow(ctx, a.db, tooMany, `insert into api_keys (id, hash, organization, account_id, name, role, created_at, joined_at)
		select $1, $2, $3, $4, $5, $6, cast($7 as bigint), cast($8 as bigint)
		where (select count(*) from api_keys where organization = $3 and account_id = $4) < $9`,
		uuid.NewString(), hashKey(key), team, user, name, string(role), a.now().UnixMicro(), m.JoinedAt.UnixMicro(), maxKeys)
}

func (a *app) deleteKey(v *visit) (path, notice string, err error) {
	_, err = a.db.ExecContext(v.r.Context(), `delete from api_keys where id = $1 and organization = $2 and account_id = $3`,
		v.r.PathValue("key"), v.Team.ID, v.User.ID)
	return v.Team.Path() + "/keys", "The key is deleted. It does not work any more.", err
}

// keys returns the keys of a condition.
func (a *app) keys(ctx context.Context, where string, args ...any) (all []apiKey, err error) {
	err = a.db.each(ctx, func(rows *sql.Rows) error {
		var k apiKey
		var created int64
		err := rows.Scan(&k.ID, &k.Team, &k.Account, &k.Name, &k.Role, &created, &k.joinedAt)
		k.CreatedAt = time.UnixMicro(created)
		all = append(all, k)
		return err
	}, `select id, organization, account_id, name, role, created_at, joined_at from api_keys where `+where, args...)
	return all, err
}

// findKey returns the key with this text. A key works only during the membership in which it was
// made.
func (a *app) findKey(ctx context.Context, text string) (apiKey, error) {
	found, err := a.keys(ctx, `hash = $1`, hashKey(text))
	if err != nil {
		return apiKey{}, err
	}
	if len(found) == 0 {
		return apiKey{}, sql.ErrNoRows
	}
	m, err := a.svc.Member(ctx, found[0].Team, found[0].Account)
	if errors.Is(err, invitations.ErrNotFound) || err == nil && m.JoinedAt.UnixMicro() != found[0].joinedAt {
		err = sql.ErrNoRows
	}
	return found[0], err
}
