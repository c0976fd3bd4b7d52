package behaviour

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

var historyChecks = []check{
	{"EventsGiveTheState", historiesReplayed},
}

// A history is a row of random calls in two organizations that have all users and IDs in
// common. The seed decides the calls.
type history struct {
	*world
	random *rand.Rand
	sent   []invitations.SentInvitation
	did    map[string]bool // the kinds of calls that succeeded
}

const historySteps = 90

// historiesReplayed runs histories. Afterwards the store must show what a replay of the events
// leaves. Refusals must leave nothing.
func historiesReplayed(w *world) {
	did := map[string]bool{}
	fixed := []uint64{1, 2, 3}
	for n, seed := range append(fixed, rand.Uint64()) {
		w.Logf("history %d: seed %d", n, seed)
		random := rand.New(rand.NewPCG(seed, 1))
		on := *w
		if n%2 == 1 {
			on.store = repeating{w.store}
		}
		h := &history{world: on.with(invitations.Config{
			RemindBefore: 2 * day, PendingLimit: 9, ResendCooldown: time.Minute,
			SendsPerRecipient: 4, SendsPerSender: 12, SendsPerOrganization: 25, MemberLimit: 7, ReserveSeats: n%2 == 0,
		}), random: random, did: map[string]bool{}}
		h.run([]string{fmt.Sprint("acme ", n), fmt.Sprint("zeta ", n)})
		if w.Failed() {
			w.Fatalf("history %d", n)
		}
		if n < len(fixed) {
			for what := range h.did {
				did[what] = true
			}
		}
	}
	// The fixed seeds must leave out no kind of call.
	for n := range historyKinds {
		if what := historyKind(n); !did[what] {
			w.Errorf("no call of the kind %q succeeds in the histories", what)
		}
	}
	feed := w.follow(0)
	var organizations []string
	happened := map[invitations.EventType]bool{}
	for _, e := range feed {
		organizations = append(organizations, e.Organization)
		happened[e.Type] = true
	}
	slices.Sort(organizations)
	w.fed(feed, slices.Compact(organizations)...)
	for _, what := range eventTypes {
		if !happened[what] {
			w.Errorf("no event %s occurs in the histories", what)
		}
	}
}

// eventTypes are all types of events.
var eventTypes = []invitations.EventType{
	invitations.EventInvitationCreated, invitations.EventInvitationEdited, invitations.EventInvitationResent, invitations.EventInvitationRevoked,
	invitations.EventInvitationDeclined, invitations.EventInvitationAccepted, invitations.EventInvitationReminded, invitations.EventInvitationExpired,
	invitations.EventMemberJoined, invitations.EventMemberRoleChanged, invitations.EventMemberRemoved, invitations.EventMemberLeft,
	invitations.EventOwnershipTransferred, invitations.EventQuotaChanged,
}

// repeating is a store that makes each decision twice, like a store that repeats a change.
type repeating struct{ invitations.Store }

func (r repeating) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return r.Store.Update(ctx, q, twice(decide))
}

func (r repeating) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return r.Store.Create(ctx, q, twice(decide))
}

// twice makes a decision two times. Both results must be equal.
func twice(decide invitations.Decision) invitations.Decision {
	return func(f invitations.Facts) (invitations.Changes, error) {
		first, refusal := decide(f)
		changes, err := decide(f)
		if differ(changes, first) != "" || fmt.Sprint(err) != fmt.Sprint(refusal) {
			return changes, fmt.Errorf("of the same facts a decision makes this, and then that: %v (%v), %v (%v)", first, refusal, changes, err)
		}
		return changes, err
	}
}

func (r repeating) Sweep(ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes) error {
	return r.Store.Sweep(ctx, at, limit, func(all []invitations.Facts) []invitations.Changes {
		decide(all)
		return decide(all)
	})
}

func (h *history) run(organizations []string) {
	h.Helper()
	for _, organization := range organizations {
		h.found(organization, "ada")
		for _, user := range []string{"bob", "joe"} {
			sent := h.invite(invitations.System(), organization, user+"@example.com", "admin")
			h.accept(sent, person(user, user+"@example.com"))
		}
	}
	for range historySteps {
		h.clock.Add(time.Second)
		kind := h.random.IntN(historyKinds)
		organization := pick(h.random, organizations)
		var before []int64
		for _, o := range organizations {
			before = append(before, h.version(o))
		}
		switch err := h.step(kind, organization); {
		case err == nil:
			h.did[historyKind(kind)] = true
		case !isRefusal(err):
			h.Fatalf("%s ended with: %v", historyKind(kind), err)
		default:
			for i, o := range organizations {
				if version := h.version(o); version != before[i] {
					h.Fatalf("%s was refused (%v), and has changed %s", historyKind(kind), err, o)
				}
			}
		}
	}
	for _, organization := range organizations {
		h.explained(organization)
		now := h.clock.Now()
		all := invitations.StatisticsQuery{To: now.Add(day), At: now, MaxGroups: 100}
		some := invitations.StatisticsQuery{From: now.Add(-10 * day), To: now.Add(-day), At: now, MaxGroups: 1 + h.random.IntN(9)}
		s := h.state(organization)
		for _, q := range []invitations.StatisticsQuery{all, some} {
			q.Organization = organization
			_, counted, err := h.store.Statistics(h.ctx, q)
			h.ok(err)
			h.equal("statistics", counted, q.Count(s.Invitations.Items, s.Events.Items))
		}
	}
}

// isRefusal reports whether err is an error of package invitations.
func isRefusal(err error) bool {
	var refusal *invitations.Error
	return errors.As(err, &refusal)
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

const historyKinds = 20

// historyKind returns the name of a kind of call.
func historyKind(n int) string {
	return []string{
		"invite", "link", "bulk", "edit", "edit a link", "resend", "revoke", "decline", "accept", "accept by a link",
		"accept received", "decline received", "change a role", "remove", "leave", "transfer", "set a quota", "sweep", "wait", "invite again",
	}[n]
}

// step makes a call of a kind, with random arguments.
func (h *history) step(kind int, organization string) error {
	people := []string{"ada", "bob", "joe", "ann", "kim", "eve", "dev", "x"}
	roles := []invitations.Role{"owner", "admin", "admin", "developer", "viewer"}
	quotas := []invitations.Quota{{}, {}, {Limit: 5, Period: invitations.PeriodDay}}
	actor := invitations.User(pick(h.random, people[:4]))
	if h.random.IntN(5) == 0 {
		actor = invitations.System()
	}
	user, role, quota := pick(h.random, people), pick(h.random, roles), pick(h.random, quotas)
	email := user + "@example.com"
	lives := time.Duration(1+h.random.IntN(9)) * day
	mail := func(email string) invitations.InviteParams {
		return invitations.InviteParams{Organization: organization, Email: email, Role: role, Quota: quota, ExpiresIn: lives, ID: h.perhapsID()}
	}
	add := func(sent invitations.SentInvitation, err error) error {
		if err == nil {
			h.sent = append(h.sent, sent)
		}
		return err
	}
	var some invitations.SentInvitation // here, or in the other organization
	if len(h.sent) > 0 {
		some = pick(h.random, h.sent[max(0, len(h.sent)-12):])
	}
	switch historyKind(kind) {
	case "invite", "invite again":
		return add(h.svc.Invite(h.ctx, actor, mail(email)))
	case "link":
		return add(h.svc.CreateLink(h.ctx, actor, invitations.CreateLinkParams{
			Organization: organization, Role: role, Quota: quota, ExpiresIn: lives, MaxUses: h.random.IntN(4), ID: h.perhapsID(),
		}))
	case "bulk":
		var rows []invitations.InviteParams
		for range 1 + h.random.IntN(4) {
			rows = append(rows, mail(pick(h.random, append(people, ""))+"@example.com"))
		}
		outcomes, err := h.svc.InviteAll(h.ctx, actor, organization, rows)
		for _, o := range outcomes {
			if err = add(o.Invitation, o.Err); err != nil && !isRefusal(err) {
				h.Fatalf("a row ended with: %v", err)
			}
		}
		if err != nil && len(outcomes) > 1 {
			err = nil // other rows may have succeeded
		}
		return err
	case "edit":
		p := invitations.EditParams{Organization: some.Organization, ID: some.ID, Role: role}
		if h.random.IntN(2) == 0 {
			p.Role, p.ExpiresIn = "", lives
		}
		return second(h.svc.Edit(h.ctx, actor, p))
	case "edit a link":
		uses, link := h.random.IntN(5), h.someLink()
		return second(h.svc.Edit(h.ctx, actor, invitations.EditParams{Organization: link.Organization, ID: link.ID, MaxUses: &uses}))
	case "resend":
		return add(h.svc.Resend(h.ctx, actor, invitations.ResendParams{Organization: some.Organization, ID: some.ID, ExpiresIn: lives}))
	case "revoke":
		return second(h.svc.Revoke(h.ctx, actor, some.Organization, some.ID))
	case "decline":
		return h.svc.Decline(h.ctx, some.Token.Reveal())
	case "accept":
		return second(h.svc.Accept(h.ctx, some.Token.Reveal(), personOf(some.Email, user)))
	case "accept by a link":
		return second(h.svc.Accept(h.ctx, h.someLink().Token.Reveal(), person(user, email)))
	case "accept received", "decline received":
		who := personOf(some.Email, user)
		if who.Email == "" {
			who = person(user, email)
		}
		list, err := h.svc.Received(h.ctx, who, invitations.ReceivedParams{})
		if err != nil || len(list.Items) == 0 {
			return invitations.ErrNotFound
		}
		offer := pick(h.random, list.Items)
		if historyKind(kind) == "decline received" {
			return h.svc.DeclineReceived(h.ctx, offer.Organization, offer.ID, who)
		}
		return second(h.svc.AcceptReceived(h.ctx, offer.Organization, offer.ID, who))
	case "change a role":
		return second(h.svc.ChangeRole(h.ctx, actor, invitations.ChangeRoleParams{Organization: organization, UserID: user, Role: role}))
	case "remove":
		return second(h.svc.RemoveMember(h.ctx, actor, organization, user))
	case "leave":
		return second(h.svc.Leave(h.ctx, organization, user))
	case "transfer":
		p := invitations.TransferOwnershipParams{Organization: organization, From: pick(h.random, people[:4]), To: user, Role: pick(h.random, roles[1:])}
		return second(h.svc.TransferOwnership(h.ctx, invitations.System(), p))
	case "set a quota":
		if h.random.IntN(4) == 0 {
			user = ""
		}
		return h.svc.SetQuota(h.ctx, actor, invitations.SetQuotaParams{Workspace: invitations.InOrganization(organization), UserID: user, Quota: quota})
	case "sweep":
		swept, err := h.svc.Sweep(h.ctx, 1+h.random.IntN(10))
		once := map[string]bool{}
		for _, inv := range slices.Concat(swept.Reminders, swept.Expired) {
			if which := fmt.Sprint(inv.Organization, inv.ID); once[which] {
				h.Fatalf("a sweep hands out %s twice", which)
			} else {
				once[which] = true
			}
		}
		return err
	}
	h.clock.Add(time.Duration(h.random.IntN(60)) * time.Hour)
	return nil
}

// perhapsID returns the zero ID, or an ID that either organization may have already.
func (h *history) perhapsID() uuid.UUID {
	if h.random.IntN(3) > 0 {
		return uuid.Nil
	}
	return id(h.random.IntN(40))
}

// personOf returns the recipient of an invitation, or the user if it is a link.
func personOf(email, user string) invitations.Identity {
	if email == "" {
		return invitations.Identity{UserID: user}
	}
	return person(email[:len(email)-len("@example.com")], email)
}

// someLink returns the link that was sent last, or the zero value.
func (h *history) someLink() (found invitations.SentInvitation) {
	for _, s := range h.sent {
		if s.Kind == invitations.KindLink {
			found = s
		}
	}
	return found
}
