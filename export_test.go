package invitations

import "github.com/google/uuid"

// A TokenClaim is the content of a token, for the tests of package invitations_test.
type TokenClaim struct {
	Organization string
	ID           uuid.UUID
	Nonce        [16]byte
}

// SignToken returns the token of c.
func SignToken(r *Keyring, c TokenClaim) Token { return r.sign(claim{c.Organization, c.ID, c.Nonce}) }

// VerifyToken returns the claim of a token, or [ErrInvalidToken].
func VerifyToken(r *Keyring, token string) (TokenClaim, error) {
	c, err := r.verify(token)
	return TokenClaim{c.organization, c.id, c.nonce}, err
}

// NewNonce returns the nonce of a new token.
var NewNonce = newNonce
