package pgstore

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// Feed implements [invitations.Store].
//
// The reader gives the events their positions, after their changes are committed. The writer of
// an event could not. Another transaction might commit a higher position first, and a reader of
// that one would miss the lower one. The only row of the table feed is locked while
// positions are given, so that later positions are higher.
func (s *Store) Feed(ctx context.Context, after int64, limit int) (found []invitations.Event, err error) {
	err = s.write(ctx, "reading the feed", func(b *pgx.Batch) {
		found = nil
		s.queuePositions(b, limit)
		s.queueFeed(b, after, limit, &found)
	})
	return found, err
}

// positionsAtOnce is how many events get a position in one call, if it asks for fewer.
const positionsAtOnce = 1000

// queuePositions queues the statement that gives positions to events without one.
//
// If there are no such events, it locks and writes nothing. The query found reads an index in its
// order, once: while a transaction with an old snapshot lives, the server passes the entries of all
// events that got their positions since. Its limit is where each shard of a distributed PostgreSQL can
// apply it.
//
// The statement may have begun before it got the lock, and then sees events without a position
// that another reader has given one. The update leaves these as they are, and the positions that
// were meant for them stay unused.
//
// The planner must find each row of the update by its key, whatever the statistics say. They mostly
// date from a moment at which all events had positions. So the condition of the update does not name
// the partial index, which would look like the fastest way to all rows: coalesce hides it. The range
// between two constants makes the planner expect few rows, and so look up each by its key. The limit is
// a constant up to positionsAtOnce, so that a generic plan knows it.
func (s *Store) queuePositions(b *pgx.Batch, limit int) {
	st := s.statement()
	atOnce := strconv.Itoa(positionsAtOnce)
	if limit > positionsAtOnce {
		atOnce = st.param("bigint", int64(limit))
	}
	st.text(`with found as materialized (
			select e.organization, e.version, e.ordinal from `, s.in, `events e where e.position is null
			order by e.organization, e.version, e.ordinal limit `, atOnce, `),
		locked as materialized (
			select f.last from `, s.in, `feed f where exists (select from found) for no key update),
		positions as materialized (
			select e.organization, e.version, e.ordinal,
				l.last + pg_catalog.row_number() over (order by e.organization, e.version, e.ordinal) as position
			from found e cross join locked l),
		numbered as (
			update `, s.in, `events e set position = n.position from positions n
			where e.organization = n.organization and e.version = n.version and e.ordinal = n.ordinal
				and coalesce(e.position, 0) = 0 and n.position > 0 and n.position < 9223372036854775807)
		update `, s.in, `feed set last = n.last
			from (select pg_catalog.max(position) as last from positions) n where n.last is not null`)
	st.queue(b)
}

func (s *Store) queueFeed(b *pgx.Batch, after int64, limit int, out *[]invitations.Event) {
	var found event
	st := s.statement()
	st.text("select ")
	numberedEventsTable.selectRow(&st, "e", &found)
	st.text(" from ", s.in, "events e where e.position > ", st.param("bigint", after),
		" order by e.position limit ", st.param("bigint", int64(limit)))
	st.collect(b, func() { *out = append(*out, found) })
}
