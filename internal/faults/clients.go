package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// The scene of a round is one organization that all its clients share.
const (
	clients     = 4
	memberLimit = 14
	links       = 3
	linkUses    = 3
	quota       = 50 // of the organization
	ownQuota    = 20 // of each client
)

// config is that of all services. The limits are so low that clients meet them.
var config = invitations.Config{
	PendingLimit: 12, MemberLimit: memberLimit, ReserveSeats: true,
	ResendCooldown: -1, SendsPerRecipient: -1, SendsPerSender: -1, SendsPerOrganization: -1,
}

func newService(store invitations.Store) *invitations.Service {
	keys, err := invitations.NewKeyring([]byte(strings.Repeat("k", 32)))
	if err != nil {
		panic(err)
	}
	svc, err := invitations.New(store, keys, config)
	if err != nil {
		panic(err)
	}
	return svc
}

// A recorder keeps the calls of clients: a [journal], or a pipe to the process that has it.
type recorder interface {
	begin(effect) int
	end(n int, a answer, text string)
	saw([]seenEvent)
}

// A scene is what clients need to work in the organization of a round.
type scene struct {
	Organization string
	Links        []sent
	Position     int64 // of the last event of the feed before the round
}

// A sent invitation has its token in plain text, for processes.
type sent struct {
	ID    uuid.UUID
	Token string
	Email string
}

func sentOf(s invitations.SentInvitation) sent {
	return sent{s.ID, s.Token.Reveal(), s.Email}
}

func clientName(n int) string { return fmt.Sprint("client", n) }

// newScene creates an organization in which all clients are admins, and the first one is the owner.
func newScene(ctx context.Context, svc *invitations.Service, organization string, j *journal) (scene, error) {
	s := scene{Organization: organization}
	w := worker{svc: svc, record: j, scene: &s}
	var err error
	note := func(e error) {
		if err == nil {
			err = e
		}
	}
	for {
		events, e := svc.Feed(ctx, s.Position, 100)
		if note(e); len(events) == 0 {
			break
		}
		s.Position = events[len(events)-1].Position
	}
	note(w.create(ctx, organization, clientName(0)))
	for n := 1; n < clients; n++ {
		note(w.call(effect{organization, invitations.EventMemberJoined, uuid.Nil, clientName(n)}, func() error {
			_, err := svc.AddMember(ctx, invitations.System(), invitations.AddMemberParams{Organization: organization, UserID: clientName(n), Role: "admin"})
			return err
		}))
	}
	set := func(user string, limit int64) {
		note(svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
			Workspace: invitations.InOrganization(organization), UserID: user, Quota: invitations.Quota{Limit: limit, Period: invitations.PeriodEndless},
		}))
	}
	set("", quota)
	for n := range clients {
		set(clientName(n), ownQuota)
	}
	for range links {
		l, e := w.newLink(ctx, invitations.System())
		note(e)
		s.Links = append(s.Links, l)
	}
	if err != nil {
		return scene{}, fmt.Errorf("preparing a round: %w", err)
	}
	return s, nil
}

// A worker is one client. It makes one call after the other.
type worker struct {
	svc    *invitations.Service
	record recorder
	scene  *scene
	name   string // the user as which it acts
	life   string // differs for each process, and is part of all names
	serial int

	pending []sent // email invitations that nobody has answered
	guests  []string
	seen    int64 // position in the feed
	// repeats are calls whose outcome is unknown, and which have the same result if they are
	// repeated.
	repeats []repeat

	early    bool      // it takes calls as done before they have an answer
	contexts *contexts // nil: no context of a call ends before the round
}

// contexts are those of the calls in progress, which can be ended.
type contexts struct {
	mu      sync.Mutex
	last    int
	cancels map[int]context.CancelFunc
}

// begin returns a context for a step of a client, and a function that ends the step.
func (c *contexts) begin(ctx context.Context) (context.Context, func()) {
	if c == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancels == nil {
		c.cancels = map[int]context.CancelFunc{}
	}
	c.last++
	n := c.last
	c.cancels[n] = cancel
	return ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.cancels, n)
		cancel()
	}
}

// end ends all of them.
func (c *contexts) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cancel := range c.cancels {
		cancel()
	}
}

// A repeat repeats a call.
type repeat struct {
	effect effect
	call   func(ctx context.Context, svc *invitations.Service) error
}

// call makes a call and records it.
func (w *worker) call(f effect, call func() error) error {
	n := w.record.begin(f)
	if w.early {
		w.record.end(n, done, "")
	}
	err := call()
	text := ""
	if err != nil {
		text = err.Error()
	}
	w.record.end(n, answerOf(err), text)
	return err
}

// repeatable is call for a call that has the same result if it is repeated.
func (w *worker) repeatable(ctx context.Context, f effect, call func(context.Context, *invitations.Service) error) error {
	err := w.call(f, func() error { return call(ctx, w.svc) })
	if answerOf(err) == unknown && rand.IntN(3) == 0 {
		err = w.call(f, func() error { return call(ctx, w.svc) })
	}
	if answerOf(err) == unknown {
		w.repeats = append(w.repeats, repeat{f, call})
	}
	return err
}

// next returns a name that was not used before.
func (w *worker) next(kind string) string {
	w.serial++
	return fmt.Sprintf("%s%s%s%d", kind, w.life, w.name, w.serial)
}

// step makes one or a few calls, and returns the last error.
func (w *worker) step(ctx context.Context) error {
	organization, actor := w.scene.Organization, invitations.User(w.name)
	switch n := rand.IntN(22); {
	case n < 1:
		return w.create(ctx, organization+w.next("-"), w.name)
	case n < 5:
		if len(w.pending) < 3 {
			return w.invite(ctx, actor)
		}
		return w.accept(ctx)
	case n < 8:
		if len(w.pending) > 0 {
			return w.accept(ctx)
		}
		return w.invite(ctx, actor)
	case n < 10 && len(w.pending) > 0:
		return w.resend(ctx, actor, &w.pending[len(w.pending)-1])
	case n < 11 && len(w.pending) > 1:
		p := w.pending[0]
		w.pending = w.pending[1:]
		return w.revoke(ctx, p.ID)
	case n < 14 && len(w.guests) > 0:
		guest := w.guests[0]
		w.guests = w.guests[1:]
		return w.remove(ctx, guest)
	case n < 17:
		return w.call(effect{organization, consumed, uuid.Nil, w.name}, func() error {
			_, err := w.svc.Consume(ctx, invitations.InOrganization(organization), w.name, 1)
			return err
		})
	case n < 19:
		l := w.scene.Links[rand.IntN(len(w.scene.Links))]
		err := w.join(ctx, l, invitations.Identity{UserID: w.next("g")})
		if answerOf(err) == refused {
			if own, e := w.newLink(ctx, actor); e == nil {
				return w.join(ctx, own, invitations.Identity{UserID: w.next("g")})
			}
		}
		return err
	case n < 20:
		from, to := clientName(rand.IntN(clients)), clientName(rand.IntN(clients))
		if from == to {
			return nil
		}
		return w.call(effect{organization, invitations.EventOwnershipTransferred, uuid.Nil, to}, func() error {
			_, err := w.svc.TransferOwnership(ctx, invitations.System(), invitations.TransferOwnershipParams{
				Organization: organization, From: from, To: to, Role: "admin",
			})
			return err
		})
	default:
		return w.call(effect{}, func() error {
			events, err := w.svc.Feed(ctx, max(w.seen, w.scene.Position), 100)
			if err == nil && len(events) > 0 {
				w.seen = events[len(events)-1].Position
				w.record.saw(seenOf(events))
			}
			return err
		})
	}
}

func (w *worker) create(ctx context.Context, organization, owner string) error {
	return w.repeatable(ctx, effect{organization, invitations.EventMemberJoined, uuid.Nil, owner}, func(ctx context.Context, svc *invitations.Service) error {
		_, err := svc.CreateOrganization(ctx, organization, owner)
		return err
	})
}

func (w *worker) invite(ctx context.Context, actor invitations.Actor) error {
	p := invitations.InviteParams{ID: uuid.Must(uuid.NewV7()), Organization: w.scene.Organization, Email: w.next("p") + "@example.com", Role: "viewer"}
	return w.repeatable(ctx, effect{p.Organization, invitations.EventInvitationCreated, p.ID, ""}, func(ctx context.Context, svc *invitations.Service) error {
		s, err := svc.Invite(ctx, actor, p)
		if err == nil {
			w.pending = append(w.pending, sentOf(s))
		}
		return err
	})
}

// resend ends the token of a pending invitation. So an acceptance with that token is not repeated any
// more: it would be refused, although its account may have accepted with the new token since.
func (w *worker) resend(ctx context.Context, actor invitations.Actor, p *sent) error {
	organization := w.scene.Organization
	err := w.call(effect{organization, invitations.EventInvitationResent, p.ID, ""}, func() error {
		again, err := w.svc.Resend(ctx, actor, invitations.ResendParams{Organization: organization, ID: p.ID})
		if err == nil {
			p.Token = again.Token.Reveal()
		}
		return err
	})
	if a := answerOf(err); a == done || a == unknown {
		w.repeats = slices.DeleteFunc(w.repeats, func(r repeat) bool {
			return r.effect.Type == invitations.EventInvitationAccepted && r.effect.ID == p.ID
		})
	}
	return err
}

func (w *worker) newLink(ctx context.Context, actor invitations.Actor) (l sent, err error) {
	p := invitations.CreateLinkParams{ID: uuid.Must(uuid.NewV7()), Organization: w.scene.Organization, Role: "viewer", MaxUses: linkUses}
	err = w.repeatable(ctx, effect{p.Organization, invitations.EventInvitationCreated, p.ID, ""}, func(ctx context.Context, svc *invitations.Service) error {
		s, err := svc.CreateLink(ctx, actor, p)
		if err == nil {
			l = sentOf(s)
		}
		return err
	})
	return l, err
}

// accept lets one of two accounts with the invited address accept the oldest invitation, or lets
// both try at once.
func (w *worker) accept(ctx context.Context) error {
	p := w.pending[0]
	user := "u" + strings.TrimSuffix(p.Email, "@example.com")
	accounts := []string{user, user + "b"}
	if n := rand.IntN(4); n < 3 {
		accounts = accounts[n/2:][:1]
	}
	errs := make([]error, len(accounts))
	var mu sync.Mutex
	var wait sync.WaitGroup
	for i, account := range accounts {
		wait.Go(func() {
			// A copy: what two calls write in the worker is joined below.
			one := &worker{svc: w.svc, record: w.record, scene: w.scene}
			errs[i] = one.join(ctx, p, invitations.Identity{UserID: account, Email: p.Email, EmailVerified: true})
			mu.Lock()
			defer mu.Unlock()
			w.guests = append(w.guests, one.guests...)
			w.repeats = append(w.repeats, one.repeats...)
		})
	}
	wait.Wait()
	for _, err := range errs {
		if a := answerOf(err); a == failed || a == unknown {
			return err // it stays pending here, and somebody accepts it later
		}
	}
	w.pending = w.pending[1:]
	return errs[0]
}

// join accepts an invitation.
func (w *worker) join(ctx context.Context, s sent, who invitations.Identity) error {
	err := w.repeatable(ctx, effect{w.scene.Organization, invitations.EventInvitationAccepted, s.ID, who.UserID}, func(ctx context.Context, svc *invitations.Service) error {
		_, err := svc.Accept(ctx, s.Token, who)
		return err
	})
	if err == nil {
		w.guests = append(w.guests, who.UserID)
	}
	return err
}

// tidy makes room in a full organization. Nothing else ends the invitations and
// members that calls of unknown outcome left there.
func (w *worker) tidy(ctx context.Context) error {
	organization, system := w.scene.Organization, invitations.System()
	var pending invitations.List[invitations.Invitation]
	var members invitations.List[invitations.TeamMember]
	if err := w.call(effect{}, func() (err error) {
		pending, err = w.svc.Invitations(ctx, system, invitations.InvitationsParams{
			Organization: organization, States: []invitations.State{invitations.StatePending}, SentBy: w.name,
		})
		return err
	}); err != nil {
		return err
	}
	if err := w.call(effect{}, func() (err error) {
		members, err = w.svc.Members(ctx, system, invitations.MembersParams{Organization: organization, Role: "viewer"})
		return err
	}); err != nil {
		return err
	}
	for _, inv := range pending.Items {
		if slices.ContainsFunc(w.pending, func(s sent) bool { return s.ID == inv.ID }) {
			continue
		}
		if err := w.revoke(ctx, inv.ID); answerOf(err) == failed {
			return err
		}
	}
	for _, m := range members.Items[:min(2, len(members.Items))] {
		if err := w.remove(ctx, m.UserID); answerOf(err) == failed {
			return err
		}
	}
	return nil
}

func (w *worker) revoke(ctx context.Context, id uuid.UUID) error {
	return w.call(effect{w.scene.Organization, invitations.EventInvitationRevoked, id, ""}, func() error {
		_, err := w.svc.Revoke(ctx, invitations.User(w.name), w.scene.Organization, id)
		return err
	})
}

func (w *worker) remove(ctx context.Context, user string) error {
	return w.call(effect{w.scene.Organization, invitations.EventMemberRemoved, uuid.Nil, user}, func() error {
		_, err := w.svc.RemoveMember(ctx, invitations.User(w.name), w.scene.Organization, user)
		return err
	})
}

// work makes calls until stop is closed. After a failure it pauses, so that it does not spin while
// there is no server.
func (w *worker) work(ctx context.Context, stop <-chan struct{}) {
	for ctx.Err() == nil {
		select {
		case <-stop:
			return
		default:
		}
		ctx, end := w.contexts.begin(ctx)
		err := w.step(ctx)
		if errors.Is(err, invitations.ErrMemberLimit) || errors.Is(err, invitations.ErrPendingLimit) {
			err = w.tidy(ctx)
		}
		end()
		if answerOf(err) == failed {
			select {
			case <-stop:
			case <-time.After(25 * time.Millisecond):
			}
		}
	}
}
