package memstore

// An index keeps rows in groups of one key each, every group in an order.
type index[R any, K comparable] struct {
	order *order[R]
	// key returns the key of a row, and whether the row is in the index at all.
	key    func(*R) (K, bool)
	groups map[K]*list[R] // none of them empty

	// changed, if not nil, is called when the group of a key begins or ends.
	changed func(key K, exists bool)
}

// only is the key of an index with one group.
type only struct{}

// everyRow is the key of all rows in an index with one group.
func everyRow[R any](*R) (only, bool) { return only{}, true }

// of returns the rows of a key.
func (x *index[R, K]) of(key K) *list[R] { return x.groups[key] }

func (x *index[R, K]) add(row *R) {
	key, ok := x.key(row)
	if !ok {
		return
	}
	group := x.groups[key]
	if group == nil {
		group = newList(x.order)
		if x.groups == nil {
			x.groups = map[K]*list[R]{}
		}
		x.groups[key] = group
		if x.changed != nil {
			x.changed(key, true)
		}
	}
	group.add(row)
}

func (x *index[R, K]) remove(row *R) {
	key, ok := x.key(row)
	if !ok {
		return
	}
	group := x.groups[key]
	group.remove(row)
	if group.len() == 0 {
		delete(x.groups, key)
		if x.changed != nil {
			x.changed(key, false)
		}
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

// replace gives a row another value. It leaves alone the indexes in which the row does not move.
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
