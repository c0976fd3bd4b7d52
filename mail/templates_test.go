package mail_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations/mail"
)

func TestEnglish_CanBeChanged(t *testing.T) {
	t.Parallel()
	templates := mail.BuiltIn()["en"]
	templates.Subject = "Come in"
	m := render(t, newRendererWith(t, "en", templates), fullData())
	require.Equal(t, "Come in", m.Subject())
	require.Equal(t, render(t, newRenderer(t, nil), fullData()).Text(), m.Text())
}

func TestNew_RefusesInvalidLanguageTags(t *testing.T) {
	t.Parallel()
	english := mail.BuiltIn()["en"]
	const noTag = "must have language tags as keys"
	for name, test := range map[string]struct {
		templates map[string]mail.Templates
		reason    string
	}{
		"not a tag": {map[string]mail.Templates{`de"`: english}, noTag},
		"empty":     {map[string]mail.Templates{"": english}, noTag},
		"38 bytes":  {map[string]mail.Templates{"de" + strings.Repeat("-aaaaaaaa", 4): english}, noTag},
		"difference only in case": {
			map[string]mail.Templates{"de-CH": english, "de-ch": english}, "must not have the same language twice",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := mail.New(mail.Config{BaseURL: baseURL, Product: "Example", Templates: test.templates})
			require.Nil(t, r)
			requireInvalid(t, err, "templates", test.reason)
		})
	}
}

func TestNew_RefusesInvalidTemplates(t *testing.T) {
	t.Parallel()
	const (
		unset    = "for de must set Subject, Text and HTML"
		parse    = "for de must parse"
		execute  = "for de must execute without an error"
		needLink = "for de must have the link in the text and in the HTML"
	)
	for name, test := range map[string]struct {
		change func(*mail.Templates)
		reason string
		cause  string // a part of the template package's error
	}{
		"no subject": {func(t *mail.Templates) { t.Subject = " " }, unset, ""},
		"no text":    {func(t *mail.Templates) { t.Text = "" }, unset, ""},
		"no HTML":    {func(t *mail.Templates) { t.HTML = "\r\n" }, unset, ""},

		"subject does not parse": {
			func(t *mail.Templates) { t.Subject = "{{" }, parse, "template: subject:1: unclosed action",
		},
		"text does not parse": {
			func(t *mail.Templates) { t.Text = "{{nope}}" }, parse, `template: text:1: function "nope" not defined`,
		},
		"HTML does not parse": {
			func(t *mail.Templates) { t.HTML = "{{end}}" }, parse, "template: html:1: unexpected {{end}}",
		},
		"HTML ends in an action": {
			func(t *mail.Templates) { t.HTML = `<a href="{{if .Reminder}}{{.Link}}">` }, parse, "unexpected EOF",
		},

		"unknown field": {
			func(t *mail.Templates) { t.Subject = "{{.Nope}}" }, execute, "can't evaluate field Nope",
		},
		"unknown field only in a reminder with a message and no inviter": {
			func(t *mail.Templates) {
				t.Text += "{{if and .Reminder .Message .Email (not .Inviter)}}{{.Nope}}{{end}}"
			},
			execute, "can't evaluate field Nope",
		},
		"HTML branches end in different contexts": {
			func(t *mail.Templates) { t.HTML = `{{.Link}}<a href="{{if .Reminder}}x">{{end}}` },
			execute, "{{if}} branches end in different contexts",
		},

		"subject can be empty": {
			func(t *mail.Templates) { t.Subject = "{{.Inviter}}" }, "for de must not have an empty subject", "",
		},
		"subject with the link": {
			func(t *mail.Templates) { t.Subject = "{{.Product}} {{.Link}}" },
			"for de must not have the link in the subject", "",
		},
		"text without the link": {func(t *mail.Templates) { t.Text = "{{.Organization}}" }, needLink, ""},
		"HTML without the link": {func(t *mail.Templates) { t.HTML = "<p>{{.Organization}}</p>" }, needLink, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			templates := mail.BuiltIn()["en"]
			test.change(&templates)
			r, err := mail.New(mail.Config{
				BaseURL: baseURL, Product: "Example", Templates: map[string]mail.Templates{"de": templates},
			})
			require.Nil(t, r)
			requireInvalid(t, err, "templates", test.reason)
			require.ErrorContains(t, err, test.cause)
		})
	}
}

// Templates for "en" replace the built-in ones as a whole: a missing part is not filled in.
func TestNew_RefusesPartOfEnglish(t *testing.T) {
	t.Parallel()
	r, err := mail.New(mail.Config{
		BaseURL: baseURL, Product: "Example", Templates: map[string]mail.Templates{"en": {}},
	})
	require.Nil(t, r)
	requireInvalid(t, err, "templates", "for en must set Subject, Text and HTML")
}

func TestNew_AcceptsWindowsLineEnds(t *testing.T) {
	t.Parallel()
	crlf := mail.BuiltIn()["en"]
	for _, s := range []*string{&crlf.Subject, &crlf.Text, &crlf.HTML} {
		*s = strings.ReplaceAll(*s, "\n", "\r\n")
	}
	m := render(t, newRendererWith(t, "en", crlf), fullData())
	want := render(t, newRenderer(t, nil), fullData())
	require.Equal(t, want.Text(), m.Text())
	require.Equal(t, want.HTML(), m.HTML())
}

func TestRender_SelectsLanguage(t *testing.T) {
	t.Parallel()
	withSubject := func(subject string) mail.Templates {
		return mail.Templates{Subject: subject, Text: "{{.Link}}", HTML: `<p lang="{{.Language}}">{{.Link}}</p>`}
	}
	r := newRenderer(t, func(c *mail.Config) {
		c.Language = "FR"
		c.Templates = map[string]mail.Templates{
			"de":         withSubject("German"),
			"de-CH":      withSubject("Swiss"),
			"fr":         withSubject("French"),
			"zh-Hant-TW": withSubject("Taiwan"),
		}
		// With this many languages a lookup must not depend on their number.
		for i := range 26 {
			c.Templates["x"+string(rune('a'+i))] = withSubject("another")
		}
	})
	type result struct{ subject, tag string }
	french := result{"French", "fr"}
	for language, want := range map[string]result{
		"de":         {"German", "de"},
		"DE":         {"German", "de"},
		"de-AT":      {"German", "de"},
		"de-AT-1996": {"German", "de"},
		"de-CH":      {"Swiss", "de-CH"},
		"de-ch-1901": {"Swiss", "de-CH"},
		"de_CH":      {"Swiss", "de-CH"},
		"zh-Hant-TW": {"Taiwan", "zh-Hant-TW"},

		"zh-Hant": french,
		"":        french,
		"it":      french,
		"dex":     french,
		"-":       french,
		"*":       french,
		"\xff":    french,

		`de"><script>`:             french,
		strings.Repeat("-", 1<<20): french,
	} {
		d := fullData()
		d.Language = language
		m := render(t, r, d)
		require.Equal(t, want.subject, m.Subject(), "%.40q", language)
		require.Equal(t, `<p lang="`+want.tag+`">`+link+"</p>\n", m.HTML(), "%.40q", language)
	}

	d := fullData()
	d.Language = "en-GB"
	require.Contains(t, render(t, r, d).Subject(), "invited you to")
}
