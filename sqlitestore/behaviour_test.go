package sqlitestore

import (
	"testing"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/behaviour"
)

// The library's own stories run on every store of its repository. Leave this file out of a copy:
// other modules cannot import internal packages, and TestStore is enough for a store.
func TestBehaviour(t *testing.T) {
	t.Parallel()
	behaviour.Run(t, newStore)
}

func TestBehaviourInHostTransaction(t *testing.T) {
	t.Parallel()
	behaviour.Run(t, func(t *testing.T) invitations.Store { return newHostTx(t) })
}
