package mail_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/idna"

	"github.com/go-invitations/invitations/mail"
)

// Words that are misspelt without their joiners.
var wordsWithJoiners = map[string]string{
	"Persian, verb":                "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
	"Persian, plural":              "\u0634\u0631\u06a9\u062a\u200c\u0647\u0627",
	"Persian, name":                "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
	"Persian, two joiners":         "\u0645\u06cc\u200c\u0628\u06cc\u0646\u06cc\u0645\u200c\u062a",
	"Persian, vowel signs":         "\u0645\u06cc\u0650\u0651\u200c\u064e\u062e\u0648\u0627\u0647\u0645",
	"Persian, five signs":          "\u0645\u064e\u0651\u0653\u0670\u200c\u062e",
	"Urdu":                         "\u062e\u0648\u0634\u200c\u0622\u0645\u062f\u06cc\u062f",
	"Kurdish":                      "\u0645\u06ce\u200c\u0632",
	"Syriac":                       "\u0712\u200c\u0710",
	"Adlam, a capital":             "\U0001e900\u200c\U0001e923",
	"Adlam, the nasalization mark": "\U0001e922\U0001e94b\u200c\U0001e923",
	"Mongolian":                    "\u1820\u200c\u1821",
	"Phags-pa":                     "\ua872\u200c\ua840",
	"Hindi":                        "\u0930\u094d\u200d\u092f \u0936\u0915\u094d\u200c\u0924\u093f",
	"Marathi":                      "\u0926\u0930\u094d\u200d\u092f\u093e",
	"Bengali":                      "\u0989\u09a4\u09cd\u200d\u09b8\u09ac",
	"Nepali, a nukta":              "\u0917\u093c\u094d\u200d\u0930",
	"Kannada":                      "\u0cb0\u0ccd\u200d\u0c95",
	"Malayalam, at the end":        "\u0d05\u0d35\u0d28\u0d4d\u200d",
	"Sinhala":                      "\u0dc1\u0dca\u200d\u0dbb\u0dd3 \u0dbd\u0d82\u0d9a\u0dcf",
	"Khmer":                        "\u1780\u17d2\u200c\u1780",
	"Grantha":                      "\U00011315\U0001134d\u200d",
	"emoji, a couple":              "\U0001f468\U0001f3fd\u200d\u2764\u200d\U0001f469",
	"emoji, shaking and nodding":   "\U0001f642\u200d\u2194 \U0001f642\u200d\u2195",
}

// Names, subject and message keep the joiners that a word needs.
func TestRender_KeepsJoinersOfWords(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for name, word := range wordsWithJoiners {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dataWithNames(word + " (" + word + ")")
			d.Message = word + "\n" + word
			m := render(t, r, d)
			requireNames(t, m, d.Organization)
			quoted, _ := cutMessage(t, m.Text())
			require.Equal(t, "> "+word+"\n> "+word, quoted)
			require.Contains(t, m.HTML(), ">"+word+"<br>\n"+word+"</blockquote>")
		})
	}
}

func TestNew_KeepsJoinersOfProductAndSubject(t *testing.T) {
	t.Parallel()
	const word = "\u0634\u0631\u06a9\u062a\u200c\u0647\u0627"
	templates := mail.BuiltIn()["en"]
	templates.Subject = word + " {{.Product}}"
	r := newRenderer(t, func(c *mail.Config) {
		c.Product, c.Templates = word, map[string]mail.Templates{"en": templates}
	})
	require.Equal(t, word+" "+word, render(t, r, fullData()).Subject())
}

// A joiner that changes nothing in a word is invisible. It could make two names look the same.
func TestRender_Class37_DropsOtherJoiners(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	for name, test := range map[string]struct{ given, want string }{
		"in Latin":                {"Ac\u200cme\u200d", "Acme"},
		"in digits":               {"1\u200c2\u200d3", "123"},
		"in Cyrillic":             {"\u043f\u200c\u0440\u200d\u0438", "\u043f\u0440\u0438"},
		"in Hebrew":               {"\u05d0\u200c\u05d1\u200d\u05d2", "\u05d0\u05d1\u05d2"},
		"in Devanagari":           {"\u0915\u200d\u0937\u200c\u0915", "\u0915\u0937\u0915"},
		"at the start":            {"\u200c\u0628\u0627", "\u0628\u0627"},
		"at the end":              {"\u0628\u0628\u200c", "\u0628\u0628"},
		"before a space":          {"\u0628\u200c \u0628", "\u0628 \u0628"},
		"after a space":           {"\u0628 \u200c\u0628", "\u0628 \u0628"},
		"before a Latin letter":   {"\u0628\u200ca", "\u0628a"},
		"before a tatweel":        {"\u0628\u200c\u0640", "\u0628\u0640"},
		"before a full stop":      {"\u0628\u200c. \u0628", "\u0628. \u0628"},
		"after a right-joining":   {"\u0645\u062d\u0645\u062f\u200c\u062d\u0633\u06cc\u0646", "\u0645\u062d\u0645\u062f\u062d\u0633\u06cc\u0646"},
		"before a left-joining":   {"\ua840\u200c\ua872", "\ua840\ua872"},
		"after a hamza":           {"\u0621\u200c\u0628", "\u0621\u0628"},
		"ZWJ between Arabic":      {"\u0628\u200d\u0628", "\u0628\u0628"},
		"ZWJ at an Arabic end":    {"\u0647\u200d", "\u0647"},
		"two":                     {"\u0628\u200c\u200c\u0628", "\u0628\u200c\u0628"},
		"a ZWJ and a ZWNJ":        {"\u0628\u200d\u200c\u0628", "\u0628\u200c\u0628"},
		"two after a virama":      {"\u0915\u094d\u200d\u200c\u200d\u0937", "\u0915\u094d\u200d\u0937"},
		"two around a mark":       {"\u0628\u200c\u0651\u200c\u0628", "\u0628\u0651\u200c\u0628"},
		"a vowel after a virama":  {"\u0915\u094d\u093f\u200d\u0937", "\u0915\u094d\u093f\u0937"},
		"stack of viramas":        {"\u0915" + strings.Repeat("\u094d\u200d", 9), "\u0915" + strings.Repeat("\u094d\u200d", 4)},
		"an excess virama":        {"\u0915\u0301\u0302\u0303\u0304\u094d\u200d\u0937", "\u0915\u0301\u0302\u0303\u0304\u0937"},
		"between signs":           {"\u00a9\u200d\u00ae\u200d\ufffd\u200d\ufffd", "\u00a9\u00ae\ufffd\ufffd"},
		"one side an emoji":       {"\u2764\u200da\u200d\u2764", "\u2764a\u2764"},
		"after a sign":            {"\u2764^\u200d\u2764", "\u2764^\u2764"},
		"two between emoji":       {"\u2764\u200d\u200d\u2764", "\u2764\u200d\u2764"},
		"before dropped controls": {"\u0628\u202e\u200c\u2066\u0628\u2069", "\u0628\u200c\u0628"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dataWithNames("x " + test.given + " y")
			d.Message = "x\n" + test.given + "\ny"
			m := render(t, r, d)
			requireNames(t, m, "x "+test.want+" y")
			quoted, _ := cutMessage(t, m.Text())
			require.Equal(t, "> x\n> "+test.want+"\n> y", quoted)
		})
	}
	for given, want := range map[string]string{
		"evil.\u200cexample":               "evil·example",
		"ev\u200cil\u200d.\u200dexample":   "evil·example",
		"\u0628\u200c\u0628.\u0628\u200dx": "\u0628\u200c\u0628·\u0628x",
		"\u0915\u094d\u200d.example":       "\u0915\u094d\u200d·example",
		"evil.\u094d\u200dexample":         "evil·\u094d\u200dexample",
		"=\u200c?\u200dutf-8":              "= ?utf-8",
	} {
		d := fullData()
		d.Organization = given
		require.True(t, strings.HasSuffix(render(t, r, d).Subject(), "“"+want+"” on Example"), given)
	}
}

// The tables agree with package idna, which has them for another purpose, on every character that
// it does not map to others.
func TestJoiningTables_AgreeWithIDNA(t *testing.T) {
	t.Parallel()
	lookup := idna.New(idna.MapForLookup())
	want := map[string]bool{} // by text, whether its joiner stays
	for c := rune(0xa1); c <= unicode.MaxRune; c++ {
		if !unicode.In(c, unicode.L, unicode.M, unicode.Cf) || unicode.In(c, unicode.Bidi_Control, unicode.Join_Control) ||
			unicode.In(c, unicode.Han, unicode.Hangul) || 0xe0000 <= c && c <= 0xe007f { // tag characters are dropped
			continue
		}
		if mapped, err := lookup.ToUnicode("a" + string(c)); err == nil && mapped != "a"+string(c) {
			continue
		}
		virama, joining, transparent := "a"+string(c)+zwj+"a", "a"+string(c)+zwnj+alef, beh+string(c)+zwnj+alef
		for _, text := range []string{virama, joining, transparent} {
			want[text] = idnaAccepts(text)
		}
		if want[transparent] && !want[joining] {
			want[beh+zwnj+string(c)+alef] = true
		} else if after := beh + zwnj + string(c) + "a"; !idnaAccepts(after) {
			want[after] = false // it also accepts characters that do not join
		}
	}
	require.Greater(t, len(want), 20_000)
	requireJoiners(t, want)
}

// Nearly all letters of these scripts join to the previous letter.
func TestJoiningTables_HaveCursiveScripts(t *testing.T) {
	t.Parallel()
	const others = "\u0621\u0674\u0861\u0866\u0883\u0884\u0885\u0887\u08ad\U00010d00"
	want := map[string]bool{}
	for c := rune(0x0620); c <= 0x1e943; c++ {
		isForm := 0xfb50 <= c && c <= 0xfeff || 0x1e000 <= c && c <= 0x1e8ff
		if unicode.In(c, unicode.Arabic, unicode.Syriac, unicode.Mandaic, unicode.Nko, unicode.Adlam,
			unicode.Hanifi_Rohingya, unicode.Psalter_Pahlavi, unicode.Old_Uyghur) && unicode.In(c, unicode.Lo, unicode.Lu, unicode.Ll) && !isForm {
			want[beh+zwnj+string(c)+"a"] = !strings.ContainsRune(others, c)
		}
	}
	require.Greater(t, len(want), 400)
	requireJoiners(t, want)
}

const (
	zwnj = "\u200c"
	zwj  = "\u200d"
	beh  = "\u0628" // joins on both sides
	alef = "\u0627" // joins to the previous letter
)

// requireJoiners renders each text, and requires that its joiner stays or is dropped as want says.
func requireJoiners(t *testing.T, want map[string]bool) {
	t.Helper()
	r := newRenderer(t, nil)
	for texts := range slices.Chunk(slices.Sorted(maps.Keys(want)), 12) { // a mail shows 12 lines
		d := fullData()
		d.Message = strings.Join(texts, "\n")
		quoted, _ := cutMessage(t, render(t, r, d).Text())
		lines := strings.Split(quoted, "\n")
		require.Len(t, lines, len(texts))
		for i, text := range texts {
			if got := lines[i] == "> "+text; got != want[text] {
				t.Errorf("%+q: stays %v, want %v", text, got, want[text])
			}
		}
	}
}

// idnaAccepts reports whether package idna accepts the joiners in label.
func idnaAccepts(label string) bool {
	_, err := idna.New(idna.CheckJoiners(true)).ToUnicode(label)
	return err == nil
}

// withoutNeededJoiners returns s without the joiners that can be needed where they stand.
func withoutNeededJoiners(s string) string {
	runes := []rune(s)
	var out strings.Builder
	for i, r := range runes {
		if string(r) != zwnj && string(r) != zwj || !canBeNeeded(runes, i) {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// canBeNeeded reports whether package idna accepts the joiner at runes[i] or cannot judge it, or
// emoji are around it.
func canBeNeeded(runes []rune, i int) bool {
	isMark := func(r rune) bool { return unicode.In(r, unicode.M, unicode.Cf) || r == '\U0001e94b' }
	neighbour := func(step int) rune {
		j := i + step
		for ; j >= 0 && j < len(runes); j += step {
			if !isMark(runes[j]) {
				return unicode.ToLower(runes[j]) // idna maps capitals
			}
		}
		return ' '
	}
	before, after := neighbour(-1), neighbour(1)
	switch {
	case i > 0 && idnaAccepts("a"+string(runes[i-1:i+1])+"a") && isMark(runes[i-1]):
		return true
	case string(runes[i]) == zwnj && idnaAccepts("a"+string(before)+zwnj+string(after)):
		return true
	case i > 0 && !idnaKnows(runes[i-1]) || !idnaKnows(before) || !idnaKnows(after):
		return true
	}
	return string(runes[i]) == zwj && joinsEmoji(runes, i)
}

// idnaKnows reports whether package idna has the class and the joining type of c. It has none of
// characters that it maps to others, and of those that are newer than its tables.
func idnaKnows(c rune) bool {
	if !unicode.IsGraphic(c) && !unicode.Is(unicode.Cf, c) {
		return false
	}
	mapped, err := idna.New(idna.MapForLookup()).ToUnicode("a" + string(c))
	return err != nil || mapped == "a"+string(c)
}

// joinsEmoji reports whether runes[i] is between characters of blocks that have emoji. The first
// can have a variation selector or a colour of the skin.
func joinsEmoji(runes []rune, i int) bool {
	inBlock := func(r rune) bool { return 0x2190 <= r && r < 0x2c00 || 0x1f000 <= r && r < 0x1fb00 }
	before := strings.TrimRight(string(runes[:i]), "\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
	last, _ := utf8.DecodeLastRuneInString(before)
	return inBlock(last) && i+1 < len(runes) && inBlock(runes[i+1])
}
