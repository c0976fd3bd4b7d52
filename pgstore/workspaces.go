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

// queueMemberships queues the statement that loads a page of a user's memberships and their quotas.
//
// The limit is the outermost, and all parts have the organization in common, so each shard of a
// distributed PostgreSQL can make the page of its own organizations. The quotas are lateral queries
// with a limit, although there is at most one of each: as plain joins, the planner may merge whole
// indexes, in the order of the organizations, up to the page.
func (s *Store) queueMemberships(b *pgx.Batch, q invitations.WorkspaceQuery, out *[]invitations.Membership) {
	var found member
	var own, shared quotaRow
	st := s.statement()
	user := st.param("text", q.UserID)
	organization := s.organizationColumn()
	st.text("select ", s.memberColumns)
	membersTable.scanInto(&st, &found)
	quotasTable.selectRow(&st, "o", &own)
	quotasTable.selectRow(&st, "s", &shared)
	quota := func(alias, user string) {
		st.text(" left join lateral (select ", quotasTable.list("q"), " from ", s.in, "quotas q where q.organization = ",
			organization.text(), " and q.user_id = ", user, " limit 1) ", alias, " on true")
	}
	st.text(" from ", s.fromMembers)
	quota("o", user)
	quota("s", "''")
	st.text(" where ", s.userColumn().compared(), " = ", s.userColumn().value(user), s.isMember(), " and ", s.alive(organization.text()))
	if q.After != "" {
		st.text(" and ", organization.order(), " > ", organization.value(st.param("text", q.After)))
	}
	st.text(" order by ", organization.order(), " limit ", st.param("bigint", int64(q.Limit)))
	st.collect(b, func() {
		*out = append(*out, invitations.Membership{
			Member: found, Own: own.record(found.Organization, q.UserID), Shared: shared.record(found.Organization, ""),
		})
	})
}
