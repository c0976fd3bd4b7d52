package invitations_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

func TestNew_RefusesBadConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		field  string
		config invitations.Config
	}{
		"the zero policy":                         {"policy", invitations.Config{Policy: &invitations.Policy{}}},
		"negative min expiry":                     {"min_expiry", invitations.Config{MinExpiry: -1}},
		"min expiry of a nanosecond":              {"min_expiry", invitations.Config{MinExpiry: 1}},
		"min expiry of almost a microsecond":      {"min_expiry", invitations.Config{MinExpiry: time.Microsecond - 1}},
		"negative max expiry":                     {"max_expiry", invitations.Config{MaxExpiry: -time.Hour}},
		"max expiry less than the default min":    {"max_expiry", invitations.Config{MaxExpiry: day - 1}},
		"max expiry less than min":                {"max_expiry", invitations.Config{MinExpiry: 3 * day, MaxExpiry: 2 * day}},
		"min expiry more than the default max":    {"max_expiry", invitations.Config{MinExpiry: 31 * day}},
		"max expiry more than 3650 days":          {"max_expiry", invitations.Config{MaxExpiry: 3650*day + 1}},
		"the longest duration":                    {"max_expiry", invitations.Config{MaxExpiry: math.MaxInt64}},
		"expiry less than the default min":        {"expiry", invitations.Config{Expiry: day - 1}},
		"expiry more than the default max":        {"expiry", invitations.Config{Expiry: 30*day + 1}},
		"negative expiry":                         {"expiry", invitations.Config{Expiry: -day}},
		"expiry less than min":                    {"expiry", invitations.Config{Expiry: 2 * day, MinExpiry: 3 * day}},
		"expiry more than max":                    {"expiry", invitations.Config{Expiry: 4 * day, MaxExpiry: 3 * day}},
		"negative pending limit":                  {"pending_limit", invitations.Config{PendingLimit: -1}},
		"the least pending limit":                 {"pending_limit", invitations.Config{PendingLimit: math.MinInt32}},
		"pending limit of 100,001":                {"pending_limit", invitations.Config{PendingLimit: 100_001}},
		"negative max uses":                       {"max_uses", invitations.Config{MaxUses: -1}},
		"max uses of 1,000,000,001":               {"max_uses", invitations.Config{MaxUses: 1_000_000_001}},
		"negative member limit":                   {"member_limit", invitations.Config{MemberLimit: -1}},
		"member limit of 100,001":                 {"member_limit", invitations.Config{MemberLimit: 100_001}},
		"cooldown of more than a day":             {"resend_cooldown", invitations.Config{ResendCooldown: day + 1}},
		"10,001 mails per recipient":              {"sends_per_recipient", invitations.Config{SendsPerRecipient: 10_001}},
		"10,001 mails per sender":                 {"sends_per_sender", invitations.Config{SendsPerSender: 10_001}},
		"10,001 mails per organization":           {"sends_per_organization", invitations.Config{SendsPerOrganization: 10_001}},
		"a reminder after the expiry":             {"remind_before", invitations.Config{RemindBefore: -1}},
		"a reminder max expiry before the expiry": {"remind_before", invitations.Config{RemindBefore: 30 * day}},
		"the first of several bad fields":         {"max_expiry", invitations.Config{MaxExpiry: -1, Expiry: -1, MaxUses: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc, err := invitations.New(untouchable(), ringOf(t, testKey), c.config)
			require.Nil(t, svc)
			requireInvalid(t, err, c.field)
		})
	}

	_, err := invitations.New(nil, ringOf(t, testKey), invitations.Config{})
	requireInvalid(t, err, "store")
	_, err = invitations.New(untouchable(), nil, invitations.Config{})
	requireInvalid(t, err, "keys")
	_, err = invitations.New(untouchable(), &invitations.Keyring{}, invitations.Config{})
	requireInvalid(t, err, "keys")
}

func TestNew_AcceptsBounds(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]invitations.Config{
		"the zero Config":                  {},
		"the least":                        {MinExpiry: time.Microsecond, MaxExpiry: time.Microsecond, Expiry: time.Microsecond, PendingLimit: 1, MaxUses: 1},
		"the greatest":                     {MinExpiry: 3650 * day, MaxExpiry: 3650 * day, Expiry: 3650 * day, PendingLimit: 100_000, MaxUses: 1_000_000_000},
		"1 member":                         {MemberLimit: 1},
		"1 member and reserved seats":      {MemberLimit: 1, ReserveSeats: true},
		"100,000 members":                  {MemberLimit: 100_000, ReserveSeats: true},
		"expiry at min":                    {MinExpiry: 2 * day, Expiry: 2 * day},
		"expiry at max":                    {MaxExpiry: 2 * day, Expiry: 2 * day},
		"expiry at the default max":        {Expiry: 30 * day},
		"min expiry at max":                {MinExpiry: 2 * day, MaxExpiry: 2 * day},
		"no sending limits":                {ResendCooldown: -1, SendsPerRecipient: -1, SendsPerSender: -1, SendsPerOrganization: -1},
		"the most negative sending limits": {ResendCooldown: math.MinInt64, SendsPerRecipient: math.MinInt32, SendsPerSender: math.MinInt32, SendsPerOrganization: math.MinInt32},
		"the least sending limits":         {ResendCooldown: 1, SendsPerRecipient: 1, SendsPerSender: 1, SendsPerOrganization: 1, RemindBefore: 1},
		"the greatest sending limits": {
			ResendCooldown: day, SendsPerRecipient: 10_000, SendsPerSender: 10_000, SendsPerOrganization: 10_000, RemindBefore: 30*day - 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := invitations.New(untouchable(), ringOf(t, testKey), config)
			require.NoError(t, err)
		})
	}
}

func TestNew_Defaults(t *testing.T) {
	t.Parallel()
	store := answering(invitations.Facts{Organization: "acme", Version: 1})
	svc := serviceOn(t, store, invitations.Config{})
	require.Same(t, invitations.DefaultPolicy(), svc.Policy())

	before := time.Now()
	sent, err := svc.CreateLink(t.Context(), invitations.System(), goodLink())
	require.NoError(t, err)
	require.False(t, sent.CreatedAt.Before(before.Truncate(time.Microsecond)), "the clock is time.Now")
	require.False(t, sent.CreatedAt.After(time.Now()))
	require.Equal(t, 7*day, sent.ExpiresAt.Sub(sent.CreatedAt))
	require.Equal(t, invitations.Limits{Pending: 10, Expiry: 7 * day}, store.UpdateCalls()[0].Q.Limits)

	p := goodLink()
	p.MaxUses = 10_001
	_, err = svc.CreateLink(t.Context(), invitations.System(), p)
	requireInvalid(t, err, "max_uses")
}

// The default expiry is 7 days, or the nearer bound.
func TestNew_DefaultExpiry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config invitations.Config
		want   time.Duration
	}{
		"the zero Config":      {invitations.Config{}, 7 * day},
		"given":                {invitations.Config{Expiry: 3 * day}, 3 * day},
		"given in nanoseconds": {invitations.Config{Expiry: 3*day + 1999}, 3*day + time.Microsecond},
		"min above 7 days":     {invitations.Config{MinExpiry: 14 * day}, 14 * day},
		"max below 7 days":     {invitations.Config{MaxExpiry: 2 * day}, 2 * day},
		"bounds around 7 days": {invitations.Config{MinExpiry: time.Hour, MaxExpiry: 300 * day}, 7 * day},
		"max of hours":         {invitations.Config{MinExpiry: time.Hour, MaxExpiry: 2 * time.Hour}, 2 * time.Hour},
		"min and max of years": {invitations.Config{MinExpiry: 365 * day, MaxExpiry: 730 * day}, 365 * day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := serviceOn(t, answering(invitations.Facts{Organization: "acme", Version: 1}), c.config)
			sent, err := svc.CreateLink(t.Context(), invitations.System(), goodLink())
			require.NoError(t, err)
			require.Equal(t, c.want, sent.ExpiresAt.Sub(sent.SentAt))
		})
	}
}

func TestNew_ConfiguredLimits(t *testing.T) {
	t.Parallel()
	policy, err := invitations.NewPolicy(map[invitations.Role][]invitations.Permission{"owner": {"x"}, "guest": nil})
	require.NoError(t, err)
	store := answering(invitations.Facts{Organization: "acme", Version: 1, PendingCount: 3})
	svc := serviceOn(t, store, invitations.Config{
		Policy: policy, MinExpiry: time.Hour, MaxExpiry: 3 * time.Hour, PendingLimit: 3, MaxUses: 2,
	})
	require.Same(t, policy, svc.Policy())
	p := invitations.CreateLinkParams{Organization: "acme", Role: "guest", MaxUses: 2, ExpiresIn: time.Hour}
	_, err = svc.CreateLink(t.Context(), invitations.System(), p)
	require.Equal(t, &invitations.PendingLimitError{Limit: 3, Pending: 3}, err)
	require.Equal(t, 3, store.UpdateCalls()[0].Q.Limits.Pending)

	p.MaxUses = 3
	_, err = svc.CreateLink(t.Context(), invitations.System(), p)
	requireInvalid(t, err, "max_uses")
	p.MaxUses, p.ExpiresIn = 2, 3*time.Hour+time.Microsecond
	_, err = svc.CreateLink(t.Context(), invitations.System(), p)
	requireInvalid(t, err, "expires_in")
	p.ExpiresIn, p.Role = time.Hour, invitations.RoleViewer
	_, err = svc.CreateLink(t.Context(), invitations.System(), p)
	requireInvalid(t, err, "role")
	require.Len(t, store.UpdateCalls(), 1)
}

// An operation asks for the seats that it needs, and for no others.
func TestNew_MemberLimitQueries(t *testing.T) {
	t.Parallel()
	unverified, noAddress := nina, nina
	unverified.EmailVerified = false
	noAddress.Email = "not an address"
	type call = func(ctx context.Context, svc *invitations.Service) error
	invite := func(ctx context.Context, svc *invitations.Service) error {
		return errOf(svc.Invite(ctx, olga, goodInvite()))
	}
	link := func(ctx context.Context, svc *invitations.Service) error {
		return errOf(svc.CreateLink(ctx, olga, goodLink()))
	}
	resend := func(ctx context.Context, svc *invitations.Service) error {
		return errOf(svc.Resend(ctx, olga, goodResend()))
	}
	accept := func(who invitations.Identity) call {
		return func(ctx context.Context, svc *invitations.Service) error {
			return errOf(svc.Accept(ctx, validWire().text(), who))
		}
	}
	next := func(ctx context.Context, svc *invitations.Service) error {
		return errOf(svc.NextStep(ctx, validWire().text(), invitations.Visitor{Identity: nina}))
	}
	change := func(ctx context.Context, svc *invitations.Service) error {
		return errOf(svc.ChangeRole(ctx, olga, goodChange()))
	}
	add := func(ctx context.Context, svc *invitations.Service) error {
		p := goodAddition()
		p.Email = "NINA@example.com"
		return errOf(svc.AddMember(ctx, olga, p))
	}
	type seats struct {
		members, reserved bool
		recipient         string
	}
	const recipient = "nina@example.com"
	for name, c := range map[string]struct {
		call                  call
		notReserved, reserved seats
	}{
		"Invite":                          {invite, seats{}, seats{true, true, ""}},
		"CreateLink":                      {link, seats{}, seats{}},
		"Resend":                          {resend, seats{}, seats{true, true, ""}},
		"Accept":                          {accept(nina), seats{true, false, recipient}, seats{true, true, recipient}},
		"Accept, an unverified address":   {accept(unverified), seats{true, false, ""}, seats{true, true, ""}},
		"Accept, without a valid address": {accept(noAddress), seats{true, false, ""}, seats{true, true, ""}},
		"NextStep":                        {next, seats{true, false, recipient}, seats{true, true, recipient}},
		"ChangeRole":                      {change, seats{true, false, ""}, seats{true, true, ""}},
		"AddMember":                       {add, seats{true, false, recipient}, seats{true, true, recipient}},
	} {
		for _, limit := range []int{0, 5} { // an organization can have one of its own
			for _, reserve := range []bool{false, true} {
				t.Run(fmt.Sprint(name, "/", limit, "/", reserve), func(t *testing.T) {
					t.Parallel()
					config := atNoon()
					config.MemberLimit, config.ReserveSeats = limit, reserve
					store := answering(emailFacts())
					_ = c.call(t.Context(), serviceOn(t, store, config)) // only its query counts
					calls := callsOf(store)
					require.Len(t, calls, 1)
					q := calls[0].argument.(invitations.Query)
					want := c.notReserved
					if reserve {
						want = c.reserved
					}
					require.Equal(t, want, seats{q.CountSeats, q.CountReserved, q.PendingFor})
					require.Equal(t, invitations.Limits{Members: limit, Pending: 10, Expiry: 7 * day}, q.Limits)
					require.Equal(t, noon, q.PendingAt)
				})
			}
		}
	}
}

func TestNew_MemberLimitReachesTheRules(t *testing.T) {
	t.Parallel()
	config := atNoon()
	config.MemberLimit = 5
	full := emailFacts()
	full.SeatCount = 5
	_, err := serviceOn(t, answering(full), config).Accept(t.Context(), validWire().text(), nina)
	refused := &invitations.MemberLimitError{Limit: 5, Members: 5}
	require.Equal(t, refused, err)
	next, err := serviceOn(t, answering(full), config).NextStep(t.Context(), validWire().text(), invitations.Visitor{Identity: nina})
	require.NoError(t, err)
	require.Equal(t, invitations.NextStep{Step: invitations.StepStop, Offer: offer, Reason: refused}, next)

	config.ReserveSeats = true
	taken := factsFor("Invite")
	taken.SeatCount, taken.ReservedCount = 4, 1
	_, err = serviceOn(t, answering(taken), config).Invite(t.Context(), olga, goodInvite())
	require.Equal(t, &invitations.MemberLimitError{Limit: 5, Members: 4, Reserved: 1}, err)
	taken.ReservedCount = 0
	_, err = serviceOn(t, answering(taken), config).Invite(t.Context(), olga, goodInvite())
	require.NoError(t, err)
}

// sentBefore returns n sendings of an hour ago. Without an address, each has its own.
func sentBefore(n int, sender, email string) []invitations.Sending {
	all := make([]invitations.Sending, n)
	for i := range all {
		all[i] = invitations.Sending{At: noon.Add(-time.Hour), Actor: sender, Email: email}
		if email == "" {
			all[i].Email = fmt.Sprintf("n%d@example.com", i)
		}
	}
	return all
}

func TestNew_SendingLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config                          invitations.Config
		cooldown                        time.Duration // 0: none
		recipient, sender, organization int           // 0: none
		upTo                            int           // of the query
	}{
		"the defaults": {invitations.Config{}, time.Minute, 10, 100, 100, 100},
		"others": {
			invitations.Config{ResendCooldown: time.Hour, SendsPerRecipient: 2, SendsPerSender: 3, SendsPerOrganization: 4},
			time.Hour, 2, 3, 4, 4,
		},
		"only per sender": {
			invitations.Config{ResendCooldown: -1, SendsPerRecipient: -1, SendsPerOrganization: -1}, 0, 0, 100, 0, 10_000,
		},
		"only per recipient": {
			invitations.Config{ResendCooldown: -1, SendsPerSender: -1, SendsPerOrganization: -1}, 0, 10, 0, 0, 10_000,
		},
		"only per organization": {
			invitations.Config{ResendCooldown: -1, SendsPerRecipient: -1, SendsPerSender: -1}, 0, 0, 0, 100, 100,
		},
		"none": {
			invitations.Config{ResendCooldown: -1, SendsPerRecipient: -1, SendsPerSender: -1, SendsPerOrganization: -1}, 0, 0, 0, 0, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.config.Clock = atNoon().Clock
			invite := func(sent []invitations.Sending) error {
				f := factsFor("Invite")
				f.Sendings = sent
				store := answering(f)
				_, err := serviceOn(t, store, c.config).Invite(t.Context(), olga, goodInvite())
				q := store.UpdateCalls()[0].Q
				require.Equal(t, c.upTo, q.SendingsUpTo)
				require.Equal(t, c.upTo > 0, q.SendingsAfter.Equal(noon.Add(-day)))
				return err
			}
			for per, limit := range map[string]int{"recipient": c.recipient, "sender": c.sender, "organization": c.organization} {
				sender, email := "adam", ""
				switch per {
				case "recipient":
					email = "nina@example.com"
				case "sender":
					sender = "olga"
				}
				if limit == 0 {
					most := 10_000
					if c.organization > 0 { // which counts all sendings
						most = c.organization - 1
					}
					require.NoError(t, invite(sentBefore(most, sender, email)), per)
					continue
				}
				require.NoError(t, invite(sentBefore(limit-1, sender, email)), per)
				require.ErrorIs(t, invite(sentBefore(limit, sender, email)), invitations.ErrRateLimited, per)
			}

			resend := func(ago time.Duration) error {
				f := factsFor("Resend")
				f.Invitation.SentAt = noon.Add(-ago)
				return errOf(serviceOn(t, answering(f), c.config).Resend(t.Context(), olga, goodResend()))
			}
			require.NoError(t, resend(c.cooldown))
			if c.cooldown > 0 {
				require.ErrorIs(t, resend(c.cooldown-time.Microsecond), invitations.ErrTooSoon)
			}
		})
	}
}

// RemindBefore is truncated to microseconds. Without it, a sweep looks at the expiry.
func TestNew_RemindBefore(t *testing.T) {
	t.Parallel()
	for before, want := range map[time.Duration]time.Time{
		0:       noon.Add(7 * day),
		999:     noon.Add(7 * day),
		1999:    noon.Add(7*day - time.Microsecond),
		2 * day: noon.Add(5 * day),
		7 * day: noon.Add(7 * day), // not before the sending
	} {
		config := atNoon()
		config.RemindBefore = before
		var put invitations.Record
		store := &StoreMock{UpdateFunc: func(_ context.Context, _ invitations.Query, decide invitations.Decision) error {
			changes, err := decide(factsFor("Invite"))
			put = changes.Invitations[0]
			return err
		}}
		_, err := serviceOn(t, store, config).Invite(t.Context(), olga, goodInvite())
		require.NoError(t, err)
		require.Equal(t, want, put.SweepAt, before)
	}
}
