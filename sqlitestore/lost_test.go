package sqlitestore

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"testing"
)

// A fullConn is a connection on which SQLite rolls the transaction back while rows are read. It
// notes the statements that run.
type fullConn struct {
	sqliteConn // nil: no other method is called
	ran        []string
	rows       *fullRows
}

func (c *fullConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return c.rows, nil
}

func (c *fullConn) ExecContext(_ context.Context, text string, _ []driver.NamedValue) (driver.Result, error) {
	c.ran = append(c.ran, text)
	return driver.ResultNoRows, nil
}

// fullRows end after one row.
type fullRows struct {
	sqliteRows // nil: no other method is called
	end        error
	n          int
}

func (r *fullRows) Next([]driver.Value) error {
	if r.n++; r.n == 1 {
		return nil
	}
	return r.end
}

// After an error between two rows, no statement runs until the host ends the transaction: it would
// take effect by itself.
func TestTransaction_LostBetweenRows(t *testing.T) {
	t.Parallel()
	full := errors.New("database or disk is full")
	for _, c := range []struct {
		end  error
		next error
		ran  []string
	}{
		{full, errLost, []string{"begin"}},
		{io.EOF, nil, []string{"insert"}}, // the negative control: the rows have ended
	} {
		stub := &fullConn{rows: &fullRows{end: c.end}}
		conn := &conn{sqliteConn: stub, inTx: true}
		rows, err := conn.QueryContext(t.Context(), "select", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := rows.Next(nil); err != nil {
			t.Errorf("got error %v with the first row", err)
		}
		if err := rows.Next(nil); !errors.Is(err, c.end) {
			t.Errorf("got error %v after the first row, want %v", err, c.end)
		}
		if _, err := conn.ExecContext(t.Context(), "insert", nil); !errors.Is(err, c.next) {
			t.Errorf("got error %v of the next statement, want %v", err, c.next)
		}
		if !slices.Equal(stub.ran, c.ran) {
			t.Errorf("%v ran, want %v", stub.ran, c.ran)
		}
	}
}
