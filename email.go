package invitations

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

const (
	// maxEmailBytes is the limit of an SMTP path without its angle brackets (RFC 5321,
	// 4.5.3.1.3).
	maxEmailBytes = 254
	// maxLocalBytes is the limit of RFC 5321, 4.5.3.1.1.
	maxLocalBytes = 64
)

// CanonicalEmail returns the form in which this package stores, compares and returns an
// address: the local part in lower case, the domain in lower-case ASCII (IDNA 2008). It
// changes nothing else; dots and plus signs are significant.
//
// The input must be exactly one bare address, with a dot-atom (RFC 5322, 3.2.3) before the
// last at sign, of at most 254 bytes. Input that would need interpretation is refused with an
// [InvalidError]: display names, comments, lists, spaces, control characters, IP addresses,
// domains without a dot, domains that IDNA would map to other characters, and local parts
// that are quoted, not ASCII, contain "=?" or begin with a hyphen.
func CanonicalEmail(address string) (string, error) {
	if address == "" {
		return "", required("email")
	}
	if len(address) > maxEmailBytes {
		return "", tooLong("email", maxEmailBytes, "bytes")
	}
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "", invalid("email", "missing_at_sign", "must contain an at sign")
	}
	local := address[:at]
	// Some mail services decode an encoded word (RFC 2047) in an address to several
	// recipients. Some programs read an address with a leading hyphen as an option.
	if !isDotAtom(local) || strings.Contains(local, "=?") || local[0] == '-' {
		return "", invalid("email", "invalid_local_part", "must have a plain local part")
	}
	domain, err := canonicalDomain("email", address[at+1:])
	if err != nil {
		return "", err
	}
	lower := strings.ToLower(local)
	if lower == local && domain == address[at+1:] {
		return address, nil
	}
	canonical := lower + "@" + domain
	if len(canonical) > maxEmailBytes {
		return "", tooLong("email", maxEmailBytes, "bytes")
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

func invalidDomain(field string) error {
	return invalid(field, "invalid_domain", "must have a valid domain")
}

// canonicalDomain returns the lower-case ASCII form of domain, or a refusal of the field.
func canonicalDomain(field, domain string) (string, error) {
	if len(domain) > maxEmailBytes { // checked before any work
		return "", invalidDomain(field)
	}
	for _, r := range domain {
		if low := unicode.ToLower(r); low != r && unicode.ToUpper(low) != r {
			return "", invalidDomain(field) // lower case makes it another letter, as with the Kelvin sign
		}
	}
	lower := strings.ToLower(domain)
	ascii, err := idna.Lookup.ToASCII(lower)
	if err != nil {
		return "", invalidDomain(field)
	}
	// IDNA replaces or removes many characters: full-width letters, soft hyphens, other full
	// stops. A domain must be written as it is meant.
	if ascii != lower {
		if back, err := idna.Lookup.ToUnicode(ascii); err != nil || back != lower {
			return "", invalidDomain(field)
		}
	}
	if len(ascii) > 253 {
		return "", invalidDomain(field)
	}
	if !strings.Contains(ascii, ".") {
		return "", invalid(field, "domain_without_dot", "must have a domain with a dot")
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "", invalidDomain(field)
		}
		for i := range len(label) {
			if c := label[i]; !isLetterOrDigit(c) && c != '-' {
				return "", invalidDomain(field)
			}
		}
	}
	if top := ascii[strings.LastIndexByte(ascii, '.')+1:]; strings.Trim(top, "0123456789") == "" {
		return "", invalidDomain(field) // an IPv4 address, or no top-level domain of the DNS
	}
	return ascii, nil
}

// canonicalDomains returns the domains in canonical form, sorted, without repetitions.
func canonicalDomains(domains []string) ([]string, error) {
	if len(domains) > maxAllowedDomains {
		return nil, tooMany("allowed_domains", maxAllowedDomains, "domains")
	}
	var canonical []string
	for _, domain := range domains {
		c, err := canonicalDomain("allowed_domains", domain)
		if err != nil {
			return nil, err
		}
		canonical = append(canonical, c)
	}
	slices.Sort(canonical)
	return slices.Compact(canonical), nil
}
