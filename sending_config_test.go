package invitations_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// sentBefore are n sendings of an hour ago.
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

// What the limits of mail are, seen from outside: those of the zero Config, others, and none.
func TestNew_SendingLimits(t *testing.T) {
	t.Parallel()
	var defaults, some, none invitations.Config
	some.ResendCooldown = time.Hour
	some.SendsPerRecipient, some.SendsPerSender, some.SendsPerOrganization = 2, 3, 4
	none.ResendCooldown, none.SendsPerRecipient, none.SendsPerSender, none.SendsPerOrganization = -1, -1, -1, -1
	for name, c := range map[string]struct {
		config                          invitations.Config
		cooldown                        time.Duration // 0: none
		recipient, sender, organization int
		upTo                            int // sendings that are asked for
	}{
		"the defaults": {defaults, time.Minute, 10, 100, 100, 100},
		"others":       {some, time.Hour, 2, 3, 4, 4},
		"of a sender alone": {
			invitations.Config{ResendCooldown: -1, SendsPerRecipient: -1, SendsPerOrganization: -1}, 0, 0, 100, 0, 10_000,
		},
		"of a recipient alone": {
			invitations.Config{ResendCooldown: -1, SendsPerSender: -1, SendsPerOrganization: -1}, 0, 10, 0, 0, 10_000,
		},
		"of the organization alone": {invitations.Config{ResendCooldown: -1, SendsPerRecipient: -1, SendsPerSender: -1}, 0, 0, 0, 100, 100},
		"none":                      {none, 0, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.config.Clock = atNoon().Clock
			invite := func(sent []invitations.Sending) error {
				f := workable("Invite")
				f.Sendings = sent
				store := answering(f)
				_, err := serviceOn(t, store, c.config).Invite(t.Context(), olgaActs, goodInvite())
				q := store.UpdateCalls()[0].Q
				require.Equal(t, c.upTo, q.SendingsUpTo)
				require.Equal(t, c.upTo > 0, q.SendingsAfter.Equal(noon.Add(-days)))
				return err
			}
			for of, limit := range map[string]int{"recipient": c.recipient, "sender": c.sender, "organization": c.organization} {
				sender, email := "adam", ""
				switch of {
				case "recipient":
					email = "nina@example.com"
				case "sender":
					sender = "olga"
				}
				if limit == 0 {
					most := 10_000
					if c.organization > 0 { // which counts all of them
						most = c.organization - 1
					}
					require.NoError(t, invite(sentBefore(most, sender, email)), of)
					continue
				}
				require.NoError(t, invite(sentBefore(limit-1, sender, email)), of)
				require.ErrorIs(t, invite(sentBefore(limit, sender, email)), invitations.ErrRateLimited, of)
			}

			resend := func(ago time.Duration) error {
				f := workable("Resend")
				f.Invitation.SentAt = noon.Add(-ago)
				_, err := serviceOn(t, answering(f), c.config).Resend(t.Context(), olgaActs, goodResend())
				return err
			}
			require.NoError(t, resend(c.cooldown))
			if c.cooldown > 0 {
				require.ErrorIs(t, resend(c.cooldown-time.Microsecond), invitations.ErrTooSoon)
			}
		})
	}
}

// Reminders are off, or as long before the expiry as is said, cut to microseconds.
func TestNew_RemindBefore(t *testing.T) {
	t.Parallel()
	for before, want := range map[time.Duration]time.Time{
		0: noon.Add(7 * days), 2 * days: noon.Add(5 * days), 1999: noon.Add(7*days - time.Microsecond), 999: noon.Add(7 * days), 7 * days: noon.Add(7 * days),
	} {
		config := atNoon()
		config.RemindBefore = before
		var put invitations.Record
		store := &StoreMock{UpdateFunc: func(_ ctxT, _ invitations.Query, decide invitations.Decision) error {
			changes, err := decide(workable("Invite"))
			put = changes.Invitations[0]
			return err
		}}
		_, err := serviceOn(t, store, config).Invite(t.Context(), olgaActs, goodInvite())
		require.NoError(t, err)
		require.Equal(t, want, put.SweepAt, before)
	}
}
