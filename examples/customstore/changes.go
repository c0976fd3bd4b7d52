package customstore

import (
	"context"
	"database/sql"

	"github.com/go-invitations/invitations"
)

// apply writes the changes that give an organization this version. Empty changes write
// nothing.
func apply(ctx context.Context, tx *sql.Tx, organization string, version int64, c invitations.Changes) error {
	if c.Empty() {
		return nil
	}
	if err := putVersion(ctx, tx, organization, version); err != nil {
		return err
	}
	for _, user := range c.RemovedMembers {
		if err := deleteMember(ctx, tx, organization, user); err != nil {
			return err
		}
	}
	for _, m := range c.Members {
		if err := putMember(ctx, tx, organization, m); err != nil {
			return err
		}
	}
	for _, user := range c.Removals {
		if err := putRemoval(ctx, tx, organization, user, version); err != nil {
			return err
		}
	}
	for _, q := range c.Quotas {
		if err := setQuota(ctx, tx, q); err != nil {
			return err
		}
	}
	for _, r := range c.Invitations {
		if err := putInvitation(ctx, tx, organization, r); err != nil {
			return err
		}
	}
	for i, e := range c.Events {
		e.Version, e.Index = version, i
		if err := addEvent(ctx, tx, organization, e); err != nil {
			return err
		}
	}
	return nil
}

func putVersion(ctx context.Context, tx *sql.Tx, organization string, version int64) error {
	return exec(ctx, tx, `insert or replace into organizations (id, version) values (?, ?)`, organization, version)
}

func deleteMember(ctx context.Context, tx *sql.Tx, organization, user string) error {
	return exec(ctx, tx, `delete from members where organization = ? and user_id = ?`, organization, user)
}

func putMember(ctx context.Context, tx *sql.Tx, organization string, m invitations.Member) error {
	return exec(ctx, tx, `insert or replace into members (organization, user_id, value) values (?, ?, ?)`,
		organization, m.UserID, document{m})
}

func putRemoval(ctx context.Context, tx *sql.Tx, organization, user string, version int64) error {
	return exec(ctx, tx, `insert or replace into removals (organization, user_id, version) values (?, ?, ?)`,
		organization, user, version)
}

func putInvitation(ctx context.Context, tx *sql.Tx, organization string, r invitations.Record) error {
	return exec(ctx, tx, `insert or replace into invitations (organization, id, value) values (?, ?, ?)`,
		organization, r.ID, document{r})
}

func addEvent(ctx context.Context, tx *sql.Tx, organization string, e invitations.Event) error {
	return exec(ctx, tx, `insert into events (organization, version, place, value) values (?, ?, ?, ?)`,
		organization, e.Version, e.Index, document{e})
}
