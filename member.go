package invitations

import (
	"context"
	"maps"
	"time"

	"github.com/google/uuid"
)

// A Member is a user's membership of one organization.
type Member struct {
	Organization string    `json:"organization"`
	UserID       string    `json:"user_id"`
	Role         Role      `json:"role"`
	JoinedAt     time.Time `json:"joined_at"`

	// InvitationID and InvitedBy say how they came in: the invitation, and its sender at
	// that time. The founder has neither; InvitedBy is empty also where the host's backend
	// invited.
	InvitationID uuid.UUID         `json:"invitation_id,omitzero"`
	InvitedBy    string            `json:"invited_by,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"` // the invitation's
}

func (m Member) clone() Member {
	m.Metadata = maps.Clone(m.Metadata)
	return m
}

// CreateOrganization begins an organization with its first owner, who is its first member.
// Whether owner may found one is the host's to decide. The same call again gives the same
// membership back while the founder is its owner; if the id is taken otherwise it is
// [ErrConflict].
func (s *Service) CreateOrganization(ctx context.Context, organization, owner string) (Member, error) {
	if err := checkOrganization(organization); err != nil {
		return Member{}, err
	}
	if err := checkUser("owner", owner); err != nil {
		return Member{}, err
	}
	q := Query{Organization: organization, Create: true, Members: []string{owner}}
	return update(ctx, s, q, func(r rules, f Facts) (Member, Changes, error) {
		return r.found(f, organization, owner)
	})
}

// Member returns the membership of user in organization, or [ErrNotFound]. It asks for no
// actor: it is the host's own read, the one that a permission check needs:
//
//	m, err := svc.Member(ctx, organization, user)
//	if err != nil || !svc.Policy().Allows(m.Role, permission) { ... }
func (s *Service) Member(ctx context.Context, organization, user string) (Member, error) {
	if err := checkOrganization(organization); err != nil {
		return Member{}, err
	}
	if err := checkUser("user_id", user); err != nil {
		return Member{}, err
	}
	f, err := s.store.View(ctx, Query{Organization: organization, Members: []string{user}})
	if err != nil {
		return Member{}, err
	}
	m, ok := f.Members[user]
	if !ok {
		return Member{}, ErrNotFound
	}
	return m, nil
}
