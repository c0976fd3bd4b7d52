package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
)

// The transaction is found however GORM wraps it.
func TestInTx_PreparedStatements(t *testing.T) {
	t.Parallel()
	db, err := gorm.Open(postgres.Open(pgtest.URL(t)), &gorm.Config{PrepareStmt: true, Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := invitations.NewKeyring(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	store := pgstore.New(nil)
	svc, err := invitations.New(store, keys, invitations.Config{})
	if err != nil {
		t.Fatal(err)
	}
	a := &app{db: db, store: store, svc: svc}
	if _, err := a.inTx(db); err == nil {
		t.Error("a database is not a transaction")
	}
	for _, session := range []*gorm.DB{db, db.Session(&gorm.Session{PrepareStmt: true})} {
		err := session.Transaction(func(tx *gorm.DB) error {
			for _, tx := range []*gorm.DB{tx, tx.Session(&gorm.Session{PrepareStmt: true})} {
				if _, err := a.inTx(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// Two runs with the same schema print the same, so the first one leaves nothing behind.
func TestRun(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/output.txt")
	if err != nil {
		t.Fatal(err)
	}
	url, name := pgtest.URL(t), strings.ToLower(pgtest.Schema(t))
	for range 2 {
		var out bytes.Buffer
		if err := run(t.Context(), &out, url, name); err != nil {
			t.Errorf("run: %v", err)
		}
		if out.String() != string(want) {
			t.Errorf("got\n%s\nwant\n%s", out.String(), want)
		}
	}
}
