package linearizability

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

func (t *turn) createOrganization() {
	m := invitations.Member{Organization: t.Org, UserID: t.User, Role: invitations.RoleOwner, JoinedAt: t.now}
	switch old, isMember := t.members[t.User]; {
	case isMember && old.Role == invitations.RoleOwner && numberOf(old.InvitationID) == 0 && old.InvitedBy == "":
		t.body = renderMember(old)
	case t.exists || t.deleted:
		t.refuse("conflict")
	default:
		t.exists = true
		t.members[t.User] = m
		t.add(invitations.Event{Type: invitations.EventMemberJoined, Actor: t.User, Subject: t.User, Role: m.Role})
		t.body = renderMember(m)
	}
}

// deleteOrganization leaves nothing that the model can see, except that the ID is taken.
func (t *turn) deleteOrganization() {
	if t.may("organization:manage") {
		t.deleted = true
		t.add(invitations.Event{Type: invitations.EventOrganizationDeleted, Actor: t.actor()})
	}
}

func (t *turn) setLimits() {
	if !t.isUnlimited() {
		t.refuse("permission_denied")
		return
	}
	if !t.may("organization:manage") || renderLimits(t.limits) == renderLimits(t.Limits) {
		return
	}
	limits := t.Limits
	t.limits = limits
	t.add(invitations.Event{Type: invitations.EventLimitsChanged, Limits: &limits})
}

func (t *turn) addMember() {
	if !t.may("member:add") {
		return
	}
	t.mayGrant(t.Role, t.Quota)
	if t.Email != "" && !t.holds("invitation:revoke") {
		t.refuse("permission_denied")
	}
	if m, isMember := t.members[t.User]; isMember {
		if m.Role != t.Role {
			t.refuse("already_member")
		}
		t.body = renderJoined(m, true)
		return
	}
	if t.needSeat(t.Role, t.hasReserved(t.Email)); t.refused() {
		return
	}
	m := invitations.Member{
		Organization: t.Org, UserID: t.User, Role: t.Role, JoinedAt: t.now, InvitedBy: t.actor(), Metadata: t.metadata(),
	}
	t.members[t.User] = m
	t.add(invitations.Event{Type: invitations.EventMemberJoined, Actor: t.actor(), Subject: t.User, Role: m.Role, InvitedBy: t.actor()})
	t.endInvited(t.Email, [16]byte{}, t.actor())
	if t.Quota != (invitations.Quota{}) {
		t.putQuota(t.User, t.Quota, t.actor())
	}
	t.body = renderJoined(m, false)
}

func (t *turn) owners() int {
	n := 0
	for _, m := range t.members {
		if m.Role == invitations.RoleOwner {
			n++
		}
	}
	return n
}

// needOwner refuses the loss of the last owner.
func (t *turn) needOwner(m invitations.Member) {
	if m.Role == invitations.RoleOwner && t.owners() == 1 {
		t.refuse("last_owner")
	}
}

// put another role.
func (t *turn) putRole(m invitations.Member, role invitations.Role) invitations.Member {
	if !covers(role, m.Role) {
		t.removals[m.UserID] = t.next()
	}
	former := m.Role
	m.Role = role
	t.members[m.UserID] = m
	t.add(invitations.Event{
		Type: invitations.EventMemberRoleChanged, Actor: t.actor(), Subject: m.UserID, Role: role, FormerRole: former,
	})
	return m
}

// revokeSent ends the pending invitations of a member that they could not send with a role. The
// role is empty if the membership ends.
func (t *turn) revokeSent(user, actor string, role invitations.Role) {
	t.each(func(inv invitation) {
		if inv.SentBy == user && t.isPending(inv) && !couldSend(role, inv) {
			t.end(inv, actor, "sender_not_entitled")
		}
	})
}

func (t *turn) changeRole() {
	m, ok := t.mayActOn(t.User, "member:update")
	if !ok {
		return
	}
	t.mayGrant(t.Role, invitations.Quota{})
	if m.Role != t.Role {
		t.needOwner(m)
		if !t.takesSeat(m.Role) {
			t.needSeat(t.Role, false)
		}
	}
	if t.refused() {
		return
	}
	if m.Role != t.Role {
		m = t.putRole(m, t.Role)
		t.revokeSent(m.UserID, t.actor(), t.Role)
	}
	t.body = renderMember(m)
}

func (t *turn) removeMember() {
	m, ok := t.mayActOn(t.User, "member:remove")
	if !ok {
		return
	}
	if t.needOwner(m); t.refused() {
		return
	}
	t.removals[m.UserID] = t.next()
	t.lose(m, invitations.EventMemberRemoved, t.actor())
}

func (t *turn) leave() {
	m, ok := t.members[t.User]
	if !ok {
		t.refuse("not_found")
		return
	}
	if t.needOwner(m); t.refused() {
		return
	}
	t.lose(m, invitations.EventMemberLeft, t.User)
}

// lose ends a membership.
func (t *turn) lose(m invitations.Member, event invitations.EventType, actor string) {
	delete(t.members, m.UserID)
	t.add(invitations.Event{Type: event, Actor: actor, Subject: m.UserID, Role: m.Role})
	t.revokeSent(m.UserID, actor, "")
	t.body = renderMember(m)
}

func (t *turn) transferOwnership() {
	if !t.may("organization:manage") {
		return
	}
	from, isMember := t.members[t.User]
	to, isHeir := t.members[t.Other]
	if !isMember || !isHeir {
		t.refuse("not_found")
	}
	if isMember && from.Role != invitations.RoleOwner {
		t.refuse("conflict")
	}
	if !t.takesSeat(to.Role) {
		t.needSeat(t.Role, false)
	}
	if t.refused() {
		return
	}
	if to.Role != invitations.RoleOwner {
		to = t.putRole(to, invitations.RoleOwner)
	}
	t.putRole(from, t.Role)
	t.add(invitations.Event{Type: invitations.EventOwnershipTransferred, Actor: t.actor(), Subject: to.UserID, Role: to.Role})
	t.revokeSent(from.UserID, t.actor(), t.Role)
	t.body = renderMember(to)
}

func (t *turn) setMetadata() {
	m, ok := t.mayActOn(t.User, "member:update")
	if !ok {
		return
	}
	if !maps.Equal(m.Metadata, t.metadata()) {
		m.Metadata = t.metadata()
		t.members[m.UserID] = m
		t.add(invitations.Event{Type: invitations.EventMemberMetadataChanged, Actor: t.actor(), Subject: m.UserID, Role: m.Role})
	}
	t.body = renderMember(m)
}

// isPersonal reports whether the model is of a user's personal quota. It is kept like a shared one,
// and has neither versions nor events.
func (t *turn) isPersonal() bool { return strings.HasPrefix(t.Org, personal) }

// setQuota sets the quota of a member, or the shared one if the call names no user.
func (t *turn) setQuota() {
	if t.isPersonal() {
		if !t.isUnlimited() {
			t.refuse("permission_denied")
			return
		}
		q := t.quotas[""]
		if q.Period != t.Quota.Period {
			q = quota{}
		}
		q.Quota = t.Quota
		t.quotas[""] = q
		return
	}
	if t.User == "" {
		if !t.isUnlimited() {
			t.refuse("permission_denied")
		} else {
			t.may("quota:update")
		}
	} else {
		t.mayActOn(t.User, "quota:update")
	}
	if !t.refused() {
		t.putQuota(t.User, t.Quota, t.actor())
	}
}

func (t *turn) putQuota(user string, q invitations.Quota, actor string) {
	present := t.quotas[user]
	if present.Period != q.Period {
		t.close(user, present)
		present.start, present.used = time.Time{}, 0
	}
	present.Quota, present.version = q, t.next()
	t.quotas[user] = present
	t.add(invitations.Event{Type: invitations.EventQuotaChanged, Actor: actor, Subject: user, Quota: q})
}

// close keeps the amount of a period that ends.
func (t *turn) close(user string, q quota) {
	if q.used > 0 {
		t.closed[closed{user, q.Period, q.start}] += q.used
	}
}

// startOf returns the beginning of the period that contains an instant.
func startOf(p invitations.Period, at time.Time) time.Time {
	switch p {
	case invitations.PeriodDay:
		return at.Truncate(24 * time.Hour)
	case invitations.PeriodMonth:
		return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Unix(0, 0).UTC()
}

func endOf(p invitations.Period, start time.Time) time.Time {
	switch p {
	case invitations.PeriodDay:
		return start.AddDate(0, 0, 1)
	case invitations.PeriodMonth:
		return start.AddDate(0, 1, 0)
	}
	return time.Time{}
}

// present returns a quota in the present period.
func (t *turn) present(q quota) quota {
	if start := startOf(q.Period, t.now); q.start.Before(start) {
		q.start, q.used = start, 0
	}
	return q
}

// usageOf returns the usage of a user's quota, or of the shared one.
func (t *turn) usageOf(user string) *invitations.Usage {
	q := t.quotas[user]
	if q.Quota == (invitations.Quota{}) {
		return nil
	}
	q = t.present(q)
	return &invitations.Usage{Quota: q.Quota, Used: q.used, ResetsAt: endOf(q.Period, q.start)}
}

func (t *turn) balanceOf(user string) invitations.Balance {
	if t.isPersonal() {
		return invitations.Balance{Own: t.usageOf("")}
	}
	b := invitations.Balance{Shared: t.usageOf("")}
	if user != "" {
		b.Own = t.usageOf(user)
	}
	return b
}

func (t *turn) consume() {
	users := []string{"", t.User}
	if t.isPersonal() {
		users = users[:1]
	} else if !holds(t.members[t.User].Role, "organization:use") {
		t.refuse("permission_denied")
		return
	}
	for _, user := range users {
		if u := t.usageOf(user); u != nil && u.Limit != invitations.NoLimit && u.Used+t.Amount > u.Limit {
			t.refuse("quota_exceeded")
		}
	}
	if t.refused() {
		return
	}
	for _, user := range users {
		old := t.quotas[user]
		if old.Quota == (invitations.Quota{}) {
			continue
		}
		q := t.present(old)
		if !q.start.Equal(old.start) {
			t.close(user, old)
		}
		q.used = min(q.used+t.Amount, math.MaxInt64/2)
		t.quotas[user] = q
	}
	t.body = renderBalance(t.balanceOf(t.User))
}

// refund gives back what is still in the period in which it was consumed.
func (t *turn) refund() {
	for _, user := range []string{"", t.User} { // a personal quota has no other
		q := t.quotas[user]
		start := startOf(q.Period, epoch.Add(t.Since))
		if q.Quota != (invitations.Quota{}) && q.start.Equal(start) && start.Equal(startOf(q.Period, t.now)) {
			q.used = max(0, q.used-t.Amount)
			t.quotas[user] = q
		}
	}
	t.body = renderBalance(t.balanceOf(t.User))
}

func (t *turn) lookup() {
	if inv, ok := t.byToken(); ok && t.needPending(inv) {
		t.needAllowed(inv)
		t.needSender(inv)
		t.body = renderOffer(offerOf(inv.Invitation))
	}
}

// nextStep answers with a step and a reason, so a refusal is not one of the call. The model
// decides by the reason which of several applies.
func (t *turn) nextStep() {
	inv, isPresent := t.byToken()
	shown := invitations.Offer{}
	if isPresent && inv.State != invitations.StateRevoked && inv.State != invitations.StateDeclined {
		shown = offerOf(inv.Invitation)
	}
	_, isMember := t.members[t.User]
	step, reason, signedIn := "accept", "", t.User != ""
	switch {
	case isMember:
		t.refusals = nil
		t.body = renderStep("open", "", shown)
		return
	case isPresent && signedIn:
		t.mayJoin(inv)
	case isPresent:
		step = "sign_in"
		if t.needPending(inv) {
			t.needAllowed(inv)
			t.needSender(inv)
		}
	}
	reasons := t.refusals
	t.refusals = nil
	if len(reasons) == 0 {
		t.body = renderStep(step, "", shown)
		return
	}
	for _, reason = range reasons {
		step := "stop"
		switch {
		case signedIn && reason == "recipient_mismatch", signedIn && reason == "domain_not_allowed" && inv.Kind == invitations.KindLink:
			step = "switch_account"
		case signedIn && reason == "email_unverified":
			step = "verify_email"
		}
		offer := shown
		if reason == "revoked" {
			offer = invitations.Offer{}
		}
		t.alternatives = append(t.alternatives, renderStep(step, reason, offer))
	}
}

func renderStep(step, reason string, offer invitations.Offer) string {
	return step + " " + reason + " " + renderOffer(offer)
}

func (t *turn) pendingToken() {
	inv, ok := t.mayChange("invitation:resend")
	if !ok {
		return
	}
	t.mayGrant(inv.Role, inv.Quota)
	if !t.needPending(inv) {
		return
	}
	t.needAllowed(inv)
	t.needSender(inv)
	t.answerSent(inv, false)
}

func (t *turn) oneInvitation() {
	if inv, ok := t.mayChange("invitation:list"); ok {
		t.body = renderInvitation(t.at(inv))
	}
}

// list returns the invitations that pass a filter, the newest first.
func (t *turn) list(passes func(invitations.Invitation) bool) []invitations.Invitation {
	var found []invitations.Invitation
	for _, inv := range t.invitations {
		if i := t.at(inv); passes(i) {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, newestFirst)
	return found
}

func (t *turn) listInvitations() {
	if t.maySee("invitation:list") {
		t.body = renderLines(t.list(func(i invitations.Invitation) bool {
			return (t.State == "" || i.State == t.State) && (t.Email == "" || i.Email == t.Email)
		}), renderInvitation)
	}
}

func (t *turn) received() {
	if !t.Verified {
		t.refuse("email_unverified")
		return
	}
	t.body = renderLines(t.list(func(i invitations.Invitation) bool {
		return i.State == invitations.StatePending && i.Email == t.Email
	}), func(i invitations.Invitation) string { return renderOffer(offerOf(i)) })
}

func (t *turn) oneMember() {
	m, ok := t.members[t.User]
	if !ok {
		t.refuse("not_found")
	}
	t.body = renderMember(m)
}

func (t *turn) listMembers() {
	t.maySee("member:list")
	if t.Amount > 0 { // with balances
		t.maySee("quota:update")
	}
	if t.refused() {
		return
	}
	users := slices.Sorted(maps.Keys(t.members))
	t.body = renderLines(users, func(user string) string {
		if t.Amount > 0 {
			return renderMember(t.members[user]) + " " + renderBalance(t.balanceOf(user))
		}
		return renderMember(t.members[user])
	})
}

func (t *turn) authorize() {
	m := t.members[t.User]
	if !holds(m.Role, t.Permission) {
		t.refuse("permission_denied")
	}
	t.body = renderMember(m)
}

func (t *turn) workspaces() {
	if t.isPersonal() {
		t.body = renderBalance(t.balanceOf(t.User))
		return
	}
	t.body = "-"
	if m, ok := t.members[t.User]; ok {
		t.body = string(m.Role) + " " + renderBalance(t.balanceOf(t.User))
	}
}

func (t *turn) overview() {
	if !t.may("member:list") {
		return
	}
	o := invitations.Overview{Members: len(t.members), SeatsFree: invitations.NoLimit, OwnLimits: t.limits}
	o.SeatsTaken, o.SeatsReserved = t.seats()
	if limit := t.inForce().Members; limit > 0 {
		o.SeatsFree = max(0, limit-o.SeatsTaken-o.SeatsReserved)
	} else {
		o.SeatsReserved = 0
	}
	for _, inv := range t.invitations {
		switch {
		case !t.isPending(inv):
		case inv.Kind == invitations.KindEmail:
			o.PendingEmails++
		default:
			o.PendingLinks++
		}
	}
	t.body = renderOverview(o)
}

func (t *turn) timeline() {
	t.maySee("invitation:list")
	if t.ID == 0 {
		t.maySee("member:list")
	}
	if t.refused() {
		return
	}
	var events []invitations.Event
	for _, e := range slices.Backward(t.events) {
		if t.ID == 0 || numberOf(e.InvitationID) == t.ID {
			events = append(events, e)
		}
	}
	t.body = renderPage(events[:min(len(events), t.Newest)], t.ID != 0, len(events) > t.Newest)
}

// renderPage returns a page of the timeline. The places of the events of one invitation within
// their changes are not known.
func renderPage(events []invitations.Event, ofOne, cut bool) string {
	events = slices.Clone(events)
	if ofOne {
		for i := range events {
			events[i].Index = 0
		}
	}
	return renderEvents(events, cut)
}

func (t *turn) statistics() {
	if !t.maySee("invitation:list") {
		return
	}
	var f invitations.Funnel
	for _, inv := range t.invitations {
		f.Created++
		switch t.stateOf(inv) {
		case invitations.StatePending:
			f.Pending++
		case invitations.StateAccepted:
			f.Accepted++
		case invitations.StateDeclined:
			f.Declined++
		case invitations.StateRevoked:
			f.Revoked++
		case invitations.StateExpired:
			f.Expired++
		}
		if inv.Uses > 0 {
			f.Used++
		}
	}
	for _, e := range t.events {
		if _, ok := t.invitations[numberOf(e.InvitationID)]; ok && e.Type == invitations.EventInvitationAccepted {
			f.Joined++
		}
	}
	t.body = renderFunnel(f)
}

func (t *turn) readQuota() {
	if !t.may("quota:update") {
		return
	}
	if _, ok := t.members[t.User]; t.User != "" && !ok {
		t.refuse("not_found")
	}
	t.body = renderBalance(t.balanceOf(t.User))
}

func (t *turn) remaining() {
	if _, ok := t.members[t.User]; !ok && !t.isPersonal() {
		t.refuse("permission_denied")
	}
	t.body = renderBalance(t.balanceOf(t.User))
}

func (t *turn) usage() {
	if !t.maySee("quota:update") {
		return
	}
	start := startOf(t.Period, t.now)
	used := map[string]int64{}
	for user, q := range t.quotas {
		if q.Period == t.Period && q.start.Equal(start) {
			used[user] += q.used
		}
	}
	for c, amount := range t.closed {
		if c.period == t.Period && c.start.Equal(start) {
			used[c.user] += amount
		}
	}
	shared := used[""]
	var members []invitations.MemberUsage
	for user, amount := range used {
		if user != "" && amount > 0 {
			members = append(members, invitations.MemberUsage{UserID: user, Used: amount})
		}
	}
	slices.SortFunc(members, func(a, b invitations.MemberUsage) int {
		return cmp.Or(cmp.Compare(b.Used, a.Used), cmp.Compare(a.UserID, b.UserID))
	})
	t.body = renderPeriod(shared, members)
}
