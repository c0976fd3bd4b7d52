package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/go-invitations/invitations"
)

// errHost stands for whatever goes wrong in the host's own part of a transaction.
var errHost = errors.New("the host's own part failed")

// A story prints what happens, up to the first thing that is not as expected.
type story struct {
	out    io.Writer
	host   *delivery // it invites; the mails are sent by others
	server *mailServer
}

func (s *story) tell(ctx context.Context) error {
	for i, chapter := range []struct {
		title string
		tell  func(context.Context) error
	}{
		{"Ada invites Grace", s.invited},
		{"Ada invites Linus, and the transaction is rolled back", s.rolledBack},
		{"Ada invites Bob, and the worker is killed between sending and completing", s.killed},
		{"Ada invites Carol, and the mail server's certificate is not to be trusted", s.untrusted},
	} {
		fmt.Fprintf(s.out, "%d. %s.\n", i+1, chapter.title)
		if err := chapter.tell(ctx); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
	}
	return nil
}

func (s *story) say(line string) { fmt.Fprintln(s.out, "   "+line) }

// invite has Ada invite somebody, in a transaction that ends with then.
func (s *story) invite(ctx context.Context, email string, then error) error {
	return pgx.BeginFunc(ctx, s.host.pool, func(tx pgx.Tx) error {
		_, err := s.host.invite(ctx, tx, invitations.User("ada"), invitations.InviteParams{
			Organization: "acme", Email: email, Role: invitations.RoleDeveloper, Message: "Come and see.",
		})
		if err != nil {
			return err
		}
		return then
	})
}

func (s *story) invited(ctx context.Context) error {
	if err := s.invite(ctx, "grace@example.com", nil); err != nil {
		return err
	}
	if err := s.expect(ctx, "committed", facts{invitations: 1, members: 1, waiting: 1}); err != nil {
		return err
	}
	l, err := s.sent(ctx)
	if err != nil {
		return err
	}
	s.say("Arrived for " + strings.Trim(l.to, "<>") + ": " + l.subject)
	s.say("with " + strings.ReplaceAll(l.link(), l.token(), "[redacted]"))
	if err := s.accept(ctx, l, "grace"); err != nil {
		return err
	}
	return s.expect(ctx, "accepted by that link", facts{members: 2, done: 1})
}

func (s *story) rolledBack(ctx context.Context) error {
	if err := s.invite(ctx, "linus@example.com", errHost); !errors.Is(err, errHost) {
		return fmt.Errorf("got error %v, want %v", err, errHost)
	}
	return s.expect(ctx, "rolled back", facts{members: 2, done: 1})
}

func (s *story) killed(ctx context.Context) error {
	if err := s.invite(ctx, "bob@example.com", nil); err != nil {
		return err
	}
	worker, err := spawn(ctx, s.host.setting, "worker")
	if err != nil {
		return err
	}
	mail, err := s.server.next(ctx)
	worker.kill()
	if err != nil {
		return err
	}
	mail.accept() // the server has it; the worker never learns that
	first, err := mail.read()
	if err != nil {
		return err
	}
	if err := s.expect(ctx, "sent, and killed", facts{invitations: 1, members: 2, running: 1, done: 1}); err != nil {
		return err
	}
	if err := s.host.letTimePass(ctx); err != nil {
		return err
	}
	second, err := s.sent(ctx)
	if err != nil {
		return err
	}
	if second.to != first.to || second.id != first.id || second.link() != first.link() {
		return errors.New("the second mail is another one")
	}
	s.say("Arrived again for " + strings.Trim(second.to, "<>") + ", with the same Message-ID and link")
	for _, l := range []letter{first, second} { // the second acceptance gives the same membership back
		if err := s.accept(ctx, l, "bob"); err != nil {
			return err
		}
	}
	return s.expect(ctx, "accepted by both links", facts{members: 3, done: 2})
}

func (s *story) untrusted(ctx context.Context) error {
	stranger, err := newAuthority("A stranger")
	if err != nil {
		return err
	}
	distrusting := s.host.setting
	distrusting.SMTP.Roots = stranger.pem() // and not the one that has issued the certificate
	if err := s.invite(ctx, "carol@example.com", nil); err != nil {
		return err
	}
	err = withWorker(ctx, distrusting, river.EventKindJobFailed, func(failed <-chan *river.Event) error {
		select {
		case event := <-failed:
			attempts := event.Job.Errors
			s.say("Refused: " + attempts[len(attempts)-1].Error)
			return nil
		case mail := <-s.server.mails:
			mail.accept()
			return errors.New("a mail went to a server that is not to be trusted")
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		return err
	}
	if err := s.expect(ctx, "not sent", facts{invitations: 1, members: 3, waiting: 1, done: 2}); err != nil {
		return err
	}
	l, err := s.sent(ctx)
	if err != nil {
		return err
	}
	s.say("Arrived for " + strings.Trim(l.to, "<>") + " when the certificate was in order")
	return s.expect(ctx, "sent", facts{invitations: 1, members: 3, done: 3})
}

// sent has a worker send the next mail, and complete its job.
func (s *story) sent(ctx context.Context) (l letter, err error) {
	err = withWorker(ctx, s.host.setting, river.EventKindJobCompleted, func(completed <-chan *river.Event) error {
		mail, err := s.server.next(ctx)
		if err != nil {
			return err
		}
		mail.accept()
		if l, err = mail.read(); err != nil {
			return err
		}
		select {
		case <-completed:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		return l, err
	}
	if l.link() == "" || !strings.Contains(l.html, l.link()) {
		return l, errors.New("the mail has no link")
	}
	return l, nil
}

// withWorker runs f beside a worker in this process, with the worker's events of the kind.
func withWorker(ctx context.Context, s setting, kind river.EventKind, f func(<-chan *river.Event) error) error {
	worker, err := open(ctx, s)
	if err != nil {
		return err
	}
	defer worker.close()
	events, unsubscribe := worker.jobs.Subscribe(kind)
	defer unsubscribe()
	if err := worker.jobs.Start(ctx); err != nil {
		return err
	}
	return f(events)
}

// letTimePass makes what is in the database an hour older, as if that long ago the worker had
// been killed. River's leader looks for such jobs every half a minute; the dead one may have been
// the leader itself.
func (d *delivery) letTimePass(ctx context.Context) error {
	schema := pgx.Identifier{d.JobSchema}.Sanitize()
	for _, sql := range []string{
		"update " + schema + ".river_job set attempted_at = attempted_at - interval '1 hour' where state = 'running'",
		"update " + schema + ".river_leader set elected_at = elected_at - interval '1 hour', expires_at = expires_at - interval '1 hour'",
	} {
		if _, err := d.pool.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) accept(ctx context.Context, l letter, user string) error {
	_, err := s.host.svc.Accept(ctx, l.token(), invitations.Identity{UserID: user, Email: user + "@example.com", EmailVerified: true})
	return err
}

// facts are what is committed after a step: pending invitations, members, and jobs by their
// state.
type facts struct {
	invitations, members   int
	waiting, running, done int
}

func (f facts) String() string {
	return fmt.Sprintf("pending %d, members %d; jobs: waiting %d, running %d, done %d", f.invitations, f.members, f.waiting, f.running, f.done)
}

// expect says what is committed, or that it is not what it should be.
func (s *story) expect(ctx context.Context, step string, want facts) error {
	got, err := s.host.facts(ctx)
	switch {
	case err != nil:
		return err
	case got != want:
		return fmt.Errorf("%s: found %s; want %s", step, got, want)
	}
	s.say(fmt.Sprintf("%s%s: %s", strings.ToUpper(step[:1]), step[1:], got))
	return nil
}

func (d *delivery) facts(ctx context.Context) (f facts, err error) {
	for _, err := range d.svc.AllInvitations(ctx, invitations.System(), invitations.InvitationsParams{
		Organization: "acme", State: invitations.StatePending,
	}) {
		if err != nil {
			return f, err
		}
		f.invitations++
	}
	for _, err := range d.svc.AllMembers(ctx, invitations.System(), invitations.MembersParams{Organization: "acme"}) {
		if err != nil {
			return f, err
		}
		f.members++
	}
	err = d.pool.QueryRow(ctx, `select count(*) filter (where state in ('available', 'retryable', 'scheduled')),
			count(*) filter (where state = 'running'), count(*) filter (where finalized_at is not null)
		from `+pgx.Identifier{d.JobSchema, "river_job"}.Sanitize()).Scan(&f.waiting, &f.running, &f.done)
	return f, err
}
