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

// queueEvents queues the statement that loads a page of events. Each branch of the page reads one
// index: that of an invitation, of an actor, of a type or of all events.
func (s *Store) queueEvents(b *pgx.Batch, q invitations.EventQuery, out *[]invitations.Event) {
	var found event
	st := s.statement()
	organization := st.param("text", q.Organization)
	from, where := s.in+"events e", "e.organization = "+organization+" and "+s.alive(organization)
	k := keyset{columns: []string{"e.version", "e.ordinal"}, descending: q.NewestFirst}
	if q.After != nil {
		k.after = []string{st.param("bigint", q.After.Version), st.param("integer", int32(q.After.Index))}
	}
	if !q.From.IsZero() {
		where += " and e.at >= " + st.param("timestamptz", q.From)
	}
	if !q.To.IsZero() {
		where += " and e.at < " + st.param("timestamptz", q.To)
	}
	byType := q.Invitation == uuid.Nil && q.Actor == "" && len(q.Types) > 0
	if len(q.Types) > 0 && !byType {
		where += " and " + st.param("jsonb", list(q.Types)) + " ? e.type"
	}
	var page []branch
	switch {
	case byType:
		for _, typ := range q.Types {
			page = append(page, k.branch(from, where, pin{"e.type", st.param("text", string(typ))}))
		}
	case q.Invitation != uuid.Nil:
		where += " and e.invitation_id = " + st.param("uuid", uuidArgument(q.Invitation))
		if q.Actor != "" {
			where += " and e.actor = " + st.param("text", q.Actor)
		}
		page = []branch{k.branch(from, where)}
	case q.Actor != "":
		actor := pin{"e.actor", st.param("text", q.Actor)}
		page = []branch{k.branch(from, where+" and e.actor <> ''", actor, pin{"e.organization", organization})}
	default:
		page = []branch{k.branch(from, where)}
	}
	eventsTable.selectPage(&st, "e", &found, page, k.order(k.columns), st.param("bigint", int64(q.Limit)))
	st.collect(b, func() { appendRow(out, &found, q.Limit) })
}
