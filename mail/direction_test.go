package mail_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/idna"

	"github.com/go-invitations/invitations/mail"
)

// Names stand in elements of the HTML that isolate their direction.
func TestBuiltIn_IsolatesNamesInHTML(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for _, language := range builtInLanguages() {
		d := fullData()
		d.Language = language
		m := render(t, r, d)
		for _, name := range []string{d.Organization, d.Inviter, d.Role} {
			require.Equal(t, 1, strings.Count(m.HTML(), "<bdi>"+name+"</bdi>"), language)
		}
		require.Equal(t, 2, strings.Count(m.HTML(), "<bdi>Example</bdi>"), language)
		direction := "ltr"
		if language == "ar" {
			direction = "rtl"
			require.Contains(t, m.HTML(), "<bdi>"+d.Email+"</bdi>")
		}
		require.Equal(t, 2, strings.Count(m.HTML(), ` lang="`+language+`" dir="`+direction+`"`)) // mail programs may drop the first
		require.Contains(t, m.HTML(), `<blockquote class="quote" dir="auto"`)
		require.Contains(t, m.HTML(), `<a href="`+link+`" dir="ltr"`)
	}
}

// The text isolates a name that is written from right to left, and in Arabic every name.
func TestBuiltIn_IsolatesNamesInText(t *testing.T) {
	t.Parallel()
	for name, isRightToLeft := range map[string]bool{
		"\u05e2\u05d3\u05d4": true, "\u0634\u0631\u06a9\u062a": true, "Acme \u05e2 2026": true, "\U0001e922": true, "7 \u0667": true,
		"Acme": false, "2026": false, "\u0430 \u03b1 \u6771 \u0905": false, "Acme (\U0001f600)": false,
	} {
		r := newRenderer(t, func(c *mail.Config) { c.Product = name })
		for _, language := range builtInLanguages() {
			d := dataWithNames(name)
			d.Language = language
			m := render(t, r, d)
			requireHeader(t, m.Subject()) // without isolates
			want, addresses := 0, 0
			if isRightToLeft || language == "ar" {
				want = 4
			}
			if language == "ar" {
				addresses = 1
			}
			text := unwrap(m.Text())
			require.Equal(t, want, strings.Count(text, "\u2068"+name+"\u2069"), text)
			require.Equal(t, addresses, strings.Count(text, "\u2068"+d.Email+"\u2069"), text)
			require.Equal(t, want+addresses, strings.Count(text, "\u2068"), text)
			require.Equal(t, want+addresses, strings.Count(text, "\u2069"), text)
			require.NotContains(t, m.HTML(), "\u2068")
		}
	}
}

// Programs end an isolate at the end of a line, so the rest of a wrapped name is isolated again.
func TestRender_IsolatesWrappedNames(t *testing.T) {
	t.Parallel()
	word := strings.Repeat("\u05d0", 9)
	m := render(t, newRenderer(t, nil), dataWithNames(strings.Repeat(word+" ", 8)))
	require.Equal(t, 3, strings.Count(plain(m.Text()), "“"+strings.TrimSpace(strings.Repeat(word+" ", 8))+"”"), m.Text())
	for line := range strings.Lines(m.Text()) {
		require.Regexp(t, `^[^\x{2068}\x{2069}]*(\x{2068}[^\x{2068}\x{2069}]+\x{2069}[^\x{2068}\x{2069}]*)*$`, line)
		if strings.Contains(line, word) {
			require.Contains(t, line, "\u2068")
		}
	}
}

// The text of a host's own templates is isolated in the same way.
func TestRender_IsolatesNamesInOtherTemplates(t *testing.T) {
	t.Parallel()
	templates := mail.Templates{Subject: "x", Text: "{{.Inviter}}, {{.Role}}, {{.Organization}} <{{.Link}}>", HTML: "{{.Link}}"}
	d := fullData()
	d.Inviter, d.Role, d.Language = "", "\u05d0", "nl"
	require.Contains(t, render(t, newRendererWith(t, "nl", templates), d).Text(), ", \u2068\u05d0\u2069, Acme\n<")
	templates.Text, d.Language = "\u05d1"+templates.Text, "he"
	require.Contains(t, render(t, newRendererWith(t, "he", templates), d).Text(), "\u05d1, \u2068\u05d0\u2069, \u2068Acme\u2069\n<")
}

// The text isolates every letter that package idna knows to be written from right to left, and no
// other letter.
func TestRender_IsolatesLettersLikeIDNA(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	lookup, bidi := idna.New(idna.MapForLookup()), idna.New(idna.MapForLookup(), idna.BidiRule())
	isolated := 0
	for c := rune(0xa1); c < 0x20000; c++ {
		name := "a" + string(c)
		if _, err := lookup.ToUnicode(name); err != nil || !unicode.IsLetter(c) || unicode.In(c, unicode.Han, unicode.Hangul, unicode.Tangut) {
			continue
		}
		_, err := bidi.ToUnicode(name)
		d := fullData()
		d.Organization = name
		if got := strings.Contains(render(t, r, d).Text(), "\u2068"); got != (err != nil) {
			t.Errorf("%+q: isolated %v, want %v", c, got, err != nil)
		}
		if err != nil {
			isolated++
		}
	}
	require.Greater(t, isolated, 2000)
}
