package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/go-invitations/invitations"
)

// The statements of this file have an address and a user ID, one of which is empty. An empty one
// matches nothing: JSON leaves out empty fields, and their columns are null.

// Traces implements [invitations.Store].
func (s *Store) Traces(ctx context.Context, p invitations.Person, limit int) (organizations []string, err error) {
	const query = `select json_quote(organization) from (
			select organization from invitations_invitations
			where email = :email or created_by = :user or sent_by = :user or accepted_by = :user
			union
			select organization from invitations_members
			where invited_by = :user
			union
			select organization from invitations_events
			where email = :email or actor = :user or subject = :user or invited_by = :user
		)
		limit 0 + :limit`
	err = s.snapshot(ctx, func(tx *sql.Tx) (err error) {
		organizations, err = all[string](ctx, tx, query,
			sql.Named("email", p.Email), sql.Named("user", p.UserID), sql.Named("limit", limit))
		return err
	})
	return organizations, err
}

// loadTraces loads the rows with a trace of a person. It can read the whole organization, but only
// an erasure asks for it. The invitations are in order, so that the members of an address are
// those of the loaded invitations.
func loadTraces(ctx context.Context, tx *sql.Tx, q invitations.Query, facts *invitations.Facts) (err error) {
	const ofInvitations = `select value from invitations_invitations
		where organization = :organization
			and (email = :email or created_by = :user or sent_by = :user or accepted_by = :user)
		order by id
		limit 0 + :limit`
	const ofMembers = `select value from invitations_members
		where organization = :organization and (
			invited_by = :user
			or (invitation, user_id) in (
				select id, accepted_by from invitations_invitations
				where organization = :organization and email = :email
				order by id
				limit 0 + :limit
			)
		)
		limit 0 + :limit`
	const ofEvents = `select json_set(value, '$.position', position) from invitations_events
		where organization = :organization
			and (email = :email or actor = :user or subject = :user or invited_by = :user)
		limit 0 + :limit`
	if q.TracesUpTo <= 0 {
		return nil
	}
	args := []any{
		sql.Named("organization", q.Organization), sql.Named("email", q.TracesOf.Email),
		sql.Named("user", q.TracesOf.UserID), sql.Named("limit", q.TracesUpTo),
	}
	facts.TracedInvitations, err = all[invitations.Record](ctx, tx, ofInvitations, args...)
	if err != nil {
		return err
	}
	facts.TracedMembers, err = all[invitations.Member](ctx, tx, ofMembers, args...)
	if err != nil {
		return err
	}
	facts.TracedEvents, err = all[invitations.Event](ctx, tx, ofEvents, args...)
	return err
}
