package pgstore_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// sqlFolder has the SQL of every operation, one file each. After an intended change, run
//
//	go test ./pgstore -run TestSQL -update
const sqlFolder = "testdata/sql"

var update = flag.Bool("update", false, "write the files under testdata instead of comparing with them")

func TestSQL_Operations(t *testing.T) {
	t.Parallel()
	pool, sent := newTracedPool(t)
	store := newStore(t, pool)
	script := newSQLScript(t)
	script.compare(t, sqlFolder, sent, store, store.Schema(), "invitations")

	have := map[string]bool{}
	for _, c := range script.calls {
		have[c.operation] = true
	}
	// These send nothing, or only what another method sends.
	exempt := []string{"WithStore", "Policy", "AllInvitations", "AllMembers", "AllEvents"}
	for i := range reflect.TypeFor[*invitations.Service]().NumMethod() {
		name := reflect.TypeFor[*invitations.Service]().Method(i).Name
		if !have[name] && !slices.Contains(exempt, name) {
			t.Errorf("Service.%s has no file in %s: add a call to newSQLScript", name, sqlFolder)
		}
	}
}

func TestSQL_OperationsInHostTransaction(t *testing.T) {
	t.Parallel()
	pool, sent := newTracedPool(t)
	store := newStore(t, pool)
	tx, err := pool.Begin(context.Background())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	script := newSQLScript(t).only("CreateOrganization", "Invite", "Accept", "Members", "Consume", "Purge")
	script.compare(t, sqlFolder+"/host_transaction", sent, store.WithTx(tx), store.Schema(), "invitations")
}

func TestSQL_OperationsOnMembersTable(t *testing.T) {
	t.Parallel()
	pool, sent := newTracedPool(t)
	store := newHostStore(t, pool, teamMembers, teamMembersTable)
	script := newSQLScript(t).only("CreateOrganization", "Invite", "Accept", "ChangeRole", "RemoveMember", "Authorize",
		"Members", "Workspaces", "Consume", "Purge")
	script.calls = append(script.calls, sqlCall{"Check", "", func(*invitations.Service) error {
		return store.Check(context.Background())
	}})
	hostSchema, _, _ := strings.Cut(strings.Trim(store.HostTable(), `"`), `"`)
	script.compare(t, sqlFolder+"/members_table", sent, store, store.Schema(), "invitations", hostSchema, "public")
}

func TestSQL_OperationsOnMembersTableWithTimes(t *testing.T) {
	t.Parallel()
	pool, sent := newTracedPool(t)
	store := timesTable{joined: "date", deleted: "timestamp"}.newStore(t, pool)
	script := newSQLScript(t).only("Accept", "RemoveMember", "Members", "Workspaces", "Purge")
	hostSchema, _, _ := strings.Cut(strings.Trim(store.HostTable(), `"`), `"`)
	script.compare(t, sqlFolder+"/members_table_with_times", sent, store, store.Schema(), "invitations", hostSchema, "public")
}

// A sqlScript has calls that succeed in their order on an empty store, with a service that has
// the clock.
type sqlScript struct {
	calls []sqlCall
	clock func() time.Time
}

// A sqlCall is one call of an operation.
type sqlCall struct {
	operation string // a method; empty: the call is made and not compared
	variant   string // tells apart several calls of the operation
	run       func(svc *invitations.Service) error
}

// only has no other operations compared.
func (s *sqlScript) only(operations ...string) *sqlScript {
	for i := range s.calls {
		if !slices.Contains(operations, s.calls[i].operation) {
			s.calls[i].operation = ""
		}
	}
	return s
}

// newSQLScript returns calls of all operations.
func newSQLScript(t *testing.T) *sqlScript {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	ctx := context.Background()
	by, inAcme := invitations.User(ada), invitations.InOrganization(acme)
	var mail, declined, link invitations.SentInvitation
	var received []invitations.Outcome
	var cursor string
	invite := func(svc *invitations.Service, name string, id uuid.UUID) (invitations.SentInvitation, error) {
		return svc.Invite(ctx, by, invitations.InviteParams{
			Organization: acme, Email: name + "@example.com", Role: "viewer", ID: id,
		})
	}
	list := func(p invitations.InvitationsParams) func(*invitations.Service) error {
		return func(svc *invitations.Service) error {
			p.Organization, p.Cursor = acme, cursor
			found, err := svc.Invitations(ctx, by, p)
			cursor = found.NextCursor
			return err
		}
	}
	anywhere := func(p invitations.InvitationsParams) func(*invitations.Service) error {
		return func(svc *invitations.Service) error {
			p.Email, p.Cursor = "twice@example.com", cursor
			found, err := svc.Invitations(ctx, invitations.System(), p)
			cursor = found.NextCursor
			return err
		}
	}
	members := func(p invitations.MembersParams) func(*invitations.Service) error {
		return func(svc *invitations.Service) error {
			p.Organization, p.Cursor = acme, cursor
			found, err := svc.Members(ctx, by, p)
			cursor = found.NextCursor
			return err
		}
	}
	timeline := func(p invitations.TimelineParams) func(*invitations.Service) error {
		return func(svc *invitations.Service) error {
			p.Organization, p.Cursor = acme, cursor
			found, err := svc.Timeline(ctx, by, p)
			cursor = found.NextCursor
			return err
		}
	}
	usage := func(limit int) func(*invitations.Service) error {
		return func(svc *invitations.Service) error {
			used, err := svc.Usage(ctx, by, invitations.UsageParams{
				Organization: acme, Period: invitations.PeriodDay, Limit: limit, Cursor: cursor,
			})
			cursor = used.NextCursor
			return err
		}
	}
	quota := func(w invitations.Workspace, actor invitations.Actor, user string) func(*invitations.Service) error {
		return func(svc *invitations.Service) error {
			return svc.SetQuota(ctx, actor, invitations.SetQuotaParams{
				Workspace: w, UserID: user, Quota: invitations.Quota{Limit: 10, Period: invitations.PeriodDay},
			})
		}
	}
	calls := []sqlCall{
		{"CreateOrganization", "", func(svc *invitations.Service) error {
			_, err := svc.CreateOrganization(ctx, acme, ada)
			return err
		}},
		{"Invite", "", func(svc *invitations.Service) (err error) {
			mail, err = invite(svc, "ann", uuid.Nil)
			return err
		}},
		{"Invite", "with an ID", func(svc *invitations.Service) (err error) {
			declined, err = invite(svc, "joe", uuid.Must(uuid.NewV7()))
			return err
		}},
		{"InviteAll", "three rows", func(svc *invitations.Service) (err error) {
			received, err = svc.InviteAll(ctx, by, acme, []invitations.InviteParams{
				{Email: "bob@example.com", Role: "viewer"},
				{Email: "eve@example.com", Role: "viewer"},
				{Email: "jim@example.com", Role: "viewer"},
			})
			return err
		}},
		{"", "somebody is invited twice", func(svc *invitations.Service) error {
			for range 2 {
				twice, err := invite(svc, "twice", uuid.Nil)
				if err != nil {
					return err
				}
				if _, err := svc.Revoke(ctx, by, acme, twice.ID); err != nil {
					return err
				}
			}
			return nil
		}},
		{"CreateLink", "", func(svc *invitations.Service) (err error) {
			quota := invitations.Quota{Limit: 10, Period: invitations.PeriodDay}
			link, err = svc.CreateLink(ctx, by, invitations.CreateLinkParams{
				Organization: acme, Role: "viewer", Quota: quota,
			})
			return err
		}},
		{"Resend", "", func(svc *invitations.Service) (err error) {
			mail, err = svc.Resend(ctx, by, invitations.ResendParams{Organization: acme, ID: mail.ID})
			return err
		}},
		{"Edit", "", func(svc *invitations.Service) error {
			_, err := svc.Edit(ctx, by, invitations.EditParams{Organization: acme, ID: mail.ID, Role: "developer"})
			return err
		}},
		{"PendingToken", "", func(svc *invitations.Service) error {
			_, err := svc.PendingToken(ctx, by, acme, link.ID)
			return err
		}},
		{"Invitation", "", func(svc *invitations.Service) error {
			_, err := svc.Invitation(ctx, by, acme, mail.ID)
			return err
		}},
		{"Invitations", "first page", list(invitations.InvitationsParams{Limit: 1})},
		{"Invitations", "second page", list(invitations.InvitationsParams{})},
		{"Invitations", "pending, first page", list(invitations.InvitationsParams{
			States: []invitations.State{invitations.StatePending}, Limit: 1,
		})},
		{"Invitations", "pending, second page", list(invitations.InvitationsParams{States: []invitations.State{invitations.StatePending}})},
		{"Invitations", "expired", list(invitations.InvitationsParams{States: []invitations.State{invitations.StateExpired}})},
		{"Invitations", "pending and expired", list(invitations.InvitationsParams{
			States: []invitations.State{invitations.StatePending, invitations.StateExpired},
		})},
		{"Invitations", "pending and accepted", list(invitations.InvitationsParams{
			States: []invitations.State{invitations.StatePending, invitations.StateAccepted},
		})},
		{"Invitations", "accepted", list(invitations.InvitationsParams{States: []invitations.State{invitations.StateAccepted}})},
		{"Invitations", "of a kind", list(invitations.InvitationsParams{Kind: invitations.KindLink})},
		{"Invitations", "of a role, an address and a sender", list(invitations.InvitationsParams{
			Role: "viewer", Email: "joe@example.com", SentBy: ada,
		})},
		{"Invitations", "of a role", list(invitations.InvitationsParams{Role: "viewer"})},
		{"Invitations", "of a sender", list(invitations.InvitationsParams{SentBy: ada})},
		{"Invitations", "of a sender, in two states", list(invitations.InvitationsParams{
			SentBy: ada, States: []invitations.State{invitations.StatePending, invitations.StateRevoked},
		})},
		{"Invitations", "of an address in all organizations, first page", anywhere(invitations.InvitationsParams{Limit: 1})},
		{"Invitations", "of an address in all organizations, second page", anywhere(invitations.InvitationsParams{})},
		{"Invitations", "of an address in all organizations, pending and revoked", anywhere(invitations.InvitationsParams{
			States: []invitations.State{invitations.StatePending, invitations.StateRevoked},
		})},
		{"Lookup", "", func(svc *invitations.Service) error {
			_, err := svc.Lookup(ctx, mail.Token.Reveal())
			return err
		}},
		{"NextStep", "", func(svc *invitations.Service) error {
			_, err := svc.NextStep(ctx, mail.Token.Reveal(), invitations.Visitor{Identity: person("ann")})
			return err
		}},
		{"Accept", "an email", func(svc *invitations.Service) error {
			_, err := svc.Accept(ctx, mail.Token.Reveal(), person("ann"))
			return err
		}},
		{"Accept", "a link with a quota", func(svc *invitations.Service) error {
			_, err := svc.Accept(ctx, link.Token.Reveal(), person("zoe"))
			return err
		}},
		{"Decline", "", func(svc *invitations.Service) error { return svc.Decline(ctx, declined.Token.Reveal()) }},
		{"Revoke", "", func(svc *invitations.Service) error {
			_, err := svc.Revoke(ctx, by, acme, link.ID)
			return err
		}},
		{"Received", "", func(svc *invitations.Service) error {
			_, err := svc.Received(ctx, person("bob"), invitations.ReceivedParams{})
			return err
		}},
		{"AcceptReceived", "", func(svc *invitations.Service) error {
			_, err := svc.AcceptReceived(ctx, acme, received[0].Invitation.ID, person("bob"))
			return err
		}},
		{"DeclineReceived", "", func(svc *invitations.Service) error {
			return svc.DeclineReceived(ctx, acme, received[1].Invitation.ID, person("eve"))
		}},
		{"Authorize", "", func(svc *invitations.Service) error {
			_, err := svc.Authorize(ctx, acme, ada, invitations.PermissionMemberList)
			return err
		}},
		{"Member", "", func(svc *invitations.Service) error {
			_, err := svc.Member(ctx, acme, ada)
			return err
		}},
		{"Members", "first page", members(invitations.MembersParams{Limit: 1})},
		{"Members", "second page", members(invitations.MembersParams{})},
		{"Members", "of a role", members(invitations.MembersParams{Role: "viewer"})},
		{"Members", "with balances", members(invitations.MembersParams{Balances: true})},
		{"AddMember", "", func(svc *invitations.Service) error {
			_, err := svc.AddMember(ctx, by, invitations.AddMemberParams{
				Organization: acme, UserID: "kim", Role: "viewer", Email: "kim@example.com",
			})
			return err
		}},
		{"SetMetadata", "", func(svc *invitations.Service) error {
			_, err := svc.SetMetadata(ctx, by, invitations.SetMetadataParams{
				Organization: acme, UserID: "kim", Metadata: map[string]string{"department": "sales"},
			})
			return err
		}},
		{"SetLimits", "", func(svc *invitations.Service) error {
			return svc.SetLimits(ctx, invitations.System(), acme, invitations.Limits{
				Members: 100, SeatlessRoles: []invitations.Role{"viewer"},
			})
		}},
		{"Overview", "", func(svc *invitations.Service) error {
			_, err := svc.Overview(ctx, by, acme)
			return err
		}},
		{"ChangeRole", "", func(svc *invitations.Service) error {
			_, err := svc.ChangeRole(ctx, by, invitations.ChangeRoleParams{
				Organization: acme, UserID: "ann", Role: "admin",
			})
			return err
		}},
		{"TransferOwnership", "", func(svc *invitations.Service) error {
			_, err := svc.TransferOwnership(ctx, by, invitations.TransferOwnershipParams{
				Organization: acme, From: ada, To: "ann", Role: "admin",
			})
			return err
		}},
		{"", "ada becomes the owner again", func(svc *invitations.Service) error {
			_, err := svc.TransferOwnership(ctx, invitations.System(), invitations.TransferOwnershipParams{
				Organization: acme, From: "ann", To: ada, Role: "admin",
			})
			return err
		}},
		{"SetQuota", "of an organization", quota(inAcme, invitations.System(), "")},
		{"SetQuota", "of a member", quota(inAcme, by, ada)},
		{"SetQuota", "personal", quota(invitations.Personal(), invitations.System(), ada)},
		{"Quota", "", func(svc *invitations.Service) error {
			_, err := svc.Quota(ctx, by, acme, ada)
			return err
		}},
		{"Consume", "in an organization", func(svc *invitations.Service) error {
			_, err := svc.Consume(ctx, inAcme, ada, 1)
			return err
		}},
		{"Consume", "personal", func(svc *invitations.Service) error {
			_, err := svc.Consume(ctx, invitations.Personal(), ada, 1)
			return err
		}},
		{"Refund", "in an organization", func(svc *invitations.Service) error {
			_, err := svc.Refund(ctx, invitations.RefundParams{Workspace: inAcme, UserID: ada, Amount: 1, At: now})
			return err
		}},
		{"Refund", "personal", func(svc *invitations.Service) error {
			_, err := svc.Refund(ctx, invitations.RefundParams{
				Workspace: invitations.Personal(), UserID: ada, Amount: 1, At: now,
			})
			return err
		}},
		{"", "ada and max consume", func(svc *invitations.Service) error {
			_, err := svc.AddMember(ctx, by, invitations.AddMemberParams{
				Organization: acme, UserID: "max", Role: "developer", Quota: invitations.Quota{Limit: invitations.NoLimit, Period: invitations.PeriodDay},
			})
			if err != nil {
				return err
			}
			for _, user := range []string{ada, "max"} {
				if _, err := svc.Consume(ctx, inAcme, user, 1); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Usage", "first page", usage(1)},
		{"Usage", "second page", usage(0)},
		{"Remaining", "in an organization", func(svc *invitations.Service) error {
			_, err := svc.Remaining(ctx, inAcme, ada)
			return err
		}},
		{"Remaining", "personal", func(svc *invitations.Service) error {
			_, err := svc.Remaining(ctx, invitations.Personal(), ada)
			return err
		}},
		{"Workspaces", "", func(svc *invitations.Service) error {
			_, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: ada})
			return err
		}},
		{"", "ann invites", func(svc *invitations.Service) error {
			_, err := svc.Invite(ctx, invitations.User("ann"), invitations.InviteParams{
				Organization: acme, Email: "tim@example.com", Role: "viewer",
			})
			return err
		}},
		{"RemoveMember", "who has invited", func(svc *invitations.Service) error {
			_, err := svc.RemoveMember(ctx, by, acme, "ann")
			return err
		}},
		{"Leave", "", func(svc *invitations.Service) error {
			_, err := svc.Leave(ctx, acme, "zoe")
			return err
		}},
		{"Timeline", "oldest first, first page", timeline(invitations.TimelineParams{Limit: 1})},
		{"Timeline", "oldest first, second page", timeline(invitations.TimelineParams{})},
		{"Timeline", "newest first, of one invitation", func(svc *invitations.Service) error {
			p := invitations.TimelineParams{NewestFirst: true, Invitation: link.ID}
			return timeline(p)(svc)
		}},
		{"Timeline", "newest first, of an actor", timeline(invitations.TimelineParams{Actor: ada, NewestFirst: true, Limit: 1})},
		{"Timeline", "newest first, of an actor, second page", timeline(invitations.TimelineParams{Actor: ada, NewestFirst: true})},
		{"Timeline", "of two types in a period", timeline(invitations.TimelineParams{
			Types: []invitations.EventType{invitations.EventMemberJoined, invitations.EventMemberLeft},
			From:  now.Add(-time.Hour), To: now.Add(time.Hour), Limit: 1,
		})},
		{"Timeline", "of two types in a period, second page", timeline(invitations.TimelineParams{
			Types: []invitations.EventType{invitations.EventMemberJoined, invitations.EventMemberLeft},
			From:  now.Add(-time.Hour), To: now.Add(time.Hour),
		})},
		{"Statistics", "", func(svc *invitations.Service) error {
			_, err := svc.Statistics(ctx, by, invitations.StatisticsParams{Organization: acme})
			return err
		}},
		{"Feed", "", func(svc *invitations.Service) error {
			_, err := svc.Feed(ctx, 0, 0)
			return err
		}},
		{"Sweep", "one invitation is due", func(svc *invitations.Service) error {
			now = now.Add(8 * 24 * time.Hour)
			swept, err := svc.Sweep(ctx, 10)
			require.Len(t, swept.Expired, 1, "jim was invited and has not answered")
			return err
		}},
		{"Erase", "an address", func(svc *invitations.Service) error {
			_, err := svc.Erase(ctx, invitations.EraseParams{Email: "joe@example.com"})
			return err
		}},
		{"Erase", "a user", func(svc *invitations.Service) error {
			_, err := svc.Erase(ctx, invitations.EraseParams{UserID: "zoe", Pseudonym: "erased"})
			return err
		}},
		{"Purge", "old rows", func(svc *invitations.Service) error {
			now = now.Add(8 * 24 * time.Hour)
			deleted, err := svc.Purge(ctx, now.Add(-24*time.Hour), 1000)
			require.Positive(t, deleted)
			return err
		}},
		{"DeleteOrganization", "", func(svc *invitations.Service) error {
			return svc.DeleteOrganization(ctx, by, acme)
		}},
		{"Purge", "a deleted organization", func(svc *invitations.Service) error {
			deleted, err := svc.Purge(ctx, now.Add(-24*time.Hour), 1000)
			require.Positive(t, deleted)
			return err
		}},
	}
	return &sqlScript{calls, func() time.Time { return now }}
}

// run makes the calls on store.
func (s *sqlScript) run(t *testing.T, store invitations.Store) {
	t.Helper()
	svc, err := invitations.New(store, keyring(t), invitations.Config{ResendCooldown: -1, Clock: s.clock})
	require.NoError(t, err)
	for _, c := range s.calls {
		require.NoError(t, c.run(svc), "%s %s", c.operation, c.variant)
	}
}

// compare makes the calls on store and compares the statements that they send with the files in
// folder. renamed are pairs of the name of a schema and its name in the files.
func (s *sqlScript) compare(t *testing.T, folder string, sent *sentBatches, store invitations.Store, renamed ...string) {
	t.Helper()
	svc, err := invitations.New(store, keyring(t), invitations.Config{ResendCooldown: -1, Clock: s.clock})
	require.NoError(t, err)
	for i, schema := range renamed {
		renamed[i] = `"` + schema + `"`
	}
	rename := strings.NewReplacer(renamed...)
	files := map[string]string{}
	same := map[string]string{} // the title of the first call that sends these statements
	for _, c := range s.calls {
		*sent = nil
		require.NoError(t, c.run(svc), "%s %s", c.operation, c.variant)
		if c.operation != "" {
			name := snakeCase(c.operation) + ".sql"
			if files[name] != "" {
				files[name] += "\n"
			}
			files[name] += describeTrips(c, *sent, rename, same)
		}
	}
	if *update {
		require.NoError(t, os.MkdirAll(folder, 0o755))
	}
	for name, got := range files {
		path := filepath.Join(folder, name)
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
			continue
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err, "run this test with -update to write the file")
		require.Equal(t, string(want), got, "%s; after an intended change, run this test with -update", path)
	}
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, entry := range entries {
		if _, ok := files[entry.Name()]; !ok && !entry.IsDir() {
			t.Errorf("no call is compared with %s", filepath.Join(folder, entry.Name()))
		}
	}
}

// sentBatches records the statements of the batches that a pool sends. Each batch is a round
// trip.
type sentBatches [][]sentStatement

type sentStatement struct {
	sql  string
	args []any
}

func newTracedPool(t *testing.T) (*pgxpool.Pool, *sentBatches) {
	t.Helper()
	sent := &sentBatches{}
	return newPool(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = sent }), sent
}

func (s *sentBatches) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	var statements []sentStatement
	for _, q := range data.Batch.QueuedQueries {
		statements = append(statements, sentStatement{q.SQL, q.Arguments})
	}
	*s = append(*s, statements)
	return ctx
}

func (s *sentBatches) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (s *sentBatches) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

func (s *sentBatches) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (s *sentBatches) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// describeTrips returns the part of an operation's file that is about one call. If an earlier
// call of the operation has sent the same statements, it names that call.
func describeTrips(c sqlCall, trips [][]sentStatement, rename *strings.Replacer, same map[string]string) string {
	title := c.operation
	if c.variant != "" {
		title += ", " + c.variant
	}
	var parts []string
	for i, statements := range trips {
		text := fmt.Sprintf("trip %d of %d\n", i+1, len(trips))
		for _, sent := range statements {
			text += "\n" + formatSQL(rename.Replace(sent.sql)) + ";\n"
		}
		parts = append(parts, text)
	}
	key := c.operation + ": " + strings.Join(parts, "\n")
	if first, ok := same[key]; ok {
		return fmt.Sprintf("-- %s: the same statements as %s\n", title, first)
	}
	same[key] = title
	return "-- " + title + ": " + strings.Join(parts, "\n-- "+title+": ")
}

func snakeCase(name string) string {
	var snake strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			snake.WriteByte('_')
		}
		snake.WriteRune(unicode.ToLower(r))
	}
	return snake.String()
}
