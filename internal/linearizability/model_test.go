package linearizability

import (
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/go-invitations/invitations"
)

// A call is an operation of one organization with its arguments. Op is the name of a method of
// the service. Zero fields do not apply.
type call struct {
	Op  string
	Org string
	At  time.Duration // the time of the clock during the call, since the epoch

	Actor   string           // a user ID, or "system"
	Ceiling invitations.Role // beyond which the actor has no permission
	User    string           // the person whom the call concerns, or who answers
	Other   string           // the new owner of a transfer; the pseudonym of an erasure

	Email    string // of the identity, or to invite
	Verified bool   // the address of the identity

	ID    int    // of the invitation
	Token string // its name

	Role       invitations.Role
	Quota      invitations.Quota
	Message    string
	Metadata   string // the value of the only pair
	Lifetime   time.Duration
	MaxUses    int
	Domains    []string
	Fields     []string // those that an edit sets, with the names of the timeline
	Amount     int64
	Period     invitations.Period
	Since      time.Duration // when the amount of a refund was consumed; before what a purge deletes
	Limits     invitations.Limits
	Permission invitations.Permission
	State      invitations.State // the filter of a list
	Newest     int               // events of a page of the timeline
	Rows       []call            // of InviteAll

	// Alone reports that nothing else happened during the call. A sweep or a purge then leaves
	// nothing to do.
	Alone bool
}

const system = "system"

// An answer is the result of a call: either Code, the code of a refusal, or what the call
// returned. Unknown means that the call may or may not have taken effect.
type answer struct {
	Unknown bool
	Code    string
	Body    string
	Tokens  []string // the names of the tokens that it contains
	Rows    []answer // of InviteAll
}

// A model explains the history of one organization.
type model struct {
	settings
	// log are the events that the feed showed, by version. The order of the changes is known from
	// them, which is what makes a history of a hundred calls quick to check. Without them, every
	// order is possible.
	log map[int64][]logged
	end int64 // the last version in log
}

// A logged is what the model compares of an event in the feed. The other fields are compared where
// the timeline shows them.
type logged struct {
	Version        int64
	Type           invitations.EventType
	Actor, Subject string
	ID             int // of the invitation
}

func newModel(s settings, log []logged) model {
	m := model{settings: s, log: map[int64][]logged{}}
	for _, l := range log {
		m.log[l.Version] = append(m.log[l.Version], l)
		m.end = max(m.end, l.Version)
	}
	return m
}

// isLogged reports whether the feed showed these events for a version. An erasure can have
// replaced a user before that.
func (m model) isLogged(version int64, events []invitations.Event) bool {
	if version > m.end {
		return true
	}
	rest := slices.Clone(m.log[version])
	for _, e := range events {
		i := slices.IndexFunc(rest, func(l logged) bool {
			return l.Type == e.Type && l.ID == numberOf(e.InvitationID) &&
				(l.Actor == e.Actor || l.Actor == pseudonym) && (l.Subject == e.Subject || l.Subject == pseudonym)
		})
		if i < 0 {
			return false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return len(rest) == 0
}

// porcupine returns the model in the form of the checker.
func (m model) porcupine() porcupine.Model {
	p := porcupine.NondeterministicModel{
		Init: func() []any { return []any{(&state{}).clone()} },
		Step: func(before, in, out any) []any {
			var after []any
			for _, next := range m.step(before.(*state), in.(call), out.(answer)) {
				after = append(after, next)
			}
			return after
		},
		Equal: func(a, b any) bool { return a.(*state).equal(b.(*state)) },
	}
	return p.ToModel()
}

// A turn is one call in the model: the state before it, which becomes the state after it; the
// refusals that apply; or the answer.
//
// Where several refusals apply, the model accepts each of them, because the specification has no
// order for them. An actor without the permission, a token that is not the present one and an
// invitation that has ended have one answer.
type turn struct {
	model
	*state
	call
	now time.Time

	refusals []string
	body     string
	// alternatives are the bodies that are right, if there are several.
	alternatives []string
	given        []int // the invitations whose present tokens the answer has
	rows         []row
	news         []invitations.Event
}

// A row is the result of one row of InviteAll.
type row struct {
	refusals []string
	body     string
	given    []int
}

// reads are the operations that change nothing. They are also those whose refusals and answers
// can be taken out of a history.
var reads = map[string]func(*turn){
	"Lookup": (*turn).lookup, "NextStep": (*turn).nextStep, "PendingToken": (*turn).pendingToken,
	"Invitation": (*turn).oneInvitation, "Invitations": (*turn).listInvitations, "Received": (*turn).received,
	"Member": (*turn).oneMember, "Members": (*turn).listMembers, "Authorize": (*turn).authorize,
	"Workspaces": (*turn).workspaces, "Overview": (*turn).overview, "Timeline": (*turn).timeline,
	"Statistics": (*turn).statistics, "Quota": (*turn).readQuota, "Remaining": (*turn).remaining, "Usage": (*turn).usage,
}

// changes are the other operations, except Sweep, Purge and Erase.
var changes = map[string]func(*turn){
	"CreateOrganization": (*turn).createOrganization, "DeleteOrganization": (*turn).deleteOrganization, "SetLimits": (*turn).setLimits,
	"Invite": (*turn).invite, "CreateLink": (*turn).invite, "InviteAll": (*turn).inviteAll,
	"Resend": (*turn).resend, "Revoke": (*turn).revoke, "Edit": (*turn).edit,
	"Accept": (*turn).accept, "AcceptReceived": (*turn).acceptReceived, "Decline": (*turn).decline, "DeclineReceived": (*turn).declineReceived,
	"AddMember": (*turn).addMember, "ChangeRole": (*turn).changeRole, "RemoveMember": (*turn).removeMember, "Leave": (*turn).leave,
	"TransferOwnership": (*turn).transferOwnership, "SetMetadata": (*turn).setMetadata,
	"SetQuota": (*turn).setQuota, "Consume": (*turn).consume, "Refund": (*turn).refund,
}

// step returns the states in which the organization can be after a call with an answer. There is
// none if the answer is wrong.
//
// A call with an unknown outcome takes effect here. That is enough: it has no end, so it can
// also come after everything else, where nobody sees an effect.
func (m model) step(before *state, c call, a answer) []*state {
	t := &turn{model: m, call: c, now: epoch.Add(c.At)}
	if read, ok := reads[c.Op]; ok {
		t.state = before
		read(t)
		if after := t.answered(a); after != nil {
			return []*state{after}
		}
		return nil
	}
	t.state = before.clone()
	switch c.Op {
	case "Sweep":
		return t.sweep(before, a)
	case "Purge":
		return t.purge(before)
	case "Erase":
		return t.erase(before, a)
	}
	changes[c.Op](t)
	after := t.finish()
	switch {
	case a.Unknown && len(t.refusals) > 0:
		return []*state{before}
	case after == nil:
		return nil
	case a.Unknown:
		return []*state{after}
	case len(t.refusals) > 0 && slices.Contains(t.refusals, a.Code):
		return []*state{before}
	}
	if after := t.answered(a); after != nil && a.Code == "" {
		return []*state{after}
	}
	return nil
}

// finish writes the events. It returns nil if the feed showed others.
func (t *turn) finish() *state {
	if len(t.news) == 0 {
		return t.state
	}
	t.version++
	for i, e := range t.news {
		e.Version, e.Index, e.At, e.Organization = t.version, i, t.now, t.Org
		t.events = append(t.events, e)
	}
	if !t.isLogged(t.version, t.news) {
		return nil
	}
	if t.deleted { // nobody sees more of it
		t.state = (&state{deleted: true}).clone()
	}
	return t.state
}

// after returns the states of a turn that changes the organization.
func (t *turn) after() []*state {
	if after := t.finish(); after != nil {
		return []*state{after}
	}
	return nil
}

// answered returns the state after an answer, or nil if it is wrong.
func (t *turn) answered(a answer) *state {
	if a.Code != "" || len(t.refusals) > 0 {
		if slices.Contains(t.refusals, a.Code) {
			return t.state
		}
		return nil
	}
	isRight := a.Body == t.body
	if len(t.alternatives) > 0 {
		isRight = slices.Contains(t.alternatives, a.Body)
	}
	if !isRight || len(a.Rows) != len(t.rows) {
		return nil
	}
	after := t.shown(t.given, a.Tokens)
	for i, r := range t.rows {
		got := a.Rows[i]
		if len(r.refusals) > 0 {
			if !slices.Contains(r.refusals, got.Code) {
				return nil
			}
			continue
		}
		if got.Code != "" || got.Body != r.body || after == nil {
			return nil
		}
		t.state = after
		after = t.shown(r.given, got.Tokens)
	}
	return after
}

// shown returns the state in which the answer has shown the tokens of invitations, or nil if a
// token is not the present one.
func (t *turn) shown(given []int, tokens []string) *state {
	if len(given) != len(tokens) {
		return nil
	}
	after := t.state
	for i, n := range given {
		inv := after.invitations[n]
		switch {
		case inv.token == tokens[i]:
		case inv.token != "" || inv.former == tokens[i]:
			return nil
		default:
			after = after.clone()
			inv.token = tokens[i]
			after.invitations[n] = inv
		}
	}
	return after
}

// refuse adds the code of a refusal that applies.
func (t *turn) refuse(code string) { t.refusals = append(t.refusals, code) }

func (t *turn) refused() bool { return len(t.refusals) > 0 }

// next returns the version that the change of this turn gives the organization.
func (t *turn) next() int64 { return t.version + 1 }

// isSystem reports whether the host itself acts.
func (t *turn) isSystem() bool { return t.Actor == system }

// isUnlimited reports whether the actor may do what is reserved to the host itself.
func (t *turn) isUnlimited() bool { return t.isSystem() && t.Ceiling == "" }

// actor returns the user who acts, empty for the host itself.
func (t *turn) actor() string { return strings.TrimPrefix(t.Actor, system) }

// permissions are those of the default policy.
var permissions = map[invitations.Role][]invitations.Permission{
	"owner": {
		"invitation:create", "invitation:resend", "invitation:revoke", "invitation:list", "member:add", "member:update",
		"member:remove", "quota:update", "member:list", "organization:use", "billing:manage", "organization:manage",
	},
	"admin": {
		"invitation:create", "invitation:resend", "invitation:revoke", "invitation:list", "member:add", "member:update",
		"member:remove", "quota:update", "member:list", "organization:use", "billing:manage",
	},
	"developer": {"member:list", "organization:use"},
	"billing":   {"member:list", "billing:manage"},
	"viewer":    {"member:list"},
}

// holds reports whether a role has a permission.
func holds(role invitations.Role, p invitations.Permission) bool {
	return slices.Contains(permissions[role], p)
}

// covers reports whether a role has every permission of another one.
func covers(role, other invitations.Role) bool {
	return permissions[role] != nil && !slices.ContainsFunc(permissions[other], func(p invitations.Permission) bool { return !holds(role, p) })
}

// may refuses an actor without a permission. It is the only refusal then.
func (t *turn) may(p invitations.Permission) bool {
	switch {
	case !t.holds(p):
		t.refuse("permission_denied")
	case t.isSystem() && !t.exists:
		t.refuse("not_found")
	}
	return !t.refused()
}

// holds reports whether the actor has a permission.
func (t *turn) holds(p invitations.Permission) bool {
	return (t.Ceiling == "" || holds(t.Ceiling, p)) && (t.isSystem() || holds(t.members[t.Actor].Role, p))
}

// covers reports whether the actor has every permission of a role.
func (t *turn) covers(role invitations.Role) bool {
	return (t.Ceiling == "" || covers(t.Ceiling, role)) && (t.isSystem() || covers(t.members[t.Actor].Role, role))
}

// maySee is may for a list, which is empty for the host itself if there is no organization.
func (t *turn) maySee(p invitations.Permission) bool {
	if !t.holds(p) {
		t.refuse("permission_denied")
	}
	return !t.refused()
}

// mayGrant refuses an actor who lacks a permission of a role, or the one to grant a quota.
func (t *turn) mayGrant(role invitations.Role, q invitations.Quota) {
	if !t.covers(role) {
		t.refuse("role_not_assignable")
	}
	if q != (invitations.Quota{}) && !t.holds("quota:update") {
		t.refuse("permission_denied")
	}
}

// mayActOn returns a member on whom the actor may act.
func (t *turn) mayActOn(user string, p invitations.Permission) (invitations.Member, bool) {
	if !t.may(p) {
		return invitations.Member{}, false
	}
	m, ok := t.members[user]
	switch {
	case !ok:
		t.refuse("not_found")
	case !t.covers(m.Role):
		t.refuse("permission_denied")
	}
	return m, !t.refused()
}

// inForce returns the limits of the organization, with those of the settings where it has none.
func (t *turn) inForce() invitations.Limits {
	l := t.limits
	if l.Members == 0 {
		l.Members = t.MemberLimit
	}
	if l.Pending == 0 {
		l.Pending = t.PendingLimit
	}
	if l.Expiry == 0 {
		l.Expiry = expiry
	}
	return l
}

// takesSeat reports whether members with a role take a seat.
func (t *turn) takesSeat(role invitations.Role) bool {
	return !slices.Contains(t.limits.SeatlessRoles, role)
}

// seats returns how many members take a seat, and how many pending invitations by email reserve one.
func (t *turn) seats() (taken, reserved int) {
	for _, m := range t.members {
		if t.takesSeat(m.Role) {
			taken++
		}
	}
	for _, inv := range t.invitations {
		if t.ReserveSeats && inv.Kind == invitations.KindEmail && t.isPending(inv) && t.takesSeat(inv.Role) {
			reserved++
		}
	}
	return taken, reserved
}

// needSeat refuses another member with a role if there is no seat. A person with a reserved seat
// needs only one that no member has.
func (t *turn) needSeat(role invitations.Role, isReserved bool) {
	limit := t.inForce().Members
	if limit <= 0 || !t.takesSeat(role) {
		return
	}
	taken, reserved := t.seats()
	if taken >= limit || !isReserved && taken+reserved >= limit {
		t.refuse("member_limit_reached")
	}
}

// hasReserved reports whether a pending invitation reserves a seat for an address.
func (t *turn) hasReserved(email string) bool {
	for _, inv := range t.invitations {
		if email != "" && inv.Email == email && t.isPending(inv) && t.takesSeat(inv.Role) {
			return true
		}
	}
	return false
}

func (t *turn) add(e invitations.Event) { t.news = append(t.news, e) }

func domainOf(email string) string { return email[strings.LastIndex(email, "@")+1:] }

// put writes an invitation and its event.
func (t *turn) put(inv invitation, e invitations.Event) {
	if inv.State != invitations.StatePending {
		inv.sweepAt = time.Time{}
	}
	t.invitations[numberOf(inv.ID)] = inv
	e.InvitationID, e.Email, e.Role, e.Quota = inv.ID, inv.Email, inv.Role, inv.Quota
	e.MaxUses, e.ExpiresAt, e.AllowedDomains = inv.MaxUses, inv.ExpiresAt, inv.AllowedDomains
	t.add(e)
}

// end revokes an invitation because of another change.
func (t *turn) end(inv invitation, actor, reason string) {
	inv.State, inv.EndedAt = invitations.StateRevoked, t.now
	t.put(inv, invitations.Event{Type: invitations.EventInvitationRevoked, Actor: actor, Reason: reason})
}

// each calls do with every invitation, in the order of their numbers.
func (t *turn) each(do func(invitation)) {
	for _, n := range t.numbers() {
		do(t.invitations[n])
	}
}

func (t *turn) numbers() []int {
	numbers := make([]int, 0, len(t.invitations))
	for n := range t.invitations {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}
