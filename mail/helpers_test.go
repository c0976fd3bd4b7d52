package mail_test

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/mail"
)

const baseURL = "https://app.example.com/invite"

// Every run has another token. A test that compares whole texts must call withoutToken first.
var (
	token = newToken()
	link  = baseURL + "/" + token.Reveal()
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

// fullData returns data with every field except Reminder and Language.
func fullData() mail.Data {
	return mail.Data{
		Email: "bob@example.com", Token: token, Organization: "Acme", Role: "Developer",
		ExpiresAt: time.Date(2026, 3, 9, 13, 0, 0, 0, time.FixedZone("CET", 3600)),
		Inviter:   "Ada Lovelace",
		Message: "Hello Bob,\n\nwe met at the fair. Here is the organization that I told you about; " +
			"everything is in it.\n\nAda",
	}
}

// minimalData returns data without any optional field.
func minimalData() mail.Data {
	d := fullData()
	d.Inviter, d.Message = "", ""
	return d
}

// dataWithNames returns data with text in every name.
func dataWithNames(text string) mail.Data {
	d := fullData()
	d.Organization, d.Inviter, d.Role = text, text, text
	return d
}

// newRenderer returns a Renderer whose config change can modify; change may be nil.
func newRenderer(t testing.TB, change func(*mail.Config)) *mail.Renderer {
	t.Helper()
	config := mail.Config{BaseURL: baseURL, Product: "Example"}
	if change != nil {
		change(&config)
	}
	r, err := mail.New(config)
	require.NoError(t, err)
	return r
}

// newRendererWith returns a Renderer with templates for one language beside the built-in ones.
func newRendererWith(t testing.TB, tag string, templates mail.Templates) *mail.Renderer {
	t.Helper()
	return newRenderer(t, func(c *mail.Config) { c.Templates = map[string]mail.Templates{tag: templates} })
}

// builtInLanguages returns the tags of the built-in templates, sorted.
func builtInLanguages() []string { return slices.Sorted(maps.Keys(mail.BuiltIn())) }

func render(t testing.TB, r *mail.Renderer, d mail.Data) mail.Message {
	t.Helper()
	m, err := r.Render(d)
	require.NoError(t, err)
	return m
}

// cutMessage returns the personal message in the built-in text as it is quoted there, and the part
// of the text after it.
func cutMessage(t testing.TB, text string) (message, after string) {
	t.Helper()
	_, rest, found := strings.Cut(text, "Personal message:\n\n")
	require.True(t, found, text)
	message, after, found = strings.Cut(rest, "\n\n")
	require.True(t, found, text)
	require.True(t, strings.HasPrefix(after, "View the invitation to accept or decline it:"), after)
	return message, after
}

// unwrap joins the wrapped lines of names in text.
func unwrap(text string) string {
	return strings.NewReplacer("\u2069\n      \u2068", " ", "\n      ", " ").Replace(text)
}

// A document is an HTML document as a mail program sees it.
type document struct {
	skeleton []string // elements with their attributes, in order; without the values of href
	links    []string // the values of href
	text     string
}

func parseHTML(t testing.TB, source string) (d document) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(source))
	require.NoError(t, err)
	var text strings.Builder
	for node := range root.Descendants() {
		switch node.Type {
		case html.TextNode:
			text.WriteString(node.Data)
		case html.CommentNode:
			d.skeleton = append(d.skeleton, "comment")
		case html.ElementNode:
			element := node.Data
			for _, a := range node.Attr {
				switch a.Key {
				case "href":
					d.links = append(d.links, a.Val)
					element += " href"
				default:
					element += " " + a.Key + "=" + a.Val
				}
			}
			d.skeleton = append(d.skeleton, element)
		}
	}
	d.text = text.String()
	return d
}

// requireInvalid requires that err is an InvalidError with exactly this field and reason.
func requireInvalid(t testing.TB, err error, field, reason string) {
	t.Helper()
	var invalid *invitations.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.ErrorIs(t, err, invitations.ErrInvalid)
	require.Equal(t, []string{field, reason}, []string{invalid.Field, invalid.Reason})
	require.NotEmpty(t, invalid.Code)
}

// requireHeader requires one line of visible characters, needed joiners and single spaces, of at
// most 240 characters.
func requireHeader(t require.TestingT, subject string) {
	require.Regexp(t, `^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$`, withoutNeededJoiners(subject))
	require.NotRegexp(t, `^ | $|  |[\p{Z}]+[^\P{Z} ]`, subject)
	require.LessOrEqual(t, len([]rune(subject)), 240)
}

// requireNames requires that the subject contains name in quotation marks twice, as inviter and
// organization, and that the text and the HTML each contain it three times, also as role.
func requireNames(t testing.TB, m mail.Message, name string) {
	t.Helper()
	quoted := "“" + name + "”"
	require.Equal(t, quoted+" invited you to "+quoted+" on Example", m.Subject())
	require.Equal(t, 3, strings.Count(parseHTML(t, m.HTML()).text, quoted), m.HTML())
	require.Equal(t, 3, strings.Count(plain(m.Text()), quoted), m.Text())
}

// linkable matches text that mail programs turn into links. It matches more than any of them does.
var linkable = regexp.MustCompile(`(?i)` + strings.ReplaceAll(strings.Join([]string{
	`\pL[\pL\pN+.-]*:[^BORDER]`,                   // a scheme
	`[^BORDER][@＠]|[@＠][^BORDER]`,                 // an address
	`www\.[\pL\pN\pM\pS]{2}`,                      // a host; no top-level domain has a single letter
	`[^BORDER][.。．｡][\pL\pN\pM]*\pL[\pL\pN\pM_-]`, // a domain
	`[^BORDER][.。．｡](\pS|\pL[\pN\pM_-])`,          // a domain with symbols, or with a letter and a digit
	`\d[.。．｡]\d+[.。．｡]\d+[.。．｡]\d`,                // an IP address
	`\\\\`, // a Windows share
}, "|"), "BORDER", border))

// border has the characters between which the templates set a name. No name contains one of the
// quotation marks or isolates.
const border = `\s\x{a0}“”„«»\x{2068}\x{2069}`

// requireNoLinks requires that nothing in the subject and the text is clickable, apart from the
// link, the recipient's address and the personal message.
func requireNoLinks(t require.TestingT, m mail.Message) {
	text := strings.Replace(m.Text(), "<"+link+">", "", 1)
	if before, rest, quoted := strings.Cut(text, "\n> "); quoted {
		_, after, _ := strings.Cut(rest, "\n\n")
		text = before + after
	}
	text = regexp.MustCompile(`([`+border+`])`+regexp.QuoteMeta(m.To())).ReplaceAllString(text, "$1")
	require.NotRegexp(t, linkable, text)
	require.NotRegexp(t, linkable, m.Subject())
}

func TestLinkable_MatchesLinks(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"evil.example", "http://evil.example", "x:y", "www.x.example", "a@b", `\\evil\share`, "1.2.3.4",
		"see evil.example.", "evil。example", "evil.ⓒⓞⓜ",
	} {
		require.Regexp(t, linkable, text)
	}
}
