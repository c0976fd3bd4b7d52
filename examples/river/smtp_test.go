package main

import (
	"context"
	"errors"
	"io"
	"net/textproto"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"
	gomail "github.com/wneessen/go-mail"
)

// The worker sends a mail only to a server that proves its name through TLS. Otherwise it reveals
// nothing of the mail, and the job waits.
func TestClass49_MailServer(t *testing.T) {
	t.Parallel()
	inAnHour := time.Now().Add(time.Hour)
	for name, test := range map[string]struct {
		server func(t *testing.T, h *host, wire *buffer) *mailServer
		change func(*settings)
		cause  string
	}{
		"certificate of an unknown authority": {
			func(t *testing.T, _ *host, wire *buffer) *mailServer {
				stranger, err := newAuthority("A stranger")
				require.NoError(t, err)
				return newServer(t, stranger, "localhost", inAnHour, wire)
			},
			func(*settings) {}, "certificate signed by unknown authority",
		},
		"certificate for another host": {
			func(t *testing.T, h *host, wire *buffer) *mailServer {
				return newServer(t, h.authority, "mail.example.org", inAnHour, wire)
			},
			func(*settings) {}, "certificate is valid for mail.example.org, not localhost",
		},
		"certificate for a name, not an address": {
			func(t *testing.T, h *host, wire *buffer) *mailServer {
				return newServer(t, h.authority, "localhost", inAnHour, wire)
			},
			func(s *settings) { s.SMTP.Host = "127.0.0.1" }, "cannot validate certificate for 127.0.0.1",
		},
		"expired certificate": {
			func(t *testing.T, h *host, wire *buffer) *mailServer {
				return newServer(t, h.authority, "localhost", time.Now().Add(-time.Hour), wire)
			},
			func(*settings) {}, "certificate has expired",
		},
		"certificate not trusted by the system": {
			func(t *testing.T, h *host, wire *buffer) *mailServer {
				return newServer(t, h.authority, "localhost", inAnHour, wire)
			},
			func(s *settings) { s.SMTP.Roots = nil }, "failed to verify certificate",
		},
		"malformed roots": {
			func(t *testing.T, h *host, wire *buffer) *mailServer {
				return newServer(t, h.authority, "localhost", inAnHour, wire)
			},
			func(s *settings) { s.SMTP.Roots = []byte("none") }, "no certificate in the PEM",
		},
		"no TLS": {
			func(t *testing.T, _ *host, wire *buffer) *mailServer {
				server, err := listen(nil, wire)
				require.NoError(t, err)
				t.Cleanup(server.close)
				return server
			},
			func(*settings) {}, "does not support STARTTLS",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			wire := &buffer{}
			server := test.server(t, h, wire)
			h.invited(t, params("bob@example.com"))
			w := h.work(t, func(s *settings) {
				s.SMTP.Port = server.port
				test.change(s)
			})
			var event *river.Event
			select {
			case event = <-w.events:
			case mail := <-server.mails:
				mail.accept()
				require.Fail(t, "the mail went out")
			case <-soon(t).Done():
				require.Fail(t, "nothing happened")
			}
			require.Equal(t, river.EventKindJobFailed, event.Kind)
			require.Contains(t, event.Job.Errors[0].Error, test.cause)
			require.NoError(t, w.jobs.StopAndCancel(soon(t)))
			for _, text := range []string{"MAIL FROM", "RCPT TO", "bob@example.com", "Subject"} {
				require.NotContains(t, wire.String(), text)
			}
			h.requireState(t, state{invitations: 1, members: 1, waiting: 1})
			_, err := h.jobs.JobRetry(t.Context(), event.Job.ID) // without River's delay
			require.NoError(t, err)
			require.Equal(t, "<bob@example.com>", h.sent(t, h.work(t)).to)
		})
	}
}

// The answers of a mail server may quote the mail, so River must not store them.
func TestClass33_AnswersOfTheMailServer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		code     int
		enhanced smtp.EnhancedCode
		want     string
	}{
		"temporary": {451, smtp.EnhancedCode{4, 7, 1}, "sending the mail: closing SMTP DATA writer: answer 451 4.7.1"},
		"permanent": {550, smtp.EnhancedCode{5, 7, 1}, "sending the mail: closing SMTP DATA writer: answer 550 5.7.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			w := h.work(t)
			h.invited(t, params("bob@example.com"))
			mail, first := h.next(t)
			mail.answer <- &smtp.SMTPError{Code: test.code, EnhancedCode: test.enhanced, Message: "no " + first.link() + " " + personal}
			event := h.event(t, w, river.EventKindJobFailed)
			require.Equal(t, test.want, event.Job.Errors[0].Error)
			require.Equal(t, first, h.sent(t, w), "the next attempt sends the same mail")
		})
	}
}

// If the connection breaks after the server has the mail, send returns no error.
func TestSend_ConnectionBreaksAfterwards(t *testing.T) {
	t.Parallel()
	authority, err := newAuthority("Example")
	require.NoError(t, err)
	server := newServer(t, authority, "localhost", time.Now().Add(time.Hour), nil)
	server.smtp.Backend = smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &breaking{session: &session{server: server}, conn: c}, nil
	})
	message := gomail.NewMsg()
	require.NoError(t, message.From(senderAddress))
	require.NoError(t, message.To("bob@example.com"))
	sent := make(chan error, 1)
	go func() {
		sent <- smtpServer{Host: server.host, Port: server.port, Roots: authority.pem()}.send(t.Context(), message)
	}()
	mail, err := server.next(soon(t))
	require.NoError(t, err)
	mail.accept()
	require.NoError(t, <-sent)
}

// A breaking session closes the connection at the first command after a mail.
type breaking struct {
	*session
	conn   *smtp.Conn
	resets int  // after a mail: first the server's own, then the client's
	taken  bool // a mail was received
}

// Data implements [smtp.Session].
func (b *breaking) Data(r io.Reader) error {
	b.taken = true
	return b.session.Data(r)
}

// Reset implements [smtp.Session].
func (b *breaking) Reset() {
	b.session.Reset()
	if b.taken {
		b.resets++
	}
	if b.resets == 2 {
		_ = b.conn.Conn().Close()
	}
}

func TestClass33_WithoutReply(t *testing.T) {
	t.Parallel()
	require.EqualError(t, withoutReply(t.Context(), &textproto.Error{Code: 554, Msg: "inv_secret"}), "answer 554")
	require.EqualError(t, withoutReply(t.Context(), textproto.ProtocolError("inv_secret")), "invalid SMTP answer")
	plain := errors.New("connection refused")
	require.Equal(t, plain, withoutReply(t.Context(), plain))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, context.Canceled, withoutReply(ctx, plain))
}
