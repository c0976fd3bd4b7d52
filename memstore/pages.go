package memstore

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/go-invitations/invitations"
)

// Invitations implements [invitations.Store].
func (s *Store) Invitations(
	ctx context.Context, q invitations.InvitationQuery,
) (invitations.Page[invitations.Record], error) {
	var page invitations.Page[invitations.Record]
	if err := ctx.Err(); err != nil {
		return page, err
	}
	if q.Organization == "" {
		page.Items = s.receivedBy(&q)
		return page, nil
	}
	org := s.findToRead(q.Organization)
	defer org.mu.RUnlock()
	page.Viewer = org.member(q.Viewer)
	page.Items = org.list(&q)
	return page, nil
}

// receivedBy returns the invitations of an address in all organizations.
func (s *Store) receivedBy(q *invitations.InvitationQuery) []invitations.Record {
	var found []invitations.Record
	for _, org := range s.received.of(q.Email, "", math.MaxInt) {
		org.mu.RLock()
		if org.exists() {
			found = append(found, org.list(q)...)
		}
		org.mu.RUnlock()
	}
	slices.SortFunc(found, func(a, b invitations.Record) int { return compareReceived(&a, &b) })
	return found[:min(len(found), q.Limit)]
}

// list returns the invitations of an organization that q asks for.
func (o *organization) list(q *invitations.InvitationQuery) []invitations.Record {
	var found []invitations.Record
	for r := range merge(o.invitations.lists(q), true, beginOf(q)) {
		if len(found) == q.Limit {
			break
		}
		if matches(r, q) {
			found = append(found, r.Clone())
		}
	}
	return found
}

// lists returns lists that together have all invitations that q asks for: the shortest that its
// filters name.
func (t *invitationRows) lists(q *invitations.InvitationQuery) []*list[invitations.Record] {
	best := t.filtered(q)
	if q.Email != "" {
		best = shorter(best, []*list[invitations.Record]{t.byEmail.of(q.Email)})
	}
	if q.SentBy != "" {
		best = shorter(best, []*list[invitations.Record]{t.bySender.of(q.SentBy)})
	}
	if !slices.Equal(q.States, []invitations.State{invitations.StatePending}) {
		return best
	}
	// A list of pending invitations has the expired ones too.
	n := 0
	for _, l := range t.pending.all() {
		n += l.countFrom(expiresAfter(q.At))
	}
	if !isFew(n, q.Limit, best) {
		return best
	}
	pending := newList(byCreation)
	for _, l := range t.pending.all() {
		for r := range l.up(expiresAfter(q.At)) {
			pending.add(r)
		}
	}
	return []*list[invitations.Record]{pending}
}

// filtered returns the lists of the filters State, Kind and Role.
func (t *invitationRows) filtered(q *invitations.InvitationQuery) []*list[invitations.Record] {
	if len(q.States) == 0 && q.Kind == "" && q.Role == "" {
		return []*list[invitations.Record]{t.ordered.of(only{})}
	}
	var found []*list[invitations.Record]
	for of, l := range t.byFilter.all() {
		visit(1)
		expires := of.state == invitations.StatePending && slices.Contains(q.States, invitations.StateExpired)
		if (len(q.States) == 0 || expires || slices.Contains(q.States, of.state)) &&
			(q.Kind == "" || q.Kind == of.kind) && (q.Role == "" || q.Role == of.role) {
			found = append(found, l)
		}
	}
	return found
}

// shorter returns the lists with fewer rows.
func shorter[R any](a, b []*list[R]) []*list[R] {
	if sizeOf(b) < sizeOf(a) {
		return b
	}
	return a
}

func sizeOf[R any](lists []*list[R]) (n int) {
	for _, l := range lists {
		n += l.len()
	}
	return n
}

// isFew reports whether n rows that are not in the order of a page should be sorted for it. The
// other way is to walk lists that have them among others, which takes about limit/n of the lists.
func isFew[R any](n, limit int, lists []*list[R]) bool { return n*n < limit*sizeOf(lists) }

// matches reports whether r passes the filters of q.
func matches(r *invitations.Record, q *invitations.InvitationQuery) bool {
	state := r.State
	if state == invitations.StatePending && !r.ExpiresAt.After(q.At) {
		state = invitations.StateExpired
	}
	return (len(q.States) == 0 || slices.Contains(q.States, state)) &&
		(q.Kind == "" || q.Kind == r.Kind) &&
		(q.Role == "" || q.Role == r.Role) &&
		(q.Email == "" || q.Email == r.Email) &&
		(q.SentBy == "" || q.SentBy == r.SentBy)
}

// compareReceived is the order of a page across organizations.
func compareReceived(a, b *invitations.Record) int {
	return cmp.Or(byCreation.compare(b, a), strings.Compare(b.Organization, a.Organization))
}

// beginOf is reached by the invitations that do not come after the position where the page begins.
// Within an organization that position names no organization.
func beginOf(q *invitations.InvitationQuery) func(entry[invitations.Record]) bool {
	if q.After == nil {
		return nowhere[invitations.Record]
	}
	var after invitations.Record
	after.CreatedAt, after.ID, after.Organization = q.After.CreatedAt, q.After.ID, q.After.Organization
	if q.Organization != "" {
		return func(e entry[invitations.Record]) bool { return byCreation.compare(e.row, &after) >= 0 }
	}
	return func(e entry[invitations.Record]) bool { return compareReceived(e.row, &after) <= 0 }
}

// Members implements [invitations.Store].
func (s *Store) Members(
	ctx context.Context, q invitations.MemberQuery,
) (invitations.Page[invitations.Membership], error) {
	var page invitations.Page[invitations.Membership]
	if err := ctx.Err(); err != nil {
		return page, err
	}
	org := s.findToRead(q.Organization)
	defer org.mu.RUnlock()
	page.Viewer = org.member(q.Viewer)
	for member := range org.members.page(q.Role, q.After) {
		if len(page.Items) == q.Limit {
			break
		}
		m := invitations.Membership{Member: member.Clone()}
		if q.Quotas {
			m.Own, m.Shared = org.quota(m.UserID), org.quota("")
		}
		page.Items = append(page.Items, m)
	}
	return page, nil
}

// page returns the members with a role, or all, whose user ID is above after.
func (t *memberRows) page(role invitations.Role, after string) iter.Seq[*invitations.Member] {
	var lists []*list[invitations.Member]
	for _, l := range t.byRole.all() {
		lists = append(lists, l)
	}
	if role != "" {
		lists = []*list[invitations.Member]{t.byRole.of(role)}
	}
	return merge(lists, false, func(e entry[invitations.Member]) bool { return e.row.UserID > after })
}

// Workspaces implements [invitations.Store].
func (s *Store) Workspaces(
	ctx context.Context, q invitations.WorkspaceQuery,
) (personal *invitations.QuotaRecord, memberships []invitations.Membership, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	for more := q.Limit > 0; more; {
		orgs := s.workspaces.of(q.UserID, q.After, q.Limit-len(memberships))
		for _, org := range orgs {
			q.After = org.id
			org.mu.RLock()
			if m := org.member(q.UserID); m != nil && org.exists() {
				memberships = append(memberships, invitations.Membership{
					Member: *m, Own: org.quota(q.UserID), Shared: org.quota(""),
				})
			}
			org.mu.RUnlock()
		}
		more = len(orgs) > 0 && len(memberships) < q.Limit // the others may be deleted
	}
	return s.personalQuota(q.UserID), memberships, nil
}
