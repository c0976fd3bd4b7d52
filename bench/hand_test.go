package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/go-invitations/invitations"
)

// The verbs that a host would write without the library, like [byHand.invite]: each is one round
// trip without an explicit transaction. A change locks the organization's row in its first
// statement, and decides and writes in its second one. It makes the checks that the service makes
// with the default policy, and reads and writes the same rows.
//
// Where the service does more in a rare case, a statement refuses: an acceptance that would set a
// quota or end another invitation for the address. A consumption does not keep the amounts of
// periods that are over.
type verbsByHand struct {
	*byHand
	lockQuotas, viewer                                   string
	acceptSQL, resendSQL, revokeSQL, editSQL, consumeSQL string
	listSQL                                              string
}

func newVerbsByHand(w *world, limit int) *verbsByHand {
	h := &verbsByHand{byHand: newByHand(w.pool, w.schema, limit)}
	// mayGrant is the condition that $2 can grant the role of the invitation i.
	mayGrant := `exists (
				select from ` + w.in + `.members m where m.organization = $1::text and m.user_id = $2::text
				and (m.role = 'owner' or m.role = 'admin' and i.role <> 'owner'))`
	touched := `, touched as (
			update ` + w.in + `.organizations o set version = o.version + 1 from found f
			where o.id = $1::text and not o.deleted
			returning o.version
		)`
	intoEvents := `
		insert into ` + w.in + `.events (organization, version, ordinal, type, at, actor, subject, invitation_id, role, reason, quota_limit, quota_period, email, max_uses, expires_at,
			former_role, invited_by, allowed_domains, changed)`
	h.acceptSQL = `
		with found as (
			select i.* from ` + w.in + `.invitations i
			where i.organization = $1::text and i.id = $3::uuid and i.nonce = $4::bytea and i.kind = 'email' and i.email = $5::text
			and i.state = 'pending' and i.expires_at > $6::timestamptz and i.quota_period = ''
			and exists (
				select from ` + w.in + `.members m where m.organization = $1::text and m.user_id = i.sent_by
				and (m.role = 'owner' or m.role = 'admin' and i.role <> 'owner'))
			and not exists (select from ` + w.in + `.members m where m.organization = $1::text and m.user_id = $2::text)
			and not exists (
				select from ` + w.in + `.removals r where r.organization = $1::text and r.user_id = $2::text and r.version >= i.sent_version)
			and not exists (
				select from ` + w.in + `.invitations p where p.organization = $1::text and p.email <> '' and p.email = $5::text
				and p.state = 'pending' and p.expires_at > $6::timestamptz and p.id <> $3::uuid)
		), touched as (
			update ` + w.in + `.organizations o set version = o.version + 1 from found f
			where o.id = $1::text and not o.deleted
			and (o.allowed_domains = '{}' or pg_catalog.split_part($5::text, '@', 2) = any (o.allowed_domains))
			and (o.member_limit <= 0 or f.role = any (o.seatless_roles) or o.member_limit > (select count(*) from (
				select from ` + w.in + `.members m where m.organization = $1::text and not m.role = any (o.seatless_roles) limit o.member_limit) as counted))
			returning o.version
		), ended as (
			update ` + w.in + `.invitations i set state = 'accepted', uses = i.uses + 1, accepted_by = $2::text, ended_at = $6::timestamptz, sweep_at = null
			from touched where i.organization = $1::text and i.id = $3::uuid
		), joined as (
			insert into ` + w.in + `.members (organization, user_id, role, joined_at, invitation_id, invited_by, metadata)
			select $1::text, $2::text, f.role, $6::timestamptz, f.id, f.sent_by, f.metadata from found f, touched
		)` + intoEvents + `
		select $1::text, t.version, 0, 'invitation.accepted', $6::timestamptz, $2::text, '', f.id, f.role, '', 0, '', f.email, f.max_uses, f.expires_at,
			'', '', f.allowed_domains, '{}'::text[]
		from found f, touched t
		union all
		select $1::text, t.version, 1, 'member.joined', $6::timestamptz, $2::text, $2::text, f.id, f.role, '', 0, '', f.email, 0, $7::timestamptz,
			'', f.sent_by, '{}', '{}'
		from found f, touched t`
	h.resendSQL = `
		with found as (
			select i.*, least(greatest(i.expires_at - i.sent_at, interval '1 day'), interval '30 days') as lifetime from ` + w.in + `.invitations i
			where i.organization = $1::text and i.id = $3::uuid and i.kind = 'email' and i.state = 'pending'
			and ` + mayGrant + `
			and i.sent_at <= $5::timestamptz - interval '60 seconds'
			and (i.expires_at > $5::timestamptz or
				$6::bigint > (select count(*) from (
					select from ` + w.in + `.invitations p where p.organization = $1::text and p.state = 'pending'
					and p.expires_at > $5::timestamptz limit $6::bigint) as counted)
				and not exists (
					select from ` + w.in + `.invitations p where p.organization = $1::text and p.email <> '' and p.email = i.email
					and p.state = 'pending' and p.expires_at > $5::timestamptz))
			and not exists (
				select from (
					select count(*) as sent, count(*) filter (where s.actor = $2::text) as by_sender, count(*) filter (where s.email = i.email) as to_recipient
					from (select e.actor, e.email from ` + w.in + `.events e where e.organization = $1::text and e.email <> ''
						and e.type in ('invitation.created', 'invitation.resent')
						and e.at > $5::timestamptz - interval '1 day' order by e.at desc limit $7::bigint) as s) as c
				where c.sent >= $7::bigint or c.by_sender >= $7::bigint or c.to_recipient >= 10)
		), touched as (
			update ` + w.in + `.organizations o set version = o.version + 1 from found f
			where o.id = $1::text and not o.deleted
			and (o.allowed_domains = '{}' or pg_catalog.split_part(f.email, '@', 2) = any (o.allowed_domains))
			returning o.version
		), sent as (
			update ` + w.in + `.invitations i set nonce = $4::bytea, sent_at = $5::timestamptz, sent_by = $2::text, sent_version = t.version,
				expires_at = $5::timestamptz + f.lifetime, sweep_at = $5::timestamptz + f.lifetime
			from found f, touched t where i.organization = $1::text and i.id = $3::uuid
		)` + intoEvents + `
		select $1::text, t.version, 0, 'invitation.resent', $5::timestamptz, $2::text, '', f.id, f.role, '', 0, '', f.email, f.max_uses, $5::timestamptz + f.lifetime,
			'', '', f.allowed_domains, '{}'::text[]
		from found f, touched t`
	pending := `
		with found as (
			select i.* from ` + w.in + `.invitations i
			where i.organization = $1::text and i.id = $3::uuid and i.state = 'pending' and i.expires_at > $4::timestamptz`
	h.revokeSQL = pending + `
			and exists (select from ` + w.in + `.members m where m.organization = $1::text and m.user_id = $2::text and m.role in ('owner', 'admin'))
		)` + touched + `, ended as (
			update ` + w.in + `.invitations i set state = 'revoked', ended_at = $4::timestamptz, sweep_at = null
			from touched where i.organization = $1::text and i.id = $3::uuid
		)` + intoEvents + `
		select $1::text, t.version, 0, 'invitation.revoked', $4::timestamptz, $2::text, '', f.id, f.role, '', 0, '', f.email, f.max_uses, f.expires_at,
			'', '', f.allowed_domains, '{}'::text[]
		from found f, touched t`
	h.editSQL = pending + `
			and i.message <> $5::text and ` + mayGrant + `
		)` + touched + `, edited as (
			update ` + w.in + `.invitations i set message = $5::text, sent_by = $2::text
			from touched where i.organization = $1::text and i.id = $3::uuid
		)` + intoEvents + `
		select $1::text, t.version, 0, 'invitation.edited', $4::timestamptz, $2::text, '', f.id, f.role, '', 0, '', f.email, f.max_uses, f.expires_at,
			'', $2::text, f.allowed_domains, '{message}'::text[]
		from found f, touched t`
	h.viewer = `select m.role from ` + w.in + `.members m where m.organization = $1::text and m.user_id = $2::text
		and not exists (select from ` + w.in + `.organizations o where o.id = $1::text and o.deleted)`
	h.listSQL = `select i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains, i.max_uses, i.uses, i.created_by, i.sent_by,
			i.accepted_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.quota_limit, i.quota_period
		from ` + w.in + `.invitations i where i.organization = $1::text
		and not exists (select from ` + w.in + `.organizations o where o.id = $1::text and o.deleted)
		order by i.created_at desc, i.id desc limit $2::bigint`
	h.lockQuotas = `select from ` + w.in + `.quotas q where q.organization = $1::text and q.user_id in ('', $2::text) and q.period <> ''
		order by q.user_id for no key update`
	present := `case q.period when 'day' then $4::timestamptz when 'month' then $5::timestamptz else '1970-01-01 00:00:00+00'::timestamptz end`
	used := `case when q.period_start < ` + present + ` then 0 else q.used end + $3::bigint`
	h.consumeSQL = `update ` + w.in + `.quotas q set used = ` + used + `, period_start = greatest(q.period_start, ` + present + `)
		where q.organization = $1::text and q.user_id in ('', $2::text) and q.period <> ''
		and exists (
			select from ` + w.in + `.organizations o join ` + w.in + `.members m on m.organization = o.id
			where o.id = $1::text and not o.deleted and m.user_id = $2::text and m.role in ('owner', 'admin', 'developer'))
		and not exists (
			select from ` + w.in + `.quotas q where q.organization = $1::text and q.user_id in ('', $2::text) and q.period <> ''
			and q.quota_limit <> -1 and ` + used + ` > q.quota_limit)
		returning q.quota_limit - q.used`
	return h
}

// change runs a change. It is refused if it writes no event.
func (h *verbsByHand) change(ctx context.Context, organization, sql string, args ...any) error {
	var written int64
	var b pgx.Batch
	b.Queue(h.lock, organization)
	b.Queue(sql, args...).Exec(func(tag pgconn.CommandTag) error {
		written = tag.RowsAffected()
		return nil
	})
	switch err := h.db.SendBatch(ctx, &b).Close(); {
	case err != nil:
		return err
	case written == 0:
		return errRefused
	}
	return nil
}

func (h *verbsByHand) accept(ctx context.Context, organization, user, email string, id uuid.UUID, nonce [16]byte, now time.Time) error {
	return h.change(ctx, organization, h.acceptSQL, organization, user, [16]byte(id), nonce[:], email, now, time.Time{})
}

func (h *verbsByHand) resend(ctx context.Context, organization, actor string, id uuid.UUID, now time.Time) (string, error) {
	nonce := newNonce()
	err := h.change(ctx, organization, h.resendSQL, organization, actor, [16]byte(id), nonce[:], now, int64(h.limit), int64(sends(h.limit)))
	if err != nil {
		return "", err
	}
	return h.tokens.sign(organization, id, nonce), nil
}

func (h *verbsByHand) revoke(ctx context.Context, organization, actor string, id uuid.UUID, now time.Time) error {
	return h.change(ctx, organization, h.revokeSQL, organization, actor, [16]byte(id), now)
}

func (h *verbsByHand) edit(ctx context.Context, organization, actor string, id uuid.UUID, message string, now time.Time) error {
	return h.change(ctx, organization, h.editSQL, organization, actor, [16]byte(id), now, message)
}

// list returns the first page.
func (h *verbsByHand) list(ctx context.Context, organization, actor string, limit int) ([]invitations.Invitation, error) {
	var role string
	page := make([]invitations.Invitation, 0, limit+1)
	var b pgx.Batch
	b.Queue(h.viewer, organization, actor).QueryRow(func(row pgx.Row) error { return row.Scan(&role) })
	b.Queue(h.listSQL, organization, int64(limit+1)).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			i := invitations.Invitation{Organization: organization}
			var metadata string
			var ended pgtype.Timestamptz
			if err := rows.Scan((*[16]byte)(&i.ID), (*string)(&i.Kind), (*string)(&i.State), &i.Email, (*string)(&i.Role), &i.Message, &metadata,
				&i.AllowedDomains, &i.MaxUses, &i.Uses, &i.CreatedBy, &i.SentBy, &i.AcceptedBy, &i.CreatedAt, &i.SentAt, &i.ExpiresAt, &ended,
				&i.Quota.Limit, (*string)(&i.Quota.Period)); err != nil {
				return err
			}
			i.EndedAt = ended.Time
			if metadata != "{}" {
				if err := json.Unmarshal([]byte(metadata), &i.Metadata); err != nil {
					return err
				}
			}
			page = append(page, i)
		}
		return nil
	})
	switch err := h.db.SendBatch(ctx, &b).Close(); {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, errRefused
	case err != nil:
		return nil, err
	case role != "owner" && role != "admin":
		return nil, errRefused
	}
	return page[:min(len(page), limit)], nil
}

// consume returns the least amount that is left.
func (h *verbsByHand) consume(ctx context.Context, organization, user string, amount int64, now time.Time) (left int64, err error) {
	year, month, day := now.Date()
	taken := false
	var b pgx.Batch
	b.Queue(h.lockQuotas, organization, user)
	b.Queue(h.consumeSQL, organization, user, amount,
		time.Date(year, month, day, 0, 0, 0, 0, time.UTC), time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var of int64
			if err := rows.Scan(&of); err != nil {
				return err
			}
			if !taken || of < left {
				taken, left = true, of
			}
		}
		return nil
	})
	switch err := h.db.SendBatch(ctx, &b).Close(); {
	case err != nil:
		return 0, err
	case !taken:
		return 0, errRefused
	}
	return left, nil
}
