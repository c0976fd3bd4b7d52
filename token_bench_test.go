package invitations

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// A bareSigner makes and takes the tokens of one key for organizations with a UUID: one flat
// buffer, base64url and a pooled HMAC, without a ring, other forms or a type that guards the
// secret. It is the baseline of [BenchmarkToken].
type bareSigner struct {
	keyID  [4]byte
	states sync.Pool // of *bareState
}

const (
	bareSigned = 1 + 4 + 16 + 16 + 1 + 16
	bareBinary = bareSigned + sha256.Size
	bareText   = len("inv_") + (bareBinary*8+5)/6
)

// A bareState is the memory of one call, which the next call uses again.
type bareState struct {
	mac    hash.Hash
	sum    [sha256.Size]byte
	binary [bareBinary]byte
	text   [bareText]byte
}

var errBare = errors.New("refused")

func newBareSigner(secret []byte) *bareSigner {
	derive := func(label string) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(label))
		return h.Sum(nil)
	}
	b := &bareSigner{keyID: [4]byte(derive("invitations key id"))}
	key := derive("invitations token")
	b.states.New = func() any {
		s := &bareState{mac: hmac.New(sha256.New, key)}
		copy(s.text[:], "inv_")
		return s
	}
	return b
}

func (b *bareSigner) sign(organization, id uuid.UUID, nonce [16]byte) string {
	s := b.states.Get().(*bareState)
	s.binary[0] = 1
	copy(s.binary[1:5], b.keyID[:])
	copy(s.binary[5:21], id[:])
	copy(s.binary[21:37], nonce[:])
	s.binary[37] = 1
	copy(s.binary[38:54], organization[:])
	s.mac.Reset()
	s.mac.Write(s.binary[:bareSigned])
	s.mac.Sum(s.binary[:bareSigned])
	base64.RawURLEncoding.Encode(s.text[4:], s.binary[:])
	token := string(s.text[:])
	b.states.Put(s)
	return token
}

func (b *bareSigner) verify(token string) (claim, error) {
	if len(token) != bareText || token[:4] != "inv_" {
		return claim{}, errBare
	}
	s := b.states.Get().(*bareState)
	defer b.states.Put(s)
	copy(s.text[4:], token[4:])
	n, err := base64.RawURLEncoding.Decode(s.binary[:], s.text[4:])
	if err != nil || n != bareBinary || [4]byte(s.binary[1:5]) != b.keyID {
		return claim{}, errBare
	}
	s.mac.Reset()
	s.mac.Write(s.binary[:bareSigned])
	if !hmac.Equal(s.mac.Sum(s.sum[:0]), s.binary[bareSigned:]) || s.binary[0] != 1 || s.binary[37] != 1 {
		return claim{}, errBare
	}
	return claim{uuid.UUID(s.binary[38:54]).String(), uuid.UUID(s.binary[5:21]), [16]byte(s.binary[21:37])}, nil
}

var (
	benchSecret = []byte("0123456789abcdef0123456789abcdef")
	benchID     = uuid.MustParse("0198f6a0-0000-7000-8000-0123456789ab")
	benchNonce  = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

	// A SHA-256 block holds the MAC of a UUID's token, not that of a longer text's.
	benchOrganization = uuid.MustParse("0198f6a0-1111-7000-8000-0123456789ab")
)

// withOtherMAC returns token with another character in its MAC.
func withOtherMAC(token string) string {
	i, other := len(token)-2, "A"
	if token[i] == 'A' {
		other = "B"
	}
	return token[:i] + other + token[i+1:]
}

// The baseline makes and takes the same tokens.
func TestBareSigner_IsABaseline(t *testing.T) {
	t.Parallel()
	ring, err := NewKeyring(benchSecret)
	require.NoError(t, err)
	bare := newBareSigner(benchSecret)
	for range 100 {
		organization := uuid.New()
		c := claim{organization.String(), uuid.New(), newNonce()}
		token := bare.sign(organization, c.id, c.nonce)
		require.Equal(t, ring.sign(c).Reveal(), token)
		for _, verify := range []func(string) (claim, error){ring.verify, bare.verify} {
			got, err := verify(token)
			require.NoError(t, err)
			require.Equal(t, c, got)
			_, err = verify(withOtherMAC(token))
			require.Error(t, err)
		}
	}
}

// BenchmarkToken measures the library beside the baseline. A name is an organization whose ID
// is not a UUID.
func BenchmarkToken(b *testing.B) {
	ring, err := NewKeyring(benchSecret)
	require.NoError(b, err)
	bare := newBareSigner(benchSecret)
	withUUID, withName := claim{benchOrganization.String(), benchID, benchNonce}, claim{"acme", benchID, benchNonce}

	b.Run("sign/library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ring.sign(withUUID)
		}
	})
	b.Run("sign/library-name", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ring.sign(withName)
		}
	})
	// Reveal copies the text, which the baseline returns at once.
	b.Run("sign/library-reveal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = ring.sign(withUUID).Reveal()
		}
	})
	b.Run("sign/bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			bare.sign(benchOrganization, benchID, benchNonce)
		}
	})

	uuidToken, nameToken := ring.sign(withUUID).Reveal(), ring.sign(withName).Reveal()
	for _, c := range []struct {
		name, uuid, text string
		valid            bool
	}{
		{"verify", uuidToken, nameToken, true},
		{"refuse", withOtherMAC(uuidToken), withOtherMAC(nameToken), false},
	} {
		for _, v := range []struct {
			name, token string
			verify      func(string) (claim, error)
		}{
			{"library", c.uuid, ring.verify}, {"library-name", c.text, ring.verify}, {"bare", c.uuid, bare.verify},
		} {
			b.Run(c.name+"/"+v.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := v.verify(v.token); (err == nil) != c.valid {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
