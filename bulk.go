package invitations

import (
	"context"

	"github.com/google/uuid"
)

// An Outcome is what has become of one row of [Service.InviteAll].
type Outcome struct {
	Invitation SentInvitation // if Err is nil
	Err        error          // as [Service.Invite] would return it
}

// InviteAll invites 1 to 100 people to one organization, as one atomic step that costs what
// one invitation does in round trips. The outcomes are those of the rows, in their order: each
// is what [Service.Invite] would say after the rows before it, so that rows which are fine go
// through, a repeated address is refused with [ErrAlreadyInvited] if it went through before,
// and limits are met by the row that is one too many. The Organization of a row may be left
// empty.
//
// What stands against all rows is the error of the call, and nothing is changed: [ErrInvalid]
// (the actor, the organization, the number of rows), [ErrPermissionDenied], [ErrNotFound]
// (System, and no such organization).
func (s *Service) InviteAll(ctx context.Context, actor Actor, organization string, rows []InviteParams) ([]Outcome, error) {
	if err := checkActing(actor, organization); err != nil {
		return nil, err
	}
	if len(rows) == 0 || len(rows) > maxBulk {
		return nil, invalid("rows", "are not between 1 and 100")
	}
	now := s.now()
	q := Query{
		Organization: organization,
		Members:      actor.members(),
		PendingUpTo:  s.config.PendingLimit,
		PendingAt:    now,
	}
	s.mailing(&q)
	drafts := make([]draft, len(rows))
	for i, row := range rows {
		inv, err := row.invitation()
		switch {
		case err != nil:
		case row.Organization != "" && row.Organization != organization:
			err = invalid("organization", "is another one than that of the call")
		default:
			inv.Organization = organization
			drafts[i].Record, err = s.draft(actor, row.ExpiresIn, inv, now)
		}
		if drafts[i].err = err; err != nil {
			continue
		}
		q.Emails = append(q.Emails, inv.Email)
		if row.ID != uuid.Nil {
			q.Invitations = append(q.Invitations, row.ID)
		}
	}
	all, err := update(ctx, s, q, func(r rules, f Facts) ([]created, Changes, error) {
		return r.createAll(f, actor, drafts)
	})
	if err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(all))
	for i, c := range all {
		if outcomes[i].Err = c.err; c.err == nil {
			outcomes[i].Invitation = s.sent(c.record)
			outcomes[i].Invitation.Repeated = c.repeated
		}
	}
	return outcomes, nil
}
