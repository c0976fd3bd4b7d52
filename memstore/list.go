package memstore

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
)

// A list keeps rows in an order. It is a sorted slice, cut into blocks: to add or to remove a row
// moves the rows of one block. A nil list is empty.
//
// The fields that an order reads must not change while the row is in the list.
type list[R any] struct {
	order  *order[R]
	size   int
	blocks [][]entry[R] // none of them empty
}

// blockSize is the largest number of rows in a block.
const blockSize = 256

// An order compares rows by a number and, where it is equal, by tie.
type order[R any] struct {
	rank func(*R) int64
	tie  func(a, b *R) int
}

// rankOf is the rank of a text in the order of bytes: its first eight.
func rankOf(text string) int64 {
	var first [8]byte
	copy(first[:], text)
	const half = 1 << 63 // so that the order of signed numbers is that of the bytes
	return int64(binary.BigEndian.Uint64(first[:]) ^ half)
}

// An entry is a row beside its rank. A search reads few rows, because it compares ranks first.
type entry[R any] struct {
	rank int64
	row  *R
}

func newList[R any](o *order[R]) *list[R] { return &list[R]{order: o} }

// compare is the order of two rows.
func (o *order[R]) compare(a, b *R) int {
	if c := cmp.Compare(o.rank(a), o.rank(b)); c != 0 {
		return c
	}
	return o.tie(a, b)
}

func (l *list[R]) len() int {
	if l == nil {
		return 0
	}
	return l.size
}

// first returns the first row, or nil if there is none.
func (l *list[R]) first() *R {
	if l.len() == 0 {
		return nil
	}
	visit(1)
	return l.blocks[0][0].row
}

// last returns the last row, or nil if there is none.
func (l *list[R]) last() *R {
	if l.len() == 0 {
		return nil
	}
	visit(1)
	end := l.blocks[len(l.blocks)-1]
	return end[len(end)-1].row
}

// A place is a place in a list: a block, and a row in it.
type place struct{ block, row int }

// search returns the place of the first row that is reached. The rows that are not reached must
// come first. Without such a row it returns the place behind the last.
func (l *list[R]) search(reached func(entry[R]) bool) place {
	if l.len() == 0 {
		return place{}
	}
	// Most rows are newer than all others.
	end := l.blocks[len(l.blocks)-1]
	visit(1)
	if !reached(end[len(end)-1]) {
		return place{len(l.blocks), 0}
	}
	low, high := 0, len(l.blocks)-1
	for low < high {
		middle := (low + high) / 2
		block := l.blocks[middle]
		visit(1)
		if reached(block[len(block)-1]) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	block := l.blocks[low]
	from, to := 0, len(block)-1
	for from < to {
		middle := (from + to) / 2
		visit(1)
		if reached(block[middle]) {
			to = middle
		} else {
			from = middle + 1
		}
	}
	return place{low, from}
}

// placeOf returns the place of a row, or the place where it would be.
func (l *list[R]) placeOf(row *R) place {
	rank := l.order.rank(row)
	return l.search(func(e entry[R]) bool {
		return e.rank > rank || e.rank == rank && l.order.tie(e.row, row) >= 0
	})
}

// add adds a row that is not in the list.
func (l *list[R]) add(row *R) {
	at, e := l.placeOf(row), entry[R]{l.order.rank(row), row}
	l.size++
	if at.block == len(l.blocks) { // behind the last row
		if at.block == 0 {
			l.blocks = append(l.blocks, nil)
		} else if at.block--; len(l.blocks[at.block]) == blockSize {
			at.block++
			l.blocks = append(l.blocks, make([]entry[R], 0, blockSize))
		}
		l.blocks[at.block] = append(l.blocks[at.block], e)
		return
	}
	block := l.blocks[at.block]
	if len(block) == blockSize {
		const half = blockSize / 2
		right := append(make([]entry[R], 0, blockSize), block[half:]...)
		clear(block[half:])
		l.blocks[at.block] = block[:half]
		l.blocks = slices.Insert(l.blocks, at.block+1, right)
		if at.row > half {
			at.block, at.row = at.block+1, at.row-half
		}
	}
	l.blocks[at.block] = slices.Insert(l.blocks[at.block], at.row, e)
}

// remove removes a row that is in the list.
func (l *list[R]) remove(row *R) {
	at := l.placeOf(row)
	l.size--
	block := slices.Delete(l.blocks[at.block], at.row, at.row+1)
	l.blocks[at.block] = block
	if len(block) == 0 {
		l.blocks = slices.Delete(l.blocks, at.block, at.block+1)
	}
}

// countFrom returns the number of rows from the first one that is reached. It adds the sizes of
// whole blocks.
func (l *list[R]) countFrom(reached func(entry[R]) bool) int {
	if l.len() == 0 {
		return 0
	}
	at, n := l.search(reached), 0
	for i := len(l.blocks) - 1; i > at.block; i-- {
		n += len(l.blocks[i])
	}
	if at.block < len(l.blocks) {
		n += len(l.blocks[at.block]) - at.row
	}
	return n
}

// up returns the rows from the first one that is reached.
func (l *list[R]) up(reached func(entry[R]) bool) iter.Seq[*R] {
	return merge([]*list[R]{l}, false, reached)
}

// down returns the rows before the first one that is reached, the last one first.
func (l *list[R]) down(reached func(entry[R]) bool) iter.Seq[*R] {
	return merge([]*list[R]{l}, true, reached)
}

// all returns all rows.
func (l *list[R]) all() iter.Seq[*R] { return l.up(everywhere[R]) }

// allDown returns all rows, the last one first.
func (l *list[R]) allDown() iter.Seq[*R] { return l.down(nowhere[R]) }

// The first row reaches everywhere, and no row reaches nowhere.
func everywhere[R any](entry[R]) bool { return true }
func nowhere[R any](entry[R]) bool    { return false }

// merge returns the rows of several lists of one order, as if they were one list: those from the
// first one that is reached or, downwards, those before it.
func merge[R any](lists []*list[R], downwards bool, reached func(entry[R]) bool) iter.Seq[*R] {
	return func(yield func(*R) bool) {
		var cursors []cursor[R]
		for _, l := range lists {
			c := cursor[R]{l, l.search(reached)}
			if downwards {
				c.back()
			}
			if c.onRow() {
				cursors = append(cursors, c)
			}
		}
		for len(cursors) > 0 {
			best := 0
			for i := 1; i < len(cursors); i++ {
				c := cursors[i].list.order.compare(cursors[i].row(), cursors[best].row())
				if c < 0 && !downwards || c > 0 && downwards {
					best = i
				}
			}
			visit(len(cursors))
			next := &cursors[best]
			if !yield(next.row()) {
				return
			}
			if downwards {
				next.back()
			} else {
				next.forth()
			}
			if !next.onRow() {
				cursors = slices.Delete(cursors, best, best+1)
			}
		}
	}
}

// A cursor stands on a row of a list, or outside of it.
type cursor[R any] struct {
	list *list[R]
	at   place
}

func (c *cursor[R]) onRow() bool {
	return c.at.block >= 0 && c.list.len() > 0 && c.at.block < len(c.list.blocks)
}

func (c *cursor[R]) row() *R { return c.list.blocks[c.at.block][c.at.row].row }

func (c *cursor[R]) back() {
	if c.at.row--; c.at.row < 0 {
		c.at.block--
		if c.onRow() {
			c.at.row = len(c.list.blocks[c.at.block]) - 1
		}
	}
}

func (c *cursor[R]) forth() {
	if c.at.row++; c.at.row == len(c.list.blocks[c.at.block]) {
		c.at = place{c.at.block + 1, 0}
	}
}

// visited counts the rows that are compared or returned. Only tests set it.
var visited func(rows int)

func visit(rows int) {
	if visited != nil {
		visited(rows)
	}
}
