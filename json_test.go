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
			Quota: invitations.Quota{Limit: 1 << 50, Period: "month"}, CreatedBy: "ada", SentBy: "bob", CreatedAt: at, SentAt: at.Add(1000), ExpiresAt: at.Add(2000), EndedAt: at.Add(3000),
		},
		Nonce: [16]byte{7}, SentVersion: 1 << 60, SweepAt: at.Add(4000),
	})
	survives(t, invitations.Record{})
	survives(t, invitations.Member{
		Organization: "acme", UserID: "ada", Role: "owner", JoinedAt: at, InvitationID: id, InvitedBy: "bob", Metadata: metadata,
	})
	survives(t, invitations.Member{})
	survives(t, invitations.Event{
		Organization: "acme", Version: 7, Index: 1, Type: invitations.EventMemberJoined, At: at, Actor: "ada", Subject: "bob",
		InvitationID: id, Email: "a@example.com", Role: "viewer", Quota: invitations.Quota{Limit: 5, Period: "day"},
		MaxUses: 3, ExpiresAt: at.Add(5000), Reason: "because",
	})
	survives(t, invitations.Event{Position: 1 << 60, Organization: "acme", Version: 7, Index: 2, Type: "member.left", At: at})
	survives(t, invitations.Sending{At: at, Actor: "ada", Email: "a@example.com"})
	survives(t, invitations.Statistics{
		Total:    invitations.Funnel{"", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
		BySender: []invitations.Funnel{{Key: "ada", Created: 1}},
	})
	survives(t, invitations.Event{})
	survives(t, invitations.QuotaRecord{
		Organization: "acme", UserID: "ada", Quota: invitations.Quota{Limit: maxAmount, Period: "endless"}, Version: 7, PeriodStart: at, Used: maxAmount,
	})
	survives(t, invitations.QuotaRecord{})
}

// A quota is told where there is one, and nowhere else.
func TestQuota_JSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	quota := invitations.Quota{Limit: 5, Period: invitations.PeriodDay}
	for want, value := range map[string]any{
		`{"organization":"acme","version":7,"index":0,"type":"quota.changed","at":"2026-03-01T12:00:00Z","actor":"ada","subject":"bob",
			"quota":{"limit":5,"period":"day"}}`: invitations.Event{
			Organization: "acme", Version: 7, Type: invitations.EventQuotaChanged, At: at, Actor: "ada", Subject: "bob", Quota: quota,
		},
		`{"organization":"acme","version":7,"index":1,"type":"member.left","at":"2026-03-01T12:00:00Z","actor":"bob","subject":"bob","role":"viewer"}`: invitations.Event{
			Organization: "acme", Version: 7, Index: 1, Type: invitations.EventMemberLeft, At: at, Actor: "bob", Subject: "bob", Role: "viewer",
		},
		`{"id":"00000000-0000-0000-0000-000000000000","organization":"acme","kind":"link","state":"pending","role":"viewer","max_uses":0,"uses":0,
			"quota":{"limit":5,"period":"day"},
			"created_at":"2026-03-01T12:00:00Z","sent_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-01T12:00:00Z"}`: invitations.Invitation{
			Organization: "acme", Kind: invitations.KindLink, State: invitations.StatePending, Role: "viewer", Quota: quota,
			CreatedAt: at, SentAt: at, ExpiresAt: at,
		},
		`{"id":"00000000-0000-0000-0000-000000000000","organization":"acme","kind":"link","state":"pending","role":"viewer","max_uses":0,"uses":0,
			"created_at":"2026-03-01T12:00:00Z","sent_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-01T12:00:00Z"}`: invitations.Invitation{
			Organization: "acme", Kind: invitations.KindLink, State: invitations.StatePending, Role: "viewer",
			CreatedAt: at, SentAt: at, ExpiresAt: at,
		},
		`{"organization":"acme","user_id":"bob","limit":5,"period":"day","version":7,"period_start":"2026-03-01T12:00:00Z","used":2}`: invitations.QuotaRecord{
			Organization: "acme", UserID: "bob", Quota: quota, Version: 7, PeriodStart: at, Used: 2,
		},
	} {
		text, err := json.Marshal(value)
		require.NoError(t, err)
		require.JSONEq(t, want, string(text))
	}
}

// What is told of what happened, in the form that clients see.
func TestLifecycle_JSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	id := uuid.MustParse("01957b2c-0000-7000-8000-000000000001")
	event := invitations.Event{
		Organization: "acme", Version: 7, Index: 1, Type: invitations.EventInvitationResent, At: at, Actor: "ada", InvitationID: id,
		Email: "nina@example.com", Role: "viewer", MaxUses: 1, ExpiresAt: at,
	}
	const eventText = `"organization":"acme","version":7,"index":1,"type":"invitation.resent","at":"2026-03-01T12:00:00Z","actor":"ada",
		"invitation_id":"01957b2c-0000-7000-8000-000000000001","email":"nina@example.com","role":"viewer","max_uses":1,"expires_at":"2026-03-01T12:00:00Z"`
	const funnelText = `"created":4,"pending":1,"accepted":1,"declined":1,"revoked":1,"expired":0,"used":1,"joined":2,"median_ns":5,"p90_ns":9`
	funnel := invitations.Funnel{Created: 4, Pending: 1, Accepted: 1, Declined: 1, Revoked: 1, Used: 1, Joined: 2, Median: 5, P90: 9}
	group, fed := funnel, event
	group.Key, fed.Position = "x", 9
	of := []invitations.Funnel{group}
	for want, value := range map[string]any{
		`{` + eventText + `}`:                           event,
		`{"position":9,` + eventText + `}`:              fed,
		`{"items":[{` + eventText + `}],"next_cursor":"abc"}`: invitations.List[invitations.Event]{Items: []invitations.Event{event}, NextCursor: "abc"},
		`{"items":[]}`:                                 invitations.List[invitations.Event]{Items: []invitations.Event{}},
		`{"items":[{"id":"01957b2c-0000-7000-8000-000000000001","organization":"acme","kind":"email","email":"nina@example.com",
			"role":"viewer","sent_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-01T12:00:00Z"}],"next_cursor":"abc"}`: invitations.List[invitations.Offer]{
			Items: []invitations.Offer{{ID: id, Organization: "acme", Kind: "email", Email: "nina@example.com", Role: "viewer", SentAt: at, ExpiresAt: at}}, NextCursor: "abc",
		},
		`{"total":{"key":"",` + funnelText + `},"by_kind":[{"key":"x",` + funnelText + `}],"by_role":[{"key":"x",` + funnelText + `}],
			"by_sender":[{"key":"x",` + funnelText + `}],"by_link":[{"key":"x",` + funnelText + `}]}`: invitations.Statistics{
			Total: funnel, ByKind: of, ByRole: of, BySender: of, ByLink: of,
		},
	} {
		text, err := json.Marshal(value)
		require.NoError(t, err)
		require.JSONEq(t, want, string(text))
	}
}

func survives[T any](t *testing.T, v T) {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	var again T
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, v, again)
}
