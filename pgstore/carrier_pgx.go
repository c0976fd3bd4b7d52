package pgstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// A pgxTx carries batches in a transaction of pgx. A batch is one round trip.
type pgxTx struct{ tx pgx.Tx }

func (t pgxTx) send(ctx context.Context, b *pgx.Batch) error { return t.tx.SendBatch(ctx, b).Close() }

// script uses the simple protocol: no other takes many statements at once.
func (t pgxTx) script(ctx context.Context, sql string) error {
	_, err := t.tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// spoil has nothing to do. A batch that fails before it is sent has no effect. If the server refuses a
// part of it, the transaction has failed. If the context ends, the driver closes the connection.
func (t pgxTx) spoil(context.Context, error) {}

// carrierOf returns the carrier on a handle of pgx.
func carrierOf(db DB) carrier {
	if tx, ok := db.(pgx.Tx); ok {
		return pgxTx{tx}
	}
	return pgxDB{db}
}

// A pgxDB carries batches in transactions that they begin and commit themselves. A batch is one
// round trip.
type pgxDB struct{ db DB }

func (d pgxDB) send(ctx context.Context, b *pgx.Batch) error { return d.db.SendBatch(ctx, b).Close() }

func (d pgxDB) isSingle() bool {
	_, ok := d.db.(*pgx.Conn)
	return ok
}

func (d pgxDB) change(ctx context.Context, read queueRead, write queueWrite) error {
	b := newBatch()
	b.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	read(b, toChange)
	tx, results, err := d.begin(ctx, b)
	if err != nil {
		return err
	}
	committed := false
	defer func() { // also if write panics
		if !committed {
			rollback(ctx, tx)
		}
	}()
	if err := results.Close(); err != nil {
		closeIfReadOnly(ctx, tx.Conn(), err)
		return err
	}

	b = newBatch()
	if err := write(b, toChange); err != nil {
		return refusal{err}
	}
	if b.Len() == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err // while it is certain that nothing was committed
	}
	b.Queue(commit).Exec(checkCommit)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return afterCommit(tx.Conn(), err)
	}
	committed = true
	release(tx)
	return nil
}

func (d pgxDB) read(ctx context.Context, queue func(*pgx.Batch)) error {
	b := newBatch()
	b.BeginTx(pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	queue(b)
	b.Queue(commit)
	tx, results, err := d.begin(ctx, b)
	if err != nil {
		return err
	}
	if err := results.Close(); err != nil {
		rollback(ctx, tx)
		return err
	}
	release(tx)
	return nil
}

func (d pgxDB) write(ctx context.Context, queue func(*pgx.Batch)) error {
	b := newBatch()
	b.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	queue(b)
	b.Queue(commit).Exec(checkCommit)
	tx, results, err := d.begin(ctx, b)
	if err != nil {
		return err
	}
	if err := results.Close(); err != nil {
		closeIfReadOnly(ctx, tx.Conn(), err)
		if tx.Conn() != nil && !errors.As(err, new(pgx.ErrPreprocessingBatch)) { // the batch was sent
			err = afterCommit(tx.Conn(), err)
		}
		rollback(ctx, tx)
		return err
	}
	release(tx)
	return nil
}

func (d pgxDB) transact(ctx context.Context, f func(hostTx) error) error {
	b := newBatch()
	b.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	tx, results, err := d.begin(ctx, b)
	if err != nil {
		return err
	}
	defer rollback(ctx, tx)
	if err := results.Close(); err != nil {
		return err
	}
	if err := f(pgxTx{tx}); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

var (
	errNoTx = errors.New("the database handle did not begin a transaction")
	errInTx = errors.New("the connection is in a transaction: pass the transaction instead")
)

// begin sends a batch that begins a transaction. It refuses a connection that is in a
// transaction of the host already, because the store's commit would end it.
func (d pgxDB) begin(ctx context.Context, b *pgx.Batch) (pgx.Tx, pgx.BatchResults, error) {
	conn, ok := d.db.(*pgx.Conn)
	if c, has := d.db.(interface{ Conn() *pgx.Conn }); has {
		conn, ok = c.Conn(), true
	}
	if ok && !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
		return nil, nil, errInTx
	}
	results := d.db.SendBatch(ctx, b)
	tx := results.Tx()
	if tx == nil {
		return nil, nil, errors.Join(results.Close(), errNoTx)
	}
	return tx, results, nil
}

// commit differs from the text that the driver commits with. If the driver's own commit fails
// before it is sent, as in release, the driver forgets the prepared statement of its text.
const commit = "commit work"

// release returns the connection of a transaction that a batch has committed to its pool. The
// driver does not know of that commit, so it is told to commit with a context that has ended: it
// then sends nothing.
func release(tx pgx.Tx) {
	_ = tx.Commit(endedContext)
}

var endedContext = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// rollback ends a transaction, even if ctx has ended.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = tx.Rollback(ctx) // if it fails, the driver closes the connection, which rolls back too
}
