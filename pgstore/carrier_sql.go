package pgstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// NewSQL returns a Store on a handle of database/sql, with the driver of pgx (package stdlib) or
// with lib/pq. It is for programs with GORM, Bun, ent or sqlx. It gives the same guarantees as a Store of [NewWithConfig], with the same
// statements. But database/sql cannot send a batch: each statement is a round trip of its own, and
// so are the beginning and the end of a transaction. With lib/pq, a statement with parameters
// takes two.
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
	_, _ = t.tx.ExecContext(ctx, "do $$ begin raise exception 'invitations: a change was interrupted' using errcode = 'query_canceled'; end $$")
}

// A sqlDB carries batches in transactions of database/sql that it begins.
type sqlDB struct{ db *sql.DB }

func (d sqlDB) isSingle() bool { return false }

func (d sqlDB) send(ctx context.Context, b *pgx.Batch) error {
	return d.read(ctx, func(all *pgx.Batch) { *all = *b })
}

func (d sqlDB) change(ctx context.Context, read queueRead, write queueWrite) error {
	return d.inTx(ctx, sql.TxOptions{Isolation: sql.LevelReadCommitted}, func(tx sqlTx) error {
		var b pgx.Batch
		read(&b, toChange)
		if err := tx.send(ctx, &b); err != nil {
			return err
		}
		b = pgx.Batch{}
		if err := write(&b, toChange); err != nil {
			return refusal{err}
		}
		if b.Len() == 0 {
			return errNothingToWrite
		}
		return tx.send(ctx, &b)
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

// sqlError returns an error of lib/pq as one of pgx, or nil if it is another error.
func sqlError(err error) *pgconn.PgError {
	var pqErr interface {
		error
		SQLState() string
		Get(field byte) string
	}
	if !errors.As(err, &pqErr) {
		return nil
	}
	return &pgconn.PgError{
		Severity: pqErr.Get('S'), SeverityUnlocalized: pqErr.Get('V'), Code: pqErr.SQLState(), Message: pqErr.Get('M'),
		SchemaName: pqErr.Get('s'), TableName: pqErr.Get('t'), ColumnName: pqErr.Get('c'), ConstraintName: pqErr.Get('n'),
	}
}

// A sqlResult is the result of one statement, in the form in which a batch of pgx has it.
type sqlResult struct {
	pgx.BatchResults // nil: no other method is called
	rows             sqlRows
}

func (r sqlResult) Query() (pgx.Rows, error) { return r.rows, nil }

// sqlRows are rows of database/sql in the form of pgx.
type sqlRows struct{ *sql.Rows }

func (r sqlRows) Close()                                       { _ = r.Rows.Close() } // Err has the error
func (r sqlRows) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (r sqlRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (r sqlRows) Values() ([]any, error)                       { return nil, errors.ErrUnsupported }
func (r sqlRows) RawValues() [][]byte                          { return nil }
func (r sqlRows) Conn() *pgx.Conn                              { return nil }
func (r sqlRows) TypeMap() *pgtype.Map                         { return nil }

// Scan scans a row into targets that are for the driver of pgx.
func (r sqlRows) Scan(targets ...any) error {
	wrapped := make([]any, len(targets))
	for i, target := range targets {
		wrapped[i] = sqlTarget{target}
	}
	return r.Rows.Scan(wrapped...)
}

// A sqlTarget gives a value of database/sql to a target that is for the driver of pgx.
type sqlTarget struct{ target any }

// Scan implements [sql.Scanner].
func (t sqlTarget) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		return t.scanNull()
	case bool:
		switch to := t.target.(type) {
		case pgtype.BoolScanner:
			return to.ScanBool(pgtype.Bool{Bool: v, Valid: true})
		case *bool:
			*to = v
			return nil
		}
	case int64:
		switch to := t.target.(type) {
		case pgtype.Int64Scanner:
			return to.ScanInt64(pgtype.Int8{Int64: v, Valid: true})
		case *int64:
			*to = v
			return nil
		case *int:
			*to = int(v)
			return nil
		}
	case time.Time:
		if to, ok := t.target.(pgtype.TimestamptzScanner); ok {
			return to.ScanTimestamptz(pgtype.Timestamptz{Time: v, Valid: true})
		}
	case string:
		return t.scanText(v)
	case []byte:
		if to, ok := t.target.(*nonceValue); ok {
			return to.ScanBytes(v)
		}
		return t.scanText(string(v))
	}
	return fmt.Errorf("a value of type %T for a target of type %T", v, t.target)
}

// scanText scans a value that the driver has left as a text.
func (t sqlTarget) scanText(v string) error {
	switch to := t.target.(type) {
	case pgtype.TextScanner:
		return to.ScanText(pgtype.Text{String: v, Valid: true})
	case *string:
		*to = v
		return nil
	case pgtype.BytesScanner:
		return to.ScanBytes([]byte(v))
	case pgtype.UUIDScanner:
		var u pgtype.UUID
		if err := u.Scan(v); err != nil {
			return err
		}
		return to.ScanUUID(u)
	case *[]int64:
		return sqlTypes.Scan(pgtype.Int8ArrayOID, pgx.TextFormatCode, []byte(v), to)
	case pgtype.ArraySetter, *[]string:
		return sqlTypes.Scan(pgtype.TextArrayOID, pgx.TextFormatCode, []byte(v), to)
	}
	return fmt.Errorf("a text for a target of type %T", t.target)
}

func (t sqlTarget) scanNull() error {
	switch to := t.target.(type) {
	case pgtype.TextScanner:
		return to.ScanText(pgtype.Text{})
	case pgtype.Int64Scanner:
		return to.ScanInt64(pgtype.Int8{})
	case pgtype.BoolScanner:
		return to.ScanBool(pgtype.Bool{})
	case pgtype.UUIDScanner:
		return to.ScanUUID(pgtype.UUID{})
	case pgtype.TimestamptzScanner:
		return to.ScanTimestamptz(pgtype.Timestamptz{})
	case pgtype.BytesScanner:
		return to.ScanBytes(nil)
	case *[]int64:
		*to = nil
		return nil
	case *[]string:
		*to = nil
		return nil
	case pgtype.ArraySetter:
		return to.SetDimensions(nil)
	}
	return fmt.Errorf("NULL for a target of type %T", t.target)
}

// sqlTypes decodes arrays.
var sqlTypes = pgtype.NewMap()
