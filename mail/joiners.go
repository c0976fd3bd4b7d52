package mail

import (
	"strings"
	"unicode"
)

// The joiners are invisible characters that change the form of their neighbours.
const (
	zwnj = '\u200c' // ZERO WIDTH NON-JOINER
	zwj  = '\u200d' // ZERO WIDTH JOINER
)

func isJoiner(r rune) bool { return r == zwnj || r == zwj }

// dropJoiners returns s without the joiners that no word and no emoji needs. Those that RFC 5892
// allows in a domain name, in the appendices A.1 and A.2, stay.
func dropJoiners(s string) string {
	if !strings.ContainsFunc(s, isJoiner) {
		return s
	}
	runes := []rune(s)
	kept := runes[:0]
	for i, r := range runes {
		if !isJoiner(r) || isNeeded(r, kept, runes[i+1:]) {
			kept = append(kept, r)
		}
	}
	return string(kept)
}

// isNeeded reports whether joiner is needed between the characters before and those after it. Both
// joiners are after a virama. ZWNJ also is between two characters that would join without it, and
// ZWJ between two emoji that are shown as one.
func isNeeded(joiner rune, before, after []rune) bool {
	if len(before) > 0 && unicode.Is(viramas, before[len(before)-1]) {
		return true
	}
	if joiner == zwj && joinsEmoji(before, after) {
		return true
	}
	for len(before) > 0 && isTransparent(before[len(before)-1]) {
		before = before[:len(before)-1]
	}
	for len(after) > 0 && isTransparent(after[0]) {
		after = after[1:]
	}
	return joiner == zwnj &&
		len(before) > 0 && unicode.In(before[len(before)-1], dualJoining, leftJoining) &&
		len(after) > 0 && unicode.In(after[0], dualJoining, rightJoining)
}

// joinsEmoji reports whether a joiner is between two emoji. The first can have a modifier of the
// skin or a selector of its form.
func joinsEmoji(before, after []rune) bool {
	for len(before) > 0 && unicode.Is(emojiModifiers, before[len(before)-1]) {
		before = before[:len(before)-1]
	}
	return len(before) > 0 && unicode.Is(emoji, before[len(before)-1]) &&
		len(after) > 0 && unicode.Is(emoji, after[0])
}

var (
	// emoji has the blocks of the pictures that a joiner can combine.
	emoji = &unicode.RangeTable{
		R16: []unicode.Range16{
			{0x2194, 0x2199, 1}, {0x231a, 0x23ff, 1}, {0x2600, 0x2767, 1}, {0x2794, 0x27bf, 1}, {0x2b00, 0x2bff, 1},
		},
		R32: []unicode.Range32{{0x1f000, 0x1f3fa, 1}, {0x1f400, 0x1faff, 1}},
	}

	// emojiModifiers are VARIATION SELECTOR-16 and the colours of the skin.
	emojiModifiers = &unicode.RangeTable{
		R16: []unicode.Range16{{0xfe0f, 0xfe0f, 1}},
		R32: []unicode.Range32{{0x1f3fb, 0x1f3ff, 1}},
	}
)

// isTransparent reports whether the characters around r join as if r were not there.
func isTransparent(r rune) bool {
	const adlamNasalization = '\U0001e94b' // a letter by its category
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) && !unicode.Is(notTransparent, r) || r == adlamNasalization
}
