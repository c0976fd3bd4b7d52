package invitations

import (
	"context"

	"github.com/google/uuid"
)

// ReceivedParams are the parameters of [Service.Received].
type ReceivedParams struct {
	Limit  int    // offers per page: 1 to 100; 0 means 50
	Cursor string // NextCursor of the page before; empty: start with the newest
}

// Received returns the pending email invitations for the verified address of a signed-in
// person, of all organizations, the newest first. It serves a page "Your invitations" that
// needs no mail. It can include an offer that acceptance refuses, because its sender is no longer
// entitled to it or the organization's [Limits] do not allow it.
//
// A token proves that the person owns the mailbox today; a verified address proves that they
// owned it once. Where addresses can change hands, verify them again from time to time.
//
// Refusals: [ErrInvalid], [ErrEmailUnverified].
func (s *Service) Received(ctx context.Context, identity Identity, p ReceivedParams) (_ List[Offer], err error) {
	ctx, op := s.observe(ctx, "Received")
	defer op.end(&err)
	email, err := checkRecipient(identity)
	if err != nil {
		return List[Offer]{}, err
	}
	limit, err := pageLimit(p.Limit)
	if err != nil {
		return List[Offer]{}, err
	}
	q := InvitationQuery{States: []State{StatePending}, Email: email, At: s.now(), Limit: limit + 1}
	if q.After, err = decodeOfferCursor(p.Cursor); err != nil {
		return List[Offer]{}, err
	}
	found, err := s.store.Invitations(ctx, q)
	if err != nil {
		return List[Offer]{}, err
	}
	for _, record := range found.Items {
		if checkOrganization(record.Organization) != nil {
			return List[Offer]{}, errForeignID
		}
	}
	records := list(found.Items, limit, func(last Record) string {
		return encodeOfferCursor(InvitationPosition{CreatedAt: last.CreatedAt, ID: last.ID, Organization: last.Organization})
	})
	offers := List[Offer]{Items: make([]Offer, len(records.Items)), NextCursor: records.NextCursor}
	for i, record := range records.Items {
		offers.Items[i] = record.offer()
	}
	return offers, nil
}

// checkReceived checks the arguments of an answer by a verified address. No invitation is for an
// address without a canonical form.
func checkReceived(organization string, id uuid.UUID, identity Identity) error {
	if err := checkOrganization(organization); err != nil {
		return err
	}
	if err := checkID(id); err != nil {
		return err
	}
	if err := checkUser("user_id", identity.UserID); err != nil {
		return err
	}
	if _, err := CanonicalEmail(identity.Email); err != nil {
		return ErrNotFound
	}
	if !identity.EmailVerified {
		return ErrEmailUnverified
	}
	return nil
}

// checkRecipient returns the canonical verified address of an identity.
func checkRecipient(identity Identity) (string, error) {
	if err := checkUser("user_id", identity.UserID); err != nil {
		return "", err
	}
	email, err := CanonicalEmail(identity.Email)
	if err != nil {
		return "", err
	}
	if !identity.EmailVerified {
		return "", ErrEmailUnverified
	}
	return email, nil
}

// received names an invitation without its token.
type received struct {
	organization string
	id           uuid.UUID
}

func (v received) needs() Query {
	return Query{Organization: v.organization, Invitation: v.id, Sender: true, OwnersUpTo: 1}
}

// find returns the email invitation if it is for the verified address of identity. Everybody
// else gets the same answer whether or not it exists.
func (v received) find(f Facts, identity Identity) (Record, error) {
	inv, email := f.Invitation, identity.verifiedEmail()
	if inv == nil || f.OwnerCount == 0 || inv.Organization != v.organization || inv.ID != v.id || inv.Kind != KindEmail || email == "" || inv.Email != email {
		return Record{}, ErrNotFound
	}
	return *inv, nil
}
