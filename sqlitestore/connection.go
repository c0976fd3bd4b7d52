package sqlitestore

import (
	"context"
	"database/sql/driver"
	"errors"
	"strconv"
	"time"

	"modernc.org/sqlite"
)

// A connector opens connections of SQLite's driver that do three things more: changes of this
// process take turns, statements of the store stay prepared, and a transaction that SQLite has
// rolled back does not go on.
type connector struct {
	dsn         string
	attempts    int           // to get a lock from another process, each of attemptTime
	busyTimeout time.Duration // of a statement outside of a transaction that has its turn
	turn        chan struct{} // has an element while a connection has its turn
}

var _ driver.Connector = (*connector)(nil)

// Connect implements [driver.Connector]. If several connections give a new file its write-ahead
// log at once, SQLite lets some of them fail without waiting. They try again.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	base, err := sqlite.NewConnector(c.dsn)
	if err != nil {
		return nil, err
	}
	opened, err := base.Connect(ctx)
	for attempt := 1; isBusy(err) && attempt < c.attempts; attempt++ {
		select {
		case <-time.After(attemptTime):
			opened, err = base.Connect(ctx)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	opening := &conn{sqliteConn: opened.(sqliteConn), connector: c, prepared: map[string]statement{}}
	if err := opening.setBusyTimeout(c.busyTimeout); err != nil {
		return nil, errors.Join(err, opening.Close())
	}
	return opening, nil
}

// Driver implements [driver.Connector].
func (c *connector) Driver() driver.Driver { return &sqlite.Driver{} }

// sqliteConn is the part of the driver's connections that package database/sql uses.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// A conn is one connection.
type conn struct {
	sqliteConn
	connector *connector
	prepared  map[string]statement // the store's, by SQL text
	inTx      bool                 // a transaction is open
	hasTurn   bool
	lost      bool // SQLite has rolled the open transaction back
}

var _ sqliteConn = (*conn)(nil)

// Turns

// SQLite's own waiting is a poll, in no order, which starves some of many writers. So the changes
// of this process wait for a turn in the order of their calls, and only the one whose turn it is
// polls, because another process may have the lock. SQLite does not notice the end of a context
// while it polls, so it polls in short attempts.
const attemptTime = 100 * time.Millisecond

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
		tx, err := c.sqliteConn.BeginTx(ctx, opts)
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

// Lost transactions

var errLost = errors.New("SQLite has rolled the transaction back after an error")

// failed returns err, the error of a statement. After some errors, such as a full disk or the end
// of a context, SQLite rolls the whole transaction back. The next statement would take effect by
// itself, and a host that goes on would commit the half of its work. So no statement runs until
// the host ends the transaction.
//
// A transaction can begin exactly if none is open.
func (c *conn) failed(err error) error {
	if c.inTx && !c.lost {
		_, failure := c.sqliteConn.ExecContext(context.Background(), "begin", nil)
		c.lost = failure == nil // the new transaction is for the host to roll back
	}
	return err
}

// Statements

// SQLite takes longer to prepare most statements of this package than to run them. Their texts
// are constants, so a connection keeps a few dozen. The package reads the rows of a query to
// their end before it queries again, so one prepared statement for each text is enough. Neither is
// true of the host's statements, which are not kept.
//
// A prepared statement with a bare parameter as its limit would be prepared again for every
// value. The statements of this package therefore say "limit 0 + ?".

// keepPrepared marks the statement that is called with the context as one of the store.
func keepPrepared(ctx context.Context) context.Context { return context.WithValue(ctx, keep{}, true) }

type keep struct{}

// statement is the part of the driver's statements that package database/sql uses.
type statement interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

// kept returns the prepared statement of a text of the store.
func (c *conn) kept(ctx context.Context, text string) (statement, error) {
	if s, ok := c.prepared[text]; ok {
		return s, nil
	}
	prepared, err := c.sqliteConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s := prepared.(statement)
	c.prepared[text] = s
	return s, nil
}

// QueryContext implements [driver.QueryerContext].
func (c *conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (rows driver.Rows, err error) {
	if c.lost {
		return nil, errLost
	}
	if ctx.Value(keep{}) == nil {
		rows, err = c.sqliteConn.QueryContext(ctx, text, args)
	} else if s, keptErr := c.kept(ctx, text); keptErr != nil {
		err = keptErr
	} else {
		rows, err = s.QueryContext(ctx, args)
	}
	if err != nil {
		return nil, c.failed(err)
	}
	return rows, nil
}

// ExecContext implements [driver.ExecerContext].
func (c *conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (result driver.Result, err error) {
	if c.lost {
		return nil, errLost
	}
	if ctx.Value(keep{}) == nil {
		result, err = c.sqliteConn.ExecContext(ctx, text, args)
	} else if s, keptErr := c.kept(ctx, text); keptErr != nil {
		err = keptErr
	} else {
		result, err = s.ExecContext(ctx, args)
	}
	if err != nil {
		return nil, c.failed(err)
	}
	return result, nil
}

// PrepareContext implements [driver.ConnPrepareContext], for statements of the host.
func (c *conn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	if c.lost {
		return nil, errLost
	}
	s, err := c.sqliteConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return hostStatement{s.(statement), c}, nil
}

// A hostStatement is a prepared statement of the host.
type hostStatement struct {
	statement
	conn *conn
}

// QueryContext implements [driver.StmtQueryContext].
func (s hostStatement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if s.conn.lost {
		return nil, errLost
	}
	rows, err := s.statement.QueryContext(ctx, args)
	if err != nil {
		return nil, s.conn.failed(err)
	}
	return rows, nil
}

// ExecContext implements [driver.StmtExecContext].
func (s hostStatement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if s.conn.lost {
		return nil, errLost
	}
	result, err := s.statement.ExecContext(ctx, args)
	if err != nil {
		return nil, s.conn.failed(err)
	}
	return result, nil
}

// Close implements [driver.Conn].
func (c *conn) Close() error {
	for _, s := range c.prepared {
		s.Close() // its error would say nothing that closing the connection does not
	}
	c.endTurn()
	return c.sqliteConn.Close()
}
