package invitations

import (
	"context"

	"github.com/google/uuid"
)

// ReceivedParams is what [Service.Received] takes beside who asks.
type ReceivedParams struct {
	Limit  int    // offers a page has at most: 1 to 100; 0 is 50
	Cursor string // [List].NextCursor of the page before; empty: at the newest
}

// Received returns the pending email invitations for the verified address of who is signed in,
// of all organizations, newest first: for a page "your invitations" that needs no mail. An
// offer may be one whose sender is no longer entitled to it; accepting it says so. Where
// addresses can change hands, verify them anew from time to time: a token proves that the
// mailbox is theirs today, and this only that it once was.
//
// Refusals: [ErrInvalid], [ErrEmailUnverified].
func (s *Service) Received(ctx context.Context, who Identity, p ReceivedParams) (List[Offer], error) {
	email, err := checkReceiver(who)
	if err != nil {
		return List[Offer]{}, err
	}
	limit, err := pageLimit(p.Limit)
	if err != nil {
		return List[Offer]{}, err
	}
	q := InvitationQuery{State: StatePending, Email: email, At: s.now(), Limit: limit + 1}
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
	records, next := cut(found.Items, limit, func(last Record) string {
		return encodeOfferCursor(InvitationPosition{CreatedAt: last.CreatedAt, ID: last.ID, Organization: last.Organization})
	})
	list := List[Offer]{Items: make([]Offer, len(records)), NextCursor: next}
	for i, record := range records {
		list.Items[i] = record.offer()
	}
	return list, nil
}

// AcceptReceived accepts one of the invitations that [Service.Received] lists, by its id and
// the verified address in the place of a token. Like [Service.Accept] it is for somebody who
// has asked for this very one: never accept what is there on its own.
//
// It refuses what Accept refuses, but [ErrInvalidToken] and [ErrRecipientMismatch], and with
// [ErrNotFound] whatever is not for this address.
func (s *Service) AcceptReceived(ctx context.Context, organization string, id uuid.UUID, who Identity) (Member, error) {
	q, err := receivedQuery(organization, id, who)
	if err != nil {
		return Member{}, err
	}
	s.answering(&q, who)
	return update(ctx, s, q, func(r rules, f Facts) (Member, Changes, error) {
		return r.acceptReceived(f, id, who)
	})
}

// DeclineReceived ends one of the invitations that [Service.Received] lists for good, as
// [Service.Decline] does by a token.
//
// Refusals: [ErrInvalid], [ErrEmailUnverified], [ErrNotFound], [ErrNotPending].
func (s *Service) DeclineReceived(ctx context.Context, organization string, id uuid.UUID, who Identity) error {
	q, err := receivedQuery(organization, id, who)
	if err != nil {
		return err
	}
	_, err = update(ctx, s, q, func(r rules, f Facts) (Record, Changes, error) {
		return r.declineReceived(f, id, who)
	})
	return err
}

func receivedQuery(organization string, id uuid.UUID, who Identity) (Query, error) {
	if err := checkOrganization(organization); err != nil {
		return Query{}, err
	}
	if err := checkID(id); err != nil {
		return Query{}, err
	}
	_, err := checkReceiver(who)
	return Query{Organization: organization, Invitation: id, Sender: true}, err
}

// checkReceiver returns the canonical address of somebody whose address is proof.
func checkReceiver(who Identity) (string, error) {
	if err := checkUser("user_id", who.UserID); err != nil {
		return "", err
	}
	email, err := CanonicalEmail(who.Email)
	if err != nil {
		return "", err
	}
	if !who.EmailVerified {
		return "", ErrEmailUnverified
	}
	return email, nil
}
