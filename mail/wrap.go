package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxColumns     = 72 // characters in a line of the text part
	maxIndentBytes = 8  // of a line that is wrapped
	quoteMark      = "> "
	hangingIndent  = "    "
)

// wrap breaks the lines of text that are longer than maxColumns, and removes empty lines at both
// ends.
func wrap(text string) string {
	text = strings.TrimRightFunc(text, unicode.IsSpace)
	text = strings.TrimLeft(text, "\n") // the first line keeps its indentation
	var out strings.Builder
	for l := range strings.SplitSeq(text, "\n") {
		wrapLine(&out, strings.TrimRightFunc(l, unicode.IsSpace))
	}
	return out.String()
}

// wrapLine writes l, broken at spaces if it is too long. A word that is too long stays whole.
// An isolate ends with its line, so where one is open it ends and begins again.
func wrapLine(out *strings.Builder, l string) {
	if utf8.RuneCountInString(l) <= maxColumns {
		out.WriteString(l + "\n")
		return
	}
	first, next, rest := linePrefixes(l)
	current, hasWords := first, false
	for word := range strings.FieldsFuncSeq(rest, func(r rune) bool { return r == ' ' }) {
		if hasWords && utf8.RuneCountInString(current+" "+word) > maxColumns {
			open := openIsolates(current)
			out.WriteString(current + strings.Repeat(pdi, open) + "\n")
			current, hasWords = next+strings.Repeat(fsi, open), false
		}
		if hasWords {
			current += " "
		}
		current += word
		hasWords = true
	}
	out.WriteString(current + "\n")
}

// linePrefixes returns the prefix of the first and of each following line into which l is broken,
// and l without its prefix. A quotation stays quoted. Other lines follow with a deeper indentation,
// so that a name in an indented line never looks like a line of its own.
func linePrefixes(l string) (first, next, rest string) {
	if rest, quoted := strings.CutPrefix(l, quoteMark); quoted {
		return quoteMark, quoteMark, rest
	}
	rest = strings.TrimLeft(l, " \t")
	indent := l[:min(len(l)-len(rest), maxIndentBytes)]
	if indent == "" {
		return "", "", rest
	}
	return indent, indent + hangingIndent, rest
}
