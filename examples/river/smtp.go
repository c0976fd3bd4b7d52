package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// smtpTimeout limits connecting, and also sending. Together they are shorter than the job's
// timeout.
const smtpTimeout = 15 * time.Second

// An smtpServer is a mail server that sends mails for the application. If yours needs
// credentials, set them with options of go-mail. It sends them over TLS only.
type smtpServer struct {
	Host  string // must be a name in the server's certificate
	Port  int
	Roots []byte // PEM certificates to trust; empty: those of the system
}

// send sends message. Its errors contain nothing of the message.
//
// The link is a secret, so send uses TLS and verifies the server's certificate. Otherwise an
// attacker on the network could read the link.
func (s smtpServer) send(ctx context.Context, message *gomail.Msg) error {
	roots, err := s.roots()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, err := gomail.NewClient(s.Host,
		gomail.WithPort(s.Port),
		gomail.WithTLSPolicy(gomail.TLSMandatory), // also if the server does not offer TLS
		gomail.WithTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: roots, MinVersion: tls.VersionTLS12}),
		gomail.WithTimeout(smtpTimeout),
		// Close the connection when ctx or this call ends. The package uses ctx only to connect,
		// and leaves a connection open if its TLS handshake failed.
		gomail.WithDialContextFunc(func(dial context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(dial, network, address)
			if err == nil {
				context.AfterFunc(ctx, func() { _ = conn.Close() })
			}
			return conn, err
		}),
	)
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("connecting to the mail server: %w", withoutReply(ctx, err))
	}
	if err := client.Send(message); err != nil && !message.IsDelivered() {
		return fmt.Errorf("sending the mail: %w", withoutReply(ctx, err))
	}
	_ = client.Close() // the server has the mail, so an error is no reason to send it again
	return nil
}

func (s smtpServer) roots() (*x509.CertPool, error) {
	if len(s.Roots) == 0 {
		return nil, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.Roots) {
		return nil, errors.New("no certificate in the PEM")
	}
	return roots, nil
}

// withoutReply returns err without the texts of the mail server, which may quote the mail.
func withoutReply(ctx context.Context, err error) error {
	var failed *gomail.SendError
	var answer *textproto.Error
	var garbled textproto.ProtocolError
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // the cause of err
	case errors.As(err, &failed):
		return fmt.Errorf("%s: answer %d %s", failed.Reason, failed.ErrorCode(), failed.EnhancedStatusCode())
	case errors.As(err, &answer):
		return fmt.Errorf("answer %d", answer.Code)
	case errors.As(err, &garbled):
		return errors.New("invalid SMTP answer")
	}
	return err // a network or TLS error
}
