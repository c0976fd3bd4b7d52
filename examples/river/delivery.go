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

// A mailJob asks a worker to mail an invitation. It has IDs only, so the tables, copies and logs of
// the queue contain no secret.
//
// Do not make the jobs unique. A resend during a running job would count as its duplicate, and
// the new link would never be mailed. If two jobs send the same link, both mails have the same
// Message-ID.
type mailJob struct {
	Organization string    `json:"organization"`
	InvitationID uuid.UUID `json:"invitation_id"`
}

// Kind implements [river.JobArgs].
func (mailJob) Kind() string { return "mail_invitation" }

// Settings are the same in all processes of the application. They contain secrets.
type settings struct {
	Database  string // URL
	Schema    string // of the library's tables
	JobSchema string // of River's tables
	Key       []byte // signs the tokens
	SMTP      smtpServer
}

// A delivery invites people and mails their invitations. Each process has one.
type delivery struct {
	settings
	pool  *pgxpool.Pool
	store *pgstore.Store
	svc   *invitations.Service
	jobs  *river.Client[pgx.Tx] // sends mails after its Start
}

// open returns a delivery. Each adjust function can change the configuration of River.
func open(ctx context.Context, s settings, adjust ...func(*river.Config)) (_ *delivery, err error) {
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
		// River gives the job of a dead worker to another one. The timeout is shorter, so that
		// River does not take the job of a slow worker.
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
	return &delivery{settings: s, pool: pool, store: store, svc: svc, jobs: jobs}, nil
}

// stop stops the worker, if it was started. Another worker takes the jobs that stop interrupts.
func (d *delivery) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = d.jobs.StopAndCancel(ctx) // an error means that a job did not end in time
}

// close stops the worker and closes the connections.
func (d *delivery) close() {
	d.stop()
	d.pool.Close()
}

// migrate creates the tables of the library and of River.
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

// invite invites a person and inserts the job to mail the invitation, both in tx. If the answer
// to the commit is lost, repeat the transaction with the same p.ID. It then inserts no second
// job.
func (d *delivery) invite(
	ctx context.Context, tx pgx.Tx, actor invitations.Actor, p invitations.InviteParams,
) (invitations.Invitation, error) {
	sent, err := d.svc.WithStore(d.store.WithTx(tx)).Invite(ctx, actor, p)
	if err != nil || sent.Repeated {
		return sent.Invitation, err
	}
	return sent.Invitation, d.enqueue(ctx, tx, sent.Invitation)
}

// resend resends an invitation and inserts the job to mail it, both in tx.
func (d *delivery) resend(
	ctx context.Context, tx pgx.Tx, actor invitations.Actor, p invitations.ResendParams,
) (invitations.Invitation, error) {
	sent, err := d.svc.WithStore(d.store.WithTx(tx)).Resend(ctx, actor, p)
	if err != nil {
		return invitations.Invitation{}, err
	}
	return sent.Invitation, d.enqueue(ctx, tx, sent.Invitation)
}

// enqueue inserts a job without the token. The worker asks for the token when it sends the mail.
func (d *delivery) enqueue(ctx context.Context, tx pgx.Tx, inv invitations.Invitation) error {
	_, err := d.jobs.InsertTx(ctx, tx, mailJob{Organization: inv.Organization, InvitationID: inv.ID}, nil)
	return err
}
