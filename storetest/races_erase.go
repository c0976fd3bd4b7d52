package storetest

import (
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var eraseRaces = []race{
	{name: "ErasureOfAnAddressAgainstAcceptAndResend", round: raceEraseAddress},
	{name: "ErasureOfAUserAgainstAcceptAndResend", round: raceEraseUser},
}

// eraseAgainst lets eight erase a person while others call. It returns the errors of the others,
// and the number of rows that the erasures had. Every eraser must find in the end that nothing
// is left, and so it must be.
func (r *round) eraseAgainst(p invitations.EraseParams, others ...func() error) (rows int, errs []error, err error) {
	const erasers = 8
	answers := together(erasers+len(others), func(i int) answer[int] {
		if i < len(others) {
			return answer[int]{0, others[i]()}
		}
		rows := 0
		for range 20 {
			e, err := r.svc.Erase(r.ctx, p)
			rows += e.Rows
			if err != nil || e.Done {
				return answer[int]{rows, err}
			}
		}
		return answer[int]{rows, errors.New("an erasure is not done after twenty calls")}
	})
	for i, a := range answers {
		if i < len(others) {
			errs = append(errs, a.err)
		} else {
			rows, err = rows+a.value, errors.Join(err, a.err)
		}
	}
	if err != nil {
		return rows, errs, err
	}
	left, err := r.store.Traces(r.ctx, invitations.Person{Email: p.Email, UserID: p.UserID}, 9)
	return rows, errs, errors.Join(err, want("organizations with traces", len(left), 0))
}

// raceEraseAddress erases an address that is invited to two organizations, while the person
// accepts in one and the invitation is resent in the other.
func raceEraseAddress(r *round) error {
	address := fmt.Sprintf("ann.%d@example.com", r.n)
	other := r.organization + ", the other"
	if err := assemble(r.ctx, r.store, other, map[string]invitations.Role{"ada": invitations.RoleOwner}); err != nil {
		return err
	}
	var sent []invitations.SentInvitation
	for _, organization := range []string{r.organization, other} {
		s, err := r.svc.Invite(r.ctx, ada, invitations.InviteParams{
			Organization: organization, Email: address, Role: "viewer", Message: "Hello Ann", Metadata: map[string]string{"name": "Ann"},
		})
		if err != nil {
			return err
		}
		sent = append(sent, s)
	}
	rows, errs, err := r.eraseAgainst(invitations.EraseParams{Email: address}, func() error {
		return second(r.svc.Accept(r.ctx, sent[0].Token.Reveal(), person("ann", address)))
	}, func() error {
		return second(r.svc.Resend(r.ctx, ada, invitations.ResendParams{Organization: other, ID: sent[1].ID}))
	})
	if err != nil {
		return err
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, invitations.ErrRevoked) {
			return fmt.Errorf("a call ended with: %w", err)
		}
	}
	erased := 0
	for i, organization := range []string{r.organization, other} {
		n, err := r.addressErased(organization, sent[i].ID, i == 0 && errs[0] == nil)
		if err != nil {
			return fmt.Errorf("organization %d, where a call ended with %v: %w", i, errs[i], err)
		}
		erased += n
	}
	return want("rows of all erasures", rows, erased)
}

// addressErased returns the number of rows in which the address of an invitation stood. It
// returns an error if something of the person is left, or was erased twice.
func (r *round) addressErased(organization string, inv uuid.UUID, accepted bool) (rows int, err error) {
	s, err := readState(r.ctx, r.store, organization, "ann")
	if err != nil {
		return 0, err
	}
	stored, err := s.oneRecord()
	if err != nil {
		return 0, err
	}
	state := invitations.StateRevoked
	if accepted {
		state = invitations.StateAccepted
	}
	if stored.State != state || stored.Email != "" || stored.Message != "" || len(stored.Metadata) > 0 {
		return 0, fmt.Errorf("the invitation is %q for %q, with message %q and metadata %v", stored.State, stored.Email, stored.Message, stored.Metadata)
	}
	rows++
	m, isMember := s.Facts.Members["ann"]
	if isMember != accepted || len(m.Metadata) > 0 {
		return 0, fmt.Errorf("ann is a member: %v, with metadata %v", isMember, m.Metadata)
	}
	if isMember {
		rows++
	}
	revocations := 0
	for _, e := range s.Events.Items {
		switch {
		case e.Email != "":
			return 0, fmt.Errorf("the event %s has %q", e.Type, e.Email)
		case e.Type == invitations.EventInvitationRevoked:
			revocations++
		case e.InvitationID == inv && e.Type != invitations.EventPersonErased:
			rows++
		}
	}
	wanted := 1
	if accepted {
		wanted = 0
	}
	return rows, errors.Join(
		want("events of a revocation", revocations, wanted), want("events of an erasure", count(s.Events.Items, invitations.EventPersonErased), 1),
	)
}

// raceEraseUser erases a former member, while an invitation that the user created is accepted,
// another is resent, and a member that the user invited gets another role.
func raceEraseUser(r *round) error {
	joe := fmt.Sprint("joe ", r.n)
	c := invitations.Changes{Members: []invitations.Member{member(r.organization, "kim", "viewer")}, Removals: []string{joe}}
	c.Members[0].InvitedBy = joe
	for n, email := range []string{"ann@example.com", "bob@example.com"} {
		inv := invitation(r.organization, n)
		inv.Email, inv.CreatedBy, inv.SentBy, inv.AcceptedBy, inv.Quota = email, joe, []string{"ada", joe}[n], "", invitations.Quota{}
		e := event(r.organization, joe, inv.ID)
		e.Actor = joe
		c.Invitations, c.Events = append(c.Invitations, inv), append(c.Events, e)
	}
	if err := r.update(c); err != nil {
		return err
	}
	sent, err := r.svc.PendingToken(r.ctx, ada, r.organization, id(0))
	if err != nil {
		return err
	}
	rows, errs, err := r.eraseAgainst(invitations.EraseParams{UserID: joe, Pseudonym: "erased"}, func() error {
		return second(r.svc.Accept(r.ctx, sent.Token.Reveal(), ann))
	}, func() error {
		return second(r.svc.Resend(r.ctx, ada, invitations.ResendParams{Organization: r.organization, ID: id(1)}))
	}, func() error {
		return r.changeRole("ada", "kim", "admin")
	})
	revoked := false // the invitation that joe sent, before it was resent
	if len(errs) == 3 && errors.Is(errs[1], invitations.ErrRevoked) {
		revoked, errs[1] = true, nil
	}
	if err := errors.Join(err, errors.Join(errs...), want("rows of all erasures", rows, 5)); err != nil {
		return err
	}
	s, err := readState(r.ctx, r.store, r.organization, "ann", "kim", joe)
	if err := errors.Join(err, want("invitations", len(s.Invitations.Items), 2)); err != nil {
		return err
	}
	accepted, resent := s.Invitations.Items[1], s.Invitations.Items[0]
	kim, found := s.Facts.Members["kim"], s.Facts.Members["ann"]
	for what, is := range map[string]bool{
		"the accepted invitation": accepted.CreatedBy == "erased" && accepted.SentBy == "ada" && accepted.AcceptedBy == "ann",
		"the resent invitation": revoked && resent.CreatedBy == "erased" && resent.SentBy == "erased" && resent.State == invitations.StateRevoked ||
			!revoked && resent.CreatedBy == "erased" && resent.SentBy == "ada" && resent.SentVersion > 2,
		"the member":     kim.InvitedBy == "erased" && kim.Role == "admin" && len(kim.Metadata) > 0,
		"the new member": found.InvitedBy == "ada" && found.InvitationID == accepted.ID,
		"the removal":    s.Facts.Removals[joe] == 2,
	} {
		if !is {
			return fmt.Errorf("after the erasure %s is wrong: %+v, %+v, %+v, %+v", what, accepted, resent, kim, found)
		}
	}
	return want("events of an erasure", count(s.Events.Items, invitations.EventPersonErased), 1)
}
