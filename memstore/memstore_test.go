package memstore_test

import (
	"testing"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/behaviour"
	"github.com/go-invitations/invitations/memstore"
	"github.com/go-invitations/invitations/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) invitations.Store {
		return memstore.New() // yours
	})
}

func TestBehaviour(t *testing.T) {
	behaviour.Run(t, func(t *testing.T) invitations.Store { return memstore.New() })
}
