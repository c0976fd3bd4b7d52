package pgstore_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/go-invitations/invitations/pgstore"
)

// The files are written to a directory, for the command line of a tool.
func ExampleMigrations() {
	directory, err := os.MkdirTemp("", "migrations-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory)

	files, err := pgstore.Migrations("invitations")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.CopyFS(directory, files); err != nil {
		log.Fatal(err)
	}

	names, err := filepath.Glob(filepath.Join(directory, "*"))
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range names {
		fmt.Println(filepath.Base(name))
	}
	// Output:
	// 0001_init.up.sql
	// 0002_filters.up.sql
	// 0003_old_filters.up.sql
}
