package sqlitestore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"time"
)

// all returns the values of a query that has one column of JSON.
func all[T any](ctx context.Context, tx *sql.Tx, query string, args ...any) ([]T, error) {
	rows, err := tx.QueryContext(keepPrepared(ctx), query, args...)
	if err != nil {
		return nil, storeError(ctx, err)
	}
	defer rows.Close()
	var values []T
	for rows.Next() {
		var value T
		if err := rows.Scan(document{&value}); err != nil {
			return nil, storeError(ctx, err)
		}
		values = append(values, value)
	}
	if err := rows.Err(); err != nil {
		return nil, storeError(ctx, err)
	}
	return values, nil
}

// first returns the value of a query with at most one row, or nil.
func first[T any](ctx context.Context, tx *sql.Tx, query string, args ...any) (*T, error) {
	values, err := all[T](ctx, tx, query, args...)
	if err != nil || len(values) == 0 {
		return nil, err
	}
	return &values[0], nil
}

// row returns the row of a query with at most one row.
func row(ctx context.Context, tx *sql.Tx, query string, args ...any) *sql.Row {
	return tx.QueryRowContext(keepPrepared(ctx), query, args...)
}

// number returns the integer of a query with at most one row. It returns 0 if there is none.
func number(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
	var n int64
	err := row(ctx, tx, query, args...).Scan(&n)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, storeError(ctx, err)
	}
	return n, nil
}

// exec runs a statement that returns nothing.
func exec(ctx context.Context, tx *sql.Tx, statement string, args ...any) error {
	_, err := execCount(ctx, tx, statement, args...)
	return err
}

// execCount runs a statement and returns how many rows it changed.
func execCount(ctx context.Context, tx *sql.Tx, statement string, args ...any) (int, error) {
	result, err := tx.ExecContext(keepPrepared(ctx), statement, args...)
	if err != nil {
		return 0, storeError(ctx, err)
	}
	n, err := result.RowsAffected()
	return int(n), storeError(ctx, err)
}

// A document is a column of JSON: the argument of a statement, or with a pointer the target of
// a scan. Its errors are not those of package json, which may quote the value.
type document struct{ value any }

// Value implements [driver.Valuer].
func (d document) Value() (driver.Value, error) {
	text, err := json.Marshal(d.value)
	if err != nil {
		return nil, errors.New("a value has no form in JSON")
	}
	return string(text), nil
}

// Scan implements [sql.Scanner].
func (d document) Scan(column any) error {
	text, ok := column.(string)
	if !ok || json.Unmarshal([]byte(text), d.value) != nil {
		return errors.New("a column has no valid JSON")
	}
	return nil
}

// array returns an argument for json_each.
func array[T any](values []T) document {
	return document{append([]T{}, values...)} // a nil slice would be null, which has one element
}

// instant returns a time in the form of the generated columns.
func instant(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.999999")
}
