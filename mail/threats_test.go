package mail_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/mail"
)

// One message goes to one address, and that is the invited one in the form in which it is
// compared at acceptance. Whatever else an address could be taken for is refused.
func TestClass04_Recipient(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for _, email := range []string{
		"bob@example.com,eve@example.com", "bob@example.com;eve@example.com", "eve@example.com,bob@example.com",
		"bob@example.com eve@example.com", "bob@,eve@example.com", "bob@example.com\neve@example.com",
		"bob@example.com\r\nBcc: eve@example.com", "bob@example.com\r\n\r\nhello", "\nbob@example.com", "bob@example.com\n",
		"bob@example.com\x00", "\"bob\r\nBcc: eve\"@example.com", `"bob"@example.com`, `"eve@example.com"@example.com`,
		"Bob <bob@example.com>", "<bob@example.com>", "bob@example.com>", "bob@example.com (Bob)", "(x)bob@example.com",
		"bob:bob@example.com;", "bob@[127.0.0.1]", "bob@example.com ", " bob@example.com", "bob\u00a0@example.com", "bob\u202e@example.com",
		"bob＠example.com", "böb@example.com", "bob@localhost", "bob@", "@example.com", "bob", "bob@example.com%0d%0aBcc:eve@example.com",
		"=?x?q?eve=40evil.example=3e=00?=@example.com", "x=?utf-8?b?ZXZl?=@example.com",
		strings.Repeat("b", 65) + "@example.com", "bob@" + strings.Repeat("example.", 40) + "com",
	} {
		d := full()
		d.Email = email
		m, err := r.Render(d)
		require.ErrorIs(t, err, invitations.ErrInvalid, "%q", email)
		require.Equal(t, mail.Message{}, m)
	}
	for _, email := range []string{"Bob@example.com", "bob@Example.com", "bob@BÜCHER.example", "bob@bücher.example"} {
		d := full()
		d.Email = email
		_, err := r.Render(d)
		requireInvalid(t, err, "email", "must be in canonical form")
	}
	for _, email := range []string{"bob@example.com", "bob+acme@example.com", "b.o.b@xn--bcher-kva.example", "o'neill=/x@example.com"} {
		d := full()
		d.Email = email
		require.Equal(t, email, render(t, r, d).To())
	}
}

// The name of an address is shown where it cannot be taken for something else.
func TestClass04_AddressThatLooksLikeALink(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for email, shown := range map[string]bool{
		"bob@example.com": true, "bob.smith_x+acme-1@mail.example.com": true,
		"evil.example/login@example.com": false, "evil.example?x@example.com": false, "evil.example#x@example.com": false,
		"evil.example%x@example.com": false, "o'neill@example.com": false, "a&lt@example.com": false, "{{x}}@example.com": false,
	} {
		d := full()
		d.Email = email
		m := render(t, r, d)
		require.Equal(t, shown, strings.Contains(m.Text(), email), email)
		require.Equal(t, shown, strings.Contains(page(t, m.HTML()).text, email), email)
		require.NotContains(t, withoutToken(m.Text()+m.HTML()+m.Subject()), "evil")
	}
}

// withEverywhere is data with text for every name.
func withEverywhere(text string) mail.Data {
	d := full()
	d.Organization, d.Inviter, d.Role = text, text, text
	return d
}

// No field brings a line into the header, or any character that ends one.
func TestClass04_HeaderInjection(t *testing.T) {
	t.Parallel()
	multiline := mail.English()
	multiline.Subject = "{{.Organization}}\r\nBcc: eve@example.com\n\n{{.Inviter}} {{.Role}}{{range .Message}} {{.}}{{end}}"
	own := newRenderer(t, func(c *mail.Config) { c.Templates = map[string]mail.Templates{"en": multiline} })
	for _, r := range []*mail.Renderer{newRenderer(t, nil), own} {
		for _, end := range []string{"\n", "\r", "\r\n", "\n\n", "\x00", "\v", "\f", "\x85", "\u0085", "\u2028", "\u2029", "\x1b", "\x7f", "\ud7ff\xed\xa0\x8a"} {
			d := withEverywhere("Acme" + end + "Bcc: eve@example.com" + end)
			d.Message = strings.Repeat("line\u2028", 60)
			requireHeader(t, render(t, r, d).Subject())
		}
	}
	m := render(t, own, full())
	require.True(t, strings.HasPrefix(m.Subject(), "Acme Bcc: eve@example.com Ada Lovelace Developer Hello Bob, we met"), m.Subject())
	d := withEverywhere(strings.Repeat("\U0001f600", 1000))
	require.LessOrEqual(t, len(render(t, own, d).Subject()), 998)
}

// A mail package leaves a subject of ASCII alone as it is, and a mail program would decode a name
// in it that is an encoded word.
func TestClass04_EncodedWordInTheSubject(t *testing.T) {
	t.Parallel()
	own := mail.English()
	own.Subject = "{{.Organization}}?utf-8?q?=0AX?= {{.Inviter}}"
	r := newRenderer(t, func(c *mail.Config) { c.Templates = map[string]mail.Templates{"en": own} })
	d := full()
	d.Organization, d.Inviter = "=", "=?utf-8?q?evil=2Eexample=0A?= ==??"
	subject := render(t, r, d).Subject()
	require.Equal(t, "= ?utf-8?q?=0AX?= = ?utf-8?q?evil=2Eexample=0A?= == ??", subject)
	shown, err := new(mime.WordDecoder).DecodeHeader(mime.QEncoding.Encode("utf-8", subject))
	require.NoError(t, err)
	require.Equal(t, subject, shown)
}

// requireHeader requires one line of visible characters and single spaces, not too long.
func requireHeader(t require.TestingT, subject string) {
	require.Regexp(t, `^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$`, subject)
	require.NotRegexp(t, `^ | $|  |[\p{Z}]+[^\P{Z} ]`, subject)
	require.LessOrEqual(t, len([]rune(subject)), 200)
}

type embedder struct{ mail.Message }

// A message holds the link. Printing, logging and marshalling do not show it, wherever a host
// keeps the message.
func TestClass33_MessageIsNotPrinted(t *testing.T) {
	t.Parallel()
	d := full()
	m := render(t, newRenderer(t, nil), d)
	require.Contains(t, m.Text(), token.Reveal())
	require.Contains(t, m.HTML(), token.Reveal())
	require.NotContains(t, m.Subject(), token.Reveal())
	for name, value := range map[string]any{
		"message":          m,
		"pointer":          &m,
		"slice":            []mail.Message{m},
		"pointers":         []*mail.Message{&m},
		"map":              map[string]mail.Message{"a": m},
		"key of a map":     map[mail.Message]bool{m: true},
		"exported field":   struct{ M mail.Message }{m},
		"unexported field": struct{ m mail.Message }{m},
		"pointer to one":   &struct{ m mail.Message }{m},
		"unexported any":   struct{ v any }{m},
		"embedded":         embedder{m},
		"error":            fmt.Errorf("cannot send %v to %s: %w", m, m.To(), errors.New("421")),
		"methods":          []any{m.Text, m.HTML}, // not called
		"data":             d,
		"data inside":      struct{ d mail.Data }{d},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireHidden(t, value)
		})
	}
	require.Equal(t, "[redacted] [redacted] [redacted]", fmt.Sprintf("%v %+v %s", m, m, m.String()))
	text, err := json.Marshal(m)
	require.NoError(t, err)
	require.Equal(t, `"[redacted]"`, string(text))
	require.Equal(t, "[redacted]", m.LogValue().String())
}

func requireHidden(t *testing.T, value any) {
	t.Helper()
	var out bytes.Buffer
	for _, flags := range []string{"", "+", "#", " ", "-", "0", "+#", "200", ".3"} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspw!z" {
			fmt.Fprintf(&out, "%"+flags+string(verb), value)
		}
	}
	fmt.Fprintln(&out, value)
	for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
		log.With("with", value).Info("message", "value", value, slog.Group("group", slog.Any("v", value)), "list", []any{value})
	}
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
		if text, err := marshal(value); err == nil {
			out.Write(text)
		}
	}
	// The middle of the token, which every spelling of the link has, in all that fmt makes of it.
	secret := []byte(token.Reveal()[20:50])
	for _, shown := range []string{
		string(secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), strings.Trim(fmt.Sprint(secret), "[]"),
		base64.StdEncoding.EncodeToString(secret)[:20],
	} {
		require.NotContains(t, out.String(), shown)
	}
}

// What goes wrong with the data of one mail quotes nothing of it, though a template would.
func TestClass33_Errors(t *testing.T) {
	t.Parallel()
	own := mail.English()
	own.Text += `{{if eq .Organization "Boom"}}{{range .Link}}{{end}}{{end}}`
	r := newRenderer(t, func(c *mail.Config) { c.Templates = map[string]mail.Templates{"en": own} })
	d := full()
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
		d := full()
		change(&d)
		_, err := r.Render(d)
		require.Error(t, err)
		requireHidden(t, err)
	}
}

// The token is in the mail where the link is and nowhere else: in no other address, which
// would be asked for when the mail is shown, and in nothing that another site is sent to.
func TestClass33_NothingRemote(t *testing.T) {
	t.Parallel()
	m := render(t, newRenderer(t, nil), full())
	require.Equal(t, 1, strings.Count(m.Text(), token.Reveal()))
	require.Equal(t, 3, strings.Count(m.HTML(), token.Reveal())) // the button, the link, its text
	require.Equal(t, 3, strings.Count(m.HTML(), link))
	require.Equal(t, 3, strings.Count(m.HTML(), "://"))
	require.NotRegexp(t, `(?i)<(img|script|link|iframe|object|form|base|style|svg|video|audio|input)|src=|url\(|@import|background=`, m.HTML())
}

// The link begins with what the configuration says, which is refused unless it is an address
// that a mail can safely show. There is nothing in the data of a mail that could change it.
func TestClass34_BaseURL(t *testing.T) {
	t.Parallel()
	const (
		unclear  = "must consist of only letters, digits and -._~/:[]%"
		notHTTPS = "must be an absolute https URL"
		notLocal = "must use https unless the host is a loopback address"
		badHost  = "must have a host of only letters, digits and .-:[]"
	)
	for raw, reason := range map[string]string{
		"": "must not be empty",
		"https://example.com/" + strings.Repeat("a", 481): "must be at most 500 bytes",
		"https://exa mple.com":                            "must be a valid URL",
		"https://example.com/\n":                          "must be a valid URL",
		"https://example.com\\@evil.example":              "must be a valid URL",
		"https://example.com:port":                        "must be a valid URL",
		"https://example.com/%zz":                         "must be a valid URL",
		"app.example.com/invite":                          notHTTPS,
		"/invite":                                         notHTTPS,
		"//app.example.com/invite":                        notHTTPS,
		"ftp://app.example.com/invite":                    notHTTPS,
		"javascript:alert(1)":                             notHTTPS,
		"data:text/html,x":                                notHTTPS,
		"https:app.example.com":                           "must have a host",
		"https:///invite":                                 "must have a host",
		"https://":                                        "must have a host",
		"https://:443/invite":                             "must have a host",
		"https://app.example.com@evil.example/":           "must not have user info",
		"https://app:pw@app.example.com/":                 "must not have user info",
		"https://@app.example.com/":                       "must not have user info",
		"http://app.example.com/invite":                   notLocal,
		"http://localhost.evil.example/invite":            notLocal,
		"http://127.0.0.1.evil.example/invite":            notLocal,
		"http://192.168.1.1/invite":                       notLocal,
		"http://0.0.0.0/invite":                           notLocal,
		"https://app.example.com/invite#":                 "must not have a fragment",
		"https://app.example.com/invite#token":            "must not have a fragment",
		"https://app.example.com/invite?":                 "must not have a query",
		"https://app.example.com/invite?next=/":           "must not have a query",
		"https://bücher.example/invite":                   badHost,
		"https://b%C3%BCcher.example/invite":              badHost,
		"https://app.example.com,evil.example/":           badHost,
		"https://app_1.example.com/":                      badHost,
		`https://app.example.com"onclick=x/`:              badHost,
		"https://app.example.com/einladung/für":           unclear,
		"https://app.example.com/<b>":                     unclear,
		"https://app.example.com/a&b":                     unclear,
		"https://app.example.com/o'neill":                 unclear,
		"https://app.example.com/a/@b":                    unclear,
		"https://app.example.com/{{.Inviter}}":            unclear,
	} {
		r, err := mail.New(mail.Config{BaseURL: raw, Product: "Example"})
		require.Nil(t, r, raw)
		requireInvalid(t, err, "base_url", reason)
	}
	for raw, want := range map[string]string{
		"https://app.example.com":                         "https://app.example.com/",
		"https://app.example.com/":                        "https://app.example.com/",
		"https://app.example.com:8443/a/b_c~d":            "https://app.example.com:8443/a/b_c~d/",
		"https://xn--bcher-kva.example/%C3%BC":            "https://xn--bcher-kva.example/%C3%BC/",
		"https://[2001:db8::1]/invite":                    "https://[2001:db8::1]/invite/",
		"https://example.com/" + strings.Repeat("a", 480): "https://example.com/" + strings.Repeat("a", 480) + "/",
		"http://localhost/invite":                         "http://localhost/invite/",
		"http://localhost:8080/invite/":                   "http://localhost:8080/invite/",
		"http://127.0.0.1:8080":                           "http://127.0.0.1:8080/",
		"http://[::1]:8080":                               "http://[::1]:8080/",
	} {
		m := render(t, newRenderer(t, func(c *mail.Config) { c.BaseURL = raw }), full())
		want += token.Reveal()
		require.Contains(t, m.Text(), "\n<"+want+">\n")
		require.Equal(t, 2, strings.Count(m.HTML(), `href="`+want+`"`))
		require.Contains(t, m.HTML(), ">"+want+"</a>")
	}
}

func TestClass34_NothingInTheDataChangesTheLink(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for _, host := range []string{"evil.example", "https://evil.example/invite", "Host: evil.example", "X-Forwarded-Host: evil.example", "../../evil"} {
		d := withEverywhere(host)
		d.Message, d.Language = host, host
		m := render(t, r, d)
		require.Contains(t, m.Text(), "\n<"+link+">\n")
		require.Equal(t, []string{link, link}, page(t, m.HTML()).links)
	}
}

// What looks like HTML is text in the HTML part, and in the text part it is what was written:
// nothing is stripped, and nothing decoded.
func TestClass36_HTML(t *testing.T) {
	t.Parallel()
	german := german(t)
	r := newRenderer(t, func(c *mail.Config) { c.Templates = map[string]mail.Templates{"de": german} })
	for _, text := range []string{
		"<b>Acme</b>", "<script>alert(1)</script>", "</p></body><a href=x>", "<img src=x onerror=alert(1)>", "<!--", "-->", "<![CDATA[x",
		"&lt;script&gt;", "&#60;img src=x&#62;", "&amp;lt;b&amp;gt;", "%3Cscript%3E", "'onmouseover='x", "' style='color: red", "</title><b>",
		"javascript: alert(1)", "<style>*{display: none}</style>", "</blockquote>", "<svg/onload=x>", "<a href='x'>",
	} {
		for _, language := range []string{"en", "de"} {
			d := withEverywhere(text)
			d.Message, d.Language = text+"\n"+text, language
			m := render(t, r, d)
			p := page(t, m.HTML())
			harmless := withEverywhere("x")
			harmless.Message, harmless.Language = "x\nx", language
			require.Equal(t, page(t, render(t, r, harmless).HTML()).skeleton, p.skeleton, text)
			require.Equal(t, []string{link, link}[:len(p.links)], p.links)
			// A token can end in "--", and the ">" after it would make it look like "-->".
			shownHTML, shownText := withoutToken(p.text), withoutToken(m.Text())
			require.Equal(t, 5, strings.Count(shownHTML, text), "%q in %q", text, shownHTML) // three names, two lines
			require.Equal(t, 5, strings.Count(shownText, text), "%q in %q", text, shownText)
		}
	}
}

// A text of a user is never a template, whoever wrote the templates.
func TestClass37_TemplateCode(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, func(c *mail.Config) { c.Templates = map[string]mail.Templates{"de": german(t)} })
	for _, code := range []string{"{{", "}}", "{{7}}", "{{end}}", "{{printf `%d` 42}}", "{{template `text`}}", "${7*7}", "<%= 7*7 %>", "#{7}", "%s%d%n"} {
		for _, language := range []string{"en", "de"} {
			d := withEverywhere(code)
			d.Message, d.Language = code, language
			m := render(t, r, d)
			require.Contains(t, m.Subject(), code)
			require.Equal(t, 4, strings.Count(m.Text(), code))
			require.Equal(t, 4, strings.Count(page(t, m.HTML()).text, code))
		}
	}
	d := withEverywhere("{{.Link}}")
	require.Equal(t, 1, strings.Count(render(t, r, d).Text(), token.Reveal()))
}

// In a name is nothing that a mail program makes a link of.
func TestClass37_ClickableNames(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for given, want := range map[string]string{
		"evil.example":                            "evil·example",
		"Evil.Example":                            "Evil·Example",
		"WWW.EVIL.EXAMPLE":                        "WWW·EVIL·EXAMPLE",
		"http://evil.example/login?a=b#c":         "http: //evil·example/login?a=b#c",
		"https://127.0.0.1:8080/":                 "https: //127·0·0·1: 8080/",
		"HTTPS:evil":                              "HTTPS: evil",
		"//evil.example":                          "//evil·example",
		"eve@evil.example":                        "eve @ evil·example",
		"eve@localhost":                           "eve @ localhost",
		"eve＠evil。example":                        "eve ＠ evil·example",
		"evil．example":                            "evil·example",
		"evil｡example":                            "evil·example",
		"mailto:eve@evil.example":                 "mailto: eve @ evil·example",
		"x9:30":                                   "x9: 30",
		"tel:+4930123456":                         "tel: +4930123456",
		`\\evil\share`:                            `\ \ evil \ share`,
		"evil.\u200bexample":                      "evil·example",
		"evil\u2060.example":                      "evil·example",
		"ev\u00adil.exa\u200dmple":                "evil·example",
		"evil .example":                           "evil .example",
		"evil.\u0301example":                      "evil·\u0301example",
		"evil.рф":                                 "evil·рф",
		"Acme (www.ⓔvil.ⓒⓞⓜ)":                     "Acme (www·ⓔvil·ⓒⓞⓜ)",
		"evil.₨":                                  "evil·₨",
		"пример.рф":                               "пример·рф",
		"例え.テスト":                                  "例え·テスト",
		"evil.X":                                  "evil.X",
		"evil.XX":                                 "evil·XX",
		"evil.X-y.example":                        "evil·X-y·example",
		"[Acme](http://evil.example)":             "[Acme](http: //evil·example)",
		"Acme. Log in at evil.example/now":        "Acme. Log in at evil·example/now",
		"x...evil.example":                        "x..·evil·example",
		"1.2.3.4":                                 "1·2·3·4",
		"evil.example" + strings.Repeat(".", 200): "evil·example…",

		// What is left as it is.
		"Acme Inc.":             "Acme Inc.",
		"Acme, Inc., Berlin":    "Acme, Inc., Berlin",
		"St. Mary's":            "St. Mary's",
		"J.R.R. Tolkien":        "J.R.R. Tolkien",
		"U.S.A.":                "U.S.A.",
		"Acme .NET":             "Acme .NET",
		"Team: Blue":            "Team: Blue",
		"R&D #1 (50 % off)":     "R&D #1 (50 % off)",
		"Ünïcode 東京 \U0001f600": "Ünïcode 東京 \U0001f600",
		"a/b":                   "a/b",
	} {
		d := withEverywhere(given)
		m := render(t, r, d)
		require.True(t, strings.HasSuffix(m.Subject(), " “"+want+"”"), "%q: got %s", given, m.Subject())
		requireNoLinks(t, m)
		require.Equal(t, 3, strings.Count(page(t, m.HTML()).text, "“"+want+"”"), m.HTML())
		require.Equal(t, 3, strings.Count(unwrap(m.Text()), "“"+want+"”"), m.Text())
	}
}

// unwrap joins the indented lines of a text with those that they go on from.
func unwrap(text string) string { return strings.ReplaceAll(text, "\n      ", " ") }

// linkable is what programs that make links of plain text look for, taken generously.
var linkable = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`\pL[\pL\pN+.-]*:[^\s“”]`,                   // a scheme
	`[^\s“„][@＠]|[@＠][^\s“”]`,                   // an address
	`www\.[\pL\pN\pM\pS]{2}`,                    // a host; no top domain has a single letter
	`[^\s“„][.。．｡][\pL\pN\pM]*\pL[\pL\pN\pM_-]`, // a domain
	`[^\s“„][.。．｡](\pS|\pL[\pN\pM_-])`,          // another
	`\d[.。．｡]\d+[.。．｡]\d+[.。．｡]\d`,              // an IP address
	`\\\\`, // a Windows share
}, "|"))

// requireNoLinks requires that nothing in a mail without a message is clickable but the link and
// the recipient's address.
func requireNoLinks(t require.TestingT, m mail.Message) {
	text := strings.Replace(m.Text(), "<"+link+">", "", 1)
	text = regexp.MustCompile(`(for|für)\s+`+regexp.QuoteMeta(m.To())).ReplaceAllString(text, "")
	if before, rest, quoted := strings.Cut(text, "\n> "); quoted {
		_, after, _ := strings.Cut(rest, "\n\n")
		text = before + after
	}
	require.NotRegexp(t, linkable, text)
	require.NotRegexp(t, linkable, m.Subject())
}

func TestClass37_LinkableFindsLinks(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"evil.example", "http://evil.example", "x:y", "www.x.example", "a@b", `\\evil\share`, "1.2.3.4", "see evil.example.", "evil。example", "evil.ⓒⓞⓜ",
	} {
		require.Regexp(t, linkable, text)
	}
}

// A name is one line of visible characters, within quotation marks that it cannot leave.
func TestClass37_Names(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for name, test := range map[string]struct{ given, want string }{
		"no-break space":      {"Acme\u00a0\u202f\u2007Inc", "Acme Inc"},
		"only at the ends":    {"\u00a0Acme\u3000", "Acme"},
		"line separators":     {"Acme\u2028Inc\u2029Ltd\u0085Co\vX\fY", "Acme Inc Ltd Co X Y"},
		"tabs":                {"Acme\t\tInc", "Acme Inc"},
		"line breaks":         {"Acme\r\n\r\nYour role: owner", "Acme Your role: owner"},
		"zero width":          {"A\u200bc\u200cm\u200de\ufeff\u2060\u00ad", "Acme"},
		"fillers":             {"A\u115fc\u1160m\u3164e\uffa0\u034f", "Acme"},
		"blank of Braille":    {"Acme\u2800\u2800Inc", "Acme Inc"},
		"variation selectors": {"\u2764\ufe0f A\U000e0101", "\u2764 A"},
		"direction":           {"\u202eemcA\u202c \u2066x\u2069\u200e\u200f\u061c", "emcA x"},
		"tags":                {"A\U000e0041\U000e007f", "A"},
		"private use":         {"\uf8ffA\U000f0000\U0010fffd", "A"},
		"mark at the start":   {" \u0338\u0903Acme", "Acme"},
		"four marks":          {"a\u0301\u0302\u0303\u0304c\u20dd", "a\u0301\u0302\u0303\u0304c\u20dd"},
		"a tower of marks":    {"a" + strings.Repeat("\u0301\u200d\u0489", 20) + "cme", "a\u0301\u0489\u0301\u0489cme"},
		"escape sequences":    {"\x1b[31mAcme\x9b", "[31mAcme\ufffd"},
		"not UTF-8":           {"Ac\xffme\xed\xa0\x80", "Ac\ufffdme\ufffd\ufffd\ufffd"},
		"quotation marks":     {"A” is closed. “B „C‟ \"D\" «E» 「F」 〝G〞 ＂ ‘H’ ‹I› 『J』", "A' is closed. 'B 'C' 'D' 'E' 'F' 'G' ' 'H' 'I' 'J'"},
		"80 characters":       {strings.Repeat("é", 80), strings.Repeat("é", 80)},
		"81 characters":       {strings.Repeat("é", 81), strings.Repeat("é", 79) + "…"},
		"cut after a space":   {strings.Repeat("x", 78) + " yz", strings.Repeat("x", 78) + "…"},
		"cut in a scheme":     {strings.Repeat("x", 77) + "http://", strings.Repeat("x", 77) + "ht…"},
		"a million":           {strings.Repeat("a.\u200b@", 1<<18), strings.Repeat("a. @ ", 15) + "a…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := render(t, r, withEverywhere(test.given))
			require.True(t, strings.HasSuffix(m.Subject(), " “"+test.want+"”"), "got %s", m.Subject())
			require.Equal(t, 3, strings.Count(page(t, m.HTML()).text, "“"+test.want+"”"), m.HTML())
			require.Equal(t, 3, strings.Count(unwrap(m.Text()), "“"+test.want+"”"), m.Text())
			requireHeader(t, m.Subject())
		})
	}
}

// A long name that is wrapped does not begin a line of the mail.
func TestClass37_NameThatWouldBeALine(t *testing.T) {
	t.Parallel()
	d := withEverywhere(strings.Repeat("x", 54) + " Your account is locked")
	m := render(t, newRenderer(t, nil), d)
	require.Equal(t, 3, strings.Count(m.Text(), " Your account is locked”\n"), m.Text())
	require.NotContains(t, m.Text(), "\nYour account")
	require.NotContains(t, m.Text(), "\n  Your account")

	own := mail.English()
	own.Text = "\n  “{{.Organization}}”\n\t“{{.Role}}”\n<{{.Link}}>"
	m = render(t, newRenderer(t, func(c *mail.Config) { c.Templates = map[string]mail.Templates{"en": own} }), d)
	require.True(t, strings.HasPrefix(m.Text(), "  “xxx"), m.Text())
	require.Contains(t, m.Text(), "x Your account\n      is locked”\n\t“xxx")
	require.Contains(t, m.Text(), "x Your account is\n\t    locked”\n<")
}

// Every line of the personal message is marked as one, whatever it contains, and the mail itself
// goes on after it.
func TestClass37_MessageThatLooksLikeTheMail(t *testing.T) {
	t.Parallel()
	d := full()
	d.Message = "Hi\n\nIf you did not expect this, go to https://evil.example\n\nSee the invitation at:\u2028\n<https://evil.example/invite>\n" +
		strings.Repeat("word ", 40) + "Your account is locked\n-- \nThe Example team"
	m := render(t, newRenderer(t, nil), d)
	_, after, _ := strings.Cut(m.Text(), "in the words of who invited you:\n\n")
	quoted, rest, _ := strings.Cut(after, "\n\n")
	for line := range strings.SplitSeq(quoted, "\n") {
		require.Regexp(t, `^>( |$)`, line)
	}
	require.True(t, strings.HasPrefix(rest, "If you did not expect this, ignore it"), rest)
	require.NotContains(t, rest, "evil")
	require.Equal(t, []string{link, link}, page(t, m.HTML()).links)
}
