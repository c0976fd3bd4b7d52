package pgstore

import (
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// statements are those whose text depends on how a query names its
// organization: by the id, $1, or by the token, $1 and $2. Casts are on every parameter,
// because not all exec modes ask the server for types.
type statements struct {
	lock, organization, invitation, members, pending, count string
}

// commonStatements are those that name their organization by its id alone.
type commonStatements struct {
	create, touch, deleteMember, putRemoval, putMember, putInvitation, appendEvent, viewer string
}

// The columns of a table, in the order of its scan function.
const (
	invitationColumns = `i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains, i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce, i.sent_version`
	memberColumns     = `m.organization, m.user_id, m.role, m.joined_at, m.invitation_id, m.invited_by, m.metadata::text`
	eventColumns      = `e.organization, e.version, e.index, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason`
)

// statements returns the statements for an expression of the organization's id that
// uses the first n parameters.
func (s *Store) statements(organization string, n int) statements {
	text := func(sql string) string {
		return s.sql(strings.NewReplacer(
			"{org}", organization,
			"{a}", "$"+strconv.Itoa(n+1),
			"{b}", "$"+strconv.Itoa(n+2),
			"{c}", "$"+strconv.Itoa(n+3),
		).Replace(sql))
	}
	return statements{
		lock:         text(`select o.id, o.version from {schema}.organizations o where o.id = {org} for no key update`),
		organization: text(`select o.id, o.version from {schema}.organizations o where o.id = {org}`),
		invitation: text(`select ` + invitationColumns + `, ` + memberColumns + `
			from {schema}.invitations i
			left join {schema}.members m on m.organization = i.organization and m.user_id = i.sent_by
			where i.organization = {org} and i.id = {a}::uuid`),
		members: text(`select u.id, r.version, r.at, ` + memberColumns + `
			from unnest({a}::text[]) as u (id)
			left join {schema}.members m on m.organization = {org} and m.user_id = u.id
			left join {schema}.removals r on r.organization = {org} and r.user_id = u.id`),
		pending: text(`select distinct on (i.email) i.email, i.id
			from {schema}.invitations i
			where i.organization = {org} and i.state = 'pending' and i.expires_at > {a}::timestamptz and i.email <> ''
			and i.email = any ({b}::text[] || array(
				select t.email from {schema}.invitations t where t.organization = {org} and t.id = {c}::uuid))
			order by i.email, i.created_at desc, i.id desc`),
		// The count stops at its bound, so it costs no more with a million.
		count: text(`select count(*) from (
			select 1 from {schema}.invitations i
			where i.organization = {org} and i.state = 'pending' and i.expires_at > {a}::timestamptz
			limit {b}::bigint) as counted`),
	}
}

func (s *Store) commonStatements() commonStatements {
	return commonStatements{
		create:       s.sql(`insert into {schema}.organizations (id, version) values ($1::text, 0) on conflict do nothing`),
		touch:        s.sql(`update {schema}.organizations set version = $2::bigint where id = $1::text`),
		deleteMember: s.sql(`delete from {schema}.members where organization = $1::text and user_id = $2::text`),
		putRemoval: s.sql(`insert into {schema}.removals (organization, user_id, version, at)
			values ($1::text, $2::text, $3::bigint, $4::timestamptz)
			on conflict (organization, user_id) do update set version = excluded.version, at = excluded.at`),
		putMember: s.sql(`insert into {schema}.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
			values ($1::text, $2::text, $3::text, $4::timestamptz, $5::uuid, $6::text, $7::jsonb)
			on conflict (organization, user_id) do update set
				role = excluded.role, joined_at = excluded.joined_at, invitation_id = excluded.invitation_id,
				invited_by = excluded.invited_by, metadata = excluded.metadata`),
		putInvitation: s.sql(`insert into {schema}.invitations (organization, id, kind, state, email, role, message, metadata, allowed_domains,
				max_uses, uses, created_by, sent_by, created_at, sent_at, expires_at, ended_at, nonce, sent_version)
			values ($1::text, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::jsonb, $9::text[],
				$10::bigint, $11::bigint, $12::text, $13::text, $14::timestamptz, $15::timestamptz, $16::timestamptz, $17::timestamptz,
				$18::bytea, $19::bigint)
			on conflict (organization, id) do update set
				kind = excluded.kind, state = excluded.state, email = excluded.email, role = excluded.role, message = excluded.message,
				metadata = excluded.metadata, allowed_domains = excluded.allowed_domains, max_uses = excluded.max_uses, uses = excluded.uses,
				created_by = excluded.created_by, sent_by = excluded.sent_by, created_at = excluded.created_at, sent_at = excluded.sent_at,
				expires_at = excluded.expires_at, ended_at = excluded.ended_at, nonce = excluded.nonce, sent_version = excluded.sent_version`),
		appendEvent: s.sql(`insert into {schema}.events (organization, version, index, type, at, actor, subject, invitation_id, role, reason)
			values ($1::text, $2::bigint, $3::integer, $4::text, $5::timestamptz, $6::text, $7::text, $8::uuid, $9::text, $10::text)`),
		viewer: s.sql(`select ` + memberColumns + ` from {schema}.members m where m.organization = $1::text and m.user_id = $2::text`),
	}
}

// queueFacts queues what loads the facts that q asks for, the lock first, and
// returns what hands them out once the batch is closed.
func (s *Store) queueFacts(b *pgx.Batch, q invitations.Query, lock bool) func() invitations.Facts {
	f := invitations.Facts{
		Members:  map[string]invitations.Member{},
		Removals: map[string]invitations.Removal{},
		Pending:  map[string]uuid.UUID{},
	}
	found := false
	by, organization := s.byID, []any{q.Organization}
	if q.Organization == "" {
		by, organization = s.byToken, []any{q.Invitation, q.Nonce[:]}
	}
	args := func(more ...any) []any { return append(organization[:len(organization):len(organization)], more...) }

	create := lock && q.Create
	if create {
		b.Queue(s.common.create, q.Organization)
	}
	first := by.organization
	if lock {
		first = by.lock
	}
	b.Queue(first, organization...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := rows.Scan(&f.Organization, &f.Version); err != nil {
				return err
			}
			found = f.Version > 0 || create
		}
		return nil
	})
	if q.Invitation != uuid.Nil {
		b.Queue(by.invitation, args(q.Invitation)...).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				r, sender, err := scanInvitationAndSender(rows)
				if err != nil {
					return err
				}
				f.Invitation = &r
				if q.Sender {
					f.Sender = sender
				}
			}
			return nil
		})
	}
	if len(q.Members) > 0 {
		b.Queue(by.members, args(q.Members)...).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				if err := scanMemberAndRemoval(rows, &f); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if len(q.Emails) > 0 || q.SameEmail {
		same := uuid.Nil
		if q.SameEmail {
			same = q.Invitation
		}
		b.Queue(by.pending, args(q.PendingAt, emptyNotNil(q.Emails), same)...).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var email string
				var id uuid.UUID
				if err := rows.Scan(&email, &id); err != nil {
					return err
				}
				f.Pending[email] = id
			}
			return nil
		})
	}
	if q.PendingUpTo > 0 {
		b.Queue(by.count, args(q.PendingAt, int64(q.PendingUpTo))...).QueryRow(func(row pgx.Row) error {
			return row.Scan(&f.PendingCount)
		})
	}
	return func() invitations.Facts {
		// A token that was replaced between the lock and the reading names no
		// organization any more.
		if !found || q.Organization == "" && f.Invitation == nil {
			return invitations.Facts{}
		}
		return f
	}
}

// queueChanges queues what applies changes, the organization's row first.
func (s *Store) queueChanges(b *pgx.Batch, f invitations.Facts, changes invitations.Changes) {
	org, version := f.Organization, f.Version+1
	b.Queue(s.common.touch, org, version)
	for _, user := range changes.Gone {
		b.Queue(s.common.deleteMember, org, user)
	}
	for _, r := range changes.Removals {
		b.Queue(s.common.putRemoval, org, r.UserID, r.Version, r.At)
	}
	for _, m := range changes.Members {
		b.Queue(s.common.putMember, org, m.UserID, m.Role, m.JoinedAt, m.InvitationID, m.InvitedBy, encodeMetadata(m.Metadata))
	}
	for _, r := range changes.Invitations {
		b.Queue(s.common.putInvitation, org, r.ID, r.Kind, r.State, r.Email, r.Role, r.Message, encodeMetadata(r.Metadata),
			emptyNotNil(r.AllowedDomains), r.MaxUses, r.Uses, r.CreatedBy, r.SentBy, r.CreatedAt, r.SentAt, r.ExpiresAt,
			nullIfZero(r.EndedAt), r.Nonce[:], r.SentVersion)
	}
	for i, e := range changes.Events {
		b.Queue(s.common.appendEvent, org, version, i, e.Type, e.At, e.Actor, e.Subject, e.InvitationID, e.Role, e.Reason)
	}
}

// queueViewer queues what loads the membership of a page's viewer.
func (s *Store) queueViewer(b *pgx.Batch, organization, viewer string, out **invitations.Member) {
	if viewer == "" {
		return
	}
	b.Queue(s.common.viewer, organization, viewer).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var m memberRow
			if err := rows.Scan(m.targets()...); err != nil {
				return err
			}
			var err error
			if *out, err = m.member(); err != nil {
				return err
			}
		}
		return nil
	})
}

// queueInvitations queues a page. Its text depends on which filters are set, so that each
// combination can have the plan that fits it.
func (s *Store) queueInvitations(b *pgx.Batch, q invitations.InvitationQuery, out *[]invitations.Record) {
	var args []any
	param := func(v any, typ string) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args)) + "::" + typ
	}
	where := "i.organization = " + param(q.Organization, "text")
	from := "{schema}.invitations i"
	switch q.State {
	case "":
	case invitations.StatePending:
		// Few are pending, for there is a limit, but many may have been and
		// expired: they are found by expiry first and only then put in order.
		from = "live i"
		where += " and i.state = 'pending'"
	case invitations.StateExpired:
		where += " and i.state = 'pending' and i.expires_at <= " + param(q.At, "timestamptz")
	default:
		where += " and i.state = " + param(q.State, "text")
	}
	for _, filter := range []struct{ column, value string }{
		{"kind", string(q.Kind)}, {"role", string(q.Role)}, {"email", q.Email}, {"sent_by", q.SentBy},
	} {
		if filter.value != "" {
			where += " and i." + filter.column + " = " + param(filter.value, "text")
		}
	}
	if q.Email != "" {
		where += " and i.email <> ''" // names the partial index
	}
	if q.After != nil {
		where += " and (i.created_at, i.id) < (" + param(q.After.CreatedAt, "timestamptz") + ", " + param(q.After.ID, "uuid") + ")"
	}
	with := ""
	if q.State == invitations.StatePending {
		with = "with live as materialized (select " + invitationColumns + ` from {schema}.invitations i
			where i.organization = $1::text and i.state = 'pending' and i.expires_at > ` + param(q.At, "timestamptz") + ") "
	}
	sql := with + "select " + invitationColumns + " from " + from + " where " + where +
		" order by i.created_at desc, i.id desc limit " + param(int64(q.Limit), "bigint")
	b.Queue(s.sql(sql), args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var r invitationRow
			if err := rows.Scan(r.targets()...); err != nil {
				return err
			}
			record, err := r.record()
			if err != nil {
				return err
			}
			*out = append(*out, record)
		}
		return nil
	})
}

func (s *Store) queueEvents(b *pgx.Batch, q invitations.EventQuery, out *[]invitations.Event) {
	sql := `select ` + eventColumns + ` from {schema}.events e
		where e.organization = $1::text and (e.version, e.index) > ($2::bigint, $3::integer)`
	args := []any{q.Organization, q.After.Version, q.After.Index, int64(q.Limit)}
	if q.Invitation != uuid.Nil {
		sql += ` and e.invitation_id = $5::uuid`
		args = append(args, q.Invitation)
	}
	sql += ` order by e.version, e.index limit $4::bigint`
	b.Queue(s.sql(sql), args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var e invitations.Event
			if err := rows.Scan(&e.Organization, &e.Version, &e.Index, &e.Type, &e.At, &e.Actor, &e.Subject, &e.InvitationID, &e.Role, &e.Reason); err != nil {
				return err
			}
			e.At = e.At.UTC()
			*out = append(*out, e)
		}
		return nil
	})
}
