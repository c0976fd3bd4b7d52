package mail_test

import (
	"errors"
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

var update = flag.Bool("update", false, "rewrite the files in testdata/golden")

// The package only renders: it must not pull in a web server or a mail client.
func TestPackage_ImportsNoNetwork(t *testing.T) {
	t.Parallel()
	imports := goList(t, "-f", `{{join .Imports "\n"}}`)
	require.Contains(t, imports, "html/template")
	for _, path := range imports {
		if strings.Contains(path, ".") {
			require.Equal(t, "github.com/go-invitations/invitations", path)
		}
	}
	for _, path := range goList(t, "-deps") {
		require.NotContains(t, []string{"net/http", "net/smtp", "net/mail", "crypto/tls"}, path)
	}
}

// goList returns the lines that "go list" prints for the package.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	args = append([]string{"list"}, append(args, ".")...)
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	require.NoError(t, err)
	return strings.Fields(string(out))
}

func TestNew_RefusesInvalidProduct(t *testing.T) {
	t.Parallel()
	const notOneLine = "must be one line of visible characters"
	for name, test := range map[string]struct{ product, reason string }{
		"empty":            {"", "must not be empty"},
		"only spaces":      {" ", notOneLine},
		"two lines":        {"Example\nBcc: eve@example.com", notOneLine},
		"hidden character": {"Ex\u200bample", notOneLine},
		"not UTF-8":        {"Ex\xffample", notOneLine},
		"81 characters":    {strings.Repeat("é", 81), "must have at most 80 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := mail.New(mail.Config{BaseURL: baseURL, Product: test.product})
			require.Nil(t, r)
			requireInvalid(t, err, "product", test.reason)
		})
	}
}

func TestNew_RefusesLanguageWithoutTemplates(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"nl", "../en"} {
		r, err := mail.New(mail.Config{BaseURL: baseURL, Product: "Example", Language: language})
		require.Nil(t, r)
		requireInvalid(t, err, "language", "must have templates")
	}
}

func TestRenderer_AllowsConcurrentUse(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	want := render(t, r, fullData()).HTML()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if m, err := r.Render(fullData()); err != nil || m.HTML() != want {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
}

func TestRender_MatchesGoldenFiles(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for _, language := range builtInLanguages() {
		for file, change := range map[string]func(*mail.Data){
			"invitation":         func(*mail.Data) {},
			"invitation-minimal": func(d *mail.Data) { *d = minimalData() },
			"reminder":           func(d *mail.Data) { d.Reminder, d.Location = true, time.FixedZone("", -9000) },
			"reminder-minimal":   func(d *mail.Data) { *d = minimalData(); d.Reminder = true },
		} {
			t.Run(language+"/"+file, func(t *testing.T) {
				t.Parallel()
				d := fullData()
				change(&d)
				d.Language = language
				m := render(t, r, d)
				path := filepath.Join(language, file)
				requireGolden(t, path+".txt", fmt.Sprintf("To: %s\nSubject: %s\n\n%s", m.To(), m.Subject(), m.Text()))
				requireGolden(t, path+".html", m.HTML())
			})
		}
	}
}

// requireGolden requires that got, without its token, is the content of a golden file.
func requireGolden(t *testing.T, file, got string) {
	t.Helper()
	got = withoutToken(got)
	path := filepath.Join("testdata", "golden", file)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestRender_RefusesInvalidData(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	const (
		zero      = "must not be zero"
		invisible = "must contain a visible character"
		tooLong   = "must have at most 500 characters"
		notUTF8   = "must be valid UTF-8"
		control   = "must not contain a control character"
	)
	for name, test := range map[string]struct {
		change        func(*mail.Data)
		field, reason string
	}{
		"no token":  {func(d *mail.Data) { d.Token = invitations.Token{} }, "token", zero},
		"no expiry": {func(d *mail.Data) { d.ExpiresAt = time.Time{} }, "expires_at", zero},
		"no expiry, not in UTC": {
			func(d *mail.Data) { d.ExpiresAt = time.Time{}.In(time.FixedZone("CET", 3600)) }, "expires_at", zero,
		},

		"no organization": {func(d *mail.Data) { d.Organization = "" }, "organization", invisible},
		"invisible organization": {
			func(d *mail.Data) { d.Organization = "\u00a0\u200b\u3164\u202e\t" }, "organization", invisible,
		},
		"organization after 4096 invisible bytes": {
			func(d *mail.Data) { d.Organization = strings.Repeat("\u00ad", 2048) + "Acme" }, "organization", invisible,
		},
		"no role":        {func(d *mail.Data) { d.Role = "" }, "role", invisible},
		"invisible role": {func(d *mail.Data) { d.Role = "\u2060" }, "role", invisible},

		"message of 501 characters": {
			func(d *mail.Data) { d.Message = strings.Repeat("é", 501) }, "message", tooLong,
		},
		"message of 2001 bytes": {
			func(d *mail.Data) { d.Message = strings.Repeat("x", 2001) }, "message", tooLong,
		},
		"message with a carriage return": {func(d *mail.Data) { d.Message = "a\r\nb" }, "message", control},
		"message with NUL":               {func(d *mail.Data) { d.Message = "a\x00b" }, "message", control},
		"message with a C1 control":      {func(d *mail.Data) { d.Message = "a\u0085b" }, "message", control},
		"message with escape and action": {func(d *mail.Data) { d.Message = "{{.Link}}\x1b" }, "message", control},
		"message that is not UTF-8":      {func(d *mail.Data) { d.Message = "a\xffb" }, "message", notUTF8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := fullData()
			test.change(&d)
			m, err := r.Render(d)
			requireInvalid(t, err, test.field, test.reason)
			require.Equal(t, mail.Message{}, m)
		})
	}
}

// A message goes to one address: the invited one, in the form that acceptance compares.
func TestRender_Class04_SendsToOneCanonicalAddress(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for _, email := range []string{
		"",
		// Several addresses.
		"bob@example.com,eve@example.com", "bob@example.com;eve@example.com", "eve@example.com,bob@example.com",
		"bob@example.com eve@example.com", "bob@,eve@example.com", "bob@example.com\neve@example.com",
		"=?x?q?eve=40evil.example=3e=00?=@example.com", "x=?utf-8?b?ZXZl?=@example.com",
		// Header injection.
		"bob@example.com\r\nBcc: eve@example.com", "bob@example.com\r\n\r\nhello",
		"\nbob@example.com", "bob@example.com\n", "bob@example.com\x00",
		"\"bob\r\nBcc: eve\"@example.com", "bob@example.com%0d%0aBcc:eve@example.com",
		// Anything else that is not a bare address.
		`"bob"@example.com`, `"eve@example.com"@example.com`, "Bob <bob@example.com>", "<bob@example.com>",
		"bob@example.com>", "bob@example.com (Bob)", "(x)bob@example.com", "bob:bob@example.com;", "bob@[127.0.0.1]",
		"bob@example.com ", " bob@example.com", "bob\u00a0@example.com", "bob\u202e@example.com",
		"bob＠example.com", "böb@example.com", "bob@localhost", "bob@", "@example.com", "bob",
		strings.Repeat("b", 65) + "@example.com", "bob@" + strings.Repeat("example.", 40) + "com",
	} {
		d := fullData()
		d.Email = email
		m, err := r.Render(d)
		_, refusal := invitations.CanonicalEmail(email)
		require.Error(t, refusal, "%q", email)
		require.Equal(t, refusal, err, "%q", email)
		require.ErrorIs(t, err, invitations.ErrInvalid, "%q", email)
		require.Equal(t, mail.Message{}, m)
	}
	for _, email := range []string{"Bob@example.com", "bob@Example.com", "bob@BÜCHER.example", "bob@bücher.example"} {
		d := fullData()
		d.Email = email
		_, err := r.Render(d)
		requireInvalid(t, err, "email", "must be in canonical form")
	}
	for _, email := range []string{
		"bob@example.com", "bob+acme@example.com", "b.o.b@xn--bcher-kva.example", "o'neill=/x@example.com",
	} {
		d := fullData()
		d.Email = email
		require.Equal(t, email, render(t, r, d).To())
	}
}

// An error quotes no data, although the error of a template does.
func TestRender_Class33_ErrorsContainNoData(t *testing.T) {
	t.Parallel()
	templates := mail.BuiltIn()["en"]
	templates.Text += `{{if eq .Organization "Boom"}}{{range .Link}}{{end}}{{end}}`
	r := newRendererWith(t, "en", templates)
	d := fullData()
	d.Organization = "Boom"
	m, err := r.Render(d)
	require.EqualError(t, err, "invitations: rendering mail: a template for en failed on this data")
	require.Equal(t, mail.Message{}, m)
	for e := err; e != nil; e = errors.Unwrap(e) {
		requireHidden(t, e)
	}

	for _, change := range []func(*mail.Data){
		func(d *mail.Data) { d.Email = token.Reveal() + "@Example.com" },
		func(d *mail.Data) { d.Message = token.Reveal() + "\x00" },
		func(d *mail.Data) { d.Organization = "" },
		func(d *mail.Data) { d.ExpiresAt = time.Time{} },
	} {
		d := fullData()
		change(&d)
		_, err := r.Render(d)
		require.Error(t, err)
		requireHidden(t, err)
	}
}

// The token occurs only in the link. No other address in the mail could carry it away when the
// mail is shown.
func TestRender_Class33_LoadsNothingRemote(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for _, language := range builtInLanguages() {
		d := fullData()
		d.Language = language
		m := render(t, r, d)
		require.Equal(t, 1, strings.Count(m.Text(), token.Reveal()))
		require.Equal(t, 3, strings.Count(m.HTML(), token.Reveal())) // the button, the link, its text
		require.Equal(t, 3, strings.Count(m.HTML(), link))
		require.Equal(t, 3, strings.Count(m.HTML(), "://"))
		require.NotRegexp(t, `(?i)<(img|script|link|iframe|object|form|base|svg|video|audio|input)`, m.HTML())
		require.NotRegexp(t, `(?i)src=|url\(|@import|background=`, m.HTML())
	}
}

func TestRender_Class34_DataCannotChangeLink(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for _, host := range []string{
		"evil.example", "https://evil.example/invite", "../../evil",
		"Host: evil.example", "X-Forwarded-Host: evil.example",
	} {
		d := dataWithNames(host)
		d.Message, d.Language = host, host
		m := render(t, r, d)
		require.Contains(t, m.Text(), "\n<"+link+">\n")
		require.Equal(t, []string{link, link}, parseHTML(t, m.HTML()).links)
	}
}
