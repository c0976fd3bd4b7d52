package sqlitestore

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
	if c.Limits != nil {
		if err := putLimits(ctx, tx, organization, *c.Limits); err != nil {
			return err
		}
	}
	if c.Deleted {
		if err := markDeleted(ctx, tx, organization); err != nil {
			return err
		}
	}
	for _, e := range c.ErasedEvents {
		if err := replaceEvent(ctx, tx, organization, e); err != nil {
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

// putVersion gives an organization a version. If it is deleted and purged, it may have rows again.
func putVersion(ctx context.Context, tx *sql.Tx, organization string, version int64) error {
	return exec(ctx, tx, `insert into invitations_organizations (id, version) values (?, ?)
		on conflict (id) do update set version = excluded.version, purged = 0`, organization, version)
}

func putLimits(ctx context.Context, tx *sql.Tx, organization string, limits invitations.Limits) error {
	return exec(ctx, tx, `update invitations_organizations set limits = ? where id = ?`, document{limits}, organization)
}

// markDeleted ends the existence of an organization. Its rows remain for Purge.
func markDeleted(ctx context.Context, tx *sql.Tx, organization string) error {
	return exec(ctx, tx, `update invitations_organizations set deleted = 1 where id = ?`, organization)
}

func deleteMember(ctx context.Context, tx *sql.Tx, organization, user string) error {
	return exec(ctx, tx, `delete from invitations_members where organization = ? and user_id = ?`, organization, user)
}

func putMember(ctx context.Context, tx *sql.Tx, organization string, m invitations.Member) error {
	return exec(ctx, tx, `insert into invitations_members (organization, user_id, value) values (?, ?, ?)
		on conflict (organization, user_id) do update set value = excluded.value`,
		organization, m.UserID, document{m})
}

func putRemoval(ctx context.Context, tx *sql.Tx, organization, user string, version int64) error {
	return exec(ctx, tx, `insert into invitations_removals (organization, user_id, version) values (?, ?, ?)
		on conflict (organization, user_id) do update set version = excluded.version`,
		organization, user, version)
}

func putInvitation(ctx context.Context, tx *sql.Tx, organization string, r invitations.Record) error {
	return exec(ctx, tx, `insert into invitations_invitations (organization, id, value) values (?, ?, ?)
		on conflict (organization, id) do update set value = excluded.value`,
		organization, r.ID, document{r})
}

func addEvent(ctx context.Context, tx *sql.Tx, organization string, e invitations.Event) error {
	return exec(ctx, tx, `insert into invitations_events (organization, version, place, value) values (?, ?, ?, ?)`,
		organization, e.Version, e.Index, document{e})
}

// replaceEvent replaces an event, whose position is a column of its own.
func replaceEvent(ctx context.Context, tx *sql.Tx, organization string, e invitations.Event) error {
	e.Position = 0
	return exec(ctx, tx, `update invitations_events set value = ? where organization = ? and version = ? and place = ?`,
		document{e}, organization, e.Version, e.Index)
}
