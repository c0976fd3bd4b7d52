package invitations

import (
	"context"

	"github.com/google/uuid"
)

// CreateOrganization creates an organization with owner as its first member. The host decides
// whether a user may create one. The same call again returns the same membership while the
// founder is an owner.
//
// Refusals: [ErrInvalid], [ErrConflict] (the ID is taken).
func (s *Service) CreateOrganization(ctx context.Context, organization, owner string) (Member, error) {
	if err := checkOrganization(organization); err != nil {
		return Member{}, err
	}
	if err := checkUser("owner", owner); err != nil {
		return Member{}, err
	}
	return runIn(ctx, s, s.store.Create, founding{organization, owner})
}

type founding struct{ organization, owner string }

func (a founding) needs(rules) Query {
	return Query{Organization: a.organization, Members: []string{a.owner}}
}

func (a founding) decide(r rules, f Facts) (Member, Changes, error) {
	if f.Version > 0 {
		m, ok := f.Members[a.owner]
		if ok && m.Role == RoleOwner && m.InvitationID == uuid.Nil {
			return m, Changes{}, nil
		}
		return Member{}, Changes{}, ErrConflict
	}
	m := Member{Organization: a.organization, UserID: a.owner, Role: RoleOwner, JoinedAt: r.now}
	return m, Changes{Members: []Member{m}, Events: []Event{r.memberEvent(EventMemberJoined, a.owner, m)}}, nil
}
