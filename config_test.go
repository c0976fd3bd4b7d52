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
		"expiry at the least":        {MinExpiry: 2 * days, Expiry: 2 * days},
		"expiry at the greatest":     {MaxExpiry: 2 * days, Expiry: 2 * days},
		"one expiry":                 {MinExpiry: 2 * days, MaxExpiry: 2 * days},
		"expiry, the default bounds": {Expiry: 30 * days},
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
	p := invitations.LinkParams{Organization: "acme", Role: "guest", MaxUses: 2, ExpiresIn: time.Hour}
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
