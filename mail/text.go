package mail

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName         = 80
	maxNameBytes    = 4096 // before anything is dropped
	maxMessageRunes = 500
	columns         = 72
)

// line returns s as one line of visible characters and single spaces.
func line(s string) string {
	visible := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2800': // the blank of Braille is no space to Unicode
			return ' '
		case unicode.In(r, unicode.Cf, unicode.Co, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(unstack(visible)), " ")
}

var stack = regexp.MustCompile(`([\p{Mn}\p{Me}\p{Cf}]{4})[\p{Mn}\p{Me}\p{Cf}]+`)

// unstack leaves each character at most four marks, as many as UTS 39 (5.4) allows. A tower of
// them would lie over the lines above and below, which are the product's.
func unstack(s string) string { return stack.ReplaceAllString(s, "$1") }

// What a browser takes for the dot of a domain (RFC 3490, 3.1), and for an at sign.
const (
	dots = ".\u3002\uff0e\uff61"
	ats  = "@\uff20"
)

// name returns s as it can stand beside the product's own words, with no piece that a mail
// program would make a link of. The changes can be seen: a program that skips invisible
// characters would make a link of a text which those alone break up.
func name(s string) string {
	s = line(s[:min(len(s), maxNameBytes)])
	in := []rune(strings.TrimLeftFunc(s, unicode.IsMark)) // which would be on what is before the name
	at := func(i int) rune {
		if i < 0 || i >= len(in) {
			return ' '
		}
		return in[i]
	}
	var out strings.Builder
	for i, r := range in {
		after := at(i + 1)
		switch {
		case unicode.Is(unicode.Quotation_Mark, r):
			out.WriteByte('\'')
		case strings.ContainsRune(dots, r) && at(i-1) != ' ' && isLabel(after) && !(unicode.IsUpper(after) && endsLabel(at(i+2))):
			out.WriteRune('·')
		case strings.ContainsRune(ats, r), r == '\\': // Windows makes a link of \\server
			out.WriteByte(' ')
			out.WriteRune(r)
			out.WriteByte(' ')
		case r == ':':
			out.WriteString(": ")
		default:
			out.WriteRune(r)
		}
	}
	return cut(strings.Join(strings.Fields(out.String()), " "), maxName)
}

// isLabel reports whether a label of a domain can begin with r. Browsers read some symbols as
// letters: ⓒ is c, and ₨ is rs.
func isLabel(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.M, unicode.S) }

// endsLabel reports whether r cannot be in a label.
func endsLabel(r rune) bool { return r == ' ' || strings.ContainsRune(dots, r) }

// cut returns s, or its beginning and an ellipsis, in at most n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:n-1]), " .:@\\") + "…"
}

// tags spell a text that only programs see.
var tags = &unicode.RangeTable{R32: []unicode.Range32{{Lo: 0xe0000, Hi: 0xe007f, Stride: 1}}}

// quotation returns the lines of a personal message. It refuses what the library refuses in an
// invitation.
func quotation(message string) ([]string, error) {
	switch {
	case len(message) > maxMessageRunes*utf8.UTFMax || utf8.RuneCountInString(message) > maxMessageRunes:
		return nil, invalid("message", "has more than 500 characters")
	case !utf8.ValidString(message):
		return nil, invalid("message", "is not valid UTF-8")
	case strings.ContainsFunc(message, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }):
		return nil, invalid("message", "has a control character")
	}
	message = strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.Zl, unicode.Zp):
			return '\n'
		case unicode.Is(unicode.Bidi_Control, r), unicode.Is(tags, r):
			return -1
		}
		return r
	}, message)
	var lines []string
	for l := range strings.SplitSeq(strings.TrimSpace(unstack(message)), "\n") {
		l = strings.TrimRightFunc(l, unicode.IsSpace)
		// One empty line is a paragraph; more only push the rest of the mail out of sight.
		if l != "" || len(lines) > 0 && lines[len(lines)-1] != "" {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// readable returns a canonical address, or "" if a mail program could take a part of it for a
// link: evil.example/login@example.com is an address too.
func readable(email string) string {
	if strings.Trim(email, letters+".@+-_") != "" {
		return ""
	}
	return email
}

// wrap breaks the lines of a text that are too long, where they have spaces. What goes on in the
// next line is quoted like the first, or indented deeper, so that a name in an indented line never
// begins one.
func wrap(text string) string {
	var out strings.Builder
	text = strings.TrimRightFunc(text, unicode.IsSpace)
	for l := range strings.SplitSeq(strings.TrimLeft(text, "\n"), "\n") { // the indent stays
		l = strings.TrimRightFunc(l, unicode.IsSpace)
		if utf8.RuneCountInString(l) <= columns {
			out.WriteString(l + "\n")
			continue
		}
		now, next := "> ", "> "
		rest, quoted := strings.CutPrefix(l, now)
		if !quoted {
			rest = strings.TrimLeft(l, " \t")
			now, next = l[:min(len(l)-len(rest), 8)], ""
			if now != "" {
				next = now + "    "
			}
		}
		empty := true
		for word := range strings.FieldsFuncSeq(rest, func(r rune) bool { return r == ' ' }) {
			if !empty && utf8.RuneCountInString(now)+1+utf8.RuneCountInString(word) > columns {
				out.WriteString(now + "\n")
				now, empty = next, true
			}
			if !empty {
				now += " "
			}
			now, empty = now+word, false
		}
		out.WriteString(now + "\n")
	}
	return out.String()
}
