// Package invitations lets a program's users invite others to their organizations: by
// email, or by a link that can be shared. Invitations expire, are resent, revoked, declined
// and accepted; whoever accepts becomes a member with a role.
//
// Members have roles that change, leave, are removed and hand over ownership; a host's own
// routes ask [Service.Authorize] what somebody may do. What members consume can be limited,
// for the organization and for each of them: [Service.Consume].
//
// A [Service] works on a [Store]: memstore, pgstore, or the program's own.
//
//	svc, err := invitations.New(memstore.New(), keys, invitations.Config{})
//	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
//		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
//	})
//	member, err := svc.Accept(ctx, token, invitations.Identity{UserID: "bob", ...})
//
// # What is guaranteed
//
// Every rule is decided inside the one atomic step that reads the facts and writes the
// changes, whatever the concurrency:
//
//   - An email invitation is accepted once, by an identity whose verified address is
//     the invited one. A link is used no more often than it may be.
//   - Nobody gives a role with a permission that they do not hold at that instant, and
//     an invitation is worth only what its sender could still send when it is accepted.
//   - A resend or a revocation kills the old token at once; expiry is checked at use, by
//     the clock of [Config], and needs no background job.
//   - A member who was removed does not come back by anything sent before, and nothing that
//     they sent, and could not send any more, brings anybody in.
//   - An organization always has an owner. A quota is never passed, nor a limit of members, of
//     pending invitations or of what is mailed in a day.
//   - Every change writes its events: [Service.Timeline] and [Service.Feed] miss none.
//   - A refusal changes nothing. Every refusal matches one of the sentinel errors of
//     this package, and each has a stable code.
//   - A call whose answer was lost can be repeated: [Service.Accept] by its nature,
//     [Service.Invite] and [Service.CreateLink] by an id of the caller's.
//
// Beside the refusals that its documentation lists, every call can return the error of its
// context and errors of the store; every change also [ErrOutcomeUnknown] and
// [ErrConcurrentChange].
//
// # What the host vouches for
//
// The library knows no users, sessions, HTTP or mail. The host says who acts ([User], or
// [System] for itself) and who answers ([Identity]): that the user id is of the person who
// is signed in, never changes and is never given to somebody else, and that the address is
// verified where EmailVerified says so. It sends the mail, builds the link from a base URL
// of its own configuration, never from a request, keeps tokens out of logs and referrers,
// limits how often strangers can try tokens, and lets [Service.Accept] and
// [Service.Decline] be reached only by a POST that another site cannot forge.
//
// # Texts
//
// Organization and user ids are the host's: 1 to 255 bytes of valid UTF-8 without control
// characters, compared byte for byte. Addresses are brought into the form of
// [CanonicalEmail]. Whatever else is taken has a bound, told where it is declared. A value
// out of bounds is refused with an [InvalidError] before any store is asked.
//
// # Times
//
// All times come from the clock of [Config], in UTC, cut to microseconds. An invitation has
// expired from the instant of its ExpiresAt on.
//
// # Compatibility
//
// The last two releases of Go are supported. The error codes, the token format and the
// tables of pgstore change only in ways that let the old and the new version run side by
// side. Before version 1, names in Go may still change; the changelog says so.
package invitations

import (
	"context"
	"time"
)

// A Service is the library's front: every operation is a method of it. It holds no state of
// its own and starts no goroutine; it is safe for concurrent use.
type Service struct {
	store  Store
	keys   *Keyring
	config Config
}

// Config is what a [Service] can be told. The zero Config is ready to use.
type Config struct {
	// Policy is the roles and their permissions; nil is [DefaultPolicy].
	Policy *Policy
	// Clock gives the present time, and alone decides expiry; nil is time.Now. It must be
	// safe for concurrent use. Its times are cut to microseconds. The clocks of several
	// processes should agree: what is pending to one and expired to the other counts
	// differently for the limits.
	Clock func() time.Time

	// Expiry is how long an invitation lives that does not say so itself; 0 is 7 days, or
	// the nearer bound. MinExpiry and MaxExpiry bound what one may say, and Expiry too; 0 is 1
	// day and 30 days. All are between 1 microsecond and 3650 days.
	Expiry, MinExpiry, MaxExpiry time.Duration
	// PendingLimit is how many invitations of an organization, of both kinds, can be
	// pending at once; 0 is 10. At most 100,000.
	PendingLimit int
	// MaxUses is the most that a link may be limited to; 0 is 10,000. At most
	// 1,000,000,000. Links without a limit stay possible.
	MaxUses int
	// MemberLimit is how many members an organization can have; 0 is without limit. At most
	// 100,000. It counts when an invitation is accepted; lowering it removes nobody.
	MemberLimit int
	// ReserveSeats has each pending email invitation hold a seat for its recipient, so that
	// they find room when they accept; an invitation for which there is no seat is refused.
	// A link holds none, and who joins by one needs no invitation by email any more: theirs
	// is revoked in the same step. ReserveSeats needs a MemberLimit.
	ReserveSeats bool

	// ResendCooldown is how long after an email invitation was sent it can be sent again; 0 is
	// 60 seconds, a negative value no cooldown. At most 24 hours.
	ResendCooldown time.Duration
	// SendsPerRecipient is how many mails an organization can send to one address within 24
	// hours, whoever calls and however many calls there are; 0 is 10. SendsPerSender is how
	// many one user can send in an organization; 0 is 100. SendsPerOrganization is how many
	// the organization can send; 0 is 100. Every email invitation and every resend of one
	// counts, those of System for the first and the last limit only. Each is at most 10,000; a
	// negative value is no limit.
	//
	// To decide, up to SendsPerOrganization sendings of the last 24 hours are read. Without
	// that limit it is the newest 10,000, and the other two limits see no more than those.
	SendsPerRecipient, SendsPerSender, SendsPerOrganization int

	// RemindBefore is how long before its expiry an email invitation is handed out by
	// [Service.Sweep], so that its recipient is reminded; 0 is never. One that lives no longer
	// than that is not. What counts is the value when the invitation is sent, or its expiry
	// edited; there is one reminder of a sending at most. It is less than MaxExpiry.
	RemindBefore time.Duration
}

const day = 24 * time.Hour

// New returns a Service on store that signs tokens with keys. What config says must be
// within its bounds, or the error is an [InvalidError].
func New(store Store, keys *Keyring, config Config) (*Service, error) {
	switch {
	case store == nil:
		return nil, invalid("store", "is missing")
	case keys == nil || len(keys.keys) == 0:
		return nil, invalid("keys", "are missing")
	}
	if config.Policy == nil {
		config.Policy = DefaultPolicy()
	}
	if !config.Policy.Has(RoleOwner) {
		return nil, invalid("policy", "was not made by NewPolicy")
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	setDefault(&config.MinExpiry, day)
	setDefault(&config.MaxExpiry, 30*day)
	setDefault(&config.Expiry, min(max(7*day, config.MinExpiry), config.MaxExpiry))
	setDefault(&config.PendingLimit, 10)
	setDefault(&config.MaxUses, 10_000)
	setDefault(&config.ResendCooldown, time.Minute)
	setDefault(&config.SendsPerRecipient, 10)
	setDefault(&config.SendsPerSender, 100)
	setDefault(&config.SendsPerOrganization, 100)
	switch {
	case config.MinExpiry < time.Microsecond:
		return nil, invalid("min_expiry", "is less than a microsecond")
	case config.MaxExpiry < config.MinExpiry || config.MaxExpiry > 3650*day:
		return nil, invalid("max_expiry", "is not between min_expiry and 3650 days")
	case config.Expiry < config.MinExpiry || config.Expiry > config.MaxExpiry:
		return nil, invalid("expiry", "is not between min_expiry and max_expiry")
	case config.PendingLimit < 1 || config.PendingLimit > 100_000:
		return nil, invalid("pending_limit", "is not between 1 and 100000")
	case config.MaxUses < 1 || config.MaxUses > 1_000_000_000:
		return nil, invalid("max_uses", "is not between 1 and 1000000000")
	case config.MemberLimit < 0 || config.MemberLimit > 100_000:
		return nil, invalid("member_limit", "is not between 0 and 100000")
	case config.ReserveSeats && config.MemberLimit == 0:
		return nil, invalid("reserve_seats", "needs a member limit")
	case config.ResendCooldown > day:
		return nil, invalid("resend_cooldown", "is more than 24 hours")
	case config.SendsPerRecipient > maxSendings:
		return nil, invalid("sends_per_recipient", "is more than 10000")
	case config.SendsPerSender > maxSendings:
		return nil, invalid("sends_per_sender", "is more than 10000")
	case config.SendsPerOrganization > maxSendings:
		return nil, invalid("sends_per_organization", "is more than 10000")
	case config.RemindBefore < 0 || config.RemindBefore >= config.MaxExpiry:
		return nil, invalid("remind_before", "is not between 0 and max_expiry, without the latter")
	}
	config.Expiry = config.Expiry.Truncate(time.Microsecond)
	config.RemindBefore = config.RemindBefore.Truncate(time.Microsecond)
	config.ResendCooldown = config.ResendCooldown.Truncate(time.Microsecond)
	return &Service{store: store, keys: keys, config: config}, nil
}

func setDefault[T time.Duration | int](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}

// WithStore returns a Service that is s but for its store. It is how an operation joins a
// transaction of the host's:
//
//	svc.WithStore(store.WithTx(tx)).Accept(ctx, token, identity)
func (s *Service) WithStore(store Store) *Service {
	t := *s
	t.store = store
	return &t
}

// Policy returns the roles that s works with.
func (s *Service) Policy() *Policy { return s.config.Policy }

// now returns the clock's time as all of the library keeps it.
func (s *Service) now() time.Time {
	return s.config.Clock().UTC().Truncate(time.Microsecond)
}

// rules returns the rules as of now.
func (s *Service) rules() rules {
	return rules{
		policy: s.config.Policy, pendingLimit: s.config.PendingLimit,
		minExpiry: s.config.MinExpiry, maxExpiry: s.config.MaxExpiry,
		memberLimit: s.config.MemberLimit, reserveSeats: s.config.ReserveSeats,
		remindBefore: s.config.RemindBefore, sending: s.config.sending(), now: s.now(),
	}
}

// sending returns the limits of sending, with 0 where there is none.
func (c *Config) sending() sendingLimits {
	return sendingLimits{
		cooldown:     max(0, c.ResendCooldown),
		perRecipient: max(0, c.SendsPerRecipient), perSender: max(0, c.SendsPerSender), perOrganization: max(0, c.SendsPerOrganization),
	}
}

// update runs decide in the store's atomic step and returns the result of its last run. The
// rules are as of the step, not of the call, which may have waited for others: what expires
// in the meantime has expired.
func update[T any](ctx context.Context, s *Service, q Query, decide func(rules, Facts) (T, Changes, error)) (T, error) {
	return decideIn(ctx, s, s.store.Update, q, decide)
}

func decideIn[T any](ctx context.Context, s *Service, step func(context.Context, Query, Decision) error, q Query, decide func(rules, Facts) (T, Changes, error)) (T, error) {
	var result, none T
	err := step(ctx, q, func(f Facts) (changes Changes, err error) {
		result, changes, err = decide(s.rules(), f)
		return changes, err
	})
	if err != nil {
		return none, err
	}
	return result, nil
}

// view loads the facts that q asks for. Here too the rules are as of the reading.
func (s *Service) view(ctx context.Context, q Query) (rules, Facts, error) {
	f, err := s.store.View(ctx, q)
	return s.rules(), f, err
}
