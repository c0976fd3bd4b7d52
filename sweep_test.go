package invitations

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sweep runs the decision about the records that a store found due.
func sweep(t require.TestingT, r rules, records ...Record) (Swept, Changes) {
	f := Facts{Organization: acme, Version: 9, PendingRecords: records}
	swept, changes, _ := decided(t, f, func(f Facts) (Swept, Changes, error) {
		swept, changes := r.sweep(f)
		return swept, changes, nil
	})
	return swept, changes
}

// remindingBefore are the rules with reminders so long before the expiry.
func remindingBefore(d time.Duration) rules {
	r := atNoon()
	r.remindBefore = d
	return r
}

// What a sweep does with an invitation, by what is due and by what has become of it.
func TestSweep(t *testing.T) {
	t.Parallel()
	later, now := noon.Add(time.Hour), noon
	for name, c := range map[string]struct {
		kind           Kind
		state          State
		sweep, expires time.Time
		what           EventType // empty: nothing
	}{
		"a reminder":                         {KindEmail, StatePending, now, later, EventInvitationReminded},
		"a reminder, late":                   {KindEmail, StatePending, noon.Add(-day), noon.Add(1000), EventInvitationReminded},
		"a reminder, expired in between":     {KindEmail, StatePending, noon.Add(-day), now, EventInvitationExpired},
		"a reminder, long expired":           {KindEmail, StatePending, noon.Add(-2 * day), noon.Add(-day), EventInvitationExpired},
		"expired":                            {KindEmail, StatePending, now, now, EventInvitationExpired},
		"expired long ago":                   {KindEmail, StatePending, noon.Add(-day), noon.Add(-day), EventInvitationExpired},
		"a link, expired":                    {KindLink, StatePending, now, now, EventInvitationExpired},
		"not due":                            {KindEmail, StatePending, noon.Add(1000), later, ""},
		"not due, by a clock that went back": {KindEmail, StatePending, later, later, ""},
		"expired, and told so":               {KindEmail, StatePending, time.Time{}, noon.Add(-day), ""},
		"accepted":                           {KindEmail, StateAccepted, now, later, ""},
		"declined":                           {KindEmail, StateDeclined, now, now, ""},
		"revoked":                            {KindEmail, StateRevoked, now, now, ""},
		"a link, used up":                    {KindLink, StateAccepted, now, now, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			record := recordOf(c.kind)
			record.State, record.SweepAt, record.ExpiresAt = c.state, c.sweep, c.expires
			swept, changes := sweep(t, atNoon(), record)
			after := record
			switch c.what {
			case EventInvitationReminded:
				after.SweepAt = record.ExpiresAt
				require.Equal(t, Swept{Reminders: []Invitation{record.Invitation}}, swept)
			case EventInvitationExpired:
				after.SweepAt = time.Time{}
				expired := record.Invitation
				expired.State = StateExpired
				require.Equal(t, Swept{Expired: []Invitation{expired}}, swept)
			default:
				require.Zero(t, swept)
				require.Zero(t, changes)
				return
			}
			require.Equal(t, Changes{Invitations: []Record{after}, Events: []Event{eventOf(c.what, after, "")}}, changes)
			require.Equal(t, StatePending, changes.Invitations[0].State, "expired is never stored")

			swept, changes = sweep(t, atNoon(), changes.Invitations...)
			require.Zero(t, swept, "once")
			require.Zero(t, changes)
		})
	}
}

// A reminder comes first, then the expiry, each once, however late the sweeps are.
func TestSweep_ReminderThenExpiry(t *testing.T) {
	t.Parallel()
	r := remindingBefore(2 * day)
	record, _, err := create(t, r, noInvitation(), User(adam), draftOf(KindEmail))
	require.NoError(t, err)
	require.Equal(t, noon.Add(5*day), record.SweepAt)
	reminders, expiries := 0, 0
	for hour := range 10 * 24 {
		r.now = noon.Add(time.Duration(hour) * time.Hour)
		swept, changes := sweep(t, r, record)
		reminders, expiries = reminders+len(swept.Reminders), expiries+len(swept.Expired)
		for _, record = range changes.Invitations {
			if len(swept.Reminders) == 1 {
				require.Equal(t, 5*24, hour)
			} else {
				require.Equal(t, 7*24, hour)
			}
		}
	}
	require.Equal(t, 1, reminders)
	require.Equal(t, 1, expiries)
}

// Who gets a reminder, and when.
func TestNextSweep(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind             Kind
		lifetime, before time.Duration
		want             time.Duration // from noon
	}{
		"email":                               {KindEmail, 7 * day, 2 * day, 5 * day},
		"email, off":                          {KindEmail, 7 * day, 0, 7 * day},
		"email, a microsecond before":         {KindEmail, 7 * day, time.Microsecond, 7*day - time.Microsecond},
		"email that lives no longer":          {KindEmail, 2 * day, 2 * day, 2 * day},
		"email that lives shorter":            {KindEmail, day, 2 * day, day},
		"email that lives a microsecond more": {KindEmail, 2*day + time.Microsecond, 2 * day, time.Microsecond},
		"email, the longest there is":         {KindEmail, 7 * day, 3650 * day, 7 * day},
		"a link gets none":                    {KindLink, 7 * day, 2 * day, 7 * day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := remindingBefore(c.before)
			draft := draftOf(c.kind)
			draft.ExpiresAt = noon.Add(c.lifetime)
			made, _, err := create(t, r, noInvitation(), User(adam), draft)
			require.NoError(t, err)
			require.Equal(t, noon.Add(c.want), made.SweepAt, "created")

			for _, state := range []State{StatePending, StateExpired} {
				for _, swept := range []time.Time{{}, noon.Add(-day), noon} { // whatever was done before
					record := inState(recordOf(c.kind), state)
					record.SweepAt = swept
					resent, _, err := decided(t, factsOf(record), func(f Facts) (Record, Changes, error) {
						return resending{actor: User(adam), nonce: nextNonce, lifetime: c.lifetime}.decide(r, f)
					})
					require.NoError(t, err)
					require.Equal(t, noon.Add(c.want), resent.SweepAt, "resent")
				}
			}
			record := recordOf(c.kind)
			record.SweepAt = noon.Add(time.Hour)
			edited, _, err := editBy(t, r, factsOf(record), User(adam), edit{lifetime: c.lifetime})
			require.NoError(t, err)
			require.Equal(t, noon.Add(c.want), edited.SweepAt, "edited before its reminder")
			record.SweepAt = record.ExpiresAt
			edited, _, err = editBy(t, r, factsOf(record), User(adam), edit{lifetime: c.lifetime})
			require.NoError(t, err)
			require.Equal(t, edited.ExpiresAt, edited.SweepAt, "edited after its reminder")
		})
	}
}

// Only a new expiry is planned anew: an edit of something else gives no second reminder.
func TestNextSweep_EditOfSomethingElse(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{noon.Add(time.Hour), emailRecord().ExpiresAt} {
		record := changed(emailRecord(), func(r *Record) { r.SweepAt = at })
		edited, _, err := editBy(t, remindingBefore(day), factsOf(record), User(adam), edit{role: RoleViewer, message: new("x")})
		require.NoError(t, err)
		require.Equal(t, at, edited.SweepAt)
	}
}

// What has ended is nothing for a sweep any more; a link that goes on is.
func TestSweepAt_AtTheEnd(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"accept", "decline", "revoke", "accept received", "decline received"} {
		f := factsOf(emailRecord())
		_, changes, err := operations[operation](t, atNoon(), f)
		require.NoError(t, err, operation)
		require.Len(t, changes.Invitations, 1)
		require.NotEqual(t, StatePending, changes.Invitations[0].State)
		require.Zero(t, changes.Invitations[0].SweepAt, operation)
	}
	_, changes, err := operations["accept"](t, atNoon(), factsOf(linkRecord()))
	require.NoError(t, err)
	require.Equal(t, linkRecord().SweepAt, changes.Invitations[0].SweepAt)
}

// Several at once, in the order in which they were found due.
func TestSweep_Several(t *testing.T) {
	t.Parallel()
	expired := changed(emailRecord(), func(r *Record) { r.ID[15], r.ExpiresAt, r.SweepAt = 1, noon.Add(-day), noon.Add(-day) })
	ended := changed(inState(emailRecord(), StateRevoked), func(r *Record) { r.ID[15], r.SweepAt = 2, noon })
	reminded := changed(emailRecord(), func(r *Record) { r.ID[15], r.SweepAt = 3, noon.Add(-time.Hour) })
	link := changed(linkRecord(), func(r *Record) { r.ID[15], r.ExpiresAt, r.SweepAt = 4, noon, noon })
	swept, changes := sweep(t, atNoon(), expired, ended, reminded, link)
	require.Equal(t, []Invitation{reminded.Invitation}, swept.Reminders)
	require.Len(t, swept.Expired, 2)
	require.Equal(t, expired.ID, swept.Expired[0].ID)
	require.Equal(t, link.ID, swept.Expired[1].ID)
	require.Len(t, changes.Invitations, 3)
	var types []EventType
	for i, e := range changes.Events {
		types = append(types, e.Type)
		require.Equal(t, changes.Invitations[i].ID, e.InvitationID)
	}
	require.Equal(t, []EventType{EventInvitationExpired, EventInvitationReminded, EventInvitationExpired}, types)
}

// What is handed out shares no memory with what is kept.
func TestSweep_Copies(t *testing.T) {
	t.Parallel()
	for _, expires := range []time.Time{noon, noon.Add(day)} {
		record := changed(emailRecord(), func(r *Record) { r.SweepAt, r.ExpiresAt = noon, expires })
		swept, changes := atNoon().sweep(Facts{PendingRecords: []Record{record}})
		for _, inv := range append(swept.Reminders, swept.Expired...) {
			inv.Metadata["team"] = "blue"
		}
		require.Equal(t, "red", changes.Invitations[0].Metadata["team"])
	}
}
