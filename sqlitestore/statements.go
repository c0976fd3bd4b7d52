package sqlitestore

import (
	"context"
	"database/sql/driver"

	"modernc.org/sqlite"
)

// A connector opens connections of SQLite's driver that keep the statements they have prepared.
// SQLite takes longer to prepare most statements of this package than to run them. Their texts
// are constants, so a connection keeps a few dozen.
//
// A prepared statement with a bare parameter as its limit would be prepared again for every
// value. The statements of this package therefore say "limit 0 + ?".
type connector struct{ dsn string }

var _ driver.Connector = connector{}

// Connect implements [driver.Connector].
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	base, err := sqlite.NewConnector(c.dsn)
	if err != nil {
		return nil, err
	}
	opened, err := base.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{sqliteConn: opened.(sqliteConn), prepared: map[string]statement{}}, nil
}

// Driver implements [driver.Connector].
func (c connector) Driver() driver.Driver { return &sqlite.Driver{} }

// sqliteConn is the part of the driver's connections that package database/sql uses.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.SessionResetter
	driver.Validator
}

// statement is the part of the driver's statements that package database/sql uses.
type statement interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

// A conn is one connection. The package reads the rows of a query to their end before it
// queries again, so one prepared statement for each text is enough.
type conn struct {
	sqliteConn
	prepared map[string]statement // by SQL text
}

var (
	_ driver.QueryerContext = (*conn)(nil)
	_ driver.ExecerContext  = (*conn)(nil)
)

// prepare returns the prepared statement of a text.
func (c *conn) prepare(ctx context.Context, text string) (statement, error) {
	if s, ok := c.prepared[text]; ok {
		return s, nil
	}
	prepared, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s := prepared.(statement)
	c.prepared[text] = s
	return s, nil
}

// QueryContext implements [driver.QueryerContext].
func (c *conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args)
}

// ExecContext implements [driver.ExecerContext].
func (c *conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args)
}

// Close implements [driver.Conn].
func (c *conn) Close() error {
	for _, s := range c.prepared {
		s.Close() // its error would say nothing that closing the connection does not
	}
	return c.sqliteConn.Close()
}
