package sqlitestore

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"modernc.org/sqlite"
)

// A connector opens connections of SQLite's driver that do three things more: changes of this
// process take turns, statements of the store stay prepared, and a transaction that SQLite has
// rolled back does not go on.
type connector struct {
	dsn         string
	attempts    int           // to get a lock from another process, each of attemptTime
	busyTimeout time.Duration // of every statement except the begin of a change
	turn        chan struct{} // has an element while a connection has its turn
	// Places of the operations of a store, see enter. They are nil for a database of the host.
	changes, reads chan struct{}
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
func (c *connector) Driver() driver.Driver { return connectorDriver{&sqlite.Driver{}, c} }

// A connectorDriver lets New find the connector of a database.
type connectorDriver struct {
	driver.Driver
	connector *connector
}

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

// Close implements [driver.Conn].
func (c *conn) Close() error {
	for _, s := range c.prepared {
		s.Close() // its error would say nothing that closing the connection does not
	}
	c.endTurn()
	return c.sqliteConn.Close()
}
