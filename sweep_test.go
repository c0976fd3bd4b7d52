package invitations

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sweep runs a sweep of the due records of an organization.
func sweep(t require.TestingT, r rules, due ...Record) (Swept, Changes) {
	f := Facts{Organization: acme, Version: 9, PendingRecords: due}
	swept, changes, err := decide(t, r, f, sweepAct{})
	require.NoError(t, err)
	return swept, changes
}

// withReminders returns rules that send reminders some time before the expiry.
func withReminders(before time.Duration) rules {
	r := atNoon()
	r.remindBefore = before
	return r
}

func TestSweep(t *testing.T) {
	t.Parallel()
	const instant = time.Microsecond
	later := noon.Add(time.Hour)
	for name, c := range map[string]struct {
		kind               Kind
		state              State
		sweepAt, expiresAt time.Time
		want               EventType // empty: nothing happens
	}{
		"reminder":                         {KindEmail, StatePending, noon, later, EventInvitationReminded},
		"late reminder":                    {KindEmail, StatePending, noon.Add(-day), noon.Add(instant), EventInvitationReminded},
		"late reminder, just expired":      {KindEmail, StatePending, noon.Add(-day), noon, EventInvitationExpired},
		"late reminder, long expired":      {KindEmail, StatePending, noon.Add(-2 * day), noon.Add(-day), EventInvitationExpired},
		"just expired":                     {KindEmail, StatePending, noon, noon, EventInvitationExpired},
		"long expired":                     {KindEmail, StatePending, noon.Add(-day), noon.Add(-day), EventInvitationExpired},
		"link, just expired":               {KindLink, StatePending, noon, noon, EventInvitationExpired},
		"not due":                          {KindEmail, StatePending, noon.Add(instant), later, ""},
		"no longer due, a clock went back": {KindEmail, StatePending, later, later, ""},
		"expired, swept before":            {KindEmail, StatePending, time.Time{}, noon.Add(-day), ""},
		"accepted":                         {KindEmail, StateAccepted, noon, later, ""},
		"declined":                         {KindEmail, StateDeclined, noon, noon, ""},
		"revoked":                          {KindEmail, StateRevoked, noon, noon, ""},
		"exhausted link":                   {KindLink, StateAccepted, noon, noon, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			record := recordOf(c.kind)
			record.State, record.SweepAt, record.ExpiresAt = c.state, c.sweepAt, c.expiresAt
			swept, changes := sweep(t, atNoon(), record)
			after := record
			switch c.want {
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
			require.Equal(t, Changes{Invitations: []Record{after}, Events: []Event{eventOf(c.want, after, "")}}, changes)
			require.Equal(t, StatePending, changes.Invitations[0].State, "the expired state is never stored")

			swept, changes = sweep(t, atNoon(), changes.Invitations...)
			require.Zero(t, swept, "each happens once")
			require.Zero(t, changes)
		})
	}
}

// The reminder comes first, then the expiry. Each comes once.
func TestSweep_ReminderThenExpiry(t *testing.T) {
	t.Parallel()
	r := withReminders(2 * day)
	record, _, err := create(t, r, noInvitation(), creationOf(KindEmail))
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

// The first sweep is that of the reminder if there is one, and otherwise that of the expiry.
func TestNextSweep(t *testing.T) {
	t.Parallel()
	const instant = time.Microsecond
	for name, c := range map[string]struct {
		kind                   Kind
		lifetime, remindBefore time.Duration
		want                   time.Duration // after noon
	}{
		"email":                                 {KindEmail, 7 * day, 2 * day, 5 * day},
		"email, no reminders":                   {KindEmail, 7 * day, 0, 7 * day},
		"email, reminder at the last instant":   {KindEmail, 7 * day, instant, 7*day - instant},
		"email, reminder at the first instant":  {KindEmail, 2*day + instant, 2 * day, instant},
		"email, a lifetime of that length":      {KindEmail, 2 * day, 2 * day, 2 * day},
		"email, a shorter lifetime":             {KindEmail, day, 2 * day, day},
		"email, the greatest time of reminders": {KindEmail, 7 * day, 3650 * day, 7 * day},
		"link":                                  {KindLink, 7 * day, 2 * day, 7 * day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := withReminders(c.remindBefore)
			created, _, err := create(t, r, noInvitation(), varied(creationOf(c.kind), func(cr *creation) { cr.lifetime = c.lifetime }))
			require.NoError(t, err)
			require.Equal(t, noon.Add(c.want), created.SweepAt, "created")

			a := resendBy(User(adam))
			a.lifetime = c.lifetime
			for _, state := range []State{StatePending, StateExpired} {
				for _, sweepAt := range []time.Time{{}, noon.Add(-day), noon} { // it does not matter
					record := inState(recordOf(c.kind), state)
					record.SweepAt = sweepAt
					resent, _, err := decide(t, r, factsOf(record), a)
					require.NoError(t, err)
					require.Equal(t, noon.Add(c.want), resent.SweepAt, "resent")
				}
			}

			record := recordOf(c.kind)
			record.SweepAt = noon.Add(time.Hour)
			edited, _, err := decide(t, r, factsOf(record), editBy(User(adam), edit{lifetime: c.lifetime}))
			require.NoError(t, err)
			require.Equal(t, noon.Add(c.want), edited.SweepAt, "edited before the reminder")
			record.SweepAt = record.ExpiresAt
			edited, _, err = decide(t, r, factsOf(record), editBy(User(adam), edit{lifetime: c.lifetime}))
			require.NoError(t, err)
			require.Equal(t, edited.ExpiresAt, edited.SweepAt, "edited after the reminder")
		})
	}
}

// An edit that leaves the expiry leaves the next sweep, so there is no second reminder.
func TestNextSweep_EditOfOtherFields(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{noon.Add(time.Hour), emailRecord().ExpiresAt} {
		record := changed(emailRecord(), func(r *Record) { r.SweepAt = at })
		e := edit{role: RoleViewer, message: new("x")}
		edited, _, err := decide(t, withReminders(day), factsOf(record), editBy(User(adam), e))
		require.NoError(t, err)
		require.Equal(t, at, edited.SweepAt)
	}
}

// An invitation that has ended is not due. A link with uses left stays due.
func TestSweepAt_Ended(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"accept", "decline", "revoke", "accept received", "decline received"} {
		_, changes, err := operations[name](t, atNoon(), factsOf(emailRecord()))
		require.NoError(t, err, name)
		require.Len(t, changes.Invitations, 1)
		require.NotEqual(t, StatePending, changes.Invitations[0].State)
		require.Zero(t, changes.Invitations[0].SweepAt, name)
	}
	_, changes, err := operations["accept"](t, atNoon(), factsOf(linkRecord()))
	require.NoError(t, err)
	require.Equal(t, linkRecord().SweepAt, changes.Invitations[0].SweepAt)
}

// The order is that of the due records.
func TestSweep_Several(t *testing.T) {
	t.Parallel()
	expired := changed(emailRecord(), func(r *Record) { r.ID[15], r.ExpiresAt, r.SweepAt = 1, noon.Add(-day), noon.Add(-day) })
	revoked := changed(inState(emailRecord(), StateRevoked), func(r *Record) { r.ID[15], r.SweepAt = 2, noon })
	reminded := changed(emailRecord(), func(r *Record) { r.ID[15], r.SweepAt = 3, noon.Add(-time.Hour) })
	link := changed(linkRecord(), func(r *Record) { r.ID[15], r.ExpiresAt, r.SweepAt = 4, noon, noon })
	swept, changes := sweep(t, atNoon(), expired, revoked, reminded, link)
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

// The returned invitations share no memory with the changes.
func TestSweep_Copies(t *testing.T) {
	t.Parallel()
	for _, expiresAt := range []time.Time{noon, noon.Add(day)} {
		record := changed(emailRecord(), func(r *Record) { r.SweepAt, r.ExpiresAt = noon, expiresAt })
		swept, changes := sweep(t, atNoon(), record)
		invitations := append(swept.Reminders, swept.Expired...)
		require.Len(t, invitations, 1)
		invitations[0].Metadata["team"] = "blue"
		require.Equal(t, "red", changes.Invitations[0].Metadata["team"])
	}
}
