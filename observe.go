package invitations

import (
	"context"
	"errors"
)

// observe tells the host that an operation begins. Every operation must call it first and defer
// the end of the observation.
func (s *Service) observe(ctx context.Context, operation string) (context.Context, observation) {
	if s.config.Observe == nil {
		return ctx, observation{}
	}
	ctx, ended := s.config.Observe(ctx, operation)
	return ctx, observation{ended}
}

// An observation lasts as long as an operation. The zero observation is for a host that does not
// observe.
type observation struct{ ended func(error) }

// end tells the host how the operation ended. It must be deferred directly, to recover a panic.
func (o observation) end(err *error) {
	if o.ended == nil {
		return
	}
	if p := recover(); p != nil {
		o.ended(errPanic)
		panic(p)
	}
	o.ended(*err)
}

var errPanic = errors.New("invitations: the operation panicked")
