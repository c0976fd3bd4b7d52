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
	"sync"

	"github.com/google/uuid"
	"golang.org/x/crypto/cryptobyte"
)

// The binary form of a token, version 1, all of fixed width:
//
//	version 1 | key id 4 | invitation id 16 | nonce 16 | MAC 32
//
// 69 bytes are a whole number of base64 groups, so no spelling has unused bits.
const (
	tokenVersion = 1
	tokenPrefix  = "inv_"
	keyIDLen     = 4
	nonceLen     = 16
	tokenSigned  = 1 + keyIDLen + 16 + nonceLen
	tokenBinary  = tokenSigned + sha256.Size
	tokenLen     = len(tokenPrefix) + tokenBinary/3*4
)

// The labels keep a MAC of one purpose from ever being one of another. With the 37 signed
// bytes the first makes a single block of SHA-256.
const (
	tokenLabel = "invitations token"
	keyIDLabel = "invitations key id"
)

// A Token is the secret that a link carries. It formats, marshals and logs as "[redacted]";
// [Token.Reveal] is the one way to its text. The zero Token carries none. Tokens of the same
// text are not equal to ==.
type Token struct {
	// Two pointers deep: fmt asks no method of what is in a host's unexported field, and
	// with a verb that does not fit it follows one pointer.
	text **[tokenLen]byte
}

const redacted = "[redacted]"

// Reveal returns the token's text, 96 characters that are safe in URLs, or "" for the zero
// Token. Put it into a link and nowhere else. It can end in "-" or "_", which some mail
// programs leave out of a link in plain text unless it stands between angle brackets.
func (t Token) Reveal() string {
	if t.text == nil {
		return ""
	}
	return string((*t.text)[:])
}

// IsZero reports whether t carries no token.
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

// A Nonce is the random part of a token. Each sending of an invitation has a new one; the
// invitation keeps it, so that only the last token opens it.
type Nonce [nonceLen]byte

// NewNonce returns a random Nonce.
func NewNonce() Nonce {
	var n Nonce
	_, _ = rand.Read(n[:]) // crypto/rand.Read never fails
	return n
}

// A Keyring signs tokens with its first key and accepts those of all its keys. To rotate,
// put the new key first, keep the old one until the last token that it signed has expired,
// then drop it. It is safe for concurrent use. It formats and logs as "[redacted]".
type Keyring struct {
	keys []*key
}

// NewKeyring returns a ring of the given secrets, each at least 32 bytes from a
// cryptographic random source. An empty ring, a short key and a duplicate one are refused
// with an [InvalidError].
func NewKeyring(secrets ...[]byte) (*Keyring, error) {
	if len(secrets) == 0 {
		return nil, invalid("keys", "are empty")
	}
	ring := &Keyring{}
	for _, secret := range secrets {
		if len(secret) < 32 {
			return nil, invalid("keys", "a key has fewer than 32 bytes")
		}
		k := newKey(secret)
		if ring.find(k.id[:]) != nil {
			return nil, invalid("keys", "a key occurs twice")
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

// Sign returns the token for the sending of the invitation id that has nonce. The zero
// Keyring cannot sign.
func (r *Keyring) Sign(id uuid.UUID, nonce Nonce) Token {
	k := r.keys[0]
	m := k.pool.Get().(*mac)
	b := cryptobyte.NewFixedBuilder(m.binary[:0])
	b.AddUint8(tokenVersion)
	b.AddBytes(k.id[:])
	b.AddBytes(id[:])
	b.AddBytes(nonce[:])
	b.AddBytes(m.sum(m.binary[:tokenSigned]))
	made := new(struct { // both pointers' targets in one allocation
		first *[tokenLen]byte
		text  [tokenLen]byte
	})
	made.first = &made.text
	copy(made.text[:], tokenPrefix)
	base64.RawURLEncoding.Encode(made.text[len(tokenPrefix):], b.BytesOrPanic())
	k.pool.Put(m)
	return Token{&made.first}
}

// Verify returns what a token that this ring signed stands for. Everything else is
// [ErrInvalidToken]. It costs the same few hundred nanoseconds at most, however long token
// is, and says nothing about whether the invitation exists.
func (r *Keyring) Verify(token string) (uuid.UUID, Nonce, error) {
	var id uuid.UUID
	var nonce Nonce
	if len(token) != tokenLen || token[:len(tokenPrefix)] != tokenPrefix {
		return id, nonce, ErrInvalidToken
	}
	m := r.keys[0].pool.Get().(*mac)
	defer r.keys[0].pool.Put(m)
	copy(m.text[:], token[len(tokenPrefix):])
	// The decoder skips line breaks; a text with one decodes to fewer bytes.
	if n, err := base64.RawURLEncoding.Decode(m.binary[:], m.text[:]); err != nil || n != tokenBinary {
		return id, nonce, ErrInvalidToken
	}
	// The key id alone is read before the MAC: it says which key to check with.
	k := r.find(m.binary[1 : 1+keyIDLen])
	if k == nil || !k.verify(m.binary[:tokenSigned], m.binary[tokenSigned:]) {
		return id, nonce, ErrInvalidToken
	}
	var version uint8
	s := cryptobyte.String(m.binary[:tokenSigned])
	if !s.ReadUint8(&version) || version != tokenVersion || !s.Skip(keyIDLen) ||
		!s.CopyBytes(id[:]) || !s.CopyBytes(nonce[:]) || !s.Empty() {
		return uuid.UUID{}, Nonce{}, ErrInvalidToken
	}
	return id, nonce, nil
}

func (r *Keyring) find(id []byte) *key {
	for _, k := range r.keys {
		if string(k.id[:]) == string(id) {
			return k
		}
	}
	return nil
}

// A key is a secret in the form of HMAC states that have absorbed it.
type key struct {
	id   [keyIDLen]byte
	pool sync.Pool // of *mac
}

// A mac is one HMAC state and the buffers that would otherwise escape to the heap at every
// call.
type mac struct {
	hash   hash.Hash
	text   [tokenLen - len(tokenPrefix)]byte
	binary [tokenBinary]byte
	out    [sha256.Size]byte
}

func newKey(secret []byte) *key {
	secret = append([]byte(nil), secret...) // the caller may wipe theirs
	k := &key{}
	k.pool.New = func() any { return &mac{hash: hmac.New(sha256.New, secret)} }
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(keyIDLabel))
	copy(k.id[:], h.Sum(nil))
	return k
}

// verify reports, in constant time, whether sum is the MAC of message.
func (k *key) verify(message, sum []byte) bool {
	m := k.pool.Get().(*mac)
	defer k.pool.Put(m)
	return hmac.Equal(m.sum(message), sum)
}

var tokenLabelBytes = []byte(tokenLabel)

func (m *mac) sum(message []byte) []byte {
	m.hash.Reset() // keeps the keyed state
	m.hash.Write(tokenLabelBytes)
	m.hash.Write(message)
	return m.hash.Sum(m.out[:0])
}
