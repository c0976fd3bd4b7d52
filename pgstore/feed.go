package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/go-invitations/invitations"
)

// numberAtOnce is how many events get their positions at once, or as many as are asked for.
const numberAtOnce = 1000

// Feed implements [invitations.Store].
//
// Who writes an event cannot number it: another transaction may commit a higher number first,
// and a reader who has seen that one would miss the lower. So the reader numbers what has
// committed. The one row of feed is locked while positions are given, which makes a later
// position a higher one.
func (s *Store) Feed(ctx context.Context, after int64, limit int) (found []invitations.Event, err error) {
	err = s.write(ctx, "reading the feed", func(b *pgx.Batch) {
		found = nil
		s.queueNumbering(b, max(numberAtOnce, limit))
		s.queueFeed(b, after, limit, &found)
	})
	return found, err
}

// queueNumbering queues what gives positions to events that have none. Where there are none it
// locks nothing, and so writes nothing; the order has that found by the index, whatever the
// planner thinks of how many there are. The statement may have begun before it got the lock,
// and so see events that another one has numbered meanwhile: the update leaves these as they
// are, and numbers go unused.
func (s *Store) queueNumbering(b *pgx.Batch, atOnce int) {
	st := s.statement()
	st.text(`with locked as materialized (
			select f.last from `, s.in, `feed f where (
				select e.version from `, s.in, `events e where e.position is null order by e.organization, e.version, e.index limit 1) is not null
			for no key update),
		found as materialized (
			select e.organization, e.version, e.index, l.last + pg_catalog.row_number() over (order by e.organization, e.version, e.index) as position
			from `, s.in, `events e cross join locked l where e.position is null
			order by e.organization, e.version, e.index limit `, st.param("bigint", int64(atOnce)), `),
		numbered as (
			update `, s.in, `events e set position = n.position from found n
			where e.organization = n.organization and e.version = n.version and e.index = n.index and e.position is null)
		update `, s.in, `feed set last = n.last from (select pg_catalog.max(position) as last from found) n where n.last is not null`)
	st.queue(b)
}

func (s *Store) queueFeed(b *pgx.Batch, after int64, limit int, out *[]invitations.Event) {
	st := s.statement()
	st.text("select e.position, ", eventColumns, " from ", s.in, "events e where e.position > ", st.param("bigint", after),
		" order by e.position limit ", st.param("bigint", int64(limit)))
	st.queue(b).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var position int64
			var row eventRow
			if err := rows.Scan(append([]any{&position}, row.targets()...)...); err != nil {
				return err
			}
			event := row.event()
			event.Position = position
			*out = append(*out, event)
		}
		return nil
	})
}
