package invitations

import (
	"context"

	"github.com/google/uuid"
)

// Decline ends an email invitation for good. It needs the token only, because the recipient
// may not have an account. Call it for POST. A link cannot be declined.
//
// Refusals: [ErrInvalid] (a link), [ErrInvalidToken], [ErrNotPending].
func (s *Service) Decline(ctx context.Context, token string) (err error) {
	ctx, op := s.observe(ctx, "Decline")
	defer op.end(&err)
	c, err := s.keys.verify(token)
	if err != nil {
		return err
	}
	_, err = run(ctx, s, declining{c})
	return err
}

// DeclineReceived ends an invitation that [Service.Received] lists, as Decline does by a
// token.
//
// Refusals: [ErrInvalid], [ErrEmailUnverified], [ErrNotFound], [ErrNotPending].
func (s *Service) DeclineReceived(ctx context.Context, organization string, id uuid.UUID, identity Identity) (err error) {
	ctx, op := s.observe(ctx, "DeclineReceived")
	defer op.end(&err)
	if err := checkReceived(organization, id, identity); err != nil {
		return err
	}
	_, err = run(ctx, s, receivedDeclining{received{organization, id}, identity})
	return err
}

// A declining is by a token, which names no user.
type declining struct{ claim claim }

func (d declining) needs(rules) Query { return d.claim.needs() }

func (d declining) decide(r rules, f Facts) (Record, Changes, error) {
	inv, err := d.claim.find(f)
	if err != nil {
		return Record{}, Changes{}, err
	}
	return r.decline(inv, "")
}

// A receivedDeclining is by a verified address.
type receivedDeclining struct {
	received received
	identity Identity
}

func (d receivedDeclining) needs(rules) Query { return d.received.needs() }

func (d receivedDeclining) decide(r rules, f Facts) (Record, Changes, error) {
	inv, err := d.received.find(f, d.identity)
	if err != nil {
		return Record{}, Changes{}, err
	}
	return r.decline(inv, d.identity.UserID)
}

// decline ends an invitation for its recipient.
func (r rules) decline(inv Record, actor string) (Record, Changes, error) {
	if inv.Kind != KindEmail {
		return Record{}, Changes{}, invalid("token", "wrong_kind", "must belong to an email invitation", "kind", "email")
	}
	if err := r.pending(inv.Invitation); err != nil {
		return Record{}, Changes{}, err
	}
	inv.State, inv.EndedAt = StateDeclined, r.now
	return inv, r.change(inv, EventInvitationDeclined, actor), nil
}
