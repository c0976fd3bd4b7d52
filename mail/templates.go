package mail

import (
	_ "embed" // the English templates
	"errors"
	"fmt"
	html "html/template"
	"io"
	"regexp"
	"strings"
	text "text/template"
	"time"
)

// Templates are the templates of one language, in the syntax of text/template; HTML is executed
// by html/template. No functions are added to those that the packages have. What a template sees:
//
//	.Product       string, of Config
//	.Language      string, the tag of these templates, for the lang attribute
//	.Reminder      bool
//	.Organization  string
//	.Role          string
//	.Inviter       string; empty if there is none
//	.Message       []string, the lines of the personal message; empty if there is none
//	.ExpiresAt     time.Time in UTC, as in {{.ExpiresAt.Format "2 January 2006, 15:04 MST"}}
//	.Email         string, the invited address; empty if it has characters that would make a
//	               mail program link to a part of it
//	.Link          string
//
// Text and HTML must contain the link, and Subject must not. In the text, put it between angle
// brackets on a line of its own: a token can end in a character that mail programs take for
// punctuation. Lines of the text are wrapped at 72 characters, between words; those that begin with
// "> " go on with it, and indented ones go on with a deeper indentation. Write names into indented
// lines, between quotation marks other than ', and each line of the message after "> ": then what
// a user wrote never begins a line. A subject of several lines becomes one.
type Templates struct {
	Subject, Text, HTML string
}

//go:embed en/subject.txt
var englishSubject string

//go:embed en/text.txt
var englishText string

//go:embed en/page.html
var englishHTML string

// English returns the templates that are built in for "en", to change a part of them.
func English() Templates {
	return Templates{Subject: englishSubject, Text: englishText, HTML: englishHTML}
}

// fields is what a template sees. [Templates] documents it.
type fields struct {
	Product, Language           string
	Reminder                    bool
	Organization, Role, Inviter string
	Message                     []string
	ExpiresAt                   time.Time
	Email, Link                 string
}

// A set is the parsed Templates of one language.
type set struct {
	tag       string
	templates [3]interface { // subject, text, HTML
		Execute(w io.Writer, data any) error
	}
}

const maxSubject = 200

// maxTag is enough for any tag of BCP 47 that has no extensions.
const maxTag = 35

var isTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`).MatchString

func canonicalTag(tag string) string { return strings.ToLower(strings.ReplaceAll(tag, "_", "-")) }

// add parses t and tries it.
func (r *Renderer) add(tag string, t Templates) error {
	switch {
	case len(tag) > maxTag || !isTag(tag):
		return invalid("templates", "have a language that is no tag")
	case r.sets[canonicalTag(tag)] != nil:
		return invalid("templates", "have a language twice")
	}
	refuse := func(reason string, cause error) error {
		err := invalid("templates", "those of "+tag+" "+reason)
		if cause == nil {
			return err
		}
		return fmt.Errorf("%w: %w", err, cause)
	}
	for _, source := range []*string{&t.Subject, &t.Text, &t.HTML} {
		*source = strings.ReplaceAll(*source, "\r\n", "\n") // of a file that was checked out on Windows
		if strings.TrimSpace(*source) == "" {
			return refuse("are not all three there", nil)
		}
	}
	s := &set{tag: tag}
	var broken [3]error
	s.templates[0], broken[0] = text.New("subject").Parse(t.Subject)
	s.templates[1], broken[1] = text.New("text").Parse(t.Text)
	s.templates[2], broken[2] = html.New("html").Parse(t.HTML)
	if err := errors.Join(broken[:]...); err != nil {
		return refuse("do not parse", err)
	}
	for shape := range 1 << 4 { // all that templates can branch on
		f := fields{
			Product: r.product, Organization: "Acme", Role: "Viewer", Link: r.base + "inv_sample",
			ExpiresAt: time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC), Reminder: shape&1 != 0,
		}
		if shape&2 != 0 {
			f.Inviter = "Ada"
		}
		if shape&4 != 0 {
			f.Email = "bob@example.com"
		}
		if shape&8 != 0 {
			f.Message = []string{"Hello", "", "Bob"}
		}
		rendered, err := s.render(f)
		switch {
		case err != nil:
			return refuse("do not execute", err)
		case rendered.subject == "":
			return refuse("have an empty subject", nil)
		case strings.Contains(rendered.subject, "inv_sample"):
			return refuse("show the link in the subject", nil) // which is logged on its way
		case !strings.Contains(rendered.text, f.Link) || !strings.Contains(rendered.html, f.Link):
			return refuse("do not show the link", nil)
		}
	}
	r.sets[canonicalTag(tag)] = s
	return nil
}

// find returns the templates for who reads language.
func (r *Renderer) find(language string) *set {
	tag := canonicalTag(language[:min(len(language), maxTag)])
	for tag != "" {
		if s := r.sets[tag]; s != nil {
			return s
		}
		tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	}
	return r.sets[r.fallback]
}

func (s *set) render(f fields) (*parts, error) {
	f.Language = s.tag
	var out [3]strings.Builder
	for i, t := range s.templates {
		if err := t.Execute(&out[i], f); err != nil {
			return nil, err
		}
	}
	return &parts{
		// A subject of ASCII alone goes into the header as it is, and what begins with "=?" could
		// be taken for an encoded word there (RFC 2047).
		subject: cut(strings.ReplaceAll(line(out[0].String()), "=?", "= ?"), maxSubject),
		text:    wrap(out[1].String()),
		html:    strings.TrimSpace(out[2].String()) + "\n",
	}, nil
}
