package bench_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

var secret = []byte("0123456789abcdef0123456789abcdef")

func newKeyring(t testing.TB) *invitations.Keyring {
	ring, err := invitations.NewKeyring(secret)
	require.NoError(t, err)
	return ring
}

// A signer makes the tokens of the invite that is written by hand: one key, a pooled HMAC, and
// organizations whose IDs are not UUIDs.
type signer struct {
	keyID  [4]byte
	states sync.Pool // of *signerState
}

// A signerState is the memory of one call, which the next call uses again.
type signerState struct {
	mac    hash.Hash
	binary []byte
	text   []byte
}

func newSigner(secret []byte) *signer {
	derive := func(label string) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(label))
		return h.Sum(nil)
	}
	s := &signer{keyID: [4]byte(derive("invitations key id"))}
	key := derive("invitations token")
	s.states.New = func() any { return &signerState{mac: hmac.New(sha256.New, key)} }
	return s
}

func newNonce() (nonce [16]byte) {
	_, _ = rand.Read(nonce[:]) // crypto/rand.Read never fails
	return nonce
}

func (s *signer) sign(organization string, id uuid.UUID, nonce [16]byte) string {
	state := s.states.Get().(*signerState)
	defer s.states.Put(state)
	b := append(state.binary[:0], 1)
	b = append(b, s.keyID[:]...)
	b = append(b, id[:]...)
	b = append(b, nonce[:]...)
	b = append(append(b, 0), organization...)
	state.mac.Reset()
	state.mac.Write(b)
	b = state.mac.Sum(b)
	text := base64.RawURLEncoding.AppendEncode(append(state.text[:0], "inv_"...), b)
	state.binary, state.text = b, text
	return string(text)
}
