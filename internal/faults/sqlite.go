package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/sqlitestore"
)

// openStore opens the store of a process of clients.
func openStore(ctx context.Context, database string) (invitations.Store, error) {
	if strings.HasPrefix(database, "postgres:") {
		_, store, err := connect(ctx, database, clientsName, pgx.QueryExecModeCacheStatement)
		return store, err
	}
	db, err := sqlitestore.Open(database)
	if err != nil {
		return nil, err
	}
	return sqlitestore.New(db), nil
}

// A file is a SQLite database.
type file struct {
	path   string
	db     *sql.DB
	remove func() // the folder
}

func newFile(ctx context.Context, folder string, remove func()) (*file, error) {
	f := &file{path: filepath.Join(folder, "invitations.db"), remove: remove}
	db, err := sqlitestore.Open(f.path)
	if err == nil {
		f.db = db
		err = sqlitestore.New(db).Migrate(ctx)
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *file) close() {
	if f.db != nil {
		_ = f.db.Close()
	}
	f.remove()
}

func (f *file) store() invitations.Store { return sqlitestore.New(f.db) }

// calm opens the file again, and checks that it is sound.
func (f *file) calm(ctx context.Context) (invitations.Store, error) {
	if err := f.db.Close(); err != nil {
		return nil, err
	}
	var err error
	if f.db, err = sqlitestore.Open(f.path); err != nil {
		return nil, err
	}
	var sound string
	if err := f.db.QueryRowContext(ctx, "pragma integrity_check").Scan(&sound); err != nil {
		return nil, err
	}
	if sound != "ok" {
		return nil, fmt.Errorf("the file is damaged: %s", sound)
	}
	return f.store(), nil
}

// killedWritersKind kills processes that write to a SQLite file.
func killedWritersKind() kind {
	return kind{
		name: "SQLite: kill -9 of writers", controls: []string{earlyAnswer},
		open: func(ctx context.Context, _ *machine) (stage, error) {
			folder, err := os.MkdirTemp("", "invitations-sqlite-")
			if err != nil {
				return nil, err
			}
			f, err := newFile(ctx, folder, func() { _ = os.RemoveAll(folder) })
			return &killedWritersStage{f}, err
		},
	}
}

type killedWritersStage struct{ *file }

func (s *killedWritersStage) run(ctx context.Context, r *round) (int, error) {
	return r.processes(ctx, s.path)
}
