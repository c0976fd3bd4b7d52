package bench_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/gorilla/securecookie"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// A secretContent is the content of a token: an organization, an invitation of it, and the
// random bytes of this sending.
type secretContent struct {
	Organization, ID uuid.UUID
	Nonce            [16]byte
}

// A tokenMaker makes tokens of the same content and key. verify must return the content.
type tokenMaker struct {
	name   string
	sign   func(secretContent) (string, error)
	verify func(token string) (secretContent, error)
}

var errContent = errors.New("not the content of a token")

// jwtMaker makes tokens as golang-jwt is usually used: registered claims, the ID of the key in the
// header, and only the one algorithm accepted.
func jwtMaker(options ...jwt.ParserOption) tokenMaker {
	type claims struct {
		jwt.RegisteredClaims
		Nonce string `json:"nonce"`
	}
	const keyID = "2026-11"
	parser := jwt.NewParser(append(options, jwt.WithValidMethods([]string{"HS256"}))...)
	return tokenMaker{
		name: "golang-jwt",
		sign: func(c secretContent) (string, error) {
			token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
				jwt.RegisteredClaims{Subject: c.Organization.String(), ID: c.ID.String()},
				base64.RawURLEncoding.EncodeToString(c.Nonce[:]),
			})
			token.Header["kid"] = keyID
			return token.SignedString(secret)
		},
		verify: func(token string) (c secretContent, err error) {
			var got claims
			_, err = parser.ParseWithClaims(token, &got, func(t *jwt.Token) (any, error) {
				if t.Header["kid"] != keyID {
					return nil, errContent
				}
				return secret, nil
			})
			if err != nil {
				return c, err
			}
			if c.Organization, err = uuid.Parse(got.Subject); err != nil {
				return c, err
			}
			if c.ID, err = uuid.Parse(got.ID); err != nil {
				return c, err
			}
			nonce, err := base64.RawURLEncoding.DecodeString(got.Nonce)
			if err != nil || len(nonce) != len(c.Nonce) {
				return c, errContent
			}
			c.Nonce = [16]byte(nonce)
			return c, nil
		},
	}
}

// cookieMaker makes tokens with securecookie as it comes: a signature without encryption, and
// gob for the content.
func cookieMaker() tokenMaker {
	codec := securecookie.New(secret, nil)
	return tokenMaker{
		name: "securecookie",
		sign: func(c secretContent) (string, error) { return codec.Encode("invitation", c) },
		verify: func(token string) (c secretContent, err error) {
			err = codec.Decode("invitation", token, &c)
			return c, err
		},
	}
}

// bytesMaker is the fastest use of securecookie: the content is bytes already.
func bytesMaker() tokenMaker {
	codec := securecookie.New(secret, nil).SetSerializer(securecookie.NopEncoder{})
	return tokenMaker{
		name: "securecookie-bytes",
		sign: func(c secretContent) (string, error) {
			b := append(append(append(make([]byte, 0, 48), c.Organization[:]...), c.ID[:]...), c.Nonce[:]...)
			return codec.Encode("invitation", b)
		},
		verify: func(token string) (c secretContent, err error) {
			var b []byte
			if err := codec.Decode("invitation", token, &b); err != nil {
				return c, err
			}
			if len(b) != 48 {
				return c, errContent
			}
			return secretContent{uuid.UUID(b[:16]), uuid.UUID(b[16:32]), [16]byte(b[32:])}, nil
		},
	}
}

func peerMakers() []tokenMaker { return []tokenMaker{jwtMaker(), cookieMaker(), bytesMaker()} }

// A replay is a store that answers every View at once with the same facts, those that the
// store behind it gave last.
type replay struct {
	invitations.Store
	facts  invitations.Facts
	record bool
}

func (r *replay) View(ctx context.Context, q invitations.Query) (_ invitations.Facts, err error) {
	if r.record {
		r.facts, err = r.Store.View(ctx, q)
	}
	return r.facts, err
}

// A tokenWorld is a service with one pending invitation. The library exports neither signing nor
// verifying, so its contestants are whole calls on a replay: PendingToken signs, and Lookup
// verifies. Both also check their arguments and decide.
type tokenWorld struct {
	sent            invitations.SentInvitation
	pending, lookup *invitations.Service
}

func newTokenWorld(t testing.TB) tokenWorld {
	store := memstore.New()
	newService := func(s invitations.Store) *invitations.Service {
		return must(invitations.New(s, newKeyring(t), invitations.Config{}))
	}
	svc, ctx := newService(store), context.Background()
	organization := uuid.NewString()
	must(svc.CreateOrganization(ctx, organization, "ada"))
	w := tokenWorld{sent: must(svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
		Organization: organization, Email: "bob@example.com", Role: invitations.RoleViewer,
	}))}
	recorded := func(call func(*invitations.Service) error) *invitations.Service {
		r := &replay{Store: store, record: true}
		svc := newService(r)
		require.NoError(t, call(svc))
		r.record = false
		return svc
	}
	w.pending = recorded(w.sign)
	w.lookup = recorded(func(svc *invitations.Service) error { return w.verify(svc, w.sent.Token.Reveal()) })
	return w
}

func (w tokenWorld) sign(svc *invitations.Service) error {
	got, err := svc.PendingToken(context.Background(), invitations.User("ada"), w.sent.Organization, w.sent.ID)
	if err != nil {
		return err
	}
	return answers(len(got.Token.Reveal()), 119)
}

func (w tokenWorld) verify(svc *invitations.Service, token string) error {
	offer, err := svc.Lookup(context.Background(), token)
	if err != nil {
		return err
	}
	return answers(offer.ID, w.sent.ID)
}

// forged returns token with another character near its end, where its MAC is.
func forged(token string) string {
	at := len(token) - 10
	other := "A"
	if token[at] == 'A' {
		other = "B"
	}
	return token[:at] + other + token[at+1:]
}

// BenchmarkTokens compares the library with libraries that sign and verify the same content.
func BenchmarkTokens(b *testing.B) {
	w := newTokenWorld(b)
	content := secretContent{uuid.MustParse(w.sent.Organization), w.sent.ID, newNonce()}
	b.Run("sign", func(b *testing.B) {
		contestants := []contestant{{"library", func() error { return w.sign(w.pending) }}}
		for _, peer := range peerMakers() {
			contestants = append(contestants, contestant{peer.name, func() error {
				_, err := peer.sign(content)
				return err
			}})
		}
		inTurn(b, processor, contestants...)
	})
	b.Run("verify", func(b *testing.B) {
		token := w.sent.Token.Reveal()
		contestants := []contestant{{"library", func() error { return w.verify(w.lookup, token) }}}
		for _, peer := range peerMakers() {
			token := must(peer.sign(content))
			contestants = append(contestants, contestant{peer.name, func() error {
				got, err := peer.verify(token)
				return errors.Join(err, answers(got, content))
			}})
		}
		inTurn(b, processor, contestants...)
	})
	b.Run("refuse", func(b *testing.B) {
		token := forged(w.sent.Token.Reveal())
		contestants := []contestant{{"library", func() error {
			_, err := w.lookup.Lookup(context.Background(), token)
			return answers(errors.Is(err, invitations.ErrInvalidToken), true)
		}}}
		for _, peer := range peerMakers() {
			token := forged(must(peer.sign(content)))
			contestants = append(contestants, contestant{peer.name, func() error {
				_, err := peer.verify(token)
				return answers(err != nil, true)
			}})
		}
		inTurn(b, processor, contestants...)
	})
}

// The contestants of BenchmarkTokens do what they say.
func TestTokens_MakersAreFair(t *testing.T) {
	t.Parallel()
	w := newTokenWorld(t)
	require.NoError(t, w.sign(w.pending))
	require.NoError(t, w.verify(w.lookup, w.sent.Token.Reveal()))
	require.ErrorIs(t, w.verify(w.lookup, forged(w.sent.Token.Reveal())), invitations.ErrInvalidToken)
	pending, err := w.pending.PendingToken(t.Context(), invitations.User("ada"), w.sent.Organization, w.sent.ID)
	require.NoError(t, err)
	require.Equal(t, w.sent.Token.Reveal(), pending.Token.Reveal())

	content := secretContent{uuid.New(), uuid.New(), newNonce()}
	for _, peer := range peerMakers() {
		token, err := peer.sign(content)
		require.NoError(t, err, peer.name)
		got, err := peer.verify(token)
		require.NoError(t, err, peer.name)
		require.Equal(t, content, got, peer.name)
		_, err = peer.verify(forged(token))
		require.Error(t, err, peer.name)
	}
}

// spellings returns the other texts that verify accepts in place of token: those with another
// last character, and the one with a line break at its end.
func spellings(token string, verify func(string) error) (accepted []string) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	trimmed := strings.TrimRight(token, "=")
	padding := token[len(trimmed):]
	others := []string{token + "\n"}
	for _, last := range alphabet {
		others = append(others, trimmed[:len(trimmed)-1]+string(last)+padding)
	}
	for _, other := range others {
		if other != token && verify(other) == nil {
			accepted = append(accepted, other)
		}
	}
	return accepted
}

// A token of the library has one spelling. Those of its peers have several, so their texts do not
// serve as keys, for example in a list of used ones. Strict decoding leaves the line break.
// docs/guarantees.md says so: change it if a new version of a peer does.
func TestTokens_OtherSpellings(t *testing.T) {
	t.Parallel()
	w := newTokenWorld(t)
	require.Empty(t, spellings(w.sent.Token.Reveal(), func(token string) error { return w.verify(w.lookup, token) }))
	content := secretContent{uuid.New(), uuid.New(), newNonce()}
	for _, peer := range append(peerMakers(), jwtMaker(jwt.WithStrictDecoding())) {
		token := must(peer.sign(content))
		require.NotEmpty(t, spellings(token, func(other string) error {
			got, err := peer.verify(other)
			return errors.Join(err, answers(got, content))
		}), peer.name)
	}
}
