// Package mail renders the mail that invites somebody, or reminds them: its subject, its text
// and its HTML, from data. It sends nothing and knows no SMTP; any mail package takes what it
// returns.
//
//	renderer, err := mail.New(mail.Config{
//		BaseURL: "https://app.example.com/invite", Product: "Example",
//	})
//	message, err := renderer.Render(mail.Data{
//		Email: sent.Email, Token: sent.Token, Organization: "Acme", Role: "Developer",
//		Inviter: "Ada Lovelace", Message: sent.Message, ExpiresAt: sent.ExpiresAt,
//	})
//	send(message.To(), message.Subject(), message.Text(), message.HTML())
//
// # The link
//
// The link is BaseURL, a slash and the token. The address comes from configuration alone, so no
// request can redirect it. The token is an element of the path: a server reads it without
// JavaScript, routers log the pattern of a path, and no redirect or quoted-printable text
// mangles it as they do a query. It still is in the page's address: serve the page with
// "Referrer-Policy: no-referrer", log no paths, and let GET change nothing, because scanners
// follow the links in mails.
//
// # Texts of users
//
// The recipient reads everything in the mail as the product's word, so nothing that a user wrote
// may look like it:
//
//   - The address is refused unless it is one, in the form of [invitations.CanonicalEmail].
//   - Names (organization, inviter, role) become one line of at most 80 characters, cut with an
//     ellipsis, from what is in the first 4096 bytes. Control characters and every kind of white
//     space become a single space; what is invisible, private to a font or turns the direction of
//     the text is dropped, joiners of emoji included, and so are combining marks that begin the
//     name or are more than four on a character. Quotation marks become apostrophes, so that a
//     name cannot leave the quotation marks around it. What mail programs would make a link of is
//     broken up visibly: evil.example becomes evil·example, an at sign and a backslash stand
//     between spaces, and after a colon comes a space. A dot before a single capital stays: J.R.R.
//     Tolkien. Telephone numbers stay too.
//   - The personal message stays as it is but for what turns the direction of the text, tag
//     characters, and what is invisible or combining after four such in a row, all of which are
//     dropped; surplus empty lines; and line separators, which become line breaks. It is marked as
//     the inviter's: every line begins with "> " in the text part. This package makes no link of
//     anything in it; a mail program may.
//   - The subject is one line of at most 200 characters, whatever the template does. No field can
//     bring a line break or an encoded word (RFC 2047) into it.
//   - Nothing of a user is ever parsed as a template. The HTML escapes it; the text is neither
//     escaped nor unescaped.
//
// # What the host does
//
// Send to [Message.To] and nobody else. Set headers with the functions of a mail package, which
// encode the subject (RFC 2047), and send both parts as UTF-8 in quoted-printable or base64: lines
// end in "\n" and can be longer than SMTP allows. The message is a secret, because it holds the
// link: a queue keeps the invitation's id, and the worker asks [invitations.Service.PendingToken] and
// renders when it sends.
package mail

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-invitations/invitations"
)

// Config is what a [Renderer] is made of.
type Config struct {
	// BaseURL is the address under which the host's page for invitations is, without the token,
	// such as "https://app.example.com/invite": absolute, of plain ASCII, at most 500 bytes,
	// without user info, query and fragment. Its scheme is https; for development http, if the
	// host is localhost or a loopback address.
	BaseURL string
	// Product is the name of the host's product: one line of at most 80 characters.
	Product string
	// Language is of the templates for everybody who has none in theirs; "" is "en".
	Language string
	// Templates, if any, are by language, a tag such as "de" or "de-CH". Those for "en" replace
	// the ones that are built in.
	Templates map[string]Templates
}

// A Renderer renders messages. It is immutable and safe for concurrent use.
type Renderer struct {
	base     string // ends in a slash
	product  string
	fallback string
	sets     map[string]*set // by tag in lower case
}

// New returns a Renderer. It parses every template and tries it on samples of all kinds, so that
// a broken one, or one without the link, is found now and not when somebody is invited. The error
// is an [invitations.InvalidError] for base_url, product, language or templates; it wraps the
// template's own, if there is one.
func New(config Config) (*Renderer, error) {
	switch reason := checkBase(config.BaseURL); {
	case reason != "":
		return nil, invalid("base_url", reason)
	case config.Product == "":
		return nil, invalid("product", "is empty")
	case config.Product != line(config.Product):
		return nil, invalid("product", "is not one line of visible characters")
	case utf8.RuneCountInString(config.Product) > maxName:
		return nil, invalid("product", "has more than 80 characters")
	}
	r := &Renderer{
		base:     strings.TrimSuffix(config.BaseURL, "/") + "/",
		product:  config.Product,
		fallback: canonicalTag(cmp.Or(config.Language, "en")),
		sets:     map[string]*set{},
	}
	templates := map[string]Templates{"en": English()}
	maps.Copy(templates, config.Templates)
	for _, tag := range slices.Sorted(maps.Keys(templates)) {
		if err := r.add(tag, templates[tag]); err != nil {
			return nil, err
		}
	}
	if r.sets[r.fallback] == nil {
		return nil, invalid("language", "has no templates")
	}
	return r, nil
}

// checkBase returns why raw is no base URL, or "". All characters of one mean themselves in text,
// in HTML and in an attribute, so that the link looks the same everywhere.
func checkBase(raw string) (reason string) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return "is empty"
	case len(raw) > 500:
		return "has more than 500 bytes"
	case err != nil:
		return "is not a URL" // the cause would quote it
	case u.Scheme != "https" && u.Scheme != "http":
		return "is not an absolute https URL"
	case u.User != nil:
		return "has user info"
	case u.Hostname() == "":
		return "has no host"
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return "is http on a host that is not loopback"
	case strings.Contains(raw, "#"):
		return "has a fragment"
	case strings.Contains(raw, "?"):
		return "has a query"
	case strings.Trim(u.Host, letters+".-:[]") != "":
		return "has a host with a character that is neither a letter, a digit, nor one of .-:[]"
	case strings.Trim(raw, letters+"-._~/:[]%") != "":
		return "has a character that is neither a letter, a digit, nor one of -._~/:[]%"
	}
	return ""
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Data is what one message is rendered from.
type Data struct {
	Email        string            // the invited address, canonical as in an invitation
	Token        invitations.Token // of the present sending
	Organization string            // its name, as people read it
	Role         string            // what the role is called, as people read it
	ExpiresAt    time.Time         // shown in UTC

	Inviter  string // optional: the name of who sent the invitation
	Message  string // optional: the personal message, as in an invitation
	Reminder bool   // whether this reminds of an invitation that was sent before
	// Language, optional, is the recipient's, a tag such as "de-CH". Templates are looked for under
	// de-CH, then under de, then under the language of [Config]; what is no tag has none.
	Language string
}

// Render renders the message of d. What it refuses with an [invitations.InvalidError] are an
// email that is not canonical, a token or expires_at that is missing, an organization or role
// without a visible character, and a message that no invitation can have. Any other error is of
// a template that fails on this data. No error contains anything of the data.
func (r *Renderer) Render(d Data) (Message, error) {
	email, err := invitations.CanonicalEmail(d.Email)
	if err != nil {
		return Message{}, err
	}
	quoted, err := quotation(d.Message)
	if err != nil {
		return Message{}, err
	}
	f := fields{
		Product: r.product, Reminder: d.Reminder, Email: readable(email),
		Organization: name(d.Organization), Role: name(d.Role), Inviter: name(d.Inviter),
		Message: quoted, ExpiresAt: d.ExpiresAt.UTC(),
		Link: r.base + d.Token.Reveal(),
	}
	switch {
	case email != d.Email:
		return Message{}, invalid("email", "is not in canonical form")
	case d.Token.IsZero():
		return Message{}, invalid("token", "is missing")
	case d.ExpiresAt.IsZero():
		return Message{}, invalid("expires_at", "is missing")
	case f.Organization == "":
		return Message{}, invalid("organization", "has no visible character")
	case f.Role == "":
		return Message{}, invalid("role", "has no visible character")
	}
	templates := r.find(d.Language)
	rendered, err := templates.render(f)
	if err != nil {
		// A template that New has tried fails only by what is in the data. The cause may quote
		// it, and errors end up in logs and queues.
		return Message{}, errors.New("invitations: rendering a mail: a template of " + templates.tag + " fails on this data")
	}
	rendered.to = email
	return Message{&rendered}, nil
}

// A Message is a rendered mail. It holds the link, so it formats, marshals and logs as
// "[redacted]"; its methods are the one way to what it says. The zero Message says nothing.
type Message struct {
	// Two pointers deep, as in an [invitations.Token]: fmt asks no method of what is in a host's
	// unexported field, and with a verb that does not fit it follows one pointer.
	parts **parts
}

type parts struct{ to, subject, text, html string }

const redacted = "[redacted]"

func (m Message) read() parts {
	if m.parts == nil {
		return parts{}
	}
	return **m.parts
}

// To returns the one address to send to.
func (m Message) To() string { return m.read().to }

// Subject returns the subject: one line of UTF-8 that is not encoded yet. It holds no secret.
func (m Message) Subject() string { return m.read().subject }

// Text returns the plain text, with the link.
func (m Message) Text() string { return m.read().text }

// HTML returns the HTML document, with the link.
func (m Message) HTML() string { return m.read().html }

// String returns "[redacted]".
func (m Message) String() string { return redacted }

// Format writes "[redacted]" for every verb.
func (m Message) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]".
func (m Message) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]".
func (m Message) LogValue() slog.Value { return slog.StringValue(redacted) }

var (
	_ fmt.Formatter  = Message{}
	_ slog.LogValuer = Message{}
)

func invalid(field, reason string) error {
	return &invitations.InvalidError{Field: field, Reason: reason}
}
