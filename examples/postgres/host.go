package main

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/go-invitations/invitations"
)

// errHost stands for whatever goes wrong in the host's own part of a transaction.
var errHost = errors.New("the host's own part failed")

// A host is the application's own tables and what it does with them.
type host struct {
	schema string
	sql    func(string) string // puts the schema's name in place of {host}
}

func newHost(schema string) *host {
	return &host{schema, strings.NewReplacer("{host}", pgx.Identifier{schema}.Sanitize()).Replace}
}

func (h *host) migrate(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, h.sql(`
		create schema {host};
		create table {host}.profiles (
			organization text not null,
			user_id      text not null,
			title        text not null,
			primary key (organization, user_id)
		);
		create table {host}.mails (
			invitation_id uuid not null primary key,
			organization  text not null
		);
		create table {host}.notes (note text not null);
	`))
	return err
}

func (h *host) addProfile(ctx context.Context, tx pgx.Tx, m invitations.Member) error {
	_, err := tx.Exec(ctx, h.sql(`insert into {host}.profiles (organization, user_id, title) values ($1, $2, $3)
		on conflict do nothing`), m.Organization, m.UserID, "new "+string(m.Role))
	return err
}

func (h *host) orderMail(ctx context.Context, tx pgx.Tx, inv invitations.Invitation) error {
	_, err := tx.Exec(ctx, h.sql(`insert into {host}.mails (invitation_id, organization) values ($1, $2)`), inv.ID, inv.Organization)
	return err
}

// nextMail takes one order; it is done when tx commits.
func (h *host) nextMail(ctx context.Context, tx pgx.Tx) (inv invitations.Invitation, err error) {
	err = tx.QueryRow(ctx, h.sql(`delete from {host}.mails where invitation_id = (
			select invitation_id from {host}.mails limit 1 for update skip locked)
		returning organization, invitation_id`)).Scan(&inv.Organization, &inv.ID)
	return inv, err
}

func (h *host) note(ctx context.Context, tx pgx.Tx, note string) error {
	_, err := tx.Exec(ctx, h.sql(`insert into {host}.notes (note) values ($1)`), note)
	return err
}
