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

// A worker sends the mails of invitations. River stores and logs the errors that it returns, so
// they must not contain a link, a personal message or a text of the mail server.
type worker struct {
	river.WorkerDefaults[mailJob]
	svc      *invitations.Service
	renderer *mail.Renderer
	smtp     smtpServer
}

// Work implements [river.Worker]. If the process dies after the mail was sent and before the job
// is completed, another worker sends the mail again. Both mails have the same link, which can be
// accepted once.
func (w *worker) Work(ctx context.Context, job *river.Job[mailJob]) error {
	// After a resend, this is the new link. The old one is no longer valid.
	sent, err := w.svc.PendingToken(ctx, invitations.System(), job.Args.Organization, job.Args.InvitationID)
	switch {
	case errors.Is(err, invitations.ErrNotPending), errors.Is(err, invitations.ErrNotFound),
		errors.Is(err, invitations.ErrDomainNotAllowed), errors.Is(err, invitations.ErrLinksNotAllowed):
		return river.JobCancel(err) // the invitation has ended
	case err != nil:
		return err // River tries again, at most until the invitation expires
	}
	message, err := w.compose(sent)
	if err != nil {
		return err
	}
	return w.smtp.send(ctx, message)
}

// compose returns the mail. It sets headers with the functions of go-mail, which encode them.
func (w *worker) compose(sent invitations.SentInvitation) (*gomail.Msg, error) {
	rendered, err := w.renderer.Render(mail.Data{
		Email: sent.Email, Token: sent.Token, ExpiresAt: sent.ExpiresAt, Message: sent.Message,
		// In production, look up names that people know. These are IDs.
		Organization: sent.Organization, Role: string(sent.Role), Inviter: sent.SentBy,
	})
	if err != nil {
		return nil, err // contains none of the data
	}
	message := gomail.NewMsg(
		gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP), gomail.WithNoDefaultUserAgent())
	if err := message.FromFormat(senderName, senderAddress); err != nil {
		return nil, err
	}
	if err := message.To(rendered.To()); err != nil {
		return nil, errors.New("go-mail refused the invited address") // err quotes the address
	}
	message.Subject(rendered.Subject())
	message.SetMessageIDWithValue(messageID(sent.Invitation))
	message.SetBodyString(gomail.TypeTextPlain, rendered.Text())
	message.AddAlternativeString(gomail.TypeTextHTML, rendered.HTML())
	return message, nil
}

// messageID returns the Message-ID of the invitation's present sending. It is the same if the
// mail is sent twice, so that the recipient's mail server can detect the duplicate. A resend has
// another one.
func messageID(inv invitations.Invitation) string {
	sending := uuid.NewSHA1(inv.ID, []byte(inv.SentAt.UTC().Format(time.RFC3339Nano)))
	return sending.String() + "@" + senderDomain
}
