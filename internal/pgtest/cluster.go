// Package pgtest gives tests a real PostgreSQL: a database that the environment names, or a
// throwaway cluster from the server binaries of the machine.
package pgtest

import (
	"bytes"
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
	"time"

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
	c, err := NewCluster(ctx, "")
	if err != nil {
		return "", nil, err
	}
	// The data does not outlive the tests, so it need not reach a disk.
	c.Settings = []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=400", "shared_buffers=256MB"}
	if err := c.Start(ctx); err != nil {
		c.Remove()
		return "", nil, err
	}
	return c.URL(), c.Remove, nil
}

// A Cluster is a PostgreSQL server and its data. It can be killed and started again.
type Cluster struct {
	// Settings are those of the next start, such as "fsync=off".
	Settings []string

	bin, dir string
	as       *syscall.Credential
	port     int
	server   *exec.Cmd     // nil before the first start
	exited   chan struct{} // closed when server has exited
}

// NewCluster makes the data of a cluster that is not started yet. They are in a new folder inside
// of parent, or of the folder for temporary files if parent is empty. More arguments are for initdb.
func NewCluster(ctx context.Context, parent string, more ...string) (*Cluster, error) {
	c, err := newCluster(parent)
	if err != nil {
		return nil, err
	}
	args := append([]string{"-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"}, more...)
	if err := c.run(ctx, "initdb", args...); err != nil {
		c.Remove()
		return nil, err
	}
	return c, nil
}

func newCluster(parent string) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, "invitations-postgres-")
	if err != nil {
		return nil, err
	}
	as, err := unprivileged(dir)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return &Cluster{bin: bin, dir: dir, as: as}, nil
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }
func (c *Cluster) log() string  { return filepath.Join(c.dir, "log") }

// URL returns the URL of the cluster's database. It stays the same from the first start on.
func (c *Cluster) URL() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", c.port)
}

// Address returns the host and the port of the server.
func (c *Cluster) Address() string { return fmt.Sprintf("127.0.0.1:%d", c.port) }

func (c *Cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	// A session of its own, so that an interrupt from a terminal does not reach the server.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as, Setsid: true}
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	return cmd
}

func (c *Cluster) run(ctx context.Context, name string, args ...string) error {
	if out, err := c.command(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// Start starts the server and waits until it accepts connections. After a kill, the server recovers
// first.
func (c *Cluster) Start(ctx context.Context) (err error) {
	if c.port != 0 {
		for {
			// After a kill, the last of the processes may still be about to end.
			err := c.start(ctx)
			if !errors.Is(err, errMemoryInUse) || ctx.Err() != nil {
				return err
			}
		}
	}
	for range 5 { // another process may take the port before the server does
		if c.port, err = freePort(); err != nil {
			return err
		}
		if err = c.start(ctx); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

var errMemoryInUse = errors.New("a process of the server still runs")

func (c *Cluster) start(ctx context.Context) error {
	log, err := os.OpenFile(c.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	begins, err := log.Stat()
	if err != nil {
		return err
	}
	args := []string{"-D", c.data(), "-p", strconv.Itoa(c.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="}
	for _, setting := range c.Settings {
		args = append(args, "-c", setting)
	}
	server := c.command(context.WithoutCancel(ctx), "postgres", args...)
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		_ = server.Wait()
		close(exited)
	}()
	c.server, c.exited = server, exited
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		if err = c.isReady(ctx); err == nil {
			return nil
		}
		select {
		case <-exited:
		case <-ctx.Done():
			c.Stop()
		case <-time.After(10 * time.Millisecond):
			continue
		}
		text, _ := os.ReadFile(c.log())
		text = text[min(begins.Size(), int64(len(text))):]
		if bytes.Contains(text, []byte("shared memory block")) {
			err = errMemoryInUse
		}
		return fmt.Errorf("PostgreSQL does not start: %w\n%s", err, text)
	}
}

// isReady returns an error unless the server accepts connections, and is not another one that has
// taken the port.
func (c *Cluster) isReady(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.URL())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var data string
	if err := conn.QueryRow(ctx, "show data_directory").Scan(&data); err != nil {
		return err
	}
	if data != c.data() {
		return errors.New("another server has taken the port")
	}
	return nil
}

// Exited returns a channel that is closed when the server has exited.
func (c *Cluster) Exited() <-chan struct{} { return c.exited }

// Stop stops the server at once, and waits for its end. Its next start recovers the data.
func (c *Cluster) Stop() {
	if c.server != nil {
		_ = c.server.Process.Signal(syscall.SIGQUIT)
		<-c.exited
	}
}

// Kill kills all processes of the server with SIGKILL, and waits for the end of the first. None of
// them can write anything any more.
func (c *Cluster) Kill(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.URL())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	// From here on, the server starts no other process.
	if err := c.server.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	defer func() {
		_ = c.server.Process.Kill()
		<-c.exited
	}()
	rows, err := conn.Query(ctx, "select pid from pg_stat_activity")
	if err != nil {
		return err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
	}
	return err
}

// CanReplicate reports whether the programs of the server can make a [Cluster.Replica].
func (c *Cluster) CanReplicate() bool {
	_, err := os.Stat(filepath.Join(c.bin, "pg_basebackup"))
	return err == nil
}

// Replica makes a hot standby of the running server. It is not started yet.
func (c *Cluster) Replica(ctx context.Context, parent string) (*Cluster, error) {
	r, err := newCluster(parent)
	if err != nil {
		return nil, err
	}
	r.Settings = c.Settings
	if err := r.run(ctx, "pg_basebackup", "-D", r.data(), "-d", c.URL(), "-R", "-c", "fast", "-X", "stream", "--no-sync"); err != nil {
		r.Remove()
		return nil, err
	}
	return r, nil
}

// Remove stops the server and removes its data.
func (c *Cluster) Remove() {
	c.Stop()
	_ = os.RemoveAll(c.dir)
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
