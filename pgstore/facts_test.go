package pgstore_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// The invitation of the facts stays as it is while later rows of the same result are read, and shares
// no memory with the pending ones.
func TestView_InvitationBesidePendingOnes(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	const adam = "adam"
	_, err := s.svc.AddMember(s.ctx, invitations.System(), invitations.AddMemberParams{
		Organization: acme, UserID: adam, Role: invitations.RoleAdmin,
	})
	require.NoError(t, err)
	sent, err := s.svc.Invite(s.ctx, invitations.User(ada), invitations.InviteParams{
		Organization: acme, Email: "bob@example.com", Role: "viewer", Metadata: map[string]string{"team": "blue"},
		ID: uuid.MustParse("019c0000-0000-7000-8000-000000000001"),
	})
	require.NoError(t, err)
	link, err := s.svc.CreateLink(s.ctx, invitations.User(adam), invitations.CreateLinkParams{
		Organization: acme, Role: "viewer", ID: uuid.MustParse("019c0000-0000-7000-8000-000000000002"), // before the other one
	})
	require.NoError(t, err)
	q := invitations.Query{
		Organization: acme, Invitation: link.ID, Sender: true, PendingFor: "bob@example.com", PendingAt: sent.CreatedAt,
	}
	f, err := store.View(s.ctx, q)
	require.NoError(t, err)
	require.Equal(t, link.ID, f.Invitation.ID)
	require.Equal(t, adam, f.Sender.UserID)
	require.Len(t, f.PendingRecords, 1)
	require.Equal(t, sent.ID, f.PendingRecords[0].ID)

	q.Invitation = sent.ID
	f, err = store.View(s.ctx, q)
	require.NoError(t, err)
	require.Equal(t, sent.ID, f.Invitation.ID)
	f.Invitation.Metadata["team"] = "red"
	require.Equal(t, "blue", f.PendingRecords[0].Metadata["team"])
}
