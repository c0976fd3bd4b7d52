package invitations

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// The invariants of TestEveryState. They are written from the documentation and call no rule: a
// rule and its check must not be wrong together. They see the whole state before and after a
// step, with its history, where a decision sees only the facts that it asked for.

// An exploreStep is one operation in one state.
type exploreStep struct {
	x       *explorer
	w       *exploreWorld
	op      *exploreOperation
	before  *exploreState
	after   *exploreState
	changes Changes
	err     error
	swept   Swept
}

// An exploreBreach says how a step breaks an invariant.
type exploreBreach struct {
	invariant, text string
	also            []string // the other invariants that the step breaks
}

// An exploreInvariant returns what is wrong with a step, or "". Only those of refusals see
// refused steps, and those of changes see no others.
type exploreInvariant struct {
	name    string
	refusal bool
	wrong   func(*exploreStep) string
}

const (
	anOwner       = "there is always an owner"
	noRise        = "a permission comes from an actor who held it"
	withinLimits  = "uses, places, seats and mail stay within the limits"
	theInvited    = "an email invitation brings in one person, the invited"
	sentLater     = "a removed or demoted member is back only by what was sent later"
	liveOnly      = "only the present token of a pending invitation admits"
	deadIsDead    = "an organization that does not exist admits nobody"
	cleanRefusal  = "a refusal changes nothing and is documented"
	eventsReplay  = "the events replayed give the state"
	cleanEnds     = "sweep, purge and erasure leave what is documented"
	lostTogether  = "an invitation ends with the right of its sender to it, and no other does"
	noWhim        = "an operation with everything that it needs is not refused"
	noDecisionDie = "no decision panics"
)

var exploreInvariants = []exploreInvariant{
	{anOwner, false, (*exploreStep).owner},
	{noRise, false, (*exploreStep).rise},
	{withinLimits, false, (*exploreStep).limits},
	{theInvited, false, (*exploreStep).invited},
	{sentLater, false, (*exploreStep).removed},
	{liveOnly, false, (*exploreStep).live},
	{deadIsDead, false, (*exploreStep).dead},
	{cleanRefusal, true, (*exploreStep).refusal},
	{eventsReplay, false, (*exploreStep).replay},
	{cleanEnds, false, (*exploreStep).ends},
	{lostTogether, false, (*exploreStep).lost},
	{noWhim, true, (*exploreStep).whim},
	{noDecisionDie, true, func(*exploreStep) string { return "" }}, // see step
}

// step performs an operation in the present state and checks it.
func (x *explorer) step(op *exploreOperation) (after exploreState, changed bool, breach *exploreBreach) {
	defer func() {
		if r := recover(); r != nil {
			breach = &exploreBreach{invariant: noDecisionDie, text: fmt.Sprint(op.text, ": ", r)}
		}
	}()
	s := &x.present
	*s = exploreStep{x: x, w: x.world, op: op, before: &x.s}
	switch op.method {
	case "wait":
		after = x.wait()
	case "deploy":
		after = x.s
		after.deployed ^= 1
	case "Purge":
		after = x.purge()
	default:
		var ok bool
		if op.method == "Sweep" {
			s.swept, s.changes, ok = x.sweep()
		} else {
			x.create = op.method == "CreateOrganization"
			s.changes, s.err, ok = op.perform(x)
		}
		if !ok {
			return x.s, false, nil
		}
		if x.fault != nil && x.fault.changes != nil {
			x.fault.changes(x, op, &s.changes, &s.err)
		}
		if s.err != nil {
			x.checks += 2
			if text := s.refusal(); text != "" && (x.fault == nil || x.fault.only == cleanRefusal) {
				return x.s, false, &exploreBreach{invariant: cleanRefusal, text: op.text + ": " + text}
			}
			if text := s.whim(); text != "" && (x.fault == nil || x.fault.only == noWhim) {
				return x.s, false, &exploreBreach{invariant: noWhim, text: op.text + ": " + text}
			}
			return x.s, false, nil
		}
		if after = x.s; !changesNothing(&s.changes) {
			var err error
			if after, err = x.apply(&s.changes); err != nil && (x.fault == nil || x.fault.only == eventsReplay) {
				return after, false, &exploreBreach{invariant: eventsReplay, text: op.text + ": writes " + err.Error()}
			}
		}
	}
	s.after = &x.after
	x.after = after
	s.remember()
	for i := range exploreInvariants {
		if invariant := &exploreInvariants[i]; !invariant.refusal && (x.fault == nil || x.fault.only == invariant.name) {
			x.checks++
			if text := invariant.wrong(s); text != "" {
				breach = breach.and(invariant.name, op.text+": "+text)
			}
		}
	}
	return x.after, breach == nil && x.after != x.s, breach
}

// and adds an invariant that the same step breaks.
func (b *exploreBreach) and(invariant, text string) *exploreBreach {
	if b == nil {
		return &exploreBreach{invariant: invariant, text: text}
	}
	b.also = append(b.also, invariant)
	return b
}

// changesNothing reports whether c is empty.
func changesNothing(c *Changes) bool {
	return len(c.Invitations)+len(c.Members)+len(c.RemovedMembers)+len(c.Removals)+len(c.Quotas)+len(c.ErasedEvents)+len(c.Events) == 0 &&
		c.Limits == nil && !c.Deleted
}

// wait lets a day pass.
func (x *explorer) wait() exploreState {
	n := x.s
	for slot := range n.offers {
		if o := &n.offers[slot]; o.state != noOffer {
			o.expires = max(o.expires-1, oldest)
			o.today = false
		}
	}
	n.mails = [maxMails]mailState{}
	return n
}

// purge deletes what is older than a day, as a store does.
func (x *explorer) purge() exploreState {
	n, q := x.s, PurgeQuery{Before: noon.Add(-day)}
	if n.phase == deleted || n.phase == purged {
		return exploreState{phase: purged, deployed: n.deployed}
	}
	for slot := range n.offers {
		if n.offers[slot].state != noOffer && q.Invitation(x.records[slot]) {
			n.offers[slot] = offerState{}
		}
	}
	if x.fault != nil && x.fault.purge != nil {
		x.fault.purge(x, &n)
	}
	return n
}

// sweep sweeps the organization.
func (x *explorer) sweep() (Swept, Changes, bool) {
	if x.s.phase != alive {
		return Swept{}, Changes{}, false
	}
	f := Facts{Organization: acme, Version: presentVersion}
	for slot := range x.s.offers {
		if r := &x.records[slot]; x.s.offers[slot].state == pendingOffer && x.s.offers[slot].due != notDue && !r.SweepAt.After(noon) {
			f.PendingRecords = append(f.PendingRecords, *r)
		}
	}
	swept, changes := x.rules.sweep(f)
	return swept, changes, true
}

// remember continues the history, which the rules do not see.
func (s *exploreStep) remember() {
	forbid := func(user uint8) {
		for slot := range s.after.offers {
			if o := &s.after.offers[slot]; o.state != noOffer {
				o.gone |= bit(user)
			}
		}
	}
	switch op := s.op; op.method {
	case "RemoveMember":
		forbid(op.user)
	case "ChangeRole", "TransferOwnership":
		if s.rank(s.before.users[op.user-1].role)&^s.rank(s.after.users[op.user-1].role) != 0 {
			forbid(op.user)
		}
	case "Resend":
		s.after.offers[op.slot].gone = 0
	case "Accept", "AcceptReceived":
		if s.joins(op.user) {
			s.after.offers[op.slot].joined = min(s.before.offers[op.slot].joined+1, 3) // no limit is higher
		}
	case "Erase": // events of sendings lose the person, like others
		for i := range s.after.mails {
			if m := &s.after.mails[i]; m.actor != 0 {
				if op.user != 0 && m.actor == 1+op.user {
					m.actor = 1 + erasedUser
				}
				if op.address != 0 && m.to == 1+op.address {
					*m = mailState{}
				}
			}
		}
		s.after.sortMails()
	}
	for slot := range s.after.offers {
		if s.before.offers[slot].state == noOffer {
			s.after.offers[slot].gone, s.after.offers[slot].joined = 0, 0
		}
	}
}

// Authority, from the table of permissions.

// rank returns the permissions that it takes to act on a role: those of an owner for a role that
// the policy does not know.
func (s *exploreStep) rank(role uint8) permits {
	if held := s.w.holds[s.before.deployed][role]; held != 0 || role == 0 {
		return held
	}
	return s.w.holds[s.before.deployed][1]
}

// held returns the permissions of an actor before the step.
func (s *exploreStep) held() permits {
	a := s.op.actor
	held := ^permits(0)
	if a.user != 0 {
		held = s.w.holds[s.before.deployed][s.before.users[a.user-1].role]
	}
	if a.ceiling != 0 {
		held &= s.w.holds[s.before.deployed][a.ceiling]
	}
	return held
}

func (s *exploreStep) actorHas(permission Permission) bool { return s.held()&permitOf(permission) != 0 }

// actorRanks reports whether the actor holds every permission of a role.
func (s *exploreStep) actorRanks(role uint8) bool { return s.rank(role)&^s.held() == 0 }

// known reports whether the policy knows a role.
func (s *exploreStep) known(role uint8) bool { return s.w.holds[s.before.deployed][role] != 0 }

// couldSend reports whether a member with these permissions could send an invitation.
func (s *exploreStep) couldSend(held permits, o *offerState) bool {
	return s.rank(o.role)&^held == 0 && held&(permitCreate|permitResend) != 0 && (!o.quota || held&permitQuota != 0)
}

var (
	permitCreate = permitOf(PermissionInvitationCreate)
	permitResend = permitOf(PermissionInvitationResend)
	permitQuota  = permitOf(PermissionQuotaUpdate)
)

// backed reports whether the sender could send the invitation before the step.
func (s *exploreStep) backed(o *offerState) bool {
	switch {
	case !s.known(o.role), o.sender == erasedUser:
		return false
	case o.sender == 0:
		return true
	}
	return s.couldSend(s.w.holds[s.before.deployed][s.before.users[o.sender-1].role], o)
}

func (o *offerState) isLive() bool { return o.state == pendingOffer && o.expires > 0 }

// joins reports whether a user becomes a member.
func (s *exploreStep) joins(user uint8) bool {
	return s.before.users[user-1].role == 0 && s.after.users[user-1].role != 0
}

// accepts reports whether the step makes a member through an invitation.
func (s *exploreStep) accepts() bool {
	return (s.op.method == "Accept" || s.op.method == "AcceptReceived") && s.joins(s.op.user)
}

func (s *exploreStep) owner() string {
	if s.after.phase != alive {
		return ""
	}
	for i := range s.after.users {
		if s.after.users[i].role == 1 {
			return ""
		}
	}
	return "no owner is left"
}

// rise refuses a permission, a quota or a setting that the actor could not give.
func (s *exploreStep) rise() string {
	for i := range s.before.users {
		if b, a := &s.before.users[i], &s.after.users[i]; *b != *a {
			if text := s.member(uint8(1+i), b, a); text != "" {
				return fmt.Sprint(userNames[1+i], ": ", text)
			}
		}
	}
	for slot := range s.before.offers {
		if b, a := &s.before.offers[slot], &s.after.offers[slot]; *b != *a {
			if text := s.offer(slot, b, a); text != "" {
				return fmt.Sprint("#", 1+slot, ": ", text)
			}
		}
	}
	isHost := s.op.actor == exploreAgent{}
	switch {
	case s.before.shared != s.after.shared && !isHost:
		return "the shared quota changed by somebody other than System"
	case s.before.limits != s.after.limits && !isHost:
		return "limits changed by somebody other than System"
	case s.after.phase == deleted && s.before.phase == alive && !s.actorHas(PermissionOrganizationManage):
		return "deleted without the permission"
	case s.op.method == "PendingToken":
		o := &s.before.offers[s.op.slot]
		if !s.actorHas(PermissionInvitationResend) || !s.actorRanks(o.role) || o.quota && !s.actorHas(PermissionQuotaUpdate) {
			return "a token for an actor who could not send it"
		}
	}
	return ""
}

// member returns what is wrong with the change of a membership.
func (s *exploreStep) member(user uint8, b, a *userState) string {
	op := s.op
	if b.quota != a.quota {
		if text := s.memberQuota(user, b); text != "" {
			return text
		}
	}
	if b.metadata != a.metadata && b.role != 0 && a.role != 0 && op.method != "Erase" &&
		!(op.method == "SetMetadata" && user == op.user && s.actorHas(PermissionMemberUpdate) && s.actorRanks(b.role)) {
		return "metadata changed without the permission"
	}
	if b.role == a.role {
		return ""
	}
	right := false
	switch op.method {
	case "CreateOrganization":
		right = s.before.phase == unborn && user == op.user && a.role == 1
	case "AddMember":
		right = user == op.user && b.role == 0 && a.role == op.role && s.actorHas(PermissionMemberAdd) && s.actorRanks(a.role) && s.known(a.role)
	case "ChangeRole":
		right = user == op.user && b.role != 0 && a.role == op.role && s.actorHas(PermissionMemberUpdate) && s.actorRanks(b.role) && s.actorRanks(a.role) && s.known(a.role)
	case "TransferOwnership":
		right = s.actorHas(PermissionOrganizationManage) && s.actorRanks(1) && s.before.users[op.user-1].role == 1 &&
			(user == op.user && a.role == op.role || user == op.to && b.role != 0 && a.role == 1)
	case "Accept", "AcceptReceived":
		o := &s.before.offers[op.slot]
		right = user == op.user && b.role == 0 && a.role == o.role && s.backed(o)
	case "RemoveMember":
		right = user == op.user && a.role == 0 && s.actorHas(PermissionMemberRemove) && s.actorRanks(b.role)
	case "Leave":
		right = user == op.user && a.role == 0
	case "Purge":
		right = s.before.phase == deleted
	}
	if !right {
		return fmt.Sprintf("role %q became %q, which nobody could decide", s.w.role(b.role), s.w.role(a.role))
	}
	return ""
}

func (s *exploreStep) memberQuota(user uint8, b *userState) string {
	right := false
	switch op := s.op; op.method {
	case "SetQuota":
		right = user == op.user && b.role != 0 && s.actorHas(PermissionQuotaUpdate) && s.actorRanks(b.role)
	case "AddMember":
		right = user == op.user && op.quota && s.actorHas(PermissionQuotaUpdate)
	case "Accept", "AcceptReceived":
		o := &s.before.offers[op.slot]
		right = user == op.user && o.quota && (b.quota == 0 || op.slot < emailSlots && o.outdated&bit(user) == 0)
	case "Purge":
		right = s.before.phase == deleted
	}
	if !right {
		return "a quota that nobody could set"
	}
	return ""
}

// offer returns what is wrong with the change of an invitation.
func (s *exploreStep) offer(slot int, b, a *offerState) string {
	op := s.op
	isFinal := b.state != noOffer && b.state != pendingOffer
	switch {
	case op.method == "wait", op.method == "Purge", op.method == "Sweep", op.method == "Erase":
		return "" // see ends
	case b.state == noOffer:
		switch {
		case op.method != "Invite" && op.method != "CreateLink" && op.method != "InviteAll":
			return "an invitation out of nothing"
		case !s.actorHas(PermissionInvitationCreate), !s.actorRanks(a.role), !s.known(a.role), a.quota && !s.actorHas(PermissionQuotaUpdate):
			return "an invitation by an actor who may not make it"
		case a.sender != op.actor.user, a.creator != op.actor.user:
			return "another sender"
		}
		return ""
	case isFinal:
		c := *a
		c.members, c.removed, c.outdated, c.gone = b.members, b.removed, b.outdated, b.gone
		if c != *b {
			return "an invitation that had ended changed"
		}
		return ""
	case a.state != pendingOffer:
		return s.ended(slot, b, a)
	}
	sameOffer := b.role == a.role && b.maxUses == a.maxUses && b.quota == a.quota && b.domain == a.domain && b.to == a.to && b.expires == a.expires
	switch {
	case op.method == "Resend" && slot == op.slot:
		switch {
		case !s.actorHas(PermissionInvitationResend), !s.actorRanks(b.role), b.quota && !s.actorHas(PermissionQuotaUpdate):
			return "resent by an actor who may not send it"
		case a.sender != op.actor.user:
			return "another sender"
		case b.role != a.role, b.maxUses != a.maxUses, b.quota != a.quota, b.domain != a.domain, b.to != a.to, b.uses != a.uses:
			return "a resend changed the offer"
		}
	case op.method == "Edit" && slot == op.slot:
		switch {
		case !b.isLive():
			return "edited though it is not pending"
		case !s.actorHas(PermissionInvitationCreate), !s.actorRanks(b.role), !s.actorRanks(a.role), !s.known(a.role) && a.role != b.role, (b.quota || a.quota) && !s.actorHas(PermissionQuotaUpdate):
			return "edited by an actor who may not"
		case a.sender != op.actor.user && (op.actor.user != 0 || a.sender != b.sender || !s.backed(&offerState{role: a.role, quota: a.quota, sender: a.sender})):
			return "another sender"
		case a.removed != b.removed || s.w.cooldown > 0 && a.today != b.today:
			return "an edit counts as a sending"
		case b.to != a.to, b.uses != a.uses:
			return "an edit changed more than the offer"
		}
	case !sameOffer || b.sender != a.sender || b.creator != a.creator:
		return "an invitation changed by itself"
	}
	return ""
}

// ended returns what is wrong with the end of an invitation.
func (s *exploreStep) ended(slot int, b, a *offerState) string {
	op := s.op
	if a.sender != b.sender || a.creator != b.creator || a.role != b.role || a.to != b.to {
		return "an invitation changed at its end"
	}
	right := false
	switch op.method {
	case "Revoke":
		right = slot == op.slot && a.state == revokedOffer && b.isLive() && s.actorHas(PermissionInvitationRevoke)
	case "Decline":
		right = slot == op.slot && a.state == declinedOffer && b.isLive() && slot < emailSlots && !op.stale
	case "DeclineReceived":
		right = slot == op.slot && a.state == declinedOffer && b.isLive() && slot < emailSlots && op.verified && op.address == b.to
	case "Accept", "AcceptReceived":
		right = slot == op.slot && a.state == acceptedOffer && b.isLive() && (slot < emailSlots || b.maxUses == b.uses+1) ||
			slot != op.slot && a.state == revokedOffer && s.joins(op.user) && op.verified && slot < emailSlots && b.to == op.address
	case "AddMember":
		right = a.state == revokedOffer && s.joins(op.user) && slot < emailSlots && b.to == op.address && s.actorHas(PermissionInvitationRevoke)
	case "ChangeRole", "TransferOwnership", "RemoveMember", "Leave":
		right = a.state == revokedOffer && b.sender == op.user // see lost
	}
	if !right {
		return "an invitation ended without a reason"
	}
	return ""
}

// lost refuses an invitation that stays though its sender lost the right to it or the recipient
// is a member, and one that ends without that.
func (s *exploreStep) lost() string {
	op := s.op
	for slot := range s.before.offers {
		b, a := &s.before.offers[slot], &s.after.offers[slot]
		if !b.isLive() {
			continue
		}
		switch op.method {
		case "ChangeRole", "TransferOwnership", "RemoveMember", "Leave":
			role := s.after.users[op.user-1].role
			if b.sender != op.user || s.before.users[op.user-1].role == role {
				continue
			}
			if stays := s.couldSend(s.w.holds[s.before.deployed][role], b); stays != a.isLive() {
				return fmt.Sprintf("#%d: pending afterwards: %t, want %t", 1+slot, a.isLive(), stays)
			}
		case "Accept", "AcceptReceived", "AddMember":
			if slot < emailSlots && s.joins(op.user) && a.isLive() && op.address == b.to && (op.verified || op.method == "AddMember") {
				return fmt.Sprintf("#%d invites a member", 1+slot)
			}
		}
	}
	return ""
}

// limits refuses what exceeds a limit in force. Lowering a limit ends nothing, so only what grows
// must be within it.
func (s *exploreStep) limits() string {
	var before, after [3]int // places, seats, reservations
	for i, state := range []*exploreState{s.before, s.after} {
		n := &before
		if i == 1 {
			n = &after
		}
		for slot := range state.offers {
			if o := &state.offers[slot]; o.isLive() {
				n[0]++
				if slot < emailSlots && s.x.takesSeat(o.role) {
					n[2]++
				}
			}
		}
		for u := range state.users {
			if role := state.users[u].role; role != 0 && s.x.takesSeat(role) {
				n[1]++
			}
		}
	}
	if s.before.phase == alive && s.before.limits == s.after.limits && s.before.deployed == s.after.deployed {
		limits := &s.x.limits
		switch {
		case after[0] > before[0] && after[0] > limits.Pending:
			return fmt.Sprint(after[0], " invitations are pending")
		case limits.Members > 0 && after[1] > before[1] && after[1] > limits.Members:
			return fmt.Sprint(after[1], " seats are taken")
		}
		if text := s.reservations(before, after); text != "" {
			return text
		}
	}
	for slot := range s.after.offers {
		o := &s.after.offers[slot]
		switch {
		case o.maxUses > 0 && (o.uses > o.maxUses || o.joined > o.maxUses):
			return fmt.Sprintf("#%d has %d uses, and %d people joined through it", 1+slot, o.uses, o.joined)
		case slot == 0 && o.isLive() && s.after.offers[1].isLive() && o.to != 0 && o.to == s.after.offers[1].to:
			return "two invitations for one address are pending"
		}
		if text := s.restricted(slot, o); text != "" {
			return text
		}
	}
	return s.mail()
}

// reservations refuses a seat that is promised to another person.
func (s *exploreStep) reservations(before, after [3]int) string {
	limits := &s.x.limits
	if !s.w.reserve || limits.Members <= 0 {
		return ""
	}
	full := before[1]+before[2] >= limits.Members
	switch op := s.op; op.method {
	case "Invite", "InviteAll", "Edit", "Resend":
		if after[2] > before[2] && after[1]+after[2] > limits.Members {
			return "a reservation without a free seat"
		}
	case "Accept", "AcceptReceived", "AddMember", "ChangeRole", "TransferOwnership":
		if after[1] <= before[1] {
			return ""
		}
		for slot := range emailSlots { // the holder of a reservation
			o := &s.before.offers[slot]
			if (op.verified || op.method == "AddMember") && op.address != 0 && o.isLive() && o.to == op.address && s.x.takesSeat(o.role) {
				return ""
			}
		}
		if full {
			return "a seat that was reserved for somebody else"
		}
	}
	return ""
}

// restricted refuses an invitation that the limits do not allow.
func (s *exploreStep) restricted(slot int, o *offerState) string {
	made := s.before.offers[slot].state == noOffer && o.state == pendingOffer || s.op.method == "Resend" && s.op.slot == slot
	limits := &s.x.limits
	switch {
	case made && slot >= emailSlots && limits.NoLinks:
		return "a link though links are not allowed"
	case made && slot < emailSlots && len(limits.AllowedDomains) > 0 && !s.inDomain(o.to):
		return "an invitation to a domain that is not allowed"
	}
	return ""
}

// inDomain reports whether an address has the first domain.
func (s *exploreStep) inDomain(address uint8) bool {
	return address != 0 && (address != exploreUsers || !s.w.foreign)
}

// mail refuses more mail than the limits of sendings allow.
func (s *exploreStep) mail() string {
	if s.op.method == "Resend" && s.op.slot < emailSlots && s.w.cooldown > 0 && s.before.offers[s.op.slot].today {
		return "resent during the cooldown"
	}
	if s.before.mails == s.after.mails {
		return ""
	}
	count := 0
	var to, by [erasedUser + 2]int
	for _, m := range s.after.mails {
		if m.actor != 0 {
			count++
			to[m.to]++
			by[m.actor]++
		}
	}
	if count > 2*s.w.sendings {
		return fmt.Sprint(count, " mails on one day")
	}
	if slices.Max(to[:]) > s.w.sendings {
		return "too many mails to one person"
	}
	if user := s.op.actor.user; user != 0 && s.op.method != "Erase" && s.w.bySender > 0 && by[1+user] > s.w.bySender {
		return "too many mails by one person"
	}
	return ""
}

func (s *exploreStep) invited() string {
	if !s.accepts() {
		return ""
	}
	op, o := s.op, &s.before.offers[s.op.slot]
	switch {
	case op.slot < emailSlots && (!op.verified || op.address == 0 || op.address != o.to):
		return "joined by the invitation of another person"
	case op.slot < emailSlots && o.joined > 0:
		return "joined by a spent invitation"
	case op.slot >= emailSlots && (o.domain || len(s.x.limits.AllowedDomains) > 0) && (!op.verified || !s.inDomain(op.address)):
		return "joined without a verified address of an allowed domain"
	case op.slot < emailSlots && len(s.x.limits.AllowedDomains) > 0 && !s.inDomain(op.address):
		return "joined without an address of an allowed domain"
	case op.slot >= emailSlots && s.x.limits.NoLinks:
		return "joined by a link though links are not allowed"
	}
	for i := range s.before.users {
		if user := uint8(1 + i); user != op.user && s.before.users[i].role == 0 && s.after.users[i].role != 0 {
			return "somebody else joined"
		}
	}
	return ""
}

func (s *exploreStep) removed() string {
	if s.accepts() && s.before.offers[s.op.slot].gone&bit(s.op.user) != 0 {
		return "joined by an invitation that was sent before"
	}
	return ""
}

func (s *exploreStep) live() string {
	if s.accepts() && (s.op.stale || !s.before.offers[s.op.slot].isLive()) {
		return "joined by an invitation that had ended, expired or been replaced"
	}
	switch o := &s.before.offers[max(0, s.op.slot)]; s.op.method {
	case "Lookup", "PendingToken":
		if !o.isLive() || !s.backed(o) {
			return "shows an invitation that nobody can accept"
		}
	case "NextStep":
		return s.next(o)
	}
	return ""
}

// next refuses a wrong way after following a link.
func (s *exploreStep) next(o *offerState) string {
	next, isMember := s.x.next, s.before.phase == alive && s.before.users[s.op.user-1].role != 0
	switch {
	case isMember != (next.Step == StepOpen):
		return "a member is led in by every token of the organization, and nobody else is"
	case next.Step == StepOpen && next.Organization != acme:
		return "another organization"
	case next.Step == StepAccept && (!o.isLive() || !s.backed(o) || o.gone&bit(s.op.user) != 0):
		return "leads to an acceptance that is refused"
	case (next.Step == StepAccept) != (next.Reason == nil) && !isMember:
		return "a step without its reason"
	case next.Offer.ID != uuid.Nil && (o.state == revokedOffer || o.state == declinedOffer || s.before.phase != alive):
		return "shows what must not be shown"
	case next.Offer.ID == uuid.Nil && s.before.phase == alive && o.state == pendingOffer && (isMember || o.gone&bit(s.op.user) == 0) && !errors.Is(next.Reason, ErrRevoked):
		return "does not say what it was"
	}
	return ""
}

func (s *exploreStep) dead() string {
	if s.before.phase == alive {
		return ""
	}
	switch s.op.method {
	case "CreateOrganization":
		if s.before.phase == unborn && s.after.phase == alive {
			return ""
		}
		return "founded a second time"
	case "Erase", "wait", "deploy", "Purge":
		for i := range s.after.users {
			if s.before.users[i].role == 0 && s.after.users[i].role != 0 {
				return "joined what does not exist"
			}
		}
		return ""
	case "NextStep":
		return ""
	}
	return "done in an organization that does not exist"
}

// exploreRefusals are the refusals that the documentation of each operation lists, except
// ErrInvalid for arguments that are never valid.
var exploreRefusals = map[string][]*Error{
	"CreateOrganization": {ErrConflict},
	"DeleteOrganization": {ErrPermissionDenied, ErrNotFound},
	"SetLimits":          {ErrPermissionDenied, ErrNotFound},
	"Invite": {
		ErrPermissionDenied, ErrRoleNotAssignable, ErrNotFound, ErrAlreadyInvited, ErrPendingLimit, ErrMemberLimit,
		ErrDomainNotAllowed, ErrRateLimited, ErrConflict,
	},
	"InviteAll":  {ErrPermissionDenied, ErrNotFound},
	"CreateLink": {ErrPermissionDenied, ErrRoleNotAssignable, ErrNotFound, ErrPendingLimit, ErrLinksNotAllowed, ErrConflict},
	"Resend": {
		ErrPendingLimit, ErrAlreadyInvited, ErrMemberLimit, ErrDomainNotAllowed, ErrLinksNotAllowed, ErrPermissionDenied,
		ErrRoleNotAssignable, ErrNotFound, ErrNotPending, ErrTooSoon, ErrRateLimited,
	},
	"PendingToken": {ErrPermissionDenied, ErrRoleNotAssignable, ErrNotFound, ErrNotPending, ErrDomainNotAllowed, ErrLinksNotAllowed},
	"Edit":         {ErrInvalid, ErrPermissionDenied, ErrRoleNotAssignable, ErrNotFound, ErrNotPending, ErrMemberLimit},
	"Revoke":       {ErrPermissionDenied, ErrNotFound, ErrNotPending},
	"Lookup":       {ErrInvalidToken, ErrNotPending, ErrDomainNotAllowed, ErrLinksNotAllowed},
	"Accept": {
		ErrInvalidToken, ErrNotPending, ErrLinksNotAllowed, ErrRecipientMismatch, ErrEmailUnverified, ErrDomainNotAllowed,
		ErrAlreadyMember, ErrMemberLimit,
	},
	"AcceptReceived": {
		ErrNotPending, ErrLinksNotAllowed, ErrEmailUnverified, ErrDomainNotAllowed, ErrAlreadyMember, ErrMemberLimit, ErrNotFound,
	},
	"Decline":           {ErrInvalid, ErrInvalidToken, ErrNotPending},
	"DeclineReceived":   {ErrEmailUnverified, ErrNotFound, ErrNotPending},
	"AddMember":         {ErrPermissionDenied, ErrRoleNotAssignable, ErrNotFound, ErrAlreadyMember, ErrMemberLimit},
	"ChangeRole":        {ErrPermissionDenied, ErrRoleNotAssignable, ErrNotFound, ErrLastOwner, ErrMemberLimit},
	"RemoveMember":      {ErrPermissionDenied, ErrNotFound, ErrLastOwner},
	"Leave":             {ErrNotFound, ErrLastOwner},
	"TransferOwnership": {ErrPermissionDenied, ErrNotFound, ErrConflict, ErrMemberLimit},
	"SetMetadata":       {ErrPermissionDenied, ErrNotFound},
	"SetQuota":          {ErrPermissionDenied, ErrNotFound},
	"Erase":             {ErrConflict},
}

func isDocumented(method string, err error) bool {
	for _, e := range exploreRefusals[method] {
		if err == error(e) { //nolint:errorlint // the fast way; the other one follows
			return true
		}
	}
	return slices.ContainsFunc(exploreRefusals[method], func(e *Error) bool { return errors.Is(err, e) })
}

func (s *exploreStep) refusal() string {
	switch {
	case !changesNothing(&s.changes):
		return "refused, with changes"
	case !isDocumented(s.op.method, s.err):
		return fmt.Sprint("the documentation does not mention: ", s.err)
	}
	return ""
}

// whim refuses a refusal without a reason. It knows the reasons from the documentation, and leaves
// out those of mail limits.
func (s *exploreStep) whim() string {
	if s.before.phase != alive || s.w.deploys || s.w.sendings > 0 || s.w.cooldown > 0 {
		return ""
	}
	op := s.op
	var o *offerState
	if o = &s.before.offers[op.slot]; o.quota && !s.actorHas(PermissionQuotaUpdate) {
		o = &offerState{} // an actor without the right to its quota
	}
	var u *userState
	if op.user != 0 {
		u = &s.before.users[op.user-1]
	}
	right := false
	switch op.method {
	case "Accept":
		right = !op.stale && s.mayJoin(&s.before.offers[op.slot])
	case "AcceptReceived":
		right = op.slot < emailSlots && s.mayJoin(&s.before.offers[op.slot])
	case "Decline":
		right = !op.stale && op.slot < emailSlots && s.before.offers[op.slot].isLive()
	case "DeclineReceived":
		o = &s.before.offers[op.slot]
		right = op.slot < emailSlots && o.isLive() && op.verified && op.address != 0 && op.address == o.to
	case "Revoke":
		right = s.actorHas(PermissionInvitationRevoke) && s.before.offers[op.slot].isLive()
	case "Resend":
		right = s.actorHas(PermissionInvitationResend) && o.isLive() && s.actorRanks(o.role) && s.allowed(op.slot, o.to)
	case "Edit":
		right = s.actorHas(PermissionInvitationCreate) && o.isLive() && s.actorRanks(o.role) && op.role != 0 && s.actorRanks(op.role) &&
			(!s.w.reserve || op.slot >= emailSlots || s.x.takesSeat(o.role) || s.seatFor(op.role, 0))
	case "Leave":
		right = u.role != 0 && s.mayGo(u)
	case "RemoveMember":
		right = u.role != 0 && s.mayGo(u) && s.actorHas(PermissionMemberRemove) && s.actorRanks(u.role)
	case "ChangeRole":
		right = u.role != 0 && s.mayGo(u) && s.actorHas(PermissionMemberUpdate) && s.actorRanks(u.role) && s.actorRanks(op.role) &&
			(s.x.takesSeat(u.role) || s.seatFor(op.role, 0))
	case "AddMember":
		right = u.role == 0 && s.actorHas(PermissionMemberAdd) && s.actorRanks(op.role) && s.seatFor(op.role, op.address) &&
			(op.address == 0 || s.actorHas(PermissionInvitationRevoke)) && (!op.quota || s.actorHas(PermissionQuotaUpdate))
	case "TransferOwnership":
		to := s.before.users[op.to-1].role
		right = s.actorHas(PermissionOrganizationManage) && s.actorRanks(1) && u.role == 1 && to != 0 && (s.x.takesSeat(to) || s.seatFor(op.role, 0))
	case "SetQuota":
		right = s.actorHas(PermissionQuotaUpdate) && u != nil && u.role != 0 && s.actorRanks(u.role)
	case "SetLimits":
		right = op.actor == exploreAgent{}
	case "DeleteOrganization":
		right = s.actorHas(PermissionOrganizationManage)
	}
	if right {
		return fmt.Sprint("refused without a reason: ", s.err)
	}
	return ""
}

// mayJoin reports whether nothing keeps the identity from accepting an invitation.
func (s *exploreStep) mayJoin(o *offerState) bool {
	op := s.op
	isFor := op.verified && op.address == o.to && op.address != 0
	if op.slot >= emailSlots {
		isFor = !o.domain && len(s.x.limits.AllowedDomains) == 0 || op.verified && s.inDomain(op.address)
	}
	seat := s.seatFor(o.role, 0)
	if op.verified {
		seat = s.seatFor(o.role, op.address)
	}
	return isFor && seat && o.isLive() && s.backed(o) && o.gone&bit(op.user) == 0 && s.before.users[op.user-1].role == 0 && s.allowed(op.slot, o.to)
}

// mayGo reports whether a member is not the last owner.
func (s *exploreStep) mayGo(u *userState) bool { return u.role != 1 || s.x.owners > 1 }

// allowed reports whether the limits allow an invitation of this kind to this address.
func (s *exploreStep) allowed(slot int, to uint8) bool {
	if slot >= emailSlots {
		return !s.x.limits.NoLinks
	}
	return len(s.x.limits.AllowedDomains) == 0 || s.inDomain(to)
}

// seatFor reports whether a seat is free for a role, or reserved for the verified address.
func (s *exploreStep) seatFor(role, address uint8) bool {
	limit := s.x.limits.Members
	if limit <= 0 || !s.x.takesSeat(role) {
		return true
	}
	reserved := 0
	for slot := range emailSlots {
		if o := &s.before.offers[slot]; s.w.reserve && o.isLive() && s.x.takesSeat(o.role) {
			if address != 0 && o.to == address {
				return s.x.seats < limit
			}
			reserved++
		}
	}
	return s.x.seats+reserved < limit
}

// replay applies the events to the state before, and compares. Events say nothing of versions,
// of sweeps that are due, of messages and of metadata.
func (s *exploreStep) replay() string {
	switch s.op.method {
	case "wait", "deploy", "Purge", "NextStep":
		return ""
	}
	n := *s.before
	if s.op.method == "Erase" {
		n.rewrite(s.op, s.after)
	}
	for i := range s.changes.Events {
		if e := &s.changes.Events[i]; e.Organization != acme || !e.At.Equal(noon) {
			return "an event of another organization or instant"
		} else if !s.happened(&n, e) {
			return fmt.Sprint("an event that cannot be: ", e.Type)
		}
	}
	n.mails = s.after.mails
	for i := range n.users {
		n.users[i].metadata = s.after.users[i].metadata
	}
	for slot := range n.offers {
		o, a := &n.offers[slot], &s.after.offers[slot]
		o.span, o.today, o.due, o.metadata = a.span, a.today, a.due, a.metadata
		o.removed, o.outdated, o.gone, o.joined = a.removed, a.outdated, a.gone, a.joined
	}
	if n != *s.after {
		return fmt.Sprintf("the events give %+v and not %+v", n, *s.after)
	}
	return ""
}

// rewrite replaces a person in the history, as an erasure rewrites earlier events.
func (s *exploreState) rewrite(op *exploreOperation, after *exploreState) {
	for slot := range s.offers {
		o, a := &s.offers[slot], &after.offers[slot]
		if op.address != 0 && o.to == op.address {
			o.to = a.to
		}
		for _, p := range []struct{ before, after *uint8 }{{&o.creator, &a.creator}, {&o.sender, &a.sender}, {&o.taker, &a.taker}} {
			if op.user != 0 && *p.before == op.user && *p.after == erasedUser {
				*p.before = erasedUser
			}
		}
	}
	for i := range s.users {
		if u := &s.users[i]; op.user != 0 && u.invitedBy == op.user && after.users[i].invitedBy == erasedUser {
			u.invitedBy = erasedUser
		}
	}
}

// happened applies an event. It returns false if nothing like it can happen.
func (s *exploreStep) happened(n *exploreState, e *Event) bool {
	var o *offerState
	if slot := slotOf(e.InvitationID); e.InvitationID != uuid.Nil && slot < allSlots {
		o = &n.offers[slot]
	}
	subject := userOf(e.Subject)
	var u *userState
	if subject != 0 && subject != erasedUser {
		u = &n.users[subject-1]
	}
	daysUntil := func() int8 { return int8(e.ExpiresAt.Sub(noon) / day) }
	switch e.Type {
	case EventInvitationCreated:
		*o = offerState{
			state: pendingOffer, role: s.w.roleOf(e.Role), maxUses: uint8(e.MaxUses), quota: e.Quota == exploreQuota,
			domain: len(e.AllowedDomains) > 0, creator: userOf(e.Actor), sender: userOf(e.Actor), expires: daysUntil(),
		}
		if e.Email != "" {
			o.to = userOf(e.Email)
		}
	case EventInvitationEdited:
		o.role, o.maxUses, o.quota, o.domain = s.w.roleOf(e.Role), uint8(e.MaxUses), e.Quota == exploreQuota, len(e.AllowedDomains) > 0
		o.sender, o.expires = userOf(e.InvitedBy), daysUntil()
		return len(e.Changed) > 0
	case EventInvitationResent:
		o.sender, o.expires = userOf(e.Actor), daysUntil()
	case EventInvitationRevoked:
		o.state, o.expires = revokedOffer, 0
	case EventInvitationDeclined:
		o.state, o.expires = declinedOffer, 0
	case EventInvitationAccepted:
		o.uses = min(o.uses+1, 2)
		if o.to != 0 {
			o.taker = userOf(e.Actor)
		}
		if o.uses == o.maxUses {
			o.state, o.expires = acceptedOffer, 0
		}
	case EventInvitationReminded, EventInvitationExpired, EventPersonErased, EventOwnershipTransferred, EventMemberMetadataChanged:
	case EventMemberJoined:
		n.remove(subject)
		u.role, u.invitedBy, u.invited = s.w.roleOf(e.Role), userOf(e.InvitedBy), e.InvitationID != uuid.Nil
		if o != nil {
			o.members |= bit(subject)
		}
		n.phase = alive
	case EventMemberRoleChanged:
		if u.role != s.w.roleOf(e.FormerRole) {
			return false
		}
		u.role = s.w.roleOf(e.Role)
	case EventMemberRemoved, EventMemberLeft:
		n.remove(subject)
	case EventQuotaChanged:
		number := uint8(1)
		if e.Quota == exploreQuota {
			number = 2
		}
		if u == nil {
			n.shared = number
		} else {
			u.quota = number
		}
	case EventLimitsChanged:
		n.limits = s.w.limitsOf(e.Limits)
	case EventOrganizationDeleted:
		n.phase = deleted
	default:
		return false
	}
	return true
}

// ends refuses what a sweep, a purge and an erasure must not leave or change.
func (s *exploreStep) ends() string {
	switch s.op.method {
	case "Sweep":
		return s.sweeping()
	case "Purge":
		return s.purged()
	case "Erase":
		return s.erased()
	}
	for slot := range s.before.offers {
		b, a := &s.before.offers[slot], &s.after.offers[slot]
		switch {
		case a.state != pendingOffer && a.due != notDue:
			return "a sweep is due for an invitation that has ended"
		case s.op.method == "Resend" && slot == s.op.slot, b.state == noOffer, a.state != pendingOffer:
		case s.op.method == "Edit" && slot == s.op.slot && s.op.edit.lifetime != 0:
			if a.due == dueReminder && b.due != dueReminder {
				return "an edit gives a second reminder"
			}
		case a.due != b.due:
			return "a sweep is due at another instant"
		}
	}
	return ""
}

// sweeping compares a sweep with the documentation: an expiry and a reminder come once each.
func (s *exploreStep) sweeping() string {
	want, expired, reminded := *s.before, 0, 0
	for slot := range want.offers {
		switch o := &want.offers[slot]; {
		case o.state != pendingOffer || o.due == notDue:
		case o.expires <= 0:
			o.due = notDue
			expired++
		case o.due == dueReminder && o.expires <= 1:
			o.due = dueExpiry
			reminded++
		}
	}
	events := map[EventType]int{}
	for _, e := range s.changes.Events {
		events[e.Type]++
	}
	switch {
	case want != *s.after:
		return fmt.Sprintf("leaves %+v and not %+v", *s.after, want)
	case len(s.swept.Expired) != expired || len(s.swept.Reminders) != reminded:
		return fmt.Sprintf("returns %d and %d, not %d expired ones and %d reminders", len(s.swept.Expired), len(s.swept.Reminders), expired, reminded)
	case events[EventInvitationExpired] != expired || events[EventInvitationReminded] != reminded || len(s.changes.Events) != expired+reminded:
		return "other events than results"
	}
	for _, inv := range s.swept.Expired {
		if inv.State != StateExpired {
			return "an expired invitation that is " + string(inv.State)
		}
	}
	return ""
}

// purged compares a purge with the documentation: what ended or expired more than a day ago goes,
// and all rows of a deleted organization.
func (s *exploreStep) purged() string {
	want := *s.before
	if want.phase == deleted || want.phase == purged {
		want = exploreState{phase: purged, deployed: want.deployed}
	}
	for slot := range want.offers {
		if want.offers[slot].expires < -1 {
			want.offers[slot] = offerState{}
		}
	}
	if want != *s.after {
		return fmt.Sprintf("leaves %+v and not %+v", *s.after, want)
	}
	return ""
}

// erased compares an erasure with the documentation.
func (s *exploreStep) erased() string {
	op, n := s.op, *s.before
	all := op.limit > 1
	if op.user != 0 && n.phase == alive && n.users[op.user-1].role != 0 {
		return "erased a member"
	}
	var made uint8 // users who are members through an invitation for the address
	for slot := range n.offers {
		o, a := &n.offers[slot], &s.after.offers[slot]
		if o.state == noOffer || !all && *o == *a {
			continue
		}
		if op.address != 0 && o.to == op.address {
			made |= o.members
			if o.state == pendingOffer {
				o.state, o.due, o.expires = revokedOffer, notDue, 0
			}
			o.to, o.metadata = 0, false
		}
		if op.user != 0 && o.sender == op.user && o.isLive() && n.phase == alive {
			o.state, o.due, o.expires = revokedOffer, notDue, 0
		}
		for _, p := range []*uint8{&o.creator, &o.sender, &o.taker} {
			if op.user != 0 && *p == op.user {
				*p = erasedUser
			}
		}
	}
	for i := range n.users {
		u := &n.users[i]
		if !all && *u == s.after.users[i] {
			continue
		}
		if made&bit(uint8(1+i)) != 0 {
			u.metadata = false
		}
		if op.user != 0 && u.role != 0 && u.invitedBy == op.user {
			u.invitedBy = erasedUser
		}
	}
	n.mails = s.after.mails
	for slot := range n.offers {
		n.offers[slot].span, n.offers[slot].today = s.after.offers[slot].span, s.after.offers[slot].today
	}
	if n != *s.after {
		return fmt.Sprintf("leaves %+v and not %+v", *s.after, n)
	}
	for _, e := range s.changes.ErasedEvents {
		name := userNames[op.user]
		if e.Email != "" || name != "" && (e.Actor == name || e.Subject == name || e.InvitedBy == name) {
			return "an event keeps the person"
		}
	}
	for _, e := range s.changes.Events {
		if e.Email != "" && op.address != 0 {
			return "an event of the erasure names the address"
		}
	}
	return ""
}
