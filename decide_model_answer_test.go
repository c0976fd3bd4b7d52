package invitations

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/stretchr/testify/require"
)

// What those who hold tokens do, in the world of TestHistories.

// anyClaim draws any token that there ever was, mostly one that still opens something.
func (w *world) anyClaim(t *rapid.T) claim {
	if len(w.sent) > 0 && rapid.IntRange(0, 9).Draw(t, "any token") == 9 {
		return rapid.SampledFrom(w.sent).Draw(t, "token")
	}
	id := w.anyID(t)
	return claim{acme, id, w.records[id].Nonce}
}

func (w *world) accept(t *rapid.T) {
	c := w.anyClaim(t)
	record, exists := w.records[c.id]
	who := Identity{
		UserID:        rapid.SampledFrom(worldUsers).Draw(t, "user"),
		Email:         rapid.SampledFrom(append(worldEmails, "", "x@sub.example.com", "NINA@example.com")).Draw(t, "email"),
		EmailVerified: rapid.Bool().Draw(t, "verified"),
	}
	if rapid.Bool().Draw(t, "the right one") {
		who.EmailVerified = true
		if who.Email = record.Email; record.Kind == KindLink {
			who.Email = rapid.SampledFrom(worldEmails).Draw(t, "somebody's")
		}
	}
	email := strings.ToLower(who.Email)
	var a act[Member] = acceptance{c, who}
	opens, closed := exists && record.Nonce == c.nonce, ErrInvalidToken
	if rapid.IntRange(0, 2).Draw(t, "received") == 0 {
		a = receivedAcceptance{received{acme, c.id}, who}
		opens, closed = w.isFor(c.id, who), ErrNotFound
	}
	member, changes, err := performed(t, w, a)
	if !opens {
		require.Equal(t, closed, err)
		return
	}
	present, isMember := w.members[who.UserID]
	if isMember && present.InvitationID == record.ID {
		require.NoError(t, err)
		require.Equal(t, present, member)
		require.True(t, changes.Empty())
		return
	}
	sender, senderStays := w.members[record.SentBy]
	entitled := record.SentBy == "" && w.policy().Has(record.Role) || senderStays && w.couldSend(sender.Role, record)
	_, domain, _ := strings.Cut(email, "@")
	matches := record.Kind == KindEmail && who.EmailVerified && email == record.Email ||
		record.Kind == KindLink && (len(record.AllowedDomains) == 0 ||
			who.EmailVerified && slices.Contains(record.AllowedDomains, domain))
	// Whoever was removed or demoted does not come in by anything sent before.
	fellAt := max(w.removed[who.UserID], w.demoted[who.UserID]) // 0: never
	welcome := w.isPending(record) && entitled && matches && !isMember && fellAt < w.sentAt[record.ID]
	switch {
	case !welcome:
		require.Error(t, err)
		require.NotEqual(t, ErrMemberLimit, err, "who is not welcome learns nothing of seats")
	case !w.seatFor(who, record):
		require.Equal(t, ErrMemberLimit, err)
	default:
		require.NoError(t, err)
		w.welcome(t, record, who, member, changes)
	}
	w.apply(t, changes)
}

// isFor reports whether the invitation was mailed to the verified address of who.
func (w *world) isFor(id uuid.UUID, who Identity) bool {
	record, exists := w.records[id]
	return exists && record.Kind == KindEmail && who.EmailVerified && strings.EqualFold(who.Email, record.Email)
}

// seatFor reports whether there is a seat for one who accepts. Each seat is taken by a
// member or, where seats are reserved, by the one to whom a pending invitation was mailed.
func (w *world) seatFor(who Identity, record Record) bool {
	if w.svc.config.MemberLimit == 0 {
		return true
	}
	taken := len(w.members)
	for _, other := range w.pendingNow(KindEmail) {
		theirs := who.EmailVerified && strings.EqualFold(who.Email, other.Email)
		if w.svc.config.ReserveSeats && !theirs && other.ID != record.ID {
			taken++
		}
	}
	return taken < w.svc.config.MemberLimit
}

// welcome checks what an acceptance changes.
func (w *world) welcome(t *rapid.T, record Record, who Identity, member Member, changes Changes) {
	require.Equal(t, []Member{member}, changes.Members)
	require.Equal(t, who.UserID, member.UserID)
	require.Equal(t, record.Role, member.Role)
	require.Equal(t, record.ID, member.InvitationID)
	require.Equal(t, record.SentBy, member.InvitedBy)
	require.Equal(t, w.now, member.JoinedAt)
	w.joined[record.ID]++

	// Beside it only their own email invitation may end, and it does where it holds a seat.
	ends := 0
	for _, other := range w.pendingNow(KindEmail) {
		if w.svc.config.ReserveSeats && other.ID != record.ID && who.EmailVerified && strings.EqualFold(who.Email, other.Email) {
			ends++
			other.State, other.EndedAt, other.SweepAt = StateRevoked, w.now, time.Time{}
			require.Contains(t, changes.Invitations, other)
		}
	}
	require.Len(t, changes.Invitations, 1+ends)

	// A link is anybody's: it says nothing of who has had a quota.
	_, had := w.quotas[who.UserID]
	stays := had && (record.Kind == KindLink || w.quotaSet[who.UserID] > w.sentAt[record.ID])
	if record.Quota == (Quota{}) || stays {
		require.Empty(t, changes.Quotas)
	} else {
		require.Len(t, changes.Quotas, 1)
		require.Equal(t, who.UserID, changes.Quotas[0].UserID)
		require.Equal(t, record.Quota, changes.Quotas[0].Quota)
	}
}

func (w *world) decline(t *rapid.T) {
	c := w.anyClaim(t)
	record, exists := w.records[c.id]
	actor := ""
	var a act[Record] = declining{c}
	opens := exists && record.Nonce == c.nonce
	if rapid.Bool().Draw(t, "received") {
		who := Identity{UserID: w.anyUser(t, "user"), Email: rapid.SampledFrom(worldEmails).Draw(t, "email"), EmailVerified: rapid.Bool().Draw(t, "verified")}
		a = receivedDeclining{received{acme, c.id}, who}
		opens, actor = w.isFor(c.id, who), who.UserID
	}
	_, changes, err := performed(t, w, a)
	allowed := opens && record.Kind == KindEmail && w.isPending(record)
	require.Equal(t, allowed, err == nil, "%v", err)
	if allowed {
		require.Equal(t, actor, changes.Events[0].Actor)
	}
	w.apply(t, changes)
}
