package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	gomail "github.com/wneessen/go-mail"
)

// A deliverer hands a message to a mail server.
type deliverer func(context.Context, message) error

// newDeliverer returns the deliverer for the URL of a mail server, or nil for no URL. TLS is
// required, except on a server of this machine.
func newDeliverer(server, from string) (deliverer, error) {
	if server == "" {
		return nil, nil
	}
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "smtp" || u.Hostname() == "" {
		return nil, fmt.Errorf("-smtp must be a URL such as smtp://user:password@host:587")
	}
	settings := []gomail.Option{gomail.WithTLSPortPolicy(gomail.TLSMandatory)}
	if host := u.Hostname(); host == "localhost" || host == "127.0.0.1" {
		settings = []gomail.Option{gomail.WithTLSPortPolicy(gomail.TLSOpportunistic)}
	}
	if u.Port() != "" {
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			return nil, err
		}
		settings = append(settings, gomail.WithPort(port))
	}
	if u.User != nil {
		password, _ := u.User.Password()
		settings = append(settings, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	client, err := gomail.NewClient(u.Hostname(), settings...)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, m message) error {
		mail := gomail.NewMsg()
		if err := mail.From(from); err != nil {
			return err
		}
		if err := mail.To(m.To); err != nil {
			return err
		}
		mail.Subject(m.Subject)
		mail.SetGenHeader("Auto-Submitted", "auto-generated")
		mail.SetBodyString(gomail.TypeTextPlain, m.Text)
		if m.HTML != "" {
			mail.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
		}
		return client.DialAndSendWithContext(ctx, mail)
	}, nil
}
