package pgstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// NewSQL returns a Store on a handle of database/sql, with the driver of pgx (package stdlib) or
// with lib/pq. It is for programs with GORM, Bun, ent or sqlx. It gives the same guarantees as a
// Store of [NewWithConfig], with the same statements. But database/sql cannot send a batch: each
// statement is a round trip of its own, and so are the beginning and the end of a transaction. With
// lib/pq, a statement with parameters takes two.
//
// If config has an invalid name or type, the error is an [invitations.InvalidError].
func NewSQL(db *sql.DB, config Config) (*Store, error) {
	s, err := NewWithConfig(nil, config)
	if err != nil {
		return nil, err
	}
	s.db = sqlDB{db}
	return s, nil
}

// WithSQLTx returns a copy of s that works in the host's transaction tx. The package
// documentation describes transactions of the host. s need not be a Store of [NewSQL].
func (s *Store) WithSQLTx(tx *sql.Tx) *Store {
	t := *s
	t.db = sqlTx{tx}
	return &t
}

// A sqlTx carries batches in a transaction of database/sql.
type sqlTx struct{ tx *sql.Tx }

// send sends the statements one after the other, up to the first that fails.
func (t sqlTx) send(ctx context.Context, b *pgx.Batch) error {
	for _, query := range b.QueuedQueries {
		if err := t.sendOne(ctx, query); err != nil {
			if ctx.Err() != nil { // which the drivers report in ways of their own
				return ctx.Err()
			}
			return err
		}
	}
	return nil
}

func (t sqlTx) sendOne(ctx context.Context, query *pgx.QueuedQuery) error {
	if query.Fn == nil {
		_, err := t.tx.ExecContext(ctx, query.SQL, query.Arguments...)
		return err
	}
	rows, err := t.tx.QueryContext(ctx, query.SQL, query.Arguments...) //nolint:rowserrcheck // the batch reads and checks them
	if err != nil {
		return err
	}
	return query.Fn(sqlResult{rows: sqlRows{rows}})
}

// script sends the statements without parameters, for which both drivers use the simple protocol.
func (t sqlTx) script(ctx context.Context, sql string) error {
	_, err := t.tx.ExecContext(ctx, sql)
	return err
}

// spoil sends a statement that fails, unless the server has refused one already. Otherwise the
// transaction would survive a context that ends between two statements.
func (t sqlTx) spoil(ctx context.Context, err error) {
	if pgError(err) != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = t.tx.ExecContext(ctx, "do $$ begin raise exception 'invitations: a change was interrupted'"+
		" using errcode = 'query_canceled'; end $$")
}

// A sqlDB carries batches in transactions of database/sql that it begins.
type sqlDB struct{ db *sql.DB }

func (d sqlDB) isSingle() bool { return false }

func (d sqlDB) send(ctx context.Context, b *pgx.Batch) error {
	return d.read(ctx, func(all *pgx.Batch) { *all = *b })
}

func (d sqlDB) change(ctx context.Context, read queueRead, write queueWrite) error {
	return d.inTx(ctx, sql.TxOptions{Isolation: sql.LevelReadCommitted}, func(tx sqlTx) error {
		b := newBatch()
		read(b, toChange)
		if err := tx.send(ctx, b); err != nil {
			return err
		}
		b = newBatch()
		if err := write(b, toChange); err != nil {
			return refusal{err}
		}
		if b.Len() == 0 {
			return errNothingToWrite
		}
		return tx.send(ctx, b)
	})
}

func (d sqlDB) read(ctx context.Context, queue func(*pgx.Batch)) error {
	return d.inTx(ctx, sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, func(tx sqlTx) error {
		return sendInHostTx(ctx, tx, queue)
	})
}

func (d sqlDB) write(ctx context.Context, queue func(*pgx.Batch)) error {
	return d.inTx(ctx, sql.TxOptions{Isolation: sql.LevelReadCommitted}, func(tx sqlTx) error {
		return sendInHostTx(ctx, tx, queue)
	})
}

func (d sqlDB) transact(ctx context.Context, f func(hostTx) error) error {
	return d.inTx(ctx, sql.TxOptions{Isolation: sql.LevelReadCommitted}, func(tx sqlTx) error { return f(tx) })
}

// errNothingToWrite makes inTx roll back without an error.
var errNothingToWrite = errors.New("nothing to write")

// inTx calls f in a transaction and commits it.
func (d sqlDB) inTx(ctx context.Context, options sql.TxOptions, f func(sqlTx) error) (err error) {
	conn, tx, err := d.begin(ctx, &options)
	if err != nil {
		return err
	}
	defer func() { // last, when the transaction has ended
		give(conn, &options, err)
	}()
	committed := false
	defer func() { // also if f panics
		if !committed {
			_ = tx.Rollback() // if it fails, the driver closes the connection, which rolls back too
		}
	}()
	if err := f(sqlTx{tx}); err != nil {
		if errors.Is(err, errNothingToWrite) {
			return nil
		}
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // while it is certain that nothing was committed
	}
	committed = true // or unknown: a rollback cannot help
	if err := tx.Commit(); err != nil && !options.ReadOnly {
		return afterSQLCommit(err)
	}
	return nil
}

// begin begins a transaction on a connection of the pool. After a restart of the server, all that were
// idle are lost.
func (d sqlDB) begin(ctx context.Context, options *sql.TxOptions) (*sql.Conn, *sql.Tx, error) {
	conn, tx, err := d.beginOnce(ctx, options)
	if err != nil {
		for range d.db.Stats().Idle {
			if err == nil || ctx.Err() != nil || !isConnectionLost(err) {
				break
			}
			conn, tx, err = d.beginOnce(ctx, options)
		}
	}
	return conn, tx, err
}

func (d sqlDB) beginOnce(ctx context.Context, options *sql.TxOptions) (*sql.Conn, *sql.Tx, error) {
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	tx, err := conn.BeginTx(ctx, options)
	if err != nil {
		give(conn, options, err)
		return nil, nil, err
	}
	return conn, tx, nil
}

// give gives a connection back to its pool, or closes it if it has become useless.
func give(conn *sql.Conn, options *sql.TxOptions, err error) {
	if err != nil && (isConnectionLost(err) || isReadOnly(err) && !options.ReadOnly) {
		discard(conn)
	}
	_ = conn.Close()
}

// isReadOnly reports whether the server may not be a primary any more. lib/pq learns it when it begins
// a transaction, with a code that has other reasons too: then one connection is replaced in vain.
func isReadOnly(err error) bool {
	pgErr := pgError(err)
	return pgErr != nil && (pgErr.Code == readOnlyTransaction || pgErr.Code == featureNotSupported)
}

// discard makes the pool close a connection. Otherwise other calls would meet it again.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

// afterSQLCommit returns the error of a commit. It has failed only if the server said so.
func afterSQLCommit(err error) error {
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return errCommitRolledBack
	}
	if pgErr := pgError(err); pgErr != nil && !isFatal(pgErr) {
		return err
	}
	return outcomeUnknown{err}
}

// pqError returns an error of lib/pq as one of pgx, or nil if it is another error. The interface
// saves importing lib/pq. lib/pq has no severity that is the same in all languages.
func pqError(err error) *pgconn.PgError {
	var pqErr interface {
		error
		SQLState() string
		Get(field byte) string
	}
	if !errors.As(err, &pqErr) {
		return nil
	}
	return &pgconn.PgError{
		Severity: pqErr.Get('S'), Code: pqErr.SQLState(), Message: pqErr.Get('M'),
		SchemaName: pqErr.Get('s'), TableName: pqErr.Get('t'), ColumnName: pqErr.Get('c'), ConstraintName: pqErr.Get('n'),
	}
}
