package sqlitestore_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/go-invitations/invitations/sqlitestore"
)

func ExampleMigrations() {
	parent, err := os.MkdirTemp("", "migrations")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(parent)
	directory := filepath.Join(parent, "invitations")

	if err := os.CopyFS(directory, sqlitestore.Migrations()); err != nil {
		log.Fatal(err)
	}
	entries, err := os.ReadDir(directory)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(entries[0].Name())
	// Output: 0001_init.up.sql
}
