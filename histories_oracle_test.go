package invitations

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/stretchr/testify/require"
)

// performed returns the decision of an act on the facts of the world, as the service runs it.
func performed[T any](t *rapid.T, w *world, a act[T]) (T, Changes, error) {
	return decide(t, w.rules(), w.facts(a.needs(w.rules())), a)
}

// performedLate is performed, but sometimes time passes between the call and the step.
func performedLate[T any](t *rapid.T, w *world, a act[T]) (T, Changes, error) {
	q := a.needs(w.rules())
	f := w.facts(q)
	if rapid.IntRange(0, 4).Draw(t, "late") == 4 {
		w.wait(t)
	}
	return decideLate(t, w.rules(), q, f, a)
}

// facts returns the facts that q asks for and no others, as a store does.
func (w *world) facts(q Query) Facts {
	if w.deleted && !q.AlsoDeleted {
		return Facts{}
	}
	f := Facts{
		Organization: acme, Version: w.version, Limits: w.limits.Clone(), Deleted: w.deleted,
		Invitations: map[uuid.UUID]Record{}, Members: map[string]Member{}, Removals: map[string]int64{},
		PendingByEmail: map[string]uuid.UUID{}, Quotas: map[string]QuotaRecord{},
	}
	emails := q.Emails
	if record, ok := w.records[q.Invitation]; ok {
		record = record.Clone()
		f.Invitation = &record
		if sender, ok := w.members[record.SentBy]; ok && q.Sender {
			f.Sender = &sender
		}
		if q.SameEmail {
			emails = append(slices.Clip(emails), record.Email)
		}
	}
	for _, id := range q.Invitations {
		if record, ok := w.records[id]; ok {
			f.Invitations[id] = record.Clone()
		}
	}
	for _, user := range q.Members {
		if m, ok := w.members[user]; ok {
			f.Members[user] = m
		}
		if version, ok := w.removals[user]; ok && q.Removals {
			f.Removals[user] = version
		}
	}
	for user, quota := range w.quotas {
		if q.Quotas && (user == "" || slices.Contains(q.Members, user)) {
			f.Quotas[user] = quota
		}
	}
	for _, id := range w.sortedIDs() {
		record := w.records[id]
		if record.State != StatePending || !record.ExpiresAt.After(q.PendingAt) {
			continue
		}
		if q.CountPending {
			f.PendingCount++
		}
		if q.CountReserved && record.Kind == KindEmail && w.takesSeat(record.Role) {
			f.ReservedCount++
		}
		if record.Email != "" && slices.Contains(emails, record.Email) {
			f.PendingByEmail[record.Email] = record.ID
		}
		if q.PendingSentBy != "" && record.SentBy == q.PendingSentBy || q.PendingFor != "" && record.Email == q.PendingFor {
			f.PendingRecords = append(f.PendingRecords, record.Clone())
		}
	}
	for _, e := range slices.Backward(w.events) {
		if e.IsSending() && e.At.After(q.SendingsAfter) {
			f.Sendings = append(f.Sendings, Sending{At: e.At, Actor: e.Actor, Email: e.Email})
		}
	}
	slices.SortStableFunc(f.Sendings, func(a, b Sending) int { return b.At.Compare(a.At) })
	f.Sendings = f.Sendings[:min(len(f.Sendings), q.SendingsUpTo)]
	if q.CountSeats {
		f.SeatCount = w.seats()
	}
	if q.OwnersUpTo > 0 {
		f.OwnerCount = w.owners()
	}
	w.addTraces(&f, q)
	return counted(q, f)
}

// addTraces adds the rows with a trace of a person.
func (w *world) addTraces(f *Facts, q Query) {
	email, user := q.TracesOf.Email, q.TracesOf.UserID
	loaded := map[uuid.UUID]bool{}
	for _, id := range w.sortedIDs() {
		r := w.records[id]
		isOf := email != "" && r.Email == email || user != "" && slices.Contains([]string{r.CreatedBy, r.SentBy, r.AcceptedBy}, user)
		if isOf && len(f.TracedInvitations) < q.TracesUpTo {
			f.TracedInvitations, loaded[id] = append(f.TracedInvitations, r.Clone()), true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.members)) {
		m := w.members[id]
		isOf := email != "" && loaded[m.InvitationID] || user != "" && m.InvitedBy == user
		if isOf && len(f.TracedMembers) < q.TracesUpTo {
			f.TracedMembers = append(f.TracedMembers, m.Clone())
		}
	}
	for i, e := range w.events {
		isOf := email != "" && e.Email == email || user != "" && slices.Contains([]string{e.Actor, e.Subject, e.InvitedBy}, user)
		if isOf && len(f.TracedEvents) < q.TracesUpTo {
			e = e.Clone()
			e.Position = int64(i) + 1
			f.TracedEvents = append(f.TracedEvents, e)
		}
	}
}

// apply writes changes as a store does.
func (w *world) apply(t *rapid.T, c Changes) {
	if c.Empty() {
		return
	}
	w.version++
	written := slices.Clone(c.RemovedMembers)
	for _, user := range c.RemovedMembers {
		require.Contains(t, w.members, user)
		delete(w.members, user)
	}
	for _, m := range c.Members {
		require.Equal(t, acme, m.Organization)
		require.NotContains(t, written, m.UserID, "no member occurs twice")
		written = append(written, m.UserID)
		w.members[m.UserID] = m
	}
	require.False(t, w.deleted && !isErasure(c), "a deleted organization does not change")
	require.LessOrEqual(t, len(c.Removals), 1)
	for _, user := range c.Removals {
		require.Contains(t, written, user, "a removed or demoted member")
		w.removals[user] = w.version
	}
	for _, q := range c.Quotas {
		require.Equal(t, QuotaRecord{Organization: acme, UserID: q.UserID, Quota: q.Quota, Version: w.version}, q)
		if old := w.quotas[q.UserID]; old.Period == q.Period {
			q.PeriodStart, q.Used = old.PeriodStart, old.Used
		}
		w.quotas[q.UserID] = q
		w.quotaSetAt[q.UserID] = w.tick()
	}
	ids := map[uuid.UUID]bool{}
	for _, record := range c.Invitations {
		require.Equal(t, acme, record.Organization)
		require.False(t, ids[record.ID], "no invitation occurs twice")
		ids[record.ID] = true
		w.records[record.ID] = record.Clone()
		if record.State != StatePending {
			if ended, ok := w.ended[record.ID]; ok && !isErasure(c) {
				require.Equal(t, ended, record, "an ended invitation does not change")
			}
			w.ended[record.ID] = record.Clone()
			delete(w.due, record.ID)
		}
	}
	for _, erased := range c.ErasedEvents {
		i := int(erased.Position) - 1
		erased.Position = 0
		require.Equal(t, EventPosition{w.events[i].Version, w.events[i].Index}, EventPosition{erased.Version, erased.Index})
		w.events[i] = erased
	}
	if c.Limits != nil {
		w.limits = c.Limits.Clone()
	}
	w.deleted = w.deleted || c.Deleted
	for i, e := range c.Events {
		require.Equal(t, acme, e.Organization)
		require.Equal(t, w.now, e.At)
		require.Zero(t, e.Version, "the store sets it")
		require.Zero(t, e.Index, "the store sets it")
		e.Version, e.Index = w.version, i
		w.events = append(w.events, e)
	}
	w.policies[w.version] = w.policy()
}

// isErasure reports whether changes erase a person.
func isErasure(c Changes) bool {
	return slices.ContainsFunc(c.Events, func(e Event) bool { return e.Type == EventPersonErased })
}

// The rules in other words.

// memberLimit returns the number of seats, or 0 if there is no limit.
func (w *world) memberLimit() int {
	switch {
	case w.limits.Members == NoLimit:
		return 0
	case w.limits.Members != 0:
		return w.limits.Members
	}
	return w.config.MemberLimit
}

func (w *world) pendingLimit() int {
	if w.limits.Pending != 0 {
		return w.limits.Pending
	}
	return w.config.PendingLimit
}

func (w *world) takesSeat(role Role) bool { return !slices.Contains(w.limits.SeatlessRoles, role) }

// seats returns the number of members who take a seat.
func (w *world) seats() int { return w.seatsIf(nil) }

// seatsIf returns the number of members who take a seat if some have other roles.
func (w *world) seatsIf(roles map[string]Role) int {
	n := 0
	for user, m := range w.members {
		if role, ok := roles[user]; ok {
			m.Role = role
		}
		if w.takesSeat(m.Role) {
			n++
		}
	}
	return n
}

// reserved returns the number of seats that pending email invitations hold.
func (w *world) reserved() int {
	n := 0
	for _, record := range w.pendingNow(KindEmail) {
		if w.config.ReserveSeats && w.takesSeat(record.Role) {
			n++
		}
	}
	return n
}

// isFull reports whether nobody without a reserved seat can take one.
func (w *world) isFull() bool {
	return w.memberLimit() > 0 && w.seats()+w.reserved() >= w.memberLimit()
}

// hasSeatFor reports whether there is a seat for a person who joins with the role. The holder
// of a reserved seat gets in as long as members have not taken all.
func (w *world) hasSeatFor(email string, role Role) bool {
	holds := slices.ContainsFunc(w.pendingNow(KindEmail), func(r Record) bool {
		return w.config.ReserveSeats && w.takesSeat(r.Role) && strings.EqualFold(r.Email, email)
	})
	if holds {
		return !w.takesSeat(role) || w.memberLimit() == 0 || w.seats() < w.memberLimit()
	}
	return !w.takesSeat(role) || !w.isFull()
}

// isAllowed reports whether the organization allows an invitation of this kind and address.
func (w *world) isAllowed(record Record) bool {
	if record.Kind == KindLink {
		return !w.limits.NoLinks
	}
	return w.isDomainAllowed(record.Email, w.limits.AllowedDomains)
}

func (w *world) isDomainAllowed(email string, domains []string) bool {
	_, domain, _ := strings.Cut(strings.ToLower(email), "@")
	return len(domains) == 0 || slices.Contains(domains, domain)
}

// canHandle is canGrant for the present role of an invitation. A role that the policy does not
// know counts as the owner's.
func (w *world) canHandle(actor Actor, role Role) bool {
	if w.policy().Has(role) {
		return w.canGrant(actor, role)
	}
	return w.canGrant(actor, RoleOwner)
}

func (w *world) isPending(record Record) bool {
	return record.State == StatePending && w.now.Before(record.ExpiresAt)
}

// pendingNow returns the pending invitations of some kinds, or of both.
func (w *world) pendingNow(kinds ...Kind) []Record {
	var pending []Record
	for _, record := range w.records {
		if w.isPending(record) && (len(kinds) == 0 || slices.Contains(kinds, record.Kind)) {
			pending = append(pending, record)
		}
	}
	return pending
}

func (w *world) owners() int {
	n := 0
	for _, m := range w.members {
		if m.Role == RoleOwner {
			n++
		}
	}
	return n
}

func (w *world) isLastOwner(user string) bool {
	return w.members[user].Role == RoleOwner && w.owners() == 1
}

func (w *world) may(actor Actor, permission Permission) bool {
	m, ok := w.members[actor.user]
	return actor == System() || ok && w.policy().Allows(m.Role, permission)
}

func (w *world) canGrant(actor Actor, role Role) bool {
	if actor == System() {
		return w.policy().Has(role)
	}
	m, ok := w.members[actor.user]
	return ok && holdsAllOf(w.policy(), m.Role, role)
}

func (w *world) canGrantQuota(actor Actor, q Quota) bool {
	return q == Quota{} || w.may(actor, PermissionQuotaUpdate)
}

// canActOn reports whether actor can do to user what the permission is for.
func (w *world) canActOn(actor Actor, permission Permission, user string) bool {
	m, ok := w.members[user]
	return ok && w.may(actor, permission) &&
		(actor == System() || mayActOn(w.policy(), w.members[actor.user].Role, permission, m.Role))
}

// couldSend reports whether a member with the role could send the invitation.
func (w *world) couldSend(role Role, record Record) bool {
	p, needed := w.policy(), record.Role
	if !p.Has(needed) {
		needed = RoleOwner
	}
	return holdsAllOf(p, role, needed) &&
		(p.Allows(role, PermissionInvitationCreate) || p.Allows(role, PermissionInvitationResend)) &&
		(record.Quota == Quota{} || p.Allows(role, PermissionQuotaUpdate))
}

// isFor reports whether record is an email invitation for the verified address of identity.
func isFor(record Record, identity Identity) bool {
	return record.Email != "" && identity.EmailVerified && strings.EqualFold(identity.Email, record.Email)
}

func (w *world) isAddressPending(email string) bool {
	return email != "" && slices.ContainsFunc(w.pendingNow(), func(r Record) bool { return r.Email == email })
}

// hasSeatToReserve reports whether there is a seat for one more recipient, if it takes one.
func (w *world) hasSeatToReserve(record Record) bool {
	return record.Kind == KindLink || !w.config.ReserveSeats || !w.takesSeat(record.Role) || !w.isFull()
}

// freeAt returns the first instant, from now on, at which actor can send to the address if
// nobody sends until then. It is now, or an instant at which a mail is a day old.
func (w *world) freeAt(actor Actor, email string) time.Time {
	instants := []time.Time{w.now}
	for _, m := range w.mails {
		if end := m.at.Add(24 * time.Hour); end.After(w.now) {
			instants = append(instants, end)
		}
	}
	slices.SortFunc(instants, time.Time.Compare)
	for _, at := range instants {
		toRecipient, bySender, all := 0, 0, 0
		for _, m := range w.mails {
			if at.Sub(m.at) >= 24*time.Hour {
				continue
			}
			all++
			if m.email == email {
				toRecipient++
			}
			if m.sender == actor.user && actor != System() {
				bySender++
			}
		}
		fits := func(n, limit int) bool { return limit < 0 || n < limit }
		if fits(toRecipient, w.config.SendsPerRecipient) && fits(bySender, w.config.SendsPerSender) && fits(all, w.config.SendsPerOrganization) {
			return at
		}
	}
	panic("no limit counts a mail that is a day old")
}

// checkMails fails the test unless the events have every mail and no other.
func (w *world) checkMails(t *rapid.T) {
	mails := []mail{}
	for _, e := range w.events {
		if e.IsSending() {
			mails = append(mails, mail{e.At, e.Actor, e.Email})
		}
	}
	require.Equal(t, append([]mail{}, w.mails...), mails)
}

// planSweep notes when a sweep is due for an invitation whose expiry was set now.
func (w *world) planSweep(record Record) {
	w.due[record.ID] = due{at: record.ExpiresAt}
	before := w.config.RemindBefore
	if record.Email != "" && before > 0 && record.ExpiresAt.Sub(w.now) > before {
		w.due[record.ID] = due{at: record.ExpiresAt.Add(-before), reminder: true}
	}
}

// noteSending notes that record was sent now.
func (w *world) noteSending(record Record) {
	w.tokens = append(w.tokens, claim{acme, record.ID, record.Nonce})
	w.sentAt[record.ID] = w.tick()
	w.offeredAt[record.ID] = w.ticks
	if record.Email != "" {
		w.mails = append(w.mails, mail{w.now, record.SentBy, record.Email})
	}
	w.planSweep(record)
}

// A replayed organization is the result of its events.
type replayed struct {
	members     map[string]Member
	removals    map[string]int64
	invitations map[uuid.UUID]replayedInvitation
	quotas      map[string]replayedQuota
	limits      Limits
	deleted     bool
}

// A replayedInvitation is what events have of an invitation: everything except its message,
// metadata and nonce.
type replayedInvitation struct {
	kind                                  Kind
	email                                 string
	state                                 State
	role                                  Role
	quota                                 Quota
	domains                               string
	createdBy, sentBy, acceptedBy         string
	createdAt, sentAt, expiresAt, endedAt time.Time
	sentVersion                           int64
	uses, maxUses                         int
}

type replayedQuota struct {
	quota   Quota
	version int64
}

// replay applies the events in order. The policy of the version of an event decides whether a
// role change was a demotion.
func replay(t require.TestingT, events []Event, policies map[int64]*Policy) replayed {
	s := replayed{
		members: map[string]Member{}, removals: map[string]int64{},
		invitations: map[uuid.UUID]replayedInvitation{}, quotas: map[string]replayedQuota{},
	}
	for _, e := range events {
		switch e.Type {
		case EventMemberJoined:
			s.members[e.Subject] = Member{
				Organization: e.Organization, UserID: e.Subject, Role: e.Role, JoinedAt: e.At,
				InvitationID: e.InvitationID, InvitedBy: e.InvitedBy,
			}
		case EventMemberRoleChanged:
			m := s.members[e.Subject]
			require.Equal(t, m.Role, e.FormerRole)
			isHeir := slices.ContainsFunc(events, func(other Event) bool {
				return other.Type == EventOwnershipTransferred && other.Version == e.Version && other.Subject == e.Subject
			})
			if !isHeir && losesBy(policies[e.Version], m.Role, e.Role) { // an heir loses nothing
				s.removals[e.Subject] = e.Version
			}
			m.Role = e.Role
			s.members[e.Subject] = m
		case EventMemberRemoved:
			s.removals[e.Subject] = e.Version
			delete(s.members, e.Subject)
		case EventMemberLeft:
			delete(s.members, e.Subject)
		case EventQuotaChanged:
			s.quotas[e.Subject] = replayedQuota{e.Quota, e.Version}
		case EventLimitsChanged:
			s.limits = *e.Limits
		case EventOrganizationDeleted:
			s.deleted = true
		case EventPersonErased:
			if i, ok := s.invitations[e.InvitationID]; ok {
				i.kind = KindEmail // which the address told before
				s.invitations[e.InvitationID] = i
			}
		case EventOwnershipTransferred, EventMemberMetadataChanged:
		default:
			s.invitations[e.InvitationID] = s.invitations[e.InvitationID].after(t, e)
		}
	}
	return s
}

// after returns i after an event.
func (i replayedInvitation) after(t require.TestingT, e Event) replayedInvitation {
	if e.Type == EventInvitationEdited {
		requireChanged(t, i, e)
	}
	i.role, i.quota, i.maxUses, i.expiresAt, i.domains = e.Role, e.Quota, e.MaxUses, e.ExpiresAt, strings.Join(e.AllowedDomains, " ")
	switch e.Type {
	case EventInvitationCreated:
		i.kind, i.state, i.email = KindLink, StatePending, e.Email
		if e.Email != "" {
			i.kind = KindEmail
		}
		i.createdBy, i.createdAt = e.Actor, e.At
		i.sentBy, i.sentAt, i.sentVersion = e.Actor, e.At, e.Version
	case EventInvitationResent:
		i.sentBy, i.sentAt, i.sentVersion = e.Actor, e.At, e.Version
	case EventInvitationEdited:
		i.sentBy = e.InvitedBy
	case EventInvitationAccepted:
		i.acceptedBy = e.Actor
		if i.uses++; i.uses == i.maxUses {
			i.state, i.endedAt = StateAccepted, e.At
		}
	case EventInvitationDeclined:
		i.state, i.endedAt = StateDeclined, e.At
	case EventInvitationRevoked:
		i.state, i.endedAt = StateRevoked, e.At
	}
	return i
}

// requireChanged fails the test unless the event of an edit says what it changed.
func requireChanged(t require.TestingT, i replayedInvitation, e Event) {
	for field, differs := range map[string]bool{
		"role": i.role != e.Role, "quota": i.quota != e.Quota, "max_uses": i.maxUses != e.MaxUses,
		"expires_at": !i.expiresAt.Equal(e.ExpiresAt), "allowed_domains": i.domains != strings.Join(e.AllowedDomains, " "),
	} {
		require.Equal(t, differs, slices.Contains(e.Changed, field), field)
	}
	former := i.role
	if i.role == e.Role {
		former = ""
	}
	require.Equal(t, former, e.FormerRole)
}

// checkReplay fails the test unless the events give the organization as it is. Removals and
// quotas of an erased user remain under their ID, but the events have the pseudonym.
func (w *world) checkReplay(t *rapid.T) {
	s := replay(t, w.events, w.policies)
	members := maps.Clone(w.members)
	for user, m := range members {
		m.Metadata = nil // no event has it
		members[user] = m
	}
	require.Equal(t, members, s.members)
	require.Equal(t, w.limits, s.limits)
	require.Equal(t, w.deleted, s.deleted)
	removals := map[string]int64{}
	for user, version := range w.removals {
		removals[w.nameOf(user)] = version
	}
	require.Equal(t, removals, s.removals)
	require.Len(t, s.invitations, len(w.records))
	for id, r := range w.records {
		replayed := s.invitations[id]
		if replayed.kind == KindLink {
			replayed.acceptedBy = "" // it has many
		}
		require.Equal(t, replayedInvitation{
			r.Kind, r.Email, r.State, r.Role, r.Quota, strings.Join(r.AllowedDomains, " "), r.CreatedBy, r.SentBy, r.AcceptedBy,
			r.CreatedAt, r.SentAt, r.ExpiresAt, r.EndedAt, r.SentVersion, r.Uses, r.MaxUses,
		}, replayed)
	}
	require.Len(t, s.quotas, len(w.quotas))
	for user, q := range w.quotas {
		require.Equal(t, replayedQuota{q.Quota, q.Version}, s.quotas[w.nameOf(user)])
	}
}
