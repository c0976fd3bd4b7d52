package sqlitestore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-invitations/invitations"
)

// change runs f as one atomic step, with the write lock from the start. If f returns an error or
// panics, nothing is changed.
//
// The lock makes the step serial: f decides on what it reads, so no other change may come between.
func (s *Store) change(ctx context.Context, f func(tx *sql.Tx) error) error {
	if s.tx != nil {
		return changeInside(ctx, s.tx, f)
	}
	return s.transact(ctx, func(tx *sql.Tx) error {
		if err := lock(ctx, tx); err != nil {
			return err
		}
		return f(tx)
	})
}

// lock takes the write lock, unless the transaction has it. SQLite takes it before it looks at
// the condition of a statement that may write. In a transaction that was begun immediate, lock
// does nothing. In a deferred one it must come first: two deferred transactions could otherwise
// read the same facts, and the later one would have to fail.
func lock(ctx context.Context, tx *sql.Tx) error {
	return exec(ctx, tx, `update invitations_organizations set version = version where false`)
}

// transact runs f in a transaction and commits it.
func (s *Store) transact(ctx context.Context, f func(tx *sql.Tx) error) error {
	if ctx.Value(noWait{}) == nil {
		leave, err := enter(ctx, s.connector.changes)
		if err != nil {
			return storeError(ctx, err)
		}
		defer leave()
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return storeError(ctx, err)
	}
	defer tx.Rollback() // does nothing after a commit
	if err := f(tx); err != nil {
		return err
	}
	return commitError(ctx, tx.Commit())
}

// changeInside is change in a transaction of the host. An error of a statement does not end a
// transaction in SQLite, so the host could commit the half of a step. A savepoint takes it back.
func changeInside(ctx context.Context, tx *sql.Tx, f func(tx *sql.Tx) error) error {
	// The end of ctx must not end these statements. The driver can report it although the statement
	// took effect.
	always := context.WithoutCancel(keepPrepared(ctx))
	if _, err := tx.ExecContext(always, `savepoint invitations`); err != nil {
		return storeError(ctx, err)
	}
	done := false
	defer func() {
		if done {
			return
		}
		// An error means that the whole transaction is rolled back, or must be.
		if _, err := tx.ExecContext(orLost(always), `rollback to invitations`); err == nil {
			_, _ = tx.ExecContext(always, `release invitations`)
		}
	}()
	if err := lock(ctx, tx); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	_, err := tx.ExecContext(always, `release invitations`)
	done = err == nil
	return storeError(ctx, err)
}

// changeUnlocked is change for work that must not wait. There is a single lock, so if another
// change has it, changeUnlocked leaves out all organizations and does nothing. In a transaction of
// the host, the beginning of that transaction has waited for the lock.
func (s *Store) changeUnlocked(ctx context.Context, f func(tx *sql.Tx) error) error {
	locked := false
	err := s.change(withoutWaiting(ctx), func(tx *sql.Tx) error {
		locked = true
		return f(tx)
	})
	if !locked && errors.Is(err, invitations.ErrConcurrentChange) {
		return nil
	}
	return err
}

// snapshot runs f in a transaction that only reads, so that f sees a single instant. In a
// transaction of the host, f sees the changes that this transaction has made.
func (s *Store) snapshot(ctx context.Context, f func(tx *sql.Tx) error) error {
	if s.tx != nil {
		return f(s.tx)
	}
	leave, err := enter(ctx, s.connector.reads)
	if err != nil {
		return storeError(ctx, err)
	}
	defer leave()
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return storeError(ctx, err)
	}
	defer tx.Rollback() // there is nothing to commit
	return f(tx)
}

// snapshotOf is snapshot for one organization. It does not run f if the organization does not
// exist.
func (s *Store) snapshotOf(ctx context.Context, organization string, f func(tx *sql.Tx) error) error {
	return s.snapshot(ctx, func(tx *sql.Tx) error {
		org, err := loadOrganization(ctx, tx, organization)
		if err != nil || !org.exists() {
			return err
		}
		return f(tx)
	})
}
