package invitations

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// The cast. Everything happens in one organization, at noon.
const (
	acme = "acme"
	olga = "olga" // owner
	adam = "adam" // admin
	dora = "dora" // developer
	bill = "bill" // billing
	vera = "vera" // viewer
	nina = "nina" // not a member

	ninasEmail = "nina@example.com"

	ghost Role = "ghost" // in no policy
)

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

	invitedID = uuid.MustParse("019531f0-0000-7000-8000-000000000001")
	otherID   = uuid.MustParse("019531f0-0000-7000-8000-000000000002")
	sentNonce = [16]byte{1, 2, 3}
	nextNonce = [16]byte{9, 8, 7}
	token     = claim{acme, invitedID, sentNonce}

	verifiedNina = Identity{UserID: nina, Email: ninasEmail, EmailVerified: true}
)

// allPermissions is what the roles of the tests are made of.
var allPermissions = []Permission{
	PermissionInvitationCreate, PermissionInvitationResend, PermissionInvitationRevoke, PermissionInvitationList,
	PermissionMemberList, PermissionMemberUpdate, PermissionMemberRemove, PermissionQuotaUpdate,
	PermissionOrganizationUse, PermissionOrganizationManage, PermissionBillingManage,
}

// atNoon is the default policy and limit.
func atNoon() rules {
	return rules{policy: DefaultPolicy(), pendingLimit: 10, maxExpiry: 30 * 24 * time.Hour, now: noon}
}

func memberOf(user string, role Role) Member {
	return Member{Organization: acme, UserID: user, Role: role, JoinedAt: noon.AddDate(-1, 0, 0)}
}

// staff returns the five members that have one role of the default policy each.
func staff() map[string]Member {
	return map[string]Member{
		olga: memberOf(olga, RoleOwner),
		adam: memberOf(adam, RoleAdmin),
		dora: memberOf(dora, RoleDeveloper),
		bill: memberOf(bill, RoleBilling),
		vera: memberOf(vera, RoleViewer),
	}
}

// emailRecord is an invitation of Nina as a developer, that Adam created an hour ago and
// that has six days and 23 hours to live.
func emailRecord() Record {
	sent := noon.Add(-time.Hour)
	return Record{
		Invitation: Invitation{
			ID: invitedID, Organization: acme, Kind: KindEmail, State: StatePending,
			Email: ninasEmail, Role: RoleDeveloper, Message: "Welcome!", Metadata: map[string]string{"team": "red"},
			MaxUses: 1, CreatedBy: adam, SentBy: adam,
			CreatedAt: sent, SentAt: sent, ExpiresAt: sent.Add(7 * day),
		},
		Nonce:       sentNonce,
		SentVersion: 4,
		SweepAt:     sent.Add(7 * day),
	}
}

// linkRecord is the same as a link for three, of whom nobody has joined.
func linkRecord() Record {
	link := emailRecord()
	link.Kind, link.Email, link.MaxUses = KindLink, "", 3
	return link
}

func recordOf(kind Kind) Record {
	if kind == KindLink {
		return linkRecord()
	}
	return emailRecord()
}

// inState returns record as it is stored when it is in state at noon.
func inState(record Record, state State) Record {
	switch state {
	case StatePending:
	case StateExpired:
		record.ExpiresAt, record.SweepAt = noon, noon
	case StateAccepted:
		record.State, record.EndedAt, record.Uses, record.SweepAt = state, noon.Add(-time.Minute), record.MaxUses, time.Time{}
	default:
		record.State, record.EndedAt, record.SweepAt = state, noon.Add(-time.Minute), time.Time{}
	}
	return record
}

// factsOf are the facts about record when its sender and all staff are still there. They
// are at version 9.
func factsOf(record Record) Facts {
	members := staff()
	f := Facts{
		Organization: acme, Version: 9, Invitation: &record,
		Members: members, Removals: map[string]int64{}, PendingByEmail: map[string]uuid.UUID{},
	}
	if sender, ok := members[record.SentBy]; ok {
		f.Sender = &sender
	}
	return f
}

// noInvitation are the facts when nothing is invited.
func noInvitation() Facts {
	f := factsOf(Record{})
	f.Invitation = nil
	return f
}

// eventOf is what is told at noon of an invitation that is record after the change.
func eventOf(what EventType, record Record, actor string) Event {
	e := Event{
		Organization: acme, Type: what, At: noon, Actor: actor, InvitationID: record.ID,
		Role: record.Role, Quota: record.Quota, MaxUses: record.MaxUses, ExpiresAt: record.ExpiresAt,
	}
	if what == EventInvitationCreated || what == EventInvitationResent {
		e.Email = record.Email
	}
	return e
}

// cloneFacts returns a copy of f that shares no memory with it.
func cloneFacts(f Facts) Facts {
	if f.Invitation != nil {
		record := f.Invitation.Clone()
		f.Invitation = &record
	}
	if f.Sender != nil {
		sender := f.Sender.clone()
		f.Sender = &sender
	}
	f.Members = maps.Clone(f.Members)
	for user, m := range f.Members {
		f.Members[user] = m.clone()
	}
	f.Removals = maps.Clone(f.Removals)
	f.PendingByEmail = maps.Clone(f.PendingByEmail)
	f.Sendings = slices.Clone(f.Sendings)
	f.Invitations = maps.Clone(f.Invitations)
	for id, record := range f.Invitations {
		f.Invitations[id] = record.Clone()
	}
	f.PendingRecords = slices.Clone(f.PendingRecords)
	for i, record := range f.PendingRecords {
		f.PendingRecords[i] = record.Clone()
	}
	f.Quotas = maps.Clone(f.Quotas)
	return f
}

// decided runs a decision as a store might: twice, on facts that are equal but not the
// same. It fails the test unless both answers are equal, the facts are as before, and a
// refusal comes with no changes and no result.
func decided[T any](t require.TestingT, f Facts, decide func(Facts) (T, Changes, error)) (T, Changes, error) {
	again := cloneFacts(f)
	untouched := cloneFacts(f)
	result, changes, err := decide(f)
	require.Equal(t, untouched, f, "the decision changed its facts")
	result2, changes2, err2 := decide(again)
	require.Equal(t, result, result2, "two runs, two results")
	require.Equal(t, changes, changes2, "two runs, two changes")
	require.Equal(t, err, err2, "two runs, two errors")
	if err != nil {
		require.Zero(t, result, "a result beside %v", err)
		require.Zero(t, changes, "changes beside %v", err)
	}
	untold := changes
	untold.Events = nil
	require.Equal(t, len(changes.Events) > 0, !untold.Empty(), "changes and events come together")
	known := map[uuid.UUID]bool{}
	if f.Invitation != nil {
		known[f.Invitation.ID] = true
	}
	for id := range f.Invitations {
		known[id] = true
	}
	for _, r := range f.PendingRecords {
		known[r.ID] = true
	}
	for _, r := range changes.Invitations {
		made := func(e Event) bool { return e.Type == EventInvitationCreated && e.InvitationID == r.ID }
		require.NotEqual(t, known[r.ID], slices.ContainsFunc(changes.Events, made), "what is changed is a fact, or new")
	}
	return result, changes, err
}

// changed returns a copy of record with a change.
func changed(record Record, change func(*Record)) Record {
	record = record.Clone()
	change(&record)
	return record
}
