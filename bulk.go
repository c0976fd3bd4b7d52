package invitations

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/google/uuid"
)

// An Outcome is the result of one row of [Service.InviteAll].
type Outcome struct {
	Invitation SentInvitation // if Err is nil
	Err        error          // as [Service.Invite] would return it
}

// MarshalJSON returns {"invitation": ...}, or {"problem": ...} with the [Problem] of Err. Like
// that of [SentInvitation], it has no token.
func (o Outcome) MarshalJSON() ([]byte, error) {
	if o.Err != nil {
		return json.Marshal(map[string]*Problem{"problem": problemOf(o.Err)})
	}
	return json.Marshal(map[string]SentInvitation{"invitation": o.Invitation})
}

// InviteAll invites 1 to 100 people to one organization in one atomic step. It takes as many
// round trips as one invitation. The outcomes are in the order of the rows. Each is the
// result of [Service.Invite] after the rows before it. Good rows succeed, a repeated address
// is refused with [ErrAlreadyInvited], and rows beyond a limit are refused. The Organization
// of a row may be empty.
//
// A refusal that concerns all rows is the error of the call, and changes nothing:
// [ErrInvalid] (the actor, the organization, the number of rows), [ErrPermissionDenied],
// [ErrNotFound] (for System: no such organization).
func (s *Service) InviteAll(ctx context.Context, actor Actor, organization string, rows []InviteParams) (_ []Outcome, err error) {
	ctx, op := s.observe(ctx, "InviteAll")
	defer op.end(&err)
	if err := checkActing(actor, organization); err != nil {
		return nil, err
	}
	switch {
	case len(rows) == 0:
		return nil, required("rows")
	case len(rows) > maxBulk:
		return nil, tooMany("rows", maxBulk, "rows")
	}
	b := bulk{actor: actor, organization: organization, rows: make([]bulkRow, len(rows))}
	for i, p := range rows {
		if p.Organization != "" && p.Organization != organization {
			b.rows[i].err = invalid("organization", "other_organization", "must be the organization of the call")
			continue
		}
		p.Organization = organization
		b.rows[i].creation, b.rows[i].err = s.emailCreation(actor, p)
	}
	results, err := run(ctx, s, b)
	if err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(results))
	for i, result := range results {
		if outcomes[i].Err = result.err; result.err == nil {
			outcomes[i].Invitation = s.sent(result.record, result.repeated)
		}
	}
	return outcomes, nil
}

// A bulk makes invitations one after the other, in one step.
type bulk struct {
	actor        Actor
	organization string
	rows         []bulkRow
}

// A bulkRow is one creation, or the refusal of its parameters.
type bulkRow struct {
	creation
	err error
}

// A bulkResult is the result of one row.
type bulkResult struct {
	made
	err error
}

// needs is the union of the needs of the rows.
func (b bulk) needs(r rules) Query {
	q := Query{Organization: b.organization, Members: b.actor.members()}
	for _, row := range b.rows {
		if row.err != nil {
			continue
		}
		one := row.needs(r)
		if one.Invitation != uuid.Nil {
			q.Invitations = append(q.Invitations, one.Invitation)
		}
		q.Emails = append(q.Emails, one.Emails...)
		q.CountPending, q.Limits, q.PendingAt = one.CountPending, one.Limits, one.PendingAt
		q.SendingsUpTo, q.SendingsAfter = one.SendingsUpTo, one.SendingsAfter
		q.CountSeats, q.CountReserved = one.CountSeats, one.CountReserved
	}
	return q
}

// decide decides each row on the facts that the rows before it leave.
func (b bulk) decide(r rules, f Facts) ([]bulkResult, Changes, error) {
	if err := r.may(f, b.actor, PermissionInvitationCreate); err != nil {
		return nil, Changes{}, err
	}
	byEmail, byID := map[string]uuid.UUID{}, map[uuid.UUID]Record{}
	maps.Copy(byEmail, f.PendingByEmail) // a decision leaves its facts as they are
	maps.Copy(byID, f.Invitations)
	f.PendingByEmail, f.Invitations, f.Sendings = byEmail, byID, slices.Clone(f.Sendings)
	results := make([]bulkResult, len(b.rows))
	var changes Changes
	for i, row := range b.rows {
		if row.err != nil {
			results[i].err = row.err
			continue
		}
		f.Invitation = nil
		if existing, ok := byID[row.draft.ID]; ok {
			f.Invitation = &existing
		}
		result, c, err := row.decide(r, f)
		results[i] = bulkResult{result, err}
		if err != nil || c.Empty() {
			continue
		}
		changes = changes.plus(c)
		inv := result.record
		byID[inv.ID] = inv
		f.PendingCount++
		byEmail[inv.Email] = inv.ID
		if r.takesSeat(inv.Role) {
			f.ReservedCount++
		}
		sending := Sending{At: r.now, Actor: b.actor.user, Email: inv.Email}
		at, _ := slices.BinarySearchFunc(f.Sendings, sending, func(a, b Sending) int { return b.At.Compare(a.At) })
		f.Sendings = slices.Insert(f.Sendings, at, sending)
	}
	return results, changes, nil
}
