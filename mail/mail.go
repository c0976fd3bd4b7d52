// Package mail renders the emails that invite and remind people: subject, plain text and HTML.
// It does not send them. Any mail package can send the result.
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
// # Sending
//
// The host must send each message to [Message.To] and to no other address. It must set headers
// with functions that encode the subject (RFC 2047). Both parts are UTF-8 and must be sent as
// quoted-printable or base64, because lines end in "\n" and can be longer than SMTP allows.
//
// A message contains the link, so it is a secret. A queue should hold only the IDs of the
// organization and the invitation. The worker should get the token from
// [invitations.Service.PendingToken] and render when it sends.
//
// # Links
//
// The link is BaseURL, a slash and the token. BaseURL comes only from the configuration, so no
// request can redirect the link.
//
// The token is a path element. Servers read it without JavaScript, and routers log the pattern
// of a path. Redirects and quoted-printable text can damage a query, but not a path.
//
// If BaseURL has a fragment, the token is in it. A browser does not send the fragment, so the page
// must read the token with JavaScript.
//
// If BaseURL has the scheme of an app, the link works only where the app is installed, and some
// mail programs remove such links. Another app can claim the same scheme and receive the token. An
// https link that the operating system hands to the app has neither fault, and should be preferred.
//
// The address of the page behind the link contains the token. Therefore:
//
//   - The page must be served with "Referrer-Policy: no-referrer".
//   - Its path must not be logged.
//   - A GET must not change anything, because mail scanners follow links.
//
// # Dates
//
// The expiry is shown in the Location of [Data], or in UTC, and in the language of the templates.
// The built-in templates name UTC or the offset from it. Other templates should have a FormatTime.
//
// # Languages
//
// Templates for English, German, French, Spanish, Portuguese (Brazil) and Arabic are built in.
// The Language of [Data] chooses them: "de-CH" uses those for "de" unless the host has some for
// "de-CH". A host that writes to everybody in one language must leave it empty. In every language
// a name stands between quotation marks, also in the subject.
//
// # Text from users
//
// Recipients read an email as the product's own words. Text from users must not pass for them:
//
//   - Email is refused unless it is in the form of [invitations.CanonicalEmail].
//   - Organization, Inviter and Role are names. A name becomes one line of at most 80 characters,
//     cut with an ellipsis. Only its first 4096 bytes are read.
//   - In a name, control characters and white space become single spaces. Invisible characters,
//     private-use characters and controls of the text direction are dropped, apart from joiners.
//     At most four combining marks stay on a character, and none at the start of a name.
//   - The joiners U+200C and U+200D stay where RFC 5892 (A.1 and A.2) allows them, because words of
//     Persian, Hindi and other languages need them there. U+200D also stays between two emoji.
//     Elsewhere they are dropped. This also holds for Message and the subject.
//   - A name that is written from right to left does not change the order of the text around it: it
//     stands between isolates in the text part, and in <bdi> in the built-in HTML. A subject has no
//     isolates, because filters distrust them there.
//   - Quotation marks in a name become apostrophes, so a name cannot close the quotation marks
//     that a template puts around it.
//   - Parts of a name that mail programs turn into links are broken up visibly: evil.example
//     becomes evil·example, an at sign and a backslash get spaces around them, and a colon gets a
//     space after it. A dot before a single capital stays, as in J.R.R. Tolkien. Telephone numbers
//     stay too.
//   - Message keeps its other characters, except for controls of the text direction and tag
//     characters. Of invisible or combining characters in a row, the first four stay. Of empty
//     lines in a row, one stays. Line separators become line breaks. A message has at most 12
//     lines, so that the button stays in sight: the words of further lines follow on the twelfth.
//   - The built-in text templates begin every line of the message with "> ". This package makes
//     no links in the message, but a mail program may.
//   - The subject is one line of at most 240 characters, even if the template has more. No field
//     can bring a line break or an encoded word (RFC 2047) into it.
//   - Text from users is never parsed as a template. The HTML part escapes it. The text part
//     neither escapes nor unescapes it.
//
// # Errors
//
// [New] and [Renderer.Render] refuse invalid arguments with an [invitations.InvalidError]. Errors
// of Render contain no part of its [Data].
package mail

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-invitations/invitations"
)

const defaultLanguage = "en"

// Config configures a [Renderer]. BaseURL and Product are required.
type Config struct {
	// BaseURL is the address of the host's invitation page without the token, such as
	// "https://app.example.com/invite". One slash at the end makes no difference. BaseURL must be
	// an absolute https URL of at most 500 bytes, without user info or query. The host must consist
	// of ASCII letters, digits and ".-:[]"; the rest may also contain "_~/%". For development,
	// localhost and loopback addresses may use http.
	//
	// A product that routes after "#" can have a fragment that begins with "/" or "!/", such as
	// "https://app.example.com/#/invite". A product that opens an app can have the scheme AppScheme
	// instead of https, such as "teamy://invite".
	BaseURL string
	// AppScheme is the scheme of the host's app, such as "teamy". It allows BaseURL to have this
	// scheme. It must be a lower-case letter and then lower-case ASCII letters, digits, "." and
	// "-", at most 64 bytes. It must not be a scheme that browsers, mail programs or operating
	// systems act on, such as javascript, data or file. The default allows no scheme of an app.
	AppScheme string
	// Product is the name of the host's product. It must be one line of 1 to 80 visible
	// characters; single spaces and needed joiners between them are allowed.
	Product string
	// Language is the tag of the templates for recipients without templates in their own
	// language. It must be a tag of [BuiltIn] or of Templates. The default is "en".
	Language string
	// Templates holds templates by language tag, such as "nl" or "de-CH". They are added to those
	// of [BuiltIn] and replace those with the same tag. A tag must have at most 35 bytes: 2 to 8
	// letters, then groups of 1 to 8 letters or digits, each after a hyphen. Tags must not differ
	// only in case.
	Templates map[string]Templates
}

// A Renderer renders messages. It is immutable and safe for concurrent use.
type Renderer struct {
	base     string // with a slash at the end
	isApp    bool   // base has the scheme of an app
	product  string
	fallback string          // a key of sets
	sets     map[string]*set // by canonical tag
}

// New returns a Renderer. It parses all templates and executes them with sample data for every
// combination of the optional fields. A broken template, or one without the link, is therefore
// found now and not when somebody is invited.
//
// New refuses an invalid config with an [invitations.InvalidError] for the field app_scheme,
// base_url, product, language or templates. If a template does not parse or execute, the error
// also wraps the error of the template package.
func New(config Config) (*Renderer, error) {
	if err := checkAppScheme(config.AppScheme); err != nil {
		return nil, err
	}
	if err := checkBaseURL(config.BaseURL, config.AppScheme); err != nil {
		return nil, err
	}
	if err := checkProduct(config.Product); err != nil {
		return nil, err
	}
	r := &Renderer{
		base:     strings.TrimSuffix(config.BaseURL, "/") + "/",
		isApp:    opensApp(config.BaseURL, config.AppScheme),
		product:  config.Product,
		fallback: canonicalTag(cmp.Or(config.Language, defaultLanguage)),
		sets:     map[string]*set{},
	}
	for _, tag := range slices.Sorted(maps.Keys(config.Templates)) { // sorted, so that errors do not vary
		if err := r.add(tag, config.Templates[tag]); err != nil {
			return nil, err
		}
	}
	for tag, templates := range BuiltIn() {
		if r.sets[tag] != nil {
			continue // the host has replaced them
		}
		if err := r.add(tag, templates); err != nil {
			return nil, err
		}
	}
	if r.sets[r.fallback] == nil {
		return nil, invalid("language", "unknown_value", "must have templates")
	}
	return r, nil
}

func checkProduct(product string) error {
	switch {
	case product == "":
		return invalid("product", "required", "must not be empty")
	case product != line(product):
		return invalid("product", "unusable_text", "must be one line of visible characters")
	case utf8.RuneCountInString(product) > maxName:
		return invalid("product", "too_long", "must have at most 80 characters", "max", "80", "unit", "characters")
	}
	return nil
}

// Data is the content of one message. Location, Inviter, Message, Reminder and Language are
// optional.
type Data struct {
	// Email is the invited address in canonical form, as in the invitation.
	Email string
	// Token is the token of the invitation's latest sending. It must not be zero.
	Token invitations.Token
	// Organization is the organization's name as people know it. It must contain a visible
	// character.
	Organization string
	// Role is the role's name as people know it. It must contain a visible character.
	Role string
	// ExpiresAt is the invitation's expiry. It must not be zero.
	ExpiresAt time.Time

	// Location is the recipient's time zone, in which templates show ExpiresAt. The default is UTC.
	Location *time.Location
	// Inviter is the name of the invitation's sender.
	Inviter string
	// Message is the personal message of the invitation: at most 500 characters of valid UTF-8,
	// without control characters other than newline. It is shown in at most 12 lines, apart from
	// wrapping. The words of further lines follow on the last one.
	Message string
	// Reminder marks the message as a reminder of an invitation that was sent before.
	Reminder bool
	// Language is the tag of the recipient's language, such as "de-CH". Render uses the templates
	// for de-CH, else those for de, else those for the Language of [Config]. A text that is not
	// a tag counts as a language without templates.
	Language string
}

// Render renders the message for d.
//
// Render refuses invalid data with an [invitations.InvalidError] for the field email, token,
// expires_at, organization, role or message. The bounds are those of [Data]. Any other error
// means that a template failed on this data. No error contains any part of d.
func (r *Renderer) Render(d Data) (Message, error) {
	f, err := r.fields(d)
	if err != nil {
		return Message{}, err
	}
	templates := r.find(d.Language)
	rendered, err := templates.render(f)
	if err != nil {
		// The cause may quote the data, and errors end up in logs and queues. Without it the error
		// still helps: New executed every template, so only the data can be the reason.
		const format = "invitations: rendering mail: a template for %s failed on this data"
		return Message{}, fmt.Errorf(format, templates.tag)
	}
	rendered.to = d.Email
	return Message{parts: &rendered}, nil
}

// fields checks d and returns the fields that templates see, apart from those of their language.
func (r *Renderer) fields(d Data) (fields, error) {
	email, err := invitations.CanonicalEmail(d.Email)
	if err != nil {
		return fields{}, err
	}
	message, err := messageLines(d.Message)
	if err != nil {
		return fields{}, err
	}
	organization, role := name(d.Organization), name(d.Role)
	switch {
	case email != d.Email:
		return fields{}, invalid("email", "not_canonical", "must be in canonical form")
	case d.Token.IsZero():
		return fields{}, invalid("token", "required", "must not be zero")
	case d.ExpiresAt.IsZero():
		return fields{}, invalid("expires_at", "required", "must not be zero")
	case organization == "":
		return fields{}, invalid("organization", "unusable_text", "must contain a visible character")
	case role == "":
		return fields{}, invalid("role", "unusable_text", "must contain a visible character")
	}
	return fields{
		Product:      r.product,
		Reminder:     d.Reminder,
		Organization: organization,
		Role:         role,
		Inviter:      name(d.Inviter),
		Message:      message,
		ExpiresAt:    inLocation(d.ExpiresAt, d.Location),
		Email:        shownEmail(email),
		Link:         r.base + d.Token.Reveal(),
		isApp:        r.isApp,
	}, nil
}

// invalid returns an InvalidError. The values are pairs of a name and a text.
func invalid(field, code, reason string, values ...string) error {
	e := &invitations.InvalidError{Field: field, Reason: reason, Code: code}
	for pair := range slices.Chunk(values, 2) {
		if e.Values == nil {
			e.Values = map[string]string{}
		}
		e.Values[pair[0]] = pair[1]
	}
	return e
}
