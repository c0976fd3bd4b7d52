package pgstore

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// A sqlResult is the result of one statement, in the form in which a batch of pgx has it.
type sqlResult struct {
	pgx.BatchResults // nil: no other method is called
	rows             sqlRows
}

func (r sqlResult) Query() (pgx.Rows, error) { return r.rows, nil }

// sqlRows are rows of database/sql in the form of pgx.
type sqlRows struct{ *sql.Rows }

func (r sqlRows) Close()                                       { _ = r.Rows.Close() } // Err has the error
func (r sqlRows) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (r sqlRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (r sqlRows) Values() ([]any, error)                       { return nil, errors.ErrUnsupported }
func (r sqlRows) RawValues() [][]byte                          { return nil }
func (r sqlRows) Conn() *pgx.Conn                              { return nil }
func (r sqlRows) TypeMap() *pgtype.Map                         { return nil }

// Scan scans a row into targets that are for the driver of pgx.
func (r sqlRows) Scan(targets ...any) error {
	wrapped := make([]any, len(targets))
	for i, target := range targets {
		wrapped[i] = sqlTarget{target}
	}
	return r.Rows.Scan(wrapped...)
}

// A sqlTarget gives a value of database/sql to a target that is for the driver of pgx.
type sqlTarget struct{ target any }

// Scan implements [sql.Scanner].
func (t sqlTarget) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		return t.scanNull()
	case bool:
		switch to := t.target.(type) {
		case pgtype.BoolScanner:
			return to.ScanBool(pgtype.Bool{Bool: v, Valid: true})
		case *bool:
			*to = v
			return nil
		}
	case int64:
		switch to := t.target.(type) {
		case pgtype.Int64Scanner:
			return to.ScanInt64(pgtype.Int8{Int64: v, Valid: true})
		case *int64:
			*to = v
			return nil
		case *int:
			*to = int(v)
			return nil
		}
	case time.Time:
		if to, ok := t.target.(pgtype.TimestamptzScanner); ok {
			return to.ScanTimestamptz(pgtype.Timestamptz{Time: v, Valid: true})
		}
	case string:
		return t.scanText(v)
	case []byte:
		// lib/pq gives texts as []byte too. A nonce is the only value of bytes.
		if to, ok := t.target.(*nonceValue); ok {
			return to.ScanBytes(v)
		}
		return t.scanText(string(v))
	}
	return fmt.Errorf("a value of type %T for a target of type %T", v, t.target)
}

// scanText scans a value that the driver has left as a text.
func (t sqlTarget) scanText(v string) error {
	switch to := t.target.(type) {
	case pgtype.TextScanner:
		return to.ScanText(pgtype.Text{String: v, Valid: true})
	case *string:
		*to = v
		return nil
	case pgtype.BytesScanner:
		return to.ScanBytes([]byte(v))
	case pgtype.UUIDScanner:
		var u pgtype.UUID
		if err := u.Scan(v); err != nil {
			return err
		}
		return to.ScanUUID(u)
	case *bigintArrayValue:
		return sqlTypes.Scan(pgtype.Int8ArrayOID, pgx.TextFormatCode, []byte(v), to)
	case pgtype.ArraySetter:
		return sqlTypes.Scan(pgtype.TextArrayOID, pgx.TextFormatCode, []byte(v), to)
	}
	return fmt.Errorf("a text for a target of type %T", t.target)
}

func (t sqlTarget) scanNull() error {
	switch to := t.target.(type) {
	case pgtype.TextScanner:
		return to.ScanText(pgtype.Text{})
	case pgtype.Int64Scanner:
		return to.ScanInt64(pgtype.Int8{})
	case pgtype.BoolScanner:
		return to.ScanBool(pgtype.Bool{})
	case pgtype.UUIDScanner:
		return to.ScanUUID(pgtype.UUID{})
	case pgtype.TimestamptzScanner:
		return to.ScanTimestamptz(pgtype.Timestamptz{})
	case pgtype.BytesScanner:
		return to.ScanBytes(nil)
	case pgtype.ArraySetter:
		return to.SetDimensions(nil)
	}
	return fmt.Errorf("NULL for a target of type %T", t.target)
}

// sqlTypes decodes arrays.
var sqlTypes = pgtype.NewMap()
