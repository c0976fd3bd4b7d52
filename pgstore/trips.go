package pgstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// What goes over the network in one trip, and in which transaction.

// change is one atomic step of two trips: read queues what reads the facts, with the locks
// first, and then decide what writes the changes, if there are any.
func (s *Store) change(ctx context.Context, doing string, read func(*pgx.Batch, purpose), decide func(*pgx.Batch, purpose) error) error {
	if tx, ok := s.db.(pgx.Tx); ok {
		return s.describe(doing, s.changeIn(ctx, tx, read, decide))
	}
	return s.describe(doing, s.repeat(ctx, func() error { return s.changeAlone(ctx, read, decide) }))
}

// commit is not spelled as the driver spells it: a Commit that fails before it is sent has
// the driver forget the prepared statement of its spelling.
const commit = "commit work"

var (
	errNoTx = errors.New("the database handle did not begin a transaction")
	errInTx = errors.New("the connection is in a transaction: hand over the transaction")
)

// idle refuses a connection that is in a transaction already, whose commit would be the
// host's.
func (s *Store) idle() error {
	conn, ok := s.db.(*pgx.Conn)
	if c, is := s.db.(interface{ Conn() *pgx.Conn }); is {
		conn, ok = c.Conn(), true
	}
	if ok && !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
		return errInTx
	}
	return nil
}

// begin sends a batch that begins a transaction of the store's own.
func (s *Store) begin(ctx context.Context, b *pgx.Batch) (pgx.Tx, pgx.BatchResults, error) {
	if err := s.idle(); err != nil {
		return nil, nil, err
	}
	results := s.db.SendBatch(ctx, b)
	tx := results.Tx()
	if tx == nil {
		return nil, nil, errors.Join(results.Close(), errNoTx)
	}
	return tx, results, nil
}

// changeAlone is a change in a transaction of its own.
func (s *Store) changeAlone(ctx context.Context, read func(*pgx.Batch, purpose), decide func(*pgx.Batch, purpose) error) error {
	// The first trip. It locks the rows of organizations first. At read committed every
	// statement sees what had committed when it began, and those after the lock begin when the
	// lock is held: so the facts are those that nobody else can change before this ends.
	var b pgx.Batch
	b.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	read(&b, toChange)
	tx, results, err := s.begin(ctx, &b)
	if err != nil {
		return err
	}
	over := false
	defer func() { // also if decide panics
		if !over {
			rollback(ctx, tx)
		}
	}()
	if err := results.Close(); err != nil {
		leave(ctx, tx.Conn(), err)
		return err
	}
	b = pgx.Batch{}
	if err := decide(&b, toChange); err != nil {
		return refusal{err}
	}
	if b.Len() == 0 {
		return nil
	}

	// The second trip. If a write fails, the server skips what follows it, the commit
	// included.
	if err := ctx.Err(); err != nil {
		return err
	}
	b.Queue(commit).Exec(committed)
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return afterCommit(tx.Conn(), err)
	}
	over = true
	release(tx)
	return nil
}

// changeIn is a change in the host's transaction.
func (s *Store) changeIn(ctx context.Context, tx pgx.Tx, read func(*pgx.Batch, purpose), decide func(*pgx.Batch, purpose) error) error {
	var b pgx.Batch
	read(&b, toLock)
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return err
	}
	b = pgx.Batch{}
	if err := decide(&b, toLock); err != nil {
		return refusal{err}
	}
	if b.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, &b).Close()
}

// read runs one batch of queries, which all see the same instant. In the host's transaction
// it is the host who says what they see.
func (s *Store) read(ctx context.Context, doing string, queue func(*pgx.Batch)) error {
	if tx, ok := s.db.(pgx.Tx); ok {
		var b pgx.Batch
		queue(&b)
		return s.describe(doing, tx.SendBatch(ctx, &b).Close())
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
		defer rollback(ctx, tx)
		if err := results.Close(); err != nil {
			return err
		}
		release(tx)
		return nil
	}))
}

// write runs one batch of statements as one transaction, which ends with the batch.
func (s *Store) write(ctx context.Context, doing string, queue func(*pgx.Batch)) error {
	if tx, ok := s.db.(pgx.Tx); ok {
		var b pgx.Batch
		queue(&b)
		return s.describe(doing, tx.SendBatch(ctx, &b).Close())
	}
	return s.describe(doing, s.repeat(ctx, func() error {
		var b pgx.Batch
		b.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
		queue(&b)
		b.Queue(commit).Exec(committed)
		tx, results, err := s.begin(ctx, &b)
		if err != nil {
			return err
		}
		if err := results.Close(); err != nil {
			leave(ctx, tx.Conn(), err)
			if tx.Conn() != nil && !errors.As(err, new(pgx.ErrPreprocessingBatch)) { // it was sent
				err = afterCommit(tx.Conn(), err)
			}
			rollback(ctx, tx)
			return err
		}
		release(tx)
		return nil
	}))
}

// release gives back the connection of a transaction that a batch has committed. tx does
// not know that it is over, because it saw no Commit. It gets one that reaches no server,
// for its context is done.
func release(tx pgx.Tx) {
	_ = tx.Commit(done)
}

// done is a context at its end.
var done = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// rollback ends a transaction that is not over, also when ctx is.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = tx.Rollback(ctx) // if it fails, the connection is closed, which rolls back too
}
