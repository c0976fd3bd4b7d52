package invitations

import (
	"errors"
	"iter"
)

// A List is one page of a list.
type List[T any] struct {
	Items []T `json:"items"` // never nil
	// NextCursor asks for the next page. It is empty on the last page.
	NextCursor string `json:"next_cursor,omitempty"`
}

// pageLimit returns how long the pages are that a caller asked for.
func pageLimit(limit int) (int, error) {
	switch {
	case limit == 0:
		return defaultPage, nil
	case limit < 1 || limit > maxPage:
		return 0, invalid("limit", "is not between 1 and 100")
	}
	return limit, nil
}

// cut returns the page in what a store found, which was asked for one more than limit, and the
// cursor of the next page if there is one. The page is never nil, which would be null in JSON.
func cut[T any](found []T, limit int, cursor func(last T) string) (page []T, next string) {
	if len(found) > limit {
		found, next = found[:limit], cursor(found[limit-1])
	}
	return append([]T{}, found...), next
}

// pages returns an iterator over what get returns page by page, from a cursor on. It stops
// after the first error.
func pages[T any](first string, get func(cursor string) (page []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for cursor := first; ; {
			page, next, err := get(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range page {
				if !yield(v, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			cursor = next
		}
	}
}

// errForeignID: a store holds an id that did not come from the service, and that it would
// refuse.
var errForeignID = errors.New("invitations: the store has an id that is out of bounds")
