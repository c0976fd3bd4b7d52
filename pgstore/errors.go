package pgstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/go-invitations/invitations"
)

// A refusal is what the decision returned, on its way out past the handling of the
// database's errors.
type refusal struct{ error }

// errCommitRolledBack: the server answered a commit with a rollback.
var errCommitRolledBack = errors.New("the commit was answered with a rollback")

func committed(tag pgconn.CommandTag) error {
	if tag.String() != "COMMIT" {
		return errCommitRolledBack
	}
	return nil
}

// afterCommit tells what err means that came back from a batch which ended in a commit. It
// is a failure only where the server said so, or where the transaction is still open. In
// all other cases the commit may have happened. What the driver thinks of a retry is not
// asked: it is wrong once the first byte is sent.
func afterCommit(conn *pgx.Conn, err error) error {
	if errors.Is(err, errCommitRolledBack) {
		return err
	}
	if pgErr := pgError(err); pgErr != nil && !fatal(pgErr) {
		return err
	}
	if !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
		return err
	}
	return outcomeUnknown{err}
}

type outcomeUnknown struct{ error }

func (e outcomeUnknown) Unwrap() error { return e.error }

func pgError(err error) *pgconn.PgError {
	var pgErr *pgconn.PgError
	errors.As(err, &pgErr)
	return pgErr
}

// fatal reports whether the server closed the connection with this error. A pooler may say
// so after it has lost a server that did commit.
func fatal(err *pgconn.PgError) bool {
	severity := err.SeverityUnlocalized
	if severity == "" {
		severity = err.Severity
	}
	return severity == "FATAL" || severity == "PANIC"
}

// leave closes a connection whose server is no primary any more, so that it leaves its
// pool: or every write would meet it again.
func leave(ctx context.Context, conn *pgx.Conn, err error) {
	if pgErr := pgError(err); conn != nil && pgErr != nil && pgErr.Code == readOnly {
		_ = conn.Close(ctx)
	}
}

const readOnly = "25006"

const maxAttempts = 5

// repeat runs f until it succeeds or fails for good: up to 5 times, with a growing random
// pause.
func (s *Store) repeat(ctx context.Context, f func() error) error {
	for attempt := 1; ; attempt++ {
		err := f()
		if err == nil || attempt == maxAttempts || ctx.Err() != nil || !s.repeatable(err) {
			return err
		}
		pause := time.NewTimer(time.Millisecond<<attempt + rand.N(time.Millisecond<<attempt))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		}
	}
}

// repeatable reports whether f, which did not commit, may do better next time.
func (s *Store) repeatable(err error) bool {
	if errors.As(err, new(refusal)) || errors.As(err, new(outcomeUnknown)) {
		return false
	}
	if pgErr := pgError(err); pgErr != nil && !fatal(pgErr) {
		switch pgErr.Code {
		case "40001", "40P01", // serialization failure, deadlock
			"0A000",  // cached plan must not change result type, after a migration
			readOnly: // read-only transaction: the server is no primary any more
			return true
		}
		return false
	}
	// A connection that the server, or something between, has closed. Another one may be
	// had from a pool; a lone connection stays closed.
	_, lone := s.db.(*pgx.Conn)
	return !lone && lost(err)
}

// lost reports whether err is that of an established connection which broke.
func lost(err error) bool {
	if errors.As(err, new(*pgconn.ConnectError)) {
		return false
	}
	if pgErr := pgError(err); pgErr != nil {
		return fatal(pgErr)
	}
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// describe turns what went wrong into what a caller may see: no driver's error, no SQL and
// no value of an argument.
func (s *Store) describe(doing string, err error) error {
	var refused refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return refused.error
	case errors.As(err, new(outcomeUnknown)):
		return fmt.Errorf("invitations: pgstore: %s: %w: %w", doing, invitations.ErrOutcomeUnknown, reason(err))
	}
	return fmt.Errorf("invitations: pgstore: %s: %w", doing, reason(err))
}

// reason returns err in words of this package.
func reason(err error) error {
	for _, ctxErr := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ctxErr) {
			return ctxErr
		}
	}
	if pgErr := pgError(err); pgErr != nil {
		switch pgErr.Code {
		case "40001", "40P01", "55P03": // the last: a lock_timeout that the host has set
			return fmt.Errorf("SQLSTATE %s: %w", pgErr.Code, invitations.ErrConcurrentChange)
		}
		// Many messages quote values. Those of a setup that is wrong do not, and help.
		for _, class := range []string{"28", "3D", "3F", "42"} {
			if strings.HasPrefix(pgErr.Code, class) {
				return errors.New("SQLSTATE " + pgErr.Code + ": " + pgErr.Message)
			}
		}
		return errors.New("SQLSTATE " + pgErr.Code)
	}
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &connect):
		return errors.New(connect.Error())
	case errors.Is(err, errCommitRolledBack), errors.Is(err, errNoTx), errors.Is(err, errInTx), errors.Is(err, errDecided),
		errors.Is(err, errNotMigrated), errors.As(err, new(hostError)):
		return err
	case lost(err):
		return errors.New("connection lost")
	}
	return fmt.Errorf("unexpected %T", err)
}
