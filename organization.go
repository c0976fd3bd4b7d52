package invitations

import (
	"context"

	"github.com/google/uuid"
)

// CreateOrganization creates an organization with owner as its first member. The host decides
// whether a user may create one. The same call again returns the same membership while the
// founder is an owner. An owner whom System has added counts as one. The ID of a deleted
// organization stays taken.
//
// Refusals: [ErrInvalid], [ErrConflict] (the ID is taken).
func (s *Service) CreateOrganization(ctx context.Context, organization, owner string) (_ Member, err error) {
	ctx, op := s.observe(ctx, "CreateOrganization")
	defer op.end(&err)
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
		m := f.Members[a.owner]
		if m.Role == RoleOwner && m.InvitationID == uuid.Nil && m.InvitedBy == "" {
			return m, Changes{}, nil
		}
		return Member{}, Changes{}, ErrConflict
	}
	m := Member{Organization: a.organization, UserID: a.owner, Role: RoleOwner, JoinedAt: r.now}
	return m, Changes{Members: []Member{m}, Events: []Event{r.memberEvent(EventMemberJoined, a.owner, m)}}, nil
}

// DeleteOrganization ends an organization for good, in one step whose cost does not depend on
// its size. From that instant the organization does not exist for any operation: its tokens are
// invalid, its members have no permissions, and no list contains it. Its ID stays taken. Its
// rows remain until [Service.Purge] deletes them, in a members table of the host's too. The
// deletion writes one event, [EventOrganizationDeleted].
//
// The actor needs [PermissionOrganizationManage]. Repeating the call is refused with
// [ErrNotFound] or, for a user, [ErrPermissionDenied].
//
// Refusals: [ErrInvalid], [ErrPermissionDenied], [ErrNotFound] (for System: no such
// organization).
func (s *Service) DeleteOrganization(ctx context.Context, actor Actor, organization string) (err error) {
	ctx, op := s.observe(ctx, "DeleteOrganization")
	defer op.end(&err)
	if err := checkActing(actor, organization); err != nil {
		return err
	}
	_, err = run(ctx, s, deletion{actor, organization})
	return err
}

type deletion struct {
	actor        Actor
	organization string
}

func (a deletion) needs(rules) Query {
	return Query{Organization: a.organization, Members: a.actor.members()}
}

func (a deletion) decide(r rules, f Facts) (struct{}, Changes, error) {
	if err := r.may(f, a.actor, PermissionOrganizationManage); err != nil {
		return struct{}{}, Changes{}, err
	}
	event := Event{Organization: f.Organization, Type: EventOrganizationDeleted, At: r.now, Actor: a.actor.user}
	return struct{}{}, Changes{Deleted: true, Events: []Event{event}}, nil
}
