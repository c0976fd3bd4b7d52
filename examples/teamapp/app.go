package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/mail"
)

// product is the name of the product in pages and mail.
const product = "Teamy"

// options configure an app.
type options struct {
	baseURL  string // the address of the app in links, without a slash at the end
	database string // a file or a PostgreSQL URL
	smtp     string // the URL of a mail server; empty: mail is only shown in the outbox
	from     string
	now      func() time.Time
	log      *slog.Logger
}

// An app is the product: the library, and the host around it.
type app struct {
	options
	db         *database
	svc        *invitations.Service
	sessions   *scs.SessionManager
	passwords  passwords
	mails      *mail.Renderer
	deliver    deliverer // nil: mail is only shown in the outbox
	secret     []byte    // signs the codes that verify addresses
	wake       chan struct{}
	limits     clientLimits // of passwords and tokens
	pageLimits clientLimits // of pages with a token
	badKeys    clientLimits // of API keys: a program with an old one must not keep people from signing in
}

// newApp opens the database, creates what is missing in it, and returns the app on it.
func newApp(ctx context.Context, o options) (*app, error) {
	o.baseURL = strings.TrimSuffix(o.baseURL, "/")
	base, err := url.Parse(o.baseURL)
	if err != nil {
		return nil, err
	}
	a := &app{options: o, passwords: newPasswords(), wake: make(chan struct{}, 1), limits: newClientLimits(o.now), pageLimits: newClientLimits(o.now), badKeys: newClientLimits(o.now)}
	if a.mails, err = mail.New(mail.Config{BaseURL: o.baseURL + "/invite", Product: product}); err != nil {
		return nil, err
	}
	if a.deliver, err = newDeliverer(o.smtp, o.from); err != nil {
		return nil, err
	}
	if host := base.Hostname(); a.deliver == nil && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return nil, errors.New("-url is not of this machine, so -smtp must be set: the outbox shows all mail to everybody")
	}
	if a.db, err = openDatabase(ctx, o.database); err != nil {
		return nil, err
	}
	if err := a.open(ctx, base.Scheme == "https"); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// open makes the parts that need the database.
func (a *app) open(ctx context.Context, https bool) error {
	var err error
	if a.secret, err = a.db.secret(ctx); err != nil {
		return err
	}
	keys, err := invitations.NewKeyring(a.secret)
	if err != nil {
		return err
	}
	a.svc, err = invitations.New(a.db.store, keys, invitations.Config{
		Clock: a.now, MemberLimit: 25, ReserveSeats: true, RemindBefore: 2 * 24 * time.Hour,
		SendsPerRecipient: 5, // fewer than mailsADay, so that one team cannot use up the mail of an address
	})
	a.sessions = newSessions(a.db, https)
	a.sessions.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		a.logFailure(r, err)
		http.Error(w, "Something went wrong", http.StatusInternalServerError)
	}
	return err
}

func (a *app) close() {
	if err := a.db.Close(); err != nil {
		a.log.Error("closing the database", "error", err)
	}
}
