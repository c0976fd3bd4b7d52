package sqlitestore

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
)

var errLost = errors.New("SQLite has rolled the transaction back after an error")

// failed returns err, the error of a statement. After some errors, such as a full disk or the end
// of a context, SQLite rolls the whole transaction back. The next statement would take effect by
// itself, and a host that goes on would commit the half of its work. So no statement runs until
// the host ends the transaction.
//
// BEGIN succeeds only if no transaction is open.
func (c *conn) failed(err error) error {
	if c.inTx && !c.lost {
		_, failure := c.sqliteConn.ExecContext(context.Background(), "begin", nil)
		c.lost = failure == nil // the new transaction is for the host to roll back
	}
	return err
}

// orLost marks a statement of the store without which the transaction must not be committed.
func orLost(ctx context.Context) context.Context { return context.WithValue(ctx, essential{}, true) }

type essential struct{}

// sqliteRows is the part of the driver's rows that package database/sql uses.
type sqliteRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// watchedRows notice a transaction that SQLite rolls back while its rows are read.
type watchedRows struct {
	sqliteRows
	conn *conn
}

// Next implements [driver.Rows].
func (r watchedRows) Next(row []driver.Value) error {
	err := r.sqliteRows.Next(row)
	if err == nil || err == io.EOF { //nolint:errorlint // the contract of Next: io.EOF itself
		return err
	}
	return r.conn.failed(err)
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
	return watchedRows{rows.(sqliteRows), s.conn}, nil
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
