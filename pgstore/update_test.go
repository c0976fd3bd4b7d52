package pgstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// An invitation that is not in the facts is new. It must not replace one that has its ID.
func TestUpdate_NewInvitationReplacesNone(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	sent := s.invite("bob@example.com")
	record := invitations.Record{Invitation: sent.Invitation}
	record.Email = "eve@example.com"
	put := func(q invitations.Query) error {
		return store.Update(s.ctx, q, func(invitations.Facts) (invitations.Changes, error) {
			return invitations.Changes{Invitations: []invitations.Record{record}}, nil
		})
	}
	err := put(invitations.Query{Organization: acme})
	require.Error(t, err)
	noDriver(t, err)
	got, err := s.svc.Invitation(s.ctx, invitations.User(ada), acme, record.ID)
	require.NoError(t, err)
	require.Equal(t, "bob@example.com", got.Email)
	err = put(invitations.Query{Organization: acme, Invitation: record.ID})
	require.NoError(t, err, "an invitation of the facts is replaced")
}
