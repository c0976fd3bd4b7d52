package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
	"github.com/go-invitations/invitations/sqlitestore"
)

//go:embed schema.sql
var schema string

// A database holds the app's own tables and those of the library. SQLite and PostgreSQL both
// understand the app's statements.
type database struct {
	*sql.DB
	postgres bool
	store    invitations.Store
	withTx   func(*sql.Tx) invitations.Store
}

const maxConnections = 20 // to PostgreSQL

// openDatabase opens a SQLite file, or the PostgreSQL database of a URL, and creates its tables.
func openDatabase(ctx context.Context, name string) (_ *database, err error) {
	d := &database{postgres: strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://")}
	if d.postgres {
		if d.DB, err = sql.Open("pgx", name); err == nil {
			d.SetMaxOpenConns(maxConnections)
			d.SetMaxIdleConns(maxConnections) // the default would open and close most of them at each request
		}
	} else {
		d.DB, err = sqlitestore.Open(name)
	}
	if err != nil {
		return nil, err
	}
	if err := d.migrate(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// migrate creates the tables that are missing. A product keeps numbered files in place of one
// schema.
func (d *database) migrate(ctx context.Context) error {
	statements := schema
	if d.postgres {
		store, err := pgstore.NewSQL(d.DB, pgstore.Config{})
		if err != nil {
			return err
		}
		d.store, d.withTx = store, func(tx *sql.Tx) invitations.Store { return store.WithSQLTx(tx) }
		if err := store.Migrate(ctx); err != nil {
			return err
		}
		statements += `create table if not exists sessions (token text primary key, data bytea not null, expiry timestamptz not null);`
	} else {
		store := sqlitestore.New(d.DB)
		d.store, d.withTx = store, func(tx *sql.Tx) invitations.Store { return store.WithTx(tx) }
		if err := store.Migrate(ctx); err != nil {
			return err
		}
		statements += `create table if not exists sessions (token text primary key, data blob not null, expiry real not null);`
	}
	_, err := d.ExecContext(ctx, statements)
	return err
}

// secret returns the key that signs tokens. It is made once, and kept in the database so that
// links survive a restart. A product takes it from its secret manager.
func (d *database) secret(ctx context.Context) (key []byte, err error) {
	_, err = d.ExecContext(ctx, `insert into secrets (name, hex) values ('tokens', $1) on conflict do nothing`, newSecret())
	if err != nil {
		return nil, err
	}
	var text string
	err = d.QueryRowContext(ctx, `select hex from secrets where name = 'tokens'`).Scan(&text)
	return []byte(text), err
}

// newSecret returns 256 random bits as text.
func newSecret() string { return rand.Text() + rand.Text() }

// each calls scan for each row of a query.
func (d *database) each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := d.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// eachOf calls scan for each row of a query that has one of the IDs.
func (d *database) eachOf(ctx context.Context, ids []string, scan func(*sql.Rows) error, query string) error {
	if len(ids) == 0 {
		return nil
	}
	args, places := make([]any, len(ids)), make([]string, len(ids))
	for i, id := range ids {
		args[i], places[i] = id, fmt.Sprintf("$%d", i+1)
	}
	return d.each(ctx, scan, query+` where id in (`+strings.Join(places, ", ")+`)`, args...)
}

// changeRow runs a statement, and returns refused if it changes no row.
func changeRow(ctx context.Context, tx executor, refused error, query string, args ...any) error {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = refused
	}
	return err
}

// change runs do in one transaction with the library: either everything in it happens, or nothing.
// It runs do again if a concurrent change won.
func (a *app) change(ctx context.Context, do func(tx *sql.Tx, svc *invitations.Service) error) error {
	const attempts = 4
	for attempt := 1; ; attempt++ {
		err := a.changeOnce(ctx, do)
		if attempt == attempts || !errors.Is(err, invitations.ErrConcurrentChange) {
			return err
		}
	}
}

func (a *app) changeOnce(ctx context.Context, do func(*sql.Tx, *invitations.Service) error) error {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit there is nothing to roll back
	if err := do(tx, a.svc.WithStore(a.db.withTx(tx))); err != nil {
		return err
	}
	return tx.Commit()
}

// An executor is a database or a transaction.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}
