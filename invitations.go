// Package invitations adds team invitations to a program: its users invite others to their
// organizations by email or by a link that can be shared. Invitations expire, are resent,
// edited, revoked, declined and accepted. Accepting makes a person a member with a role.
//
// Members change roles, leave, are removed and hand over ownership. The program's own routes
// ask [Service.Authorize] whether a user holds a permission. Quotas limit the use
// of an organization and its members: see [Service.Consume].
//
// A [Service] works on a [Store]: memstore, pgstore, sqlitestore, or one of the program's own.
//
//	svc, err := invitations.New(memstore.New(), keys, invitations.Config{})
//	sent, err := svc.Invite(ctx, invitations.User("ada"), invitations.InviteParams{
//		Organization: "acme", Email: "bob@example.com", Role: invitations.RoleDeveloper,
//	})
//	joined, err := svc.Accept(ctx, token, invitations.Identity{UserID: "bob", ...})
//
// # Guarantees
//
// Every rule is decided inside the one atomic step that reads the facts and writes the
// changes. The following therefore holds under any concurrency:
//
//   - An email invitation is accepted once, by an identity whose verified address is the
//     invited one. A link is never used more often than its limit.
//   - Nobody grants a role with a permission that they do not hold at that instant. The
//     sender's permissions are checked again at acceptance.
//   - Resending or revoking an invitation kills the old token at once. Expiry is checked at
//     use, by the clock of [Config], and needs no background job.
//   - A removed member cannot return through an invitation that was sent before. An
//     invitation admits nobody if its sender, since removed or demoted, could no longer send
//     it.
//   - An organization always has an owner. Limits of members, of pending invitations and of
//     mail are never exceeded, and neither are quotas.
//   - Every change writes its events. [Service.Timeline] and [Service.Feed] miss none.
//   - A refusal changes nothing. It matches one of the errors of this package, each with a
//     stable code.
//   - A call whose answer was lost can be repeated: [Service.Accept] as it is,
//     [Service.Invite] and [Service.CreateLink] with an ID of the caller's.
//
// The documentation of an operation lists its refusals. In addition, every call can return
// an error of its context or of the store, and every change can return [ErrOutcomeUnknown]
// or [ErrConcurrentChange].
//
// # Duties of the host
//
// The host is the program that embeds the library. It owns users, sessions, HTTP and mail;
// the library does not know them.
//
//   - It names the actor ([User], or [System] for itself) and the person answering an
//     invitation ([Identity]). A user ID must always mean the same person, and must never be
//     given to another. EmailVerified must be true only with proof that the user owns the
//     address.
//   - It sends the mail. It must build links from its own configuration, never from a
//     request.
//   - It must keep tokens out of logs and referrers, and should limit how often a client can
//     try tokens.
//   - It must call [Service.Accept] and [Service.Decline] only for a POST that another site
//     cannot forge.
//
// # Values
//
// Organization and user IDs are the host's: 1 to 255 bytes of valid UTF-8 without control
// characters, compared byte for byte. Email addresses have the form of [CanonicalEmail].
// Every other text has a bound where it is declared. A value out of bounds is refused with
// an [InvalidError] before the store is called.
//
// All times come from the clock of [Config], in UTC, truncated to microseconds. An invitation
// has expired from the instant of its ExpiresAt on.
//
// # Writing a store
//
// Programs that use memstore, pgstore or sqlitestore can skip these types: [Store], [Decision],
// [Query], [Facts], [Changes], [Record], [Sending], [Page], [InvitationQuery],
// [InvitationPosition], [MemberQuery], [WorkspaceQuery], [Membership], [EventQuery],
// [EventPosition], [StatisticsQuery], [QuotaRecord], [Consumption], [Consumed], [UsageQuery],
// [PurgeQuery], [Person] and [Totals].
//
// A store keeps rows and makes steps atomic. It knows no rule, so no two stores can differ
// in one. [Store] documents the contract, package storetest checks it, and package
// sqlitestore, on SQLite, is the model to read.
//
// # Compatibility
//
// The last two releases of Go are supported. Error codes, the format of tokens and the
// tables of pgstore and sqlitestore change only in ways that let the old and the new version
// run side by side. Before version 1, names in Go may still change; the changelog lists them.
package invitations

import (
	"context"
	"time"
)

// A Service is the entry point of this package: every operation is one of its methods. It
// keeps no state and starts no goroutine. It is safe for concurrent use.
type Service struct {
	store  Store
	keys   *Keyring
	config Config
}

// New returns a Service that works on store and signs tokens with keys. A missing argument
// or a field of config out of bounds is refused with an [InvalidError].
func New(store Store, keys *Keyring, config Config) (*Service, error) {
	switch {
	case store == nil:
		return nil, invalid("store", "required", "must not be nil")
	case keys == nil || len(keys.keys) == 0:
		return nil, invalid("keys", "not_constructed", "must be made by NewKeyring")
	}
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	return &Service{store: store, keys: keys, config: config}, nil
}

// WithStore returns a copy of s that works on store. It is the way to run an operation in a
// transaction of the host's:
//
//	svc.WithStore(store.WithTx(tx)).Accept(ctx, token, identity)
func (s *Service) WithStore(store Store) *Service {
	t := *s
	t.store = store
	return &t
}

// Policy returns the roles and permissions of s.
func (s *Service) Policy() *Policy { return s.config.Policy }

// now returns the present time in the precision of the library.
func (s *Service) now() time.Time {
	return s.config.Clock().UTC().Truncate(time.Microsecond)
}

// rules returns the rules as of now.
func (s *Service) rules() rules { return s.config.rules(s.now()) }

// run runs an act in the store's atomic step. The rules are as of the step and not of the
// call, which may have waited for other changes: an invitation that expires meanwhile has
// expired.
func run[T any](ctx context.Context, s *Service, a act[T]) (T, error) {
	return runIn(ctx, s, s.store.Update, a)
}

// runIn is run in one of the store's atomic steps.
func runIn[T any](ctx context.Context, s *Service, step func(context.Context, Query, Decision) error, a act[T]) (T, error) {
	var result, none T
	err := step(ctx, a.needs(s.rules()), func(f Facts) (changes Changes, err error) {
		result, changes, err = a.decide(s.rules().in(f), f) // the last call counts
		return changes, err
	})
	if err != nil {
		return none, err
	}
	return result, nil
}

// view loads the facts of q, with the rules as of the reading.
func (s *Service) view(ctx context.Context, q Query) (rules, Facts, error) {
	f, err := s.store.View(ctx, q)
	return s.rules().in(f), f, err
}
