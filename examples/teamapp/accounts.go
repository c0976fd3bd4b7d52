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
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// An account is a person with a password. The zero account is nobody.
type account struct {
	ID, Email, Name string
	VerifiedAt      int64 // when the person proved to own Email; 0: not yet
	hash            string
}

// Verified reports whether the person has proved to own the address. Only then can the account
// sign in, and join and create teams.
func (u account) Verified() bool { return u.VerifiedAt > 0 }

// identity returns the account as the library knows a person.
func (u account) identity() invitations.Identity {
	return invitations.Identity{UserID: u.ID, Email: u.Email, EmailVerified: u.Verified()}
}

// An accountForm is the input of a person who registers.
type accountForm struct {
	Name, Email string
	Password    string `json:"-"`
}

var errTaken = &invitations.InvalidError{Field: "email", Code: "duplicate", Reason: "has an account already: sign in"}

// newAccount returns the account of a form, which is not kept yet. It hashes the password, which
// takes a while, so it must be called before a transaction begins.
func (a *app) newAccount(ctx context.Context, f accountForm) (account, error) {
	name, err := checkName(f.Name)
	if err != nil {
		return account{}, err
	}
	email, err := invitations.CanonicalEmail(strings.TrimSpace(f.Email))
	if err != nil {
		return account{}, err
	}
	if utf8.RuneCountInString(f.Password) < 8 || len(f.Password) > 72 { // bcrypt reads no more
		return account{}, &invitations.InvalidError{
			Field: "password", Code: "out_of_range", Reason: "must have at least 8 characters, and at most 72 bytes",
		}
	}
	hash, err := a.passwords.hash(ctx, f.Password)
	return account{ID: uuid.NewString(), Email: email, Name: name, hash: string(hash)}, err
}

// addAccount keeps a new account, which claims its address and has not proved it. Several accounts
// can claim one address, and also one that belongs to another account.
func (a *app) addAccount(ctx context.Context, tx executor, u account) error {
	_, err := tx.ExecContext(ctx, `insert into accounts (id, email, name, password_hash, created_at, verified_at)
		values ($1, $2, $3, $4, $5, 0)`, u.ID, u.Email, u.Name, u.hash, a.now().UnixMicro())
	return err
}

// claim keeps a new account, and mails to its address. It does the same whether or not the address
// belongs to an account, so that nobody learns that here: compose decides what the mail says. An
// address that got too many mails already has one whose link confirms this account too: see prove.
func (a *app) claim(ctx context.Context, u account) error {
	err := a.change(ctx, func(tx *sql.Tx, _ *invitations.Service) error {
		if err := a.addAccount(ctx, tx, u); err != nil {
			return err
		}
		if err := a.enqueueVerification(ctx, tx, u); !errors.Is(err, errMailLimit) {
			return err
		}
		return nil
	})
	a.wakeUp()
	return err
}

// confirm notes that a person has proved to own the address of their account, and returns the
// account with its first quota. The first account that proves an address has it, and the others
// that claim it are deleted. tx must be a transaction.
func (a *app) confirm(ctx context.Context, tx executor, svc *invitations.Service, u account) (account, error) {
	u.VerifiedAt = a.now().UnixMicro()
	// Those who prove the same address at the same time wait here for each other.
	if _, err := tx.ExecContext(ctx, `update accounts set email = email where email = $1`, u.Email); err != nil {
		return account{}, err
	}
	err := changeRow(ctx, tx, errTaken, `update accounts set verified_at = $1 where id = $2 and verified_at = 0
		and not exists (select 1 from accounts where email = $3 and verified_at > 0)`, u.VerifiedAt, u.ID, u.Email)
	if state, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok && state.SQLState() == "23505" { // somebody else's new account, which this transaction does not see
		err = errTaken
	}
	if err != nil {
		return account{}, err
	}
	if _, err := tx.ExecContext(ctx, `delete from accounts where email = $1 and verified_at = 0`, u.Email); err != nil {
		return account{}, err
	}
	return u, svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
		Workspace: invitations.Personal(), UserID: u.ID, Quota: personalQuota,
	})
}

// signIn returns the account with this address and password. An account that only claims the
// address is not found.
func (a *app) signIn(ctx context.Context, email, password string) (account, error) {
	email, err := invitations.CanonicalEmail(strings.TrimSpace(email))
	if err != nil {
		return account{}, errWrongPassword
	}
	u, err := a.findAccount(ctx, `email = $1 and verified_at > 0`, email)
	if errors.Is(err, sql.ErrNoRows) {
		u.hash, err = wrongHash, nil // takes as long as a wrong password
	}
	if err == nil {
		err = a.passwords.check(ctx, u.hash, password)
	}
	if err != nil {
		return account{}, err
	}
	return u, nil
}

// findAccount returns the account that a condition selects.
func (a *app) findAccount(ctx context.Context, condition, value string) (u account, err error) {
	err = a.db.QueryRowContext(ctx, `select id, email, name, verified_at, password_hash from accounts where `+condition, value).
		Scan(&u.ID, &u.Email, &u.Name, &u.VerifiedAt, &u.hash)
	return u, err
}

// accountByID returns an account, or the zero account if there is none.
func (a *app) accountByID(ctx context.Context, id string) (account, error) {
	u, err := a.findAccount(ctx, `id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return u, err
}

// hasAccount reports whether somebody has proved to own an address.
func (a *app) hasAccount(ctx context.Context, email string) (bool, error) {
	_, err := a.findAccount(ctx, `email = $1 and verified_at > 0`, email)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
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

// verificationCode returns the code in the link that proves the address of an account.
func (a *app) verificationCode(u account) string {
	mac := hmac.New(sha256.New, a.secret)
	fmt.Fprintf(mac, "verify\x00%s\x00%s", u.ID, u.Email)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// verificationPath returns the path of the page in that link.
func (a *app) verificationPath(u account) string {
	return "/verify/" + u.ID + "/" + a.verificationCode(u)
}

// claimant returns the account in the link that proves its address. It must still claim the address.
func (a *app) claimant(v *visit) (account, error) {
	u, err := a.accountByID(v.r.Context(), v.r.PathValue("account"))
	if err == nil && (u.ID == "" || u.Verified() || !hmac.Equal([]byte(v.r.PathValue("code")), []byte(a.verificationCode(u)))) {
		err = errLinkInvalid
	}
	return u, err
}

var errLinkInvalid = &invitations.InvalidError{Field: "link", Code: "malformed", Reason: "was used, or is too old: sign in, or create an account"}
