package pgstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// A batch of statements is one round trip. This file has the batches of changes, reads and
// writes, and their transactions.
//
// A change is two batches in a transaction of isolation level read committed: one that locks
// and reads, and one that writes and commits. It is atomic because
//
//  1. The first batch locks the organization's row before it reads the facts. Every other change
//     of the organization waits for this lock until the transaction ends. A sweep or a purge
//     skips the organizations that others have locked. Only consumptions do not need this lock: see
//     [Store.Consume].
//  2. At read committed, a statement sees all that was committed before the statement began, not
//     before the transaction began. The statements after the lock begin when the lock is held.
//     So they see the facts that all earlier changes left, and no later change can alter these
//     facts before the transaction ends. At a higher level they would see the facts of the time
//     before the wait for the lock.
//  3. All writes and the commit are in the second batch. If a write fails, the server skips the
//     rest of the batch, including the commit.
//
// In a transaction of the host, which may have any level, the first two hold at read committed.
// At a higher level the server refuses the lock if the row has changed since the transaction
// began.

// A queueRead queues the statements that load the facts of a change.
type queueRead func(b *pgx.Batch, to purpose)

// A queueWrite decides and queues the writes of a change. If it queues none, nothing changes.
type queueWrite func(b *pgx.Batch, to purpose) error

// change makes one change. If write returns an error, change rolls back and returns that error
// unchanged.
func (s *Store) change(ctx context.Context, doing string, read queueRead, write queueWrite) error {
	if tx, ok := s.db.(pgx.Tx); ok {
		return s.describe(doing, changeInHostTx(ctx, tx, read, write))
	}
	return s.describe(doing, s.repeat(ctx, func() error { return s.changeInOwnTx(ctx, read, write) }))
}

func changeInHostTx(ctx context.Context, tx pgx.Tx, read queueRead, write queueWrite) error {
	var b pgx.Batch
	read(&b, toLock)
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return err
	}
	b = pgx.Batch{}
	if err := write(&b, toLock); err != nil {
		return refusal{err}
	}
	if b.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, &b).Close()
}

func (s *Store) changeInOwnTx(ctx context.Context, read queueRead, write queueWrite) error {
	var b pgx.Batch
	b.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	read(&b, toChange)
	tx, results, err := s.begin(ctx, &b)
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

	b = pgx.Batch{}
	if err := write(&b, toChange); err != nil {
		return refusal{err}
	}
	if b.Len() == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err // while it is certain that nothing was committed
	}
	b.Queue(commit).Exec(checkCommit)
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return afterCommit(tx.Conn(), err)
	}
	committed = true
	release(tx)
	return nil
}

// read makes one batch of queries, which all see the same instant. In a transaction of the host,
// its isolation level decides this.
func (s *Store) read(ctx context.Context, doing string, queue func(*pgx.Batch)) error {
	if tx, ok := s.db.(pgx.Tx); ok {
		return s.describe(doing, sendInHostTx(ctx, tx, queue))
	}
	return s.describe(doing, s.repeat(ctx, func() error {
		var b pgx.Batch
		b.BeginTx(pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		queue(&b)
		b.Queue(commit)
		tx, results, err := s.begin(ctx, &b)
		if err != nil {
			return err
		}
		if err := results.Close(); err != nil {
			rollback(ctx, tx)
			return err
		}
		release(tx)
		return nil
	}))
}

// write makes one batch of statements, which are one transaction.
func (s *Store) write(ctx context.Context, doing string, queue func(*pgx.Batch)) error {
	if tx, ok := s.db.(pgx.Tx); ok {
		return s.describe(doing, sendInHostTx(ctx, tx, queue))
	}
	return s.describe(doing, s.repeat(ctx, func() error {
		var b pgx.Batch
		b.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
		queue(&b)
		b.Queue(commit).Exec(checkCommit)
		tx, results, err := s.begin(ctx, &b)
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
	}))
}

func sendInHostTx(ctx context.Context, tx pgx.Tx, queue func(*pgx.Batch)) error {
	var b pgx.Batch
	queue(&b)
	return tx.SendBatch(ctx, &b).Close()
}

var (
	errNoTx = errors.New("the database handle did not begin a transaction")
	errInTx = errors.New("the connection is in a transaction: pass the transaction instead")
)

// begin sends a batch that begins a transaction. It refuses a connection that is in a
// transaction of the host already, because the store's commit would end it.
func (s *Store) begin(ctx context.Context, b *pgx.Batch) (pgx.Tx, pgx.BatchResults, error) {
	conn, ok := s.db.(*pgx.Conn)
	if c, has := s.db.(interface{ Conn() *pgx.Conn }); has {
		conn, ok = c.Conn(), true
	}
	if ok && !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
		return nil, nil, errInTx
	}
	results := s.db.SendBatch(ctx, b)
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
