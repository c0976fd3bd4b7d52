package invitations

import (
	"context"
	"crypto/subtle"
)

// Lookup returns the offer of a token as long as somebody could accept it. It changes
// nothing, however often it is called. Use it for GET, which mail scanners and link previews
// send too.
//
// Refusals: [ErrInvalidToken], [ErrNotPending], and by the organization's [Limits]
// [ErrDomainNotAllowed] and [ErrLinksNotAllowed].
func (s *Service) Lookup(ctx context.Context, token string) (_ Offer, err error) {
	ctx, op := s.observe(ctx, "Lookup")
	defer op.end(&err)
	c, err := s.keys.verify(token)
	if err != nil {
		return Offer{}, err
	}
	r, f, err := s.view(ctx, c.needs())
	if err != nil {
		return Offer{}, err
	}
	inv, err := r.lookup(f, c)
	if err != nil {
		return Offer{}, err
	}
	return inv.offer(), nil
}

// needs returns the facts that lookup reads.
func (c claim) needs() Query {
	return Query{Organization: c.organization, Invitation: c.id, Sender: true, OwnersUpTo: 1}
}

// lookup returns the invitation of a token if somebody could accept it.
func (r rules) lookup(f Facts, c claim) (Record, error) {
	inv, err := c.find(f)
	if err != nil {
		return Record{}, err
	}
	if err := r.open(f, inv.Invitation); err != nil {
		return Record{}, err
	}
	return inv, nil
}

// find returns the invitation whose present token makes the claim. An organization without an
// owner has been deleted by its host without a word to the library, and has no invitations.
func (c claim) find(f Facts) (Record, error) {
	inv := f.Invitation
	if inv == nil || f.OwnerCount == 0 || inv.Organization != c.organization || inv.ID != c.id || c.nonce == [nonceLen]byte{} ||
		subtle.ConstantTimeCompare(inv.Nonce[:], c.nonce[:]) != 1 {
		return Record{}, ErrInvalidToken
	}
	return *inv, nil
}
