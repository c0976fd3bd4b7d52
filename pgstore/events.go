package pgstore

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Events implements [invitations.Store].
func (s *Store) Events(
	ctx context.Context, q invitations.EventQuery,
) (page invitations.Page[invitations.Event], err error) {
	if err := s.checkIDs(q.Organization, q.Viewer); err != nil {
		return page, err
	}
	err = s.read(ctx, "listing events", func(b *pgx.Batch) {
		page = invitations.Page[invitations.Event]{}
		s.queueViewer(b, q.Organization, q.Viewer, &page.Viewer)
		s.queueEvents(b, q, &page.Items)
	})
	return page, err
}

func (s *Store) queueEvents(b *pgx.Batch, q invitations.EventQuery, out *[]invitations.Event) {
	var found event
	st := s.statement()
	st.text("select ")
	eventsTable.selectRow(&st, "e", &found)
	st.text(" from ", s.in, "events e where e.organization = ", st.param("text", q.Organization))
	after, order := " > ", ""
	if q.NewestFirst {
		after, order = " < ", " desc"
	}
	if q.After != nil {
		st.text(" and (e.version, e.index)", after, "(", st.param("bigint", q.After.Version), ", ",
			st.param("integer", int32(q.After.Index)), ")")
	}
	if q.Invitation != uuid.Nil {
		st.text(" and e.invitation_id = ", st.param("uuid", uuidArgument(q.Invitation)))
	}
	st.text(" order by e.version", order, ", e.index", order, " limit ", st.param("bigint", int64(q.Limit)))
	st.collect(b, func() { *out = append(*out, found) })
}
