package sqlitestore

import (
	"context"
	"database/sql/driver"
	"errors"
	"strconv"
	"time"
)

// SQLite's own waiting is a poll, in no order, which starves some of many writers. So the changes
// of this process wait for a turn in the order of their calls, and only the one whose turn it is
// polls, because another process may have the lock. SQLite does not notice the end of a context
// while it polls, so it polls in short attempts.
const attemptTime = 100 * time.Millisecond

// enter waits for a place among the operations of a kind, which leave gives back. An operation of a
// store does so before it needs a connection: otherwise, each of many would open one in order to wait.
// An operation that has a connection already, such as a transaction of the host, must not enter: the
// one that has the place could need this connection.
func enter(ctx context.Context, places chan struct{}) (leave func(), err error) {
	if places == nil { // the database is not from Open
		return func() {}, nil
	}
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// withoutWaiting makes BeginTx fail at once if another transaction has the write lock.
func withoutWaiting(ctx context.Context) context.Context {
	return context.WithValue(ctx, noWait{}, true)
}

type noWait struct{}

// BeginTx implements [driver.ConnBeginTx].
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	var tx driver.Tx
	var err error
	switch {
	case opts.ReadOnly:
		tx, err = c.sqliteConn.BeginTx(ctx, opts)
	case ctx.Value(noWait{}) != nil:
		// It needs no turn: for the one whose turn it is, it is like another process.
		tx, err = c.poll(ctx, opts, 0, 1)
	default:
		select {
		case c.connector.turn <- struct{}{}:
			c.hasTurn = true
			tx, err = c.poll(ctx, opts, attemptTime, c.connector.attempts)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		c.endTurn()
		return nil, err
	}
	c.inTx = true
	return transaction{tx, c}, nil
}

// poll begins an immediate transaction. It makes some attempts, each of which waits for a time.
func (c *conn) poll(ctx context.Context, opts driver.TxOptions, wait time.Duration, attempts int) (driver.Tx, error) {
	if err := c.setBusyTimeout(wait); err != nil {
		return nil, err
	}
	for {
		// The driver must not know the context: it can report its end although the transaction has
		// begun. An attempt takes a tenth of a second at most.
		tx, err := c.sqliteConn.BeginTx(context.WithoutCancel(ctx), opts)
		attempts--
		if err == nil || attempts == 0 || !isBusy(err) || ctx.Err() != nil {
			_ = c.setBusyTimeout(c.connector.busyTimeout) // if it fails, other statements wait less
			return tx, err
		}
	}
}

func (c *conn) setBusyTimeout(d time.Duration) error {
	pragma := "pragma busy_timeout = " + strconv.FormatInt(d.Milliseconds(), 10)
	_, err := c.sqliteConn.ExecContext(context.Background(), pragma, nil)
	return err
}

func (c *conn) endTurn() {
	if c.hasTurn {
		c.hasTurn = false
		<-c.connector.turn
	}
}

// A transaction gives the turn back when it ends.
type transaction struct {
	driver.Tx
	conn *conn
}

// Commit implements [driver.Tx].
func (t transaction) Commit() error {
	if t.conn.lost {
		return errors.Join(errLost, t.Rollback())
	}
	defer t.conn.endTx()
	return t.Tx.Commit()
}

// Rollback implements [driver.Tx].
func (t transaction) Rollback() error {
	defer t.conn.endTx()
	return t.Tx.Rollback()
}

func (c *conn) endTx() {
	c.inTx, c.lost = false, false
	c.endTurn()
}
