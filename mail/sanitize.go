package mail

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds in characters, unless the name says bytes.
const (
	maxSubject   = 240
	maxName      = 80
	maxNameBytes = 4096 // limits the work on a name of any length
	maxMessage   = 500  // the bound of an invitation's message

	maxMessageLines = 12 // more would push the button out of sight
)

// name returns s in a form that can stand beside the product's own words: one line, in which a
// mail program finds nothing to make a link of.
//
// The changes must be visible. A program that skips invisible characters would still make a link
// of a text that only such characters break up.
func name(s string) string {
	s = line(strings.Map(withoutQuote, s[:min(len(s), maxNameBytes)]))
	// A mark at the start would change the character before the name. A joiner or a space can
	// follow it.
	runes := []rune(strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsMark(r) || isJoiner(r) || r == ' ' }))
	var out strings.Builder
	for i, r := range runes {
		switch {
		case i > 0 && r == runes[i-1] && strings.ContainsRune("'<>", r): // two look like a quotation mark
		case strings.ContainsRune(dots, r) && joinsLabels(runes, i):
			out.WriteRune('·')
		case strings.ContainsRune(atSigns, r), r == '\\': // Windows makes a link of \\server
			out.WriteString(" " + string(r) + " ")
		case r == ':':
			out.WriteString(": ")
		default:
			out.WriteRune(r)
		}
	}
	return truncate(strings.Join(strings.Fields(out.String()), " "), maxName)
}

// withoutQuote returns an apostrophe for a quotation mark, and every other character as it is.
func withoutQuote(r rune) rune {
	if unicode.In(r, unicode.Quotation_Mark, likeQuotes) {
		return '\''
	}
	return r
}

// likeQuotes look like quotation marks. Unicode does not count them as such.
var likeQuotes = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x02ba, 0x02ba, 1}, {0x02dd, 0x02dd, 1}, {0x02ee, 0x02ee, 1}, {0x2033, 0x2034, 1}, {0x2036, 0x2037, 1},
		{0x226a, 0x226b, 1}, {0x22d8, 0x22d9, 1}, {0x275b, 0x2760, 1}, {0x276e, 0x276f, 1}, {0x27ea, 0x27eb, 1},
		{0x3003, 0x3003, 1}, {0x300a, 0x300b, 1},
	},
	R32: []unicode.Range32{{0x1f676, 0x1f678, 1}},
}

// Browsers take each of these for the dot of a domain (RFC 3490, 3.1) or for an at sign.
const (
	dots    = ".\u3002\uff0e\uff61"
	atSigns = "@\uff20"
)

// joinsLabels reports whether the dot at runes[i] could join two labels of a domain. A dot before
// a single capital does not, because no top-level domain has one letter.
func joinsLabels(runes []rune, i int) bool {
	if runeAt(runes, i-1) == ' ' || !beginsLabel(runeAt(runes, i+1)) {
		return false
	}
	isInitial := unicode.IsUpper(runeAt(runes, i+1)) && endsLabel(runeAt(runes, i+2))
	return !isInitial
}

// runeAt returns runes[i], or a space outside the bounds.
func runeAt(runes []rune, i int) rune {
	if i < 0 || i >= len(runes) {
		return ' '
	}
	return runes[i]
}

// beginsLabel reports whether a label of a domain can begin with r. Browsers read some symbols as
// letters: ⓒ is c, and ₨ is rs.
func beginsLabel(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.M, unicode.S) }

// endsLabel reports whether a label of a domain ends before r.
func endsLabel(r rune) bool { return r == ' ' || strings.ContainsRune(dots, r) }

// subjectLine returns the subject for the output of a template.
func subjectLine(s string) string {
	// Mail packages do not encode a subject of only ASCII characters. Mail programs would then take
	// "=?" for the start of an encoded word (RFC 2047).
	return truncate(strings.ReplaceAll(line(s), "=?", "= ?"), maxSubject)
}

// line returns s as one line of visible characters and single spaces.
func line(s string) string {
	visible := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2800': // Unicode does not count the Braille blank as a space
			return ' '
		case isJoiner(r): // dropJoiners decides
			return r
		case unicode.In(r, unicode.Cf, unicode.Co, // format characters and private use
			unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(dropJoiners(limitMarks(visible))), " ")
}

// truncate returns s if it has at most n characters, and otherwise its beginning and an ellipsis,
// n characters together.
func truncate(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	cut := dropJoiners(string([]rune(s)[:n-1])) // some joiners need the character after them
	return strings.TrimRight(cut, ` :\`+dots+atSigns+string(zwnj)+string(zwj)) + "…"
}

// limitMarks keeps at most four marks on each character, the limit of UTS 39 (5.4). A taller stack
// of marks would cover the lines above and below, which are the product's. A joiner between marks
// does not count, and does not begin a new stack.
func limitMarks(s string) string {
	const maxMarks = 4
	marks := 0
	return strings.Map(func(r rune) rune {
		switch {
		case isJoiner(r):
		case !unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
			marks = 0
		case marks == maxMarks:
			return -1
		default:
			marks++
		}
		return r
	}, s)
}

// messageLines returns the lines of a personal message. Its last line has the words of all lines
// beyond the bound, so that none is lost. It refuses a message that an invitation
// cannot have.
func messageLines(message string) ([]string, error) {
	switch {
	// Bytes are compared first, because counting the characters of a long text takes time.
	case len(message) > maxMessage*utf8.UTFMax || utf8.RuneCountInString(message) > maxMessage:
		return nil, invalid("message", "too_long", "must have at most 500 characters", "max", "500", "unit", "characters")
	case !utf8.ValidString(message):
		return nil, invalid("message", "not_utf8", "must be valid UTF-8")
	case strings.ContainsFunc(message, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }):
		return nil, invalid("message", "control_character", "must not contain a control character")
	}
	message = strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.Zl, unicode.Zp):
			return '\n'
		case unicode.In(r, unicode.Bidi_Control, tagCharacters):
			return -1
		}
		return r
	}, message)
	var lines []string
	for l := range strings.SplitSeq(strings.TrimSpace(dropJoiners(limitMarks(message))), "\n") {
		l = strings.TrimRightFunc(l, unicode.IsSpace)
		// More than one empty line would only push the rest of the email out of sight.
		followsText := len(lines) > 0 && lines[len(lines)-1] != ""
		if l != "" || followsText {
			lines = append(lines, l)
		}
	}
	if len(lines) > maxMessageLines {
		const last = maxMessageLines - 1
		rest := slices.DeleteFunc(lines[last:], func(l string) bool { return l == "" })
		lines = append(lines[:last], strings.Join(rest, " "))
	}
	return lines, nil
}

// tagCharacters are invisible copies of ASCII characters. Programs can read a text in them that
// people cannot see.
var tagCharacters = &unicode.RangeTable{R32: []unicode.Range32{{Lo: 0xe0000, Hi: 0xe007f, Stride: 1}}}

// shownEmail returns a canonical address, or "" if a mail program could take a part of it for a
// link. One such address is evil.example/login@example.com.
func shownEmail(email string) string {
	if !consistsOf(email, lettersAndDigits+".@+-_") {
		return ""
	}
	return email
}
