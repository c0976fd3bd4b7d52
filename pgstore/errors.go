package pgstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/go-invitations/invitations"
)

// A refusal is the error of a decision. It passes through the handling of the database's errors.
type refusal struct{ error }

// describe turns an error into one that a caller may see. It contains no error of the driver, no
// SQL and no value of an argument.
func (s *Store) describe(doing string, err error) error {
	if err == nil {
		return nil
	}
	var refused refusal
	var unknown outcomeUnknown
	switch {
	case errors.As(err, &refused):
		return refused.error
	case errors.As(err, &unknown):
		return fmt.Errorf("invitations: pgstore: %s: %w: %w", doing, invitations.ErrOutcomeUnknown, reason(unknown.error))
	}
	return fmt.Errorf("invitations: pgstore: %s: %w", doing, reason(err))
}

// A ConstraintError is the error of a change that a constraint of the database refused, such as a
// foreign key of the table that [MembersTable] names. It quotes no value. A transaction of the
// host must be rolled back.
type ConstraintError struct {
	// Code is the SQLSTATE, which begins with 23: "23503" for a foreign key, "23505" for a unique
	// key, "23514" for a check, "23502" for NOT NULL.
	Code string
	// Schema and Table name the table that has the constraint. Constraint is empty for NOT NULL
	// and Column is empty for the others. A trigger that raises the error may give no names.
	Schema, Table, Column, Constraint string
}

// Error returns a text with the names of the table and the constraint.
func (e *ConstraintError) Error() string {
	text := "SQLSTATE " + e.Code
	if e.Constraint != "" {
		text += ": constraint " + e.Constraint
	}
	if e.Column != "" {
		text += ": column " + e.Column
	}
	if e.Table != "" {
		text += " of table " + e.Schema + "." + e.Table
	}
	return text
}

// reason returns the part of err that a caller may see.
func reason(err error) error {
	for _, ctxErr := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ctxErr) {
			return ctxErr
		}
	}
	if pgErr := pgError(err); pgErr != nil {
		switch pgErr.Code {
		case serializationFailure, deadlockDetected, lockNotAvailable:
			return fmt.Errorf("SQLSTATE %s: %w", pgErr.Code, invitations.ErrConcurrentChange)
		}
		if strings.HasPrefix(pgErr.Code, integrityViolation) {
			return &ConstraintError{
				Code: pgErr.Code, Schema: pgErr.SchemaName, Table: pgErr.TableName, Column: pgErr.ColumnName,
				Constraint: pgErr.ConstraintName,
			}
		}
		// Many messages quote values. The messages of these classes are about a wrong setup:
		// authorization, database, schema, and missing tables or privileges.
		for _, class := range []string{"28", "3D", "3F", "42"} {
			if strings.HasPrefix(pgErr.Code, class) {
				return errors.New("SQLSTATE " + pgErr.Code + ": " + pgErr.Message)
			}
		}
		return errors.New("SQLSTATE " + pgErr.Code)
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return errors.New(connect.Error())
	}
	for _, own := range []error{errCommitRolledBack, errNoTx, errInTx, errDecisionsDiffer, errNotMigrated, sql.ErrTxDone} {
		if errors.Is(err, own) {
			return own
		}
	}
	switch {
	case errors.As(err, new(hostTableError)), errors.As(err, new(*MemberlessError)):
		return err
	case isConnectionLost(err):
		return errors.New("connection lost")
	}
	return fmt.Errorf("unexpected %T", err)
}

const (
	dataException        = "22"  // a class
	integrityViolation   = "23"  // a class
	shutdown             = "57P" // begins the codes of a server that ends its sessions
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03" // by a lock_timeout that the host has set
	featureNotSupported  = "0A000" // "cached plan must not change result type", after a migration
	readOnlyTransaction  = "25006" // the server is not a primary any more
)

func pgError(err error) *pgconn.PgError {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return pqError(err)
	}
	return pgErr
}

// isFatal reports whether the server closed the connection with this error. A pooler may send it
// after it has lost a server that did commit.
func isFatal(err *pgconn.PgError) bool {
	severity := err.SeverityUnlocalized
	if severity == "" {
		severity = err.Severity
	}
	// lib/pq has the severity only in the language of the server.
	return severity == "FATAL" || severity == "PANIC" || strings.HasPrefix(err.Code, shutdown)
}

// isConnectionLost reports whether err is the end of a connection that was established. In some exec
// modes the driver keeps the first error of a lost connection to itself, and says that the connection
// is closed.
func isConnectionLost(err error) bool {
	if errors.As(err, new(*pgconn.ConnectError)) {
		return false
	}
	if pgErr := pgError(err); pgErr != nil {
		return isFatal(pgErr)
	}
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, pgconn.ErrConnClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// errCommitRolledBack: the server answers a commit with a rollback if a statement before failed.
var errCommitRolledBack = errors.New("the server rolled back instead of committing")

// checkCommit checks the answer to a commit.
func checkCommit(tag pgconn.CommandTag) error {
	if tag.String() != "COMMIT" {
		return errCommitRolledBack
	}
	return nil
}

type outcomeUnknown struct{ error }

func (e outcomeUnknown) Unwrap() error { return e.error }

// afterCommit returns the error of a batch that ended in a commit. The commit has failed only if
// the server said so, or if the transaction is still open. In all other cases it may have
// happened. The driver's opinion that a batch is safe to retry does not count: it is wrong as
// soon as the first byte is sent.
func afterCommit(conn *pgx.Conn, err error) error {
	if errors.Is(err, errCommitRolledBack) {
		return err
	}
	if pgErr := pgError(err); pgErr != nil && !isFatal(pgErr) {
		return err
	}
	if !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
		return err
	}
	return outcomeUnknown{err}
}

// closeIfReadOnly closes a connection to a server that is not a primary any more, so that it
// leaves its pool. Otherwise every write would meet it again.
func closeIfReadOnly(ctx context.Context, conn *pgx.Conn, err error) {
	if pgErr := pgError(err); conn != nil && pgErr != nil && pgErr.Code == readOnlyTransaction {
		_ = conn.Close(ctx)
	}
}
