package invitations_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// A store may keep what it is given as JSON: nothing is lost.
func TestValuesSurviveJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	id := uuid.MustParse("01957b2c-0000-7000-8000-000000000001")
	metadata := map[string]string{"<k>": "\u2028 v"}
	survives(t, invitations.Record{
		Invitation: invitations.Invitation{
			ID: id, Organization: "acme", Kind: invitations.KindLink, State: invitations.StateRevoked, Email: "a@example.com",
			Role: "viewer", Message: "Hi\n", Metadata: metadata, AllowedDomains: []string{"example.com"}, MaxUses: 3, Uses: 2,
			CreatedBy: "ada", SentBy: "bob", CreatedAt: at, SentAt: at.Add(1000), ExpiresAt: at.Add(2000), EndedAt: at.Add(3000),
		},
		Nonce: invitations.NewNonce(), SentVersion: 1 << 60,
	})
	survives(t, invitations.Record{})
	survives(t, invitations.Member{
		Organization: "acme", UserID: "ada", Role: "owner", JoinedAt: at, InvitationID: id, InvitedBy: "bob", Metadata: metadata,
	})
	survives(t, invitations.Member{})
	survives(t, invitations.Removal{Organization: "acme", UserID: "ada", Version: 7, At: at})
	survives(t, invitations.Event{
		Organization: "acme", Version: 7, Index: 1, Type: invitations.EventMemberJoined, At: at, Actor: "ada", Subject: "bob",
		InvitationID: id, Role: "viewer", Reason: "because",
	})
	survives(t, invitations.Event{})
}

func survives[T any](t *testing.T, v T) {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	var again T
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, v, again)
}
