package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// A reporter takes the failures of a check. A [testing.T] is one.
type reporter interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// A world is one store under check.
type world struct {
	reporter
	ctx     context.Context
	store   invitations.Store
	created map[string]bool // the organizations that change has created
}

func newWorld(ctx context.Context, r reporter, store invitations.Store) *world {
	return &world{reporter: r, ctx: ctx, store: store, created: map[string]bool{}}
}

// ok fails the check if err is not nil.
func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("unexpected error: %v", err)
	}
}

// refused fails the check if err does not match want.
func (w *world) refused(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Fatalf("got error %v, want %v", err, want)
	}
}

// equal fails the check if got differs from want.
func (w *world) equal(what string, got, want any) {
	w.Helper()
	if d := differ(got, want); d != "" {
		w.Fatalf("%s: %s", what, d)
	}
}

// seedVariable names the environment variable with the seed of a failure to repeat.
const seedVariable = "STORETEST_SEED"

// random returns a source of randomness, and logs its seed.
func (w *world) random() *rand.Rand {
	w.Helper()
	seed := rand.Uint64()
	if text := os.Getenv(seedVariable); text != "" { //nolint:forbidigo // a test is told so, not a program
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		w.ok(err)
	}
	w.Logf("%s=%d repeats this check", seedVariable, seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// differ returns the first difference between got and want, or "". Nil and empty are equal.
// Times are equal if they are the same instant in the same zone. Pointers are followed.
func differ(got, want any) string {
	return difference("", reflect.ValueOf(got), reflect.ValueOf(want))
}

func difference(path string, got, want reflect.Value) string {
	got, want = followed(got), followed(want)
	switch {
	case !got.IsValid() && !want.IsValid():
		return ""
	case !got.IsValid() || !want.IsValid() || got.Type() != want.Type():
		return unlike(path, got, want)
	}
	if g, isTime := got.Interface().(time.Time); isTime {
		if w := want.Interface().(time.Time); !g.Equal(w) || g.Location().String() != w.Location().String() {
			return unlike(path, got, want)
		}
		return ""
	}
	switch got.Kind() {
	case reflect.Struct:
		for i := range got.NumField() {
			if d := difference(path+"."+got.Type().Field(i).Name, got.Field(i), want.Field(i)); d != "" {
				return d
			}
		}
	case reflect.Map:
		for _, key := range append(want.MapKeys(), got.MapKeys()...) {
			if d := difference(fmt.Sprintf("%s[%v]", path, key), got.MapIndex(key), want.MapIndex(key)); d != "" {
				return d
			}
		}
	case reflect.Slice:
		for i := range max(got.Len(), want.Len()) {
			if d := difference(fmt.Sprintf("%s[%d]", path, i), element(got, i), element(want, i)); d != "" {
				return d
			}
		}
	default:
		if !got.Equal(want) {
			return unlike(path, got, want)
		}
	}
	return ""
}

func unlike(path string, got, want reflect.Value) string {
	if path != "" {
		path += ": "
	}
	return fmt.Sprintf("%sgot %s, want %s", path, text(got), text(want))
}

// followed returns the value that v points to, or the zero Value for nil.
func followed(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v
}

// element returns an element of a slice, or the zero Value behind its end.
func element(v reflect.Value, i int) reflect.Value {
	if i >= v.Len() {
		return reflect.Value{}
	}
	return v.Index(i)
}

func text(v reflect.Value) string {
	if !v.IsValid() {
		return "nothing"
	}
	if at, isTime := v.Interface().(time.Time); isTime {
		return at.Format(time.RFC3339Nano) + " " + at.Location().String()
	}
	if v.Kind() == reflect.String {
		return fmt.Sprintf("%q", v.String())
	}
	return fmt.Sprintf("%+v", v.Interface())
}

// deref returns the value that p points to. If p is nil, it fails the check.
func deref[T any](w *world, what string, p *T) T {
	w.Helper()
	if p == nil {
		w.Fatalf("%s is missing", what)
	}
	return *p
}

func (w *world) view(q invitations.Query) invitations.Facts {
	w.Helper()
	f, err := w.store.View(w.ctx, q)
	w.ok(err)
	return sorted(f)
}

// version returns the present version of an organization.
func (w *world) version(organization string) int64 {
	w.Helper()
	return w.view(invitations.Query{Organization: organization}).Version
}

func (w *world) page(q invitations.InvitationQuery) invitations.Page[invitations.Record] {
	w.Helper()
	page, err := w.store.Invitations(w.ctx, q)
	w.ok(err)
	return page
}

func (w *world) events(q invitations.EventQuery) invitations.Page[invitations.Event] {
	w.Helper()
	page, err := w.store.Events(w.ctx, q)
	w.ok(err)
	return page
}

// change applies changes to an organization: with Create the first time, with Update later.
func (w *world) change(organization string, changes invitations.Changes) {
	w.Helper()
	change := w.store.Create
	if w.created[organization] {
		change = w.store.Update
	}
	w.created[organization] = true
	w.ok(put(w.ctx, change, organization, changes))
}

// put applies changes to an organization. It asks for the invitations that they replace.
func put(
	ctx context.Context, change func(context.Context, invitations.Query, invitations.Decision) error,
	organization string, c invitations.Changes,
) error {
	q := invitations.Query{Organization: organization}
	for _, r := range c.Invitations {
		q.Invitations = append(q.Invitations, r.ID)
	}
	return change(ctx, q, func(invitations.Facts) (invitations.Changes, error) { return c, nil })
}

// second returns the error of a call.
func second[T any](_ T, err error) error { return err }

// A state is everything that a store shows of an organization and some users.
type state struct {
	Facts       invitations.Facts
	Invitations invitations.Page[invitations.Record]
	Events      invitations.Page[invitations.Event]
}

func (w *world) state(organization string, users ...string) state {
	w.Helper()
	s, err := readState(w.ctx, w.store, organization, users...)
	w.ok(err)
	return s
}

func readState(ctx context.Context, store invitations.Store, organization string, users ...string) (s state, err error) {
	const all = 100_000
	q := invitations.Query{
		Organization: organization, Members: users, Removals: true, Quotas: true, Totals: true, PendingAt: start,
		OwnersUpTo: all,
	}
	if s.Facts, err = store.View(ctx, q); err != nil {
		return s, err
	}
	s.Invitations, err = store.Invitations(ctx, invitations.InvitationQuery{Organization: organization, At: start, Limit: all})
	if err != nil {
		return s, err
	}
	s.Events, err = store.Events(ctx, invitations.EventQuery{Organization: organization, Limit: all})
	return s, err
}

// start is the instant at which every check begins.
var start = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

const day = 24 * time.Hour

// id returns the nth of a row of UUIDs of version 7.
func id(n int) uuid.UUID {
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:], uint64(start.UnixMilli())<<16)
	binary.BigEndian.PutUint64(u[8:], uint64(n))
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return u
}

// invitation returns the nth email invitation of an organization, with all fields set.
func invitation(organization string, n int) invitations.Record {
	r := invitations.Record{
		Invitation: invitations.Invitation{
			ID:           id(n),
			Organization: organization,
			Kind:         invitations.KindEmail,
			State:        invitations.StatePending,
			Email:        strings.Repeat("x", n%7) + "ann@example.com",
			Role:         "developer",
			Quota:        invitations.Quota{Limit: int64(n), Period: invitations.PeriodMonth},
			Message:      "Hello\nyou",
			Metadata:     map[string]string{"team": "blue", "empty": ""},
			MaxUses:      1,
			CreatedBy:    "ada",
			SentBy:       "bob",
			AcceptedBy:   "cid",
			CreatedAt:    start.Add(time.Duration(n) * time.Microsecond),
			SentAt:       start.Add(time.Duration(n+1) * time.Microsecond),
			ExpiresAt:    start.Add(7 * day),
		},
		Nonce:       [16]byte{byte(n), byte(n >> 8), 1, 0xff},
		SentVersion: int64(n + 1),
		SweepAt:     start.Add(5 * day),
	}
	copy(r.Nonce[4:], organization)
	return r
}

// link returns the nth invitation of an organization as a link.
func link(organization string, n int) invitations.Record {
	r := invitation(organization, n)
	r.Kind, r.Email, r.MaxUses, r.Uses = invitations.KindLink, "", 10, 3
	r.AllowedDomains = []string{"example.com", "example.org"}
	r.SweepAt = time.Time{}
	return r
}

func member(organization, user string, role invitations.Role) invitations.Member {
	return invitations.Member{
		Organization: organization, UserID: user, Role: role, JoinedAt: start,
		InvitationID: id(99), InvitedBy: "ada", Metadata: map[string]string{"k": "v " + user},
	}
}

// event returns an event with all fields set. For the zero UUID it leaves out the fields of
// an invitation and sets limits.
func event(organization, subject string, inv uuid.UUID) invitations.Event {
	e := invitations.Event{
		Organization: organization, Type: "test.happened", At: start, Actor: "ada", Subject: subject,
		InvitationID: inv, Role: "viewer", FormerRole: "admin", InvitedBy: "bob", Reason: "because",
		Quota: invitations.Quota{Limit: 1_000_000_000_000_000, Period: invitations.PeriodDay},
	}
	if inv == uuid.Nil {
		limits := plan(3)
		e.Limits = &limits
		return e
	}
	e.Type = invitations.EventInvitationResent // with an address, it is a sending
	e.Email, e.MaxUses, e.ExpiresAt = subject+"@example.com", 1_000_000_000, start.Add(7*day)
	e.AllowedDomains, e.Changed = []string{"example.com", "example.org"}, []string{"message", "role"}
	return e
}

// plan returns limits with all fields set, and with n members.
func plan(n int) invitations.Limits {
	return invitations.Limits{
		Members: n, Pending: n + 10, SeatlessRoles: []invitations.Role{"admin", "viewer"}, NoLinks: true,
		AllowedDomains: []string{"example.com", "xn--bcher-kva.example"}, Expiry: 36*time.Hour + time.Microsecond,
	}
}

// quota returns an unused quota of a member, or of the organization for an empty user.
func quota(organization, user string, limit int64, period invitations.Period, version int64) invitations.QuotaRecord {
	return invitations.QuotaRecord{
		Organization: organization, UserID: user,
		Quota: invitations.Quota{Limit: limit, Period: period}, Version: version,
	}
}

// everything returns changes with all kinds of rows.
func everything(organization string) invitations.Changes {
	return invitations.Changes{
		Invitations: []invitations.Record{invitation(organization, 1), link(organization, 2)},
		Members:     []invitations.Member{member(organization, "ada", "owner"), member(organization, "bob", "admin")},
		Removals:    []string{"eve"},
		Quotas: []invitations.QuotaRecord{
			quota(organization, "", 1000, invitations.PeriodMonth, 1),
			quota(organization, "bob", 0, invitations.PeriodEndless, 1), // allows nothing
			quota(organization, "eve", 0, "", 1),                        // limits nothing, and eve is not a member
		},
		Events: []invitations.Event{event(organization, "ada", id(1)), event(organization, "bob", uuid.Nil)},
	}
}

var users = []string{"ada", "bob", "eve", "nobody"}

// everythingState returns the state of an organization that everything created.
func everythingState(organization string) state {
	return stateOf(organization, everything(organization))
}

// stateOf returns the state of an organization that changes of everything created.
func stateOf(organization string, c invitations.Changes) state {
	s := state{Facts: invitations.Facts{
		Organization: organization, Version: 1, Members: map[string]invitations.Member{}, Removals: map[string]int64{},
		Quotas: map[string]invitations.QuotaRecord{}, Totals: totalsOf(c),
	}}
	for _, m := range c.Members {
		s.Facts.Members[m.UserID] = m
		if m.Role == invitations.RoleOwner {
			s.Facts.OwnerCount++
		}
	}
	if c.Limits != nil {
		s.Facts.Limits = *c.Limits
	}
	for _, user := range c.Removals {
		s.Facts.Removals[user] = 1
	}
	for _, q := range c.Quotas {
		s.Facts.Quotas[q.UserID] = q
	}
	s.Invitations.Items = slices.Clone(c.Invitations)
	slices.Reverse(s.Invitations.Items) // newest first
	for i, e := range c.Events {
		e.Version, e.Index = 1, i
		s.Events.Items = append(s.Events.Items, e)
	}
	return s
}

// totalsOf returns the totals at start of an organization that c created.
func totalsOf(c invitations.Changes) (t invitations.Totals) {
	var seatless []invitations.Role
	if c.Limits != nil {
		seatless = c.Limits.SeatlessRoles
	}
	t.Members = len(c.Members)
	for _, m := range c.Members {
		if !slices.Contains(seatless, m.Role) {
			t.Seats++
		}
	}
	for _, r := range c.Invitations {
		switch {
		case r.State != invitations.StatePending || !r.ExpiresAt.After(start):
		case r.Kind == invitations.KindLink:
			t.PendingLinks++
		default:
			t.PendingEmails++
			if !slices.Contains(seatless, r.Role) {
				t.Reserved++
			}
		}
	}
	return t
}

// limitsOf returns limits of n members and n pending invitations.
func limitsOf(n int) invitations.Limits { return invitations.Limits{Members: n, Pending: n} }

// twins fills two organizations that have all IDs, users and addresses in common.
func (w *world) twins() {
	w.Helper()
	for _, organization := range []string{"acme", "zeta"} {
		w.change(organization, everything(organization))
	}
}

// texts are different from each other, byte for byte.
var texts = []string{
	"a", "A", "a ", " a", "ä", "a\u0308", "Ä", "ß", "ss", "ı", "i", "I", "İ", "K", "\u212a", "ﬁ", "fi",
	"0", "null", "NULL", "'", "''", `"`, `\`, `\\`, "%", "_", "$1", "{}", "[]", "--", "; drop table x", "a\u200bb", "ab", "\U0001f600", "\ufffd",
	strings.Repeat("z", 255), strings.Repeat("é", 127), "\x7e", "{a,b}", "a,b", `{"a":1}`, "\u00a0",
}
