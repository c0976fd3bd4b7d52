package linearizability

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// stateOf returns the state of an invitation at the instant of the turn.
func (t *turn) stateOf(inv invitation) invitations.State {
	if inv.State == invitations.StatePending && !t.now.Before(inv.ExpiresAt) {
		return invitations.StateExpired
	}
	return inv.State
}

func (t *turn) isPending(inv invitation) bool { return t.stateOf(inv) == invitations.StatePending }

// at returns an invitation as an answer shows it.
func (t *turn) at(inv invitation) invitations.Invitation {
	i := inv.Invitation
	i.State = t.stateOf(inv)
	return i
}

// needPending refuses an invitation that is not pending. It is the only refusal then.
func (t *turn) needPending(inv invitation) bool {
	switch t.stateOf(inv) {
	case invitations.StatePending:
		return true
	case invitations.StateExpired:
		t.refuse("expired")
	case invitations.StateDeclined:
		t.refuse("declined")
	case invitations.StateRevoked:
		t.refuse("revoked")
	case invitations.StateAccepted:
		if inv.Kind == invitations.KindLink {
			t.refuse("exhausted")
		} else {
			t.refuse("already_accepted")
		}
	}
	return false
}

// needAllowed refuses an invitation of a kind or with an address that the organization does not
// allow.
func (t *turn) needAllowed(inv invitation) {
	if inv.Kind == invitations.KindLink && t.limits.NoLinks {
		t.refuse("links_not_allowed")
	}
	if inv.Kind == invitations.KindEmail && len(t.limits.AllowedDomains) > 0 && !slices.Contains(t.limits.AllowedDomains, domainOf(inv.Email)) {
		t.refuse("domain_not_allowed")
	}
}

// couldSend reports whether a member with a role could send an invitation.
func couldSend(role invitations.Role, inv invitation) bool {
	return covers(role, inv.Role) && (inv.Quota == invitations.Quota{} || holds(role, "quota:update")) &&
		(holds(role, "invitation:create") || holds(role, "invitation:resend"))
}

// needSender refuses an invitation that its sender could no longer send.
func (t *turn) needSender(inv invitation) {
	if inv.SentBy != "" && !couldSend(t.members[inv.SentBy].Role, inv) {
		t.refuse("sender_not_entitled")
	}
}

// needPlace refuses an invitation that cannot become pending.
func (t *turn) needPlace(inv invitation) {
	t.needAllowed(inv)
	pending := 0
	for n, other := range t.invitations {
		if !t.isPending(other) {
			continue
		}
		pending++
		if inv.Email != "" && other.Email == inv.Email && n != numberOf(inv.ID) {
			t.refuse("already_invited")
		}
	}
	if pending >= t.inForce().Pending {
		t.refuse("pending_limit_reached")
	}
	if inv.Kind == invitations.KindEmail && t.ReserveSeats {
		t.needSeat(inv.Role, false)
	}
}

// needSending refuses a mail above the limits of a day.
func (t *turn) needSending(email string) {
	if email == "" {
		return
	}
	var all, to, by int
	for _, e := range slices.Concat(t.events, t.news) {
		isSending := e.Type == invitations.EventInvitationCreated || e.Type == invitations.EventInvitationResent
		at := e.At
		if e.Version == 0 {
			at = t.now
		}
		if !isSending || e.Email == "" || !at.Add(24*time.Hour).After(t.now) {
			continue
		}
		all++
		if e.Email == email {
			to++
		}
		if !t.isSystem() && e.Actor == t.Actor {
			by++
		}
	}
	if t.SendsPerOrganization > 0 && all >= t.SendsPerOrganization || t.SendsPerRecipient > 0 && to >= t.SendsPerRecipient ||
		t.SendsPerSender > 0 && by >= t.SendsPerSender {
		t.refuse("rate_limited")
	}
}

// firstSweep returns when a sweep has work for an invitation whose expiry was set now.
func (t *turn) firstSweep(inv invitation) time.Time {
	if reminder := inv.ExpiresAt.Add(-t.RemindBefore); inv.Kind == invitations.KindEmail && t.RemindBefore > 0 && reminder.After(t.now) {
		return reminder
	}
	return inv.ExpiresAt
}

func (t *turn) metadata() map[string]string {
	if t.Metadata == "" {
		return nil
	}
	return map[string]string{"key": t.Metadata}
}

// invite is Invite and CreateLink.
func (t *turn) invite() {
	if !t.may("invitation:create") {
		return
	}
	kind, uses, lifetime := invitations.KindEmail, 1, t.Lifetime
	if lifetime == 0 {
		lifetime = t.inForce().Expiry
	}
	if t.Op == "CreateLink" {
		kind, uses = invitations.KindLink, t.MaxUses
	}
	inv := invitation{Invitation: invitations.Invitation{
		ID: idOf(t.ID), Organization: t.Org, Kind: kind, State: invitations.StatePending, Email: t.Email, Role: t.Role, Message: t.Message,
		Quota: t.Quota, Metadata: t.metadata(), AllowedDomains: t.Domains, MaxUses: uses,
		CreatedBy: t.actor(), SentBy: t.actor(), CreatedAt: t.now, SentAt: t.now, ExpiresAt: t.now.Add(lifetime),
	}}
	t.mayGrant(t.Role, t.Quota)
	if old, ok := t.invitations[t.ID]; ok {
		hasLifetime := t.Lifetime == 0 || old.ExpiresAt.Sub(old.SentAt) == t.Lifetime
		if !hasLifetime || !sameContent(old, inv) {
			t.refuse("conflict")
		}
		t.answerSent(old, true)
		return
	}
	t.needPlace(inv)
	t.needSending(inv.Email)
	if t.refused() {
		return
	}
	inv.sentVersion, inv.sweepAt = t.next(), t.firstSweep(inv)
	t.put(inv, invitations.Event{Type: invitations.EventInvitationCreated, Actor: t.actor()})
	t.answerSent(inv, false)
}

// sameContent reports whether the call that would make b could have made a, apart from its lifetime.
func sameContent(a, b invitation) bool {
	return a.Kind == b.Kind && a.Email == b.Email && a.Role == b.Role && a.Message == b.Message && a.Quota == b.Quota &&
		maps.Equal(a.Metadata, b.Metadata) && slices.Equal(a.AllowedDomains, b.AllowedDomains) && a.MaxUses == b.MaxUses &&
		a.CreatedBy == b.CreatedBy
}

// answerSent answers with an invitation, and with its token if it is pending.
func (t *turn) answerSent(inv invitation, repeated bool) {
	token := t.isPending(inv)
	t.body = renderSent(t.at(inv), repeated, token)
	if token {
		t.given = []int{numberOf(inv.ID)}
	}
}

func (t *turn) inviteAll() {
	if !t.may("invitation:create") {
		return
	}
	whole := t.call
	for _, r := range whole.Rows {
		t.call = r
		t.Op, t.Actor, t.Ceiling, t.Org = "Invite", whole.Actor, whole.Ceiling, whole.Org
		t.refusals, t.body, t.given = nil, "", nil
		t.invite()
		t.rows = append(t.rows, row{t.refusals, t.body, t.given})
	}
	t.call, t.refusals, t.body, t.given = whole, nil, "", nil
}

// mayChange returns the invitation that an actor with a permission names.
func (t *turn) mayChange(p invitations.Permission) (invitation, bool) {
	if !t.may(p) {
		return invitation{}, false
	}
	inv, ok := t.invitations[t.ID]
	if !ok {
		t.refuse("not_found")
	}
	return inv, ok
}

func (t *turn) resend() {
	inv, ok := t.mayChange("invitation:resend")
	if !ok {
		return
	}
	t.mayGrant(inv.Role, inv.Quota)
	if t.stateOf(inv) == invitations.StateExpired {
		t.needPlace(inv)
	} else if !t.needPending(inv) {
		return
	}
	t.needAllowed(inv)
	if inv.Kind == invitations.KindEmail && t.ResendCooldown > 0 && t.now.Before(inv.SentAt.Add(t.ResendCooldown)) {
		t.refuse("too_soon")
	}
	t.needSending(inv.Email)
	if t.refused() {
		return
	}
	lifetime := t.Lifetime
	if lifetime == 0 {
		lifetime = min(max(inv.ExpiresAt.Sub(inv.SentAt), minExpiry), maxExpiry)
	}
	if inv.token != "" {
		inv.token, inv.former = "", inv.token
	}
	inv.SentBy, inv.SentAt, inv.ExpiresAt = t.actor(), t.now, t.now.Add(lifetime)
	inv.sentVersion, inv.sweepAt = t.next(), t.firstSweep(inv)
	t.put(inv, invitations.Event{Type: invitations.EventInvitationResent, Actor: t.actor()})
	t.answerSent(inv, false)
}

func (t *turn) revoke() {
	inv, ok := t.mayChange("invitation:revoke")
	if !ok || !t.needPending(inv) {
		return
	}
	inv.State, inv.EndedAt = invitations.StateRevoked, t.now
	t.put(inv, invitations.Event{Type: invitations.EventInvitationRevoked, Actor: t.actor()})
	t.body = renderInvitation(inv.Invitation)
}

func (t *turn) edit() {
	inv, ok := t.mayChange("invitation:create")
	if !ok {
		return
	}
	old := inv
	t.mayGrant(inv.Role, inv.Quota)
	t.needPending(inv)
	var changed []string
	for _, field := range t.Fields {
		var isSame bool
		switch field {
		case "role":
			isSame, inv.Role = inv.Role == t.Role, t.Role
		case "message":
			isSame, inv.Message = inv.Message == t.Message, t.Message
		case "expires_at":
			at := t.now.Add(t.Lifetime)
			isSame = inv.ExpiresAt.Equal(at)
			hasReminder := inv.sweepAt.Before(inv.ExpiresAt)
			inv.ExpiresAt, inv.sweepAt = at, at
			if hasReminder {
				inv.sweepAt = t.firstSweep(inv)
			}
		case "max_uses":
			isSame = inv.MaxUses == t.MaxUses
			if t.MaxUses != 0 && t.MaxUses <= inv.Uses {
				t.refuse("invalid_argument")
			}
			inv.MaxUses = t.MaxUses
		case "allowed_domains":
			isSame, inv.AllowedDomains = slices.Equal(inv.AllowedDomains, t.Domains), t.Domains
		case "quota":
			isSame, inv.Quota = inv.Quota == t.Quota, t.Quota
		case "metadata":
			isSame, inv.Metadata = maps.Equal(inv.Metadata, t.metadata()), t.metadata()
		}
		if !isSame {
			changed = append(changed, field)
		}
	}
	t.mayGrant(inv.Role, inv.Quota)
	if inv.Kind == invitations.KindEmail && t.ReserveSeats && !t.takesSeat(old.Role) {
		t.needSeat(inv.Role, false)
	}
	if t.refused() {
		return
	}
	if len(changed) > 0 {
		if !t.isSystem() || !couldSend(t.members[inv.SentBy].Role, inv) {
			inv.SentBy = t.actor()
		}
		e := invitations.Event{Type: invitations.EventInvitationEdited, Actor: t.actor(), Changed: changed, InvitedBy: inv.SentBy}
		if inv.Role != old.Role {
			e.FormerRole = old.Role
		}
		t.put(inv, e)
	}
	t.body = renderInvitation(inv.Invitation)
}

// byToken returns the invitation of a present token.
func (t *turn) byToken() (invitation, bool) {
	for _, inv := range t.invitations {
		if inv.token == t.Token {
			return inv, true
		}
	}
	t.refuse("invalid_token")
	return invitation{}, false
}

// byAddress returns the invitation of Received that the call names.
func (t *turn) byAddress() (invitation, bool) {
	inv, ok := t.invitations[t.ID]
	switch {
	case !t.Verified:
		t.refuse("email_unverified")
	case !ok || inv.Email != t.Email:
		t.refuse("not_found")
	}
	return inv, !t.refused()
}

func (t *turn) accept() {
	if inv, ok := t.byToken(); ok {
		t.join(inv)
	}
}

func (t *turn) acceptReceived() {
	if inv, ok := t.byAddress(); ok {
		t.join(inv)
	}
}

// verified returns the verified address of the person, or "".
func (t *turn) verified() string {
	if t.Verified {
		return t.Email
	}
	return ""
}

// join makes a person a member through an invitation.
func (t *turn) join(inv invitation) {
	if m, ok := t.members[t.User]; ok && m.InvitationID == inv.ID {
		t.body = renderJoined(m, true)
		return
	}
	if t.mayJoin(inv); t.refused() {
		return
	}
	m := invitations.Member{
		Organization: t.Org, UserID: t.User, Role: inv.Role, JoinedAt: t.now, InvitationID: inv.ID, InvitedBy: inv.SentBy, Metadata: inv.Metadata,
	}
	t.members[t.User] = m
	inv.Uses++
	if inv.Uses == inv.MaxUses {
		inv.State, inv.EndedAt = invitations.StateAccepted, t.now
	}
	if inv.Kind == invitations.KindEmail {
		inv.AcceptedBy = t.User
	}
	t.put(inv, invitations.Event{Type: invitations.EventInvitationAccepted, Actor: t.User})
	t.add(invitations.Event{
		Type: invitations.EventMemberJoined, Actor: t.User, Subject: t.User, Role: m.Role, InvitationID: inv.ID, Email: inv.Email, InvitedBy: inv.SentBy,
	})
	t.endInvited(t.verified(), inv.ID, t.User)
	old, ok := t.quotas[t.User]
	if inv.Quota != (invitations.Quota{}) && (!ok || inv.Kind == invitations.KindEmail && old.version < inv.sentVersion) {
		t.putQuota(t.User, inv.Quota, inv.SentBy)
	}
	t.body = renderJoined(m, false)
}

// mayJoin refuses a person whom an invitation does not admit.
func (t *turn) mayJoin(inv invitation) {
	if !t.needPending(inv) {
		return
	}
	t.needAllowed(inv)
	t.needSender(inv)
	restricted := len(t.limits.AllowedDomains)+len(inv.AllowedDomains) > 0
	if inv.Kind == invitations.KindEmail && inv.Email != t.Email {
		t.refuse("recipient_mismatch")
	}
	if (inv.Kind == invitations.KindEmail || restricted) && !t.Verified {
		t.refuse("email_unverified")
	}
	for _, domains := range [][]string{t.limits.AllowedDomains, inv.AllowedDomains} {
		if len(domains) > 0 && !slices.Contains(domains, domainOf(t.Email)) {
			t.refuse("domain_not_allowed")
		}
	}
	if _, isMember := t.members[t.User]; isMember {
		t.refuse("already_member")
	}
	if t.removals[t.User] >= inv.sentVersion {
		t.refuse("revoked")
	}
	t.needSeat(inv.Role, t.hasReserved(t.verified()))
}

// endInvited revokes the other pending invitations for the address of a new member.
func (t *turn) endInvited(email string, except uuid.UUID, actor string) {
	t.each(func(inv invitation) {
		if email != "" && inv.Email == email && inv.ID != except && t.isPending(inv) {
			t.end(inv, actor, "already_member")
		}
	})
}

func (t *turn) decline() {
	if inv, ok := t.byToken(); ok {
		t.declined(inv, "")
	}
}

func (t *turn) declineReceived() {
	if inv, ok := t.byAddress(); ok {
		t.declined(inv, t.User)
	}
}

func (t *turn) declined(inv invitation, actor string) {
	if inv.Kind == invitations.KindLink {
		t.refuse("invalid_argument")
		return
	}
	if !t.needPending(inv) {
		return
	}
	inv.State, inv.EndedAt = invitations.StateDeclined, t.now
	t.put(inv, invitations.Event{Type: invitations.EventInvitationDeclined, Actor: actor})
}

// sweep ends the reminders and expiries that are due. Beside other calls it may leave out some, which
// these have just made due, and all of an organization that they are changing.
func (t *turn) sweep(before *state, a answer) []*state {
	var due []invitation
	t.each(func(inv invitation) {
		if inv.State == invitations.StatePending && !inv.sweepAt.IsZero() && !inv.sweepAt.After(t.now) {
			due = append(due, inv)
		}
	})
	var after []*state
	for left := range 1 << len(due) {
		if left > 0 && t.Alone {
			break
		}
		var reminded, expired []invitations.Invitation
		t.state, t.news = before.clone(), nil
		for i, inv := range due {
			switch {
			case left>>i&1 == 1:
			case t.isPending(inv):
				inv.sweepAt = inv.ExpiresAt
				reminded = append(reminded, inv.Invitation)
				t.put(inv, invitations.Event{Type: invitations.EventInvitationReminded})
			default:
				inv.sweepAt = time.Time{}
				expired = append(expired, inv.Invitation)
				t.put(inv, invitations.Event{Type: invitations.EventInvitationExpired})
			}
		}
		if a.Unknown || a.Body == renderSwept(reminded, expired) {
			after = append(after, t.after()...)
		}
	}
	return after
}

// purge deletes the old rows of the organization: all of them, or none if the purge left the
// organization out because somebody else changed it.
func (t *turn) purge(before *state) []*state {
	limit := epoch.Add(t.Since)
	maps.DeleteFunc(t.invitations, func(_ int, inv invitation) bool {
		if inv.State == invitations.StatePending {
			return inv.ExpiresAt.Before(limit)
		}
		return inv.EndedAt.Before(limit)
	})
	t.events = slices.DeleteFunc(slices.Clone(t.events), func(e invitations.Event) bool { return e.At.Before(limit) })
	if t.Alone {
		return []*state{t.state}
	}
	if t.String() == before.String() {
		return []*state{before}
	}
	return []*state{before, t.state}
}

// erase removes an address or a user from the organization, or finds nothing of them. A call that
// is done found nothing in any organization.
func (t *turn) erase(before *state, a answer) []*state {
	if t.User != "" {
		t.eraseUser()
	} else {
		t.eraseEmail()
	}
	_, isMember := before.members[t.User]
	hasTraces := len(t.news) > 0
	switch {
	case a.Unknown && isMember:
		return []*state{before}
	case a.Unknown:
		return t.after()
	case a.Code == "conflict" && isMember:
		return []*state{before}
	case a.Code != "" || hasTraces && (isMember || a.Body == "done"):
		return nil
	}
	return t.after()
}

func (t *turn) eraseEmail() {
	had := false
	acceptedBy := map[uuid.UUID]string{} // of the invitations for the address
	for i, e := range t.events {
		if e.Email == t.Email {
			t.events = slices.Clone(t.events)
			t.events[i].Email = ""
			had = true
		}
	}
	t.each(func(inv invitation) {
		if inv.Email != t.Email {
			return
		}
		if inv.State == invitations.StatePending {
			inv.Email = ""
			t.end(inv, "", "erased")
			inv = t.invitations[numberOf(inv.ID)]
		}
		inv.Email, inv.Message, inv.Metadata = "", "", nil
		t.invitations[numberOf(inv.ID)] = inv
		acceptedBy[inv.ID] = inv.AcceptedBy
		t.add(invitations.Event{Type: invitations.EventPersonErased, InvitationID: inv.ID})
	})
	for user, m := range t.members {
		// An invitation that was purged can have left its ID to a later one, which nobody accepted.
		if by, ok := acceptedBy[m.InvitationID]; ok && by == user {
			m.Metadata = nil
			t.members[user] = m
		}
	}
	if had && len(acceptedBy) == 0 {
		t.add(invitations.Event{Type: invitations.EventPersonErased})
	}
}

func (t *turn) eraseUser() {
	had := false
	replace := func(users ...*string) bool {
		found := false
		for _, user := range users {
			if *user == t.User {
				*user, found = t.Other, true
			}
		}
		had = had || found
		return found
	}
	events := slices.Clone(t.events)
	for i := range events {
		e := &events[i]
		replace(&e.Actor, &e.Subject, &e.InvitedBy)
	}
	t.events = events
	t.each(func(inv invitation) {
		if inv.SentBy == t.User && t.isPending(inv) {
			t.end(inv, "", "sender_not_entitled")
			inv = t.invitations[numberOf(inv.ID)]
		}
		if replace(&inv.CreatedBy, &inv.SentBy, &inv.AcceptedBy) {
			t.invitations[numberOf(inv.ID)] = inv
		}
	})
	for user, m := range t.members {
		if replace(&m.InvitedBy) {
			t.members[user] = m
		}
	}
	if had {
		t.add(invitations.Event{Type: invitations.EventPersonErased, Subject: t.Other})
	}
}
