package pgstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

const maxAttempts = 5

// repeat calls f until it succeeds or fails for good, with a random pause that grows.
func (s *Store) repeat(ctx context.Context, f func() error) error {
	for attempt := 1; ; attempt++ {
		err := f()
		if err == nil || attempt == maxAttempts || ctx.Err() != nil || !s.isRepeatable(err) {
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

// isRepeatable reports whether a transaction that failed with err did not commit and may succeed
// if it is repeated.
func (s *Store) isRepeatable(err error) bool {
	if errors.As(err, new(refusal)) || errors.As(err, new(outcomeUnknown)) {
		return false
	}
	if pgErr := pgError(err); pgErr != nil && !isFatal(pgErr) {
		switch pgErr.Code {
		case serializationFailure, deadlockDetected, featureNotSupported, readOnlyTransaction:
			return true
		}
		return false
	}
	// A pool can give another connection. A single connection stays closed.
	db, ok := s.db.(database)
	return ok && !db.isSingle() && isConnectionLost(err)
}
