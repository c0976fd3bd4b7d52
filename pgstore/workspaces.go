package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Workspaces implements [invitations.Store].
func (s *Store) Workspaces(
	ctx context.Context, q invitations.WorkspaceQuery,
) (personal *invitations.QuotaRecord, memberships []invitations.Membership, err error) {
	if err := s.checkIDs("", q.UserID); err != nil {
		return nil, nil, err
	}
	if err := s.checkCursor(q.After, ""); err != nil {
		return nil, nil, err
	}
	err = s.read(ctx, "listing workspaces", func(b *pgx.Batch) {
		personal, memberships = nil, nil
		s.queuePersonalQuota(b, q.UserID, &personal)
		if q.Limit > 0 {
			s.queueMemberships(b, q, &memberships)
		}
	})
	return personal, memberships, err
}

func (s *Store) queuePersonalQuota(b *pgx.Batch, user string, out **invitations.QuotaRecord) {
	var found quotaRow
	st := s.statement()
	st.text("select ")
	quotasTable.selectRow(&st, "q", &found)
	st.text(" from ", s.in, "personal_quotas q where q.user_id = ", st.param("text", user))
	st.collect(b, func() { *out = found.record("", user) })
}

// queueMemberships queues the statement that loads a page of a user's memberships and their
// quotas. The page is limited before it is joined. Otherwise the planner may merge whole indexes of
// quotas and organizations, in the order of the organizations, up to the page.
func (s *Store) queueMemberships(b *pgx.Batch, q invitations.WorkspaceQuery, out *[]invitations.Membership) {
	var found member
	var own, shared quotaRow
	st := s.statement()
	user := st.param("text", q.UserID)
	organization := s.organizationColumn()
	where := s.userColumn().compared() + " = " + s.userColumn().value(user) + s.isMember() +
		" and " + s.alive(organization.text())
	if q.After != "" {
		where += " and " + organization.order() + " > " + organization.value(st.param("text", q.After))
	}
	st.text("select ")
	membersTable.selectRow(&st, "m", &found)
	quotasTable.selectRow(&st, "o", &own)
	quotasTable.selectRow(&st, "s", &shared)
	st.text(" from (", s.selectMembers, " where ", where,
		" order by ", organization.order(), " limit ", st.param("bigint", int64(q.Limit)), ") as m",
		s.joinByUser("quotas", "o", "m.organization", user), s.joinByUser("quotas", "s", "m.organization", "''"),
		" order by ", organization.value("m.organization"))
	st.collect(b, func() {
		*out = append(*out, invitations.Membership{
			Member: found, Own: own.record(found.Organization, q.UserID), Shared: shared.record(found.Organization, ""),
		})
	})
}
