package bench_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// The token, written out by hand: one flat buffer, one pooled HMAC, no ring, no builder and
// no type that guards the secret. It makes and takes the same bytes as the library.
const (
	prefix = "inv_"
	label  = "invitations token" // stands before the signed bytes in the MAC

	signedLen = 1 + 4 + 16 + 16 // version, key id, invitation id, nonce
	binaryLen = signedLen + sha256.Size
	textLen   = len(prefix) + binaryLen/3*4
)

var errBare = errors.New("refused")

type bare struct {
	keyID [4]byte
	pool  sync.Pool // of *bareState
}

// bareState holds what would otherwise go to the heap at every call.
type bareState struct {
	mac  hash.Hash
	data [len(label) + binaryLen]byte // begins with the label, once and for all
	sum  [sha256.Size]byte
	text [textLen]byte
}

func newBare(secret []byte) *bare {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("invitations key id"))
	b := &bare{keyID: [4]byte(h.Sum(nil))}
	b.pool.New = func() any {
		s := &bareState{mac: hmac.New(sha256.New, secret)}
		copy(s.data[:], label)
		copy(s.text[:], prefix)
		return s
	}
	return b
}

func (b *bare) sign(id uuid.UUID, nonce [16]byte) string {
	s := b.pool.Get().(*bareState)
	binary := s.data[len(label):]
	binary[0] = 1
	copy(binary[1:5], b.keyID[:])
	copy(binary[5:21], id[:])
	copy(binary[21:37], nonce[:])
	s.mac.Reset()
	s.mac.Write(s.data[:len(label)+signedLen])
	s.mac.Sum(binary[:signedLen])
	base64.RawURLEncoding.Encode(s.text[len(prefix):], binary)
	token := string(s.text[:])
	b.pool.Put(s)
	return token
}

func (b *bare) verify(token string) (id uuid.UUID, nonce [16]byte, err error) {
	if len(token) != textLen || token[:len(prefix)] != prefix {
		return id, nonce, errBare
	}
	s := b.pool.Get().(*bareState)
	copy(s.text[len(prefix):], token[len(prefix):])
	binary := s.data[len(label):]
	n, err := base64.RawURLEncoding.Decode(binary, s.text[len(prefix):])
	if err != nil || n != binaryLen || [4]byte(binary[1:5]) != b.keyID {
		b.pool.Put(s)
		return id, nonce, errBare
	}
	s.mac.Reset()
	s.mac.Write(s.data[:len(label)+signedLen])
	if !hmac.Equal(s.mac.Sum(s.sum[:0]), binary[signedLen:]) || binary[0] != 1 {
		b.pool.Put(s)
		return id, nonce, errBare
	}
	id, nonce = uuid.UUID(binary[5:21]), [16]byte(binary[21:37])
	b.pool.Put(s)
	return id, nonce, nil
}

// claims says in JSON what the token says in binary.
type claims struct {
	jwt.RegisteredClaims
	Nonce []byte `json:"nonce"`
}

var jwtParser = jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}))

func jwtSign(secret []byte, id uuid.UUID, nonce [16]byte) (string, error) {
	c := &claims{RegisteredClaims: jwt.RegisteredClaims{ID: id.String()}, Nonce: nonce[:]}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(secret)
}

func jwtVerify(keys jwt.Keyfunc, token string) (id uuid.UUID, nonce [16]byte, err error) {
	var c claims
	if _, err = jwtParser.ParseWithClaims(token, &c, keys); err != nil {
		return id, nonce, err
	}
	if id, err = uuid.Parse(c.ID); err != nil {
		return id, nonce, err
	}
	copy(nonce[:], c.Nonce)
	return id, nonce, nil
}

var (
	secret = []byte("0123456789abcdef0123456789abcdef")
	id     = uuid.MustParse("0198f6a0-0000-7000-8000-0123456789ab")
	nonce  = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
)

func newKeyring(t testing.TB, secrets ...[]byte) *invitations.Keyring {
	ring, err := invitations.NewKeyring(secrets...)
	require.NoError(t, err)
	return ring
}

// forge returns token with a bit of its MAC changed.
func forge(token string) string {
	i := len(token) - 2
	other := byte('A')
	if token[i] == other {
		other = 'B'
	}
	return token[:i] + string(other) + token[i+1:]
}

func BenchmarkToken(b *testing.B) {
	ring, hand := newKeyring(b, secret), newBare(secret)
	keys := func(*jwt.Token) (any, error) { return secret, nil }
	token := hand.sign(id, nonce)
	jwtToken, err := jwtSign(secret, id, nonce)
	require.NoError(b, err)

	b.Run("sign/lib", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ring.Sign(id, nonce)
		}
	})
	// To have the text costs the library a second copy; the others return it at once.
	b.Run("sign/lib-reveal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = ring.Sign(id, nonce).Reveal()
		}
	})
	b.Run("sign/bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			hand.sign(id, nonce)
		}
	})
	b.Run("sign/jwt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := jwtSign(secret, id, nonce); err != nil {
				b.Fatal(err)
			}
		}
	})

	for _, c := range []struct {
		name       string
		token, jwt string
		valid      bool
	}{
		{"verify", token, jwtToken, true},
		{"refuse", forge(token), forge(jwtToken), false},
	} {
		b.Run(c.name+"/lib", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := ring.Verify(c.token); (err == nil) != c.valid {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := hand.verify(c.token); (err == nil) != c.valid {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/jwt", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := jwtVerify(keys, c.jwt); (err == nil) != c.valid {
					b.Fatal(err)
				}
			}
		})
	}
}

// What is compared must be the same thing.
func TestBareAndLibraryAgree(t *testing.T) {
	t.Parallel()
	ring, hand := newKeyring(t, secret), newBare(secret)
	for range 100 {
		id, nonce := uuid.New(), invitations.NewNonce()
		token := hand.sign(id, nonce)
		require.Equal(t, ring.Sign(id, nonce).Reveal(), token)
		for _, verify := range []func(string) (uuid.UUID, [16]byte, error){ring.Verify, hand.verify} {
			gotID, gotNonce, err := verify(token)
			require.NoError(t, err)
			require.Equal(t, id, gotID)
			require.Equal(t, nonce, gotNonce)
		}
	}
	for _, bad := range badTokens(t) {
		_, _, err := hand.verify(bad.token)
		require.Error(t, err, bad.name)
	}
}

type badToken struct{ name, token string }

func badTokens(t testing.TB) []badToken {
	token := newKeyring(t, secret).Sign(id, nonce).Reveal()
	foreign := newKeyring(t, []byte("another secret of thirty-two byte")).Sign(id, nonce).Reveal()
	return []badToken{
		{"empty", ""},
		{"wrong MAC", forge(token)},
		{"one character short", token[:len(token)-1]},
		{"one character long", token + "A"},
		{"a mebibyte long", token + strings.Repeat("A", 1<<20)},
		{"wrong prefix", "inw_" + token[4:]},
		{"bad base64", token[:20] + "!" + token[21:]},
		{"line break in base64", token[:20] + "\n" + token[21:]},
		{"unknown key", foreign},
	}
}

func TestTokenAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget at random, so allocations say nothing")
	}
	first := []byte("the newer secret of 32 bytes or so")
	rings := map[string]*invitations.Keyring{
		"one key":  newKeyring(t, secret),
		"two keys": newKeyring(t, first, secret),
	}
	for name, ring := range rings {
		allocations := func(what string, most float64, f func()) {
			t.Helper()
			if got := testing.AllocsPerRun(1000, f); got > most {
				t.Errorf("%s: %s: %v allocations, want at most %v", name, what, got, most)
			}
		}
		allocations("sign", 1, func() { ring.Sign(id, nonce) })
		// Of the last key, which is not the one that signs.
		token := newKeyring(t, secret).Sign(id, nonce).Reveal()
		allocations("verify", 0, func() {
			if _, _, err := ring.Verify(token); err != nil {
				t.Fatal(err)
			}
		})
		for _, bad := range badTokens(t) {
			allocations("refuse "+bad.name, 0, func() {
				if _, _, err := ring.Verify(bad.token); !errors.Is(err, invitations.ErrInvalidToken) {
					t.Fatalf("%s: %v", bad.name, err)
				}
			})
		}
	}
}
