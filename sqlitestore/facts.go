package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// An organization is a row of invitations_organizations. The zero organization stands for none.
type organization struct {
	version int64
	deleted bool
	limits  invitations.Limits
}

// exists reports whether the organization was created and not deleted.
func (o organization) exists() bool { return o.version > 0 && !o.deleted }

// loadOrganization loads the row of an organization. It returns the zero value if there is none.
func loadOrganization(ctx context.Context, tx *sql.Tx, id string) (org organization, err error) {
	const query = `select version, deleted, limits from invitations_organizations where id = ?`
	err = row(ctx, tx, query, id).Scan(&org.version, &org.deleted, document{&org.limits})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return organization{}, storeError(ctx, err)
	}
	return org, nil
}

// loadFacts loads the facts of q. It returns the zero Facts if the organization does not exist.
//
// SQLite runs in this process, so a statement costs no round trip. A small statement for each
// fact is therefore as fast as a large one for all, and easier to read.
func loadFacts(ctx context.Context, tx *sql.Tx, q invitations.Query) (invitations.Facts, error) {
	org, err := loadOrganization(ctx, tx, q.Organization)
	if err != nil || org.version == 0 || org.deleted && !q.AlsoDeleted {
		return invitations.Facts{}, err
	}
	facts := invitations.Facts{
		Organization: q.Organization, Version: org.version, Limits: org.limits, Deleted: org.deleted,
	}
	for _, load := range []func(context.Context, *sql.Tx, invitations.Query, *invitations.Facts) error{
		loadInvitations, loadMembers, countMembers, loadPending, countPending, loadTotals, loadSendings, loadTraces,
	} {
		if err := load(ctx, tx, q, &facts); err != nil {
			return invitations.Facts{}, err
		}
	}
	return facts, nil
}

// loadInvitations loads the invitations that q names by ID, and the sender.
func loadInvitations(ctx context.Context, tx *sql.Tx, q invitations.Query, facts *invitations.Facts) (err error) {
	const byID = `select value from invitations_invitations where organization = ? and id = ?`
	if q.Invitation != uuid.Nil {
		facts.Invitation, err = first[invitations.Record](ctx, tx, byID, q.Organization, q.Invitation)
		if err != nil {
			return err
		}
	}
	if q.Sender && facts.Invitation != nil {
		facts.Sender, err = loadMember(ctx, tx, q.Organization, facts.Invitation.SentBy)
		if err != nil {
			return err
		}
	}
	facts.Invitations = map[uuid.UUID]invitations.Record{}
	for _, id := range q.Invitations {
		record, err := first[invitations.Record](ctx, tx, byID, q.Organization, id)
		if err != nil {
			return err
		}
		if record != nil {
			facts.Invitations[id] = *record
		}
	}
	return nil
}

// loadMembers loads the members that q names, with their removals and quotas.
func loadMembers(ctx context.Context, tx *sql.Tx, q invitations.Query, facts *invitations.Facts) (err error) {
	const removal = `select version from invitations_removals where organization = ? and user_id = ?`
	facts.Members = map[string]invitations.Member{}
	for _, user := range q.Members {
		member, err := loadMember(ctx, tx, q.Organization, user)
		if err != nil {
			return err
		}
		if member != nil {
			facts.Members[user] = *member
		}
	}
	if q.Removals {
		facts.Removals = map[string]int64{}
		for _, user := range q.Members {
			version, err := number(ctx, tx, removal, q.Organization, user)
			if err != nil {
				return err
			}
			if version > 0 {
				facts.Removals[user] = version
			}
		}
	}
	if q.Quotas {
		facts.Quotas, err = loadQuotas(ctx, tx, q.Organization, slices.Concat([]string{""}, q.Members))
	}
	return err
}

// loadMember loads one member, or nil if the user is not one.
func loadMember(ctx context.Context, tx *sql.Tx, organization, user string) (*invitations.Member, error) {
	const query = `select value from invitations_members where organization = ? and user_id = ?`
	return first[invitations.Member](ctx, tx, query, organization, user)
}

// countMembers counts members up to the limits of q.
func countMembers(ctx context.Context, tx *sql.Tx, q invitations.Query, facts *invitations.Facts) (err error) {
	const seats = `select count(*) from (
			select 1 from invitations_members
			where organization = ? and role not in (select value from json_each(?))
			limit 0 + ?
		)`
	const owners = `select count(*) from (
			select 1 from invitations_members where organization = ? and role = 'owner' limit 0 + ?
		)`
	if limit := facts.Limits.Or(q.Limits).Members; q.CountSeats && limit > 0 {
		facts.SeatCount, err = count(ctx, tx, seats, q.Organization, array(facts.Limits.SeatlessRoles), limit)
		if err != nil {
			return err
		}
	}
	if q.OwnersUpTo > 0 {
		facts.OwnerCount, err = count(ctx, tx, owners, q.Organization, q.OwnersUpTo)
	}
	return err
}

// loadPending loads the pending invitations for the addresses of q, and those of PendingSentBy
// and PendingFor.
func loadPending(ctx context.Context, tx *sql.Tx, q invitations.Query, facts *invitations.Facts) (err error) {
	const newestFor = `select value from invitations_invitations
		where organization = ? and email = ? and state = 'pending' and expires_at > ?
		order by created_at desc, id desc limit 1`
	const sentByOrFor = `select value from invitations_invitations
		where organization = ? and (sent_by = ? or email = ?) and state = 'pending' and expires_at > ?
		order by created_at desc, id desc`
	at := instant(q.PendingAt)
	emails := q.Emails
	if q.SameEmail && facts.Invitation != nil && facts.Invitation.Email != "" {
		emails = slices.Concat(emails, []string{facts.Invitation.Email})
	}
	facts.PendingByEmail = map[string]uuid.UUID{}
	for _, email := range emails {
		record, err := first[invitations.Record](ctx, tx, newestFor, q.Organization, email, at)
		if err != nil {
			return err
		}
		if record != nil {
			facts.PendingByEmail[email] = record.ID
		}
	}
	if q.PendingSentBy != "" || q.PendingFor != "" {
		// If one of them is empty, it matches nothing: JSON leaves out an empty sender or address.
		facts.PendingRecords, err = all[invitations.Record](ctx, tx, sentByOrFor,
			q.Organization, q.PendingSentBy, q.PendingFor, at)
	}
	return err
}

// countPending counts pending invitations up to the limits in force.
func countPending(ctx context.Context, tx *sql.Tx, q invitations.Query, facts *invitations.Facts) (err error) {
	const pending = `select count(*) from (
			select 1 from invitations_invitations
			where organization = ? and state = 'pending' and expires_at > ?
			limit 0 + ?
		)`
	const reserved = `select count(*) from (
			select 1 from invitations_invitations
			where organization = ? and state = 'pending' and expires_at > ?
				and kind = 'email' and role not in (select value from json_each(?))
			limit 0 + ?
		)`
	limits := facts.Limits.Or(q.Limits)
	at := instant(q.PendingAt)
	if q.CountPending {
		facts.PendingCount, err = count(ctx, tx, pending, q.Organization, at, limits.Pending)
		if err != nil {
			return err
		}
	}
	if q.CountReserved && limits.Members > 0 {
		seatless := array(facts.Limits.SeatlessRoles)
		facts.ReservedCount, err = count(ctx, tx, reserved, q.Organization, at, seatless, limits.Members)
	}
	return err
}

// loadTotals counts all members and all pending invitations.
func loadTotals(ctx context.Context, tx *sql.Tx, q invitations.Query, facts *invitations.Facts) error {
	const members = `select count(*), count(*) filter (where role not in (select value from json_each(?)))
		from invitations_members where organization = ?`
	const pending = `select count(*) filter (where kind = 'email'), count(*) filter (where kind = 'link'),
			count(*) filter (where kind = 'email' and role not in (select value from json_each(?)))
		from invitations_invitations where organization = ? and state = 'pending' and expires_at > ?`
	if !q.Totals {
		return nil
	}
	seatless := array(facts.Limits.SeatlessRoles)
	t := &facts.Totals
	err := row(ctx, tx, members, seatless, q.Organization).Scan(&t.Members, &t.Seats)
	if err != nil {
		return storeError(ctx, err)
	}
	err = row(ctx, tx, pending, seatless, q.Organization, instant(q.PendingAt)).
		Scan(&t.PendingEmails, &t.PendingLinks, &t.Reserved)
	return storeError(ctx, err)
}

// loadSendings loads the newest sendings. They are events, which have the fields of a Sending.
func loadSendings(ctx context.Context, tx *sql.Tx, q invitations.Query, facts *invitations.Facts) (err error) {
	const newest = `select value from invitations_events
		where organization = ? and sent_to is not null and at > ?
		order by at desc, version desc, place desc limit 0 + ?`
	if q.SendingsUpTo > 0 {
		facts.Sendings, err = all[invitations.Sending](ctx, tx, newest,
			q.Organization, instant(q.SendingsAfter), q.SendingsUpTo)
	}
	return err
}

// count returns the number of a query as an int.
func count(ctx context.Context, tx *sql.Tx, query string, args ...any) (int, error) {
	n, err := number(ctx, tx, query, args...)
	return int(n), err
}
