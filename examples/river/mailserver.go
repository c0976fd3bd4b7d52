package main

// This file stands for your mail server, and for the authority that issues its certificate. Do
// not copy it into your application.

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"time"

	"github.com/emersion/go-smtp"
)

var errClosed = errors.New("the mail server is closed")

// A mailServer is an SMTP server in this process. It answers a mail when its caller says so.
type mailServer struct {
	host   string
	port   int
	mails  chan *receivedMail
	closed chan struct{}
	smtp   *smtp.Server
}

// A receivedMail is a mail whose sender waits for the answer.
type receivedMail struct {
	from   string
	to     []string
	data   []byte
	answer chan error
}

// accept answers that the server has the mail.
func (m *receivedMail) accept() { m.answer <- nil }

// listen starts a server on a free port of localhost. With a nil certificate it does not offer
// TLS. If wire is not nil, it receives the whole conversation, decrypted.
func listen(certificate *tls.Certificate, wire io.Writer) (*mailServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &mailServer{
		host:   "localhost",
		port:   listener.Addr().(*net.TCPAddr).Port,
		mails:  make(chan *receivedMail),
		closed: make(chan struct{}),
	}
	s.smtp = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{server: s}, nil
	}))
	s.smtp.Domain = s.host
	s.smtp.MaxRecipients, s.smtp.MaxMessageBytes = 1, 1<<20
	s.smtp.ReadTimeout, s.smtp.WriteTimeout = time.Minute, time.Minute
	s.smtp.ErrorLog = log.New(io.Discard, "", 0) // failed TLS handshakes
	s.smtp.Debug = wire
	if certificate != nil {
		s.smtp.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}
	}
	go func() { _ = s.smtp.Serve(listener) }() // until close
	return s, nil
}

// close closes the server. Senders that wait for an answer get an error.
func (s *mailServer) close() {
	close(s.closed)
	_ = s.smtp.Close()
}

// next waits for the next mail.
func (s *mailServer) next(ctx context.Context) (*receivedMail, error) {
	select {
	case mail := <-s.mails:
		return mail, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A session is the conversation with a client.
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
	mail := &receivedMail{s.from, s.to, data, make(chan error, 1)}
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

// An authority issues the certificates of mail servers.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &authority{key, certificate}, err
}

// issue returns a certificate for the name host, valid for the 24 hours before expiry.
func (a *authority) issue(host string, expiry time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2),
		DNSNames:     []string{host},
		NotBefore:    expiry.Add(-24 * time.Hour), NotAfter: expiry,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.certificate, key.Public(), a.key)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// pem returns the certificate of the authority.
func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}
