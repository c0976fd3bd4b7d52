package invitations_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// A store may keep these values as JSON.
func TestJSON_StoredValuesSurvive(t *testing.T) {
	t.Parallel()
	at := utc(2026, 3, 1, 12, 0, 0, 123_456)
	id := uuid.MustParse("01957b2c-0000-7000-8000-000000000001")
	metadata := map[string]string{"<k>": "\u2028 v"}
	requireRoundTrip(t, invitations.Record{
		Invitation: invitations.Invitation{
			ID: id, Organization: "acme", Kind: invitations.KindLink, State: invitations.StateRevoked, Email: "a@example.com",
			Role: "viewer", Message: "Hi\n", Metadata: metadata, AllowedDomains: []string{"example.com"}, MaxUses: 3, Uses: 2,
			Quota: invitations.Quota{Limit: 1 << 50, Period: "month"}, CreatedBy: "ada", SentBy: "bob",
			CreatedAt: at, SentAt: at.Add(1000), ExpiresAt: at.Add(2000), EndedAt: at.Add(3000),
		},
		Nonce: invitations.NewNonce(), SentVersion: 1 << 60, SweepAt: at.Add(4000),
	})
	requireRoundTrip(t, invitations.Record{})
	requireRoundTrip(t, invitations.Member{
		Organization: "acme", UserID: "ada", Role: "owner", JoinedAt: at, InvitationID: id, InvitedBy: "bob", Metadata: metadata,
	})
	requireRoundTrip(t, invitations.Member{})
	requireRoundTrip(t, invitations.Event{
		Organization: "acme", Version: 7, Index: 1, Type: invitations.EventMemberJoined, At: at, Actor: "ada", Subject: "bob",
		InvitationID: id, Email: "a@example.com", Role: "viewer", Quota: invitations.Quota{Limit: 5, Period: "day"},
		MaxUses: 3, ExpiresAt: at.Add(5000), Reason: "because",
	})
	requireRoundTrip(t, invitations.Event{Position: 1 << 60, Organization: "acme", Version: 7, Index: 2, Type: "member.left", At: at})
	requireRoundTrip(t, invitations.Event{})
	requireRoundTrip(t, invitations.Sending{At: at, Actor: "ada", Email: "a@example.com"})
	requireRoundTrip(t, invitations.QuotaRecord{
		Organization: "acme", UserID: "ada", Quota: invitations.Quota{Limit: maxAmount, Period: "endless"}, Version: 7,
		PeriodStart: at, Used: maxAmount,
	})
	requireRoundTrip(t, invitations.QuotaRecord{})
	requireRoundTrip(t, invitations.Statistics{
		Total: invitations.Funnel{
			Created: 1, Pending: 2, Accepted: 3, Declined: 4, Revoked: 5, Expired: 6, Used: 7, Joined: 8, Median: 9, P90: 10,
		},
		BySender: []invitations.Funnel{{Key: "ada", Created: 1}},
	})
}

// The zero Quota is left out.
func TestJSON_Quota(t *testing.T) {
	t.Parallel()
	quota := invitations.Quota{Limit: 5, Period: invitations.PeriodDay}
	for want, value := range map[string]any{
		`{"organization":"acme","version":7,"index":0,"type":"quota.changed","at":"2026-03-01T12:00:00Z","actor":"ada","subject":"bob",
			"quota":{"limit":5,"period":"day"}}`: invitations.Event{
			Organization: "acme", Version: 7, Type: invitations.EventQuotaChanged, At: noon, Actor: "ada", Subject: "bob", Quota: quota,
		},
		`{"organization":"acme","version":7,"index":1,"type":"member.left","at":"2026-03-01T12:00:00Z","actor":"bob","subject":"bob",
			"role":"viewer"}`: invitations.Event{
			Organization: "acme", Version: 7, Index: 1, Type: invitations.EventMemberLeft, At: noon, Actor: "bob", Subject: "bob", Role: "viewer",
		},
		`{"id":"00000000-0000-0000-0000-000000000000","organization":"acme","kind":"link","state":"pending","role":"viewer","max_uses":0,"uses":0,
			"quota":{"limit":5,"period":"day"},
			"created_at":"2026-03-01T12:00:00Z","sent_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-01T12:00:00Z"}`: invitations.Invitation{
			Organization: "acme", Kind: invitations.KindLink, State: invitations.StatePending, Role: "viewer", Quota: quota,
			CreatedAt: noon, SentAt: noon, ExpiresAt: noon,
		},
		`{"id":"00000000-0000-0000-0000-000000000000","organization":"acme","kind":"link","state":"pending","role":"viewer","max_uses":0,"uses":0,
			"created_at":"2026-03-01T12:00:00Z","sent_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-01T12:00:00Z"}`: invitations.Invitation{
			Organization: "acme", Kind: invitations.KindLink, State: invitations.StatePending, Role: "viewer",
			CreatedAt: noon, SentAt: noon, ExpiresAt: noon,
		},
		`{"organization":"acme","user_id":"bob","limit":5,"period":"day","version":7,"period_start":"2026-03-01T12:00:00Z","used":2}`: invitations.QuotaRecord{
			Organization: "acme", UserID: "bob", Quota: quota, Version: 7, PeriodStart: noon, Used: 2,
		},
	} {
		requireJSON(t, want, value)
	}
}

func TestJSON_EventsAndLists(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("01957b2c-0000-7000-8000-000000000001")
	event := invitations.Event{
		Organization: "acme", Version: 7, Index: 1, Type: invitations.EventInvitationResent, At: noon, Actor: "ada", InvitationID: id,
		Email: "nina@example.com", Role: "viewer", MaxUses: 1, ExpiresAt: noon,
	}
	const eventText = `"organization":"acme","version":7,"index":1,"type":"invitation.resent","at":"2026-03-01T12:00:00Z","actor":"ada",
		"invitation_id":"01957b2c-0000-7000-8000-000000000001","email":"nina@example.com","role":"viewer","max_uses":1,"expires_at":"2026-03-01T12:00:00Z"`
	inFeed := event
	inFeed.Position = 9
	offered := invitations.Offer{
		ID: id, Organization: "acme", Kind: "email", Email: "nina@example.com", Role: "viewer", SentAt: noon, ExpiresAt: noon,
	}
	for want, value := range map[string]any{
		`{` + eventText + `}`:              event,
		`{"position":9,` + eventText + `}`: inFeed,
		`{"items":[{` + eventText + `}],"next_cursor":"abc"}`: invitations.List[invitations.Event]{
			Items: []invitations.Event{event}, NextCursor: "abc",
		},
		`{"items":[]}`: invitations.List[invitations.Event]{Items: []invitations.Event{}},
		`{"items":[{"id":"01957b2c-0000-7000-8000-000000000001","organization":"acme","kind":"email","email":"nina@example.com",
			"role":"viewer","sent_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-01T12:00:00Z"}],"next_cursor":"abc"}`: invitations.List[invitations.Offer]{
			Items: []invitations.Offer{offered}, NextCursor: "abc",
		},
		`{"items":[
			{"organization":"acme","user_id":"olga","role":"owner","joined_at":"2026-03-01T12:00:00Z"},
			{"organization":"acme","user_id":"dora","role":"viewer","joined_at":"2026-03-01T12:00:00Z",
				"invitation_id":"019531f0-0000-7000-8000-000000000001","invited_by":"olga","metadata":{"team":"red"}}
		],"next_cursor":"abc"}`: invitations.List[invitations.Member]{
			Items: []invitations.Member{
				{Organization: "acme", UserID: "olga", Role: "owner", JoinedAt: noon},
				{
					Organization: "acme", UserID: "dora", Role: "viewer", JoinedAt: noon, InvitationID: signedID, InvitedBy: "olga",
					Metadata: map[string]string{"team": "red"},
				},
			},
			NextCursor: "abc",
		},
	} {
		requireJSON(t, want, value)
	}
}

func TestJSON_Statistics(t *testing.T) {
	t.Parallel()
	const funnelText = `"created":4,"pending":1,"accepted":1,"declined":1,"revoked":1,"expired":0,"used":1,"joined":2,"median_ns":5,"p90_ns":9`
	total := invitations.Funnel{Created: 4, Pending: 1, Accepted: 1, Declined: 1, Revoked: 1, Used: 1, Joined: 2, Median: 5, P90: 9}
	group := total
	group.Key = "x"
	groups := []invitations.Funnel{group}
	requireJSON(t, `{"total":{"key":"",`+funnelText+`},"by_kind":[{"key":"x",`+funnelText+`}],"by_role":[{"key":"x",`+funnelText+`}],
		"by_sender":[{"key":"x",`+funnelText+`}],"by_link":[{"key":"x",`+funnelText+`}]}`, invitations.Statistics{
		Total: total, ByKind: groups, ByRole: groups, BySender: groups, ByLink: groups,
	})
}

func TestJSON_Workspaces(t *testing.T) {
	t.Parallel()
	list := invitations.WorkspaceList{
		Personal: invitations.Balance{Own: usage(7, invitations.PeriodEndless, 3, time.Time{})},
		Organizations: []invitations.OrganizationWorkspace{
			{ID: "acme", Role: "owner"},
			{ID: "bcme", Role: "viewer", Balance: invitations.Balance{Shared: usage(9, invitations.PeriodDay, 1, midnight(2026, 3, 2))}},
		},
		NextCursor: "abc",
	}
	requireJSON(t, `{
		"personal":{"own":{"limit":7,"period":"endless","used":3}},
		"organizations":[
			{"id":"acme","role":"owner","balance":{}},
			{"id":"bcme","role":"viewer","balance":{"shared":{"limit":9,"period":"day","used":1,"resets_at":"2026-03-02T00:00:00Z"}}}
		],
		"next_cursor":"abc"}`, list)
	requireRoundTrip(t, list)
}

func TestJSON_Balance(t *testing.T) {
	t.Parallel()
	for want, balance := range map[string]invitations.Balance{
		`{}`: {},
		`{"own":{"limit":5,"period":"day","used":2,"resets_at":"2026-03-02T00:00:00Z"}}`: {
			Own: usage(5, invitations.PeriodDay, 2, midnight(2026, 3, 2)),
		},
		`{"own":{"limit":0,"period":"month","used":0},"shared":{"limit":9,"period":"endless","used":9}}`: {
			Own:    usage(0, invitations.PeriodMonth, 0, time.Time{}),
			Shared: usage(9, invitations.PeriodEndless, 9, time.Time{}),
		},
	} {
		requireJSON(t, want, balance)
		requireRoundTrip(t, balance)
	}
}

func TestJSON_NextStep(t *testing.T) {
	t.Parallel()
	for want, next := range map[string]invitations.NextStep{
		`{"step":"stop"}`:                       {Step: invitations.StepStop, Reason: invitations.ErrExpired},
		`{"step":"open","organization":"acme"}`: {Step: invitations.StepOpen, Organization: "acme", Reason: invitations.ErrAlreadyMember},
		`{"step":"accept","offer":{"id":"019531f0-0000-7000-8000-000000000001","organization":"acme","kind":"email","email":"nina@example.com",
			"role":"developer","message":"Welcome!","sent_by":"olga","sent_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-08T12:00:00Z"}}`: {
			Step: invitations.StepAccept, Offer: offer,
		},
	} {
		requireJSON(t, want, next)
	}
}
