package invitations

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

const (
	// maxEmailBytes is what fits an SMTP path, RFC 5321, 4.5.3.1.3, less the angle
	// brackets.
	maxEmailBytes = 254
	// maxLocalBytes is of RFC 5321, 4.5.3.1.1.
	maxLocalBytes = 64
)

// CanonicalEmail returns the one form in which this package stores, compares and hands out
// an address: local part in lower case, domain in lower-case ASCII (IDNA 2008). Nothing
// else is normalized; dots and plus signs count.
//
// It takes exactly one bare address, a dot-atom of RFC 5322 before the last at sign, and
// refuses with an [InvalidError] whatever would have to be interpreted: display names,
// comments, quoted or non-ASCII local parts, those with "=?" or with a hyphen at the beginning,
// spaces, control characters, lists, IP addresses, domains without a dot, domains that IDNA
// would map to other characters, and more than 254 bytes.
func CanonicalEmail(address string) (string, error) {
	if address == "" {
		return "", invalid("email", "is empty")
	}
	if len(address) > maxEmailBytes {
		return "", invalid("email", "has more than 254 bytes")
	}
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "", invalid("email", "has no at sign")
	}
	local := address[:at]
	// Some mail services decode an encoded word (RFC 2047) in an address, to more than one
	// recipient, and some programs take what begins with a hyphen for an option.
	if !isDotAtom(local) || strings.Contains(local, "=?") || local[0] == '-' {
		return "", invalid("email", "has a local part that is not plain")
	}
	domain, reason := canonicalDomain(address[at+1:])
	if reason != "" {
		return "", invalid("email", reason)
	}
	canonical := strings.ToLower(local) + "@" + domain
	if len(canonical) > maxEmailBytes {
		return "", invalid("email", "has more than 254 bytes")
	}
	return canonical, nil
}

// isDotAtom reports whether s is a dot-atom-text of RFC 5322, 3.2.3.
func isDotAtom(s string) bool {
	if s == "" || len(s) > maxLocalBytes {
		return false
	}
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			if c := atom[i]; !isLetterOrDigit(c) && strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) < 0 {
				return false
			}
		}
	}
	return true
}

func isLetterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// domainOf returns the domain of a canonical address.
func domainOf(email string) string {
	return email[strings.LastIndexByte(email, '@')+1:]
}

// canonicalDomain returns the lower-case ASCII form of domain, or the reason why it has
// none.
func canonicalDomain(domain string) (canonical, reason string) {
	const bad = "has a domain that is not valid"
	if len(domain) > maxEmailBytes { // before any work
		return "", bad
	}
	for _, r := range domain {
		if low := unicode.ToLower(r); low != r && unicode.ToUpper(low) != r {
			return "", bad // a look-alike that becomes another letter, like the Kelvin sign
		}
	}
	lower := strings.ToLower(domain)
	ascii, err := idna.Lookup.ToASCII(lower)
	if err != nil {
		return "", bad
	}
	// IDNA maps many characters away: full-width letters, soft hyphens, other full stops. A
	// domain must say what it means.
	if ascii != lower {
		if back, err := idna.Lookup.ToUnicode(ascii); err != nil || back != lower {
			return "", bad
		}
	}
	if len(ascii) > 253 {
		return "", bad
	}
	labels := strings.Split(ascii, ".")
	if len(labels) < 2 {
		return "", "has a domain without a dot"
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "", bad
		}
		for i := range len(label) {
			if c := label[i]; !isLetterOrDigit(c) && c != '-' {
				return "", bad
			}
		}
	}
	if top := labels[len(labels)-1]; strings.Trim(top, "0123456789") == "" {
		return "", bad // an IPv4 address, or nothing that DNS knows
	}
	return ascii, ""
}
