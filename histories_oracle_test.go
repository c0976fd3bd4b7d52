package invitations

import (
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
	f := Facts{
		Organization: acme, Version: w.version,
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
		f.PendingCount = min(f.PendingCount+1, q.PendingUpTo)
		if record.Kind == KindEmail {
			f.PendingEmailCount = min(f.PendingEmailCount+1, q.PendingEmailsUpTo)
		}
		if record.Email != "" && slices.Contains(emails, record.Email) {
			f.PendingByEmail[record.Email] = record.ID
		}
		if q.PendingSentBy != "" && record.SentBy == q.PendingSentBy || q.PendingFor != "" && record.Email == q.PendingFor {
			f.PendingRecords = append(f.PendingRecords, record.Clone())
		}
	}
	for _, e := range slices.Backward(w.events) {
		if e.Email != "" && e.At.After(q.SendingsAfter) {
			f.Sendings = append(f.Sendings, Sending{At: e.At, Actor: e.Actor, Email: e.Email})
		}
	}
	slices.SortStableFunc(f.Sendings, func(a, b Sending) int { return b.At.Compare(a.At) })
	f.Sendings = f.Sendings[:min(len(f.Sendings), q.SendingsUpTo)]
	f.MemberCount = min(len(w.members), q.MembersUpTo)
	f.OwnerCount = min(w.owners(), q.OwnersUpTo)
	return f
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
			w.ended[record.ID] = record.Clone()
			delete(w.due, record.ID)
		}
	}
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

// The rules in other words.

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
	p := w.policy()
	return holdsAllOf(p, role, record.Role) &&
		(p.Allows(role, PermissionInvitationCreate) || p.Allows(role, PermissionInvitationResend)) &&
		(record.Quota == Quota{} || p.Allows(role, PermissionQuotaUpdate))
}

// isFor reports whether record is an email invitation for the verified address of identity.
func isFor(record Record, identity Identity) bool {
	return record.Kind == KindEmail && identity.EmailVerified && strings.EqualFold(identity.Email, record.Email)
}

func (w *world) isAddressPending(email string) bool {
	return email != "" && slices.ContainsFunc(w.pendingNow(), func(r Record) bool { return r.Email == email })
}

// hasSeatToReserve reports whether there is a seat for one more recipient, or none is reserved.
func (w *world) hasSeatToReserve() bool {
	return !w.config.ReserveSeats || len(w.members)+len(w.pendingNow(KindEmail)) < w.config.MemberLimit
}

// hasSeatFor reports whether there is a seat for the person who accepts record. Members hold
// a seat each and, if seats are reserved, so do other recipients.
func (w *world) hasSeatFor(identity Identity, record Record) bool {
	if w.config.MemberLimit == 0 {
		return true
	}
	taken := len(w.members)
	for _, other := range w.pendingNow(KindEmail) {
		if w.config.ReserveSeats && !isFor(other, identity) && other.ID != record.ID {
			taken++
		}
	}
	return taken < w.config.MemberLimit
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
	var mails []mail
	for _, e := range w.events {
		if e.Email != "" {
			mails = append(mails, mail{e.At, e.Actor, e.Email})
		}
	}
	require.Equal(t, w.mails, mails)
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
}

// A replayedInvitation is what events have of an invitation: everything except its message,
// metadata, domains and nonce.
type replayedInvitation struct {
	kind                                  Kind
	email                                 string
	state                                 State
	role                                  Role
	quota                                 Quota
	createdBy, sentBy                     string
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
func replay(events []Event, policies map[int64]*Policy) replayed {
	s := replayed{
		members: map[string]Member{}, removals: map[string]int64{},
		invitations: map[uuid.UUID]replayedInvitation{}, quotas: map[string]replayedQuota{},
	}
	for _, e := range events {
		switch e.Type {
		case EventMemberJoined:
			s.members[e.Subject] = Member{
				Organization: e.Organization, UserID: e.Subject, Role: e.Role, JoinedAt: e.At,
				InvitationID: e.InvitationID, InvitedBy: s.invitations[e.InvitationID].sentBy,
			}
		case EventMemberRoleChanged:
			m := s.members[e.Subject]
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
		case EventOwnershipTransferred:
		default:
			s.invitations[e.InvitationID] = s.invitations[e.InvitationID].after(e)
		}
	}
	return s
}

// after returns i after an event.
func (i replayedInvitation) after(e Event) replayedInvitation {
	i.role, i.quota, i.maxUses, i.expiresAt = e.Role, e.Quota, e.MaxUses, e.ExpiresAt
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
		i.sentBy = e.Actor
	case EventInvitationAccepted:
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

// checkReplay fails the test unless the events give the organization as it is.
func (w *world) checkReplay(t *rapid.T) {
	s := replay(w.events, w.policies)
	require.Equal(t, w.members, s.members)
	require.Equal(t, w.removals, s.removals)
	require.Len(t, s.invitations, len(w.records))
	for id, r := range w.records {
		require.Equal(t, replayedInvitation{
			r.Kind, r.Email, r.State, r.Role, r.Quota, r.CreatedBy, r.SentBy,
			r.CreatedAt, r.SentAt, r.ExpiresAt, r.EndedAt, r.SentVersion, r.Uses, r.MaxUses,
		}, s.invitations[id])
	}
	require.Len(t, s.quotas, len(w.quotas))
	for user, q := range w.quotas {
		require.Equal(t, replayedQuota{q.Quota, q.Version}, s.quotas[user])
	}
}
