package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// An account is a person with a password. The zero account is nobody.
type account struct {
	ID, Email, Name string
	Verified        bool // the person has proved to own Email
}

// identity returns the account as the library knows a person.
func (u account) identity() invitations.Identity {
	return invitations.Identity{UserID: u.ID, Email: u.Email, EmailVerified: u.Verified}
}

// An accountForm is the input of a person who registers.
type accountForm struct {
	Name, Email string
	Password    string `json:"-"`
}

var errTaken = &invitations.InvalidError{Field: "email", Code: "duplicate", Reason: "has an account already: sign in"}

// A newAccount is a checked form with the hash of its password.
type newAccount struct{ name, email, hash string }

// checkAccount returns the account of a form. It hashes the password, which takes a while, so it
// must be called before a transaction begins.
func (a *app) checkAccount(ctx context.Context, f accountForm) (newAccount, error) {
	name, err := checkName(f.Name)
	if err != nil {
		return newAccount{}, err
	}
	email, err := invitations.CanonicalEmail(strings.TrimSpace(f.Email))
	if err != nil {
		return newAccount{}, err
	}
	if len(f.Password) < 8 || len(f.Password) > 72 { // bcrypt reads no more
		return newAccount{}, &invitations.InvalidError{Field: "password", Code: "out_of_range", Reason: "must have 8 to 72 bytes"}
	}
	hash, err := a.passwords.hash(ctx, f.Password)
	return newAccount{name, email, string(hash)}, err
}

// addAccount adds an account, with its personal quota. An account whose address was never proved
// gives way to the new one, and leaves its teams. So a person who registers with the address of
// somebody else keeps nobody out.
func (a *app) addAccount(
	ctx context.Context, tx executor, svc *invitations.Service, n newAccount, verified bool,
) (account, error) {
	if err := a.giveWay(ctx, tx, svc, n.email); err != nil {
		return account{}, err
	}
	u := account{ID: uuid.NewString(), Email: n.email, Name: n.name, Verified: verified}
	verifiedAt := int64(0)
	if verified {
		verifiedAt = a.now().UnixMicro()
	}
	added, err := tx.ExecContext(ctx, `insert into accounts (id, email, name, password_hash, verified_at)
		values ($1, $2, $3, $4, $5) on conflict do nothing`, u.ID, u.Email, u.Name, n.hash, verifiedAt)
	if err != nil {
		return account{}, err
	}
	if n, err := added.RowsAffected(); err != nil || n == 0 {
		return account{}, errors.Join(err, errTaken)
	}
	return u, svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.Personal(), UserID: u.ID, Quota: personalQuota,
	})
}

// giveWay deletes the unverified account with an address, if there is one. The only owner of a team
// cannot leave it, and stays.
func (a *app) giveWay(ctx context.Context, tx executor, svc *invitations.Service, email string) error {
	var id string
	err := tx.QueryRowContext(ctx, `delete from accounts where email = $1 and verified_at = 0 returning id`, email).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	for err == nil {
		var list invitations.WorkspaceList
		if list, err = svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: id}); err != nil || len(list.Organizations) == 0 {
			return err
		}
		for _, o := range list.Organizations {
			switch _, err = svc.Leave(ctx, o.ID, id); {
			case errors.Is(err, invitations.ErrLastOwner):
				return errTaken
			case err != nil:
				return err
			}
		}
	}
	return err
}

// signIn returns the account with this address and password.
func (a *app) signIn(ctx context.Context, email, password string) (account, error) {
	email, err := invitations.CanonicalEmail(strings.TrimSpace(email))
	if err != nil {
		return account{}, errWrongPassword
	}
	u, hash, err := a.findAccount(ctx, `email = $1`, email)
	if errors.Is(err, sql.ErrNoRows) {
		hash, err = wrongHash, nil // takes as long as a wrong password
	}
	if err != nil {
		return account{}, err
	}
	if err := a.passwords.check(ctx, hash, password); err != nil {
		return account{}, err
	}
	return u, nil
}

// findAccount returns the account of a condition, and the hash of its password.
func (a *app) findAccount(ctx context.Context, condition, value string) (u account, hash string, err error) {
	err = a.db.QueryRowContext(ctx,
		`select id, email, name, verified_at > 0, password_hash from accounts where `+condition, value).
		Scan(&u.ID, &u.Email, &u.Name, &u.Verified, &hash)
	return u, hash, err
}

// accountByID returns an account, or the zero account if there is none.
func (a *app) accountByID(ctx context.Context, id string) (account, error) {
	u, _, err := a.findAccount(ctx, `id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return u, err
}

// hasAccount reports whether somebody has proved to own an address.
func (a *app) hasAccount(ctx context.Context, email string) (bool, error) {
	u, _, err := a.findAccount(ctx, `email = $1`, email)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return u.Verified, err
}

// A nameBook has the names of people by the IDs of their accounts.
type nameBook map[string]account

// formerUser stands for a person whose account does not exist any more.
const formerUser = "a former user"

// Of returns the name that a page shows for an ID.
func (n nameBook) Of(id string) string {
	switch u, ok := n[id]; {
	case id == "":
		return product
	case !ok:
		return formerUser
	default:
		return u.Name
	}
}

// Email returns the address of an account, or "".
func (n nameBook) Email(id string) string { return n[id].Email }

// namesOf returns the names of the given people.
func (a *app) namesOf(ctx context.Context, ids ...string) (nameBook, error) {
	names := nameBook{}
	return names, a.db.eachOf(ctx, ids, func(rows *sql.Rows) error {
		var u account
		err := rows.Scan(&u.ID, &u.Email, &u.Name)
		names[u.ID] = u
		return err
	}, `select id, email, name from accounts`)
}

// verificationCode returns the code in the link that verifies the address of an account. It is
// worth nothing to anybody else: the page also asks for the account's password.
func (a *app) verificationCode(u account) string {
	mac := hmac.New(sha256.New, a.secret)
	fmt.Fprintf(mac, "verify\x00%s\x00%s", u.ID, u.Email)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// verifyAddress marks the address of an account as verified if the code is the one from the mail.
func (a *app) verifyAddress(ctx context.Context, u account, code string) error {
	if !hmac.Equal([]byte(code), []byte(a.verificationCode(u))) {
		return errCodeInvalid
	}
	return a.markVerified(ctx, a.db, u)
}

// markVerified notes that a person has proved to own the address of their account.
func (a *app) markVerified(ctx context.Context, tx executor, u account) error {
	_, err := tx.ExecContext(ctx, `update accounts set verified_at = $1 where id = $2 and verified_at = 0`,
		a.now().UnixMicro(), u.ID)
	return err
}

var errCodeInvalid = &invitations.InvalidError{Field: "code", Code: "malformed", Reason: "is not the one from the mail for this account"}
