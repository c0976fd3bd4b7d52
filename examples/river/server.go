package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"time"

	"github.com/emersion/go-smtp"
)

// errClosed is what a mail server returns that is closed.
var errClosed = errors.New("the mail server is closed")

// A mailServer is an SMTP server in this process, so that the example needs none. It takes a mail
// only when it is told to.
type mailServer struct {
	host   string
	port   int
	mails  chan *delivered
	closed chan struct{}
	smtp   *smtp.Server
}

// A delivered is a mail whose sender waits for the answer.
type delivered struct {
	from   string
	to     []string
	data   []byte
	answer chan error
}

// accept takes the mail.
func (d *delivered) accept() { d.answer <- nil }

// refuse answers with err.
func (d *delivered) refuse(err *smtp.SMTPError) { d.answer <- err }

// listen starts a server on a free port of localhost that shows certificate, or, with nil, has no
// TLS. If wire is not nil, it gets all that is said in clear, and what TLS protected too.
func listen(certificate *tls.Certificate, wire io.Writer) (*mailServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &mailServer{
		host:   "localhost",
		port:   listener.Addr().(*net.TCPAddr).Port,
		mails:  make(chan *delivered),
		closed: make(chan struct{}),
	}
	s.smtp = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{server: s}, nil
	}))
	s.smtp.Domain = s.host
	s.smtp.MaxRecipients, s.smtp.MaxMessageBytes = 1, 1<<20
	s.smtp.ReadTimeout, s.smtp.WriteTimeout = time.Minute, time.Minute
	s.smtp.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are refused
	s.smtp.Debug = wire
	if certificate != nil {
		s.smtp.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}
	}
	go func() { _ = s.smtp.Serve(listener) }() // until close
	return s, nil
}

// close ends the server. Mails that wait for an answer get none.
func (s *mailServer) close() {
	close(s.closed)
	_ = s.smtp.Close()
}

// next waits for the next mail.
func (s *mailServer) next(ctx context.Context) (*delivered, error) {
	select {
	case mail := <-s.mails:
		return mail, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A session is a client's conversation with a mailServer.
type session struct {
	server *mailServer
	from   string
	to     []string
}

// Mail implements [smtp.Session].
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Rcpt implements [smtp.Session].
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data implements [smtp.Session].
func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	mail := &delivered{s.from, s.to, data, make(chan error, 1)}
	select {
	case s.server.mails <- mail:
	case <-s.server.closed:
		return errClosed
	}
	select {
	case err := <-mail.answer:
		return err
	case <-s.server.closed:
		return errClosed
	}
}

// Reset implements [smtp.Session].
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout implements [smtp.Session].
func (s *session) Logout() error { return nil }
