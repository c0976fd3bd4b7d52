package mail_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/go-invitations/invitations/mail"
)

// quotes has the quotation marks of each built-in language. What stands between them is from users.
var quotes = map[string][2]string{
	"ar": {"«", "»"}, "de": {"„", "“"}, "en": {"“", "”"}, "es": {"«", "»"}, "fr": {"« ", " »"}, "pt": {"“", "”"},
}

// plain returns text without isolates and with plain spaces.
func plain(text string) string {
	return strings.NewReplacer("\u2068", "", "\u2069", "", "\u00a0", " ").Replace(unwrap(text))
}

// In every language, names stand between quotation marks that they cannot close, in all parts.
func TestBuiltIn_Class37_QuotesNames(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	const name = "Your account is locked“”\"«»‹›„ ≪ 《 ❝ ″〃 '' >> now"
	const shown = "Your account is locked' ' ' ' ' ' > now"
	require.Len(t, quotes, len(mail.BuiltIn()))
	for language, marks := range quotes {
		for _, reminder := range []bool{false, true} {
			d := dataWithNames(name)
			d.Language, d.Reminder, d.Message = language, reminder, ""
			m := render(t, r, d)
			requireHeader(t, m.Subject())
			requireNoLinks(t, m)
			quoted := marks[0] + shown + marks[1]
			require.Equal(t, 2, strings.Count(m.Subject(), quoted), m.Subject())
			require.Equal(t, 3, strings.Count(plain(m.Text()), quoted), m.Text())
			require.Equal(t, 3, strings.Count(plain(parseHTML(t, m.HTML()).text), quoted), m.HTML())
			for _, part := range []string{m.Subject(), plain(m.Text()), plain(parseHTML(t, m.HTML()).text)} {
				require.NotContains(t, strings.ReplaceAll(part, quoted, ""), "Your account")
			}
		}
	}
}

// The longest names do not push a closing quotation mark out of the subject.
func TestBuiltIn_Class37_ClosesLongestNames(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, func(c *mail.Config) { c.Product = strings.Repeat("P", 80) })
	for language, marks := range quotes {
		for _, reminder := range []bool{false, true} {
			d := dataWithNames(strings.Repeat("n", 80))
			d.Language, d.Reminder = language, reminder
			subject := render(t, r, d).Subject()
			require.Equal(t, 2, strings.Count(subject, "n"+marks[1]), subject)
		}
	}
}

// A mail has one button, after the personal message and before the link.
func TestBuiltIn_HasOneButton(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for _, language := range builtInLanguages() {
		d := fullData()
		d.Language = language
		m := render(t, r, d)
		message := strings.Index(m.HTML(), "Hello Bob")
		button := strings.Index(m.HTML(), `<a href="`+link+`" style="display: inline-block`)
		expiry := strings.Index(m.HTML(), "2026")
		below := strings.Index(m.HTML(), ">"+link+"</a>")
		require.IsIncreasing(t, []int{0, message, button, expiry, below}, language)
		require.Equal(t, 1, strings.Count(m.HTML(), "display: inline-block"))
		require.IsIncreasing(t, []int{0, strings.Index(m.Text(), "\n> Hello"), strings.Index(m.Text(), "\n<"+link), strings.Index(m.Text(), "2026")})
	}
}

// The dark colours replace every light one, and both are legible.
func TestBuiltIn_HasDarkColours(t *testing.T) {
	t.Parallel()
	m := render(t, newRenderer(t, nil), fullData())
	require.Contains(t, m.HTML(), `<meta name="color-scheme" content="light dark">`)
	_, dark, found := strings.Cut(m.HTML(), "@media (prefers-color-scheme: dark)")
	require.True(t, found)
	dark, _, _ = strings.Cut(dark, "</style>")
	colour := regexp.MustCompile(`(?:^|[; ])(color|background-color|border(?:-color)?): (?:1px solid )?#\w{6}`)
	root, err := html.Parse(strings.NewReader(m.HTML()))
	require.NoError(t, err)
	styled := 0
	for node := range root.Descendants() {
		attributes := map[string]string{}
		for _, a := range node.Attr {
			attributes[a.Key] = a.Val
		}
		if node.Data == "a" || attributes["bgcolor"] != "" {
			continue // the button is the same in both
		}
		for _, property := range colour.FindAllStringSubmatch(attributes["style"], -1) {
			rule := regexp.MustCompile(`\.` + attributes["class"] + ` \{[^}]*\b` + property[1] + `(-color)?: #\w{6} !important`)
			require.NotEmpty(t, attributes["class"])
			require.Regexp(t, rule, dark)
			styled++
		}
	}
	require.Greater(t, styled, 5)
}

// Each language words the expiry with its own names of days and months, and its own grammar.
func TestBuiltIn_WordsExpiry(t *testing.T) {
	t.Parallel()
	at := func(month time.Month, day, hour int) time.Time {
		return time.Date(2026, month, day, hour, 5, 0, 0, time.UTC)
	}
	for language, want := range map[string]map[time.Time]string{
		"ar": {
			at(3, 9, 12): "الاثنين، 9 مارس 2026، الساعة 12:05 (UTC)",
			at(11, 1, 1): "الأحد، 1 نوفمبر 2026، الساعة 01:05 (UTC)",
		},
		"de": {
			at(3, 9, 12): "Montag, 9.\u00a0März 2026, 12:05 Uhr (UTC)",
			at(11, 1, 1): "Sonntag, 1.\u00a0November 2026, 01:05 Uhr (UTC)",
		},
		"en": {
			at(3, 9, 12): "Monday, 9 March 2026 at 12:05 UTC",
			at(11, 1, 1): "Sunday, 1 November 2026 at 01:05 UTC",
		},
		"es": {
			at(3, 9, 12): "lunes 9 de marzo de 2026 a las 12:05 (UTC)",
			at(11, 1, 1): "domingo 1 de noviembre de 2026 a la 01:05 (UTC)",
		},
		"fr": {
			at(3, 9, 12): "lundi 9\u00a0mars 2026 à 12:05 (UTC)",
			at(11, 1, 1): "dimanche 1er\u00a0novembre 2026 à 01:05 (UTC)",
		},
		"pt": {
			at(3, 9, 12): "segunda-feira, 9 de março de 2026, às 12:05 (UTC)",
			at(11, 1, 1): "domingo, 1º de novembro de 2026, à 01:05 (UTC)",
		},
	} {
		format := mail.BuiltIn()[language].FormatTime
		for at, text := range want {
			require.Equal(t, text, format(at))
		}
		days, months := map[string]bool{}, map[string]bool{}
		for i := range 12 {
			days[format(at(3, 1+i%7, 12))] = true
			months[format(at(time.Month(1+i), 9, 12))] = true
		}
		require.Len(t, days, 7)
		require.Len(t, months, 12)
	}
}

// A host replaces built-in templates by its own for the same tag, however it spells the tag, and
// adds those of a region.
func TestNew_ReplacesBuiltIn(t *testing.T) {
	t.Parallel()
	own := mail.Templates{Subject: "own", Text: "{{.Link}}", HTML: "{{.Link}}"}
	r := newRenderer(t, func(c *mail.Config) {
		c.Language = "fr"
		c.Templates = map[string]mail.Templates{"DE": own, "pt-PT": own}
	})
	for language, isOwn := range map[string]bool{
		"de": true, "de-AT": true, "pt-PT": true, "pt": false, "pt-BR": false, "fr-CA": false, "ar-EG": false,
	} {
		d := fullData()
		d.Language = language
		require.Equal(t, isOwn, render(t, r, d).Subject() == "own", language)
	}
	d := fullData()
	d.Language = "da"
	require.Contains(t, render(t, r, d).Subject(), "vous invite")
}
