package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PoolerServers is the number of connections to the server that all clients of a [Pooler] share.
const PoolerServers = 4

// ErrNoPooler is returned if the machine has no PgBouncer.
var ErrNoPooler = errors.New("no PgBouncer in PATH, /usr/sbin, /usr/local/sbin or /opt/homebrew/bin; install the package pgbouncer")

// Pooler starts a PgBouncer in transaction mode in front of the database of [URL], and returns the
// URL of the database through it. The pooler stops when the test ends. If the machine has no
// PgBouncer, Pooler skips the test.
//
// The pooler keeps up to maxPreparedStatements prepared statements of its clients on each
// connection to the server. With 0, clients cannot use any. This needs PgBouncer 1.21: if it is
// older and maxPreparedStatements is above 0, the URL is empty.
func Pooler(t testing.TB, maxPreparedStatements int) string {
	t.Helper()
	url, stop, err := StartPooler(t.Context(), URL(t), maxPreparedStatements)
	switch {
	case errors.Is(err, ErrNoPooler):
		Skip(t, "ALL TESTS BEHIND A POOLER ARE SKIPPED:", err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return url
}

// StartPooler starts a pooler in front of a database. It returns the URL of the database through it,
// as [Pooler] does, and a function that stops it.
func StartPooler(ctx context.Context, database string, maxPreparedStatements int) (url string, stop func(), err error) {
	server, err := pgx.ParseConfig(database)
	if err != nil {
		return "", nil, fmt.Errorf("the database's URL: %w", err)
	}
	binary, err := poolerBinary()
	if err != nil {
		return "", nil, err
	}
	prepares, err := preparesStatements(binary)
	if err != nil {
		return "", nil, err
	}
	if maxPreparedStatements > 0 && !prepares {
		return "", func() {}, nil
	}

	// The pooler may run as another user, who cannot read a folder inside of a test's own.
	dir, err := os.MkdirTemp("", "invitations-pgbouncer-")
	if err != nil {
		return "", nil, err
	}
	remove := func() { _ = os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			remove()
		}
	}()
	as, err := unprivileged(dir) // PgBouncer refuses to run as root too
	if err != nil {
		return "", nil, err
	}
	p := pooler{
		binary: binary,
		dir:    dir,
		as:     as,
		// No other server has a database of this name, so none that has taken the port is
		// mistaken for the pooler.
		database: filepath.Base(dir),
		target:   target(server),
	}
	if prepares {
		p.settings = fmt.Sprintf("max_prepared_statements = %d\n", maxPreparedStatements)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	// Another process may take the port before the pooler does.
	for range 5 {
		var kill func()
		if url, kill, err = p.start(ctx); err == nil {
			return url, func() { kill(); remove() }, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return "", nil, err
}

type pooler struct {
	binary, dir      string
	as               *syscall.Credential
	database, target string // the name that clients use, and the database that it stands for
	settings         string
}

// start starts the pooler on a free port and waits until it accepts connections.
func (p pooler) start(ctx context.Context) (url string, stop func(), err error) {
	port, err := freePort()
	if err != nil {
		return "", nil, err
	}
	file := filepath.Join(p.dir, "pgbouncer.ini")
	config := fmt.Sprintf(`[databases]
%s = %s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
max_client_conn = 200
server_tls_sslmode = prefer
server_lifetime = 10
%s`, p.database, p.target, port, PoolerServers, p.settings)
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil { // in a folder of mode 0700
		return "", nil, err
	}

	var log bytes.Buffer
	cmd := exec.Command(p.binary, file)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	stop = func() {
		_ = cmd.Process.Kill() // it has nothing to save, and the signals for a shutdown differ between versions
		<-exited
	}
	url = fmt.Sprintf("postgres://any@127.0.0.1:%d/%s?sslmode=disable", port, p.database)
	for {
		var conn *pgx.Conn
		if conn, err = pgx.Connect(ctx, url); err == nil {
			_ = conn.Close(ctx)
			return url, stop, nil
		}
		select {
		case <-exited:
		case <-ctx.Done():
			stop()
		default:
			continue
		}
		return "", nil, fmt.Errorf("PgBouncer does not start: %w\n%s", err, &log)
	}
}

func poolerBinary() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer", "/usr/local/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoPooler
}

var poolerVersion = regexp.MustCompile(`(?i)pgbouncer\D*(\d+)\.(\d+)`)

// preparesStatements reports whether the PgBouncer is of version 1.21 or later.
func preparesStatements(binary string) (bool, error) {
	out, err := exec.Command(binary, "--version").CombinedOutput()
	if err != nil {
		return false, fmt.Errorf("pgbouncer --version: %w\n%s", err, out)
	}
	found := poolerVersion.FindSubmatch(out)
	if found == nil {
		return false, fmt.Errorf("pgbouncer --version prints no version: %s", out)
	}
	major, _ := strconv.Atoi(string(found[1]))
	minor, _ := strconv.Atoi(string(found[2]))
	return major > 1 || major == 1 && minor >= 21, nil
}

// target returns the form in which the pooler's configuration names a database.
func target(c *pgx.ConnConfig) string {
	var parts []string
	for _, p := range []struct{ key, value string }{
		{"host", c.Host}, {"port", strconv.Itoa(int(c.Port))}, {"dbname", c.Database}, {"user", c.User}, {"password", c.Password},
	} {
		if p.value != "" {
			parts = append(parts, p.key+"='"+strings.ReplaceAll(p.value, "'", "''")+"'")
		}
	}
	return strings.Join(parts, " ")
}
