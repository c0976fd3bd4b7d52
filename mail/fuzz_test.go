package mail_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/mail"
)

// Render either refuses data with the name of a field, or renders a mail of the same shape as any
// other.
func FuzzRender(f *testing.F) {
	f.Add("Acme", "Ada Lovelace", "Developer", "Hello\nBob", "bob@example.com", "en", false)
	f.Add("evil.example", "http://evil.example/x", "eve@evil.example", "<a href=x>", "b/x@example.com", "de-CH", true)
	f.Add("Acme\r\nBcc: eve@example.com", "\u202e\u2028", "{{.Link}}", "&lt;b&gt;\u2028-->", "a@b.c,d@e.f", "de\"", false)
	f.Add("</title><script>", "\\\\evil\\share", "a.\u200bexample", strings.Repeat("\n", 500), "A@example.com", "-", true)
	f.Add("0A", "A", "A", "A", "aaa@aaaaaaaaaa.aaa", "", true) // the line of the address is wrapped
	f.Add("Acme", "Ada", "Developer", "Hallo", "bob@example.com", "de", true)
	f.Add("a.B.co", "x.\u0301y", "9:30:x", strings.Repeat("> ", 250), "o'neill@example.com", "en-GB", false)
	f.Add("=?utf-8?q?=0A?=", "x www.ⓔvil.ⓒⓞⓜ", "www.X",
		"a"+strings.Repeat("\u0301\u200d", 99), "=?x?q?a?=@example.com", "EN", false)
	f.Add("\u0645\u06cc\u200c\u062e", "\u094d\u200d\u0915\u094d\u200d.\u200cx", "\u0628\u200c\u200d\u200c\u0651\u0628",
		"\U0001e900\u200c\U0001e923\u200c\n\u200d"+strings.Repeat("\u0915\u094d\u200d\u200c", 99), "bob@example.com", "de", false)
	f.Add("2026 Acme!", "\u0622\u062f\u0627", "\u2068x", "\u2069\u0645\u0631\u062d\u0628\u0627", "1bob@example.com", "ar-EG", true)
	f.Add("«Acme»", "O’Neill", "x\u00a0»", "", "bob@example.com", "fr", false)
	f.Add("\U0001f468\u200d\U0001f469", "\u2764^\u200d\u2764", "\u275b\u200d\u275b",
		"\ufffd\u200d\ufffd\n\U0001f642\u200d\u2194", "bob@example.com", "", false)
	f.Add("\u0678\u200c\u0627", "\U000113d0\u200d\u088f\u200c\u0628", "\u0301 \u0301x", "\u0628\u200c\u0678", "bob@example.com", "en", false)
	f.Add(strings.Repeat("x", 77)+"＠xx", strings.Repeat("\u0646", 77)+"\u200c\u0651\u0646\u0646", strings.Repeat("x", 76)+".X.example",
		strings.Repeat("a\n\n", 99), "bob@example.com", "fr", true)
	for _, language := range builtInLanguages() { // names that are wrapped, and an address that is not shown
		name := strings.Repeat("\u05d0 ", 40)
		f.Add(name, name, name, ".\n> x", "o'neill@example.com", language, false)
		f.Add("x.X", "X:", "\u05d0＠\\\u05d0:", ">\n\u00a0\n<", "bob@example.com", language, true)
	}
	for _, language := range builtInLanguages() { // names of which nothing but the border follows or precedes
		f.Add("@", ".example", "a:", "", "bob@example.com", language, false)
		f.Add("\uff20", "\uff61example", "\\\\", "@", "bob@example.com", language, true)
	}

	r := newRenderer(f, nil)
	known := knownShapes(f, r)
	f.Fuzz(func(t *testing.T, organization, inviter, role, message, email, language string, reminder bool) {
		m, d := renderValid(t, r, mail.Data{
			Email: email, Token: token, Organization: organization, Inviter: inviter, Role: role, Message: message,
			ExpiresAt: fullData().ExpiresAt, Language: language, Reminder: reminder,
		})
		require.Equal(t, d.Email, m.To())
		requireHeader(t, m.Subject())
		require.NotContains(t, m.Subject(), "=?")
		requireNoLinks(t, m)

		require.True(t, utf8.ValidString(m.Text()) && utf8.ValidString(m.HTML()))
		require.NotRegexp(t, `[\p{Cc}\p{Zl}\p{Zp}]`, strings.ReplaceAll(m.Text()+m.HTML(), "\n", ""))
		require.Equal(t, 1, strings.Count("\n"+m.Text(), "\n<"+link+">\n"))

		page := parseHTML(t, m.HTML())
		require.NotRegexp(t, `[\x{200c}\x{200d}]`, withoutNeededJoiners(m.Text()+page.text))
		require.Contains(t, known, shape(page))
		require.LessOrEqual(t, len(page.skeleton)-len(withoutBreaks(page)), 11+1) // in the message and before the link
		require.NotEmpty(t, page.links)
		for _, l := range page.links {
			require.Equal(t, link, l)
		}
	})
}

// New either refuses a base URL, or the link has a safe scheme and is the same in all parts.
func FuzzNew_BaseURL(f *testing.F) {
	for _, raw := range []string{
		"https://app.example.com/invite/", "http://[::1]:8080", "https://app.example.com/#/invite", "https://a.example#!/%41",
		"teamy://invite/", "javascript://invite/%0aalert(1)", "https://a.example@b.example/#/x", "teamy:///#/", "teamy://a/?#/",
	} {
		f.Add(raw, "teamy")
		f.Add(raw, "javascript")
	}
	f.Fuzz(func(t *testing.T, raw, scheme string) {
		r, err := mail.New(mail.Config{BaseURL: raw, AppScheme: scheme, Product: "Example"})
		if err != nil {
			require.Nil(t, r)
			require.ErrorIs(t, err, invitations.ErrInvalid)
			return
		}
		link := strings.TrimSuffix(raw, "/") + "/" + token.Reveal()
		u, err := url.Parse(link)
		require.NoError(t, err)
		require.NotEmpty(t, u.Hostname())
		require.Nil(t, u.User)
		require.Empty(t, u.RawQuery)
		if u.Scheme != "https" && u.Scheme != "http" {
			require.Equal(t, scheme, u.Scheme)
			require.NotContains(t, []string{"javascript", "vbscript", "data", "file", "blob", "about"}, scheme)
		}
		if u.Scheme == "http" {
			require.Regexp(t, `^(localhost|127\..*|.*:.*)$`, u.Hostname())
		}
		m := render(t, r, fullData())
		require.Contains(t, m.Text(), "\n<"+link+">\n")
		require.Equal(t, []string{link, link}, parseHTML(t, m.HTML()).links)
	})
}

// renderValid renders d. While Render refuses a field, renderValid replaces the field by a valid
// one, so that the fuzzer reaches the other fields. It returns the message and the data behind it.
func renderValid(t *testing.T, r *mail.Renderer, d mail.Data) (mail.Message, mail.Data) {
	t.Helper()
	m, err := r.Render(d)
	for range 4 { // fields that Render can refuse here
		var invalid *invitations.InvalidError
		if !errors.As(err, &invalid) {
			break
		}
		require.Equal(t, mail.Message{}, m)
		switch invalid.Field {
		case "email":
			d.Email = "bob@example.com"
		case "organization":
			d.Organization = "Acme"
		case "role":
			d.Role = "Developer"
		case "message":
			d.Message = validMessage(d.Message)
		}
		m, err = r.Render(d)
	}
	require.NoError(t, err)
	return m, d
}

// validMessage returns a valid message with as much of message as possible.
func validMessage(message string) string {
	message = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, message)
	return string([]rune(message)[:min(utf8.RuneCountInString(message), 500)])
}

// shape returns the elements and attributes of d. It leaves out line breaks, because their number
// depends on the message.
func shape(d document) string {
	return strings.Join(withoutBreaks(d), "\n")
}

// withoutBreaks returns the elements and attributes of d apart from line breaks.
func withoutBreaks(d document) []string {
	return slices.DeleteFunc(slices.Clone(d.skeleton), func(element string) bool { return element == "br" })
}

// knownShapes returns the shapes of all mails with harmless text or without it.
func knownShapes(t testing.TB, r *mail.Renderer) (shapes []string) {
	t.Helper()
	d := fullData()
	for _, d.Language = range builtInLanguages() {
		for _, d.Reminder = range []bool{false, true} {
			for _, d.Inviter = range []string{"", "x"} {
				for _, d.Message = range []string{"", "x"} {
					for _, d.Email = range []string{"bob@example.com", "o'neill@example.com"} { // shown and not shown
						shapes = append(shapes, shape(parseHTML(t, render(t, r, d).HTML())))
					}
				}
			}
		}
	}
	return shapes
}
