package linearizability

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// The answers of the service and of the model are compared as texts. The functions of this file
// write both. They leave out only what the model does not know: tokens, which have names, and
// the order of the events within a change.

// epoch is the instant at which every history begins.
var epoch = time.Date(2027, 3, 8, 9, 0, 0, 0, time.UTC)

// since returns an instant as the time since the epoch.
func since(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Sub(epoch).String()
}

// idOf returns the ID of the invitation with a number, a UUID of version 7. Organizations use the
// same IDs. The number 0 has the zero UUID.
func idOf(n int) uuid.UUID {
	if n == 0 {
		return uuid.Nil
	}
	id := uuid.UUID{0: 1, 6: 0x70, 8: 0x80}
	binary.BigEndian.PutUint32(id[12:], uint32(n))
	return id
}

// numberOf is the reverse of idOf.
func numberOf(id uuid.UUID) int { return int(binary.BigEndian.Uint32(id[12:])) }

func renderQuota(q invitations.Quota) string {
	if q == (invitations.Quota{}) {
		return "-"
	}
	return fmt.Sprintf("%d/%s", q.Limit, q.Period)
}

func renderLimits(l invitations.Limits) string {
	return fmt.Sprintf("members=%d pending=%d seatless=%v nolinks=%t domains=%v expiry=%s",
		l.Members, l.Pending, l.SeatlessRoles, l.NoLinks, l.AllowedDomains, l.Expiry)
}

// renderMetadata is for metadata of one pair at most.
func renderMetadata(m map[string]string) string {
	return strings.Join(slices.Sorted(maps.Values(m)), ",")
}

func renderMember(m invitations.Member) string {
	return fmt.Sprintf("%s %s joined=%s through=%d by=%q metadata=%q",
		m.UserID, m.Role, since(m.JoinedAt), numberOf(m.InvitationID), m.InvitedBy, renderMetadata(m.Metadata))
}

func renderJoined(m invitations.Member, repeated bool) string {
	return fmt.Sprintf("%s repeated=%t", renderMember(m), repeated)
}

func renderInvitation(i invitations.Invitation) string {
	return fmt.Sprintf("#%d %s %s %s email=%q uses=%d/%d created=%s by=%q sent=%s by=%q accepted by=%q expires=%s ended=%s quota=%s domains=%v message=%q metadata=%q",
		numberOf(i.ID), i.Kind, i.State, i.Role, i.Email, i.Uses, i.MaxUses, since(i.CreatedAt), i.CreatedBy, since(i.SentAt), i.SentBy,
		i.AcceptedBy, since(i.ExpiresAt), since(i.EndedAt), renderQuota(i.Quota), i.AllowedDomains, i.Message, renderMetadata(i.Metadata))
}

func renderSent(i invitations.Invitation, repeated, token bool) string {
	return fmt.Sprintf("%s repeated=%t token=%t", renderInvitation(i), repeated, token)
}

func renderOffer(o invitations.Offer) string {
	if o == (invitations.Offer{}) {
		return "-"
	}
	return fmt.Sprintf("#%d %s %s email=%q message=%q sent=%s by=%q expires=%s",
		numberOf(o.ID), o.Kind, o.Role, o.Email, o.Message, since(o.SentAt), o.SentBy, since(o.ExpiresAt))
}

func offerOf(i invitations.Invitation) invitations.Offer {
	return invitations.Offer{
		ID: i.ID, Organization: i.Organization, Kind: i.Kind, Email: i.Email, Role: i.Role, Message: i.Message,
		SentBy: i.SentBy, SentAt: i.SentAt, ExpiresAt: i.ExpiresAt,
	}
}

func renderUsage(u *invitations.Usage) string {
	if u == nil {
		return "-"
	}
	return fmt.Sprintf("%d of %s until %s", u.Used, renderQuota(u.Quota), since(u.ResetsAt))
}

func renderBalance(b invitations.Balance) string {
	return fmt.Sprintf("own=(%s) shared=(%s)", renderUsage(b.Own), renderUsage(b.Shared))
}

func renderEvent(e invitations.Event) string {
	limits := "-"
	if e.Limits != nil {
		limits = renderLimits(*e.Limits)
	}
	return fmt.Sprintf("v%d %s at=%s actor=%q subject=%q #%d email=%q role=%s former=%s by=%q quota=%s uses=%d expires=%s domains=%v changed=%v limits=(%s) reason=%s",
		e.Version, e.Type, since(e.At), e.Actor, e.Subject, numberOf(e.InvitationID), e.Email, e.Role, e.FormerRole, e.InvitedBy,
		renderQuota(e.Quota), e.MaxUses, since(e.ExpiresAt), e.AllowedDomains, slices.Sorted(slices.Values(e.Changed)), limits, e.Reason)
}

// renderEvents returns one line an event, the changes in their order and the events of a change
// sorted. If cut is true, the last change may be incomplete and is left out. The places within
// a change are counted.
func renderEvents(events []invitations.Event, cut bool) string {
	if cut && len(events) > 0 {
		last := events[len(events)-1].Version
		events = slices.DeleteFunc(slices.Clone(events), func(e invitations.Event) bool { return e.Version == last })
	}
	var lines []string
	for len(events) > 0 {
		n := 0
		for n < len(events) && events[n].Version == events[0].Version {
			n++
		}
		change := make([]string, n)
		places := make([]int, n)
		for i, e := range events[:n] {
			change[i], places[i] = renderEvent(e), e.Index
		}
		slices.Sort(change)
		slices.Sort(places)
		lines = append(lines, change...)
		lines = append(lines, fmt.Sprintf("places %v", places))
		events = events[n:]
	}
	return strings.Join(lines, "\n")
}

// renderLines returns one line an item.
func renderLines[T any](items []T, render func(T) string) string {
	lines := make([]string, len(items))
	for i, item := range items {
		lines[i] = render(item)
	}
	return strings.Join(lines, "\n")
}

func renderFunnel(f invitations.Funnel) string {
	return fmt.Sprintf("created=%d pending=%d accepted=%d declined=%d revoked=%d expired=%d used=%d joined=%d",
		f.Created, f.Pending, f.Accepted, f.Declined, f.Revoked, f.Expired, f.Used, f.Joined)
}

func renderPeriod(shared int64, members []invitations.MemberUsage) string {
	return fmt.Sprintf("shared=%d members=%v", shared, members)
}

func renderOverview(o invitations.Overview) string {
	return fmt.Sprintf("members=%d taken=%d reserved=%d free=%d emails=%d links=%d limits=(%s)",
		o.Members, o.SeatsTaken, o.SeatsReserved, o.SeatsFree, o.PendingEmails, o.PendingLinks, renderLimits(o.OwnLimits))
}

func renderSwept(reminders, expired []invitations.Invitation) string {
	numbers := func(all []invitations.Invitation) []int {
		var found []int
		for _, i := range all {
			found = append(found, numberOf(i.ID))
		}
		slices.Sort(found)
		return found
	}
	if len(reminders)+len(expired) == 0 {
		return ""
	}
	return fmt.Sprintf("reminded=%v expired=%v", numbers(reminders), numbers(expired))
}

// newestFirst is the order of lists of invitations.
func newestFirst(a, b invitations.Invitation) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(numberOf(b.ID), numberOf(a.ID)))
}
