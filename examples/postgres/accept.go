package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

// An app is your application: the library's service and store, and a table of its own.
type app struct {
	pool     *pgxpool.Pool
	store    *pgstore.Store
	svc      *invitations.Service
	profiles string // the quoted name of the table
}

// accept accepts an invitation and creates the profile of the new member, in one transaction. The
// organization stays locked until the transaction ends, so do nothing slow in it.
func (a *app) accept(ctx context.Context, token string, user invitations.Identity, title string) error {
	return pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		member, err := a.svc.WithStore(a.store.WithTx(tx)).Accept(ctx, token, user)
		if err != nil {
			return err
		}
		// If the answer to the commit is lost, call accept again. The library then returns the same
		// membership, so the profile may exist too.
		_, err = tx.Exec(ctx, "insert into "+a.profiles+` (organization, user_id, title) values ($1, $2, $3)
			on conflict do nothing`, member.Organization, member.UserID, title)
		return err
	})
}
