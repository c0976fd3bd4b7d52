package pgstore

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Traces implements [invitations.Store].
func (s *Store) Traces(ctx context.Context, p invitations.Person, limit int) (organizations []string, err error) {
	err = s.read(ctx, "looking for traces", func(b *pgx.Batch) {
		organizations = nil
		s.queueTracedOrganizations(b, p, limit, &organizations)
	})
	if err != nil {
		return nil, err
	}
	return organizations, nil
}

// queueTracedOrganizations queues the statement that finds the organizations with a trace, in the
// order of their IDs. From each one it goes to the next by the index of each kind of trace, so that
// it does not read all the traces in an organization.
//
// Only the invitations for an address have no such index. All of them are read, but from an index
// that has their organizations.
func (s *Store) queueTracedOrganizations(b *pgx.Batch, p invitations.Person, limit int, out *[]string) {
	var found textValue
	st := s.statement()
	var next []string // a select for each kind: the first organization after that of f
	kind := func(alias, from, where string, pins ...pin) {
		after := keyset{columns: []string{alias + ".organization"}, after: []string{"f.organization"}}
		part := after.branch(from, where, pins...)
		next = append(next, "(select "+alias+".organization from "+part.from+" where "+part.where+
			" order by "+part.order+" limit 1)")
	}
	st.text("with recursive ")
	if p.Email != "" {
		address := st.param("text", p.Email)
		st.text("addressed as materialized (select distinct i.organization from ", s.in, "invitations i",
			" where ", emailIs, address, "), ")
		kind("a", "addressed a", "true")
		kind("e", s.in+"events e", "e.email <> ''", pin{"e.email", address})
	} else {
		user := st.param("text", p.UserID)
		kind("i", s.in+"invitations i", "i.sent_by <> ''", pin{"i.sent_by", user})
		kind("i", s.in+"invitations i", "i.created_by <> '' and i.created_by <> i.sent_by", pin{"i.created_by", user})
		kind("i", s.in+"invitations i", "i.accepted_by <> ''", pin{"i.accepted_by", user})
		invited, isMember := s.in+"members t", ""
		if s.host != nil { // a row of a user who is not a member in the host's table is no trace
			invited += s.joinMember("m", "t.organization", "t.user_id")
			isMember = " and m.user_id is not null"
		}
		kind("t", invited, "t.invited_by <> ''"+isMember, pin{"t.invited_by", user})
		kind("e", s.in+"events e", "e.actor <> ''", pin{"e.actor", user})
		kind("e", s.in+"events e", "e.subject <> '' and e.subject <> e.actor", pin{"e.subject", user})
		kind("e", s.in+"events e", "e.invited_by <> '' and e.invited_by <> e.actor", pin{"e.invited_by", user})
	}
	st.text(`found as (
			select 0::bigint as n, ''::text collate "C" as organization
			union all
			select f.n + 1, (select n.organization from (`, strings.Join(next, " union all "), `) as n
				order by n.organization limit 1)
			from found f where f.n < `, st.param("bigint", int64(limit)), ` and f.organization is not null)
		select `)
	st.column(&found, "f.organization")
	st.text(" from found f where f.n > 0 and f.organization is not null")
	st.collect(b, func() { *out = append(*out, string(found)) })
}
