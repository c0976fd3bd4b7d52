package storetest

import (
	"context"
	"testing"
)

// TestRaces_FailOnANaiveStore is the negative control of the races: a store that reads, decides
// and then writes fails each of them.
func TestRaces_FailOnANaiveStore(t *testing.T) {
	t.Parallel()
	for _, r := range races {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			const most = 1000 // the first failure ends the race
			n, err := r.run(context.Background(), newNaive(), func(n int) bool { return n < most })
			if err == nil {
				t.Fatalf("%d rounds do not tell a naive store from an atomic one", n)
			}
			t.Logf("round %d: %v", n, err)
		})
	}
}
