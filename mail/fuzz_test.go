package mail_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/mail"
)

// A parsed is an HTML document as a mail program sees it.
type parsed struct {
	skeleton []string // elements and their attributes, in order
	links    []string // of all href
	text     string   // all of it, each element's beside the others
}

func page(t testing.TB, document string) (p parsed) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(document))
	require.NoError(t, err)
	var text strings.Builder
	for node := range root.Descendants() {
		switch node.Type {
		case html.TextNode:
			text.WriteString(node.Data)
		case html.CommentNode:
			p.skeleton = append(p.skeleton, "comment")
		case html.ElementNode:
			element := node.Data
			for _, a := range node.Attr {
				switch a.Key {
				case "href":
					p.links = append(p.links, a.Val)
					element += " href"
				default:
					element += " " + a.Key + "=" + a.Val
				}
			}
			p.skeleton = append(p.skeleton, element)
		}
	}
	p.text = text.String()
	return p
}

// Whatever comes in, what comes out is a refusal that names a field, or a mail of the same shape as
// any other.
func FuzzRender(f *testing.F) {
	f.Add("Acme", "Ada Lovelace", "Developer", "Hello\nBob", "bob@example.com", "en", false)
	f.Add("evil.example", "http://evil.example/x", "eve@evil.example", "<a href=x>", "b/x@example.com", "de-CH", true)
	f.Add("Acme\r\nBcc: eve@example.com", "\u202e\u2028", "{{.Link}}", "&lt;b&gt;\u2028-->", "a@b.c,d@e.f", "de\"", false)
	f.Add("</title><script>", "\\\\evil\\share", "a.\u200bexample", strings.Repeat("\n", 500), "A@example.com", "-", true)
	f.Add("0A", "A", "A", "A", "aaa@aaaaaaaaaa.aaa", "", true) // the address where the text is wrapped
	f.Add("Acme", "Ada", "Developer", "Hallo", "bob@example.com", "de", true)
	f.Add("a.B.co", "x.\u0301y", "9:30:x", strings.Repeat("> ", 250), "o'neill@example.com", "en-GB", false)
	r := newRenderer(f, func(c *mail.Config) { c.Templates = map[string]mail.Templates{"de": german(f)} })
	f.Add("=?utf-8?q?=0A?=", "x www.ⓔvil.ⓒⓞⓜ", "www.X", "a"+strings.Repeat("\u0301\u200d", 99), "=?x?q?a?=@example.com", "EN", false)
	known := shapes(f, r)
	f.Fuzz(func(t *testing.T, organization, inviter, role, message, email, language string, reminder bool) {
		d := mail.Data{
			Email: email, Token: token, Organization: organization, Inviter: inviter, Role: role, Message: message,
			ExpiresAt: full().ExpiresAt, Language: language, Reminder: reminder,
		}
		m, err := r.Render(d)
		for range 4 { // what is refused gives way to what is not, so that the rest is tried
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
				d.Message = strings.Map(func(r rune) rune {
					if unicode.IsControl(r) && r != '\n' {
						return -1
					}
					return r
				}, d.Message)
				d.Message = string([]rune(d.Message)[:min(utf8.RuneCountInString(d.Message), 500)])
			}
			m, err = r.Render(d)
		}
		require.NoError(t, err)
		require.Equal(t, d.Email, m.To())
		requireHeader(t, m.Subject())
		require.NotContains(t, m.Subject(), "=?")
		requireNoLinks(t, m)

		require.True(t, utf8.ValidString(m.Text()) && utf8.ValidString(m.HTML()))
		require.NotRegexp(t, `[\p{Cc}\p{Zl}\p{Zp}]`, strings.ReplaceAll(m.Text()+m.HTML(), "\n", ""))
		require.Equal(t, 1, strings.Count("\n"+m.Text(), "\n<"+link+">\n"))

		// User text makes no element, no attribute and no link: but for the line breaks of the
		// message, the document is one of those with harmless texts or with none.
		p := page(t, m.HTML())
		require.Contains(t, known, strings.Join(slices.DeleteFunc(p.skeleton, isBreak), "\n"))
		require.NotEmpty(t, p.links)
		for _, l := range p.links {
			require.Equal(t, link, l)
		}
	})
}

func isBreak(element string) bool { return element == "br" }

// shapes returns the skeletons of all mails.
func shapes(t testing.TB, r *mail.Renderer) (all []string) {
	t.Helper()
	d := full()
	for _, d.Language = range []string{"en", "de"} {
		for _, d.Reminder = range []bool{false, true} {
			for _, d.Inviter = range []string{"", "x"} {
				for _, d.Message = range []string{"", "x"} {
					skeleton := page(t, render(t, r, d).HTML()).skeleton
					all = append(all, strings.Join(slices.DeleteFunc(skeleton, isBreak), "\n"))
				}
			}
		}
	}
	return all
}
