package invitations_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/go-invitations/invitations"
)

const (
	signedUUID = "0198f6a0-0000-7000-8000-0123456789ab"

	maxTokenLen = 438
	macLen      = sha256.Size
)

// claimOf returns the claim signed with another organization.
func claimOf(organization string) invitations.TokenClaim {
	c := signed
	c.Organization = organization
	return c
}

// signedClaims have tokens whose last base64 groups have each of the three lengths. The first
// has a UUID.
var signedClaims = map[string]invitations.TokenClaim{
	"UUID": claimOf(signedUUID), "name": signed, "number": claimOf("42"), "longest": claimOf(longID), "short": claimOf("x"),
}

// requireRefused fails unless the ring refuses the token with the same error as any other, and
// without a claim.
func requireRefused(t require.TestingT, ring *invitations.Keyring, text string) {
	c, err := invitations.VerifyToken(ring, text)
	require.Same(t, invitations.ErrInvalidToken, err, "%.500q", text)
	require.Zero(t, c)
}

func requireAccepted(t require.TestingT, ring *invitations.Keyring, text string, want invitations.TokenClaim) {
	c, err := invitations.VerifyToken(ring, text)
	require.NoError(t, err)
	require.Equal(t, want, c)
}

func TestToken_Form(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	for name, c := range map[string]struct {
		organization string
		form         byte
		length       int
	}{
		"a name":                       {"acme", 0, 103},
		"one byte":                     {"x", 0, 99},
		"a number":                     {"42", 0, 100},
		"a long number":                {"9223372036854775807", 0, 123},
		"255 bytes":                    {strings.Repeat("x", 255), 0, maxTokenLen},
		"255 bytes, not ASCII":         {longID, 0, maxTokenLen},
		"other scripts":                {"名前 🎉", 0, 112},
		"16 bytes":                     {"0123456789abcdef", 0, 119},
		"a UUID":                       {signedUUID, 1, 119},
		"the zero UUID":                {uuid.Nil.String(), 1, 119},
		"the greatest UUID":            {uuid.Max.String(), 1, 119},
		"a UUID of another variant":    {"ffffffff-ffff-0fff-0fff-ffffffffffff", 1, 119},
		"a UUID in upper case":         {strings.ToUpper(signedUUID), 0, 146},
		"a UUID with one capital":      {"0198f6a0-0000-7000-8000-0123456789aB", 0, 146},
		"a UUID without hyphens":       {strings.ReplaceAll(signedUUID, "-", ""), 0, 140},
		"a UUID in braces":             {"{" + signedUUID + "}", 0, 148},
		"a UUID as a URN":              {"urn:uuid:" + signedUUID, 0, 158},
		"a UUID and a space":           {signedUUID + " ", 0, 147},
		"a misplaced hyphen":           {"0198f6a00-000-7000-8000-0123456789ab", 0, 146},
		"another letter":               {"0198f6a0-0000-7000-8000-0123456789ag", 0, 146},
		"36 bytes with hyphens":        {"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", 0, 146},
		"36 bytes with full-width '0'": {"0198f6a0-0000-7000-8000-012345678\uff10", 0, 146},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := wireOf(claimOf(c.organization))
			require.Equal(t, c.form, w.form)
			text := invitations.SignToken(ring, claimOf(c.organization)).Reveal()
			require.Equal(t, w.text(), text)
			require.Len(t, text, c.length)
			require.Regexp(t, `^inv_[A-Za-z0-9_-]+$`, text)
			require.Equal(t, text, invitations.SignToken(ring, claimOf(c.organization)).Reveal(), "signing is deterministic")
			requireAccepted(t, ring, text, claimOf(c.organization))
		})
	}
}

// Tokens of earlier versions must verify forever.
func TestToken_Golden(t *testing.T) {
	t.Parallel()
	for golden, organization := range map[string]string{
		"inv_AV_IcV8BlTHwAABwAIAAAAAAAAAB8AECAwQFBgcICQoLDA0ODwBhY21l_4dPTmqMnRQK9L40jFg4ebe_-WvCfFFEZ63sxAskQf4":                 "acme",
		"inv_AV_IcV8BlTHwAABwAIAAAAAAAAAB8AECAwQFBgcICQoLDA0ODwEBmPagAABwAIAAASNFZ4mrYU-qrC_M2K5wl4ngYhmszDirvk98AyTKRoM10RO46aw": signedUUID,
		"inv_AV_IcV8BlTHwAABwAIAAAAAAAAAB8AECAwQFBgcICQoLDA0ODwA0MuZR58m3_P4R8oEJ6sCFmdR33iDOuW0F94Jj72xZAShx":                    "42",
		"inv_AV_IcV8BlTHwAABwAIAAAAAAAAAB8AECAwQFBgcICQoLDA0ODwDlkI3liY2O_MhInNyy3L65LLMKLqfZxHQqYCI1kjJw9U3a1h2uQg":              "名前",
	} {
		require.Equal(t, golden, invitations.SignToken(ringOf(t, testKey), claimOf(organization)).Reveal())
		requireAccepted(t, ringOf(t, testKey), golden, claimOf(organization))
	}
}

func TestToken_Zero(t *testing.T) {
	t.Parallel()
	require.True(t, invitations.Token{}.IsZero())
	require.Empty(t, invitations.Token{}.Reveal())
	require.False(t, invitations.SignToken(ringOf(t, testKey), invitations.TokenClaim{Organization: "x"}).IsZero())
}

func TestNewKeyring(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][][]byte{
		"32 bytes":                   {testKey},
		"33 bytes":                   {append(testKey[:32:32], 'x')},
		"more than a block":          {bytes.Repeat([]byte("k"), 1000)},
		"several":                    {testKey, bytes.Repeat([]byte("a"), 32), bytes.Repeat([]byte("b"), 64)},
		"a secret and its beginning": {testKey, append(testKey[:32:32], 'x')},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring, err := invitations.NewKeyring(secrets...)
			require.NoError(t, err)
			requireAccepted(t, ring, invitations.SignToken(ring, signed).Reveal(), signed)
		})
	}
}

func TestNewKeyring_Refuses(t *testing.T) {
	t.Parallel()
	other := bytes.Repeat([]byte("a"), 32)
	for name, secrets := range map[string][][]byte{
		"no secret":                {},
		"nil":                      {nil},
		"Class20: an empty secret": {{}},
		"31 bytes":                 {testKey[:31]},
		"31 bytes, second":         {testKey, testKey[:31]},
		"empty, second":            {testKey, {}},
		"a duplicate":              {testKey, bytes.Clone(testKey)},
		"a duplicate of the first": {testKey, other, bytes.Clone(testKey)},
		"a duplicate of another":   {testKey, other, other},
		// HMAC pads a secret with zeros, so these two are one key.
		"a padded duplicate": {testKey, append(testKey[:32:32], 0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring, err := invitations.NewKeyring(secrets...)
			require.Nil(t, ring)
			requireInvalid(t, err, "keys")
		})
	}
}

// The caller may overwrite its copy of a secret.
func TestNewKeyring_CopiesSecrets(t *testing.T) {
	t.Parallel()
	secret := bytes.Clone(testKey)
	ring := ringOf(t, secret)
	clear(secret)
	require.Equal(t, validWire().text(), invitations.SignToken(ring, signed).Reveal())
}

// A token stays valid while its key is in the ring.
func TestKeyring_Rotation(t *testing.T) {
	t.Parallel()
	old, young := testKey, bytes.Repeat([]byte("young"), 8)
	before, during, after := ringOf(t, old), ringOf(t, young, old), ringOf(t, young)
	sentBefore := invitations.SignToken(before, signed).Reveal()
	sentDuring := invitations.SignToken(during, signed).Reveal()
	require.NotEqual(t, sentBefore, sentDuring)
	require.Equal(t, sentDuring, invitations.SignToken(after, signed).Reveal(), "the first key signs")

	requireAccepted(t, during, sentBefore, signed)
	requireAccepted(t, during, sentDuring, signed)
	requireAccepted(t, after, sentDuring, signed)
	requireRefused(t, after, sentBefore)
	requireRefused(t, before, sentDuring)

	// A process that has the new key second accepts its tokens.
	requireAccepted(t, ringOf(t, old, young), sentDuring, signed)
}

// The MAC covers every bit.
func TestClass19_EverySingleBit(t *testing.T) {
	t.Parallel()
	other := bytes.Repeat([]byte("o"), 32)
	rings := map[string]*invitations.Keyring{"one key": ringOf(t, testKey), "two keys": ringOf(t, other, testKey)}
	for keys, ring := range rings {
		for name, c := range signedClaims {
			t.Run(keys+"/"+name, func(t *testing.T) {
				t.Parallel()
				binary, text := wireOf(c).binary(), []byte(wireOf(c).text())
				for bit := range len(binary) * 8 {
					binary[bit/8] ^= 1 << (bit % 8)
					requireRefused(t, ring, encode(binary))
					binary[bit/8] ^= 1 << (bit % 8)
				}
				for bit := range len(text) * 8 {
					text[bit/8] ^= 1 << (bit % 8)
					requireRefused(t, ring, string(text))
					text[bit/8] ^= 1 << (bit % 8)
				}
				requireAccepted(t, ring, encode(binary), c)
				requireAccepted(t, ring, string(text), c)
			})
		}
	}
}

func TestClass19_Forged(t *testing.T) {
	t.Parallel()
	other := bytes.Repeat([]byte("o"), 32)
	for name, forge := range map[string]func(*wire){
		"signed with another key":             func(w *wire) { w.secret = other },
		"of another key":                      func(w *wire) { w.secret, w.keyID = other, keyIDOf(other) },
		"with another key's ID":               func(w *wire) { w.keyID = keyIDOf(other) },
		"without a key":                       func(w *wire) { w.secret = nil },
		"with a key of zeros":                 func(w *wire) { w.secret = make([]byte, 32) },
		"with a key ID of zeros":              func(w *wire) { w.keyID = make([]byte, 4) },
		"Class17: without a label":            func(w *wire) { w.label = "" },
		"Class17: with the label of key IDs":  func(w *wire) { w.label = "invitations key id" },
		"Class17: with the label of a cookie": func(w *wire) { w.label = "invitations cookie" },
		"version 0":                           func(w *wire) { w.version = 0 },
		"version 2":                           func(w *wire) { w.version = 2 },
		"version 255":                         func(w *wire) { w.version = 255 },
	} {
		for claim, c := range signedClaims {
			t.Run(name+"/"+claim, func(t *testing.T) {
				t.Parallel()
				w := wireOf(c)
				forge(&w)
				requireRefused(t, ringOf(t, testKey), w.text())
			})
		}
	}
}

// A MAC that needs no key is refused, and so is the secret itself as the key.
func TestClass19_ForgedMAC(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	message := validWire().message()
	hash := sha256.Sum256(message)
	for name, mac := range map[string][]byte{
		"zeros":                          make([]byte, macLen),
		"ones":                           bytes.Repeat([]byte{0xff}, macLen),
		"of the empty message":           macOf(testKey, nil),
		"of the label":                   macOf(testKey, []byte("invitations token")),
		"a hash without a secret":        hash[:],
		"with the secret as the key":     macOf(testKey, message),
		"with the label in the message":  macOf(testKey, append([]byte("invitations token"), message...)),
		"of the message of another one":  wireOf(claimOf("acmf")).binary()[len(message):],
		"of the organization cut by one": macOf(macOf(testKey, []byte("invitations token")), message[:len(message)-1]),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Len(t, mac, macLen)
			requireRefused(t, ring, encode(append(bytes.Clone(message), mac...)))
		})
	}
	mac := macOf(macOf(testKey, []byte("invitations token")), message)
	requireAccepted(t, ring, encode(append(bytes.Clone(message), mac...)), signed)
}

// A token with a genuine MAC has still one form: an organization that is a UUID must be in its
// bytes, and every other one must be text.
func TestClass22_OneForm(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse(signedUUID)
	for name, c := range map[string]struct {
		form         byte
		organization []byte
	}{
		"a UUID as text":            {0, []byte(signedUUID)},
		"no organization":           {0, nil},
		"no organization as a UUID": {1, nil},
		"15 bytes as a UUID":        {1, id[:15]},
		"17 bytes as a UUID":        {1, append(id[:], 0)},
		"a UUID's text as a UUID":   {1, []byte(signedUUID)},
		"1 byte as a UUID":          {1, []byte("x")},
		"255 bytes as a UUID":       {1, []byte(longID)},
		"256 bytes":                 {0, []byte(longID + "x")},
		"257 bytes":                 {0, []byte(longID + "xy")},
		"64 KiB":                    {0, bytes.Repeat([]byte("x"), 1<<16)},
		"a name in form 2":          {2, []byte("acme")},
		"a UUID in form 2":          {2, id[:]},
		"a name in form 255":        {255, []byte("acme")},
		"a UUID in form 255":        {255, id[:]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := validWire()
			w.form, w.organization = c.form, c.organization
			requireRefused(t, ringOf(t, testKey), w.text())
		})
	}
}

func TestClass20_EmptyToken(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	for _, text := range []string{
		"", "inv_", "inv", " ", "\x00", "null", "undefined", "0", "[redacted]",
		invitations.Token{}.Reveal(), invitations.Token{}.String(),
	} {
		requireRefused(t, ring, text)
	}
	for n := range maxTokenLen + 1 {
		for _, filler := range []string{"\x00", "A", "_"} {
			requireRefused(t, ring, strings.Repeat(filler, n))
			requireRefused(t, ring, "inv_"+strings.Repeat(filler, n))
		}
	}
	// A signature over zeros is genuine. The rules refuse a zero nonce.
	zero := invitations.TokenClaim{Organization: "x"}
	requireAccepted(t, ring, invitations.SignToken(ring, zero).Reveal(), zero)
}

// Every bit of a nonce is random.
func TestClass21_Nonces(t *testing.T) {
	t.Parallel()
	var ones, zeros [16]byte
	seen := map[[16]byte]bool{}
	for range 2000 {
		nonce := invitations.NewNonce()
		require.False(t, seen[nonce])
		seen[nonce] = true
		for i, b := range nonce {
			ones[i] |= b
			zeros[i] |= ^b
		}
	}
	require.Equal(t, bytes.Repeat([]byte{0xff}, 16), ones[:])
	require.Equal(t, bytes.Repeat([]byte{0xff}, 16), zeros[:])
}

// An ID is a version 7 UUID: the milliseconds of the clock and 74 random bits.
func TestClass21_IDs(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 987_654_321, time.UTC)
	svc := serviceOn(t, answering(invitations.Facts{Organization: "acme", Version: 1}), clockAt(at))
	var ones, zeros [16]byte
	seen := map[uuid.UUID]bool{}
	tokens := map[string]bool{}
	for range 2000 {
		sent, err := svc.CreateLink(t.Context(), invitations.System(), goodLink())
		require.NoError(t, err)
		require.Equal(t, uuid.Version(7), sent.ID.Version())
		require.Equal(t, uuid.RFC4122, sent.ID.Variant())
		require.Equal(t, uint64(at.UnixMilli()), binary.BigEndian.Uint64(sent.ID[:8])>>16)
		require.False(t, seen[sent.ID])
		require.False(t, tokens[sent.Token.Reveal()])
		seen[sent.ID], tokens[sent.Token.Reveal()] = true, true
		for i, b := range sent.ID {
			ones[i] |= b
			zeros[i] |= ^b
		}
	}
	random := [16]byte{6: 0x0f, 7: 0xff, 8: 0x3f, 9: 0xff, 10: 0xff, 11: 0xff, 12: 0xff, 13: 0xff, 14: 0xff, 15: 0xff}
	for i := range random {
		require.Equal(t, random[i], ones[i]&zeros[i]&random[i], "byte %d", i)
	}
}

// A token has one spelling.
func TestClass22_MalleableToken(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	for name, c := range signedClaims {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := wireOf(c)
			valid, b := w.text(), w.binary()
			body := valid[4:]
			standard := base64.RawStdEncoding.EncodeToString(b)
			require.NotEqual(t, standard, body, "the alphabets differ for this token")
			for name, text := range map[string]string{
				"no prefix":                 body,
				"a prefix in upper case":    "INV_" + body,
				"another prefix":            "ivn_" + body,
				"two prefixes":              "inv_" + valid,
				"an escaped underscore":     "inv%5f" + body,
				"the standard alphabet":     "inv_" + standard,
				"padding":                   valid + "=",
				"padding of 2":              valid + "==",
				"padding of 4":              valid + "====",
				"padding for the last":      valid[:len(valid)-1] + "=",
				"padding for the last 2":    valid[:len(valid)-2] + "==",
				"hex":                       "inv_" + fmt.Sprintf("%x", b),
				"upper case":                "inv_" + strings.ToUpper(body),
				"lower case":                "inv_" + strings.ToLower(body),
				"a space at the start":      " " + valid,
				"a space at the end":        valid + " ",
				"quotes":                    `"` + valid + `"`,
				"NUL at the end":            valid + "\x00",
				"twice":                     valid + valid,
				"a full-width prefix":       "ｉnv_" + body,
				"a slash":                   valid + "/",
				"a query":                   valid + "?x",
				"a MAC without its end":     encode(b[:len(b)-3]),
				"3 bytes more, zeros":       encode(append(bytes.Clone(b), 0, 0, 0)),
				"3 bytes less at the start": encode(b[3:]),
			} {
				t.Run(name, func(t *testing.T) { requireRefused(t, ring, text) })
			}
			for n := range valid {
				requireRefused(t, ring, valid[:n])
				requireRefused(t, ring, valid[len(valid)-n:])
				requireRefused(t, ring, valid[:n]+valid[n+1:])
			}
			for extra := range 256 {
				requireRefused(t, ring, valid+string([]byte{byte(extra)}))
			}
		})
	}
}

// A character that is inserted anywhere is refused, also where a decoder skips it.
func TestClass22_InsertedCharacter(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	for name, c := range signedClaims {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			valid := wireOf(c).text()
			for i := range len(valid) + 1 {
				for _, filler := range []string{"\n", "\r", "\r\n", "\t", " ", "=", "\x00", "A", "_", "-", "\u200b"} {
					longer := valid[:i] + filler + valid[i:]
					requireRefused(t, ring, longer)
					if longer[:len(valid)] != valid { // cut to the valid length
						requireRefused(t, ring, longer[:len(valid)])
					}
					if end := i + len(filler); end <= len(valid) && valid[i:end] != filler { // in place of others
						requireRefused(t, ring, valid[:i]+filler+valid[end:])
					}
				}
			}
		})
	}
}

// Every other character is refused at every place. At the end this includes characters that
// differ only in bits that base64 does not use.
func TestClass22_EveryOtherCharacter(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	for name, c := range signedClaims {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := []byte(wireOf(c).text())
			for i, right := range text {
				for wrong := range 256 {
					if byte(wrong) != right {
						text[i] = byte(wrong)
						requireRefused(t, ring, string(text))
					}
				}
				text[i] = right
			}
		})
	}
}

// Goroutines can share a ring.
func TestKeyring_Concurrent(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, bytes.Repeat([]byte("n"), 32), testKey)
	other := validWire().text()
	done := make(chan error)
	for i := range 8 {
		go func() {
			own := claimOf(strings.Repeat("organization ", i+1))
			if i%2 == 1 {
				own.Organization = signedUUID
			}
			own.ID[15] = byte(i)
			for range 500 {
				text := invitations.SignToken(ring, own).Reveal()
				if got, err := invitations.VerifyToken(ring, text); err != nil || got != own {
					done <- fmt.Errorf("%w: got %v", err, got)
					return
				}
				if got, err := invitations.VerifyToken(ring, other); err != nil || got != signed {
					done <- fmt.Errorf("%w: got %v", err, got)
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		require.NoError(t, <-done)
	}
}

// Refusing a token costs the same, however long the text is.
func TestClass41_HugeToken(t *testing.T) {
	ring := ringOf(t, testKey)
	huge := validWire().text() + strings.Repeat("A", 64<<20)
	requireRefused(t, ring, huge)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = invitations.VerifyToken(ring, huge) }))
}

func TestToken_Allocations(t *testing.T) {
	if raceEnabled() {
		t.Skip("sync.Pool drops items at random under the race detector")
	}
	first := []byte("the newer secret of 32 bytes or so")
	atMost := func(name string, most float64, f func()) {
		t.Helper()
		if got := testing.AllocsPerRun(1000, f); got > most {
			t.Errorf("%s: %v allocations, want at most %v", name, got, most)
		}
	}
	for keys, ring := range map[string]*invitations.Keyring{"one key": ringOf(t, testKey), "two keys": ringOf(t, first, testKey)} {
		for name, c := range signedClaims {
			name = keys + ", " + name
			valid := wireOf(c).text()
			atMost(name+": sign", 1, func() { invitations.SignToken(ring, c) })
			// The organization's ID is the one allocation.
			atMost(name+": verify", 1, func() {
				if _, err := invitations.VerifyToken(ring, valid); err != nil {
					t.Fatal(err)
				}
			})
			foreign := wireOf(c)
			foreign.secret, foreign.keyID = first[1:], keyIDOf(first[1:])
			last, middle := len(valid)-1, len(valid)/2
			for refused, text := range map[string]string{
				"empty":                       "",
				"another MAC":                 valid[:last-1] + other(valid[last-1]) + valid[last:],
				"1 character less":            valid[:last],
				"1 character more":            valid + "A",
				"a mebibyte more":             valid + strings.Repeat("A", 1<<20),
				"another prefix":              "inw_" + valid[4:],
				"not base64":                  valid[:middle] + "!" + valid[middle+1:],
				"not base64 at the end":       valid[:last] + "!",
				"unused bits":                 valid[:last] + other(valid[last]),
				"a line break":                valid[:middle] + "\n" + valid[middle+1:],
				"a line break at the end":     valid[:last] + "\n",
				"padding":                     valid[:last] + "=",
				"an unknown key":              foreign.text(),
				"the longest, not base64":     "inv_" + strings.Repeat("!", maxTokenLen-4),
				"the longest, bad at the end": "inv_" + strings.Repeat("A", maxTokenLen-5) + "!",
				"the longest, unused bits":    "inv_" + strings.Repeat("A", maxTokenLen-5) + "B",
				"the longest, of zeros":       "inv_" + strings.Repeat("A", maxTokenLen-4),
			} {
				atMost(name+": refuse "+refused, 0, func() {
					if _, err := invitations.VerifyToken(ring, text); !errors.Is(err, invitations.ErrInvalidToken) {
						t.Fatal(err)
					}
				})
			}
		}
	}
}

// other returns another character of base64, which differs in the last bit.
func other(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}

// An accepted text is the one that the ring signs for its claim.
func FuzzVerify(f *testing.F) {
	old := bytes.Repeat([]byte("o"), 32)
	ring, oldRing := ringOf(f, testKey, old), ringOf(f, old)
	for _, c := range signedClaims {
		valid := wireOf(c).text()
		last := len(valid) - 1
		for _, seed := range []string{
			valid, valid[:last], valid + "A", valid[:50] + "\n" + valid[51:], valid[:last-1] + "==", valid[:last] + other(valid[last]),
			strings.ToUpper(valid), invitations.SignToken(oldRing, c).Reveal(),
		} {
			f.Add(seed)
		}
	}
	f.Add("")
	f.Add("inv_")
	f.Add(strings.Repeat("A", 119))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := invitations.VerifyToken(ring, text)
		if err != nil {
			requireRefused(t, ring, text)
			return
		}
		require.Contains(t, []string{invitations.SignToken(ring, c).Reveal(), invitations.SignToken(oldRing, c).Reveal()}, text)
	})
}

// The binary form is fuzzed with a genuine MAC, which FuzzVerify never finds.
func FuzzVerify_Genuine(f *testing.F) {
	ring := ringOf(f, testKey)
	for _, c := range signedClaims {
		f.Add(byte(0), []byte(c.Organization))
		f.Add(byte(1), []byte(c.Organization))
	}
	id := uuid.MustParse(signedUUID)
	f.Add(byte(1), id[:])
	f.Fuzz(func(t *testing.T, form byte, organization []byte) {
		w := validWire()
		w.form, w.organization = form, organization
		c, err := invitations.VerifyToken(ring, w.text())
		if err != nil {
			requireRefused(t, ring, w.text())
			return
		}
		require.Equal(t, signedID, c.ID)
		require.Equal(t, signedNonce, c.Nonce)
		require.Equal(t, w.text(), invitations.SignToken(ring, c).Reveal())
	})
}

func FuzzSignVerify(f *testing.F) {
	f.Add(testKey, "acme", signedID[:], signedNonce[:])
	f.Add(make([]byte, 32), signedUUID, make([]byte, 16), make([]byte, 16))
	f.Add(testKey, strings.ToUpper(signedUUID), signedID[:], signedNonce[:])
	f.Add(testKey, longID, signedID[:], signedNonce[:])
	f.Add(bytes.Repeat([]byte("k"), 65), "名前", bytes.Repeat([]byte{0xff}, 16), bytes.Repeat([]byte{0xff}, 16))
	f.Fuzz(func(t *testing.T, secret []byte, organization string, idBytes, nonceBytes []byte) {
		ring, err := invitations.NewKeyring(secret)
		if len(secret) < 32 {
			requireInvalid(t, err, "keys")
			return
		}
		require.NoError(t, err)
		if organization == "" || len(organization) > 255 {
			return // the service refuses it
		}
		c := invitations.TokenClaim{Organization: organization}
		copy(c.ID[:], idBytes)
		copy(c.Nonce[:], nonceBytes)
		w := wireOf(c)
		w.secret, w.keyID = secret, keyIDOf(secret)
		text := invitations.SignToken(ring, c).Reveal()
		require.Equal(t, w.text(), text)
		require.LessOrEqual(t, len(text), maxTokenLen)
		requireAccepted(t, ring, text, c)
		if !bytes.Equal(keyIDOf(secret), keyIDOf(testKey)) {
			requireRefused(t, ringOf(t, testKey), text)
		}
	})
}

// Two different claims have two different tokens.
func TestToken_Injective(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	organization := rapid.OneOf(
		rapid.StringN(1, -1, 255),
		rapid.SampledFrom([]string{signedUUID, strings.ToUpper(signedUUID), strings.ReplaceAll(signedUUID, "-", ""), "42", "042", "4", "2"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		a, b := claimOf(organization.Draw(t, "a")), claimOf(organization.Draw(t, "b"))
		textA, textB := invitations.SignToken(ring, a).Reveal(), invitations.SignToken(ring, b).Reveal()
		require.Equal(t, a == b, textA == textB)
		requireAccepted(t, ring, textA, a)
		requireAccepted(t, ring, textB, b)
	})
}
