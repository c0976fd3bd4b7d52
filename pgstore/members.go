package pgstore

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Members implements [invitations.Store].
func (s *Store) Members(
	ctx context.Context, q invitations.MemberQuery,
) (page invitations.Page[invitations.Membership], err error) {
	if err := s.checkIDs(q.Organization, q.Viewer); err != nil {
		return page, err
	}
	if err := s.checkCursor("", q.After); err != nil {
		return page, err
	}
	err = s.read(ctx, "listing members", func(b *pgx.Batch) {
		page = invitations.Page[invitations.Membership]{}
		s.queueViewer(b, q.Organization, q.Viewer, &page.Viewer)
		s.queueMembers(b, q, &page.Items)
	})
	return page, err
}

func (s *Store) queueMembers(b *pgx.Batch, q invitations.MemberQuery, out *[]invitations.Membership) {
	var found member
	var own, shared quotaRow
	st := s.statement()
	organization := st.param("text", q.Organization)
	user := s.userColumn()
	where := s.isOf(organization) + " and " + s.alive(organization)
	if q.After != "" {
		where += " and " + user.order() + " > " + user.value(st.param("text", q.After))
	}
	if q.Role != "" {
		where += " and " + s.hasRole(st.param("text", string(q.Role)))
	}
	page := s.selectMembers() + " where " + where + " order by " + user.order() + " limit " + st.param("bigint", int64(q.Limit))
	if q.Quotas {
		st.text("select ")
		membersTable.selectRow(&st, "m", &found)
		quotasTable.selectRow(&st, "o", &own)
		quotasTable.selectRow(&st, "s", &shared)
		st.text(" from (", page, ") as m")
		s.appendJoin(&st, "quotas", "o", organization, "m.user_id")
		s.appendJoin(&st, "quotas", "s", organization, "''")
		st.text(" order by ", user.value("m.user_id"))
	} else {
		st.text(page)
		membersTable.scanInto(&st, &found)
	}
	st.collect(b, func() {
		*out = append(*out, invitations.Membership{
			Member: found, Own: own.record(q.Organization, found.UserID), Shared: shared.record(q.Organization, ""),
		})
	})
}

// queueViewer queues the statement that loads the membership of a page's viewer, if there is one.
// In a deleted organization there is none.
func (s *Store) queueViewer(b *pgx.Batch, organization, viewer string, out **invitations.Member) {
	if viewer == "" {
		return
	}
	var found member
	st := s.sized(2, len(membersTable.columns))
	id := st.param("text", organization)
	st.text("select ")
	membersTable.selectRow(&st, "m", &found)
	st.text(" from (select) as one")
	s.appendMemberJoin(&st, "m", id, st.param("text", viewer))
	st.text(" where ", s.alive(id))
	st.collect(b, func() {
		if found.UserID != "" {
			*out = &found
		}
	})
}

// Members are in the store's table h, or in the host's table h. In the second case, the store's
// table x has the remaining columns. The functions below return SQL for either case.
// Organizations, users and roles are given as expressions.

const zeroInstant = "'0001-01-01 00:00:00+00'::timestamptz"

// selectMembers returns a select of members, without a condition.
func (s *Store) selectMembers() string { return "select " + s.memberColumns + " from " + s.fromMembers }

// membersSelect returns the parts of selectMembers.
func membersSelect(in string, host *hostTable) (columns, from string) {
	if host == nil {
		return membersTable.list("h"), in + "members h"
	}
	hosted := map[string]string{
		"organization": host.organization.text(),
		"user_id":      host.userID.text(),
		"role":         "coalesce(" + host.role.text() + ", '')",
	}
	if c := host.joinedAt; c.name != "" {
		hosted["joined_at"] = "coalesce(case when " + c.rounds("x.joined_at") + " then x.joined_at else " + c.instant() +
			" end, x.joined_at, " + zeroInstant + ")"
	}
	zero := map[string]string{ // by type, for members that the host has inserted: they are not in x
		"text":        "''",
		"timestamptz": zeroInstant,
		"uuid":        "'00000000-0000-0000-0000-000000000000'::uuid",
		"jsonb":       "'{}'::jsonb",
	}
	for i, c := range membersTable.columns {
		if i > 0 {
			columns += ", "
		}
		expression, ok := hosted[c.name]
		if !ok {
			expression = "coalesce(x." + c.name + ", " + zero[c.typ] + ")"
		}
		if c.typ == "jsonb" {
			expression += "::text"
		}
		columns += expression + " as " + c.name
	}
	return columns, host.name + " h left join " + in + "members x on x.organization = " +
		host.organization.text() + " and x.user_id = " + host.userID.text()
}

// joinMember returns the outer join of one member as the alias m.
func (s *Store) joinMember(m, organization, user string) string {
	st := statement{in: s.in}
	s.appendMemberJoin(&st, m, organization, user)
	return string(st.sql)
}

// appendMemberJoin appends what joinMember returns.
func (s *Store) appendMemberJoin(st *statement, m, organization, user string) {
	if s.host == nil {
		s.appendJoin(st, "members", m, organization, user)
		return
	}
	st.text(" left join lateral (", s.selectMembers(), " where ", s.isOf(organization),
		" and ", s.host.userID.compared(), " = ", s.host.userID.value(user), ") ", m, " on true")
}

// countMembers returns a select with a row for each member of an organization, or for each one
// with a role, if it is not empty.
func (s *Store) countMembers(organization, role string) string {
	sql := "select from " + s.membersName() + " h where " + s.isOf(organization)
	if role != "" {
		// The order makes the planner use the index of an organization's roles. Otherwise it
		// may scan the owners of all organizations.
		sql += " and " + s.hasRole(role) + " order by " + s.userColumn().order()
	}
	return sql
}

// selectSeats appends a select with a row for each member whose role takes a seat, up to the limit for
// each role. The SQL of the limit is in parts. It finds the roles one after the other in the index of an
// organization's roles, so that it does not read the members without a seat. The order by role has no
// other purpose than to make the planner use that index.
func (s *Store) selectSeats(st *statement, organization string, limit []string) {
	members, isMember := s.membersName(), s.isOf(organization)
	column := s.roleColumn()
	role := column.compared()
	st.text("select from (with recursive roles as (",
		"(select ", role, " as role from ", members, " h where ", isMember, " order by ", role, " limit 1)",
		" union all select (select ", role, " from ", members, " h where ", isMember, " and ", role, " > r.role",
		" order by ", role, " limit 1)",
		" from roles r where r.role is not null)",
		" select r.role from roles r where r.role is not null and ", seatless(`r.role::text collate "C"`), " is not true) as r",
		" cross join lateral (select from ", members, " h where ", isMember, " and ", role, " >= r.role and ", role, " <= r.role",
		" order by ", role, " limit ")
	st.text(limit...)
	st.text(") as m")
}

// alive returns the condition that an organization was not deleted. An organization that has only
// members in the host's table has no row yet.
func (s *Store) alive(organization string) string {
	return "not exists (select from " + s.in + "organizations d where d.id = " + organization + " and d.deleted)"
}

func (s *Store) membersName() string {
	if s.host != nil {
		return s.host.name
	}
	return s.in + "members"
}

func (s *Store) roleColumn() hostColumn {
	if s.host != nil {
		return s.host.role
	}
	return hostColumn{"role", "text"}
}

func (s *Store) organizationColumn() hostColumn {
	if s.host != nil {
		return s.host.organization
	}
	return hostColumn{"organization", "text"}
}

func (s *Store) userColumn() hostColumn {
	if s.host != nil {
		return s.host.userID
	}
	return hostColumn{"user_id", "text"}
}

// isOf returns the condition that h is a member of the organization.
func (s *Store) isOf(organization string) string {
	c := s.organizationColumn()
	return c.compared() + " = " + c.value(organization) + s.isMember()
}

// isMember returns the condition that h is a member: see [hostTable.isMember].
func (s *Store) isMember() string {
	if s.host == nil {
		return ""
	}
	return s.host.isMember()
}

// hasRole returns the condition that h has the role. A role that the host's enumeration does not
// have matches no member.
func (s *Store) hasRole(role string) string {
	switch {
	case s.host == nil:
		return "h.role = " + role
	case s.host.role.isText():
		return s.host.role.compared() + " = " + role
	}
	return s.host.role.text() + " = " + role
}

// existingMembers returns the members in the facts, by user ID.
func existingMembers(f *invitations.Facts) map[string]*invitations.Member {
	existing := map[string]*invitations.Member{}
	for _, m := range f.Members {
		existing[m.UserID] = &m
	}
	for i := range f.TracedMembers {
		existing[f.TracedMembers[i].UserID] = &f.TracedMembers[i]
	}
	if f.Sender != nil {
		existing[f.Sender.UserID] = f.Sender
	}
	return existing
}

// appendMember adds the writes that insert a member or replace the existing one.
//
// Of an existing member, the host's row is written only if its values change, and it is never
// inserted. So a change of other data does not undo what the host does to its row meanwhile.
func (s *Store) appendMember(writes []write, organization any, m, existing *invitations.Member) []write {
	writes = append(writes, func(st *statement) { membersTable.put(st, m, organization) })
	switch {
	case s.host == nil:
		return writes
	case existing != nil:
		return s.appendHostMemberUpdate(writes, organization, m, existing)
	}
	h := s.host
	return append(writes, func(st *statement) {
		names := []string{h.organization.name, h.userID.name, h.role.name}
		values := []string{
			h.organization.value(st.param("text", organization)), h.userID.value(st.param("text", m.UserID)),
			h.role.value(st.param("text", string(m.Role))),
		}
		if h.joinedAt.name != "" && !m.JoinedAt.IsZero() { // zero: the host did not know it, and keeps its value
			names = append(names, h.joinedAt.name)
			values = append(values, h.joinedAt.fromInstant(st.param("timestamptz", m.JoinedAt)))
		}
		if h.deletedAt.name != "" {
			none := "null"
			if h.deletedAt.typ == "boolean" {
				none = "false"
			}
			names, values = append(names, h.deletedAt.name), append(values, none)
		}
		st.text("insert into ", h.name, " (", strings.Join(names, ", "), ") values (", strings.Join(values, ", "), ")",
			" on conflict (", h.organization.name, ", ", h.userID.name, ") do update set ")
		for i, name := range names[2:] {
			if i > 0 {
				st.text(", ")
			}
			st.text(name, " = excluded.", name)
		}
	})
}

// appendHostMemberUpdate adds the write that updates the host's row of an existing member.
func (s *Store) appendHostMemberUpdate(writes []write, organization any, m, existing *invitations.Member) []write {
	h := s.host
	newRole := m.Role != existing.Role
	newTime := h.joinedAt.name != "" && !m.JoinedAt.IsZero() && !m.JoinedAt.Equal(existing.JoinedAt)
	if !newRole && !newTime {
		return writes
	}
	return append(writes, func(st *statement) {
		st.text("update ", h.name, " h set ")
		if newRole {
			st.text(h.role.name, " = ", h.role.value(st.param("text", string(m.Role))))
		}
		if newTime {
			if newRole {
				st.text(", ")
			}
			st.text(h.joinedAt.name, " = ", h.joinedAt.fromInstant(st.param("timestamptz", m.JoinedAt)))
		}
		st.text(" where ", s.isOf(st.param("text", organization)),
			" and ", h.userID.compared(), " = ", h.userID.value(st.param("text", m.UserID)))
	})
}

// appendMemberDeletion adds the writes that delete a member, or mark the host's row as deleted.
func (s *Store) appendMemberDeletion(writes []write, organization any, user string, events []invitations.Event) []write {
	writes = append(writes, func(st *statement) {
		st.text("delete from ", s.in, "members h where h.organization = ", st.param("text", organization),
			" and h.user_id = ", st.param("text", user))
	})
	if s.host == nil {
		return writes
	}
	return append(writes, func(st *statement) {
		mark := s.host.deletedAt
		switch {
		case mark.name == "":
			st.text("delete from ", s.host.name, " h")
		case mark.typ == "boolean":
			st.text("update ", s.host.name, " h set ", mark.name, " = true")
		default:
			st.text("update ", s.host.name, " h set ", mark.name, " = ",
				mark.fromInstant(st.param("timestamptz", removedAt(user, events))))
		}
		st.text(" where ", s.isOf(st.param("text", organization)),
			" and ", s.host.userID.compared(), " = ", s.host.userID.value(st.param("text", user)))
	})
}

// removedAt returns the time at which a change removes a user: that of its event, or the zero time
// if there is none.
func removedAt(user string, events []invitations.Event) time.Time {
	for i := range events {
		if e := &events[i]; e.Subject == user && (e.Type == invitations.EventMemberRemoved || e.Type == invitations.EventMemberLeft) {
			return e.At
		}
	}
	return time.Time{}
}
