package main

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	gomail "github.com/wneessen/go-mail"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/mail"
)

const (
	senderName    = "Example"
	senderAddress = "invitations@example.com"
	senderDomain  = "example.com"
)

// A worker sends the mails of invitations. River keeps and logs the errors that it returns, so
// none of them holds a link, a personal message, or anything that a mail server says.
type worker struct {
	river.WorkerDefaults[mailJob]
	svc      *invitations.Service
	renderer *mail.Renderer
	smtp     smtpServer
}

// Work implements [river.Worker]. Between the mail's being sent and the job's being completed
// anything can happen to the process, and then the mail is sent again: at least once is what a
// queue can promise. Two mails do no harm, for both have the same link, and it is accepted once.
func (w *worker) Work(ctx context.Context, job *river.Job[mailJob]) error {
	// As it is now: after a resend, the link of the job's first sending is dead.
	sent, err := w.svc.PendingToken(ctx, invitations.System(), job.Args.Organization, job.Args.InvitationID)
	switch {
	case errors.Is(err, invitations.ErrNotPending), errors.Is(err, invitations.ErrNotFound):
		return river.JobCancel(err) // it has ended meanwhile: there is nothing to send any more
	case err != nil:
		return err // and try again; it goes on until the invitation expires, at the latest
	}
	message, err := w.compose(sent)
	if err != nil {
		return err
	}
	return w.smtp.send(ctx, message)
}

// compose returns the mail. Headers are set by functions that encode them.
func (w *worker) compose(sent invitations.SentInvitation) (*gomail.Msg, error) {
	rendered, err := w.renderer.Render(mail.Data{
		Email: sent.Email, Token: sent.Token, ExpiresAt: sent.ExpiresAt, Message: sent.Message,
		// Look up the names that people know; here they are the ids.
		Organization: sent.Organization, Role: string(sent.Role), Inviter: sent.SentBy,
	})
	if err != nil {
		return nil, err // which quotes nothing
	}
	message := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP), gomail.WithNoDefaultUserAgent())
	if err := message.FromFormat(senderName, senderAddress); err != nil {
		return nil, err
	}
	if err := message.To(rendered.To()); err != nil {
		return nil, errors.New("the invited address is none that a mail can have")
	}
	message.Subject(rendered.Subject())
	message.SetMessageIDWithValue(messageID(sent.Invitation))
	message.SetBodyString(gomail.TypeTextPlain, rendered.Text())
	message.AddAlternativeString(gomail.TypeTextHTML, rendered.HTML())
	return message, nil
}

// messageID returns the Message-ID of the invitation's present sending. It is the same whenever
// that is mailed, so that the recipient's side can tell a repeat, and another one after a resend.
// It is no secret, and short enough to stay on one line.
func messageID(inv invitations.Invitation) string {
	sending := uuid.NewSHA1(inv.ID, []byte(inv.SentAt.UTC().Format(time.RFC3339Nano)))
	return sending.String() + "@" + senderDomain
}
