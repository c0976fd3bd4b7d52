package invitations_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

var (
	signedID    = uuid.MustParse("019531f0-0000-7000-8000-000000000001")
	signedNonce = [16]byte{0xf0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0x0f}
)

// signed is the claim of the token that most tests use.
var signed = invitations.TokenClaim{Organization: "acme", ID: signedID, Nonce: signedNonce}

// A wire is the binary form of a token, written out by hand: the format is a promise to
// every link that is in somebody's mailbox.
type wire struct {
	version      byte
	keyID        []byte
	id           uuid.UUID
	nonce        [16]byte
	form         byte
	organization []byte
	secret       []byte
	label        string // of the key that is derived from the secret
}

// validWire is the wire of the claim signed.
func validWire() wire { return wireOf(signed) }

// wireOf returns the wire of a claim.
func wireOf(c invitations.TokenClaim) wire {
	w := wire{
		version: 1, keyID: keyIDOf(testKey), id: c.ID, nonce: c.Nonce, organization: []byte(c.Organization),
		secret: testKey, label: "invitations token",
	}
	if id, err := uuid.Parse(c.Organization); err == nil && id.String() == c.Organization {
		w.form, w.organization = 1, id[:]
	}
	return w
}

func keyIDOf(secret []byte) []byte { return macOf(secret, []byte("invitations key id"))[:4] }

func macOf(secret, message []byte) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write(message)
	return m.Sum(nil)
}

// message returns the bytes that the MAC covers.
func (w wire) message() []byte {
	b := append([]byte{w.version}, w.keyID...)
	b = append(b, w.id[:]...)
	b = append(b, w.nonce[:]...)
	return append(append(b, w.form), w.organization...)
}

func (w wire) binary() []byte {
	b := w.message()
	return append(b, macOf(macOf(w.secret, []byte(w.label)), b)...)
}

func (w wire) text() string { return encode(w.binary()) }

// tokenOf is the text of a record's token.
func tokenOf(r invitations.Record) string {
	return wireOf(invitations.TokenClaim{Organization: r.Organization, ID: r.ID, Nonce: r.Nonce}).text()
}

// encode returns the text of a token's binary form.
func encode(b []byte) string { return "inv_" + base64.RawURLEncoding.EncodeToString(b) }

// requireRefused fails unless the ring refuses the token as it refuses all others: with the
// one error value, and nothing of what is inside.
func requireRefused(t require.TestingT, ring *invitations.Keyring, text string) {
	c, err := invitations.VerifyToken(ring, text)
	require.True(t, err == error(invitations.ErrInvalidToken), "%v for %.200q", err, text)
	require.Zero(t, c)
}

func requireAccepted(t require.TestingT, ring *invitations.Keyring, text string) {
	c, err := invitations.VerifyToken(ring, text)
	require.NoError(t, err)
	require.Equal(t, signed, c)
}

func TestToken(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	text := invitations.SignToken(ring, signed).Reveal()
	require.Equal(t, validWire().text(), text)
	require.Len(t, text, 103)
	require.Regexp(t, `^inv_[A-Za-z0-9_-]{99}$`, text)
	require.Equal(t, text, invitations.SignToken(ring, signed).Reveal(), "signing is deterministic")
	requireAccepted(t, ring, text)
}

// A token that an earlier version signed. It must never stop to verify.
func TestToken_Golden(t *testing.T) {
	t.Parallel()
	const golden = "inv_AV_IcV8BlTHwAABwAIAAAAAAAAAB8AECAwQFBgcICQoLDA0ODwBhY21l_4dPTmqMnRQK9L40jFg4ebe_-WvCfFFEZ63sxAskQf4"
	require.Equal(t, golden, invitations.SignToken(ringOf(t, testKey), signed).Reveal())
	requireAccepted(t, ringOf(t, testKey), golden)
}

func TestToken_Zero(t *testing.T) {
	t.Parallel()
	require.True(t, invitations.Token{}.IsZero())
	require.Empty(t, invitations.Token{}.Reveal())
	require.False(t, invitations.SignToken(ringOf(t, testKey), invitations.TokenClaim{}).IsZero())
}

func TestNewKeyring(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][][]byte{
		"32 bytes":                {testKey},
		"33 bytes":                {append(testKey[:32:32], 'x')},
		"more than a block":       {bytes.Repeat([]byte("k"), 1000)},
		"several":                 {testKey, bytes.Repeat([]byte("a"), 32), bytes.Repeat([]byte("b"), 64)},
		"one begins with another": {testKey, append(testKey[:32:32], 'x')},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring, err := invitations.NewKeyring(secrets...)
			require.NoError(t, err)
			requireAccepted(t, ring, invitations.SignToken(ring, signed).Reveal())
		})
	}
}

func TestNewKeyring_Refused(t *testing.T) {
	t.Parallel()
	other := bytes.Repeat([]byte("a"), 32)
	for name, secrets := range map[string][][]byte{
		"no key":                  {},
		"nil":                     {nil},
		"Class20: an empty key":   {{}},
		"31 bytes":                {testKey[:31]},
		"a short one behind":      {testKey, testKey[:31]},
		"an empty one behind":     {testKey, {}},
		"a duplicate":             {testKey, bytes.Clone(testKey)},
		"a duplicate further off": {testKey, other, bytes.Clone(testKey)},
		"a duplicate of others":   {testKey, other, other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring, err := invitations.NewKeyring(secrets...)
			require.Nil(t, ring)
			requireInvalid(t, err, "keys")
		})
	}
}

// HMAC pads a key with zeros, so these two secrets are one key.
func TestNewKeyring_PaddedDuplicate(t *testing.T) {
	t.Parallel()
	_, err := invitations.NewKeyring(testKey, append(testKey[:32:32], 0))
	requireInvalid(t, err, "keys")
}

// The caller may wipe their copy of a secret.
func TestNewKeyring_CopiesSecrets(t *testing.T) {
	t.Parallel()
	secret := bytes.Clone(testKey)
	ring := ringOf(t, secret)
	clear(secret)
	require.Equal(t, validWire().text(), invitations.SignToken(ring, signed).Reveal())
}

// A new key first, the old one behind it, and at last the old one is gone: no link dies
// before that.
func TestKeyring_Rotation(t *testing.T) {
	t.Parallel()
	old, young := testKey, bytes.Repeat([]byte("young"), 8)
	before, during, after := ringOf(t, old), ringOf(t, young, old), ringOf(t, young)
	sentBefore := invitations.SignToken(before, signed).Reveal()
	sentDuring := invitations.SignToken(during, signed).Reveal()
	require.NotEqual(t, sentBefore, sentDuring)
	require.Equal(t, sentDuring, invitations.SignToken(after, signed).Reveal(), "the first key signs")

	requireAccepted(t, during, sentBefore)
	requireAccepted(t, during, sentDuring)
	requireAccepted(t, after, sentDuring)
	requireRefused(t, after, sentBefore)
	requireRefused(t, before, sentDuring)

	// Servers that do not have the new key yet accept it behind the old one.
	requireAccepted(t, ringOf(t, old, young), sentDuring)
}

// The MAC covers every bit, and no bit inside counts without it.
func TestClass19_EverySingleBit(t *testing.T) {
	t.Parallel()
	other := bytes.Repeat([]byte("o"), 32)
	for name, ring := range map[string]*invitations.Keyring{
		"one key": ringOf(t, testKey), "two keys": ringOf(t, other, testKey),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			valid := validWire().binary()
			require.Len(t, valid, 74)
			for bit := range len(valid) * 8 {
				b := bytes.Clone(valid)
				b[bit/8] ^= 1 << (bit % 8)
				requireRefused(t, ring, "inv_"+base64.RawURLEncoding.EncodeToString(b))
			}
			// And every single bit of the text.
			text := validWire().text()
			for bit := range len(text) * 8 {
				b := []byte(text)
				b[bit/8] ^= 1 << (bit % 8)
				requireRefused(t, ring, string(b))
			}
		})
	}
}

func TestClass19_Forged(t *testing.T) {
	t.Parallel()
	other := bytes.Repeat([]byte("o"), 32)
	for name, forge := range map[string]func(*wire){
		"signed with another key":                func(w *wire) { w.secret = other },
		"of another key":                         func(w *wire) { w.secret, w.keyID = other, keyIDOf(other) },
		"under another key's id":                 func(w *wire) { w.keyID = keyIDOf(other) },
		"with no key":                            func(w *wire) { w.secret = nil },
		"with a key of zeros":                    func(w *wire) { w.secret = make([]byte, 32) },
		"of no key id":                           func(w *wire) { w.keyID = make([]byte, 4) },
		"Class17: without a label":               func(w *wire) { w.label = "" },
		"Class17: under the label of key ids":    func(w *wire) { w.label = "invitations key id" },
		"Class17: under the label of a password": func(w *wire) { w.label = "invitations password reset" },
		"version 0":                              func(w *wire) { w.version = 0 },
		"version 2":                              func(w *wire) { w.version = 2 },
		"version 255":                            func(w *wire) { w.version = 255 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := validWire()
			forge(&w)
			requireRefused(t, ringOf(t, testKey), w.text())
		})
	}
	// What all of them are made of is accepted as it is.
	requireAccepted(t, ringOf(t, testKey), validWire().text())
}

func TestClass19_MACOfNothing(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	for name, mac := range map[string][]byte{
		"zeros":                  make([]byte, 32),
		"ones":                   bytes.Repeat([]byte{0xff}, 32),
		"of the empty message":   macOf(testKey, nil),
		"of the label alone":     macOf(testKey, []byte("invitations token")),
		"a bare hash, no secret": hashOf(validWire().message()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := append(validWire().message(), mac...)
			requireRefused(t, ring, "inv_"+base64.RawURLEncoding.EncodeToString(b))
		})
	}
}

func hashOf(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

func TestClass20_EmptyToken(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	for _, text := range []string{
		"", "inv_", "inv", " ", "\x00", "null", "undefined", "0", "[redacted]",
		strings.Repeat("\x00", 96), "inv_" + strings.Repeat("A", 92), "inv_" + strings.Repeat("_", 92),
		invitations.Token{}.Reveal(), invitations.Token{}.String(),
	} {
		requireRefused(t, ring, text)
	}
	// Signed, but for nothing: the ring vouches for the signature alone.
	c, err := invitations.VerifyToken(ring, invitations.SignToken(ring, invitations.TokenClaim{Organization: "x"}).Reveal())
	require.NoError(t, err)
	require.Equal(t, invitations.TokenClaim{Organization: "x"}, c)
}

// Every bit of every nonce is drawn anew.
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

// An id is a UUID of version 7: the clock's milliseconds, and 74 bits that nobody can
// guess, even of two invitations of one instant.
func TestClass21_IDs(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 987_654_321, time.UTC)
	store := answering(invitations.Facts{Organization: "acme", Version: 1})
	svc := serviceOn(t, store, invitations.Config{Clock: func() time.Time { return at }})
	var ones, zeros [16]byte
	seen := map[uuid.UUID]bool{}
	tokens := map[string]bool{}
	for range 2000 {
		sent, err := svc.CreateLink(t.Context(), invitations.System(), invitations.CreateLinkParams{Organization: "acme", Role: "viewer"})
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

// One token has one spelling.
func TestClass22_MalleableToken(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	valid := validWire().text()
	body := valid[4:]
	standard := base64.StdEncoding.EncodeToString(validWire().binary())
	require.NotEqual(t, standard, body, "the two alphabets differ for this token, or the test shows nothing")
	for name, text := range map[string]string{
		"no prefix":                body,
		"the prefix in capitals":   "INV_" + body,
		"another prefix":           "ivn_" + body,
		"the prefix twice":         "inv_" + valid,
		"an escaped underscore":    "inv%5f" + body,
		"the standard alphabet":    "inv_" + standard,
		"padding":                  valid + "=",
		"padding to four":          valid + "====",
		"padding for the last":     valid[:95] + "=",
		"padding for the last two": valid[:94] + "==",
		"hex":                      "inv_" + fmt.Sprintf("%x", validWire().binary()),
		"capitals":                 "inv_" + strings.ToUpper(body),
		"small letters":            "inv_" + strings.ToLower(body),
		"a space in front":         " " + valid,
		"a space behind":           valid + " ",
		"quotes":                   `"` + valid + `"`,
		"a NUL behind":             valid + "\x00",
		"twice":                    valid + valid,
		"full-width":               "ｉnv_" + body,
		"as a path":                valid + "/",
		"as a query":               valid + "?x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, ring, text)
		})
	}
	for n := range valid {
		requireRefused(t, ring, valid[:n])             // cut behind
		requireRefused(t, ring, valid[len(valid)-n:])  // cut in front
		requireRefused(t, ring, valid[:n]+valid[n+1:]) // cut between
	}
	for i := range len(valid) + 1 {
		for _, filler := range []string{"\n", "\r", "\r\n", "\t", " ", "=", "\x00", "A", "_", "-", "\u200b"} {
			// Longer by the filler; and as long as before, with the last or the replaced
			// characters cut off.
			requireRefused(t, ring, valid[:i]+filler+valid[i:])
			if longer := valid[:i] + filler + valid[i:]; longer[:len(valid)] != valid {
				requireRefused(t, ring, longer[:len(valid)])
			}
			if end := i + len(filler); end <= len(valid) && valid[i:end] != filler {
				requireRefused(t, ring, valid[:i]+filler+valid[end:])
			}
		}
	}
	for extra := range 256 {
		requireRefused(t, ring, valid+string([]byte{byte(extra)}))
	}
	// A longer binary form, correctly encoded, and a shorter one.
	b := validWire().binary()
	requireRefused(t, ring, "inv_"+base64.RawURLEncoding.EncodeToString(append(b[:69:69], 0, 0, 0)))
	requireRefused(t, ring, "inv_"+base64.RawURLEncoding.EncodeToString(b[:66]))
}

// All characters of the text but the one that is there are refused, at every place.
func TestClass22_EveryOtherCharacter(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, testKey)
	valid := []byte(validWire().text())
	for i, right := range valid {
		for wrong := range 256 {
			if byte(wrong) != right {
				valid[i] = byte(wrong)
				requireRefused(t, ring, string(valid))
			}
		}
		valid[i] = right
	}
}

// However long a text is, refusing it costs nothing.
func TestClass41_HugeToken(t *testing.T) {
	ring := ringOf(t, testKey)
	huge := validWire().text() + strings.Repeat("A", 64<<20)
	requireRefused(t, ring, huge)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = invitations.VerifyToken(ring, huge) }))
}

// Many goroutines share a ring.
func TestKeyring_Concurrent(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, bytes.Repeat([]byte("n"), 32), testKey)
	other := validWire().text()
	done := make(chan error)
	for i := range 8 {
		go func() {
			id := signedID
			id[15] = byte(i)
			for range 500 {
				own := invitations.TokenClaim{Organization: fmt.Sprint("organization ", i), ID: id, Nonce: signedNonce}
				text := invitations.SignToken(ring, own).Reveal()
				if got, err := invitations.VerifyToken(ring, text); err != nil || got != own {
					done <- fmt.Errorf("%v: got %v", err, got)
					return
				}
				if got, err := invitations.VerifyToken(ring, other); err != nil || got != signed {
					done <- fmt.Errorf("%v: got %v", err, got)
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

func FuzzVerify(f *testing.F) {
	old := bytes.Repeat([]byte("o"), 32)
	ring, oldRing := ringOf(f, testKey, old), ringOf(f, old)
	valid := validWire().text()
	for _, seed := range []string{
		valid, "", "inv_", valid[:95], valid + "A", valid[:50] + "\n" + valid[51:], valid[:94] + "==",
		strings.ToUpper(valid), strings.Repeat("A", 96), invitations.SignToken(oldRing, signed).Reveal(),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := invitations.VerifyToken(ring, text)
		if err != nil {
			requireRefused(t, ring, text)
			return
		}
		require.Contains(t, []string{invitations.SignToken(ring, c).Reveal(), invitations.SignToken(oldRing, c).Reveal()}, text,
			"what is accepted is what would be signed")
	})
}

func FuzzSignVerify(f *testing.F) {
	f.Add(testKey, signedID[:], signedNonce[:])
	f.Add(make([]byte, 32), make([]byte, 16), make([]byte, 16))
	f.Add(bytes.Repeat([]byte("k"), 65), bytes.Repeat([]byte{0xff}, 16), bytes.Repeat([]byte{0xff}, 16))
	f.Fuzz(func(t *testing.T, secret, idBytes, nonceBytes []byte) {
		ring, err := invitations.NewKeyring(secret)
		if len(secret) < 32 {
			requireInvalid(t, err, "keys")
			return
		}
		require.NoError(t, err)
		var w wire
		copy(w.id[:], idBytes)
		copy(w.nonce[:], nonceBytes)
		w.version, w.secret, w.keyID, w.label, w.organization = 1, secret, keyIDOf(secret), "invitations token", []byte("acme")
		text := invitations.SignToken(ring, invitations.TokenClaim{Organization: "acme", ID: w.id, Nonce: w.nonce}).Reveal()
		require.Equal(t, w.text(), text)
		c, err := invitations.VerifyToken(ring, text)
		require.NoError(t, err)
		require.Equal(t, invitations.TokenClaim{Organization: "acme", ID: w.id, Nonce: w.nonce}, c)
		if !bytes.Equal(keyIDOf(secret), keyIDOf(testKey)) {
			requireRefused(t, ringOf(t, testKey), text)
		}
	})
}
