package invitations_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

const days = 24 * time.Hour

func TestNew_Refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		field  string
		config invitations.Config
	}{
		"a policy that is none":              {"policy", invitations.Config{Policy: &invitations.Policy{}}},
		"a negative least expiry":            {"min_expiry", invitations.Config{MinExpiry: -1}},
		"a nanosecond":                       {"min_expiry", invitations.Config{MinExpiry: 1}},
		"almost a microsecond":               {"min_expiry", invitations.Config{MinExpiry: time.Microsecond - 1}},
		"a negative greatest expiry":         {"max_expiry", invitations.Config{MaxExpiry: -time.Hour}},
		"greatest less than the default":     {"max_expiry", invitations.Config{MaxExpiry: days - 1}},
		"greatest less than least":           {"max_expiry", invitations.Config{MinExpiry: 3 * days, MaxExpiry: 2 * days}},
		"least more than the default":        {"max_expiry", invitations.Config{MinExpiry: 31 * days}},
		"more than ten years":                {"max_expiry", invitations.Config{MaxExpiry: 3650*days + 1}},
		"as long as there is":                {"max_expiry", invitations.Config{MaxExpiry: 1<<63 - 1}},
		"an expiry less than the default":    {"expiry", invitations.Config{Expiry: days - 1}},
		"an expiry more than the default":    {"expiry", invitations.Config{Expiry: 30*days + 1}},
		"a negative expiry":                  {"expiry", invitations.Config{Expiry: -days}},
		"an expiry less than least":          {"expiry", invitations.Config{Expiry: 2 * days, MinExpiry: 3 * days}},
		"an expiry more than greatest":       {"expiry", invitations.Config{Expiry: 4 * days, MaxExpiry: 3 * days}},
		"a negative limit":                   {"pending_limit", invitations.Config{PendingLimit: -1}},
		"a limit of more than 100,000":       {"pending_limit", invitations.Config{PendingLimit: 100_001}},
		"negative uses":                      {"max_uses", invitations.Config{MaxUses: -1}},
		"more than a thousand million uses":  {"max_uses", invitations.Config{MaxUses: 1_000_000_001}},
		"a negative limit of members":        {"member_limit", invitations.Config{MemberLimit: -1}},
		"more than 100,000 members":          {"member_limit", invitations.Config{MemberLimit: 100_001}},
		"seats of no number":                 {"reserve_seats", invitations.Config{ReserveSeats: true}},
		"a cooldown of more than a day":      {"resend_cooldown", invitations.Config{ResendCooldown: days + 1}},
		"more than 10,000 to a recipient":    {"sends_per_recipient", invitations.Config{SendsPerRecipient: 10_001}},
		"more than 10,000 by a sender":       {"sends_per_sender", invitations.Config{SendsPerSender: 10_001}},
		"more than 10,000 of all":            {"sends_per_organization", invitations.Config{SendsPerOrganization: 10_001}},
		"a reminder after the expiry":        {"remind_before", invitations.Config{RemindBefore: -1}},
		"a reminder before all that is sent": {"remind_before", invitations.Config{RemindBefore: 30 * days}},
		"the first of several is named":      {"max_expiry", invitations.Config{MaxExpiry: -1, Expiry: -1, MaxUses: -1}},
		"the least limit is one, not a zero": {"pending_limit", invitations.Config{PendingLimit: -1 << 31}},
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

func TestNew_Bounds(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]invitations.Config{
		"zero":                       {},
		"the least":                  {MinExpiry: time.Microsecond, MaxExpiry: time.Microsecond, Expiry: time.Microsecond, PendingLimit: 1, MaxUses: 1},
		"the greatest":               {MinExpiry: 3650 * days, MaxExpiry: 3650 * days, Expiry: 3650 * days, PendingLimit: 100_000, MaxUses: 1_000_000_000},
		"one member":                 {MemberLimit: 1},
		"one member, with a seat":    {MemberLimit: 1, ReserveSeats: true},
		"100,000 members":            {MemberLimit: 100_000, ReserveSeats: true},
		"expiry at the least":        {MinExpiry: 2 * days, Expiry: 2 * days},
		"expiry at the greatest":     {MaxExpiry: 2 * days, Expiry: 2 * days},
		"one expiry":                 {MinExpiry: 2 * days, MaxExpiry: 2 * days},
		"expiry, the default bounds": {Expiry: 30 * days},
		"no limits of mail":          {ResendCooldown: -1, SendsPerRecipient: -1, SendsPerSender: -1, SendsPerOrganization: -1},
		"no limits at all of mail":   {ResendCooldown: -1 << 63, SendsPerRecipient: -1 << 31, SendsPerSender: -1 << 31, SendsPerOrganization: -1 << 31},
		"the least limits of mail":   {ResendCooldown: 1, SendsPerRecipient: 1, SendsPerSender: 1, SendsPerOrganization: 1, RemindBefore: 1},
		"the greatest of mail": {
			ResendCooldown: days, SendsPerRecipient: 10_000, SendsPerSender: 10_000, SendsPerOrganization: 10_000, RemindBefore: 30*days - 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := invitations.New(untouchable(), ringOf(t, testKey), config)
			require.NoError(t, err)
		})
	}
}

// What a zero value means, seen from outside.
func TestNew_Defaults(t *testing.T) {
	t.Parallel()
	store := answering(invitations.Facts{Organization: "acme", Version: 1})
	svc := serviceOn(t, store, invitations.Config{})
	require.Same(t, invitations.DefaultPolicy(), svc.Policy())

	before := time.Now()
	sent, err := svc.CreateLink(t.Context(), invitations.System(), goodLink())
	require.NoError(t, err)
	require.False(t, sent.CreatedAt.Before(before.Truncate(time.Microsecond)), "the clock is the machine's")
	require.False(t, sent.CreatedAt.After(time.Now()))
	require.Equal(t, 7*days, sent.ExpiresAt.Sub(sent.CreatedAt))
	require.Equal(t, 10, store.UpdateCalls()[0].Q.PendingUpTo)

	p := goodLink()
	p.MaxUses = 10_001
	_, err = svc.CreateLink(t.Context(), invitations.System(), p)
	requireInvalid(t, err, "max_uses")
}

// An expiry that is not given is 7 days, or the nearer bound.
func TestNew_DefaultExpiry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config invitations.Config
		want   time.Duration
	}{
		"default":             {invitations.Config{}, 7 * days},
		"given":               {invitations.Config{Expiry: 3 * days}, 3 * days},
		"given, with a rest":  {invitations.Config{Expiry: 3*days + 1999}, 3*days + time.Microsecond},
		"bounded from below":  {invitations.Config{MinExpiry: 14 * days}, 14 * days},
		"bounded from above":  {invitations.Config{MaxExpiry: 2 * days}, 2 * days},
		"bounds around it":    {invitations.Config{MinExpiry: time.Hour, MaxExpiry: 300 * days}, 7 * days},
		"hours, from below":   {invitations.Config{MinExpiry: time.Hour, MaxExpiry: 2 * time.Hour}, 2 * time.Hour},
		"years, given, bound": {invitations.Config{MinExpiry: 365 * days, MaxExpiry: 730 * days}, 365 * days},
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

// The configured bounds and limits are those that count.
func TestNew_OwnLimits(t *testing.T) {
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
	require.Equal(t, invitations.ErrPendingLimit, err)
	require.Equal(t, 3, store.UpdateCalls()[0].Q.PendingUpTo)

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

// What is asked of the store where members are limited: no more than the limit needs to
// know.
func TestNew_MemberLimit(t *testing.T) {
	t.Parallel()
	nina := invitations.Identity{UserID: "nina", Email: "NINA@example.com", EmailVerified: true}
	unverified := nina
	unverified.EmailVerified = false
	odd := nina
	odd.Email = "not an address"
	invite := func(ctx ctxT, svc svcT) { _, _ = svc.Invite(ctx, olgaActs, goodInvite()) }
	link := func(ctx ctxT, svc svcT) { _, _ = svc.CreateLink(ctx, olgaActs, goodLink()) }
	resend := func(ctx ctxT, svc svcT) { _, _ = svc.Resend(ctx, olgaActs, goodResend()) }
	accept := func(who invitations.Identity) func(ctxT, svcT) {
		return func(ctx ctxT, svc svcT) { _, _ = svc.Accept(ctx, validWire().text(), who) }
	}
	next := func(ctx ctxT, svc svcT) {
		_, _ = svc.NextStep(ctx, validWire().text(), invitations.Visitor{Identity: nina})
	}
	type seats struct {
		members, emails int
		recipient       string
		at              time.Time
	}
	for name, c := range map[string]struct {
		call    func(ctxT, svcT)
		limit   int
		reserve bool
		want    seats
	}{
		"invite, no limit":             {invite, 0, false, seats{at: noon}},
		"invite, a limit":              {invite, 5, false, seats{at: noon}},
		"invite, seats":                {invite, 5, true, seats{members: 5, emails: 5, at: noon}},
		"link, seats":                  {link, 5, true, seats{at: noon}},
		"resend, a limit":              {resend, 5, false, seats{at: noon}},
		"resend, seats":                {resend, 5, true, seats{members: 5, emails: 5, at: noon}},
		"accept, no limit":             {accept(nina), 0, false, seats{}},
		"accept, a limit":              {accept(nina), 5, false, seats{members: 5}},
		"accept, seats":                {accept(nina), 5, true, seats{members: 5, emails: 6, recipient: "nina@example.com", at: noon}},
		"accept, seats, no proof":      {accept(unverified), 5, true, seats{members: 5, emails: 6, at: noon}},
		"accept, seats, no address":    {accept(odd), 5, true, seats{members: 5, emails: 6, at: noon}},
		"next, seats, as for accept":   {next, 5, true, seats{members: 5, emails: 6, recipient: "nina@example.com", at: noon}},
		"next, a limit, as for accept": {next, 5, false, seats{members: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := atNoon()
			config.MemberLimit, config.ReserveSeats = c.limit, c.reserve
			store := answering(ninaInvited())
			c.call(t.Context(), serviceOn(t, store, config))
			var q invitations.Query
			for _, call := range store.UpdateCalls() {
				q = call.Q
			}
			for _, call := range store.ViewCalls() {
				q = call.Q
			}
			require.Equal(t, c.want, seats{q.MembersUpTo, q.PendingEmailsUpTo, q.PendingFor, q.PendingAt})
		})
	}
}

// The limits reach the rules.
func TestNew_MemberLimitCounts(t *testing.T) {
	t.Parallel()
	config := atNoon()
	config.MemberLimit = 5
	full := ninaInvited()
	full.MemberCount = 5
	nina := invitations.Identity{UserID: "nina", Email: "nina@example.com", EmailVerified: true}
	_, err := serviceOn(t, answering(full), config).Accept(t.Context(), validWire().text(), nina)
	require.Equal(t, invitations.ErrMemberLimit, err)
	next, err := serviceOn(t, answering(full), config).NextStep(t.Context(), validWire().text(), invitations.Visitor{Identity: nina})
	require.NoError(t, err)
	require.Equal(t, invitations.NextStep{Step: invitations.StepStop, Offer: offer, Reason: invitations.ErrMemberLimit}, next)

	config.ReserveSeats = true
	taken := workable("Invite")
	taken.MemberCount, taken.PendingEmailCount = 4, 1
	_, err = serviceOn(t, answering(taken), config).Invite(t.Context(), olgaActs, goodInvite())
	require.Equal(t, invitations.ErrMemberLimit, err)
	taken.PendingEmailCount = 0
	_, err = serviceOn(t, answering(taken), config).Invite(t.Context(), olgaActs, goodInvite())
	require.NoError(t, err)
}
