package linearizability

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-invitations/invitations"
)

// An operation is a call and its answer, with its place in the history. Call and Return are
// numbers of one counter: an operation whose Return is less than the Call of another one ended
// before that began.
type operation struct {
	Client       int
	Call, Return int64
	In           call
	Out          answer
}

// never is the Return of an operation that has no end, because its outcome is unknown.
const never = math.MaxInt64

// A size is the extent of one round.
type size struct {
	organizations, clients, phases int
	calls                          int // of each client in each phase
}

// A count is what happened in a round.
type count struct {
	histories, undecided int
	operations, unknown  int
	cut, failed, lost    int // calls with a context that ended, a failure before and a lost answer
	terminated           int // connections
	broken               int // calls that failed because of a connection that was lost or a change that won
}

func (c *count) add(d count) {
	c.histories += d.histories
	c.undecided += d.undecided
	c.operations += d.operations
	c.unknown += d.unknown
	c.cut += d.cut
	c.failed += d.failed
	c.lost += d.lost
	c.terminated += d.terminated
	c.broken += d.broken
}

// A world is one round: clients that call a service at the same time, and what they see.
type world struct {
	settings
	size
	store         invitations.Store
	keys          *invitations.Keyring
	sessions      *sessions // nil: none
	isDisrupted   atomic.Bool
	hasFaults     bool
	organizations []string
	books         map[string]*book

	clock  atomic.Int64 // a time.Duration since the epoch
	ticket atomic.Int64 // the last number of the history

	mu     sync.Mutex
	seen   map[string][]operation // by organization
	count  count
	faults []string // what no history has: failures without a reason, and gaps in the feed
	follower
}

// newWorld returns a world on an empty store.
func newWorld(s settings, of size, store fresh, hasFaults bool) *world {
	keys, err := invitations.NewKeyring(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		panic(err)
	}
	w := &world{
		settings: s, size: of, store: unreliable{store.Store}, sessions: store.sessions, keys: keys, hasFaults: hasFaults,
		books: map[string]*book{}, seen: map[string][]operation{}, follower: newFollower(),
	}
	for i := range of.organizations {
		org := fmt.Sprintf("org%d", i+1)
		w.organizations = append(w.organizations, org)
		w.books[org] = newBook()
	}
	for _, user := range people {
		w.books[personal+user] = newBook()
	}
	return w
}

// service returns a service whose clock stands still.
func (w *world) service(at time.Duration) *invitations.Service {
	svc, err := invitations.New(w.store, w.keys, w.config(epoch.Add(at)))
	if err != nil {
		panic(err)
	}
	return svc
}

func (w *world) now() time.Duration { return time.Duration(w.clock.Load()) }

// run performs the phases. Within a phase the clock advances by minutes while calls are in
// progress. Between phases nobody calls, and a day or more passes.
func (w *world) run(seed uint64) {
	alone := w.draw(rand.New(rand.NewPCG(seed, 0)), "")
	for phase := range w.phases {
		var clients sync.WaitGroup
		for client := range w.clients {
			clients.Go(func() {
				r := rand.New(rand.NewPCG(seed, uint64(1+client+phase*w.clients)))
				w.client(r, client, phase)
			})
		}
		clients.Wait()
		if w.sessions != nil {
			w.sessions.calm()
		}
		w.follow()
		w.look(alone)
		w.clock.Add(int64(time.Duration(1+alone.IntN(3)) * 24 * time.Hour))
		w.settle(alone)
	}
	w.follow()
}

func (w *world) draw(r *rand.Rand, org string) draw {
	return draw{Rand: r, w: w, org: org, book: w.books[org], now: w.now()}
}

// client performs the calls of one client in one phase. At first it
// creates an organization.
func (w *world) client(r *rand.Rand, client, phase int) {
	var chain []string
	var on draw
	for i := range w.calls {
		d := w.draw(r, pick(draw{Rand: r}, w.organizations...))
		switch {
		case phase == 0 && i == 0:
			d = w.draw(r, w.organizations[client%len(w.organizations)])
			w.call(d, client, d.call("CreateOrganization"), false)
			continue
		case w.calls > 5 && d.one(12):
			w.clock.Add(int64(pick(d, 20*time.Second, time.Minute, 4*time.Minute)))
		case d.one(30):
			w.follow()
		case w.sessions != nil && d.one(40):
			w.isDisrupted.Store(true)
			w.counted(count{terminated: w.sessions.disrupt()})
		}
		op := pick(d, operations...)
		if len(chain) == 0 && d.one(10) {
			if on = d; on.choose() {
				chain = pick(d, chains...)
			}
		}
		switch {
		case len(chain) > 0:
			if op, chain = chain[0], chain[1:]; op == "Sweep" {
				w.clock.Add(int64(pick(d, 0, 3*time.Minute, 6*time.Minute)))
			}
			d, d.now = on, w.now()
		case d.one(15):
			d = w.draw(r, personal+pick(d, people[:2]...))
			op = pick(d, "SetQuota", "Consume", "Consume", "Consume", "Refund", "Remaining")
		case op == "DeleteOrganization" && phase < w.phases-1:
			op = "Timeline" // there is little to see afterwards
		}
		c := d.call(op)
		if c.Op != "" {
			w.call(d, client, c, true)
		}
	}
}

// settle sweeps and purges while nobody else calls.
func (w *world) settle(d draw) {
	d.now = w.now()
	if d.one(2) {
		w.call(d, w.clients, call{Op: "Sweep", At: d.now, Alone: true}, false)
	}
	if d.one(2) {
		w.call(d, w.clients, call{Op: "Purge", At: d.now, Since: d.now - 24*time.Hour, Alone: true}, false)
	}
	w.look(d)
}

// look reads everything while nobody else calls.
func (w *world) look(d draw) {
	for _, org := range w.organizations {
		for _, c := range []call{
			{Op: "Timeline", Newest: 100}, {Op: "Invitations"}, {Op: "Members", Amount: 1}, {Op: "Overview"}, {Op: "Usage", Period: "day"}, {Op: "Statistics"},
		} {
			c.Org, c.Actor, c.At = org, system, w.now()
			w.call(d, w.clients, c, false)
		}
	}
}

func (w *world) counted(c count) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count.add(c)
}

// complain notes a fault that no history has.
func (w *world) complain(format string, a ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fmt.Sprintf(format, a...))
}

// call performs one call and adds it to the histories of its organizations.
func (w *world) call(d draw, client int, c call, mayFail bool) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var injected fault
	isCut := false
	if mayFail && w.hasFaults {
		switch d.IntN(30) {
		case 0, 1:
			injected.kind = faultKind(d.IntN(2))
			ctx = context.WithValue(ctx, faultKey{}, &injected)
		case 2, 3:
			isCut = true
			w.cut(d, cancel)
		}
	}
	svc := w.service(c.At)
	pause()
	begin := w.ticket.Add(1)
	answers, err := w.perform(ctx, svc, c)
	end := w.ticket.Add(1)
	var of count
	switch {
	case injected.happened.Load() && injected.kind == failBefore:
		of.failed = 1
	case injected.happened.Load():
		of.lost = 1
	case isCut && err != nil && ctx.Err() != nil:
		of.cut = 1
	}
	switch w.outcome(c, isCut, err) {
	case nothing:
		answers = nil
	case unknown:
		end, of.unknown = never, 1
		for org := range answers {
			answers[org] = answer{Unknown: true}
		}
	case refusal:
		problem, _ := invitations.ProblemOf(err)
		for org := range answers {
			answers[org] = answer{Code: problem.Code}
		}
		if book, ok := w.books[c.Org]; ok {
			book.refused(c)
		}
	case success:
		if book, ok := w.books[c.Org]; ok {
			book.learn(c)
		}
	}
	w.counted(of)
	w.mu.Lock()
	defer w.mu.Unlock()
	for org, a := range answers {
		in, last := c, end
		in.Org = org
		if a.Unknown {
			last = never
		}
		w.seen[org] = append(w.seen[org], operation{Client: client, Call: begin, Return: last, In: in, Out: a})
		w.count.operations++
	}
}

// cut ends a context at a random moment.
func (w *world) cut(d draw, cancel func()) {
	if d.one(4) {
		cancel()
		return
	}
	delay := time.Duration(d.IntN(3000)) * time.Microsecond
	if d.one(2) {
		delay /= 50
	}
	time.AfterFunc(delay, cancel)
}

// An outcome is what a call means for the history.
type outcome int

const (
	success outcome = iota
	refusal
	unknown // it may or may not have taken effect
	nothing // it did not take effect
)

// outcome returns the outcome of a call with an error. A call that fails has changed nothing,
// unless the error says that the outcome is unknown. Purge, Sweep and Erase can stop half-way.
func (w *world) outcome(c call, isCut bool, err error) outcome {
	failed := nothing
	if c.Op == "Purge" || c.Op == "Erase" || c.Op == "Sweep" {
		failed = unknown
	}
	_, isRefusal := invitations.ProblemOf(err)
	switch {
	case err == nil:
		return success
	case errors.Is(err, invitations.ErrOutcomeUnknown):
		return unknown
	case errors.Is(err, invitations.ErrConcurrentChange):
		w.counted(count{broken: 1})
		return failed
	case isRefusal:
		return refusal
	case isCut && errors.Is(err, context.Canceled), errors.Is(err, errFailed):
		return failed
	case w.isDisrupted.Load():
		w.counted(count{broken: 1})
		return failed
	}
	w.complain("%s failed: %v", c.Op, err)
	return failed
}

// A follower follows the feed and keeps what it saw.
type follower struct {
	following sync.Mutex
	position  int64
	last      map[string]invitations.EventPosition
	log       map[string][]logged
}

func newFollower() follower {
	return follower{last: map[string]invitations.EventPosition{}, log: map[string][]logged{}}
}

// follow reads the feed to its end. The events of an organization must come in their order
// without a gap: one change after the other, each from its first event to its last.
func (w *world) follow() {
	w.following.Lock()
	defer w.following.Unlock()
	svc := w.service(w.now())
	for attempts := 0; ; {
		events, err := svc.Feed(context.Background(), w.position, 40)
		if err != nil && w.sessions != nil && attempts < 100 {
			attempts++
			continue
		}
		if err != nil {
			w.complain("Feed failed: %v", err)
			return
		}
		for _, e := range events {
			last := w.last[e.Organization]
			isNext := e.Version == last.Version && e.Index == last.Index+1 || e.Version == last.Version+1 && e.Index == 0
			if e.Position <= w.position || !isNext {
				w.complain("the feed has the event %d/%d of %s at %d after %d/%d at %d",
					e.Version, e.Index, e.Organization, e.Position, last.Version, last.Index, w.position)
			}
			w.position, w.last[e.Organization] = e.Position, invitations.EventPosition{Version: e.Version, Index: e.Index}
			w.log[e.Organization] = append(w.log[e.Organization], logged{e.Version, e.Type, e.Actor, e.Subject, numberOf(e.InvitationID)})
		}
		if len(events) < 40 {
			return
		}
	}
}

// of returns the history of an organization in the order of its calls.
func (w *world) of(org string) history {
	operations := slices.SortedFunc(slices.Values(w.seen[org]), func(a, b operation) int { return cmp.Compare(a.Call, b.Call) })
	return history{w.settings, w.log[org], operations}
}
