package sqlitestore

import (
	"context"
	"database/sql/driver"
)

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
	return watchedRows{rows.(sqliteRows), c}, nil
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
		if ctx.Value(essential{}) != nil {
			c.lost = c.inTx
		}
		return nil, c.failed(err)
	}
	return result, nil
}
