package invitations

import (
	"context"
	"time"
)

// Config configures a [Service]. The zero Config is ready to use.
type Config struct {
	// Policy is the set of roles with their permissions; nil means [DefaultPolicy].
	Policy *Policy
	// Clock returns the present time, which decides expiry and everything else that depends
	// on time; nil means time.Now. It must be safe for concurrent use. Its times are truncated
	// to microseconds. The clocks of all processes should agree: an invitation that is pending
	// for one and expired for another counts differently toward the limits.
	Clock func() time.Time
	// Observe, if it is not nil, is called when an operation begins, for tracing, metrics and
	// logs. The operation is the name of a method of [Service], such as "Accept". An iterator
	// is observed as one operation for each page, under the name of the list. Observe returns
	// the context in which the operation goes on, and a function that is called once when it
	// ends: with its error, with nil, or with another error if it panics.
	//
	// Most errors are refusals, which are not faults of the program: [ProblemOf] tells them
	// apart. No refusal has a token or an address in its text. [Service.InviteAll] is one
	// operation: the refusals of its rows are in its outcomes.
	//
	// Observe must be safe for concurrent use, and must return a function.
	Observe func(ctx context.Context, operation string) (context.Context, func(error))

	// Expiry is the lifetime of an invitation that does not set its own; 0 means 7 days, or
	// the nearest bound. MinExpiry and MaxExpiry bound the lifetime; 0 means 1 day and 30 days.
	// All three must be between 1 microsecond and 3650 days.
	Expiry, MinExpiry, MaxExpiry time.Duration
	// PendingLimit is the largest number of pending invitations of an organization, of both
	// kinds; 0 means 10. At most 100,000.
	PendingLimit int
	// MaxUses is the largest limit of uses that a link can have; 0 means 10,000. At most
	// 1,000,000,000. Links without a limit of uses remain possible.
	MaxUses int
	// MemberLimit is the largest number of members of an organization; 0 means no limit. At
	// most 100,000. It is checked when somebody joins, or takes a role that takes a seat.
	// Lowering it removes nobody. [Service.SetLimits] sets that of one organization.
	MemberLimit int
	// ReserveSeats makes each pending email invitation hold a seat for its recipient. An
	// invitation without a free seat is refused at once. A link holds no seat. Without a member
	// limit there is nothing to reserve.
	ReserveSeats bool

	// ResendCooldown is the time that must pass between two sendings of one email
	// invitation; 0 means 60 seconds, a negative value no cooldown. At most 24 hours.
	ResendCooldown time.Duration
	// SendsPerRecipient, SendsPerSender and SendsPerOrganization limit the mail of an
	// organization within 24 hours: to one address, by one user, and altogether. 0 means 10,
	// 100 and 100; a negative value means no limit. At most 10,000. Every email invitation and
	// every resend of one counts. [System] has no limit per sender.
	//
	// A decision reads up to SendsPerOrganization sendings. Without that limit it reads the
	// newest 10,000, and the other two limits see no more than those.
	SendsPerRecipient, SendsPerSender, SendsPerOrganization int

	// RemindBefore is how long before its expiry [Service.Sweep] returns an email invitation
	// for a reminder; 0 means never. It must be less than MaxExpiry. Invitations that live no
	// longer than that get no reminder. The value at the time of sending, or of an edit of the
	// expiry, counts. A sending has at most one reminder. An edit gives none to an invitation
	// that had none or has none left.
	RemindBefore time.Duration
}

const day = 24 * time.Hour

const (
	// sendingWindow is the period of the sending limits: the last 24 hours, not a calendar day.
	sendingWindow = 24 * time.Hour
	// maxSendings bounds the sending limits, and so the number of sendings a decision reads.
	maxSendings = 10_000
)

// complete returns c with its defaults, or an [InvalidError] if a field is out of bounds.
func (c Config) complete() (Config, error) {
	if c.Policy == nil {
		c.Policy = DefaultPolicy()
	}
	if !c.Policy.Has(RoleOwner) {
		return c, invalid("policy", "not_constructed", "must be made by NewPolicy")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}

	const off = -1 // any negative value switches a limit off
	c.ResendCooldown = max(c.ResendCooldown, off)
	c.SendsPerRecipient = max(c.SendsPerRecipient, off)
	c.SendsPerSender = max(c.SendsPerSender, off)
	c.SendsPerOrganization = max(c.SendsPerOrganization, off)
	var err error
	// The last three arguments are the default, the least and the largest value.
	setting(&err, "min_expiry", &c.MinExpiry, day, time.Microsecond, 3650*day)
	setting(&err, "max_expiry", &c.MaxExpiry, 30*day, c.MinExpiry, 3650*day)
	setting(&err, "expiry", &c.Expiry, min(max(7*day, c.MinExpiry), c.MaxExpiry), c.MinExpiry, c.MaxExpiry)
	setting(&err, "pending_limit", &c.PendingLimit, 10, 1, maxLimit)
	setting(&err, "max_uses", &c.MaxUses, 10_000, 1, 1_000_000_000)
	setting(&err, "member_limit", &c.MemberLimit, 0, 0, maxLimit)
	setting(&err, "resend_cooldown", &c.ResendCooldown, time.Minute, off, day)
	setting(&err, "sends_per_recipient", &c.SendsPerRecipient, 10, off, maxSendings)
	setting(&err, "sends_per_sender", &c.SendsPerSender, 100, off, maxSendings)
	setting(&err, "sends_per_organization", &c.SendsPerOrganization, 100, off, maxSendings)
	switch {
	case err != nil:
	case c.RemindBefore < 0 || c.RemindBefore >= c.MaxExpiry:
		err = outOfRangeBecause("remind_before", "must be at least 0 and less than max_expiry", 0, c.MaxExpiry-time.Microsecond)
	}
	c.MinExpiry, c.MaxExpiry = c.MinExpiry.Truncate(time.Microsecond), c.MaxExpiry.Truncate(time.Microsecond)
	c.Expiry = c.Expiry.Truncate(time.Microsecond)
	c.RemindBefore = c.RemindBefore.Truncate(time.Microsecond)
	c.ResendCooldown = c.ResendCooldown.Truncate(time.Microsecond)
	return c, err
}

// setting replaces a zero value by its default and checks the bounds. It keeps an earlier
// error.
func setting[T int | time.Duration](err *error, field string, value *T, fallback, least, most T) {
	if *value == 0 {
		*value = fallback
	}
	switch {
	case *err != nil || *value >= least && *value <= most:
	case least < 0:
		*err = tooLarge(field, most)
	default:
		*err = outOfRange(field, least, most)
	}
}

// rules returns the rules as of now.
func (c *Config) rules(now time.Time) rules {
	return rules{
		now: now, policy: c.Policy,
		minExpiry: c.MinExpiry, maxExpiry: c.MaxExpiry,
		limits:       Limits{Members: c.MemberLimit, Pending: c.PendingLimit, Expiry: c.Expiry},
		reserveSeats: c.ReserveSeats, remindBefore: c.RemindBefore,
		cooldown:          max(0, c.ResendCooldown),
		sendsPerRecipient: max(0, c.SendsPerRecipient), sendsPerSender: max(0, c.SendsPerSender),
		sendsPerOrganization: max(0, c.SendsPerOrganization),
	}
}

// lifetime returns the lifetime of an invitation that expires in d, or 0 for a default.
func (c *Config) lifetime(d time.Duration) (time.Duration, error) {
	if d == 0 {
		return 0, nil
	}
	d = d.Truncate(time.Microsecond)
	if d < c.MinExpiry || d > c.MaxExpiry {
		return 0, outOfRange("expires_in", c.MinExpiry, c.MaxExpiry)
	}
	return d, nil
}

func (c *Config) checkMaxUses(n int) error {
	if n < 0 || n > c.MaxUses {
		return outOfRange("max_uses", 0, c.MaxUses)
	}
	return nil
}
