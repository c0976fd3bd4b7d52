package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// A race begins no round after raceTime, but it runs at least minRounds rounds. It runs at most
// maxRounds.
const (
	raceTime  = 200 * time.Millisecond
	minRounds = 3
	maxRounds = 30
)

const crowdSize = 32 // the number of calls in most rounds

// A race is a check of simultaneous calls. It repeats its round, which returns an error if the
// results have no order that explains them. It is a value, so that a test can show that a
// store whose methods are not atomic fails every race.
type race struct {
	name    string
	config  invitations.Config
	members map[string]invitations.Role // of the organization at the beginning; nil: ada, its owner
	round   func(r *round) error
}

// A round is one repetition of a race, in organizations of its own.
type round struct {
	ctx          context.Context
	store        invitations.Store
	svc          *invitations.Service
	clock        *clock
	n            int // the number of rounds before this one
	organization string
	random       *rand.Rand
}

var races = slices.Concat(
	updateRaces, inviteRaces, acceptRaces, seatRaces, memberRaces, quotaRaces, feedRaces, sweepRaces,
	deletionRaces, purgeRaces, eraseRaces,
)

func raceChecks() (checks []check) {
	for _, r := range races {
		checks = append(checks, check{r.name, func(w *world) {
			begin := time.Now() //nolint:forbidigo // real time bounds a race, and decides nothing else
			n, err := r.run(w.ctx, w.store, func(n int) bool {
				spent := time.Since(begin) //nolint:forbidigo // as above
				return n < minRounds || n < maxRounds && spent < raceTime
			})
			if err != nil {
				w.Errorf("round %d: %v", n, err)
			}
			w.Logf("%d rounds", n)
		}})
	}
	return checks
}

// run runs rounds while more returns true, which it asks with the number of rounds so far. It
// returns the number of rounds, and the error of the last one.
func (r race) run(ctx context.Context, store invitations.Store, more func(n int) bool) (n int, err error) {
	for ; err == nil && more(n); n++ {
		err = r.once(ctx, store, n)
	}
	return n, err
}

func (r race) once(ctx context.Context, store invitations.Store, n int) error {
	c := &clock{now: start}
	members := r.members
	if members == nil {
		members = map[string]invitations.Role{"ada": invitations.RoleOwner}
	}
	organization := fmt.Sprintf("round %d", n)
	if err := assemble(ctx, store, organization, members); err != nil {
		return err
	}
	return r.round(&round{
		ctx: ctx, store: store, svc: newService(store, c, r.config), clock: c,
		n: n, organization: organization, random: rand.New(rand.NewPCG(rand.Uint64(), 1)),
	})
}

// assemble creates an organization with members of these roles.
func assemble(ctx context.Context, store invitations.Store, organization string, roles map[string]invitations.Role) error {
	var c invitations.Changes
	for user, role := range roles {
		c.Members = append(c.Members, invitations.Member{Organization: organization, UserID: user, Role: role, JoinedAt: start})
		c.Events = append(c.Events, invitations.Event{
			Organization: organization, Type: invitations.EventMemberJoined, At: start, Subject: user, Role: role,
		})
	}
	return put(ctx, store.Create, organization, c)
}

// A clock shows the instant that it is set to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newService returns a service that has only the sending limits of config.
func newService(store invitations.Store, c *clock, config invitations.Config) *invitations.Service {
	config.Clock = c.Now
	if config.ResendCooldown == 0 {
		config.ResendCooldown = -1
	}
	for _, limit := range []*int{&config.SendsPerRecipient, &config.SendsPerSender, &config.SendsPerOrganization} {
		if *limit == 0 {
			*limit = -1
		}
	}
	keys, err := invitations.NewKeyring([]byte("a key of the suite with 32 bytes"))
	if err != nil {
		panic(err)
	}
	svc, err := invitations.New(store, keys, config)
	if err != nil {
		panic(err)
	}
	return svc
}

var ada = invitations.User("ada")

// ann is the user that the email invitations of the races are for.
var ann = person("ann", "ann@example.com")

// person returns an identity with a verified address.
func person(user, email string) invitations.Identity {
	return invitations.Identity{UserID: user, Email: email, EmailVerified: true}
}

// together runs n calls of f that start at the same instant, and returns their results in
// order. A panic of a call goes on in the caller.
func together[T any](n int, f func(i int) T) []T {
	results, panics := make([]T, n), make([]any, n)
	var ready, done sync.WaitGroup
	ready.Add(n)
	barrier := make(chan struct{})
	for i := range n {
		done.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panics[i] = fmt.Sprintf("%v\n%s", p, debug.Stack())
				}
			}()
			ready.Done()
			<-barrier
			results[i] = f(i)
		})
	}
	ready.Wait()
	close(barrier)
	done.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
	return results
}

// An answer is the result of a call.
type answer[T any] struct {
	value T
	err   error
}

func answerOf[T any](value T, err error) answer[T] { return answer[T]{value, err} }

// tally returns the number of successes. It returns an error if another answer is not one of
// the refusals.
func tally[T any](answers []answer[T], refusals ...error) (successes int, err error) {
	for _, a := range answers {
		switch {
		case a.err == nil:
			successes++
		case !slices.ContainsFunc(refusals, func(refusal error) bool { return errors.Is(a.err, refusal) }):
			return successes, fmt.Errorf("a call ended with: %w", a.err)
		}
	}
	return successes, nil
}

// want returns an error if got is not want.
func want(what string, got, want int) error {
	if got != want {
		return fmt.Errorf("%s: got %d, want %d", what, got, want)
	}
	return nil
}

// oneRecord returns the invitation of an organization that has one invitation.
func (s state) oneRecord() (invitations.Record, error) {
	if len(s.Invitations.Items) == 0 {
		return invitations.Record{}, errors.New("the invitation is missing")
	}
	return s.Invitations.Items[0], want("invitations", len(s.Invitations.Items), 1)
}

// joined returns the number of users that joined by an invitation. The members, the events
// and the uses of the invitation must agree.
func (r *round) joined(inv uuid.UUID, users []string) (int, error) {
	s, err := readState(r.ctx, r.store, r.organization, users...)
	if err != nil {
		return 0, err
	}
	events, members := 0, 0
	for _, e := range s.Events.Items {
		if e.Type == invitations.EventMemberJoined && e.InvitationID == inv {
			events++
		}
	}
	for _, m := range s.Facts.Members {
		if m.InvitationID == inv {
			members++
		}
	}
	for _, r := range s.Invitations.Items {
		if r.ID == inv && r.Uses != members {
			return members, fmt.Errorf("the invitation counts %d uses, and %d members joined by it", r.Uses, members)
		}
	}
	if events != members {
		return members, fmt.Errorf("%d members joined by the invitation, and there are events of %d", members, events)
	}
	return members, nil
}

func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s %d", prefix, i)
	}
	return out
}

// setRole returns the changes that give a member a role without any rule.
func setRole(organization, user string, role invitations.Role) invitations.Changes {
	return invitations.Changes{
		Members: []invitations.Member{{Organization: organization, UserID: user, Role: role, JoinedAt: start}},
		Events: []invitations.Event{{
			Organization: organization, Type: invitations.EventMemberRoleChanged, At: start, Subject: user, Role: role,
		}},
	}
}

// update applies changes to the organization of the round.
func (r *round) update(c invitations.Changes) error {
	return put(r.ctx, r.store.Update, r.organization, c)
}

func (r *round) invite(role invitations.Role) (invitations.SentInvitation, error) {
	return r.svc.Invite(r.ctx, ada, invitations.InviteParams{Organization: r.organization, Email: "ann@example.com", Role: role})
}

func (r *round) link(p invitations.CreateLinkParams) (invitations.SentInvitation, error) {
	p.Organization = r.organization
	return r.svc.CreateLink(r.ctx, ada, p)
}
