package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Invitations implements [invitations.Store].
func (s *Store) Invitations(
	ctx context.Context, q invitations.InvitationQuery,
) (page invitations.Page[invitations.Record], err error) {
	if err := s.checkIDs(q.Organization, q.Viewer); err != nil {
		return page, err
	}
	err = s.read(ctx, "listing invitations", func(b *pgx.Batch) {
		page = invitations.Page[invitations.Record]{}
		s.queueViewer(b, q.Organization, q.Viewer, &page.Viewer)
		if q.Organization != "" {
			s.queueInvitations(b, q, &page.Items)
		} else {
			s.queueReceived(b, q, &page.Items)
		}
	})
	return page, err
}

// queueInvitations queues the statement that loads a page of an organization's invitations. Its
// text depends on the filters, so that each combination has the plan that fits it.
func (s *Store) queueInvitations(b *pgx.Batch, q invitations.InvitationQuery, out *[]invitations.Record) {
	var found record
	st := s.statement()
	organization := st.param("text", q.Organization)
	from, where := s.in+"invitations i", "i.organization = "+organization
	switch q.State {
	case "":
	case invitations.StatePending:
		s.withLive(&st, where, q.At)
		from = "live i"
	case invitations.StateExpired:
		where += " and i.state = 'pending' and i.expires_at <= " + st.param("timestamptz", q.At)
	default:
		where += " and i.state = " + st.param("text", string(q.State))
	}
	for _, filter := range []struct{ column, value string }{
		{"kind", string(q.Kind)}, {"role", string(q.Role)}, {"email", q.Email}, {"sent_by", q.SentBy},
	} {
		if filter.value != "" {
			where += " and i." + filter.column + " = " + st.param("text", filter.value)
		}
	}
	if q.Email != "" {
		where += " and i.email <> ''" // the condition of the partial index
	}
	if q.After != nil {
		where += " and (i.created_at, i.id) < (" + st.param("timestamptz", q.After.CreatedAt) + ", " +
			st.param("uuid", uuidArgument(q.After.ID)) + ")"
	}
	st.text("select ")
	invitationsTable.selectRow(&st, "i", &found)
	st.text(" from ", from, " where ", where,
		" order by i.created_at desc, i.id desc limit ", st.param("bigint", int64(q.Limit)))
	st.collect(b, func() { *out = append(*out, found) })
}

// queueReceived queues the statement that loads a page of the pending invitations for an address
// in all organizations.
func (s *Store) queueReceived(b *pgx.Batch, q invitations.InvitationQuery, out *[]invitations.Record) {
	var found record
	st := s.statement()
	s.withLive(&st, "i.email <> '' and i.email = "+st.param("text", q.Email), q.At)
	st.text("select ")
	invitationsTable.selectRow(&st, "i", &found)
	st.text(" from live i")
	if q.After != nil {
		st.text(" where (i.created_at, i.id, i.organization) < (", st.param("timestamptz", q.After.CreatedAt), ", ",
			st.param("uuid", uuidArgument(q.After.ID)), ", ", st.param("text", q.After.Organization), ")")
	}
	st.text(" order by i.created_at desc, i.id desc, i.organization desc limit ", st.param("bigint", int64(q.Limit)))
	st.collect(b, func() { *out = append(*out, found) })
}

// withLive begins a statement with the query live, which has the invitations of an organization
// or of an address that are pending at an instant. Limits keep them few, but many more may be
// stored as pending and have expired. "materialized" makes the planner find them by their expiry
// first, and filter and sort only these.
func (s *Store) withLive(st *statement, condition string, at time.Time) {
	st.text("with live as materialized (select ")
	invitationsTable.appendList(st, "i")
	st.text(" from ", s.in, "invitations i where ", condition,
		" and i.state = 'pending' and i.expires_at > ", st.param("timestamptz", at), ") ")
}
