package invitations

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// A token is "inv_" and the base64url form of
//
//	version 1 | key ID 4 | invitation ID 16 | nonce 16 | form 1 | organization ID | MAC 32
//
// where numbers are lengths in bytes. The form says how the organization's ID is written:
// a UUID in its 16 bytes, anything else as its text. The MAC is HMAC-SHA-256 over all bytes
// before it, under a key that is derived for tokens and nothing else.
const (
	tokenPrefix  = "inv_"
	tokenVersion = 1
	keyIDLen     = 4
	nonceLen     = 16
	tokenHeader  = 1 + keyIDLen + 16 + nonceLen + 1 // before the organization

	// The longest token has 438 characters: an organization ID of 255 bytes.
	maxTokenBinary = tokenHeader + maxIDBytes + sha256.Size
	minTokenBinary = tokenHeader + 1 + sha256.Size
)

const (
	formText = 0
	formUUID = 1
)

// tokenEncoding is strict about unused bits. It still skips line breaks, which is why
// decodeToken compares lengths.
var tokenEncoding = base64.RawURLEncoding.Strict()

// A Token is the secret in an invitation's link. It formats, marshals and logs as
// "[redacted]"; only [Token.Reveal] returns its text. The zero Token holds no text. Do not
// compare Tokens with ==: two Tokens of the same text differ.
//
// The text is signed, not encrypted: everybody who has it can read the IDs of the
// organization and the invitation.
type Token struct {
	// The text lies behind two pointers. The fmt package does not call methods of an
	// unexported field of the caller's struct, and follows one pointer if the verb does not
	// fit.
	text **[]byte
}

const redacted = "[redacted]"

// Reveal returns the text of the token, or "" for the zero Token. It has 119 characters if
// the organization's ID is a UUID in lower case, at most 438 otherwise, all safe in URLs. Put
// it into a link and nowhere else. It can end in "-" or "_": enclose the link in angle
// brackets in plain text, because some mail programs cut such characters off.
func (t Token) Reveal() string {
	if t.text == nil {
		return ""
	}
	return string(**t.text)
}

// IsZero reports whether t is the zero Token.
func (t Token) IsZero() bool { return t.text == nil }

// String returns "[redacted]".
func (t Token) String() string { return redacted }

// Format writes "[redacted]" for every verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]".
func (t Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]".
func (t Token) LogValue() slog.Value { return slog.StringValue(redacted) }

var (
	_ fmt.Formatter  = Token{}
	_ slog.LogValuer = Token{}
)

// shortToken is long enough for organization IDs that are UUIDs, numbers or short names.
const shortToken = 128

// makeToken returns a Token and its text of n bytes, which the caller fills. Text and both
// pointers are one allocation.
func makeToken(n int) (Token, []byte) {
	if n <= shortToken {
		t := new(struct {
			outer *[]byte
			text  []byte
			room  [shortToken]byte
		})
		t.text, t.outer = t.room[:n], &t.text
		return Token{&t.outer}, t.text
	}
	t := new(struct {
		outer *[]byte
		text  []byte
		room  [maxTokenLen]byte
	})
	t.text, t.outer = t.room[:n], &t.text
	return Token{&t.outer}, t.text
}

const maxTokenLen = len(tokenPrefix) + (maxTokenBinary*8+5)/6

// A claim is the content of a token whose MAC is genuine.
type claim struct {
	organization string
	id           uuid.UUID
	nonce        [nonceLen]byte
}

// claim returns the claim of the present token of r.
func (r Record) claim() claim { return claim{r.Organization, r.ID, r.Nonce} }

func newNonce() (nonce [nonceLen]byte) {
	_, _ = rand.Read(nonce[:]) // crypto/rand.Read never fails
	return nonce
}

// A Keyring signs tokens with its first key and accepts tokens of all its keys. It is safe
// for concurrent use. It formats, marshals and logs as "[redacted]".
//
// To rotate keys without downtime, append the new key in every process first, then move it
// to the front. Drop the old key once the last token that it signed has expired.
type Keyring struct {
	keys []*key
}

// NewKeyring returns a Keyring of the given secrets. Each must have at least 32 bytes from a
// cryptographic random source. An empty ring, a short secret, and two secrets with the same
// key ID of 4 bytes, such as a repeated one, are refused with an [InvalidError].
func NewKeyring(secrets ...[]byte) (*Keyring, error) {
	if len(secrets) == 0 {
		return nil, required("keys")
	}
	ring := &Keyring{}
	for _, secret := range secrets {
		if len(secret) < 32 {
			return nil, invalid("keys", "too_short", "must have at least 32 bytes each", "min", "32", "unit", "bytes")
		}
		k := newKey(secret)
		if ring.find(k.id[:]) != nil {
			return nil, invalid("keys", "duplicate", "must have different key IDs: make another key")
		}
		ring.keys = append(ring.keys, k)
	}
	return ring, nil
}

// Format writes "[redacted]" for every verb.
func (r Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (r Keyring) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (r Keyring) MarshalText() ([]byte, error) { return []byte(redacted), nil }

func (r *Keyring) find(id []byte) *key {
	for _, k := range r.keys {
		if string(k.id[:]) == string(id) {
			return k
		}
	}
	return nil
}

// A tokenBuffer is room for a token to verify.
type tokenBuffer struct {
	text   [maxTokenLen - len(tokenPrefix)]byte
	binary [maxTokenBinary]byte
}

var tokenBuffers = sync.Pool{New: func() any { return new(tokenBuffer) }}

// sign returns the token of c.
func (r *Keyring) sign(c claim) Token {
	k := r.keys[0]
	m := k.macs.Get().(*mac)
	defer k.macs.Put(m)
	b := append(m.token[:0], tokenVersion)
	b = append(b, k.id[:]...)
	b = append(b, c.id[:]...)
	b = append(b, c.nonce[:]...)
	b = appendOrganization(b, c.organization)
	b = append(b, m.of(b)...)
	token, text := makeToken(len(tokenPrefix) + tokenEncoding.EncodedLen(len(b)))
	copy(text, tokenPrefix)
	tokenEncoding.Encode(text[len(tokenPrefix):], b)
	return token
}

// verify returns the claim of a token, or [ErrInvalidToken]. It checks the MAC, in constant
// time, before it reads anything but the version and the key ID.
func (r *Keyring) verify(token string) (claim, error) {
	if len(token) > maxTokenLen || !strings.HasPrefix(token, tokenPrefix) {
		return claim{}, ErrInvalidToken
	}
	buffer := tokenBuffers.Get().(*tokenBuffer)
	defer tokenBuffers.Put(buffer)
	text := buffer.text[:copy(buffer.text[:], token[len(tokenPrefix):])]
	n, ok := decodeToken(buffer.binary[:], text)
	b := buffer.binary[:n]
	if !ok || n < minTokenBinary || b[0] != tokenVersion {
		return claim{}, ErrInvalidToken
	}
	k := r.find(b[1 : 1+keyIDLen])
	signed, sum := b[:n-sha256.Size], b[n-sha256.Size:]
	if k == nil || !k.verifyMAC(signed, sum) {
		return claim{}, ErrInvalidToken
	}
	var c claim
	fields := signed[1+keyIDLen:]
	fields = fields[copy(c.id[:], fields):]
	fields = fields[copy(c.nonce[:], fields):]
	if c.organization, ok = readOrganization(fields); !ok {
		return claim{}, ErrInvalidToken
	}
	return c, nil
}

// decodeToken decodes the text of a token, without its prefix, into b.
func decodeToken(b, text []byte) (n int, ok bool) {
	for len(text) > 0 {
		// An error of the decoder is the offset of a bad character. To put a number above 255
		// into an interface allocates, so a long text is decoded in parts of whole groups.
		part := text[:min(len(text), 252)]
		decoded, err := tokenEncoding.Decode(b[n:], part)
		// The decoder skips line breaks; a text with one is longer than its bytes need.
		if err != nil || tokenEncoding.EncodedLen(decoded) != len(part) {
			return 0, false
		}
		n, text = n+decoded, text[len(part):]
	}
	return n, true
}

// appendOrganization appends the form and the bytes of an organization's ID.
func appendOrganization(b []byte, organization string) []byte {
	if id, ok := canonicalUUID(organization); ok {
		return append(append(b, formUUID), id[:]...)
	}
	return append(append(b, formText), organization...)
}

// readOrganization is the inverse of appendOrganization. It refuses a UUID as text: a claim
// has one token.
func readOrganization(b []byte) (organization string, ok bool) {
	switch form, id := b[0], b[1:]; {
	case form == formText:
		organization = string(id)
		_, isUUID := canonicalUUID(organization)
		return organization, !isUUID
	case form == formUUID && len(id) == 16:
		return uuid.UUID(id).String(), true
	}
	return "", false
}

// canonicalUUID returns the UUID whose text is s. Only the spelling of [uuid.UUID.String]
// counts: any other text is not that of a UUID, so it comes back as it was.
func canonicalUUID(s string) (id uuid.UUID, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, false
	}
	invalid := byte(0)
	for i, at := range [...]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34} {
		high, low := hexDigits[s[at]], hexDigits[s[at+1]]
		id[i] = high<<4 | low
		invalid |= high | low
	}
	return id, invalid < 16
}

// hexDigits has the value of each lower-case hexadecimal digit, and 0xff for all other bytes.
var hexDigits = func() (values [256]byte) {
	for i := range values {
		values[i] = 0xff
	}
	for value, digit := range []byte("0123456789abcdef") {
		values[digit] = byte(value)
	}
	return values
}()

// A key is one secret of a Keyring.
type key struct {
	id   [keyIDLen]byte
	macs sync.Pool // of *mac
}

// A mac is an HMAC state that has absorbed the key, with room for its sum and for a token to
// sign, which would otherwise escape to the heap at every call.
type mac struct {
	hash  hash.Hash
	sum   [sha256.Size]byte
	token [maxTokenBinary]byte
}

// newKey derives from a secret the key that signs tokens and its ID. Each purpose has a
// label, so a MAC of one purpose is never valid for another. The label goes into the key
// instead of the message: a token with a UUID then fits one block of SHA-256.
func newKey(secret []byte) *key {
	derive := func(label string) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(label))
		return h.Sum(nil)
	}
	k := &key{}
	copy(k.id[:], derive("invitations key id"))
	signing := derive("invitations token")
	k.macs.New = func() any { return &mac{hash: hmac.New(sha256.New, signing)} }
	return k
}

// verifyMAC reports whether sum is the MAC of message.
func (k *key) verifyMAC(message, sum []byte) bool {
	m := k.macs.Get().(*mac)
	defer k.macs.Put(m)
	return hmac.Equal(m.of(message), sum)
}

// of returns the MAC of message, which lasts until the next call.
func (m *mac) of(message []byte) []byte {
	m.hash.Reset() // keeps the key
	m.hash.Write(message)
	return m.hash.Sum(m.sum[:0])
}
