package invitations

import (
	"context"
	"time"
)

// A Service is the library's front: every operation is a method of it. It holds no
// state of its own and starts no goroutine; it is safe for concurrent use.
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
	// safe for concurrent use. Its times are cut to microseconds.
	Clock func() time.Time

	// Expiry is how long an invitation lives that does not say so itself;
	// 0 is 7 days, or the nearer bound. MinExpiry and MaxExpiry bound what one may
	// say; 0 is 1 day and 30 days.
	Expiry, MinExpiry, MaxExpiry time.Duration
	// PendingLimit is how many invitations of an organization, of both kinds, can be
	// pending at once; 0 is 10. At most 100,000.
	PendingLimit int
	// MaxUses is the most that a link may be limited to; 0 is 10,000.
	MaxUses int
}

const day = 24 * time.Hour

// New returns a Service on store that signs tokens with keys. What config
// says must be within its bounds, or the error is an [InvalidError].
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
	}
	config.Expiry = config.Expiry.Truncate(time.Microsecond)
	return &Service{store: store, keys: keys, config: config}, nil
}

func setDefault[T time.Duration | int](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}

// WithStore returns a Service that is s but for its store. It is how an
// operation joins a transaction of the host's:
//
//	svc.WithStore(pgstore.New(tx)).Accept(ctx, token, identity)
func (s *Service) WithStore(store Store) *Service {
	t := *s
	t.store = store
	return &t
}

// Policy returns the roles that s works with.
func (s *Service) Policy() *Policy { return s.config.Policy }

// An Actor is who performs an operation: [User] or [System]. The zero Actor is
// nobody, and every operation refuses it.
type Actor struct {
	user   string
	system bool
}

// User returns the actor who is the user with this id. What they may do is
// what their role in the organization allows at the instant of the change.
func User(id string) Actor { return Actor{user: id} }

// System returns the actor that is the host's own backend. It may do everything
// that the policy knows. Never derive it from a request.
func System() Actor { return Actor{system: true} }

func (a Actor) check() error {
	if a.system {
		return nil
	}
	return checkUser("actor", a.user)
}

// members returns the user ids whose roles decide what a may do.
func (a Actor) members() []string {
	if a.system {
		return nil
	}
	return []string{a.user}
}

// now returns the clock's time as all of the library keeps it.
func (s *Service) now() time.Time {
	return s.config.Clock().UTC().Truncate(time.Microsecond)
}

// rules returns the rules as of now.
func (s *Service) rules() rules {
	return rules{policy: s.config.Policy, pendingLimit: s.config.PendingLimit, now: s.now()}
}

// update runs decide in the store's atomic step and returns the result of
// its last run.
func update[T any](ctx context.Context, s *Service, q Query, decide func(Facts) (T, Changes, error)) (T, error) {
	var result, none T
	err := s.store.Update(ctx, q, func(f Facts) (changes Changes, err error) {
		result, changes, err = decide(f)
		return changes, err
	})
	if err != nil {
		return none, err
	}
	return result, nil
}
