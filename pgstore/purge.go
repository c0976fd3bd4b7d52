package pgstore

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Purge implements [invitations.Store].
//
// It looks for old rows without a lock, in one round trip. Then it takes one round trip for each of
// their organizations. This locks the organization, unless somebody else has locked it, and deletes
// those of its rows that are still old. It is a transaction of its own, except in a transaction of
// the host.
//
// A row of the host's table that a constraint keeps, such as a foreign key of another table, does
// not stop the purge of other organizations. Purge returns the error when it finds nothing else to
// delete.
func (s *Store) Purge(ctx context.Context, q invitations.PurgeQuery) (deleted int, err error) {
	var refused error
	var seen []string // organizations that have lost what they can lose now
	for {
		found, err := s.findOldRows(ctx, q, seen)
		if err != nil {
			return deleted, err
		}
		if len(found) == 0 {
			return deleted, refused
		}
		for _, o := range found {
			n, err := s.purgeOrganization(ctx, q, o)
			switch {
			case err == nil:
			case errors.As(err, new(*ConstraintError)) && !s.inHostTx():
				refused = err
			default:
				return deleted, err
			}
			deleted += n
			seen = append(seen, o.id)
		}
		if deleted > 0 {
			return deleted, nil
		}
	}
}

// oldRows are rows of one organization that can go, by the names of their tables. They are given by
// their keys, which are JSON arrays.
type oldRows struct {
	id      string // of the organization
	deleted bool   // the organization, with all its rows except events
	keys    map[string][]string
}

// A purgedTable has the columns of a primary key that come after the organization.
type purgedTable struct {
	name string
	key  []Column
}

var (
	purgedInvitations = purgedTable{"invitations", []Column{{"id", "uuid"}}}
	purgedEvents      = purgedTable{"events", []Column{{"version", "bigint"}, {"ordinal", "integer"}}}
	purgedMembers     = purgedTable{"members", []Column{{"user_id", "text"}}}
	// purgedWithOrganization are the tables whose rows go with a deleted organization. The rows of
	// the host's table go with those of members.
	purgedWithOrganization = []purgedTable{
		purgedInvitations, purgedMembers,
		{"removals", []Column{{"user_id", "text"}}},
		{"quotas", []Column{{"user_id", "text"}}},
		{"closed_usage", []Column{{"period", "text"}, {"period_start", "timestamptz"}, {"user_id", "text"}}},
	}
)

// The instant since which an invitation i is old, as in the index invitations_old.
const oldSince = "case when i.state = 'pending' then i.expires_at else coalesce(i.ended_at, '-infinity') end"

// findOldRows finds rows that can go, up to the limit of q, and deleted organizations that may have
// none left. It leaves out the organizations of seen.
func (s *Store) findOldRows(ctx context.Context, q invitations.PurgeQuery, seen []string) (found []*oldRows, err error) {
	err = s.read(ctx, "looking for old rows", func(b *pgx.Batch) {
		found = nil
		place := map[string]*oldRows{}
		add := func(id string) *oldRows {
			if place[id] == nil {
				place[id] = &oldRows{id: id, keys: map[string][]string{}}
				found = append(found, place[id])
			}
			return place[id]
		}
		s.queueDeletedOrganizations(b, q, seen, func(id string) { add(id).deleted = true })
		s.queueOldRows(b, q, seen, func(id, table, key string) {
			add(id).keys[table] = append(place[id].keys[table], key)
		})
	})
	return found, err
}

// queueDeletedOrganizations queues the statement that finds deleted organizations.
func (s *Store) queueDeletedOrganizations(b *pgx.Batch, q invitations.PurgeQuery, seen []string, found func(id string)) {
	var id textValue
	st := s.statement()
	st.text(s.deletedOrganizations(st.param("bigint", int64(q.Limit)), unseen(&st, "o.id", seen)))
	st.targets = []any{&id}
	st.collect(b, func() { found(string(id)) })
}

// deletedOrganizations returns a select of deleted organizations that may have rows.
func (s *Store) deletedOrganizations(limit, unseen string) string {
	return "select o.id from " + s.in + "organizations o where o.deleted and not o.purged" + unseen +
		" order by o.id limit " + limit
}

// unseen returns the condition that an organization is not one of seen, or nothing if there are
// none.
func unseen(st *statement, organization string, seen []string) string {
	if len(seen) == 0 {
		return ""
	}
	return " and not " + st.param("jsonb", list(seen)) + " ? " + organization
}

// queueOldRows queues the statement that finds old rows. Each of its parts reads an index and stops
// at the limit.
func (s *Store) queueOldRows(b *pgx.Batch, q invitations.PurgeQuery, seen []string, found func(id, table, key string)) {
	var table, organization, key textValue
	st := s.statement()
	before, limit := st.param("timestamptz", q.Before), st.param("bigint", int64(q.Limit))
	part := func(t purgedTable, alias, from string) {
		st.text("(select '", t.name, "' as name, ", alias, ".organization, pg_catalog.jsonb_build_array(", t.list(alias),
			")::text as key from ", from, " limit ", limit, ")")
	}
	st.text("with deleted as materialized (", s.deletedOrganizations(limit, unseen(&st, "o.id", seen)), ") select ")
	st.column(&table, "r.name")
	st.column(&organization, "r.organization")
	st.column(&key, "r.key")
	st.text(" from (")
	part(purgedInvitations, "i", s.in+"invitations i where "+oldSince+" < "+before+
		unseen(&st, "i.organization", seen)+" order by "+oldSince)
	st.text(" union all ")
	part(purgedEvents, "e", s.in+"events e where e.position is not null and e.at < "+before+
		unseen(&st, "e.organization", seen)+" order by e.at")
	for _, t := range purgedWithOrganization {
		st.text(" union all ")
		all := s.byKey(t, "d.id")
		rows := "select t.organization, " + t.list("t") + " from " + all.from + " where " + all.where +
			" order by " + all.order + " limit " + limit
		if t.name == purgedMembers.name && s.host != nil {
			rows = "(" + rows + ") union (select d.id, " + s.host.userID.text() + " from " + s.host.name + " h where " + s.isOf("d.id") +
				" limit " + limit + ")"
		}
		part(t, "t", "deleted d cross join lateral ("+rows+") as t")
	}
	st.text(") as r limit ", limit)
	st.collect(b, func() { found(string(organization), string(table), string(key)) })
}

// columns returns the columns of the key of a row with this alias.
func (t purgedTable) columns(alias string) (names []string) {
	for _, c := range t.key {
		names = append(names, alias+"."+c.Name)
	}
	return names
}

// list returns the columns as a select list.
func (t purgedTable) list(alias string) string { return strings.Join(t.columns(alias), ", ") }

// byKey returns the branch of all rows t of an organization.
func (s *Store) byKey(t purgedTable, organization string) branch {
	return keyset{columns: t.columns("t")}.branch(s.in+t.name+" t", "true", pin{"t.organization", organization})
}

// purgeOrganization deletes rows of one organization that are still old, unless it is being
// changed.
func (s *Store) purgeOrganization(ctx context.Context, q invitations.PurgeQuery, o *oldRows) (deleted int, err error) {
	err = s.write(ctx, "purging", func(b *pgx.Batch) {
		deleted = 0
		s.queuePurge(b, q, o, &deleted)
		if o.deleted {
			s.queuePurged(b, o.id)
		}
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}

// withLocked begins a statement with the query locked, which has the organization if nobody else
// has locked it.
//
// The statement may have begun before a change was committed that had locked the organization. It
// then sees the rows as they were before. Where one has changed since, the server checks the
// conditions of the deletion again.
func (s *Store) withLocked(st *statement, organization string) {
	st.text("with locked as materialized (select o.id, o.version from ", s.in, "organizations o where o.id = ", organization,
		" for no key update skip locked)")
}

// queuePurge queues the statement that deletes rows and counts them. A member whom both the store's
// and the host's table have counts once.
func (s *Store) queuePurge(b *pgx.Batch, q invitations.PurgeQuery, o *oldRows, deleted *int) {
	st := s.statement()
	organization, before := st.param("text", o.id), st.param("timestamptz", q.Before)
	s.withLocked(&st, organization)
	var counts []string
	remove := func(t purgedTable, alias, condition string) {
		query := "q" + strconv.Itoa(len(counts))
		keys := " using pg_catalog.jsonb_array_elements(" + st.param("jsonb", "["+strings.Join(o.keys[t.name], ",")+"]") + ") as k (key)" +
			" where exists (select from locked)"
		st.text(", ", query, " as (delete from ", s.in, t.name, " ", alias, keys, " and ", alias, ".organization = ", organization)
		for i, c := range t.key {
			st.text(" and ", alias, ".", c.Name, " = (k.key->>", strconv.Itoa(i), ")::", c.Type)
		}
		st.text(condition, " returning ", t.list(alias), ")")
		if t.name != purgedMembers.name || s.host == nil {
			counts = append(counts, "(select pg_catalog.count(*) from "+query+")")
			return
		}
		st.text(", hosted as (")
		s.purgeHostMembers(&st, organization, before, keys)
		st.text(")")
		counts = append(counts, "(select pg_catalog.count(*) from (select m.user_id from "+query+" m"+
			" union select h.user_id from hosted h) as m)")
	}
	remove(purgedEvents, "e", " and e.position is not null and e.at < "+before)
	if o.deleted {
		for _, t := range purgedWithOrganization {
			remove(t, "t", "")
		}
	} else {
		remove(purgedInvitations, "i", " and "+oldSince+" < "+before)
	}
	st.text(" select ")
	st.column((*integerValue)(deleted), strings.Join(counts, " + "))
	st.collect(b, func() {})
}

// purgeHostMembers appends the deletion of members from the host's table, or their marks. The mark
// has the time at which the organization was deleted, or that of the purge if its event is gone.
func (s *Store) purgeHostMembers(st *statement, organization, before, keys string) {
	mark := s.host.deletedAt
	switch {
	case mark.name == "":
		st.text("delete from ", s.host.name, " h")
	case mark.typ == "boolean":
		st.text("update ", s.host.name, " h set ", mark.name, " = true")
	default:
		st.text("update ", s.host.name, " h set ", mark.name, " = ", mark.fromInstant("coalesce((select e.at from "+
			s.in+"events e where e.organization = "+organization+" and e.type = '"+string(invitations.EventOrganizationDeleted)+
			"' order by e.version desc limit 1), "+before+")"))
	}
	if mark.name != "" {
		keys = " from" + strings.TrimPrefix(keys, " using")
	}
	st.text(keys, " and ", s.isOf(organization), " and ", s.host.userID.compared(), " = ", s.host.userID.value("(k.key->>0)"),
		" returning ", s.host.userID.text(), " as user_id")
}

// queuePurged queues the statement that marks a deleted organization that has no rows left, so
// that no purge looks at it again. If the organization has changed since the statement began, it
// may have got rows that the statement does not see.
func (s *Store) queuePurged(b *pgx.Batch, id string) {
	st := s.statement()
	organization := st.param("text", id)
	s.withLocked(&st, organization)
	st.text(" update ", s.in, "organizations o set purged = true from locked l",
		" where o.id = ", organization, " and o.id = l.id and o.version = l.version")
	for _, t := range purgedWithOrganization {
		first := s.byKey(t, organization)
		// The equation lets a distributed PostgreSQL find the shard.
		st.text(" and (select t.organization from ", first.from, " where ", first.where, " and t.organization = ", organization,
			" order by ", first.order, " limit 1) is null")
	}
	if s.host != nil {
		st.text(" and not exists (", s.countMembers(organization, ""), ")")
	}
	st.queue(b)
}
