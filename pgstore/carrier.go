package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// A carrier takes batches of statements to the server. It is a [hostTx] or a [database].
type carrier interface {
	send(ctx context.Context, b *pgx.Batch) error
}

// A hostTx carries batches in a transaction of the host, or in one that a [database] has begun.
type hostTx interface {
	carrier
	// script sends many statements at once, which have no parameters.
	script(ctx context.Context, sql string) error
	// spoil makes sure that no part of a batch is committed. The sending has failed with err.
	spoil(ctx context.Context, err error)
}

// A database carries batches in transactions that it begins.
type database interface {
	carrier
	// change makes one change, as described in trips.go. If write returns an error, change rolls
	// back and returns a [refusal].
	change(ctx context.Context, read queueRead, write queueWrite) error
	// read sends queries, which all see the same instant.
	read(ctx context.Context, queue func(*pgx.Batch)) error
	// write sends statements, which are one transaction.
	write(ctx context.Context, queue func(*pgx.Batch)) error
	// transact calls f in a transaction of isolation level read committed.
	transact(ctx context.Context, f func(hostTx) error) error
	// isSingle reports whether it is one connection, which stays closed when it is lost.
	isSingle() bool
}

// change makes one change. If write returns an error, change returns that error unchanged. It rolls
// back, except in a transaction of the host.
func (s *Store) change(ctx context.Context, doing string, read queueRead, write queueWrite) error {
	if db, ok := s.db.(database); ok {
		return s.describe(doing, s.repeat(ctx, func() error { return db.change(ctx, read, write) }))
	}
	return s.describe(doing, changeInHostTx(ctx, s.db.(hostTx), read, write))
}

// changeInHostTx leaves the end of the transaction to the host.
func changeInHostTx(ctx context.Context, tx hostTx, read queueRead, write queueWrite) error {
	b := newBatch()
	read(b, toLock)
	if err := tx.send(ctx, b); err != nil {
		return err
	}
	b = newBatch()
	if err := write(b, toLock); err != nil {
		return refusal{err}
	}
	if b.Len() == 0 {
		return nil
	}
	return sendWhole(ctx, tx, b)
}

// sendWhole sends writes. If it fails, the host cannot commit.
func sendWhole(ctx context.Context, tx hostTx, b *pgx.Batch) error {
	err := tx.send(ctx, b)
	if err != nil {
		tx.spoil(ctx, err)
	}
	return err
}

// read sends queries, which all see the same instant. In a transaction of the host, its isolation
// level decides this.
func (s *Store) read(ctx context.Context, doing string, queue func(*pgx.Batch)) error {
	if db, ok := s.db.(database); ok {
		return s.describe(doing, s.repeat(ctx, func() error { return db.read(ctx, queue) }))
	}
	return s.describe(doing, sendInHostTx(ctx, s.db, queue))
}

// write sends statements, which are one transaction.
func (s *Store) write(ctx context.Context, doing string, queue func(*pgx.Batch)) error {
	if db, ok := s.db.(database); ok {
		return s.describe(doing, s.repeat(ctx, func() error { return db.write(ctx, queue) }))
	}
	b := newBatch()
	queue(b)
	return s.describe(doing, sendWhole(ctx, s.db.(hostTx), b))
}

func sendInHostTx(ctx context.Context, tx carrier, queue func(*pgx.Batch)) error {
	b := newBatch()
	queue(b)
	return tx.send(ctx, b)
}

// newBatch returns a batch with room for the statements of most operations.
func newBatch() *pgx.Batch {
	b := &struct {
		pgx.Batch
		room [5]*pgx.QueuedQuery
	}{}
	b.QueuedQueries = b.room[:0]
	return &b.Batch
}

// inHostTx reports whether the store works in a transaction of the host.
func (s *Store) inHostTx() bool {
	_, ok := s.db.(database)
	return !ok
}
