package sqlitestore

import (
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Open returns a database on the file at path, for [New] and for the host's own tables. The file
// is created at the first use. The host must close the database.
//
// The settings of each connection are:
//
//   - journal_mode is WAL, the write-ahead log, so reads and a change do not wait for each other.
//   - synchronous is FULL: a commit waits for the disk, so an acknowledged change survives a loss
//     of power. NORMAL, which is usual with the write-ahead log, could lose the last ones.
//   - BeginTx begins an immediate transaction, unless it is told ReadOnly. Transactions of this
//     database wait in the order of their calls, as long as their contexts last, and up to 5 seconds
//     for another process.
//   - A single statement outside of a transaction waits up to 5 seconds.
//   - foreign_keys is on, for the host's tables. Those of the store have none.
//   - secure_delete is on: SQLite overwrites what is deleted, so an erased address does not stay in
//     free space of the file. It stays in the write-ahead log until a checkpoint overwrites that.
//
// A store needs few connections, however many of its operations wait. The host should not call
// SetMaxOpenConns: each of its own transactions that wait holds a connection, so reads would wait for
// changes.
func Open(path string) (*sql.DB, error) {
	return open(path, durable)
}

// settings are those that the tests change.
type settings struct {
	synchronous string
	attempts    int           // to get the write lock, each of attemptTime
	busyTimeout time.Duration // of every statement except the begin of a change
	more        []string      // of the driver; they win
}

var durable = settings{synchronous: "full", attempts: 50, busyTimeout: 5 * time.Second}

func open(path string, s settings) (*sql.DB, error) {
	if path == "" || path == ":memory:" || strings.ContainsRune(path, 0) { // SQLite would end it at the NUL
		return nil, errors.New("invitations: sqlitestore: path must name a file")
	}
	path, err := filepath.Abs(path) // the program may change its directory
	if err != nil {
		return nil, errors.New("invitations: sqlitestore: path must be absolute, because there is no working directory")
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // the volume of Windows
	}
	options := append(slices.Clone(s.more),
		"_busy_timeout="+strconv.FormatInt(attemptTime.Milliseconds(), 10), // while it opens
		"_journal_mode=wal", "_synchronous="+s.synchronous,
		"_txlock=immediate", "_foreign_keys=on", "_pragma=secure_delete(on)",
	)
	file := url.URL{Path: path}
	db := sql.OpenDB(&connector{
		dsn:         "file://" + file.EscapedPath() + "?" + strings.Join(options, "&"),
		attempts:    s.attempts,
		busyTimeout: s.busyTimeout,
		turn:        make(chan struct{}, 1),
		changes:     make(chan struct{}, 1),
		reads:       make(chan struct{}, maxReads),
	})
	// Opening a connection costs more than most reads. There is no bound on those in use: transactions
	// of the host that wait hold one each, and the one that they wait for may need another.
	db.SetMaxIdleConns(maxReads + 1)
	return db, nil
}

// maxReads is how many reads of a store run at once, for each database. The processor bounds them
// anyhow, and each of them needs a connection.
const maxReads = 16
