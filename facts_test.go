package invitations

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"
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
	fiveADay     = Quota{Limit: 5, Period: PeriodDay}

	bothKinds = []Kind{KindEmail, KindLink}
)

// allPermissions are the permissions of which the tests make roles.
var allPermissions = []Permission{
	PermissionInvitationCreate, PermissionInvitationResend, PermissionInvitationRevoke, PermissionInvitationList,
	PermissionMemberList, PermissionMemberAdd, PermissionMemberUpdate, PermissionMemberRemove, PermissionQuotaUpdate,
	PermissionOrganizationUse, PermissionOrganizationManage, PermissionBillingManage,
}

// atNoon returns the rules of the default policy.
func atNoon() rules { return rulesOf(DefaultPolicy()) }

// rulesOf returns the rules of a policy.
func rulesOf(policy *Policy) rules {
	return rules{policy: policy, limits: Limits{Pending: 10, Expiry: 7 * day}, maxExpiry: 30 * day, now: noon}
}

func memberOf(user string, role Role) Member {
	return Member{Organization: acme, UserID: user, Role: role, JoinedAt: noon.AddDate(-1, 0, 0)}
}

// staff returns five members, one for each role of the default policy.
func staff() map[string]Member {
	return map[string]Member{
		olga: memberOf(olga, RoleOwner),
		adam: memberOf(adam, RoleAdmin),
		dora: memberOf(dora, RoleDeveloper),
		bill: memberOf(bill, RoleBilling),
		vera: memberOf(vera, RoleViewer),
	}
}

// emailRecord returns Nina's invitation as a developer. Adam sent it an hour ago, for seven
// days.
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

// linkRecord returns the same invitation as a link for three people. Nobody has used it.
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

// changed returns a copy of record with a change.
func changed(record Record, change func(*Record)) Record {
	record = record.Clone()
	change(&record)
	return record
}

// inState returns record as a store keeps it if it is in state at noon.
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

// ended returns record as a change at noon ends it.
func ended(record Record, state State) Record {
	return changed(record, func(r *Record) { r.State, r.EndedAt, r.SweepAt = state, noon, time.Time{} })
}

// factsOf returns the facts about record, at version 9. All staff are members.
func factsOf(record Record) Facts {
	members := staff()
	f := Facts{
		Organization: acme, Version: 9, Invitation: &record,
		Members: members, Removals: map[string]int64{}, PendingByEmail: map[string]uuid.UUID{}, OwnerCount: 1,
	}
	if sender, ok := members[record.SentBy]; ok {
		f.Sender = &sender
	}
	return f
}

// noInvitation returns the facts if there is no invitation.
func noInvitation() Facts {
	f := factsOf(Record{})
	f.Invitation = nil
	return f
}

// withOwners returns the facts of an act on a member, if n owners are counted.
func withOwners(n int) Facts {
	f := noInvitation()
	f.OwnerCount = n
	return f
}

// withMember returns a copy of f in which m is a member.
func withMember(f Facts, m Member) Facts {
	f = cloneFacts(f)
	f.Members[m.UserID] = m
	if f.Invitation != nil && f.Invitation.SentBy == m.UserID {
		f.Sender = &m
	}
	return f
}

// withRole returns a copy of f in which user is a member with role.
func withRole(f Facts, user string, role Role) Facts { return withMember(f, memberOf(user, role)) }

// setRole changes the role of a member, and nothing else of them.
func setRole(f *Facts, user string, role Role) {
	m := f.Members[user]
	m.Role = role
	f.Members[user] = m
}

// eventOf returns the event of a change at noon after which the invitation is record.
func eventOf(event EventType, record Record, actor string) Event {
	return Event{
		Organization: acme, Type: event, At: noon, Actor: actor, InvitationID: record.ID, Email: record.Email,
		Role: record.Role, Quota: record.Quota, MaxUses: record.MaxUses, ExpiresAt: record.ExpiresAt,
		AllowedDomains: slices.Clone(record.AllowedDomains),
	}
}

// The acts on the invitation of the facts.

func resendBy(actor Actor) resending { return resending{actor, acme, invitedID, nextNonce, 0} }

func revokeBy(actor Actor) revocation { return revocation{actor, acme, invitedID} }

func editBy(actor Actor, e edit) editing { return editing{actor, acme, invitedID, e} }

// The acts on members whose parameters are longer.

func roleChangeBy(actor Actor, user string, role Role) roleChange {
	return roleChange{actor, ChangeRoleParams{acme, user, role}}
}

func transferBy(actor Actor, from, to string, role Role) transfer {
	return transfer{actor, TransferOwnershipParams{acme, from, to, role}}
}

// A lookupAct is [Service.Lookup] as an act.
type lookupAct struct{ claim claim }

func (a lookupAct) needs(rules) Query { return a.claim.needs() }

func (a lookupAct) decide(r rules, f Facts) (Record, Changes, error) {
	record, err := r.lookup(f, a.claim)
	return record, Changes{}, err
}

// A pendingTokenAct is [Service.PendingToken] as an act.
type pendingTokenAct struct{ actor Actor }

func (a pendingTokenAct) needs(rules) Query {
	return Query{Organization: acme, Invitation: invitedID, Sender: true, Members: a.actor.members()}
}

func (a pendingTokenAct) decide(r rules, f Facts) (Record, Changes, error) {
	record, err := r.reveal(f, a.actor)
	return record, Changes{}, err
}

// A sweepAct is [Service.Sweep] in one organization, as an act.
type sweepAct struct{}

// needs returns a query for pending records. [Store] gives a sweep nothing else.
func (sweepAct) needs(rules) Query { return Query{Organization: acme, PendingFor: ninasEmail} }

func (sweepAct) decide(r rules, f Facts) (Swept, Changes, error) {
	swept, changes := r.sweep(f)
	return swept, changes, nil
}

// decide returns the decision of an act on f. See decideLate for the checks.
func decide[T any](t require.TestingT, r rules, f Facts, a act[T]) (T, Changes, error) {
	return decideLate(t, r, a.needs(r), f, a)
}

// decideLate is decide if the store was asked for q, which may have been earlier. It fails the
// test unless
//   - the decision leaves its facts as they are,
//   - the decision is the same without the facts that q does not ask for, and with false ones
//     in their place: a decision that reads a fact must ask for it,
//   - a refusal comes without a result and without changes,
//   - changes come with events, and events with changes,
//   - no row occurs twice in the changes,
//   - a changed invitation or erased event is among the facts, or the invitation is new,
//   - the events of an invitation have its address.
func decideLate[T any](t require.TestingT, r rules, q Query, f Facts, a act[T]) (T, Changes, error) {
	// Some acts rely on the absence of a fact that they do not ask for, because nothing can be
	// there: an invitation if the caller made no ID, and the invitations of a person without an
	// address.
	switch a := any(a).(type) {
	case creation:
		q.Invitation = a.draft.ID
	case acceptance, receivedAcceptance, addition:
		q.PendingFor = ninasEmail
	}
	f = counted(q, f)
	r = r.in(f)
	before := cloneFacts(f)
	result, changes, err := a.decide(r, f)
	require.Equal(t, before, f, "the decision changed its facts")
	for _, other := range []struct {
		name  string
		facts Facts
	}{
		{"without the facts that it does not ask for", asked(q, before)},
		{"misled to permit", misled(r.now, q, before, true)},
		{"misled to refuse", misled(r.now, q, before, false)},
	} {
		otherResult, otherChanges, otherErr := a.decide(r, other.facts)
		require.Equal(t, err, otherErr, other.name)
		require.Equal(t, result, otherResult, other.name)
		require.Equal(t, changes, otherChanges, other.name)
	}

	if err != nil {
		require.Zero(t, result, "a result with the refusal %v", err)
		require.Zero(t, changes, "changes with the refusal %v", err)
	}
	withoutEvents := changes
	withoutEvents.Events = nil
	require.Equal(t, len(changes.Events) > 0, !withoutEvents.Empty(), "changes come with events, and events with changes")
	requireChangesFit(t, f, changes)
	return result, changes, err
}

// A quotaRow is the user ID of a quota, among rows of other kinds.
type quotaRow string

// requireChangesFit fails the test unless the changes can be written after f was read.
func requireChangesFit(t require.TestingT, f Facts, changes Changes) {
	known := map[uuid.UUID]bool{}
	if f.Invitation != nil {
		known[f.Invitation.ID] = true
	}
	for id := range f.Invitations {
		known[id] = true
	}
	for _, record := range slices.Concat(f.PendingRecords, f.TracedInvitations) {
		known[record.ID] = true
	}
	rows := map[any]bool{}
	once := func(row any) {
		require.False(t, rows[row], "%v occurs twice", row)
		rows[row] = true
	}
	for _, record := range changes.Invitations {
		once(record.ID)
		isNew := false
		for _, e := range changes.Events {
			if e.InvitationID == record.ID {
				isNew = isNew || e.Type == EventInvitationCreated
				require.Equal(t, record.Email, e.Email, "the address in %s", e.Type)
			}
		}
		require.NotEqual(t, known[record.ID], isNew, "a changed invitation is among the facts or is new")
	}
	for _, m := range changes.Members {
		once(m.UserID)
	}
	for _, user := range changes.RemovedMembers {
		once(user)
	}
	for _, q := range changes.Quotas {
		once(quotaRow(q.UserID))
	}
	positions := map[EventPosition]int64{}
	for _, e := range f.TracedEvents {
		positions[EventPosition{e.Version, e.Index}] = e.Position
	}
	for _, e := range changes.ErasedEvents {
		once(EventPosition{e.Version, e.Index})
		position, traced := positions[EventPosition{e.Version, e.Index}]
		require.True(t, traced, "an erased event is among the facts")
		require.Equal(t, position, e.Position)
	}
}

// counted returns a copy of f with counts up to those that q asks for, as every store counts.
func counted(q Query, f Facts) Facts {
	limits := f.Limits.Or(q.Limits)
	if q.CountPending {
		f.PendingCount = min(f.PendingCount, limits.Pending)
	}
	if q.CountSeats {
		f.SeatCount = min(f.SeatCount, max(0, limits.Members))
	}
	if q.CountReserved {
		f.ReservedCount = min(f.ReservedCount, max(0, limits.Members))
	}
	if q.OwnersUpTo > 0 {
		f.OwnerCount = min(f.OwnerCount, q.OwnersUpTo)
	}
	return f
}

// refusal returns the error of an act's decision on f.
func refusal[T any](t require.TestingT, r rules, f Facts, a act[T]) error {
	_, _, err := decide(t, r, f, a)
	return err
}

// cloneFacts returns a copy of f that shares no memory with it.
func cloneFacts(f Facts) Facts {
	if f.Invitation != nil {
		record := f.Invitation.Clone()
		f.Invitation = &record
	}
	if f.Sender != nil {
		sender := f.Sender.Clone()
		f.Sender = &sender
	}
	f.Members = maps.Clone(f.Members)
	for user, m := range f.Members {
		f.Members[user] = m.Clone()
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
	f.Limits = f.Limits.Clone()
	f.TracedInvitations = slices.Clone(f.TracedInvitations)
	for i, record := range f.TracedInvitations {
		f.TracedInvitations[i] = record.Clone()
	}
	f.TracedMembers = slices.Clone(f.TracedMembers)
	for i, m := range f.TracedMembers {
		f.TracedMembers[i] = m.Clone()
	}
	f.TracedEvents = slices.Clone(f.TracedEvents)
	for i, e := range f.TracedEvents {
		f.TracedEvents[i] = e.Clone()
	}
	return f
}

// asked returns a copy of f with only those facts that q asks for.
func asked(q Query, f Facts) Facts {
	f = cloneFacts(f)
	if q.Invitation == uuid.Nil {
		f.Invitation = nil
	}
	if !q.Sender {
		f.Sender = nil
	}
	maps.DeleteFunc(f.Invitations, func(id uuid.UUID, _ Record) bool { return !slices.Contains(q.Invitations, id) })
	maps.DeleteFunc(f.Members, func(user string, _ Member) bool { return !slices.Contains(q.Members, user) })
	maps.DeleteFunc(f.Removals, func(user string, _ int64) bool { return !asksRemoval(q, user) })
	maps.DeleteFunc(f.Quotas, func(user string, _ QuotaRecord) bool { return !asksQuota(q, user) })
	maps.DeleteFunc(f.PendingByEmail, func(email string, _ uuid.UUID) bool { return !asksEmail(q, f, email) })
	if q.PendingSentBy == "" && q.PendingFor == "" {
		f.PendingRecords = nil
	}
	f.Sendings = f.Sendings[:min(len(f.Sendings), q.SendingsUpTo)]
	for count, isAsked := range map[*int]bool{
		&f.PendingCount: q.CountPending, &f.SeatCount: q.CountSeats, &f.ReservedCount: q.CountReserved,
		&f.OwnerCount: q.OwnersUpTo > 0,
	} {
		if !isAsked {
			*count = 0
		}
	}
	if !q.Totals {
		f.Totals = Totals{}
	}
	f.Deleted = f.Deleted && q.AlsoDeleted
	f.TracedInvitations = f.TracedInvitations[:min(len(f.TracedInvitations), q.TracesUpTo)]
	f.TracedMembers = f.TracedMembers[:min(len(f.TracedMembers), q.TracesUpTo)]
	f.TracedEvents = f.TracedEvents[:min(len(f.TracedEvents), q.TracesUpTo)]
	return f
}

func asksRemoval(q Query, user string) bool { return q.Removals && slices.Contains(q.Members, user) }

func asksQuota(q Query, user string) bool {
	return q.Quotas && (user == "" || slices.Contains(q.Members, user))
}

func asksEmail(q Query, f Facts, email string) bool {
	same := q.SameEmail && f.Invitation != nil && f.Invitation.Email == email && email != ""
	return same || slices.Contains(q.Emails, email)
}

// misled returns a copy of f in which every fact that q does not ask for is false, so that a
// rule that reads it permits, or refuses, where it should not. There may be more owners than
// are counted, and older sendings than those asked for.
func misled(now time.Time, q Query, f Facts, permit bool) Facts {
	f = asked(q, f)
	users := []string{"", olga, adam, dora, bill, vera, nina, "mallory", "otto", "kim", "actor"}
	emails := append([]string{""}, worldEmails...)

	lie := uuid.UUID{0xff}
	invitation, role, version, count := lie, ghost, int64(math.MaxInt64), math.MaxInt32
	if permit {
		role, version, count = RoleOwner, math.MinInt64, math.MinInt32
		if f.Invitation != nil {
			invitation = f.Invitation.ID
		}
	}

	if q.Invitation == uuid.Nil {
		record := emailRecord()
		f.Invitation = &record
	}
	if !q.Sender {
		sender := memberOf(olga, role)
		f.Sender = &sender
	}
	putIn(&f.Invitations, lie, changed(emailRecord(), func(r *Record) { r.ID = lie }))
	for _, user := range users {
		if !slices.Contains(q.Members, user) {
			m := memberOf(user, role)
			m.InvitationID = invitation
			putIn(&f.Members, user, m)
		}
		if !asksRemoval(q, user) {
			putIn(&f.Removals, user, version)
		}
		if !asksQuota(q, user) {
			putIn(&f.Quotas, user, QuotaRecord{Organization: acme, UserID: user, Quota: fiveADay, Version: version})
		}
	}
	for _, email := range emails {
		if !asksEmail(q, f, email) {
			putIn(&f.PendingByEmail, email, invitation)
		}
	}
	if q.PendingSentBy == "" && q.PendingFor == "" {
		f.PendingRecords = []Record{changed(emailRecord(), func(r *Record) { r.ID = lie })}
	}

	at := now
	switch n := len(f.Sendings); {
	case n > 0 && n == q.SendingsUpTo:
		at = f.Sendings[n-1].At
	case q.SendingsUpTo > 0:
		at = q.SendingsAfter
	}
	for _, user := range users {
		for _, email := range emails {
			f.Sendings = append(f.Sendings, Sending{At: at, Actor: user, Email: email})
		}
	}

	for c, isAsked := range map[*int]bool{
		&f.PendingCount: q.CountPending, &f.SeatCount: q.CountSeats, &f.ReservedCount: q.CountReserved,
		&f.OwnerCount: q.OwnersUpTo > 0 && (permit || f.OwnerCount < q.OwnersUpTo),
	} {
		if !isAsked {
			*c = count
		}
	}
	if !q.Totals {
		f.Totals = Totals{count, count, count, count, count}
	}
	f.Deleted = f.Deleted || !q.AlsoDeleted
	if q.TracesUpTo == 0 {
		f.TracedInvitations = []Record{changed(emailRecord(), func(r *Record) { r.ID = lie })}
		f.TracedMembers = []Member{memberOf("mallory", role)}
		f.TracedEvents = []Event{eventOf(EventInvitationRevoked, emailRecord(), adam)}
	}
	return f
}

// putIn sets the value of a key in a map that may be nil.
func putIn[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}

// A new field of Facts must be added to asked and to misled.
func TestMisled(t *testing.T) {
	t.Parallel()
	for _, permit := range []bool{true, false} {
		f := misled(noon, Query{}, Facts{}, permit)
		misleading, strict := reflect.ValueOf(f), reflect.ValueOf(asked(Query{}, f))
		for i, field := range reflect.VisibleFields(misleading.Type()) {
			if slices.Contains([]string{"Organization", "Version", "Limits"}, field.Name) { // these need not be asked for
				continue
			}
			require.NotEmpty(t, misleading.Field(i).Interface(), "%s does not mislead", field.Name)
			require.Empty(t, strict.Field(i).Interface(), "%s was not asked for", field.Name)
		}
	}
}
