package sqlitestore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/go-invitations/invitations"
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

// A faultyConnector opens connections on which one statement of the store has a fault.
type faultyConnector struct {
	driver.Connector
	text  string
	fault func(ctx context.Context, run func() (driver.Result, error)) (driver.Result, error)
}

func (c faultyConnector) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	opened.(*conn).sqliteConn = faultyConn{opened.(*conn).sqliteConn, c}
	return opened, nil
}

type faultyConn struct {
	sqliteConn
	faultyConnector
}

func (c faultyConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.sqliteConn.PrepareContext(ctx, text)
	if err != nil || text != c.text {
		return s, err
	}
	return faultyStatement{s.(statement), c.faultyConnector}, nil
}

type faultyStatement struct {
	statement
	faultyConnector
}

func (s faultyStatement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.fault(ctx, func() (driver.Result, error) { return s.statement.ExecContext(ctx, args) })
}

// A step in a transaction of the host that returns an error has changed nothing, or the host cannot
// commit it: although the context ends while the savepoint is released, and the driver reports that,
// and although a savepoint cannot be rolled back.
func TestWithTx_FaultsOfTheSavepoint(t *testing.T) {
	t.Parallel()
	refusal := errors.New("refused")
	for name, c := range map[string]struct {
		text   string
		fault  func(ctx context.Context, cancel func(), run func() (driver.Result, error)) (driver.Result, error)
		decide error
		step   error
		commit error
		rows   int // of the host
	}{
		"no fault":               {"select", nil, nil, nil, nil, 1},
		"no fault and a refusal": {"select", nil, refusal, refusal, nil, 1},
		"the context ends while the savepoint is released": {
			"release invitations",
			func(ctx context.Context, cancel func(), run func() (driver.Result, error)) (driver.Result, error) {
				result, err := run()
				cancel()
				if err == nil && ctx.Err() != nil {
					return nil, ctx.Err()
				}
				return result, err
			},
			nil, nil, nil, 1,
		},
		"the savepoint cannot be rolled back": {
			"rollback to invitations",
			func(context.Context, func(), func() (driver.Result, error)) (driver.Result, error) {
				return nil, errors.New("interrupted")
			},
			refusal, refusal, errLost, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newFile(t)
			plain := openStore(t, path, fast)
			mustExec(t, plain.db, `create table profiles (id text primary key)`)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			db := sql.OpenDB(faultyConnector{plain.db.Driver().(connectorDriver).connector, c.text,
				func(ctx context.Context, run func() (driver.Result, error)) (driver.Result, error) {
					return c.fault(ctx, cancel, run)
				}})
			defer db.Close()
			tx := begin(t, db, nil)
			mustExec(t, tx, `insert into profiles values ('ada')`)
			err := New(db).WithTx(tx).Create(ctx, invitations.Query{Organization: "acme"},
				func(invitations.Facts) (invitations.Changes, error) {
					return invitations.Changes{Removals: []string{"ada"}}, c.decide
				})
			if !errors.Is(err, c.step) {
				t.Errorf("the step: got error %v, want %v", err, c.step)
			}
			if err := tx.Commit(); !errors.Is(err, c.commit) {
				t.Errorf("the commit: got error %v, want %v", err, c.commit)
			}
			if got := count1(t, plain.db, `select count(*) from profiles`); got != c.rows {
				t.Errorf("got %d rows of the host, want %d", got, c.rows)
			}
			want := int64(0)
			if c.step == nil {
				want = 1
			}
			if got := versionOf(t, plain); got != want {
				t.Errorf("got version %d, want %d", got, want)
			}
		})
	}
}
