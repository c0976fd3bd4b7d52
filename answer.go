package invitations

import "context"

// Lookup returns what the token offers, as long as somebody could accept it. It changes
// nothing, however often it is called: use it on GET, where mail scanners and link previews
// come by.
//
// Refusals: [ErrInvalidToken], [ErrNotPending].
func (s *Service) Lookup(ctx context.Context, token string) (Offer, error) {
	c, q, err := s.claim(token)
	if err != nil {
		return Offer{}, err
	}
	r, f, err := s.view(ctx, q)
	if err != nil {
		return Offer{}, err
	}
	record, err := r.look(f, c)
	if err != nil {
		return Offer{}, err
	}
	return record.offer(), nil
}

// Accept makes the person a member with the role of the invitation, as one atomic step.
// Call it on POST, for somebody who is signed in and has asked for it.
//
// The same user who accepts again gets the same membership back while it lasts. A refusal
// leaves everything as it was: [ErrInvalid], [ErrInvalidToken], [ErrNotPending],
// [ErrRecipientMismatch], [ErrEmailUnverified], [ErrDomainNotAllowed], [ErrAlreadyMember],
// [ErrMemberLimit].
func (s *Service) Accept(ctx context.Context, token string, who Identity) (Member, error) {
	c, q, err := s.claim(token)
	if err != nil {
		return Member{}, err
	}
	if err := checkUser("user_id", who.UserID); err != nil {
		return Member{}, err
	}
	s.answering(&q, who)
	return update(ctx, s, q, func(r rules, f Facts) (Member, Changes, error) {
		return r.accept(f, c, who)
	})
}

// Decline ends an email invitation for good. It needs the token alone, because the
// recipient may have no account. Call it on POST. A link cannot be declined.
//
// Refusals: [ErrInvalid] (a link), [ErrInvalidToken], [ErrNotPending].
func (s *Service) Decline(ctx context.Context, token string) error {
	c, q, err := s.claim(token)
	if err != nil {
		return err
	}
	_, err = update(ctx, s, q, func(r rules, f Facts) (Record, Changes, error) {
		return r.decline(f, c)
	})
	return err
}

// answering adds the facts that an acceptance by who needs.
func (s *Service) answering(q *Query, who Identity) {
	q.Members = []string{who.UserID}
	q.Removals = true
	q.Quotas = true
	q.MembersUpTo = s.config.MemberLimit
	if !s.config.ReserveSeats {
		return
	}
	q.PendingAt = s.now()
	q.PendingEmailsUpTo = s.config.MemberLimit + 1 // one may be their own
	if email, err := CanonicalEmail(who.Email); err == nil && who.EmailVerified {
		q.PendingFor = email
	}
}

// claim verifies a token, before any store is asked, and returns the query of the
// organization that it belongs to.
func (s *Service) claim(token string) (claim, Query, error) {
	c, err := s.keys.verify(token)
	if err != nil {
		return claim{}, Query{}, err
	}
	return c, Query{Organization: c.organization, Invitation: c.id, Sender: true}, nil
}
