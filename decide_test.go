package invitations

import (
	"errors"
	"maps"
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
	sentNonce = Nonce{1, 2, 3}
	newNonce  = Nonce{9, 8, 7}
	token     = claim{invitedID, sentNonce}

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
		record.ExpiresAt = noon
	case StateAccepted:
		record.State, record.EndedAt, record.Uses = state, noon.Add(-time.Minute), record.MaxUses
	default:
		record.State, record.EndedAt = state, noon.Add(-time.Minute)
	}
	return record
}

// factsOf are the facts about record when its sender and all staff are still there. They
// are at version 9.
func factsOf(record Record) Facts {
	members := staff()
	f := Facts{
		Organization: acme, Version: 9, Invitation: &record,
		Members: members, Removals: map[string]Removal{}, Pending: map[string]uuid.UUID{},
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
	f.Pending = maps.Clone(f.Pending)
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
	require.NotEqual(t, len(changes.Events) == 0, len(changes.Invitations)+len(changes.Members) > 0,
		"changes and events come together")
	return result, changes, err
}

// Each operation on one invitation, performed by those who may. The state is what the
// invitation is in afterwards.
var operations = map[string]func(t require.TestingT, r rules, f Facts) (State, Changes, error){
	"look": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		record, changes, err := decided(t, f, func(f Facts) (Record, Changes, error) {
			record, err := r.look(f, token)
			return record, Changes{}, err
		})
		return record.State, changes, err
	},
	"reveal": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		record, changes, err := decided(t, f, func(f Facts) (Record, Changes, error) {
			record, err := r.reveal(f, User(adam))
			return record, Changes{}, err
		})
		return record.State, changes, err
	},
	"accept": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		_, changes, err := decided(t, f, func(f Facts) (Member, Changes, error) { return r.accept(f, token, verifiedNina) })
		return stateIn(changes), changes, err
	},
	"decline": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		_, changes, err := decided(t, f, func(f Facts) (Record, Changes, error) { return r.decline(f, token) })
		return stateIn(changes), changes, err
	},
	"revoke": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		_, changes, err := decided(t, f, func(f Facts) (Record, Changes, error) { return r.revoke(f, User(adam)) })
		return stateIn(changes), changes, err
	},
	"resend": func(t require.TestingT, r rules, f Facts) (State, Changes, error) {
		_, changes, err := decided(t, f, func(f Facts) (Record, Changes, error) {
			return r.resend(f, User(adam), newNonce, 0)
		})
		return stateIn(changes), changes, err
	},
}

func stateIn(c Changes) State {
	if len(c.Invitations) == 0 {
		return ""
	}
	return c.Invitations[0].State
}

// life is the whole table of states and operations: the state that follows, or the refusal.
var life = []struct {
	kind                                          Kind
	operation                                     string
	pending, expired, accepted, declined, revoked any
}{
	{KindEmail, "look", StatePending, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "reveal", StatePending, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "accept", StateAccepted, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "decline", StateDeclined, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "revoke", StateRevoked, ErrExpired, ErrAccepted, ErrDeclined, ErrRevoked},
	{KindEmail, "resend", StatePending, StatePending, ErrAccepted, ErrDeclined, ErrRevoked},

	{KindLink, "look", StatePending, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "reveal", StatePending, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "accept", StatePending, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "decline", ErrInvalid, ErrInvalid, ErrInvalid, ErrInvalid, ErrInvalid},
	{KindLink, "revoke", StateRevoked, ErrExpired, ErrExhausted, ErrDeclined, ErrRevoked},
	{KindLink, "resend", StatePending, StatePending, ErrExhausted, ErrDeclined, ErrRevoked},
}

func TestLife(t *testing.T) {
	t.Parallel()
	require.Len(t, life, 2*len(operations), "a row for every kind and operation")
	for _, row := range life {
		for state, want := range map[State]any{
			StatePending: row.pending, StateExpired: row.expired, StateAccepted: row.accepted,
			StateDeclined: row.declined, StateRevoked: row.revoked,
		} {
			t.Run(string(row.kind)+"/"+row.operation+"/"+string(state), func(t *testing.T) {
				t.Parallel()
				before := inState(recordOf(row.kind), state)
				after, changes, err := operations[row.operation](t, atNoon(), factsOf(before))
				refusal, refused := want.(error)
				if !refused {
					require.NoError(t, err)
					require.Equal(t, want, after)
					return
				}
				require.ErrorIs(t, err, refusal)
				require.True(t, changes.Empty())
				if refusal != ErrInvalid {
					require.ErrorIs(t, err, ErrNotPending, "the coarse error fits as well")
				}
			})
		}
	}
}

// An invitation is expired from the very instant that it names.
func TestClass24_ExpiryToTheMicrosecond(t *testing.T) {
	t.Parallel()
	for operation, perform := range operations {
		for _, kind := range []Kind{KindEmail, KindLink} {
			if operation == "resend" || operation == "decline" && kind == KindLink {
				continue // has no end by expiry
			}
			t.Run(operation+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				f := factsOf(recordOf(kind))
				r := atNoon()
				r.now = f.Invitation.ExpiresAt.Add(-time.Microsecond)
				_, _, err := perform(t, r, f)
				require.NoError(t, err, "a microsecond before")
				r.now = f.Invitation.ExpiresAt
				_, _, err = perform(t, r, f)
				require.Equal(t, ErrExpired, err, "at the instant")
				r.now = f.Invitation.ExpiresAt.Add(time.Microsecond)
				_, _, err = perform(t, r, f)
				require.Equal(t, ErrExpired, err, "a microsecond later")
			})
		}
	}
}

// A stored state that this version does not know opens nothing.
func TestLife_UnknownState(t *testing.T) {
	t.Parallel()
	for operation, perform := range operations {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			f := factsOf(emailRecord())
			f.Invitation.State = "suspended"
			_, _, err := perform(t, atNoon(), f)
			require.ErrorIs(t, err, ErrNotPending)
		})
	}
}

func TestFound(t *testing.T) {
	t.Parallel()
	founder := Member{Organization: acme, UserID: olga, Role: RoleOwner, JoinedAt: noon.Add(-day)}
	invitedOwner := founder
	invitedOwner.InvitationID = invitedID
	demoted := founder
	demoted.Role = RoleAdmin
	existing := func(m ...Member) Facts {
		f := Facts{Organization: acme, Version: 3, Members: map[string]Member{}}
		for _, m := range m {
			f.Members[m.UserID] = m
		}
		return f
	}
	for name, c := range map[string]struct {
		facts Facts
		want  any // the membership, or the refusal
	}{
		"a new one":                         {Facts{Organization: acme}, Member{Organization: acme, UserID: olga, Role: RoleOwner, JoinedAt: noon}},
		"the same call again":               {existing(founder), founder},
		"of somebody else":                  {existing(), ErrConflict},
		"an owner who came in later":        {existing(invitedOwner), ErrConflict},
		"a founder who is an owner no more": {existing(demoted), ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, changes, err := decided(t, c.facts, func(f Facts) (Member, Changes, error) {
				return atNoon().establish(f, acme, olga)
			})
			if refusal, ok := c.want.(error); ok {
				require.Equal(t, refusal, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, m)
			if c.facts.Version > 0 {
				require.Zero(t, changes, "a repetition changes nothing")
				return
			}
			require.Equal(t, Changes{
				Members: []Member{m},
				Events: []Event{{
					Organization: acme, Type: EventMemberJoined, At: noon, Actor: olga, Subject: olga, Role: RoleOwner,
				}},
			}, changes)
		})
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for name, actor := range map[string]Actor{"by a member": User(olga), "by the host": System()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			record, changes, err := decided(t, factsOf(emailRecord()), func(f Facts) (Record, Changes, error) {
				return atNoon().revoke(f, actor)
			})
			require.NoError(t, err)
			want := emailRecord()
			want.State, want.EndedAt = StateRevoked, noon
			require.Equal(t, want, record)
			require.Equal(t, Changes{
				Invitations: []Record{want},
				Events: []Event{{
					Organization: acme, Type: EventInvitationRevoked, At: noon, Actor: actor.user,
					InvitationID: invitedID, Role: RoleDeveloper,
				}},
			}, changes)
		})
	}
}

// Revoking gives nothing, so it needs no more than its permission: an admin can take back
// what an owner has offered.
func TestRevoke_HigherRole(t *testing.T) {
	t.Parallel()
	f := factsOf(emailRecord())
	f.Invitation.Role = RoleOwner
	_, _, err := atNoon().revoke(f, User(adam))
	require.NoError(t, err)
}

func TestResend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state    State
		kind     Kind
		actor    Actor
		lifetime time.Duration
		expires  time.Time
	}{
		"pending, as long as before": {StatePending, KindEmail, User(olga), 0, noon.Add(7 * day)},
		"pending, by the sender":     {StatePending, KindEmail, User(adam), 0, noon.Add(7 * day)},
		"pending, shorter":           {StatePending, KindEmail, User(olga), 2 * day, noon.Add(2 * day)},
		"pending link, by the host":  {StatePending, KindLink, System(), 30 * day, noon.Add(30 * day)},
		"expired, with a lifetime":   {StateExpired, KindEmail, User(olga), 3 * day, noon.Add(3 * day)},
		"expired link":               {StateExpired, KindLink, User(olga), 3 * day, noon.Add(3 * day)},
		// An expired fixture had exactly an hour to live.
		"expired, as long as before": {StateExpired, KindEmail, User(olga), 0, noon.Add(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := inState(recordOf(c.kind), c.state)
			record, changes, err := decided(t, factsOf(before), func(f Facts) (Record, Changes, error) {
				return atNoon().resend(f, c.actor, newNonce, c.lifetime)
			})
			require.NoError(t, err)
			want := before
			want.Nonce, want.SentVersion = newNonce, 10
			want.SentBy, want.SentAt, want.ExpiresAt = c.actor.user, noon, c.expires
			require.Equal(t, want, record)
			require.Equal(t, Changes{
				Invitations: []Record{want},
				Events: []Event{{
					Organization: acme, Type: EventInvitationResent, At: noon, Actor: c.actor.user,
					InvitationID: invitedID, Role: RoleDeveloper,
				}},
			}, changes)
		})
	}
}

// A lifetime that nobody asks for is the one of before, within the bounds of today.
func TestResend_LifetimeOfBefore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ least, greatest, want time.Duration }{
		"within the bounds":     {day, 30 * day, 7 * day},
		"the greatest has sunk": {day, 3 * day, 3 * day},
		"the least has risen":   {14 * day, 30 * day, 14 * day},
		"exactly the least":     {7 * day, 30 * day, 7 * day},
		"exactly the greatest":  {day, 7 * day, 7 * day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := atNoon()
			r.minExpiry, r.maxExpiry = c.least, c.greatest
			record, _, err := decided(t, factsOf(emailRecord()), func(f Facts) (Record, Changes, error) {
				return r.resend(f, User(adam), newNonce, 0)
			})
			require.NoError(t, err)
			require.Equal(t, noon.Add(c.want), record.ExpiresAt)
		})
	}
}

// An expired invitation takes a place again, and is refused like a new one. A pending one
// has its place.
func TestResend_TakesPlace(t *testing.T) {
	t.Parallel()
	taken := map[string]uuid.UUID{ninasEmail: otherID}
	for name, c := range map[string]struct {
		state   State
		kind    Kind
		count   int
		pending map[string]uuid.UUID
		want    error
	}{
		"expired, a place is left":                  {StateExpired, KindEmail, 9, nil, nil},
		"expired, at the limit":                     {StateExpired, KindEmail, 10, nil, ErrPendingLimit},
		"expired link, at the limit":                {StateExpired, KindLink, 10, nil, ErrPendingLimit},
		"expired, a newer one for the same address": {StateExpired, KindEmail, 0, taken, &AlreadyInvitedError{InvitationID: otherID}},
		// It was pending when the facts were asked for, and is not when they are decided
		// on.
		"expired, nothing pending but itself": {StateExpired, KindEmail, 1, map[string]uuid.UUID{ninasEmail: invitedID}, nil},
		"pending, at the limit":               {StatePending, KindEmail, 10, map[string]uuid.UUID{ninasEmail: invitedID}, nil},
		"pending link, at the limit":          {StatePending, KindLink, 10, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(inState(recordOf(c.kind), c.state))
			f.PendingCount, f.Pending = c.count, c.pending
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
				return atNoon().resend(f, User(adam), newNonce, 0)
			})
			require.Equal(t, c.want, err)
		})
	}
}

// After a resend the token of before is worth nothing, for nobody and nothing.
func TestClass26_ResendKillsTheOldToken(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindEmail, KindLink} {
		resent, _, err := atNoon().resend(factsOf(recordOf(kind)), User(olga), newNonce, 0)
		require.NoError(t, err)
		for _, operation := range []string{"look", "accept", "decline"} {
			_, _, err := operations[operation](t, atNoon(), factsOf(resent))
			require.Equal(t, ErrInvalidToken, err, "%s %s", operation, kind)
		}
		_, err = atNoon().look(factsOf(resent), claim{invitedID, newNonce})
		require.NoError(t, err)
	}
}

// What the row keeps decides, not what the token says: whatever is revoked stays so.
func TestClass25_RevokedIsRevoked(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindEmail, KindLink} {
		revoked, _, err := atNoon().revoke(factsOf(recordOf(kind)), User(olga))
		require.NoError(t, err)
		for _, operation := range []string{"look", "accept", "resend", "revoke", "reveal"} {
			_, _, err := operations[operation](t, atNoon(), factsOf(revoked))
			require.Equal(t, ErrRevoked, err, "%s %s", operation, kind)
		}
	}
}

// Tokens that do not open the invitation are all refused in the same way.
func TestOpens(t *testing.T) {
	t.Parallel()
	unset := emailRecord()
	unset.Nonce = Nonce{}
	elsewhere := emailRecord()
	elsewhere.ID = otherID
	for name, c := range map[string]struct {
		facts Facts
		claim claim
	}{
		"no organization answers":    {Facts{}, token},
		"no invitation":              {noInvitation(), token},
		"another nonce":              {factsOf(emailRecord()), claim{invitedID, newNonce}},
		"another id":                 {factsOf(elsewhere), token},
		"Class20: no nonce":          {factsOf(emailRecord()), claim{invitedID, Nonce{}}},
		"Class20: no nonce, twice":   {factsOf(unset), claim{invitedID, Nonce{}}},
		"Class20: the row has none":  {factsOf(unset), token},
		"Class20: nothing at all":    {factsOf(Record{}), claim{}},
		"the last byte is different": {factsOf(emailRecord()), claim{invitedID, Nonce{1, 2, 3, 15: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := atNoon().look(c.facts, c.claim)
			require.Equal(t, ErrInvalidToken, err)
			_, _, err = decided(t, c.facts, func(f Facts) (Member, Changes, error) {
				return atNoon().accept(f, c.claim, verifiedNina)
			})
			require.Equal(t, ErrInvalidToken, err)
			_, _, err = decided(t, c.facts, func(f Facts) (Record, Changes, error) {
				return atNoon().decline(f, c.claim)
			})
			require.Equal(t, ErrInvalidToken, err)
		})
	}
}

func TestDecline(t *testing.T) {
	t.Parallel()
	want := emailRecord()
	want.State, want.EndedAt = StateDeclined, noon
	record, changes, err := decided(t, factsOf(emailRecord()), func(f Facts) (Record, Changes, error) {
		return atNoon().decline(f, token)
	})
	require.NoError(t, err)
	require.Equal(t, want, record)
	require.Equal(t, Changes{
		Invitations: []Record{want},
		Events: []Event{{
			Organization: acme, Type: EventInvitationDeclined, At: noon,
			InvitationID: invitedID, Role: RoleDeveloper,
		}},
	}, changes)
}

// Saying no needs nobody's authority.
func TestDecline_SenderGone(t *testing.T) {
	t.Parallel()
	f := factsOf(emailRecord())
	f.Sender = nil
	_, _, err := atNoon().decline(f, token)
	require.NoError(t, err)
}

func TestDecline_Link(t *testing.T) {
	t.Parallel()
	_, _, err := atNoon().decline(factsOf(linkRecord()), token)
	var refused *InvalidError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "token", refused.Field)
	require.NotEmpty(t, refused.Reason)
}

// What the table of states leaves open: who may ask, in which order it is refused.
func TestTouch(t *testing.T) {
	t.Parallel()
	for operation, perform := range map[string]func(require.TestingT, Facts, Actor) error{
		"resend": func(t require.TestingT, f Facts, a Actor) error {
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
				return atNoon().resend(f, a, newNonce, 0)
			})
			return err
		},
		"revoke": func(t require.TestingT, f Facts, a Actor) error {
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) { return atNoon().revoke(f, a) })
			return err
		},
		"reveal": func(_ require.TestingT, f Facts, a Actor) error {
			_, err := atNoon().reveal(f, a)
			return err
		},
		"get": func(_ require.TestingT, f Facts, a Actor) error {
			_, err := atNoon().reach(f, a, PermissionInvitationList)
			return err
		},
	} {
		for name, c := range map[string]struct {
			facts Facts
			actor Actor
			want  error
		}{
			"owner":                                 {factsOf(emailRecord()), User(olga), nil},
			"admin":                                 {factsOf(emailRecord()), User(adam), nil},
			"the host":                              {factsOf(emailRecord()), System(), nil},
			"developer":                             {factsOf(emailRecord()), User(dora), ErrPermissionDenied},
			"billing":                               {factsOf(emailRecord()), User(bill), ErrPermissionDenied},
			"viewer":                                {factsOf(emailRecord()), User(vera), ErrPermissionDenied},
			"not a member":                          {factsOf(emailRecord()), User(nina), ErrPermissionDenied},
			"nobody":                                {factsOf(emailRecord()), Actor{}, ErrPermissionDenied},
			"no such invitation":                    {noInvitation(), User(olga), ErrNotFound},
			"no such invitation, for the host":      {noInvitation(), System(), ErrNotFound},
			"no such invitation, for a viewer":      {noInvitation(), User(vera), ErrPermissionDenied},
			"no such invitation, for a stranger":    {noInvitation(), User(nina), ErrPermissionDenied},
			"no such organization, for a stranger":  {Facts{}, User(nina), ErrPermissionDenied},
			"no such organization, even the host":   {Facts{}, System(), ErrNotFound},
			"no right, and no state to do it in":    {factsOf(inState(emailRecord(), StateRevoked)), User(vera), ErrPermissionDenied},
			"a role that the policy does not know":  {withRole(factsOf(emailRecord()), adam, ghost), User(adam), ErrPermissionDenied},
			"a membership of somebody else's facts": {withRole(factsOf(emailRecord()), nina, RoleViewer), User(nina), ErrPermissionDenied},
		} {
			t.Run(operation+"/"+name, func(t *testing.T) {
				require.Equal(t, c.want, perform(t, c.facts, c.actor))
			})
		}
	}
}

func withRole(f Facts, user string, role Role) Facts {
	f = cloneFacts(f)
	f.Members[user] = memberOf(user, role)
	if f.Invitation != nil && f.Invitation.SentBy == user {
		sender := f.Members[user]
		f.Sender = &sender
	}
	return f
}

// holdsAllOf is the grant rule in the words of the policy alone.
func holdsAllOf(p *Policy, actor, granted Role) bool {
	for _, permission := range allPermissions {
		if p.Allows(granted, permission) && !p.Allows(actor, permission) {
			return false
		}
	}
	return p.Has(actor) && p.Has(granted)
}

// The whole matrix of the actor's role and the role in question, on every path that hands
// out a role: nobody gives what they do not hold, on none of them.
func TestClass10_NobodyGivesWhatTheyDoNotHold(t *testing.T) {
	t.Parallel()
	policy := DefaultPolicy()
	paths := map[string]struct {
		needs   Permission
		perform func(require.TestingT, Facts, Actor) error
	}{
		"invite": {PermissionInvitationCreate, func(t require.TestingT, f Facts, a Actor) error {
			return creates(t, f, a, emailRecord())
		}},
		"create link": {PermissionInvitationCreate, func(t require.TestingT, f Facts, a Actor) error {
			return creates(t, f, a, linkRecord())
		}},
		"resend": {PermissionInvitationResend, func(t require.TestingT, f Facts, a Actor) error {
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
				return atNoon().resend(f, a, newNonce, 0)
			})
			return err
		}},
		"resend an expired one": {PermissionInvitationResend, func(t require.TestingT, f Facts, a Actor) error {
			f.Invitation.ExpiresAt = noon
			_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
				return atNoon().resend(f, a, newNonce, 0)
			})
			return err
		}},
		"token": {PermissionInvitationResend, func(_ require.TestingT, f Facts, a Actor) error {
			_, err := atNoon().reveal(f, a)
			return err
		}},
	}
	roles := append(policy.Roles(), ghost, "")
	for path, p := range paths {
		for _, actor := range roles {
			for _, granted := range roles {
				t.Run(path+"/"+string(actor)+" gives "+string(granted), func(t *testing.T) {
					f := factsOf(emailRecord())
					f.Invitation.Role = granted
					// The sender stays entitled, so that only the actor can be refused.
					owner := memberOf(olga, RoleOwner)
					f.Invitation.SentBy, f.Sender = olga, &owner
					f.Members = map[string]Member{"actor": memberOf("actor", actor)}
					err := p.perform(t, f, User("actor"))
					switch {
					case !policy.Allows(actor, p.needs):
						require.Equal(t, ErrPermissionDenied, err)
					case !holdsAllOf(policy, actor, granted):
						require.Equal(t, ErrRoleNotAssignable, err)
					default:
						require.NoError(t, err)
					}
				})
			}
		}
		t.Run(path+"/the host gives every role of the policy and no other", func(t *testing.T) {
			for _, granted := range roles {
				f := factsOf(emailRecord())
				f.Invitation.Role = granted
				owner := memberOf(olga, RoleOwner)
				f.Invitation.SentBy, f.Sender = olga, &owner
				err := p.perform(t, f, System())
				if policy.Has(granted) {
					require.NoError(t, err, granted)
				} else {
					require.Equal(t, ErrRoleNotAssignable, err, granted)
				}
			}
		})
	}
}

// creates runs create for a draft that is like the invitation of the facts, which is not
// there yet.
func creates(t require.TestingT, f Facts, actor Actor, draft Record) error {
	draft.Role = f.Invitation.Role
	f.Invitation, f.Sender = nil, nil
	_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) { return atNoon().create(f, actor, draft) })
	return err
}

// With the default policy, in words: an admin makes admins and touches no owner.
func TestClass10_AdminAndOwner(t *testing.T) {
	t.Parallel()
	for granted, want := range map[Role]error{RoleAdmin: nil, RoleViewer: nil, RoleOwner: ErrRoleNotAssignable} {
		f := factsOf(emailRecord())
		f.Invitation.Role = granted
		f.Sender = nil
		require.Equal(t, want, creates(t, f, User(adam), emailRecord()), granted)
		_, _, err := atNoon().resend(f, User(adam), newNonce, 0)
		require.Equal(t, want, err, granted)
	}
}

// Reading the token again needs the sender to be entitled still, or it would be a token
// that nobody can use.
func TestReveal_SenderGone(t *testing.T) {
	t.Parallel()
	f := factsOf(emailRecord())
	f.Sender = nil
	_, err := atNoon().reveal(f, User(olga))
	require.Equal(t, ErrSenderNotEntitled, err)
}

func TestReveal(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindEmail, KindLink} {
		record, err := atNoon().reveal(factsOf(recordOf(kind)), User(olga))
		require.NoError(t, err)
		require.Equal(t, recordOf(kind), record)
	}
}

// stepAfter knows every refusal that a signed-in person can meet.
func TestStepAfter(t *testing.T) {
	t.Parallel()
	for want, reasons := range map[Step][]error{
		StepAccept:        {nil},
		StepOpen:          {ErrAlreadyMember},
		StepSwitchAccount: {ErrRecipientMismatch, ErrDomainNotAllowed},
		StepVerifyEmail:   {ErrEmailUnverified},
		StepStop: {
			ErrInvalidToken, ErrNotPending, ErrExpired, ErrRevoked, ErrDeclined, ErrAccepted, ErrExhausted,
			ErrSenderNotEntitled, ErrNotFound, errors.New("something new"),
		},
	} {
		for _, reason := range reasons {
			require.Equal(t, want, stepAfter(reason, false), "%v", reason)
		}
	}
	require.Equal(t, StepOpen, stepAfter(nil, true), "a member by this very invitation")
}
