package mail

import (
	"strings"
	"unicode"
)

// The isolates are invisible characters. A text between them does not change the order of the text
// around it.
const (
	fsi = "\u2068" // FIRST STRONG ISOLATE
	pdi = "\u2069" // POP DIRECTIONAL ISOLATE
)

// rightToLeft has the blocks in which Unicode places scripts that are written from right to left.
var rightToLeft = &unicode.RangeTable{
	R16: []unicode.Range16{{0x0590, 0x08ff, 1}, {0xfb1d, 0xfdff, 1}, {0xfe70, 0xfefe, 1}},
	R32: []unicode.Range32{{0x10800, 0x10fff, 1}, {0x1e800, 0x1efff, 1}},
}

// hasRightToLeft reports whether s has a character that is written from right to left.
func hasRightToLeft(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(rightToLeft, r) })
}

// isolated returns the fields with isolates around each name that could change the order of the
// text around it: every name in a text that is written from right to left, and in other texts the
// names with such characters.
func (f fields) isolated(inRightToLeft bool) fields {
	for _, name := range []*string{&f.Product, &f.Organization, &f.Role, &f.Inviter, &f.Email} {
		if *name != "" && (inRightToLeft || hasRightToLeft(*name)) {
			*name = fsi + *name + pdi
		}
	}
	return f
}

// openIsolates returns how many isolates begin in s and do not end there.
func openIsolates(s string) int { return max(strings.Count(s, fsi)-strings.Count(s, pdi), 0) }
