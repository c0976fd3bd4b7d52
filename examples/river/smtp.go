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

// smtpTimeout is for connecting, and again for the mail; both are over before a job's timeout.
const smtpTimeout = 15 * time.Second

// An smtpServer is the mail server that the host hands its mails to. One that wants credentials
// gets them by options of go-mail, which sends them when TLS is established.
type smtpServer struct {
	Host  string // the name that its certificate has to be for
	Port  int
	Roots []byte // the certificates to trust, as PEM; empty: those of the system
}

// send hands message over to the server, or returns an error that holds nothing of the message.
// The link is a secret, so it goes through TLS alone, to a server that proves its name by a
// certificate: otherwise whoever is on the way could read it, and accept first.
func (s smtpServer) send(ctx context.Context, message *gomail.Msg) error {
	roots, err := s.roots()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, err := gomail.NewClient(s.Host,
		gomail.WithPort(s.Port),
		gomail.WithTLSPolicy(gomail.TLSMandatory), // never in clear, whatever the server offers
		gomail.WithTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: roots, MinVersion: tls.VersionTLS12}),
		gomail.WithTimeout(smtpTimeout),
		// The connection ends with ctx and with this call. The package heeds ctx only while it
		// connects, and leaves a connection open whose TLS failed.
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
		return fmt.Errorf("connecting to the mail server: %w", withoutWords(ctx, err))
	}
	if err := client.Send(message); err != nil && !message.IsDelivered() {
		return fmt.Errorf("sending the mail: %w", withoutWords(ctx, err))
	}
	_ = client.Close() // the server has taken the mail: what fails now is no reason to send again
	return nil
}

func (s smtpServer) roots() (*x509.CertPool, error) {
	if len(s.Roots) == 0 {
		return nil, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.Roots) {
		return nil, errors.New("no certificate to trust in the PEM")
	}
	return roots, nil
}

// withoutWords returns err without the words of the mail server, which may quote the mail.
func withoutWords(ctx context.Context, err error) error {
	var failed *gomail.SendError
	var answer *textproto.Error
	var garbled textproto.ProtocolError
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // the reason for all that fails now
	case errors.As(err, &failed):
		return fmt.Errorf("%s: answer %d %s", failed.Reason, failed.ErrorCode(), failed.EnhancedStatusCode())
	case errors.As(err, &answer):
		return fmt.Errorf("answer %d", answer.Code)
	case errors.As(err, &garbled):
		return errors.New("answer that is not SMTP")
	}
	return err // of the network or of TLS
}
