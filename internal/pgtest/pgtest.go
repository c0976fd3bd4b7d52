package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// RequireVariable is the environment variable that makes a missing PostgreSQL a failure if it is
// not empty.
const RequireVariable = "INVITATIONS_REQUIRE_POSTGRES"

var database string // its URL; empty: there is none

// Main runs the tests of a package with a database. TestMain must call it:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
func Main(m *testing.M) int {
	database = os.Getenv(URLVariable)
	if database == "" {
		url, stop, err := Start(context.Background())
		switch {
		case err == nil:
			database = url
			defer stop()
		case !errors.Is(err, ErrNoServer) || os.Getenv(RequireVariable) != "":
			fmt.Fprintln(os.Stderr, "FAIL: tests need PostgreSQL:", err)
			return 1
		default:
			Warn("WARNING: ALL TESTS AGAINST POSTGRESQL ARE SKIPPED:", err)
		}
	}
	return m.Run()
}

// Warn writes to stderr, and also to the terminal, if there is one: when go test runs several
// packages, it hides the output of those that pass.
func Warn(a ...any) {
	fmt.Fprintln(os.Stderr, a...)
	if terminal, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
		fmt.Fprintln(terminal, a...)
		_ = terminal.Close()
	}
}

var warned sync.Map // the warnings of Skip

// Skip warns that something is not tested, once, and skips the test.
func Skip(t testing.TB, a ...any) {
	t.Helper()
	warning := fmt.Sprintln(a...)
	if _, known := warned.LoadOrStore(warning, true); !known {
		Warn(append([]any{"WARNING:"}, a...)...)
	}
	t.Skip(a...)
}

// URL returns the URL of the database. It skips the test if there is none.
func URL(t testing.TB) string {
	t.Helper()
	if database == "" {
		t.Skip("no PostgreSQL: see the warning of this package's tests")
	}
	return database
}

var schemas atomic.Int64

// Schema returns the name of a schema that no other test uses. The schema does not exist yet. It is
// dropped when the test ends.
func Schema(t testing.TB) string {
	t.Helper()
	url := URL(t)
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), schemas.Add(1))
	t.Cleanup(func() {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Errorf("dropping the schema: %v", err)
			return
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, "drop schema if exists "+quote(name)+" cascade"); err != nil {
			t.Errorf("dropping the schema: %v", err)
		}
	})
	return name
}
