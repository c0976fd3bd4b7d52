package pgstore

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAppendRow_RoomFollowsTheRows(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 20, 1000, 100_000} {
		var rows []record
		growths := 0
		for n := 1; n <= min(limit, 300); n++ {
			before := cap(rows)
			appendRow(&rows, &record{}, limit)
			if cap(rows) > before {
				growths++
			}
			require.Len(t, rows, n)
			require.LessOrEqual(t, cap(rows), 16+5*n, "the room of %d rows of at most %d", n, limit)
		}
		require.LessOrEqual(t, growths, 4, "with a limit of %d", limit)
	}
}
