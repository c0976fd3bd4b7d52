package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/go-invitations/invitations"
)

// facts are what is committed on both sides after a step.
type facts struct {
	pending  int // invitations
	members  int // beside the founder
	mails    int // of the host: ordered, and not sent yet
	profiles int // of the host
	notes    int // of the host
}

func (f facts) String() string {
	return fmt.Sprintf("library: pending %d, joined %d; host: mails %d, profiles %d, notes %d",
		f.pending, f.members, f.mails, f.profiles, f.notes)
}

// A story prints its steps, and what is in the database after each, up to the
// first that is not as expected.
type story struct {
	out  io.Writer
	pool *pgxpool.Pool
	svc  *invitations.Service
	host *host

	steps int
	err   error
}

// done is a step that must commit.
func (s *story) done(ctx context.Context, step string, err error, want facts) {
	s.tell(ctx, step, "committed", err, nil, want)
}

// undone is a step that must be rolled back because of the error reason.
func (s *story) undone(ctx context.Context, step string, err, reason error, want facts) {
	s.tell(ctx, step, "rolled back", err, reason, want)
}

func (s *story) tell(ctx context.Context, step, end string, err, wantErr error, want facts) {
	if s.err != nil {
		return
	}
	if !errors.Is(err, wantErr) {
		s.err = fmt.Errorf("%s: got error %v, want %v", step, err, wantErr)
		return
	}
	got, err := s.facts(ctx)
	switch {
	case err != nil:
		s.err = fmt.Errorf("%s: %w", step, err)
	case got != want:
		s.err = fmt.Errorf("%s: found %s, want %s", step, got, want)
	default:
		s.steps++
		fmt.Fprintf(s.out, "%d. %s: %s\n   %s\n", s.steps, step, end, got)
	}
}

// facts reads what is committed, outside of any step's transaction.
func (s *story) facts(ctx context.Context) (f facts, err error) {
	for _, err := range s.svc.AllInvitations(ctx, invitations.System(), invitations.InvitationsParams{
		Organization: "acme", State: invitations.StatePending,
	}) {
		if err != nil {
			return f, err
		}
		f.pending++
	}
	for _, user := range []string{"grace", "linus", "mallory"} {
		switch _, err := s.svc.Member(ctx, "acme", user); {
		case err == nil:
			f.members++
		case !errors.Is(err, invitations.ErrNotFound):
			return f, err
		}
	}
	err = s.pool.QueryRow(ctx, s.host.sql(`select
		(select count(*) from {host}.mails), (select count(*) from {host}.profiles), (select count(*) from {host}.notes)`)).
		Scan(&f.mails, &f.profiles, &f.notes)
	return f, err
}
