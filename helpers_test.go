package invitations_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

//go:generate go run github.com/matryer/moq@v0.8.1 -rm -out store_mock_test.go -pkg invitations_test . Store

const day = 24 * time.Hour

// noon is the present time of most tests.
var noon = utc(2026, 3, 1, 12, 0, 0, 0)

func utc(year int, month time.Month, day, hour, minute, second, microsecond int) time.Time {
	return time.Date(year, month, day, hour, minute, second, microsecond*1000, time.UTC)
}

func midnight(year int, month time.Month, day int) time.Time {
	return utc(year, month, day, 0, 0, 0, 0)
}

// clockAt returns a Config whose clock stands still.
func clockAt(now time.Time) invitations.Config {
	return invitations.Config{Clock: func() time.Time { return now }}
}

func atNoon() invitations.Config { return clockAt(noon) }

// Olga owns the organization acme, Dora is a developer in it, and Nina is invited.
var (
	olga   = invitations.User("olga")
	nina   = invitations.Identity{UserID: "nina", Email: "nina@example.com", EmailVerified: true}
	inAcme = invitations.InOrganization("acme")
)

var testKey = bytes.Repeat([]byte("0123456789abcdef"), 2)

func ringOf(t require.TestingT, secrets ...[]byte) *invitations.Keyring {
	ring, err := invitations.NewKeyring(secrets...)
	require.NoError(t, err)
	return ring
}

func serviceOn(t require.TestingT, store invitations.Store, config invitations.Config) *invitations.Service {
	svc, err := invitations.New(store, ringOf(t, testKey), config)
	require.NoError(t, err)
	return svc
}

// acmeOn returns a service on an empty memory store in which Olga has created acme.
func acmeOn(t *testing.T, clock func() time.Time, config invitations.Config) *invitations.Service {
	t.Helper()
	config.Clock = clock
	svc := serviceOn(t, memstore.New(), config)
	_, err := svc.CreateOrganization(t.Context(), "acme", "olga")
	require.NoError(t, err)
	return svc
}

// join makes user a member of acme by a link that Olga creates.
func join(t *testing.T, svc *invitations.Service, user string, role invitations.Role) {
	t.Helper()
	sent, err := svc.CreateLink(t.Context(), olga, invitations.CreateLinkParams{Organization: "acme", Role: role})
	require.NoError(t, err)
	_, err = svc.Accept(t.Context(), sent.Token.Reveal(), invitations.Identity{UserID: user})
	require.NoError(t, err)
}

// Params that are valid. A test changes one field of them.
func goodInvite() invitations.InviteParams {
	return invitations.InviteParams{Organization: "acme", Email: "nina@example.com", Role: invitations.RoleDeveloper}
}

func goodLink() invitations.CreateLinkParams {
	return invitations.CreateLinkParams{Organization: "acme", Role: invitations.RoleDeveloper}
}

func goodEdit() invitations.EditParams {
	return invitations.EditParams{Organization: "acme", ID: signedID, Role: invitations.RoleViewer}
}

func goodResend() invitations.ResendParams {
	return invitations.ResendParams{Organization: "acme", ID: signedID}
}

func goodChange() invitations.ChangeRoleParams {
	return invitations.ChangeRoleParams{Organization: "acme", UserID: "dora", Role: invitations.RoleViewer}
}

func goodAddition() invitations.AddMemberParams {
	return invitations.AddMemberParams{Organization: "acme", UserID: "nina", Role: invitations.RoleDeveloper}
}

func goodRefund() invitations.RefundParams {
	return invitations.RefundParams{Workspace: inAcme, UserID: "dora", Amount: 3, At: noon}
}

func goodUsage() invitations.UsageParams {
	return invitations.UsageParams{Organization: "acme", Period: invitations.PeriodDay}
}

func goodErasure() invitations.EraseParams {
	return invitations.EraseParams{UserID: "dora", Pseudonym: "erased"}
}

func goodTransfer() invitations.TransferOwnershipParams {
	return invitations.TransferOwnershipParams{Organization: "acme", From: "olga", To: "dora", Role: invitations.RoleAdmin}
}

func goodQuota() invitations.SetQuotaParams {
	return invitations.SetQuotaParams{
		Workspace: inAcme, UserID: "dora", Quota: invitations.Quota{Limit: 5, Period: invitations.PeriodDay},
	}
}

// Facts, and stores that answer with them.

// emailFacts returns the facts of an email invitation that Nina can accept at noon. The token
// of validWire opens it.
func emailFacts() invitations.Facts {
	return invitations.Facts{
		Organization: "acme", Version: 2,
		Sender: &invitations.Member{Organization: "acme", UserID: "olga", Role: invitations.RoleOwner},
		Invitation: &invitations.Record{
			Invitation: invitations.Invitation{
				ID: signedID, Organization: "acme", Kind: invitations.KindEmail, State: invitations.StatePending,
				Email: "nina@example.com", Role: invitations.RoleDeveloper, Message: "Welcome!", MaxUses: 1,
				CreatedBy: "olga", SentBy: "olga",
				CreatedAt: noon, SentAt: noon, ExpiresAt: noon.Add(7 * day),
			},
			Nonce: signedNonce, SentVersion: 2, SweepAt: noon.Add(7 * day),
		},
		Members: map[string]invitations.Member{}, OwnerCount: 1,
	}
}

// linkFacts returns emailFacts with a link for three uses in place of the email invitation.
func linkFacts() invitations.Facts {
	f := emailFacts()
	f.Invitation.Kind, f.Invitation.Email, f.Invitation.MaxUses = invitations.KindLink, "", 3
	return f
}

// offer is the offer of emailFacts.
var offer = invitations.Offer{
	ID: signedID, Organization: "acme", Kind: invitations.KindEmail, Email: "nina@example.com",
	Role: invitations.RoleDeveloper, Message: "Welcome!", SentBy: "olga", SentAt: noon, ExpiresAt: noon.Add(7 * day),
}

// factsFor returns facts with which an operation of this name succeeds.
func factsFor(operation string) invitations.Facts {
	f := emailFacts()
	sent := noon.Add(-time.Minute) // exactly one cooldown ago
	f.Invitation.CreatedAt, f.Invitation.SentAt, f.Invitation.ExpiresAt = sent, sent, sent.Add(7*day)
	f.Members["olga"] = invitations.Member{Organization: "acme", UserID: "olga", Role: invitations.RoleOwner}
	f.Members["dora"] = invitations.Member{Organization: "acme", UserID: "dora", Role: invitations.RoleDeveloper}
	f.Quotas = map[string]invitations.QuotaRecord{
		"":     quotaOf("", 100, invitations.PeriodMonth, midnight(2026, 3, 1), 40),
		"dora": quotaOf("dora", 10, invitations.PeriodDay, midnight(2026, 3, 1), 4),
	}
	switch operation {
	case "Invite", "CreateLink":
		f.Invitation = nil
	case "Erase":
		f.Members = map[string]invitations.Member{}
		f.TracedEvents = []invitations.Event{{Organization: "acme", Version: 1, Type: invitations.EventMemberLeft, Subject: "dora"}}
	case "CreateOrganization": // again
	}
	f.PendingByEmail, f.Invitations = map[string]uuid.UUID{}, map[uuid.UUID]invitations.Record{}
	return f
}

// untouchable returns a store that panics at every call. Arguments are checked before the
// store is called.
func untouchable() *StoreMock { return &StoreMock{} }

// answering returns a store that gives every decision and every view the facts f. It keeps
// nothing.
func answering(f invitations.Facts) *StoreMock {
	decide := func(_ context.Context, _ invitations.Query, decide invitations.Decision) error {
		_, err := decide(f)
		return err
	}
	return &StoreMock{
		UpdateFunc: decide, CreateFunc: decide,
		ViewFunc: func(context.Context, invitations.Query) (invitations.Facts, error) { return f, nil },
	}
}

// working returns a store on which the operation of this name succeeds.
func working(operation string) *StoreMock {
	return failing(nil, factsFor(operation), func(context.Context) {})
}

// failing returns a store that answers every call with err and a result that must not be
// used. It passes the context of every call to seen.
func failing(err error, facts invitations.Facts, seen func(context.Context)) *StoreMock {
	owner, personal := facts.Members["olga"], facts.Quotas["dora"]
	change := func(ctx context.Context, _ invitations.Query, decide invitations.Decision) error {
		seen(ctx)
		if _, refusal := decide(facts); refusal != nil {
			return refusal
		}
		return err
	}
	return &StoreMock{
		UpdateFunc: change,
		CreateFunc: change,
		ViewFunc: func(ctx context.Context, _ invitations.Query) (invitations.Facts, error) {
			seen(ctx)
			return facts, err
		},
		InvitationsFunc: func(ctx context.Context, _ invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
			seen(ctx)
			return invitations.Page[invitations.Record]{Viewer: &owner, Items: manyRecords(2)}, err
		},
		MembersFunc: func(ctx context.Context, _ invitations.MemberQuery) (invitations.Page[invitations.Membership], error) {
			seen(ctx)
			return invitations.Page[invitations.Membership]{Viewer: &owner, Items: []invitations.Membership{{Member: owner, Own: &personal}}}, err
		},
		WorkspacesFunc: func(ctx context.Context, q invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
			seen(ctx)
			if _, isMember := facts.Members[q.UserID]; !isMember {
				return &personal, nil, err
			}
			return &personal, []invitations.Membership{{Member: owner}}, err
		},
		UsageFunc: func(ctx context.Context, _ invitations.UsageQuery) (int64, invitations.Page[invitations.MemberUsage], error) {
			seen(ctx)
			return 9, invitations.Page[invitations.MemberUsage]{Viewer: &owner, Items: []invitations.MemberUsage{{UserID: "dora", Used: 4}}}, err
		},
		PurgeFunc: func(ctx context.Context, _ invitations.PurgeQuery) (int, error) {
			seen(ctx)
			return 7, err
		},
		TracesFunc: func(ctx context.Context, _ invitations.Person, _ int) ([]string, error) {
			seen(ctx)
			return []string{"acme"}, err
		},
		ConsumeFunc: func(ctx context.Context, _ invitations.Consumption) (invitations.Consumed, error) {
			seen(ctx)
			return invitations.Consumed{Taken: true, Role: invitations.RoleDeveloper, Quotas: facts.Quotas}, err
		},
		SetPersonalQuotaFunc: func(ctx context.Context, _ string, _ invitations.Quota) error {
			seen(ctx)
			return err
		},
		EventsFunc: func(ctx context.Context, _ invitations.EventQuery) (invitations.Page[invitations.Event], error) {
			seen(ctx)
			return invitations.Page[invitations.Event]{Viewer: &owner, Items: []invitations.Event{{Organization: "acme", Version: 1}}}, err
		},
		FeedFunc: func(ctx context.Context, _ int64, _ int) ([]invitations.Event, error) {
			seen(ctx)
			return []invitations.Event{{Position: 8}}, err
		},
		StatisticsFunc: func(ctx context.Context, _ invitations.StatisticsQuery) (*invitations.Member, invitations.Statistics, error) {
			seen(ctx)
			return &owner, invitations.Statistics{Total: invitations.Funnel{Created: 1}}, err
		},
		SweepFunc: func(ctx context.Context, _ time.Time, _ int, decide func([]invitations.Facts) []invitations.Changes) error {
			seen(ctx)
			due := *facts.Invitation
			due.ExpiresAt, due.SweepAt = noon, noon
			decide([]invitations.Facts{{Organization: "acme", Version: 2, PendingRecords: []invitations.Record{due}}})
			return err
		},
	}
}

// A storeCall is one call that a store received: the method, and its argument or a slice of
// its arguments.
type storeCall struct {
	method   string
	argument any
}

// callsOf returns all calls that a store received.
func callsOf(store *StoreMock) (calls []storeCall) {
	add := func(method string, argument any) { calls = append(calls, storeCall{method, argument}) }
	for _, c := range store.UpdateCalls() {
		add("Update", c.Q)
	}
	for _, c := range store.CreateCalls() {
		add("Create", c.Q)
	}
	for _, c := range store.ViewCalls() {
		add("View", c.Q)
	}
	for _, c := range store.ConsumeCalls() {
		add("Consume", c.C)
	}
	for _, c := range store.SetPersonalQuotaCalls() {
		add("SetPersonalQuota", []any{c.User, c.Q})
	}
	for _, c := range store.InvitationsCalls() {
		add("Invitations", c.Q)
	}
	for _, c := range store.MembersCalls() {
		add("Members", c.Q)
	}
	for _, c := range store.WorkspacesCalls() {
		add("Workspaces", c.Q)
	}
	for _, c := range store.EventsCalls() {
		add("Events", c.Q)
	}
	for _, c := range store.FeedCalls() {
		add("Feed", []any{c.After, c.Limit})
	}
	for _, c := range store.StatisticsCalls() {
		add("Statistics", c.Q)
	}
	for _, c := range store.SweepCalls() {
		add("Sweep", []any{c.At, c.Limit})
	}
	for _, c := range store.UsageCalls() {
		add("Usage", c.Q)
	}
	for _, c := range store.PurgeCalls() {
		add("Purge", c.Q)
	}
	for _, c := range store.TracesCalls() {
		add("Traces", []any{c.P, c.Limit})
	}
	return calls
}

// manyRecords returns n invitations, newest first.
func manyRecords(n int) []invitations.Record {
	records := make([]invitations.Record, n)
	for i := range records {
		r := emailFacts().Invitation
		r.ID[14], r.ID[15] = byte(i>>8), byte(i)
		r.CreatedAt = noon.Add(-time.Duration(i) * time.Hour)
		records[i] = *r
	}
	return records
}

const maxAmount = 1_000_000_000_000_000 // 10^15

func quotaOf(user string, limit int64, period invitations.Period, start time.Time, used int64) invitations.QuotaRecord {
	return invitations.QuotaRecord{
		Organization: "acme", UserID: user, Quota: invitations.Quota{Limit: limit, Period: period},
		Version: 3, PeriodStart: start, Used: used,
	}
}

func usage(limit int64, period invitations.Period, used int64, resetsAt time.Time) *invitations.Usage {
	return &invitations.Usage{Quota: invitations.Quota{Limit: limit, Period: period}, Used: used, ResetsAt: resetsAt}
}

// Tokens, written out by hand. Their format is a promise to every link in a mailbox.

var (
	signedID    = uuid.MustParse("019531f0-0000-7000-8000-000000000001")
	signedNonce = [16]byte{0xf0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0x0f}

	// signed is the claim of the token that most tests use.
	signed = invitations.TokenClaim{Organization: "acme", ID: signedID, Nonce: signedNonce}
)

// A wire is the binary form of a token.
type wire struct {
	version      byte
	keyID        []byte
	id           uuid.UUID
	nonce        [16]byte
	form         byte
	organization []byte
	secret       []byte
	label        string // with the secret, it gives the key of the MAC
}

// validWire returns the wire of the claim signed.
func validWire() wire { return wireOf(signed) }

// wireOf returns the wire of a claim, signed with testKey.
func wireOf(c invitations.TokenClaim) wire {
	w := wire{
		version: 1, keyID: keyIDOf(testKey), id: c.ID, nonce: c.Nonce, organization: []byte(c.Organization),
		secret: testKey, label: "invitations token",
	}
	if id, err := uuid.Parse(c.Organization); err == nil && id.String() == c.Organization {
		w.form, w.organization = 1, id[:]
	}
	return w
}

// tokenOf returns the text of a record's token.
func tokenOf(r invitations.Record) string {
	return wireOf(invitations.TokenClaim{Organization: r.Organization, ID: r.ID, Nonce: r.Nonce}).text()
}

// message returns the bytes that the MAC covers.
func (w wire) message() []byte {
	b := append([]byte{w.version}, w.keyID...)
	b = append(b, w.id[:]...)
	b = append(b, w.nonce[:]...)
	return append(append(b, w.form), w.organization...)
}

func (w wire) binary() []byte {
	return append(w.message(), macOf(macOf(w.secret, []byte(w.label)), w.message())...)
}

func (w wire) text() string { return encode(w.binary()) }

// encode returns the text of a token's binary form.
func encode(b []byte) string { return "inv_" + base64.RawURLEncoding.EncodeToString(b) }

func keyIDOf(secret []byte) []byte { return macOf(secret, []byte("invitations key id"))[:4] }

func macOf(key, message []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(message)
	return m.Sum(nil)
}

// Checks.

// requireInvalid fails unless err names the refused argument and the reason.
func requireInvalid(t require.TestingT, err error, field string) {
	var refused *invitations.InvalidError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, field, refused.Field)
	require.NotEmpty(t, refused.Reason)
	require.ErrorIs(t, err, invitations.ErrInvalid)
	require.Equal(t, "invitations: "+field+" "+refused.Reason, err.Error())
}

// requireAsked fails unless the store received exactly one call of each method.
func requireAsked(t require.TestingT, store *StoreMock, want ...string) {
	var methods []string
	for _, c := range callsOf(store) {
		methods = append(methods, c.method)
	}
	require.ElementsMatch(t, want, methods)
}

// requireForeign fails unless err is about an ID that a store holds. It must not be a refusal
// of the caller's arguments, and must not contain the ID, which may be any text.
func requireForeign(t require.TestingT, err error) {
	require.EqualError(t, err, "invitations: the store has an ID that is out of bounds")
	var refusal *invitations.Error
	require.NotErrorAs(t, err, &refusal)
	require.NotErrorIs(t, err, invitations.ErrInvalid)
}

// requireRoundTrip fails unless v survives encoding/json unchanged.
func requireRoundTrip[T any](t *testing.T, v T) {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	var again T
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, v, again)
}

func requireJSON(t *testing.T, want string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	require.JSONEq(t, want, string(text))
}

// errOf drops the result of a call.
func errOf[T any](_ T, err error) error { return err }

// raceEnabled reports whether the race detector is on. It makes sync.Pool drop items at
// random, so allocations cannot be counted.
func raceEnabled() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
