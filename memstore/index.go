package memstore

import "iter"

// Groups are lists of rows by key, all of one order.
type groups[R any, K comparable] struct {
	order *order[R]
	byKey map[K]group[R]
}

// A group has the rows of a key: one, or a list of at least one. Most groups have one row, such as
// the invitations of an address, and then need no list.
type group[R any] struct {
	one  *R
	list *list[R]
}

// rows returns the rows of a group as a list, which may be a new one.
func (g group[R]) rows(o *order[R]) *list[R] {
	if g.one != nil {
		l := newList(o)
		l.add(g.one)
		return l
	}
	return g.list
}

// of returns the rows of a key.
func (g *groups[R, K]) of(key K) *list[R] { return g.byKey[key].rows(g.order) }

// first returns the first row of a key, or nil if there is none.
func (g *groups[R, K]) first(key K) *R {
	found := g.byKey[key]
	if found.one != nil {
		visit(1)
		return found.one
	}
	return found.list.first()
}

// all returns the keys and their rows, in any order.
func (g *groups[R, K]) all() iter.Seq2[K, *list[R]] {
	return func(yield func(K, *list[R]) bool) {
		for key, found := range g.byKey {
			if !yield(key, found.rows(g.order)) {
				return
			}
		}
	}
}

// add adds a row to a key, and reports whether it is the first one.
func (g *groups[R, K]) add(key K, row *R) (begins bool) {
	found := g.byKey[key]
	switch {
	case found.list != nil:
		found.list.add(row)
		return false
	case found.one != nil:
		l := found.rows(g.order)
		l.add(row)
		g.byKey[key] = group[R]{list: l}
		return false
	}
	put(&g.byKey, key, group[R]{one: row})
	return true
}

// remove removes a row from its key, and reports whether it was the last one.
func (g *groups[R, K]) remove(key K, row *R) (ends bool) {
	if l := g.byKey[key].list; l != nil {
		if l.remove(row); l.len() > 0 {
			return false
		}
	}
	delete(g.byKey, key)
	return true
}

// An index keeps rows in groups of one key each, every group in an order.
type index[R any, K comparable] struct {
	groups[R, K]
	// key returns the key of a row, and whether the row is in the index at all.
	key func(*R) (K, bool)
	// changed, if not nil, is called when the group of a key begins or ends.
	changed func(key K, exists bool)
}

func newIndex[R any, K comparable](o *order[R], key func(*R) (K, bool)) index[R, K] {
	return index[R, K]{groups: groups[R, K]{order: o}, key: key}
}

// only is the key of an index with one group.
type only struct{}

// everyRow is the key of all rows in an index with one group.
func everyRow[R any](*R) (only, bool) { return only{}, true }

func (x *index[R, K]) add(row *R) {
	if key, ok := x.key(row); ok && x.groups.add(key, row) && x.changed != nil {
		x.changed(key, true)
	}
}

func (x *index[R, K]) remove(row *R) {
	if key, ok := x.key(row); ok && x.groups.remove(key, row) && x.changed != nil {
		x.changed(key, false)
	}
}

// moves reports whether a row has another place in the index when it becomes next.
func (x *index[R, K]) moves(row, next *R) bool {
	from, was := x.key(row)
	to, is := x.key(next)
	return was != is || from != to || is && x.order.compare(row, next) != 0
}

// indexes are all indexes of one kind of rows. Every change of such a row goes through add,
// remove or replace, so no index can miss one.
type indexes[R any] []interface {
	add(row *R)
	remove(row *R)
	moves(row, next *R) bool
}

func (all indexes[R]) add(row *R) {
	for _, x := range all {
		x.add(row)
	}
}

func (all indexes[R]) remove(row *R) {
	for _, x := range all {
		x.remove(row)
	}
}

// replace gives a row another value. It leaves alone the indexes in which the row does not move. That
// saves time, and a list that calls changed for its first and last row must not become empty meanwhile.
func (all indexes[R]) replace(row, next *R) {
	var moved uint
	for i, x := range all {
		if x.moves(row, next) {
			x.remove(row)
			moved |= 1 << i
		}
	}
	*row = *next
	for i, x := range all {
		if moved&(1<<i) != 0 {
			x.add(row)
		}
	}
}
