package mail_test

import (
	"context"
	"fmt"
	"mime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/mail"
)

// A name is one line of visible characters inside quotation marks that it cannot close.
func TestRender_Class37_CleansNames(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for name, test := range map[string]struct{ given, want string }{
		"no-break spaces":    {"Acme\u00a0\u202f\u2007Inc", "Acme Inc"},
		"spaces at the ends": {"\u00a0Acme\u3000", "Acme"},
		"line separators":    {"Acme\u2028Inc\u2029Ltd\u0085Co\vX\fY", "Acme Inc Ltd Co X Y"},
		"tabs":               {"Acme\t\tInc", "Acme Inc"},
		"line breaks":        {"Acme\r\n\r\nYour role: owner", "Acme Your role: owner"},
		"zero width":         {"A\u200bc\u200cm\u200de\ufeff\u2060\u00ad", "Acme"},
		"mark then joiner":   {" \u094d\u200d\u200dAcme", "Acme"},
		"cut after a joiner": {strings.Repeat("\u0646", 78) + "\u200c\u0646\u0646", strings.Repeat("\u0646", 78) + "…"},
		"cut after a joiner and a mark": {
			strings.Repeat("\u0646", 77) + "\u200c\u0651\u0646\u0646", strings.Repeat("\u0646", 77) + "\u0651…",
		},
		"cut after an at sign":   {strings.Repeat("x", 77) + "＠xx", strings.Repeat("x", 77) + "…"},
		"joined quotation marks": {"A❛\u200d❛ 🙶\u200d🙷 B", "A' ' B"},
		"fillers":                {"A\u115fc\u1160m\u3164e\uffa0\u034f", "Acme"},
		"Braille blanks":         {"Acme\u2800\u2800Inc", "Acme Inc"},
		"variation selectors":    {"\u2764\ufe0f A\U000e0101", "\u2764 A"},
		"direction":              {"\u202eemcA\u202c \u2066x\u2069\u200e\u200f\u061c", "emcA x"},
		"tag characters":         {"A\U000e0041\U000e007f", "A"},
		"private use":            {"\uf8ffA\U000f0000\U0010fffd", "A"},
		"marks at the start":     {" \u0338\u0903Acme", "Acme"},
		"marks, then a space":    {"\u0301 \u0301 \u0903Acme", "Acme"},
		"four marks":             {"a\u0301\u0302\u0303\u0304c\u20dd", "a\u0301\u0302\u0303\u0304c\u20dd"},
		"stack of marks":         {"a" + strings.Repeat("\u0301\u200d\u0489", 20) + "cme", "a\u0301\u0489\u0301\u0489cme"},
		"escape sequences":       {"\x1b[31mAcme\x9b", "[31mAcme\ufffd"},
		"not UTF-8":              {"Ac\xffme\xed\xa0\x80", "Ac\ufffdme\ufffd\ufffd\ufffd"},
		"quotation marks": {
			"A” is closed. “B „C‟ \"D\" «E» 「F」 〝G〞 ＂ ‘H’ ‹I› 『J』",
			"A' is closed. 'B 'C' 'D' 'E' 'F' 'G' ' 'H' 'I' 'J'",
		},
		"80 characters":     {strings.Repeat("é", 80), strings.Repeat("é", 80)},
		"81 characters":     {strings.Repeat("é", 81), strings.Repeat("é", 79) + "…"},
		"cut after a space": {strings.Repeat("x", 78) + " yz", strings.Repeat("x", 78) + "…"},
		"cut in a scheme":   {strings.Repeat("x", 77) + "http://", strings.Repeat("x", 77) + "ht…"},
		"a million bytes":   {strings.Repeat("a.\u200b@", 1<<18), strings.Repeat("a. @ ", 15) + "a…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := render(t, r, dataWithNames(test.given))
			requireNames(t, m, test.want)
			requireHeader(t, m.Subject())
		})
	}
}

// Mail programs find nothing in a name to make a link of.
func TestRender_Class37_BreaksLinksInNames(t *testing.T) {
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
	} {
		m := render(t, r, dataWithNames(given))
		requireNames(t, m, want)
		requireNoLinks(t, m)
	}
}

func TestRender_KeepsNamesWithoutLinks(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for _, name := range []string{
		"Acme Inc.", "Acme, Inc., Berlin", "St. Mary's", "J.R.R. Tolkien", "U.S.A.", "Acme .NET", "Team: Blue",
		"R&D #1 (50 % off)", "Ünïcode 東京 \U0001f600", "a/b",
	} {
		m := render(t, r, dataWithNames(name))
		requireNames(t, m, name)
		requireNoLinks(t, m)
	}
}

// An address is shown only if no part of it looks like a link.
func TestRender_Class04_HidesAddressesWithLinks(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for email, shown := range map[string]bool{
		"bob@example.com":                     true,
		"bob.smith_x+acme-1@mail.example.com": true,
		"evil.example/login@example.com":      false,
		"evil.example?x@example.com":          false,
		"evil.example#x@example.com":          false,
		"evil.example%x@example.com":          false,
		"o'neill@example.com":                 false,
		"a&lt@example.com":                    false,
		"{{x}}@example.com":                   false,
	} {
		d := fullData()
		d.Email = email
		m := render(t, r, d)
		require.Equal(t, shown, strings.Contains(m.Text(), email), email)
		require.Equal(t, shown, strings.Contains(parseHTML(t, m.HTML()).text, email), email)
		require.NotContains(t, withoutToken(m.Text()+m.HTML()+m.Subject()), "evil")
	}
}

// No field and no template brings a line break, or another character that ends a header, into the
// subject.
func TestRender_Class04_KeepsSubjectOnOneLine(t *testing.T) {
	t.Parallel()
	templates := mail.BuiltIn()["en"]
	templates.Subject = "{{.Organization}}\r\nBcc: eve@example.com\n\n" +
		"{{.Inviter}} {{.Role}}{{range .Message}} {{.}}{{end}}"
	multiline := newRendererWith(t, "en", templates)
	for _, r := range []*mail.Renderer{newRenderer(t, nil), multiline} {
		for _, end := range []string{
			"\n", "\r", "\r\n", "\n\n", "\x00", "\v", "\f", "\x85", "\u0085", "\u2028", "\u2029", "\x1b", "\x7f",
			"\ud7ff\xed\xa0\x8a",
		} {
			d := dataWithNames("Acme" + end + "Bcc: eve@example.com" + end)
			d.Message = strings.Repeat("line\u2028", 60)
			requireHeader(t, render(t, r, d).Subject())
		}
	}

	subject := render(t, multiline, fullData()).Subject()
	want := "Acme Bcc: eve@example.com Ada Lovelace Developer Hello Bob, we met"
	require.True(t, strings.HasPrefix(subject, want), subject)

	const maxHeaderBytes = 998 // a line of RFC 5322
	d := dataWithNames(strings.Repeat("\U0001f600", 1000))
	require.LessOrEqual(t, len(render(t, multiline, d).Subject()), maxHeaderBytes)
}

// Mail packages do not encode a subject of ASCII characters, so an encoded word in a name would
// reach mail programs, which decode it.
func TestRender_Class04_BreaksEncodedWords(t *testing.T) {
	t.Parallel()
	templates := mail.BuiltIn()["en"]
	templates.Subject = "{{.Organization}}?utf-8?q?=0AX?= {{.Inviter}}"
	r := newRendererWith(t, "en", templates)
	d := fullData()
	d.Organization, d.Inviter = "=", "=?utf-8?q?evil=2Eexample=0A?= ==??"
	subject := render(t, r, d).Subject()
	require.Equal(t, "= ?utf-8?q?=0AX?= = ?utf-8?q?evil=2Eexample=0A?= == ??", subject)
	shown, err := new(mime.WordDecoder).DecodeHeader(mime.QEncoding.Encode("utf-8", subject))
	require.NoError(t, err)
	require.Equal(t, subject, shown)
}

func TestRender_QuotesMessage(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	const (
		persian = "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
		couple  = "\U0001f468\u200d\U0001f469"
	)
	for name, test := range map[string]struct{ message, text, html string }{
		"lines":           {"one\ntwo", "> one\n> two", "one<br>\ntwo"},
		"empty lines":     {"\n\none\n\n\n \n\ntwo\n\n", "> one\n>\n> two", "one<br>\n<br>\ntwo"},
		"line separators": {"one\u2028two\u2029three", "> one\n> two\n> three", "one<br>\ntwo<br>\nthree"},
		"direction":       {"\u202eone\u202c \u2066two\u2069", "> one two", "one two"},
		"tag characters":  {"one\U000e0001\U000e0041\U000e007f", "> one", ">one</blockquote>"},
		"stack of marks": {
			"e" + strings.Repeat("\u0301\u200d", 20) + "n", "> e\u0301\u0301\u0301\u0301n", "e\u0301\u0301\u0301\u0301n",
		},
		"joiners stay": {persian + " " + couple, "> " + persian + " " + couple, couple},
		"quotation":    {"> one\n>two", "> > one\n> >two", "&gt; one<br>\n&gt;two"},
		"long line": {
			strings.Repeat("twelve chars ", 12),
			strings.Repeat("> "+strings.Repeat("twelve chars ", 4)+"twelve chars\n", 2) + "> twelve chars twelve chars",
			"twelve chars twelve chars",
		},
		"12 lines": {
			strings.Repeat("a\n", 11) + "b  c", strings.Repeat("> a\n", 11) + "> b  c", strings.Repeat("a<br>\n", 11) + "b  c<",
		},
		"14 lines": {
			strings.Repeat("a\n", 11) + "b  c\n\nd", strings.Repeat("> a\n", 11) + "> b  c d",
			strings.Repeat("a<br>\n", 11) + "b  c d<",
		},
		"an empty twelfth line": {
			strings.Repeat("a\n", 11) + "\nb", strings.Repeat("> a\n", 11) + "> b", strings.Repeat("a<br>\n", 11) + "b<",
		},
		"250 lines": {
			strings.Repeat("a\n", 250),
			strings.Repeat("> a\n", 11) + strings.Repeat(">"+strings.Repeat(" a", 35)+"\n", 6) + ">" + strings.Repeat(" a", 29),
			strings.Repeat("a<br>\n", 11) + "a" + strings.Repeat(" a", 238) + "<",
		},
		"long word": {strings.Repeat("x", 100) + " y", "> " + strings.Repeat("x", 100) + "\n> y", "x y"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := fullData()
			d.Message = test.message
			m := render(t, r, d)
			quoted, _ := cutMessage(t, m.Text())
			require.Equal(t, test.text, quoted)
			require.Contains(t, m.HTML(), test.html)
		})
	}
}

func TestRender_OmitsInvisibleMessage(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	d := fullData()
	d.Message = " \n\u200e\n"
	m := render(t, r, d)
	d.Message = ""
	want := render(t, r, d)
	require.Equal(t, want.Text(), m.Text())
	require.Equal(t, want.HTML(), m.HTML())
}

// Render accepts every message that an invitation can have.
func TestRender_AcceptsLongestMessages(t *testing.T) {
	t.Parallel()
	ctx, svc := context.Background(), newService()
	r := newRenderer(t, nil)
	for i, message := range []string{
		strings.Repeat("\U0001f600", 500), strings.Repeat("\n", 500), strings.Repeat("a\n", 250),
		strings.Repeat("> ", 250), strings.Repeat(" ", 499) + "x", strings.Repeat("ab ", 166),
	} {
		sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
			Organization: "acme", Email: fmt.Sprintf("bob%d@example.com", i), Role: invitations.RoleViewer,
			Message: message,
		})
		require.NoError(t, err)
		d := fullData()
		d.Message = sent.Message
		m := render(t, r, d)
		require.Less(t, len(m.Text())+len(m.HTML()), 16<<10)
	}
}

// Every line of the message is marked as quoted, and the product's own text follows it.
func TestRender_Class37_MarksEveryMessageLine(t *testing.T) {
	t.Parallel()
	d := fullData()
	d.Message = "Hi\n\nIf you did not expect this, go to https://evil.example\n\n" +
		"See the invitation at:\u2028\n<https://evil.example/invite>\n" +
		strings.Repeat("word ", 40) + "Your account is locked\n-- \nThe Example team"
	m := render(t, newRenderer(t, nil), d)
	quoted, after := cutMessage(t, m.Text())
	for line := range strings.SplitSeq(quoted, "\n") {
		require.Regexp(t, `^>( |$)`, line)
	}
	require.NotContains(t, after, "evil")
	require.Equal(t, []string{link, link}, parseHTML(t, m.HTML()).links)
}

// Markup is shown as it was written in both parts: nothing is stripped and nothing is decoded.
func TestRender_Class36_EscapesHTML(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	withText := func(text, language string) mail.Data {
		d := dataWithNames(text)
		d.Message, d.Language = text+"\n"+text, language
		return d
	}
	const occurrences = 5 // three names and two lines of the message
	for _, text := range []string{
		"<b>Acme</b>", "<script>alert(1)</script>", "</p></body><a href=x>", "<img src=x onerror=alert(1)>",
		"<!--", "-->", "<![CDATA[x", "</title><b>", "</blockquote>", "<svg/onload=x>", "<a href='x'>",
		"<style>*{display: none}</style>", "'onmouseover='x", "' style='color: red", "javascript: alert(1)",
		"&lt;script&gt;", "&#60;img src=x&#62;", "&amp;lt;b&amp;gt;", "%3Cscript%3E",
	} {
		for _, language := range builtInLanguages() {
			m := render(t, r, withText(text, language))
			got := parseHTML(t, m.HTML())
			harmless := parseHTML(t, render(t, r, withText("x", language)).HTML())
			require.Equal(t, harmless.skeleton, got.skeleton, text)
			require.Equal(t, []string{link, link}, got.links)

			// A token can end in "--", and the ">" after it would make it look like "-->".
			shownHTML, shownText := withoutToken(got.text), withoutToken(unwrap(m.Text()))
			require.Equal(t, occurrences, strings.Count(shownHTML, text), "%q in %q", text, shownHTML)
			require.Equal(t, occurrences, strings.Count(shownText, text), "%q in %q", text, shownText)
		}
	}
}

// Neither the built-in nor other templates execute text from users.
func TestRender_Class37_NeverExecutesData(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for _, code := range []string{
		"{{", "}}", "{{7}}", "{{end}}", "{{printf `%d` 42}}", "{{template `text`}}",
		"${7*7}", "<%= 7*7 %>", "#{7}", "%s%d%n",
	} {
		for _, language := range builtInLanguages() {
			d := dataWithNames(code)
			d.Message, d.Language = code, language
			m := render(t, r, d)
			require.Contains(t, m.Subject(), code)
			require.Equal(t, 4, strings.Count(unwrap(m.Text()), code))
			require.Equal(t, 4, strings.Count(parseHTML(t, m.HTML()).text, code))
		}
	}

	d := dataWithNames("{{.Link}}")
	require.Equal(t, 1, strings.Count(render(t, r, d).Text(), token.Reveal()))
}
