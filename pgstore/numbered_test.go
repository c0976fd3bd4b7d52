package pgstore_test

import (
	"bytes"
	"cmp"
	"context"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

// numbered is a store that gives the store below it a number for each organization and user.
type numbered struct {
	*pgstore.Store
	mu             sync.Mutex
	numbers, names map[string]string
}

func (n *numbered) number(name string) string {
	if name == "" {
		return ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	number, ok := n.numbers[name]
	if !ok {
		number = strconv.Itoa(len(n.numbers) - 1000) // also negative ones
		n.numbers[name], n.names[number] = number, name
	}
	return number
}

func (n *numbered) name(number string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.names[number]
}

// ids returns a copy of v with translate applied to all IDs of organizations and users.
func ids[T any](v T, translate func(string) string) T {
	return translated(reflect.ValueOf(&v).Elem(), translate).Interface().(T)
}

func translated(v reflect.Value, translate func(string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(translated(v.Elem(), translate))
		}
	case reflect.Slice:
		if !v.IsNil() && v.Type().Elem().Kind() == reflect.Struct {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(translated(v.Index(i), translate))
			}
		}
	case reflect.Map: // of members, quotas, records or removals
		kind := v.Type().Elem().Kind()
		if !v.IsNil() && (kind == reflect.Int64 || kind == reflect.Struct && v.Type().Elem().NumField() > 3) {
			out.Set(reflect.MakeMap(v.Type()))
			for _, key := range v.MapKeys() {
				to := key
				if key.Kind() == reflect.String { // and not an invitation's ID
					to = reflect.ValueOf(translate(key.String()))
				}
				out.SetMapIndex(to, translated(v.MapIndex(key), translate))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			names, isNames := v.Field(i).Interface().([]string)
			switch {
			case idFields[field.Name] && field.Type.Kind() == reflect.String:
				out.Field(i).SetString(translate(v.Field(i).String()))
			case idFields[field.Name] && isNames:
				names = slices.Clone(names)
				for j := range names {
					names[j] = translate(names[j])
				}
				out.Field(i).Set(reflect.ValueOf(names))
			case field.Type != reflect.TypeFor[time.Time]():
				out.Field(i).Set(translated(v.Field(i), translate))
			}
		}
	}
	return out
}

// idFields are the fields whose texts are IDs of organizations and users.
var idFields = map[string]bool{
	"Organization": true, "UserID": true, "Viewer": true, "SentBy": true, "CreatedBy": true, "InvitedBy": true, "AcceptedBy": true,
	"Actor": true, "Subject": true, "PendingSentBy": true, "Members": true, "RemovedMembers": true, "Removals": true,
}

func (n *numbered) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return n.Store.Update(ctx, ids(q, n.number), n.decision(decide))
}

func (n *numbered) Create(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	return n.Store.Create(ctx, ids(q, n.number), n.decision(decide))
}

func (n *numbered) decision(decide invitations.Decision) invitations.Decision {
	return func(f invitations.Facts) (invitations.Changes, error) {
		changes, err := decide(ids(f, n.name))
		return ids(changes, n.number), err
	}
}

func (n *numbered) View(ctx context.Context, q invitations.Query) (invitations.Facts, error) {
	f, err := n.Store.View(ctx, ids(q, n.number))
	return ids(f, n.name), err
}

func (n *numbered) Sweep(
	ctx context.Context, at time.Time, limit int, decide func([]invitations.Facts) []invitations.Changes,
) error {
	return n.Store.Sweep(ctx, at, limit, func(due []invitations.Facts) []invitations.Changes {
		return ids(decide(ids(due, n.name)), n.number)
	})
}

func (n *numbered) Consume(ctx context.Context, c invitations.Consumption) (invitations.Consumed, error) {
	consumed, err := n.Store.Consume(ctx, ids(c, n.number))
	return ids(consumed, n.name), err
}

func (n *numbered) SetPersonalQuota(ctx context.Context, user string, q invitations.Quota) error {
	return n.Store.SetPersonalQuota(ctx, n.number(user), q)
}

// Invitations sorts the invitations for an address by the names, because the numbers have another
// order.
func (n *numbered) Invitations(
	ctx context.Context, q invitations.InvitationQuery,
) (invitations.Page[invitations.Record], error) {
	if q.Organization != "" {
		page, err := n.Store.Invitations(ctx, ids(q, n.number))
		return ids(page, n.name), err
	}
	after, limit := q.After, q.Limit
	q.After, q.Limit = nil, 1_000_000
	page, err := n.Store.Invitations(ctx, q)
	page = ids(page, n.name)
	order := func(r invitations.Record, at time.Time, id uuid.UUID, organization string) int {
		return cmp.Or(at.Compare(r.CreatedAt), bytes.Compare(id[:], r.ID[:]), strings.Compare(organization, r.Organization))
	}
	page.Items = slices.DeleteFunc(page.Items, func(r invitations.Record) bool {
		return after != nil && order(r, after.CreatedAt, after.ID, after.Organization) <= 0
	})
	slices.SortFunc(page.Items, func(a, b invitations.Record) int { return order(a, b.CreatedAt, b.ID, b.Organization) })
	page.Items = page.Items[:min(limit, len(page.Items))]
	return page, err
}

// Members sorts by the names, because the numbers have another order.
func (n *numbered) Members(ctx context.Context, q invitations.MemberQuery) (invitations.Page[invitations.Membership], error) {
	after, limit := q.After, q.Limit
	q = ids(q, n.number)
	q.After, q.Limit = "", 1_000_000
	page, err := n.Store.Members(ctx, q)
	page = ids(page, n.name)
	page.Items = slices.DeleteFunc(page.Items, func(m invitations.Membership) bool { return m.UserID <= after })
	slices.SortFunc(page.Items, func(a, b invitations.Membership) int { return strings.Compare(a.UserID, b.UserID) })
	page.Items = page.Items[:min(limit, len(page.Items))]
	return page, err
}

// Usage sorts by the names, because the numbers have another order.
func (n *numbered) Usage(
	ctx context.Context, q invitations.UsageQuery,
) (int64, invitations.Page[invitations.MemberUsage], error) {
	after, limit := q.After, q.Limit
	q = ids(q, n.number)
	q.After, q.Limit = nil, 1_000_000
	shared, page, err := n.Store.Usage(ctx, q)
	page = ids(page, n.name)
	order := func(a, b invitations.MemberUsage) int {
		return cmp.Or(cmp.Compare(b.Used, a.Used), strings.Compare(a.UserID, b.UserID))
	}
	page.Items = slices.DeleteFunc(page.Items, func(m invitations.MemberUsage) bool {
		return after != nil && order(m, *after) <= 0
	})
	slices.SortFunc(page.Items, order)
	page.Items = page.Items[:min(limit, len(page.Items))]
	return shared, page, err
}

func (n *numbered) Traces(ctx context.Context, p invitations.Person, limit int) ([]string, error) {
	organizations, err := n.Store.Traces(ctx, ids(p, n.number), limit)
	for i := range organizations {
		organizations[i] = n.name(organizations[i])
	}
	return organizations, err
}

func (n *numbered) Events(ctx context.Context, q invitations.EventQuery) (invitations.Page[invitations.Event], error) {
	page, err := n.Store.Events(ctx, ids(q, n.number))
	return ids(page, n.name), err
}

// Workspaces sorts by the names, because the numbers have another order.
func (n *numbered) Workspaces(
	ctx context.Context, q invitations.WorkspaceQuery,
) (*invitations.QuotaRecord, []invitations.Membership, error) {
	after, limit := q.After, q.Limit
	q = ids(q, n.number)
	q.After, q.Limit = "", 1_000_000
	personal, memberships, err := n.Store.Workspaces(ctx, q)
	personal, memberships = ids(personal, n.name), ids(memberships, n.name)
	memberships = slices.DeleteFunc(memberships, func(m invitations.Membership) bool { return m.Organization <= after })
	slices.SortFunc(memberships, func(a, b invitations.Membership) int {
		return strings.Compare(a.Organization, b.Organization)
	})
	memberships = memberships[:min(limit, len(memberships))]
	return personal, memberships, err
}

func (n *numbered) Feed(ctx context.Context, after int64, limit int) ([]invitations.Event, error) {
	events, err := n.Store.Feed(ctx, after, limit)
	return ids(events, n.name), err
}

// Statistics sorts by the names, because the numbers have another order.
func (n *numbered) Statistics(
	ctx context.Context, q invitations.StatisticsQuery,
) (*invitations.Member, invitations.Statistics, error) {
	groups := q.MaxGroups
	q = ids(q, n.number)
	q.MaxGroups = 1_000_000
	viewer, s, err := n.Store.Statistics(ctx, q)
	viewer = ids(viewer, n.name)
	for i := range s.BySender {
		s.BySender[i].Key = n.name(s.BySender[i].Key)
	}
	for _, group := range []*[]invitations.Funnel{&s.BySender, &s.ByLink} {
		slices.SortFunc(*group, func(a, b invitations.Funnel) int {
			return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(b.Joined, a.Joined), strings.Compare(a.Key, b.Key))
		})
		*group = (*group)[:min(groups, len(*group))]
	}
	return viewer, s, err
}
