package mail_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/mail"
)

var rewrite = flag.Bool("update", false, "write the files of testdata anew")

const base = "https://app.example.com/invite"

// Every run has another token. A test that compares whole texts must call withoutToken first.
var (
	token = newToken()
	link  = base + "/" + token.Reveal()
)

// newToken returns the token of a real invitation.
func newToken() invitations.Token {
	sent, err := newService().Invite(context.Background(), invitations.User("ada"), invitations.InviteParams{
		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
	})
	if err != nil {
		panic(err)
	}
	return sent.Token
}

// withoutToken replaces the token in text by "inv_...".
func withoutToken(text string) string { return strings.ReplaceAll(text, token.Reveal(), "inv_...") }

// full is data with every field, but for Reminder.
func full() mail.Data {
	return mail.Data{
		Email: "bob@example.com", Token: token, Organization: "Acme", Role: "Developer",
		ExpiresAt: time.Date(2026, 3, 9, 13, 0, 0, 0, time.FixedZone("CET", 3600)),
		Inviter:   "Ada Lovelace",
		Message:   "Hello Bob,\n\nwe met at the fair. Here is the organization that I told you about; everything is in it.\n\nAda",
	}
}

// least is data with nothing that is optional.
func least() mail.Data {
	d := full()
	d.Inviter, d.Message = "", ""
	return d
}

func newRenderer(t testing.TB, change func(*mail.Config)) *mail.Renderer {
	t.Helper()
	config := mail.Config{BaseURL: base, Product: "Example"}
	if change != nil {
		change(&config)
	}
	r, err := mail.New(config)
	require.NoError(t, err)
	return r
}

func render(t testing.TB, r *mail.Renderer, d mail.Data) mail.Message {
	t.Helper()
	m, err := r.Render(d)
	require.NoError(t, err)
	return m
}

// requireInvalid requires that err is the refusal of field for reason, and that it says no more.
func requireInvalid(t testing.TB, err error, field, reason string) {
	t.Helper()
	var invalid *invitations.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.ErrorIs(t, err, invitations.ErrInvalid)
	require.Equal(t, invitations.InvalidError{Field: field, Reason: reason}, *invalid)
}

func german(t testing.TB) mail.Templates {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("testdata", "de", name))
		require.NoError(t, err)
		return string(text)
	}
	return mail.Templates{Subject: read("subject.txt"), Text: read("text.txt"), HTML: read("page.html")}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, func(c *mail.Config) { c.Templates = map[string]mail.Templates{"de": german(t)} })
	for file, change := range map[string]func(*mail.Data){
		"invitation":       func(*mail.Data) {},
		"invitation-least": func(d *mail.Data) { *d = least() },
		"reminder":         func(d *mail.Data) { d.Reminder = true },
		"german":           func(d *mail.Data) { d.Language = "de-CH" },
		"german-reminder":  func(d *mail.Data) { *d = least(); d.Language, d.Reminder = "de", true },
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			d := full()
			change(&d)
			m := render(t, r, d)
			golden(t, file+".txt", fmt.Sprintf("To: %s\nSubject: %s\n\n%s", m.To(), m.Subject(), m.Text()))
			golden(t, file+".html", m.HTML())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	got = withoutToken(got)
	path := filepath.Join("testdata", name)
	if *rewrite {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	english := mail.English()
	set := func(subject, text, html string) map[string]mail.Templates {
		return map[string]mail.Templates{"de": {Subject: subject, Text: text, HTML: html}}
	}
	for name, test := range map[string]struct {
		change        func(*mail.Config)
		field, reason string
		cause         string // of the template packages
	}{
		"no product":        {func(c *mail.Config) { c.Product = "" }, "product", "must not be empty", ""},
		"product of spaces": {func(c *mail.Config) { c.Product = " " }, "product", "must be one line of visible characters", ""},
		"product of two lines": {
			func(c *mail.Config) { c.Product = "Example\nBcc: eve@example.com" }, "product", "must be one line of visible characters", "",
		},
		"product with a hidden character": {
			func(c *mail.Config) { c.Product = "Ex\u200bample" }, "product", "must be one line of visible characters", "",
		},
		"product that is not UTF-8": {
			func(c *mail.Config) { c.Product = "Ex\xffample" }, "product", "must be one line of visible characters", "",
		},
		"long product": {func(c *mail.Config) { c.Product = strings.Repeat("é", 81) }, "product", "must be at most 80 characters", ""},

		"language without templates": {func(c *mail.Config) { c.Language = "de" }, "language", "must have templates", ""},
		"language that is no tag":    {func(c *mail.Config) { c.Language = "../en" }, "language", "must have templates", ""},

		"templates for no tag": {
			func(c *mail.Config) { c.Templates = map[string]mail.Templates{`de"`: english} },
			"templates", "must have language tags as keys", "",
		},
		"templates for nothing": {
			func(c *mail.Config) { c.Templates = map[string]mail.Templates{"": english} },
			"templates", "must have language tags as keys", "",
		},
		"templates for a long tag": {
			func(c *mail.Config) {
				c.Templates = map[string]mail.Templates{"de" + strings.Repeat("-aaaaaaaa", 4): english}
			},
			"templates", "must have language tags as keys", "",
		},
		"templates for one language twice": {
			func(c *mail.Config) { c.Templates = map[string]mail.Templates{"de-CH": english, "de-ch": english} },
			"templates", "must not have the same language twice", "",
		},
		"no subject": {
			func(c *mail.Config) { c.Templates = set(" ", english.Text, english.HTML) },
			"templates", "for de must set Subject, Text and HTML", "",
		},
		"no text": {
			func(c *mail.Config) { c.Templates = set(english.Subject, "", english.HTML) },
			"templates", "for de must set Subject, Text and HTML", "",
		},
		"no HTML": {
			func(c *mail.Config) { c.Templates = set(english.Subject, english.Text, "\r\n") },
			"templates", "for de must set Subject, Text and HTML", "",
		},
		"subject that does not parse": {
			func(c *mail.Config) { c.Templates = set("{{", english.Text, english.HTML) },
			"templates", "for de must parse", "template: subject:1: unclosed action",
		},
		"text that does not parse": {
			func(c *mail.Config) { c.Templates = set(english.Subject, "{{nope}}", english.HTML) },
			"templates", "for de must parse", `template: text:1: function "nope" not defined`,
		},
		"HTML that does not parse": {
			func(c *mail.Config) { c.Templates = set(english.Subject, english.Text, "{{end}}") },
			"templates", "for de must parse", "template: html:1: unexpected {{end}}",
		},
		"field that is not there": {
			func(c *mail.Config) { c.Templates = set("{{.Nope}}", english.Text, english.HTML) },
			"templates", "for de must execute without an error", "can't evaluate field Nope",
		},
		"field that is not there, in a reminder with a message and no inviter": {
			func(c *mail.Config) {
				c.Templates = set(english.Subject, english.Text+"{{if and .Reminder .Message .Email (not .Inviter)}}{{.Nope}}{{end}}", english.HTML)
			},
			"templates", "for de must execute without an error", "can't evaluate field Nope",
		},
		"HTML that cannot be escaped": {
			func(c *mail.Config) {
				c.Templates = set(english.Subject, english.Text, `<a href="{{if .Reminder}}{{.Link}}">`)
			},
			"templates", "for de must parse", "unexpected EOF",
		},
		"HTML whose branches end in different contexts": {
			func(c *mail.Config) {
				c.Templates = set(english.Subject, english.Text, `{{.Link}}<a href="{{if .Reminder}}x">{{end}}`)
			},
			"templates", "for de must execute without an error", "{{if}} branches end in different contexts",
		},
		"subject of nothing": {
			func(c *mail.Config) { c.Templates = set("{{.Inviter}}", english.Text, english.HTML) },
			"templates", "for de must not have an empty subject", "",
		},
		"subject with the link": {
			func(c *mail.Config) { c.Templates = set("{{.Product}} {{.Link}}", english.Text, english.HTML) },
			"templates", "for de must not have the link in the subject", "",
		},
		"text without the link": {
			func(c *mail.Config) { c.Templates = set(english.Subject, "{{.Organization}}", english.HTML) },
			"templates", "for de must have the link in the text and in the HTML", "",
		},
		"HTML without the link": {
			func(c *mail.Config) { c.Templates = set(english.Subject, english.Text, "<p>{{.Organization}}</p>") },
			"templates", "for de must have the link in the text and in the HTML", "",
		},
		"English of one's own": {
			func(c *mail.Config) { c.Templates = map[string]mail.Templates{"en": {}} },
			"templates", "for en must set Subject, Text and HTML", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := mail.Config{BaseURL: base, Product: "Example"}
			test.change(&config)
			r, err := mail.New(config)
			require.Nil(t, r)
			requireInvalid(t, err, test.field, test.reason)
			require.ErrorContains(t, err, test.cause)
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for name, test := range map[string]struct {
		change        func(*mail.Data)
		field, reason string
	}{
		"no email":                             {func(d *mail.Data) { d.Email = "" }, "email", "is empty"},
		"no token":                             {func(d *mail.Data) { d.Token = invitations.Token{} }, "token", "must not be zero"},
		"no expiry":                            {func(d *mail.Data) { d.ExpiresAt = time.Time{} }, "expires_at", "must not be zero"},
		"no expiry, in another zone":           {func(d *mail.Data) { d.ExpiresAt = time.Time{}.In(time.FixedZone("CET", 3600)) }, "expires_at", "must not be zero"},
		"no organization":                      {func(d *mail.Data) { d.Organization = "" }, "organization", "must contain a visible character"},
		"organization that cannot be seen":     {func(d *mail.Data) { d.Organization = "\u00a0\u200b\u3164\u202e\t" }, "organization", "must contain a visible character"},
		"organization behind much that cannot": {func(d *mail.Data) { d.Organization = strings.Repeat("\u00ad", 2048) + "Acme" }, "organization", "must contain a visible character"},
		"no role":                              {func(d *mail.Data) { d.Role = "" }, "role", "must contain a visible character"},
		"role that cannot be seen":             {func(d *mail.Data) { d.Role = "\u2060" }, "role", "must contain a visible character"},
		"message of 501 characters":            {func(d *mail.Data) { d.Message = strings.Repeat("é", 501) }, "message", "must be at most 500 characters"},
		"message of 2001 bytes":                {func(d *mail.Data) { d.Message = strings.Repeat("x", 2001) }, "message", "must be at most 500 characters"},
		"message with a carriage return":       {func(d *mail.Data) { d.Message = "a\r\nb" }, "message", "must not contain control characters other than newline"},
		"message with a NUL":                   {func(d *mail.Data) { d.Message = "a\x00b" }, "message", "must not contain control characters other than newline"},
		"message with a control, not ASCII":    {func(d *mail.Data) { d.Message = "a\u0085b" }, "message", "must not contain control characters other than newline"},
		"message that is not UTF-8":            {func(d *mail.Data) { d.Message = "a\xffb" }, "message", "must be valid UTF-8"},
		"message that a template would read":   {func(d *mail.Data) { d.Message = "{{.Link}}\x1b" }, "message", "must not contain control characters other than newline"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := full()
			test.change(&d)
			m, err := r.Render(d)
			requireInvalid(t, err, test.field, test.reason)
			require.Equal(t, mail.Message{}, m)
		})
	}
}

// What the library takes as a message, this package takes too.
func TestLongestMessage(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for _, message := range []string{
		strings.Repeat("\U0001f600", 500), strings.Repeat("\n", 500), strings.Repeat("a\n", 250),
		strings.Repeat("> ", 250), strings.Repeat(" ", 499) + "x", strings.Repeat("ab ", 166),
	} {
		d := full()
		d.Message = message
		m := render(t, r, d)
		require.Less(t, len(m.Text())+len(m.HTML()), 16<<10)
	}
}

func TestMessageIsQuoted(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for name, test := range map[string]struct{ message, text, html string }{
		"lines":          {"one\ntwo", "> one\n> two\n", "one<br>\ntwo"},
		"empty lines":    {"\n\none\n\n\n \n\ntwo\n\n", "> one\n>\n> two\n", "one<br>\n<br>\ntwo"},
		"line separator": {"one\u2028two\u2029three", "> one\n> two\n> three\n", "one<br>\ntwo<br>\nthree"},
		"direction":      {"\u202eone\u202c \u2066two\u2069", "> one two\n", "one two"},
		"tags":           {"one\U000e0001\U000e0041\U000e007f", "> one\n", ">one</blockquote>"},
		"tower of marks": {"e" + strings.Repeat("\u0301\u200d", 20) + "n", "> e\u0301\u200d\u0301\u200dn\n", "e\u0301\u200d\u0301\u200dn"},
		"joiners stay":   {"\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \U0001f468\u200d\U0001f469", "> \u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \U0001f468\u200d\U0001f469\n", "\U0001f468\u200d\U0001f469"},
		"quotation":      {"> one\n>two", "> > one\n> >two\n", "&gt; one<br>\n&gt;two"},
		"long line": {
			strings.Repeat("twelve chars ", 12),
			strings.Repeat("> "+strings.Repeat("twelve chars ", 4)+"twelve chars\n", 2) + "> twelve chars twelve chars\n",
			"twelve chars twelve chars",
		},
		"long word": {strings.Repeat("x", 100) + " y", "> " + strings.Repeat("x", 100) + "\n> y\n", "x y"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := full()
			d.Message = test.message
			m := render(t, r, d)
			_, after, found := strings.Cut(m.Text(), "in the words of who invited you:\n\n")
			require.True(t, found)
			quoted, _, _ := strings.Cut(after, "\nIf you did not expect this")
			require.Equal(t, test.text, quoted)
			require.Contains(t, m.HTML(), test.html)
		})
	}
	t.Run("of nothing", func(t *testing.T) {
		t.Parallel()
		d := full()
		d.Message = " \n\u200e\n"
		m := render(t, r, d)
		d.Message = ""
		require.Equal(t, render(t, r, d).Text(), m.Text())
		require.Equal(t, render(t, r, d).HTML(), m.HTML())
	})
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	says := func(subject string) mail.Templates {
		return mail.Templates{Subject: subject, Text: "{{.Link}}", HTML: `<p lang="{{.Language}}">{{.Link}}</p>`}
	}
	r := newRenderer(t, func(c *mail.Config) {
		c.Language = "FR"
		c.Templates = map[string]mail.Templates{
			"de": says("German"), "de-CH": says("Swiss"), "fr": says("French"), "zh-Hant-TW": says("Taiwan"),
		}
		for i := range 26 { // so many that a look-up costs as much as the tag is long
			c.Templates["x"+string(rune('a'+i))] = says("another")
		}
	})
	for language, want := range map[string][2]string{
		"de": {"German", "de"}, "DE": {"German", "de"}, "de-AT": {"German", "de"}, "de-AT-1996": {"German", "de"},
		"de-CH": {"Swiss", "de-CH"}, "de-ch-1901": {"Swiss", "de-CH"}, "de_CH": {"Swiss", "de-CH"},
		"zh-Hant-TW": {"Taiwan", "zh-Hant-TW"}, "zh-Hant": {"French", "fr"},
		"": {"French", "fr"}, "it": {"French", "fr"}, "dex": {"French", "fr"}, "-": {"French", "fr"}, "*": {"French", "fr"},
		`de"><script>`: {"French", "fr"}, "\xff": {"French", "fr"}, strings.Repeat("-", 1<<20): {"French", "fr"},
	} {
		d := full()
		d.Language = language
		m := render(t, r, d)
		require.Equal(t, want[0], m.Subject(), "%.40q", language)
		require.Equal(t, `<p lang="`+want[1]+`">`+link+"</p>\n", m.HTML(), "%.40q", language)
	}
	d := full()
	d.Language = "en-GB"
	require.Contains(t, render(t, r, d).Subject(), "you are invited to join")
}

// A part of the built-in templates can be replaced.
func TestEnglishOfOnesOwn(t *testing.T) {
	t.Parallel()
	own := mail.English()
	own.Subject = "Come in"
	r := newRenderer(t, func(c *mail.Config) { c.Templates = map[string]mail.Templates{"en": own} })
	m := render(t, r, full())
	require.Equal(t, "Come in", m.Subject())
	require.Equal(t, render(t, newRenderer(t, nil), full()).Text(), m.Text())
}

// A template from a file with the line ends of Windows makes the same mail.
func TestWindowsLineEnds(t *testing.T) {
	t.Parallel()
	crlf := mail.English()
	for _, s := range []*string{&crlf.Subject, &crlf.Text, &crlf.HTML} {
		*s = strings.ReplaceAll(*s, "\n", "\r\n")
	}
	m := render(t, newRenderer(t, func(c *mail.Config) { c.Templates = map[string]mail.Templates{"en": crlf} }), full())
	want := render(t, newRenderer(t, nil), full())
	require.Equal(t, want.Text(), m.Text())
	require.Equal(t, want.HTML(), m.HTML())
}

// The text goes no further than 72 columns, but for the link, and indented lines go on deeper.
func TestWrap(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, func(c *mail.Config) {
		c.Templates = map[string]mail.Templates{"en": {
			Subject: "x",
			Text: strings.Repeat("word ", 20) + "\n\n  " + strings.Repeat("word ", 20) + "\n" +
				strings.Repeat(" ", 40) + strings.Repeat("word ", 20) + "\nshort  line \n\n\n{{.Link}}",
			HTML: "{{.Link}}",
		}}
	})
	words := func(n int) string { return strings.TrimSpace(strings.Repeat("word ", n)) }
	require.Equal(t, words(14)+"\n"+words(6)+"\n\n"+
		"  "+words(14)+"\n      "+words(6)+"\n"+
		"        "+words(13)+"\n            "+words(7)+"\n"+
		"short  line\n\n\n"+link+"\n", render(t, r, full()).Text())

	for line := range strings.Lines(render(t, newRenderer(t, nil), full()).Text()) {
		if line != "<"+link+">\n" {
			require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 72)
		}
	}
}

func TestZeroMessage(t *testing.T) {
	t.Parallel()
	var m mail.Message
	require.Empty(t, m.To()+m.Subject()+m.Text()+m.HTML())
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	want := render(t, r, full()).HTML()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if m, err := r.Render(full()); err != nil || m.HTML() != want {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
}

// The package renders. It compiles no web server, and nothing that sends.
func TestImports(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{join .Imports "\n"}}`, ".").Output()
	require.NoError(t, err)
	imports := strings.Fields(string(out))
	require.Contains(t, imports, "html/template")
	for _, path := range imports {
		if strings.Contains(path, ".") {
			require.Equal(t, "github.com/go-invitations/invitations", path)
		}
	}
	out, err = exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	for _, path := range strings.Fields(string(out)) {
		require.NotContains(t, []string{"net/http", "net/smtp", "net/mail", "crypto/tls"}, path)
	}
}
