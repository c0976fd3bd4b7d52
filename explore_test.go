package invitations

import (
	"cmp"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryState performs every operation in every state that a small world can reach. A random
// history finds what happens often; this search finds what can happen at all.
//
// A world is one organization, three users with an address each, up to two invitations of each
// kind, and a clock that advances by days. Each world has its own policy, limits and
// operations: see exploreWorlds. The search goes breadth first from the moment before the
// organization exists. In each state it performs every operation, with every actor and every
// argument of the world, on exactly the facts that the operation asks for. Each step is checked:
// see the invariants in explore_invariants_test.go, which follow the documentation and call no
// rule.
//
// States that differ only in the names of users, in the order of invitations, in versions or in
// instants are one state, if no rule can tell them apart: see exploreState. The smallest world is
// searched completely. The number of states bounds the search of the others; time never does.
//
// A violation is printed as the shortest sequence of operations that leads to it.

var exploreStates = flag.Int("states", 0, "states that TestEveryState explores, over all worlds; 0: a default")

// The default numbers of states. A step of the race detector takes many times as long.
const (
	manyStates = 1_050_000
	someStates = 11_000
)

func TestEveryState(t *testing.T) {
	// Steps make much garbage and keep little.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	bound := *exploreStates
	if bound == 0 {
		bound = manyStates
		if raceEnabled || testing.Short() {
			bound = someStates
		}
	}
	var total exploreCount
	worlds := exploreWorlds()
	for i, w := range worlds {
		share := min(bound/len(worlds), max(15_000, bound/100))
		if i == len(worlds)-1 { // the world that has everything gets the rest
			share = bound - total.states
		}
		count, found := explore(w, max(1, share), nil)
		if found != nil {
			t.Fatal(found)
		}
		t.Logf("%-12s %v", w.name+":", count)
		total.add(count)
	}
	fmt.Printf("every state: %v; all %d invariants held\n", total, len(exploreInvariants))
}

// An exploreCount says how much a search has looked at.
type exploreCount struct {
	states, steps, changes, checks int
	depth                          int  // the number of operations to the furthest state
	complete                       bool // every state that can be reached was explored
}

func (c *exploreCount) add(d exploreCount) {
	c.states, c.steps, c.changes, c.checks = c.states+d.states, c.steps+d.steps, c.changes+d.changes, c.checks+d.checks
	c.depth = max(c.depth, d.depth)
}

func (c exploreCount) String() string {
	s := fmt.Sprintf("%d states, %d operations deep, %d steps, %d of them changes, %d checks", c.states, c.depth, c.steps, c.changes, c.checks)
	if c.complete {
		s += " (complete)"
	}
	return s
}

// An exploreViolation is the shortest way to a step that breaks an invariant.
type exploreViolation struct {
	world, invariant, text string
	also                   []string // the other invariants that the last step breaks
	path                   []string
}

func (v *exploreViolation) String() string {
	return fmt.Sprintf("world %q breaks %q: %s\n  %s", v.world, append([]string{v.invariant}, v.also...), v.text, strings.Join(v.path, "\n  "))
}

// An exploreOrigin is the step by which a state was found first.
type exploreOrigin struct {
	parent uint32
	by     uint16 // the index of the operation
}

// A foundState is a state that a step has reached.
type foundState struct {
	key    exploreKey
	origin exploreOrigin
}

// exploreChunk is how many states a worker explores at a time. The result of a search does not
// depend on the number of workers.
const exploreChunk = 256

// explore searches a world breadth first until it has performed every operation in bound states.
// A fault, if it is not nil, breaks a rule: the controls use it.
func explore(w *exploreWorld, bound int, fault *exploreFault) (exploreCount, *exploreViolation) {
	return exploreFrom(w, exploreState{}, bound, fault)
}

// exploreFrom is explore from another state. It remembers no state beyond the bound, because there
// are many times more of them than it explores.
func exploreFrom(w *exploreWorld, start exploreState, bound int, fault *exploreFault) (exploreCount, *exploreViolation) {
	first := start.fold(w)
	visited := map[exploreKey]struct{}{first: {}}
	origins := []exploreOrigin{{}}
	frontier, base := []exploreKey{first}, 0 // base is the number of the first state of the frontier
	beyond := false                          // there are states beyond the bound
	var count exploreCount
	for level := 0; len(frontier) > 0; level++ {
		count.depth = level
		last := count.states+len(frontier) == bound
		chunks := make([]exploreResult, (len(frontier)+exploreChunk-1)/exploreChunk)
		var next atomic.Int64
		var workers sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			workers.Go(func() {
				x := newExplorer(w, fault)
				for i := int(next.Add(1)) - 1; i < len(chunks); i = int(next.Add(1)) - 1 {
					from := i * exploreChunk
					chunks[i] = x.expand(frontier[from:min(from+exploreChunk, len(frontier))], base+from, visited, last)
				}
			})
		}
		workers.Wait()

		count.states += len(frontier)
		base += len(frontier)
		frontier = nil
		for _, chunk := range chunks {
			count.add(chunk.count)
			if chunk.violation != nil {
				return count, w.report(start, origins, *chunk.violation, fault)
			}
			for _, found := range chunk.found {
				if _, known := visited[found.key]; known {
					continue
				}
				if len(frontier) == bound-count.states {
					beyond = true
					break
				}
				visited[found.key] = struct{}{}
				origins = append(origins, found.origin)
				frontier = append(frontier, found.key)
			}
		}
	}
	count.complete = !beyond
	return count, nil
}

// An exploreResult is the result of exploring one chunk.
type exploreResult struct {
	found     []foundState // each once, in the order of the search
	count     exploreCount
	violation *foundViolation // the first one
}

// A foundViolation is a step that breaks an invariant.
type foundViolation struct {
	origin exploreOrigin
	breach exploreBreach
}

// expand performs every operation in the states of one chunk, of which the first has the number
// base. In the last level it keeps one new state, which shows that there are more.
func (x *explorer) expand(chunk []exploreKey, base int, visited map[exploreKey]struct{}, last bool) exploreResult {
	var result exploreResult
	local := map[exploreKey]struct{}{}
	for i, key := range chunk {
		x.enter(key.unpack())
		for o := range x.world.operations {
			origin := exploreOrigin{uint32(base + i), uint16(o)}
			after, changed, breach := x.step(&x.world.operations[o])
			result.count.steps++
			if breach != nil {
				result.violation = &foundViolation{origin, *breach}
				return result
			}
			if !changed {
				continue
			}
			result.count.changes++
			if last && len(result.found) > 0 {
				continue
			}
			key := after.fold(x.world)
			if _, known := visited[key]; known {
				continue
			}
			if _, known := local[key]; !known {
				local[key] = struct{}{}
				result.found = append(result.found, foundState{key, origin})
			}
		}
	}
	result.count.checks = x.checks
	x.checks = 0
	return result
}

// report returns the way to a violation in the names of one run. The states of the search have
// other names in each step, because equal states are folded.
func (w *exploreWorld) report(start exploreState, origins []exploreOrigin, v foundViolation, fault *exploreFault) *exploreViolation {
	steps := []uint16{v.origin.by}
	for at := v.origin.parent; at > 0; at = origins[at].parent {
		steps = append(steps, origins[at].by)
	}
	slices.Reverse(steps)

	x := newExplorer(w, fault)
	report := &exploreViolation{world: w.name, invariant: v.breach.invariant, text: v.breach.text, also: v.breach.also}
	folded, present := start.fold(w), start
	for i, by := range steps {
		x.enter(folded.unpack())
		want := folded
		if after, _, breach := x.step(&w.operations[by]); breach == nil {
			want = after.fold(w)
		}
		last := i == len(steps)-1
		x.enter(present)
		for o := range w.operations {
			after, _, breach := x.step(&w.operations[o])
			if last && breach != nil && breach.invariant == v.breach.invariant || !last && breach == nil && after.fold(w) == want {
				report.path = append(report.path, w.operations[o].text)
				if present = after; last {
					report.text = breach.text
				}
				break
			}
		}
		folded = want
	}
	return report
}

// Users are numbered from 1. 0 stands for System or nobody, as the empty user ID does, and
// erasedUser for the pseudonym of all erased users.
const (
	exploreUsers = 3
	erasedUser   = exploreUsers + 1

	emailSlots = 2 // of the four invitations, the first two are by email
	allSlots   = 4
)

// The phases of an organization.
const (
	unborn = iota
	alive
	deleted
	purged // all rows went after the deletion
)

// The states of an invitation. An expired one is pending.
const (
	noOffer = iota
	pendingOffer
	acceptedOffer
	declinedOffer
	revokedOffer
)

// The next work of a sweep for an invitation.
const (
	notDue = iota
	dueReminder
	dueExpiry
)

// An exploreState is all that the rules can tell apart in an organization.
//
// Instants are kept as their distance from the present, in days. Versions are kept as their
// order: an invitation knows the users who were removed, and those whose quota was set, after it
// was sent. Nothing else compares versions.
//
// The fields gone and joined are the history that the invariants remember. The rules cannot see
// them.
type exploreState struct {
	phase, limits, deployed uint8 // the last two are indexes in the world
	shared                  uint8 // the shared quota
	users                   [exploreUsers]userState
	offers                  [allSlots]offerState
	mails                   [maxMails]mailState // of this day, sorted
}

// maxMails is more than any world allows in a day.
const maxMails = 3

type userState struct {
	role      uint8 // an index in the roles of the world, from 1; 0: not a member
	invitedBy uint8
	invited   bool // through an invitation, which may have been purged
	metadata  bool
	quota     uint8 // 0: never set; 1: set to none; 2: set
}

type offerState struct {
	state                  uint8
	to                     uint8 // the user with this address; 0 if erased, and for links
	role                   uint8
	maxUses, uses          uint8
	creator, sender, taker uint8
	expires                int8  // days until the expiry; of an ended invitation: until its end, never positive
	span                   uint8 // days from the sending to the expiry
	today                  bool  // sent on this day
	due                    uint8
	quota, metadata        bool
	domain                 bool  // only for addresses of the first domain
	members                uint8 // a bit for each user who is a member through it
	removed                uint8 // a bit for each user whose removal came after the sending
	outdated               uint8 // a bit for each user whose quota was set after the sending

	gone   uint8 // history: a bit for each user who was removed or demoted after the sending
	joined uint8 // history: how many people joined through it
}

// A mailState is a sending of this day: the actor and the recipient, both from 1; 0: none.
type mailState struct{ actor, to uint8 }

func bit(user uint8) uint8 { return 1 << (user - 1) }

// An exploreKey is a state in few bytes.
type exploreKey [1 + allSlots]uint64

// A packer writes fields into one number, or reads them from it.
type packer struct {
	bits uint64
	used int
}

func (p *packer) put(v uint8, width int) {
	p.bits |= uint64(v) << p.used
	p.used += width
}

func (p *packer) putBool(v bool) {
	if v {
		p.bits |= 1 << p.used
	}
	p.used++
}

func (p *packer) take(width int) uint8 {
	v := uint8(p.bits & (1<<width - 1))
	p.bits >>= width
	return v
}

func (p *packer) takeBool() bool { return p.take(1) == 1 }

// oldest is the distance of an instant that is long ago, as a Purge sees it.
const oldest = -2

func (o *offerState) pack() uint64 {
	if o.state == noOffer {
		return 0
	}
	var p packer
	p.put(o.state, 3)
	p.put(o.to, 2)
	p.put(o.role, 2)
	p.put(o.maxUses, 2)
	p.put(o.uses, 2)
	p.put(o.creator, 3)
	p.put(o.sender, 3)
	p.put(o.taker, 3)
	p.put(uint8(o.expires-oldest), 3)
	p.put(o.span, 2)
	p.putBool(o.today)
	p.put(o.due, 2)
	p.putBool(o.quota)
	p.putBool(o.metadata)
	p.putBool(o.domain)
	p.put(o.members, 3)
	p.put(o.removed, 3)
	p.put(o.outdated, 3)
	p.put(o.gone, 3)
	p.put(o.joined, 2)
	return p.bits
}

func unpackOffer(bits uint64) (o offerState) {
	if bits == 0 {
		return o
	}
	p := packer{bits: bits}
	o.state, o.to, o.role, o.maxUses, o.uses = p.take(3), p.take(2), p.take(2), p.take(2), p.take(2)
	o.creator, o.sender, o.taker = p.take(3), p.take(3), p.take(3)
	o.expires = int8(p.take(3)) + oldest
	o.span, o.today, o.due = p.take(2), p.takeBool(), p.take(2)
	o.quota, o.metadata, o.domain = p.takeBool(), p.takeBool(), p.takeBool()
	o.members, o.removed, o.outdated, o.gone, o.joined = p.take(3), p.take(3), p.take(3), p.take(3), p.take(2)
	return o
}

func (s *exploreState) pack() (key exploreKey) {
	var p packer
	p.put(s.phase, 2)
	p.put(s.limits, 3)
	p.put(s.deployed, 1)
	p.put(s.shared, 2)
	for i := range s.users {
		u := &s.users[i]
		p.put(u.role, 2)
		p.put(u.invitedBy, 3)
		p.putBool(u.invited)
		p.putBool(u.metadata)
		p.put(u.quota, 2)
	}
	for _, m := range s.mails {
		p.put(m.actor, 3)
		p.put(m.to, 3)
	}
	key[0] = p.bits
	for i := range s.offers {
		key[1+i] = s.offers[i].pack()
	}
	return key
}

func (key exploreKey) unpack() (s exploreState) {
	p := packer{bits: key[0]}
	s.phase, s.limits, s.deployed, s.shared = p.take(2), p.take(3), p.take(1), p.take(2)
	for i := range s.users {
		s.users[i] = userState{p.take(2), p.take(3), p.takeBool(), p.takeBool(), p.take(2)}
	}
	for i := range s.mails {
		s.mails[i] = mailState{p.take(3), p.take(3)}
	}
	for i := range s.offers {
		s.offers[i] = unpackOffer(key[1+i])
	}
	return s
}

// fold returns the key of s. All states that no rule and no invariant can tell apart have the
// same key.
func (s *exploreState) fold(w *exploreWorld) (best exploreKey) {
	f := *s
	f.forget(w)
	best[0] = ^uint64(0)
	for i := range w.permutations {
		// If all users are interchangeable, only those orders count in which the roles descend.
		if p := &w.permutations[i]; w.foreign || f.sorted(p) {
			if key := f.named(p); slices.Compare(key[:], best[:]) < 0 {
				best = key
			}
		}
	}
	return best
}

// forget clears the fields that nothing reads any more.
func (s *exploreState) forget(w *exploreWorld) {
	if s.phase == purged {
		*s = exploreState{phase: purged}
		return
	}
	for i := range s.users {
		u := &s.users[i]
		if !w.erases && (u.invited || u.invitedBy != 0) {
			u.invitedBy = min(u.invitedBy, 1) // a founder is invited by nobody
			if u.invited {
				u.invitedBy = 0
			}
		}
	}
	for i := range s.offers {
		o := &s.offers[i]
		if o.state == noOffer {
			*o = offerState{}
			continue
		}
		o.expires = max(o.expires, w.oldest)
		ended := o.state != pendingOffer
		if ended {
			o.uses, o.joined, o.due, o.span, o.today, o.quota, o.domain, o.maxUses = 0, 0, 0, 0, false, false, false, 0
		}
		if ended || o.expires <= 0 {
			o.removed, o.gone, o.outdated = 0, 0, 0 // only a resend helps, and that is a new sending
		}
		if !w.sweeps {
			o.due = 0
		}
		if w.cooldown == 0 {
			o.today = false
		}
		if !w.erases {
			o.creator, o.taker = 0, 0
			if ended {
				o.sender = 0
			}
		}
	}
	if w.sendings == 0 {
		s.mails = [maxMails]mailState{}
	}
}

// A permutation has the new number of each person.
type permutation [erasedUser + 1]uint8

// bits returns the bits of users under their new numbers.
func (p *permutation) bits(b uint8) uint8 {
	var renamed uint8
	for user := uint8(1); user <= exploreUsers; user++ {
		if b&bit(user) != 0 {
			renamed |= bit(p[user])
		}
	}
	return renamed
}

// sorted reports whether a permutation puts the users in the order of their roles.
func (s *exploreState) sorted(p *permutation) bool {
	var roles [exploreUsers]uint8
	for i := range s.users {
		roles[p[i+1]-1] = s.users[i].role
	}
	return roles[0] >= roles[1] && roles[1] >= roles[2]
}

// named returns the key of s after renaming the users and sorting what has no order.
func (s *exploreState) named(p *permutation) exploreKey {
	n := *s
	for i := range s.users {
		u := s.users[i]
		u.invitedBy = p[u.invitedBy]
		n.users[p[i+1]-1] = u
	}
	for i := range n.offers {
		if o := &n.offers[i]; o.state != noOffer {
			o.to, o.creator, o.sender, o.taker = p[o.to], p[o.creator], p[o.sender], p[o.taker]
			o.members, o.removed, o.outdated, o.gone = p.bits(o.members), p.bits(o.removed), p.bits(o.outdated), p.bits(o.gone)
		}
	}
	for i := range n.mails {
		if m := &n.mails[i]; m.actor != 0 {
			m.actor, m.to = 1+p[m.actor-1], 1+p[m.to-1]
		}
	}
	n.sortMails()
	key := n.pack()
	if key[1] < key[2] { // free places come last
		key[1], key[2] = key[2], key[1]
	}
	if key[3] < key[4] {
		key[3], key[4] = key[4], key[3]
	}
	return key
}

func (s *exploreState) sortMails() {
	slices.SortFunc(s.mails[:], func(a, b mailState) int {
		return cmp.Or(cmp.Compare(b.actor, a.actor), cmp.Compare(b.to, a.to))
	})
}

// Each invariant finds a fault that breaks it. The faults are those of a store that misleads the
// decisions, or spoils what they return.
func TestEveryState_Controls(t *testing.T) {
	t.Parallel()
	worlds := map[string]*exploreWorld{}
	for _, w := range exploreWorlds() {
		worlds[w.name] = w
	}
	controls := []struct {
		invariant, world string
		length           int // of the shortest way to the violation
		fault            exploreFault
	}{
		{anOwner, "members", 2, exploreFault{facts: func(_ *explorer, f *Facts) { f.OwnerCount = 2 }}},
		{noRise, "members", 2, exploreFault{facts: func(x *explorer, f *Facts) {
			if f.Version == 0 {
				return
			}
			f.Members = map[string]Member{}
			for user := range x.s.users {
				f.Members[userNames[1+user]] = memberOf(userNames[1+user], RoleOwner)
			}
		}}},
		{withinLimits, "places", 3, exploreFault{facts: func(_ *explorer, f *Facts) { f.PendingCount = 0 }}},
		{theInvited, "email", 3, exploreFault{facts: func(x *explorer, f *Facts) {
			if f.Invitation != nil {
				f.Invitation.Email = x.world.address(3) // a user with no role comes last
			}
		}}},
		{sentLater, "link", 5, exploreFault{facts: func(_ *explorer, f *Facts) { f.Removals = nil }}},
		{liveOnly, "link", 5, exploreFault{facts: func(_ *explorer, f *Facts) {
			if f.Invitation != nil {
				f.Invitation.ExpiresAt = noon.Add(day)
			}
		}}},
		{deadIsDead, "link", 1, exploreFault{facts: func(_ *explorer, f *Facts) { f.Version = presentVersion }}},
		{cleanRefusal, "members", 1, exploreFault{changes: func(_ *explorer, _ *exploreOperation, c *Changes, err *error) {
			if *err != nil {
				c.Removals = []string{userNames[1]}
			}
		}}},
		{cleanRefusal, "members", 1, exploreFault{changes: func(_ *explorer, _ *exploreOperation, _ *Changes, err *error) {
			if *err != nil {
				*err = ErrQuotaExceeded
			}
		}}},
		{eventsReplay, "members", 1, exploreFault{changes: func(_ *explorer, _ *exploreOperation, c *Changes, _ *error) { c.Events = nil }}},
		{cleanEnds, "link", 3, exploreFault{purge: func(_ *explorer, after *exploreState) { after.offers = [allSlots]offerState{} }}},
		{lostTogether, "link", 4, exploreFault{facts: func(_ *explorer, f *Facts) { f.PendingRecords = nil }}},
		{noWhim, "members", 2, exploreFault{facts: func(_ *explorer, f *Facts) { f.Members = nil }}},
		{noDecisionDie, "link", 1, exploreFault{changes: func(*explorer, *exploreOperation, *Changes, *error) { panic("a fault") }}},
	}
	shown := map[string]bool{}
	for _, c := range controls {
		c.fault.only = c.invariant
		_, found := explore(worlds[c.world], 30_000, &c.fault)
		require.NotNil(t, found, c.invariant)
		require.Equal(t, c.invariant, found.invariant)
		require.Len(t, found.path, c.length, found)
		shown[c.invariant] = true
	}
	for _, invariant := range exploreInvariants {
		require.True(t, shown[invariant.name], "no control breaks: %s", invariant.name)
	}
}
