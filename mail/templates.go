package mail

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"regexp"
	"strings"
	texttemplate "text/template"
	"time"
)

// Templates are the templates of one language. Subject and Text must be in the syntax of
// text/template, HTML in that of html/template. They can use only the functions of these
// packages. A template sees:
//
//	.Product       string, from Config
//	.Language      string, the tag of these templates, for the lang attribute
//	.Reminder      bool
//	.Organization  string
//	.Role          string
//	.Inviter       string; empty if there is none
//	.Message       []string, the lines of the personal message, at most 12; empty if there is none
//	.Expiry        string, the invitation's expiry in the form of FormatTime
//	.ExpiresAt     time.Time in the Location of Data, for forms that FormatTime does not have
//	.Email         string, the invited address; empty if a mail program could take a part
//	               of it for a link
//	.Link          string; in HTML a URL that html/template accepts, also if it opens an app
//
// All three templates must be set. The results of Text and HTML must contain the link. The result
// of Subject must not contain the link and must not be empty. Several lines of it become one. The
// result of HTML must not contain ZgotmplZ, the sign of html/template for an unsafe value.
//
// In Text, the link should stand between angle brackets on a line of its own. A token can end in a
// character that mail programs otherwise take for punctuation.
//
// Lines of Text are wrapped between words at 72 characters. A line that begins with "> " continues
// with "> ", and an indented line continues with a deeper indentation.
//
// The Subject loses controls of the text direction. HTML can isolate a name of another direction in
// <bdi>. In Text, .Product, .Organization, .Role, .Inviter and .Email stand between the isolates
// U+2068 and U+2069 if they have a character that is written from right to left. If the template of
// Text has such a character, all of them do.
//
// Text from users should not begin a line of Text. Names should therefore stand in indented
// lines, between quotation marks other than ', and each line of the message should follow "> ".
type Templates struct {
	Subject, Text, HTML string
	// FormatTime returns the text of .Expiry in the language of the templates. Its argument is in
	// the Location of [Data]. The result should name the time zone or its offset from UTC. The
	// function must be safe for concurrent use. If FormatTime is nil, the text is the same in all
	// languages, such as "2026-03-09 12:00 UTC".
	FormatTime func(time.Time) string
}

// fields is the data that a template sees. [Templates] documents it.
type fields struct {
	Product, Language           string
	Reminder                    bool
	Organization, Role, Inviter string
	Message                     []string
	ExpiresAt                   time.Time
	Email, Link                 string

	format func(time.Time) string // of the templates
	isApp  bool                   // the link opens an app
}

// forHTML returns the data that the HTML template sees. html/template trusts only http, https and
// mailto, and replaces every other link by "#ZgotmplZ".
func (f fields) forHTML() any {
	if !f.isApp {
		return f
	}
	return struct {
		fields
		Link htmltemplate.URL
	}{f, htmltemplate.URL(f.Link)} //nolint:gosec // New has checked the scheme and the characters of the link
}

// A set holds the parsed [Templates] of one language.
type set struct {
	tag           string // as the host spells it
	subject, text *texttemplate.Template
	html          *htmltemplate.Template
	format        func(time.Time) string // never nil
	isRightToLeft bool                   // text is in a language that is written from right to left
}

// maxTagBytes is enough for every tag of BCP 47 without extensions.
const maxTagBytes = 35

var tagPattern = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// canonicalTag returns the form of tag under which its set is kept.
func canonicalTag(tag string) string { return strings.ToLower(strings.ReplaceAll(tag, "_", "-")) }

// add parses and checks the templates for tag, and keeps them.
func (r *Renderer) add(tag string, t Templates) error {
	if len(tag) > maxTagBytes || !tagPattern.MatchString(tag) {
		return invalid("templates", "malformed", "must have language tags as keys")
	}
	if r.sets[canonicalTag(tag)] != nil {
		return invalid("templates", "duplicate", "must not have the same language twice")
	}
	s, err := parse(tag, t)
	if err != nil {
		return err
	}
	for _, sample := range r.samples() {
		if err := s.check(sample); err != nil {
			return err
		}
	}
	r.sets[canonicalTag(tag)] = s
	return nil
}

// parse returns the set of t.
func parse(tag string, t Templates) (*set, error) {
	for _, source := range []*string{&t.Subject, &t.Text, &t.HTML} {
		*source = strings.ReplaceAll(*source, "\r\n", "\n") // Git on Windows may check files out with "\r\n"
		if strings.TrimSpace(*source) == "" {
			return nil, invalidTemplates(tag, "must set Subject, Text and HTML", nil)
		}
	}
	subject, subjectErr := texttemplate.New("subject").Parse(t.Subject)
	text, textErr := texttemplate.New("text").Parse(t.Text)
	html, htmlErr := htmltemplate.New("html").Parse(t.HTML)
	if err := errors.Join(subjectErr, textErr, htmlErr); err != nil {
		return nil, invalidTemplates(tag, "must parse", err)
	}
	format := t.FormatTime
	if format == nil {
		format = numericTime
	}
	return &set{tag, subject, text, html, format, hasRightToLeft(t.Text)}, nil
}

const sampleToken = "inv_sample"

// samples returns fields for every combination that templates can branch on, and with an expiry in
// every month.
func (r *Renderer) samples() []fields {
	var all []fields
	for _, message := range [][]string{nil, {"Hello", "", "Bob"}} {
		for _, email := range []string{"", "bob@example.com"} {
			for _, inviter := range []string{"", "Ada"} {
				for _, reminder := range []bool{false, true} {
					all = append(all, fields{
						Product:      r.product,
						Reminder:     reminder,
						Organization: "Acme",
						Role:         "Viewer",
						Inviter:      inviter,
						Message:      message,
						ExpiresAt:    time.Date(2026, time.Month(1+len(all)%12), 9, 12, 0, 0, 0, time.UTC),
						Email:        email,
						Link:         r.base + sampleToken,
						isApp:        r.isApp,
					})
				}
			}
		}
	}
	return all
}

// check executes the templates with sample, and refuses those that break a rule of [Templates].
func (s *set) check(sample fields) error {
	rendered, err := s.render(sample)
	switch {
	case err != nil:
		return invalidTemplates(s.tag, "must execute without an error", err)
	case rendered.subject == "":
		return invalidTemplates(s.tag, "must not have an empty subject", nil)
	case strings.Contains(rendered.subject, sampleToken): // mail servers log subjects
		return invalidTemplates(s.tag, "must not have the link in the subject", nil)
	case !strings.Contains(rendered.text, sample.Link) || !strings.Contains(rendered.html, sample.Link):
		return invalidTemplates(s.tag, "must have the link in the text and in the HTML", nil)
	case strings.Contains(rendered.html, "ZgotmplZ"):
		return invalidTemplates(s.tag, "must not have a value that html/template replaces by ZgotmplZ", nil)
	}
	return nil
}

// invalidTemplates refuses the templates for tag. The error wraps cause, if there is one.
func invalidTemplates(tag, rule string, cause error) error {
	err := invalid("templates", "invalid_template", "for "+tag+" "+rule, "language", tag)
	if cause == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// find returns the set for language, or for its longest prefix that has one, or the fallback.
func (r *Renderer) find(language string) *set {
	tag := canonicalTag(language[:min(len(language), maxTagBytes)]) // no set has a longer tag
	for tag != "" {
		if s := r.sets[tag]; s != nil {
			return s
		}
		tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	}
	return r.sets[r.fallback]
}

// render executes the templates with f. The recipient of the result is not set.
func (s *set) render(f fields) (*parts, error) {
	f.Language, f.format = s.tag, s.format
	var subject, text, html strings.Builder
	if err := s.subject.Execute(&subject, f); err != nil {
		return nil, err
	}
	if err := s.text.Execute(&text, f.isolated(s.isRightToLeft)); err != nil {
		return nil, err
	}
	if err := s.html.Execute(&html, f.forHTML()); err != nil {
		return nil, err
	}
	return &parts{
		subject: subjectLine(subject.String()),
		text:    wrap(text.String()),
		html:    strings.TrimSpace(html.String()) + "\n",
	}, nil
}
