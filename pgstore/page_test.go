package pgstore

import "testing"

func TestAppendRow_RoomFollowsTheRows(t *testing.T) {
	for _, limit := range []int{1, 20, 1000, 100_000} {
		var rows []record
		for n := 1; n <= min(limit, 300); n++ {
			appendRow(&rows, &record{}, limit)
			if len(rows) != n || cap(rows) > 16+5*n {
				t.Fatalf("%d of at most %d rows: length %d and room for %d", n, limit, len(rows), cap(rows))
			}
		}
	}
}
