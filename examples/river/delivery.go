package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/mail"
	"github.com/go-invitations/invitations/pgstore"
)

// A mailJob is the order to mail an invitation. It carries ids alone: whoever reads the queue,
// a copy of it, or its logs can open nothing with them.
//
// The jobs are not unique, on purpose. A resend while a worker holds the old link already would
// pass for a duplicate of the job under way, and its link would never go out. Of two jobs for one
// sending, the second mails it again, with the same Message-ID.
type mailJob struct {
	Organization string    `json:"organization"`
	InvitationID uuid.UUID `json:"invitation_id"`
}

// Kind implements [river.JobArgs].
func (mailJob) Kind() string { return "mail_invitation" }

// A setting is what the processes of one host have in common. It holds secrets.
type setting struct {
	Database  string // URL
	Schema    string // of the library
	JobSchema string // of River
	Key       []byte // of the tokens
	SMTP      smtpServer
}

// A delivery invites people and has their mails sent: one in each process of the host.
type delivery struct {
	setting
	pool  *pgxpool.Pool
	store *pgstore.Store
	svc   *invitations.Service
	jobs  *river.Client[pgx.Tx] // works the jobs too once it is started
}

// open returns the delivery of this process. Each adjust can change how River works.
func open(ctx context.Context, s setting, adjust ...func(*river.Config)) (_ *delivery, err error) {
	pool, err := pgxpool.New(ctx, s.Database)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			pool.Close()
		}
	}()
	store, err := pgstore.NewWithConfig(pool, pgstore.Config{Schema: s.Schema})
	if err != nil {
		return nil, err
	}
	keys, err := invitations.NewKeyring(s.Key)
	if err != nil {
		return nil, err
	}
	svc, err := invitations.New(store, keys, invitations.Config{})
	if err != nil {
		return nil, err
	}
	renderer, err := mail.New(mail.Config{BaseURL: "https://app.example.com/invite", Product: "Example"})
	if err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{svc: svc, renderer: renderer, smtp: s.SMTP})
	config := &river.Config{
		Schema:  s.JobSchema,
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 10}},
		Workers: workers,
		// A worker that lives is done well before its job passes for one of a dead worker.
		JobTimeout:           time.Minute,
		RescueStuckJobsAfter: 5 * time.Minute,
		Logger:               slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	for _, f := range adjust {
		f(config)
	}
	jobs, err := river.NewClient(riverpgxv5.New(pool), config)
	if err != nil {
		return nil, err
	}
	return &delivery{setting: s, pool: pool, store: store, svc: svc, jobs: jobs}, nil
}

// close stops working, if it was started, and gives the connections back.
func (d *delivery) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = d.jobs.StopAndCancel(ctx) // what it cancels is sent by the next worker
	d.pool.Close()
}

// migrate makes the tables of the library and of River.
func (d *delivery) migrate(ctx context.Context) error {
	if err := d.store.Migrate(ctx); err != nil {
		return err
	}
	if _, err := d.pool.Exec(ctx, "create schema "+pgx.Identifier{d.JobSchema}.Sanitize()); err != nil {
		return err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(d.pool), &rivermigrate.Config{Schema: d.JobSchema})
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// invite invites somebody and orders the mail in the transaction tx of the host's, so that both
// commit together or not at all. The token stays here: the worker asks for it again. If p has an
// ID, the whole transaction can be run again after a commit whose answer was lost, and orders no
// second mail.
func (d *delivery) invite(ctx context.Context, tx pgx.Tx, actor invitations.Actor, p invitations.InviteParams) (invitations.Invitation, error) {
	sent, err := d.svc.WithStore(d.store.WithTx(tx)).Invite(ctx, actor, p)
	if err != nil || sent.Repeated { // whose job was committed with the first call
		return sent.Invitation, err
	}
	return sent.Invitation, d.order(ctx, tx, sent.Invitation)
}

// resend is as invite, for an invitation that exists.
func (d *delivery) resend(ctx context.Context, tx pgx.Tx, actor invitations.Actor, p invitations.ResendParams) (invitations.Invitation, error) {
	sent, err := d.svc.WithStore(d.store.WithTx(tx)).Resend(ctx, actor, p)
	if err != nil {
		return invitations.Invitation{}, err
	}
	return sent.Invitation, d.order(ctx, tx, sent.Invitation)
}

func (d *delivery) order(ctx context.Context, tx pgx.Tx, inv invitations.Invitation) error {
	_, err := d.jobs.InsertTx(ctx, tx, mailJob{Organization: inv.Organization, InvitationID: inv.ID}, nil)
	return err
}
