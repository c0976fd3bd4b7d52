package main

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

// A Profile is a model of your application.
type Profile struct {
	bun.BaseModel `bun:"table:profiles"`

	Organization string `bun:",pk"`
	UserID       string `bun:",pk"`
	Title        string `bun:",notnull"`
}

// An app is your application.
type app struct {
	db    *bun.DB
	store *pgstore.Store
	svc   *invitations.Service
}

// accept accepts an invitation and creates the profile of the new member, in one transaction of
// Bun. The organization stays locked until the transaction ends, so do nothing slow in it.
func (a *app) accept(ctx context.Context, token string, user invitations.Identity, title string) error {
	return a.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		member, err := a.svc.WithStore(a.store.WithSQLTx(tx.Tx)).Accept(ctx, token, user)
		if err != nil {
			return err
		}
		// If the answer to the commit is lost, call accept again. The library then returns the same
		// membership, so the profile may exist too.
		profile := &Profile{Organization: member.Organization, UserID: member.UserID, Title: title}
		_, err = tx.NewInsert().Model(profile).On("conflict do nothing").Exec(ctx)
		return err
	})
}
