package invitations

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sendingLimits are the limits of mail; 0 is none.
type sendingLimits struct {
	cooldown                                 time.Duration
	perRecipient, perSender, perOrganization int
}

// limitedTo returns the rules with limits of mail.
func limitedTo(l sendingLimits) rules {
	r := atNoon()
	r.cooldown, r.sendsPerRecipient, r.sendsPerSender, r.sendsPerOrganization = l.cooldown, l.perRecipient, l.perSender, l.perOrganization
	return r
}

// sendingsAt are sendings by Adam to Nina, each so long before noon, newest first.
func sendingsAt(ago ...time.Duration) (all []Sending) {
	for _, d := range ago {
		all = append(all, Sending{At: noon.Add(-d), Actor: adam, Email: ninasEmail})
	}
	return all
}

// with returns a copy of the sendings with a change of each.
func with(all []Sending, change func(*Sending)) []Sending {
	all = slices.Clone(all)
	for i := range all {
		change(&all[i])
	}
	return all
}

func byOlga(s *Sending)    { s.Actor = olga }
func byTheHost(s *Sending) { s.Actor = "" }
func toKim(s *Sending)     { s.Email = "kim@example.com" }

// requireRetryAt fails unless err refuses for reason until at.
func requireRetryAt(t require.TestingT, err error, reason *Error, at time.Time) {
	var limit *RateLimitError
	require.ErrorAs(t, err, &limit)
	require.ErrorIs(t, err, reason)
	require.ErrorIs(t, err, ErrRateLimited)
	require.Equal(t, reason == ErrTooSoon, errors.Is(err, ErrTooSoon))
	require.Equal(t, at, limit.RetryAt())
}

// Each limit counts what is its own within the last 24 hours, and nothing else.
func TestClass40_SendingLimits(t *testing.T) {
	t.Parallel()
	recipient, sender, organization := sendingLimits{perRecipient: 2}, sendingLimits{perSender: 2}, sendingLimits{perOrganization: 2}
	all := sendingLimits{perRecipient: 2, perSender: 2, perOrganization: 2}
	two := sendingsAt(time.Hour, 2*time.Hour)
	ofBoth := slices.Concat(two[:1], with(two[1:], byOlga))
	for name, c := range map[string]struct {
		limits sendingLimits
		sent   []Sending
		actor  Actor
		retry  time.Time // zero: it may be sent
	}{
		"recipient: none":                    {recipient, nil, User(adam), time.Time{}},
		"recipient: one":                     {recipient, two[:1], User(adam), time.Time{}},
		"recipient: two":                     {recipient, two, User(adam), noon.Add(22 * time.Hour)},
		"recipient: two, by others":          {recipient, with(two, byOlga), User(adam), noon.Add(22 * time.Hour)},
		"recipient: two, by the host":        {recipient, with(two, byTheHost), User(adam), noon.Add(22 * time.Hour)},
		"recipient: two, now by the host":    {recipient, two, System(), noon.Add(22 * time.Hour)},
		"recipient: two to somebody else":    {recipient, with(two, toKim), User(adam), time.Time{}},
		"recipient: three":                   {recipient, sendingsAt(1*time.Hour, 2*time.Hour, 3*time.Hour), User(adam), noon.Add(22 * time.Hour)},
		"sender: one":                        {sender, two[:1], User(adam), time.Time{}},
		"sender: two":                        {sender, two, User(adam), noon.Add(22 * time.Hour)},
		"sender: two to others":              {sender, with(two, toKim), User(adam), noon.Add(22 * time.Hour)},
		"sender: two by another":             {sender, with(two, byOlga), User(adam), time.Time{}},
		"sender: one by each":                {sender, ofBoth, User(adam), time.Time{}},
		"sender: the host is none":           {sender, with(two, byTheHost), System(), time.Time{}},
		"sender: the host, two by a member":  {sender, two, System(), time.Time{}},
		"sender: two by the host":            {sender, with(two, byTheHost), User(adam), time.Time{}},
		"organization: one":                  {organization, two[:1], User(adam), time.Time{}},
		"organization: two":                  {organization, two, User(adam), noon.Add(22 * time.Hour)},
		"organization: two by others":        {organization, with(with(two, byOlga), toKim), User(adam), noon.Add(22 * time.Hour)},
		"organization: one by each":          {organization, ofBoth, User(adam), noon.Add(22 * time.Hour)},
		"organization: two by the host":      {organization, with(two, byTheHost), User(adam), noon.Add(22 * time.Hour)},
		"organization: two, now by the host": {organization, two, System(), noon.Add(22 * time.Hour)},

		"no limits":                     {sendingLimits{}, sendingsAt(0, 0, 0, 0, 0), User(adam), time.Time{}},
		"all limits, none met":          {all, two[:1], User(adam), time.Time{}},
		"one of one, just now":          {sendingLimits{perSender: 1}, sendingsAt(0), User(adam), noon.Add(24 * time.Hour)},
		"a microsecond less than a day": {sendingLimits{perSender: 1}, sendingsAt(day - 1000), User(adam), noon.Add(1000)},
		"exactly a day":                 {sendingLimits{perSender: 1}, sendingsAt(day), User(adam), time.Time{}},
		"one of two is exactly a day":   {organization, sendingsAt(time.Hour, day), User(adam), time.Time{}},
		"more than a day":               {sendingLimits{perRecipient: 1}, sendingsAt(day + 1000), User(adam), time.Time{}},
		"one in the future":             {sendingLimits{perRecipient: 1}, sendingsAt(-time.Hour), User(adam), noon.Add(25 * time.Hour)},
		"one in the future, of two":     {recipient, sendingsAt(-time.Hour, time.Hour), User(adam), noon.Add(23 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := noInvitation()
			f.Sendings = c.sent
			draft := draftOf(KindEmail)
			draft.CreatedBy, draft.SentBy = c.actor.user, c.actor.user
			_, _, err := create(t, limitedTo(c.limits), f, c.actor, draft)
			again := factsOf(emailRecord())
			again.Sendings = c.sent
			_, _, err2 := decided(t, again, func(f Facts) (Record, Changes, error) {
				return resending{actor: c.actor, nonce: nextNonce}.decide(limitedTo(c.limits), f)
			})
			require.Equal(t, err, err2, "it is the same for a resend")
			if c.retry.IsZero() {
				require.NoError(t, err)
				return
			}
			requireRetryAt(t, err, ErrRateLimited, c.retry)

			r := limitedTo(c.limits)
			r.now = c.retry.Add(-time.Microsecond)
			_, _, err = create(t, r, f, c.actor, draft)
			require.ErrorIs(t, err, ErrRateLimited, "a microsecond before")
			r.now = c.retry
			_, _, err = create(t, r, f, c.actor, draft)
			require.NoError(t, err, "and then it may be sent")
		})
	}
}

// Where several limits are met, waiting helps when all of them have a place.
func TestClass40_RetryAtIsTheLatest(t *testing.T) {
	t.Parallel()
	// Adam wrote to Nina six hours ago and to Kim four hours ago, Olga to Nina two hours ago.
	sent := []Sending{
		{noon.Add(-2 * time.Hour), olga, ninasEmail}, {noon.Add(-4 * time.Hour), adam, "kim@example.com"},
		{noon.Add(-6 * time.Hour), adam, ninasEmail},
	}
	for name, c := range map[string]struct {
		limits sendingLimits
		hours  int
	}{
		"recipient":                  {sendingLimits{perRecipient: 1}, 22},
		"recipient, two":             {sendingLimits{perRecipient: 2}, 18},
		"sender":                     {sendingLimits{perSender: 1}, 20},
		"sender, two":                {sendingLimits{perSender: 2}, 18},
		"organization, three":        {sendingLimits{perOrganization: 3}, 18},
		"organization, two":          {sendingLimits{perOrganization: 2}, 20},
		"the recipient is latest":    {sendingLimits{perRecipient: 1, perSender: 1, perOrganization: 3}, 22},
		"the sender is latest":       {sendingLimits{perRecipient: 2, perSender: 1, perOrganization: 3}, 20},
		"the organization is latest": {sendingLimits{perRecipient: 2, perSender: 2, perOrganization: 1}, 22},
		"one of them is not met":     {sendingLimits{perRecipient: 3, perSender: 2, perOrganization: 4}, 18},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := noInvitation()
			f.Sendings = sent
			_, _, err := create(t, limitedTo(c.limits), f, User(adam), draftOf(KindEmail))
			requireRetryAt(t, err, ErrRateLimited, noon.Add(time.Duration(c.hours)*time.Hour))
		})
	}
}

// A link is mailed to nobody: neither its creation nor its resend is limited.
func TestSendingLimits_Links(t *testing.T) {
	t.Parallel()
	r := limitedTo(sendingLimits{cooldown: time.Hour, perRecipient: 1, perSender: 1, perOrganization: 1})
	f := noInvitation()
	f.Sendings = slices.Concat(sendingsAt(0, 0, 0), with(sendingsAt(0), func(s *Sending) { s.Email = "" }))
	_, _, err := create(t, r, f, User(adam), draftOf(KindLink))
	require.NoError(t, err)
	link := linkRecord()
	link.SentAt = noon
	f = factsOf(link)
	f.Sendings = sendingsAt(0, 0, 0)
	_, _, err = decided(t, f, func(f Facts) (Record, Changes, error) {
		return resending{actor: User(adam), nonce: nextNonce, lifetime: 0}.decide(r, f)
	})
	require.NoError(t, err)
}

// An email invitation is not sent again before its cooldown is over, whoever asks, and then it
// is.
func TestClass40_Cooldown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cooldown, ago time.Duration
		refused       bool
	}{
		"just now":                {time.Minute, 0, true},
		"a microsecond too soon":  {time.Minute, time.Minute - time.Microsecond, true},
		"exactly a minute":        {time.Minute, time.Minute, false},
		"later":                   {time.Minute, time.Hour, false},
		"a clock that was ahead":  {time.Minute, -time.Hour, true},
		"none, just now":          {0, 0, false},
		"none, by a clock ahead":  {0, -time.Hour, false},
		"a day, almost":           {day, day - time.Microsecond, true},
		"a day":                   {day, day, false},
		"a microsecond, just now": {time.Microsecond, 0, true},
	} {
		for _, state := range []State{StatePending, StateExpired} {
			for _, actor := range []Actor{User(adam), User(olga), System()} {
				t.Run(name+"/"+string(state)+"/"+actor.user, func(t *testing.T) {
					t.Parallel()
					record := inState(emailRecord(), state)
					record.SentAt = noon.Add(-c.ago)
					_, _, err := decided(t, factsOf(record), func(f Facts) (Record, Changes, error) {
						return resending{actor: actor, nonce: nextNonce, lifetime: day}.decide(limitedTo(sendingLimits{cooldown: c.cooldown}), f)
					})
					if c.refused {
						requireRetryAt(t, err, ErrTooSoon, record.SentAt.Add(c.cooldown))
						return
					}
					require.NoError(t, err)
				})
			}
		}
	}
}

// Refusals come in this order: who lacks a right learns nothing of how much was sent, and what
// cannot be sent at all is not too soon.
func TestSendingLimits_OrderOfRefusals(t *testing.T) {
	t.Parallel()
	r := limitedTo(sendingLimits{cooldown: time.Minute, perRecipient: 1, perSender: 1, perOrganization: 1})
	resend := func(f Facts, actor Actor) error {
		_, _, err := decided(t, f, func(f Facts) (Record, Changes, error) {
			return resending{actor: actor, nonce: nextNonce, lifetime: 0}.decide(r, f)
		})
		return err
	}
	sentNow := func(state State) Facts {
		record := inState(emailRecord(), state)
		record.SentAt = noon
		f := factsOf(record)
		f.Sendings = sendingsAt(0)
		return f
	}
	require.Equal(t, ErrPermissionDenied, resend(sentNow(StatePending), User(vera)))
	owner := sentNow(StatePending)
	owner.Invitation.Role = RoleOwner
	require.Equal(t, ErrRoleNotAssignable, resend(owner, User(adam)))
	require.Equal(t, ErrRevoked, resend(sentNow(StateRevoked), User(adam)))
	full := sentNow(StateExpired)
	full.PendingCount = 10
	require.Equal(t, ErrPendingLimit, resend(full, User(adam)))
	requireRetryAt(t, resend(sentNow(StatePending), User(adam)), ErrTooSoon, noon.Add(time.Minute))
	later := sentNow(StatePending)
	later.Invitation.SentAt = noon.Add(-time.Minute)
	requireRetryAt(t, resend(later, User(adam)), ErrRateLimited, noon.Add(day))

	f := noInvitation()
	f.Sendings = sendingsAt(0)
	_, _, err := create(t, r, f, User(vera), draftOf(KindEmail))
	require.Equal(t, ErrPermissionDenied, err)
	f.PendingCount = 10
	_, _, err = create(t, r, f, User(adam), draftOf(KindEmail))
	require.Equal(t, ErrPendingLimit, err)
	f.PendingCount = 9
	_, _, err = create(t, r, f, User(adam), draftOf(KindEmail))
	requireRetryAt(t, err, ErrRateLimited, noon.Add(day))
}

// The repetition of a call sends nothing: it gives back what exists at any limit.
func TestSendingLimits_Again(t *testing.T) {
	t.Parallel()
	r := limitedTo(sendingLimits{cooldown: time.Hour, perRecipient: 1, perSender: 1, perOrganization: 1})
	first, _, err := create(t, r, noInvitation(), User(adam), draftOf(KindEmail))
	require.NoError(t, err)
	f := factsOf(first)
	f.Sendings = sendingsAt(0, 0, 0)
	again, changes, err := create(t, r, f, User(adam), draftOf(KindEmail))
	require.NoError(t, err)
	require.Zero(t, changes)
	require.Equal(t, first, again)
}

// How many sendings a decision needs to know: with a limit of the organization, that many tell
// of all limits, because more of them are refused anyway.
func TestSendingLimits_UpTo(t *testing.T) {
	t.Parallel()
	for want, all := range map[int][]sendingLimits{
		0:           {{}, {cooldown: time.Minute}},
		7:           {{perOrganization: 7}, {perOrganization: 7, perRecipient: 100, perSender: 200}, {perOrganization: 7, perRecipient: 1}},
		maxSendings: {{perRecipient: 1}, {perSender: 1}, {perRecipient: 5, perSender: 9, cooldown: day}, {perOrganization: maxSendings}},
	} {
		for _, l := range all {
			q := limitedTo(l).needPlace(Query{}, KindEmail)
			require.Equal(t, want, q.SendingsUpTo, "%+v", l)
			require.Equal(t, want > 0, q.SendingsAfter.Equal(noon.Add(-sendingWindow)), "%+v", l)
			q = limitedTo(l).needPlace(Query{}, KindLink)
			require.Zero(t, q.SendingsUpTo, "a link is not mailed")
		}
	}
}

// The limits of the configuration: negative ones are none.
func TestSendingLimits_OfConfig(t *testing.T) {
	t.Parallel()
	rulesAt := func(c Config) rules {
		c.Policy, c.PendingLimit, c.MaxExpiry = DefaultPolicy(), 10, 30*day
		return c.rules(noon)
	}
	none := Config{ResendCooldown: -1, SendsPerRecipient: -1, SendsPerSender: -5, SendsPerOrganization: -1 << 31}
	require.Equal(t, limitedTo(sendingLimits{}), rulesAt(none))
	some := Config{ResendCooldown: time.Hour, SendsPerRecipient: 1, SendsPerSender: 2, SendsPerOrganization: 3}
	require.Equal(t, limitedTo(sendingLimits{cooldown: time.Hour, perRecipient: 1, perSender: 2, perOrganization: 3}), rulesAt(some))
}
