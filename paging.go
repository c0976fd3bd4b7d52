package invitations

import (
	"errors"
	"iter"
)

// A List is one page of a list.
type List[T any] struct {
	Items      []T    `json:"items"`                 // never nil
	NextCursor string `json:"next_cursor,omitempty"` // asks for the next page; empty on the last
}

// pageLimit returns the number of items per page.
func pageLimit(limit int) (int, error) {
	switch {
	case limit == 0:
		return defaultPage, nil
	case limit < 1 || limit > maxPage:
		return 0, outOfRange("limit", 1, maxPage)
	}
	return limit, nil
}

// list returns the page in the items that a store found, which was asked for one more than
// limit.
func list[T any](found []T, limit int, cursor func(last T) string) List[T] {
	next := ""
	if len(found) > limit {
		found, next = found[:limit], cursor(found[limit-1])
	}
	return List[T]{Items: notNil(found), NextCursor: next}
}

// notNil returns a copy of items that is never nil, which would be null in JSON.
func notNil[T any](items []T) []T { return append([]T{}, items...) }

// all returns an iterator over the items of all pages from a cursor on. It stops after the
// first error.
func all[T any](cursor string, get func(cursor string) (List[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for cursor := cursor; ; {
			page, err := get(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if cursor = page.NextCursor; cursor == "" {
				return
			}
		}
	}
}

// errForeignID: the store has an ID that the service would refuse.
var errForeignID = errors.New("invitations: the store has an ID that is out of bounds")
