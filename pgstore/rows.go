package pgstore

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/go-invitations/invitations"
)

// The columns of a table, in the order of its row's targets.
const (
	invitationColumns = `i.organization, i.id, i.kind, i.state, i.email, i.role, i.message, i.metadata::text, i.allowed_domains, i.max_uses, i.uses, i.created_by, i.sent_by, i.created_at, i.sent_at, i.expires_at, i.ended_at, i.nonce, i.sent_version, i.quota_limit, i.quota_period, i.sweep_at`
	eventColumns      = `e.organization, e.version, e.index, e.type, e.at, e.actor, e.subject, e.invitation_id, e.role, e.reason, e.quota_limit, e.quota_period, e.email, e.max_uses, e.expires_at`
)

// quotaColumns are the columns of a quota with the alias q.
func quotaColumns(q string) string {
	return q + ".quota_limit, " + q + ".period, " + q + ".version, " + q + ".period_start, " + q + ".used"
}

// quotaRow is a row of quotas, which an outer join may have left null.
type quotaRow struct {
	limit, version, used *int64
	period               *string
	start                *time.Time
}

func (q *quotaRow) targets() []any {
	return []any{&q.limit, &q.period, &q.version, &q.start, &q.used}
}

// record returns the quota, or nil for nulls.
func (q *quotaRow) record(organization, user string) *invitations.QuotaRecord {
	if q.limit == nil {
		return nil
	}
	return &invitations.QuotaRecord{
		Organization: organization, UserID: user, Quota: invitations.Quota{Limit: *q.limit, Period: invitations.Period(*q.period)},
		Version: *q.version, PeriodStart: q.start.UTC(), Used: *q.used,
	}
}

func (q *quotaRow) addTo(f *invitations.Facts, user string) {
	if r := q.record(f.Organization, user); r != nil {
		put(&f.Quotas, user, *r)
	}
}

// memberRow is a row of members, which an outer join may have left null.
type memberRow struct {
	organization, userID, role *string
	joinedAt                   *time.Time
	invitationID               *uuid.UUID
	invitedBy, metadata        *string
}

func (m *memberRow) targets() []any {
	return []any{&m.organization, &m.userID, &m.role, &m.joinedAt, &m.invitationID, &m.invitedBy, &m.metadata}
}

// member returns the member, or nil for nulls.
func (m *memberRow) member() (*invitations.Member, error) {
	if m.userID == nil {
		return nil, nil
	}
	metadata, err := decodeMetadata(*m.metadata)
	return &invitations.Member{
		Organization: *m.organization, UserID: *m.userID, Role: invitations.Role(*m.role), JoinedAt: m.joinedAt.UTC(),
		InvitationID: *m.invitationID, InvitedBy: *m.invitedBy, Metadata: metadata,
	}, err
}

// invitationRow is a row of invitations.
type invitationRow struct {
	invitations.Record
	metadata         string
	endedAt, sweepAt *time.Time
	nonce            []byte
}

func (r *invitationRow) targets() []any {
	return []any{
		&r.Organization, &r.ID, &r.Kind, &r.State, &r.Email, &r.Role, &r.Message, &r.metadata, &r.AllowedDomains, &r.MaxUses, &r.Uses,
		&r.CreatedBy, &r.SentBy, &r.CreatedAt, &r.SentAt, &r.ExpiresAt, &r.endedAt, &r.nonce, &r.SentVersion,
		&r.Quota.Limit, &r.Quota.Period, &r.sweepAt,
	}
}

func (r *invitationRow) record() (invitations.Record, error) {
	out := r.Record
	out.CreatedAt, out.SentAt, out.ExpiresAt = out.CreatedAt.UTC(), out.SentAt.UTC(), out.ExpiresAt.UTC()
	if r.endedAt != nil {
		out.EndedAt = r.endedAt.UTC()
	}
	if r.sweepAt != nil {
		out.SweepAt = r.sweepAt.UTC()
	}
	copy(out.Nonce[:], r.nonce)
	var err error
	out.Metadata, err = decodeMetadata(r.metadata)
	return out, err
}

// memberArgs are the columns of a member. Names go as plain strings: for types of their own
// the driver takes a longer way.
func memberArgs(organization string, m invitations.Member) []any {
	return []any{organization, m.UserID, string(m.Role), m.JoinedAt, pgUUID(m.InvitationID), m.InvitedBy, encodeMetadata(m.Metadata)}
}

// recordArgs are the columns of an invitation.
func recordArgs(organization string, r invitations.Record) []any {
	return []any{
		organization, pgUUID(r.ID), string(r.Kind), string(r.State), r.Email, string(r.Role), r.Message, encodeMetadata(r.Metadata),
		emptyNotNil(r.AllowedDomains), int64(r.MaxUses), int64(r.Uses), r.CreatedBy, r.SentBy, r.CreatedAt, r.SentAt, r.ExpiresAt,
		nullIfZero(r.EndedAt), r.Nonce[:], r.SentVersion, r.Quota.Limit, string(r.Quota.Period),
		nullIfZero(r.SweepAt),
	}
}

// eventRow is a row of events.
type eventRow struct{ invitations.Event }

func (e *eventRow) targets() []any {
	return []any{
		&e.Organization, &e.Version, &e.Index, &e.Type, &e.At, &e.Actor, &e.Subject, &e.InvitationID, &e.Role, &e.Reason,
		&e.Quota.Limit, &e.Quota.Period, &e.Email, &e.MaxUses, &e.ExpiresAt,
	}
}

func (e *eventRow) event() invitations.Event {
	out := e.Event
	out.At, out.ExpiresAt = out.At.UTC(), out.ExpiresAt.UTC()
	return out
}

// eventArgs are the columns of an event.
func eventArgs(organization string, version int64, index int, e invitations.Event) []any {
	return []any{
		organization, version, int32(index), string(e.Type), e.At, e.Actor, e.Subject, pgUUID(e.InvitationID), string(e.Role), e.Reason,
		e.Quota.Limit, string(e.Quota.Period), e.Email, int64(e.MaxUses), e.ExpiresAt,
	}
}

// encodeMetadata returns text, not bytes: in some exec modes bytes go as bytea.
func encodeMetadata(m map[string]string) string {
	if len(m) == 0 {
		return "{}"
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // a map of strings has a JSON form
	}
	return string(text)
}

func decodeMetadata(text string) (map[string]string, error) {
	if text == "{}" {
		return nil, nil
	}
	var m map[string]string
	err := json.Unmarshal([]byte(text), &m)
	return m, err
}

// pgUUID returns id in the driver's own type, which it writes as 16 bytes and not as text.
func pgUUID(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

func emptyNotNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func nullIfZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
