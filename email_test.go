package invitations_test

import (
	"net/mail"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/idna"

	"github.com/go-invitations/invitations"
)

func TestCanonicalEmail(t *testing.T) {
	t.Parallel()
	local64 := strings.Repeat("l", 64)
	label63 := strings.Repeat("d", 63)
	for address, want := range map[string]string{
		"nina@example.com":              "nina@example.com",
		"Nina.Mueller@Example.COM":      "nina.mueller@example.com",
		"n.i.n.a+news@example.com":      "n.i.n.a+news@example.com", // dots and plus signs count
		"nina@sub.example.co.uk":        "nina@sub.example.co.uk",
		"n@e.de":                        "n@e.de",
		"o'neil_x-y=z@example.com":      "o'neil_x-y=z@example.com",
		"!#$%&'*+-/?=^_`{|}~@a-b.de":    "!#$%&'*+-/?=^_`{|}~@a-b.de",
		"1@2.de":                        "1@2.de",
		"nina@bücher.example":           "nina@xn--bcher-kva.example",
		"NINA@BÜCHER.EXAMPLE":           "nina@xn--bcher-kva.example",
		"nina@xn--bcher-kva.example":    "nina@xn--bcher-kva.example",
		"nina@XN--BCHER-KVA.Example":    "nina@xn--bcher-kva.example",
		"nina@straße.example":           "nina@xn--strae-oqa.example", // IDNA 2008 keeps the sharp s
		"nina@пример.рф":                "nina@xn--e1afmkfd.xn--p1ai",
		"nina@例え.テスト":                   "nina@xn--r8jz45g.xn--zckzah",
		local64 + "@example.com":        local64 + "@example.com",
		"n@" + label63 + ".de":          "n@" + label63 + ".de",
		addressOf(254):                  addressOf(254),
		strings.ToUpper(addressOf(254)): addressOf(254),
		"nina@a.b.c.d.e.f.g.example.de": "nina@a.b.c.d.e.f.g.example.de",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			canonical, err := invitations.CanonicalEmail(address)
			require.NoError(t, err)
			require.Equal(t, want, canonical)
			again, err := invitations.CanonicalEmail(canonical)
			require.NoError(t, err)
			require.Equal(t, canonical, again)
		})
	}
}

// addressOf returns a canonical address of n bytes, from 200 to 255.
func addressOf(n int) string {
	address := strings.Repeat("l", 64) + "@" + strings.Repeat("a", 63) + "." + strings.Repeat("b", 63) + "." + strings.Repeat("c", 3)
	address += strings.Repeat("c", min(60, n-len(address)-5)) + ".d."
	return address + strings.Repeat("e", n-len(address))
}

func TestCanonicalEmail_Refuses(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"empty":                           "",
		"no at sign":                      "nina.example.com",
		"only an at sign":                 "@",
		"no local part":                   "@example.com",
		"no domain":                       "nina@",
		"no dot in the domain":            "nina@localhost",
		"nothing before the dot":          "nina@.com",
		"nothing after the dot":           "nina@example.",
		"a dot at the end":                "nina@example.com.",
		"an empty label":                  "nina@example..com",
		"a dot at the start":              ".nina@example.com",
		"a dot before the at sign":        "nina.@example.com",
		"two dots":                        "ni..na@example.com",
		"a display name":                  "Nina <nina@example.com>",
		"angle brackets":                  "<nina@example.com>",
		"a comment at the start":          "(x)nina@example.com",
		"a comment at the end":            "nina@example.com(x)",
		"a comment inside":                "nina(x)@example.com",
		"a quoted local part":             `"nina"@example.com`,
		"a quoted space":                  `"ni na"@example.com`,
		"a backslash":                     `ni\na@example.com`,
		"a space at the start":            " nina@example.com",
		"a space at the end":              "nina@example.com ",
		"a space before the at sign":      "nina @example.com",
		"a space in the domain":           "nina@exam ple.com",
		"a tab":                           "nina\t@example.com",
		"mailto":                          "mailto:nina@example.com",
		"an IP address":                   "nina@192.0.2.1",
		"an IP literal":                   "nina@[192.0.2.1]",
		"an IPv6 literal":                 "nina@[IPv6:2001:db8::1]",
		"a port":                          "nina@example.com:25",
		"a path":                          "nina@example.com/x",
		"an underscore in the domain":     "nina@my_host.example.com",
		"an encoded word":                 "=?utf-8?q?nina?=@example.com",
		"a leading hyphen":                "-nina@example.com",
		"a label with leading hyphen":     "nina@-example.com",
		"a label with trailing hyphen":    "nina@example-.com",
		"hyphens at 3 and 4":              "nina@ab--cd.com",
		"a numeric top level":             "nina@example.123",
		"a non-ASCII local part":          "nína@example.com",
		"invalid UTF-8 in the local part": "nin\xe1@example.com",
		"invalid UTF-8 in the domain":     "nina@ex\xe1mple.com",
		"empty punycode":                  "nina@xn--.com",
		"invalid punycode":                "nina@xn--a.com",
		"punycode of ASCII":               "nina@xn--example-.com",
		"255 bytes":                       addressOf(255),
		"255 bytes after IDNA":            addressOf(240) + "ü.example.de",
		"a local part of 65 bytes":        strings.Repeat("l", 65) + "@example.com",
		"a label of 64 bytes":             "n@" + strings.Repeat("d", 64) + ".com",
		"a megabyte":                      strings.Repeat("n", 1<<20) + "@example.com",
		"a megabyte of at signs":          strings.Repeat("@", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			canonical, err := invitations.CanonicalEmail(address)
			require.Empty(t, canonical)
			requireInvalid(t, err, "email")
			if len(address) > 3 && len(address) < 300 {
				require.NotContains(t, err.Error(), address, "the error must not quote the address")
			}
		})
	}
}

// Two spellings are one address only if they differ in case or in the form of the domain.
func TestClass03_EqualAddresses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b  string
		equal bool
	}{
		"case of the local part":     {"nina@example.com", "NiNa@example.com", true},
		"case of the domain":         {"nina@example.com", "nina@EXAMPLE.com", true},
		"U-label and A-label":        {"nina@bücher.de", "nina@xn--bcher-kva.de", true},
		"case of a U-label":          {"nina@bücher.de", "nina@BÜCHER.de", true},
		"dots count":                 {"ni.na@gmail.com", "nina@gmail.com", false},
		"plus counts":                {"nina+a@gmail.com", "nina@gmail.com", false},
		"googlemail is not gmail":    {"nina@googlemail.com", "nina@gmail.com", false},
		"an accent in the domain":    {"nina@bucher.de", "nina@bücher.de", false},
		"sharp s is not ss":          {"nina@straße.de", "nina@strasse.de", false},
		"Cyrillic a in the domain":   {"nina@exаmple.com", "nina@example.com", false},
		"dotless i in the domain":    {"nina@gıthub.com", "nina@github.com", false},
		"i and a dot above it":       {"nina@gi\u0307thub.com", "nina@github.com", false},
		"another domain":             {"nina@example.com", "nina@example.org", false},
		"a subdomain":                {"nina@sub.example.com", "nina@example.com", false},
		"final sigma is not a sigma": {"nina@βόλος.com", "nina@βόλοσ.com", false},
		"a dash is not a hyphen":     {"nina@exam–ple.com", "nina@exam-ple.com", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := invitations.CanonicalEmail(c.a)
			require.NoError(t, err)
			b, err := invitations.CanonicalEmail(c.b)
			require.NoError(t, err)
			require.Equal(t, c.equal, a == b, "%s and %s", a, b)
		})
	}
}

// Characters that Unicode folds or IDNA maps to other characters are refused.
func TestClass03_RefusesMappedCharacters(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"full-width letters":        "nina@ｅｘａｍｐｌｅ.com",
		"a full-width at sign":      "nina＠example.com",
		"a small at sign":           "nina﹫example.com",
		"a full-width full stop":    "nina@example．com",
		"an ideographic full stop":  "nina@example。com",
		"a half-width full stop":    "nina@example｡com",
		"a soft hyphen":             "nina@exam\u00adple.com",
		"a zero-width space":        "nina@exam\u200bple.com",
		"a zero-width joiner":       "nina@exam\u200dple.com",
		"a word joiner":             "nina@exam\u2060ple.com",
		"a byte order mark":         "\ufeffnina@example.com",
		"a right-to-left override":  "nina@\u202eexample.com",
		"a mathematical letter":     "nina@𝐞xample.com",
		"a circled letter":          "nina@ⓔxample.com",
		"a ligature":                "nina@ﬁsh.com",
		"a superscript":             "nina@example².com",
		"a roman numeral":           "nina@ⅸ.com",
		"a Kelvin sign before @":    "nina\u212a@example.com",
		"a dotless i before @":      "nına@github.com",
		"a decomposed umlaut":       "nina@bu\u0308cher.com",
		"a care-of sign":            "nina@example.com℀",
		"a no-break space":          "nina@example.com\u00a0",
		"a leading combining mark":  "nina@\u0301example.com",
		"mixed directions":          "nina@aא.com",
		"a dotted capital I":        "nina@g\u0130thub.com",
		"a dotted I and a U-label":  "nina@g\u0130thub.bücher.de",
		"a Kelvin sign in a domain": "nina@\u212aiwi.com",
		"a Kelvin sign, a U-label":  "nina@\u212aiwi.bücher.de",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			canonical, err := invitations.CanonicalEmail(address)
			requireInvalid(t, err, "email")
			require.Empty(t, canonical)
		})
	}
}

// Every character is either refused or kept, in lower case, in the Unicode form of the
// result.
func TestClass03_EveryCharacterIsKeptOrRefused(t *testing.T) {
	t.Parallel()
	kept := 0
	for r := rune(0x80); r <= 0x2ffff; r++ {
		canonical, err := invitations.CanonicalEmail("n@x" + string(r) + "x.com")
		if err != nil {
			continue
		}
		kept++
		domain := strings.TrimPrefix(canonical, "n@")
		if !strings.HasPrefix(domain, "xn--") {
			t.Errorf("%U became %q", r, domain)
			continue
		}
		if back, err := idna.ToUnicode(domain); err != nil || back != "x"+string(unicode.ToLower(r))+"x.com" {
			t.Errorf("%U became %q, which is %q", r, domain, back)
		}
	}
	require.Greater(t, kept, 10_000, "most letters are accepted")
}

// Upper and lower case are equal in all scripts.
func TestClass03_CaseOfEveryLetter(t *testing.T) {
	t.Parallel()
	pairs := 0
	for lower := rune('a'); lower <= 0x2ffff; lower++ {
		upper := unicode.ToUpper(lower)
		if upper == lower || unicode.ToLower(upper) != lower {
			continue
		}
		want, err := invitations.CanonicalEmail("n@x" + string(lower) + "x.com")
		if err != nil {
			continue // it is refused in both cases
		}
		pairs++
		canonical, err := invitations.CanonicalEmail("N@X" + string(upper) + "X.com")
		require.NoError(t, err, "%U", upper)
		require.Equal(t, want, canonical, "%U and %U", lower, upper)
	}
	require.Greater(t, pairs, 1000)
}

// A text that a mail program could read as several recipients or as a header is refused.
func TestClass04_OneRecipient(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"a list":                      "attacker@evil.example,victim@example.com",
		"a list with a space":         "attacker@evil.example, victim@example.com",
		"a semicolon":                 "attacker@evil.example;victim@example.com",
		"a space":                     "attacker@evil.example victim@example.com",
		"two at signs":                "attacker@evil.example@example.com",
		"a percent route":             "victim%evil.example@[127.0.0.1]",
		"a source route":              "@evil.example:victim@example.com",
		"a group":                     "all:a@example.com,b@example.com;",
		"a second address in a quote": `"attacker@evil.example,"@example.com`,
		"a header after CRLF":         "nina@example.com\r\nBcc: victim@example.com",
		"a header after LF":           "nina@example.com\nBcc: victim@example.com",
		"a header after CR":           "nina@example.com\rBcc: victim@example.com",
		"CRLF in a quoted local part": "\"nina\r\nBcc: x\"@example.com",
		"CRLF before the at sign":     "nina\r\n@example.com",
		"LF at the start":             "\nnina@example.com",
		"LF at the end":               "nina@example.com\n",
		"NUL":                         "nina@example.com\x00",
		"NUL inside":                  "ni\x00na@example.com",
		"DEL":                         "nina\x7f@example.com",
		"a vertical tab":              "nina@example\v.com",
		"a C1 line break":             "nina@example\u0085.com",
		"a line separator":            "nina@example\u2028.com",
		"SMTP after the address":      "nina@example.com> RCPT TO:<victim@example.com",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := invitations.CanonicalEmail(address)
			requireInvalid(t, err, "email")
		})
	}
}

// AllowedDomains takes complete domains only.
func TestClass05_AllowedDomainsAreDomains(t *testing.T) {
	t.Parallel()
	for name, domain := range map[string]string{
		"empty":            "",
		"a top level":      "com",
		"a wildcard":       "*.example.com",
		"a leading dot":    ".example.com",
		"a trailing dot":   "example.com.",
		"an at sign":       "@example.com",
		"an address":       "nina@example.com",
		"a list":           "example.com,evil.example",
		"a space":          "example.com ",
		"a line break":     "example.com\n",
		"a URL":            "https://example.com",
		"an IP address":    "192.0.2.1",
		"a full-width dot": "example．com",
		"a soft hyphen":    "exam\u00adple.com",
		"invalid UTF-8":    "example\xff.com",
		"too long":         strings.Repeat("a.", 127) + "de",
		"a megabyte":       strings.Repeat("a", 1<<20) + ".com",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := serviceOn(t, untouchable(), invitations.Config{})
			_, err := svc.CreateLink(t.Context(), olga, invitations.CreateLinkParams{
				Organization: "acme", Role: invitations.RoleViewer, AllowedDomains: []string{"example.com", domain},
			})
			requireInvalid(t, err, "allowed_domains")
		})
	}
}

func FuzzCanonicalEmail(f *testing.F) {
	for _, seed := range []string{
		"nina@example.com", "NINA@BÜCHER.example", "a@b@c.de", `"a b"@c.de`, "a@xn--bcher-kva.de", "n@x\u0130x.com",
		"n@\u212aiwi.com", "n@straße.de", "n@ex\u00adample.com", "a@b.c,d@e.f", "a@b.c\r\nBcc: d@e.f", "Nina <n@e.de>",
		"n@例え.テスト", "n@1.2.3.4", "n@-.de", "n@a..b", "\xff@\xff.com", addressOf(254),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		canonical, err := invitations.CanonicalEmail(address)
		if err != nil {
			requireInvalid(t, err, "email")
			require.Empty(t, canonical)
			return
		}
		require.LessOrEqual(t, len(address), 254)
		require.LessOrEqual(t, len(canonical), 254)
		require.Equal(t, 1, strings.Count(canonical, "@"))
		require.Equal(t, strings.ToLower(canonical), canonical)
		for i := range len(canonical) {
			require.True(t, canonical[i] > ' ' && canonical[i] < 0x7f, "%q", canonical)
		}
		local, domain, _ := strings.Cut(canonical, "@")
		require.Contains(t, domain, ".")
		require.True(t, strings.EqualFold(local, address[:strings.LastIndexByte(address, '@')]))

		again, err := invitations.CanonicalEmail(canonical)
		require.NoError(t, err)
		require.Equal(t, canonical, again)

		parsed, err := mail.ParseAddress(canonical)
		require.NoError(t, err)
		require.Equal(t, mail.Address{Address: canonical}, *parsed)
	})
}
