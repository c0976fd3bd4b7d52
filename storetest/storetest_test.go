package storetest

import (
	"context"
	"testing"
)

// TestRacesCatchANaiveStore is the negative control of the races: a store that reads,
// decides and then writes, as is common, fails every one of them.
func TestRacesCatchANaiveStore(t *testing.T) {
	t.Parallel()
	for _, r := range allRaces() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			err := r.run(context.Background(), newNaive())
			if err == nil {
				t.Fatal("the race does not tell a naive store from an atomic one")
			}
			t.Log(err)
		})
	}
}
