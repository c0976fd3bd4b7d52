package pgstore

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

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
	metadata string
	endedAt  *time.Time
	nonce    []byte
}

func (r *invitationRow) targets() []any {
	return []any{
		&r.Organization, &r.ID, &r.Kind, &r.State, &r.Email, &r.Role, &r.Message, &r.metadata, &r.AllowedDomains, &r.MaxUses, &r.Uses,
		&r.CreatedBy, &r.SentBy, &r.CreatedAt, &r.SentAt, &r.ExpiresAt, &r.endedAt, &r.nonce, &r.SentVersion,
	}
}

func (r *invitationRow) record() (invitations.Record, error) {
	out := r.Record
	out.CreatedAt, out.SentAt, out.ExpiresAt = out.CreatedAt.UTC(), out.SentAt.UTC(), out.ExpiresAt.UTC()
	if r.endedAt != nil {
		out.EndedAt = r.endedAt.UTC()
	}
	copy(out.Nonce[:], r.nonce)
	var err error
	out.Metadata, err = decodeMetadata(r.metadata)
	return out, err
}

func scanInvitationAndSender(rows pgx.Rows) (invitations.Record, *invitations.Member, error) {
	var r invitationRow
	var m memberRow
	if err := rows.Scan(append(r.targets(), m.targets()...)...); err != nil {
		return invitations.Record{}, nil, err
	}
	out, err := r.record()
	if err != nil {
		return invitations.Record{}, nil, err
	}
	sender, err := m.member()
	return out, sender, err
}

// scanMemberAndRemoval adds what is known of one user to f.
func scanMemberAndRemoval(rows pgx.Rows, f *invitations.Facts) error {
	var user string
	var version *int64
	var at *time.Time
	var m memberRow
	if err := rows.Scan(append([]any{&user, &version, &at}, m.targets()...)...); err != nil {
		return err
	}
	if version != nil {
		f.Removals[user] = invitations.Removal{Organization: f.Organization, UserID: user, Version: *version, At: at.UTC()}
	}
	member, err := m.member()
	if member != nil {
		f.Members[user] = *member
	}
	return err
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
