// Package pgtest gives tests a real PostgreSQL: a database that the environment names, or a
// throwaway cluster from the server binaries of the machine.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// URLVariable is the environment variable with the URL of a database for tests. They create
// schemas in it, and drop them.
const URLVariable = "INVITATIONS_TEST_DATABASE_URL"

// ErrNoServer is returned if the machine has no PostgreSQL server binaries.
var ErrNoServer = errors.New("no PostgreSQL server binaries (initdb, pg_ctl, postgres) in PATH or the usual folders; install PostgreSQL 14 or later, or set " + URLVariable)

// Check returns an error that tells what to install if tests would find no PostgreSQL.
func Check() error {
	if os.Getenv(URLVariable) != "" {
		return nil
	}
	_, err := binaries()
	return err
}

// Start starts a throwaway cluster on a free port of 127.0.0.1. It returns the URL of its database,
// and a function that stops and removes the cluster.
func Start(ctx context.Context) (url string, stop func(), err error) {
	bin, err := binaries()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "invitations-postgres-")
	if err != nil {
		return "", nil, err
	}
	remove := func() { _ = os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			remove()
		}
	}()
	as, err := unprivileged(dir)
	if err != nil {
		return "", nil, err
	}
	run := func(ctx context.Context, name string, args ...string) error {
		cmd := exec.CommandContext(ctx, filepath.Join(bin, name), args...)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
		cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", name, err, out)
		}
		return nil
	}
	data := filepath.Join(dir, "data")
	if err := run(ctx, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"); err != nil {
		return "", nil, err
	}
	// Another process may take the port before the server does.
	for range 5 {
		var port int
		if port, err = freePort(); err != nil {
			return "", nil, err
		}
		// The data does not outlive the tests, so it need not reach a disk.
		options := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off "+
			"-c synchronous_commit=off -c full_page_writes=off -c max_connections=400 -c shared_buffers=256MB", port)
		err = run(ctx, "pg_ctl", "-D", data, "-l", filepath.Join(dir, "log"), "-o", options, "-w", "-t", "60", "start")
		if err == nil {
			stop = func() {
				_ = run(context.WithoutCancel(ctx), "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
				remove()
			}
			return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port), stop, nil
		}
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	return "", nil, fmt.Errorf("%w\n%s", err, log)
}

// binaries returns the folder that has the server's programs.
func binaries() (string, error) {
	var folders []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(path))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/usr/local/opt/postgresql*/bin",
		"/opt/homebrew/opt/postgresql*/bin", "/opt/local/lib/postgresql*/bin", "/usr/libexec/postgresql*", "/usr/local/bin", "/usr/bin",
	} {
		found, _ := filepath.Glob(pattern)
		slices.SortFunc(found, func(a, b string) int { return number(b) - number(a) }) // the newest first
		folders = append(folders, found...)
	}
	for _, folder := range folders {
		complete := true
		for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
			if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
				complete = false
			}
		}
		if complete {
			return folder, nil
		}
	}
	return "", ErrNoServer
}

// Program returns the path of a program of PostgreSQL, such as psql. It is in PATH or in the
// folder of the server's programs.
func Program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	folder, err := binaries()
	if err != nil {
		return "", err
	}
	return exec.LookPath(filepath.Join(folder, name))
}

// number returns the number in the path of a folder, which is the server's version.
func number(path string) int {
	n, _ := strconv.Atoi(strings.Trim(path, "abcdefghijklmnopqrstuvwxyz/-@."))
	return n
}

// unprivileged returns the user to run the server as, and gives them dir. PostgreSQL refuses to run
// as root. If the process is not root, the user is nil: the user of the process.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// quote returns name as an SQL identifier.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
