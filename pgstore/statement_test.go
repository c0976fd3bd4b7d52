package pgstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
	"github.com/go-invitations/invitations/pgstore"
)

// Functions and operators that somebody else has defined in a schema of the search path must not
// be called.
func TestStatements_IgnoreTheSearchPath(t *testing.T) {
	t.Parallel()
	evil := pgtest.Schema(t)
	exec(t, evil, `create schema {schema}`)
	const fails = ` language plpgsql as $$ begin raise exception 'called from the search path'; end $$`
	for _, f := range []string{
		"unnest(text[]) returns setof text", "hashtextextended(text, integer) returns bigint", "count(text) returns bigint",
		"max(text) returns integer", "pg_advisory_xact_lock(integer) returns void",
	} {
		exec(t, evil, `create function {schema}.`+f+fails)
	}
	exec(t, evil, `create function {schema}.append(text[], text[]) returns text[]`+fails)
	exec(t, evil, `create operator {schema}.|| (leftarg = text[], rightarg = text[], function = {schema}.append)`)
	// The catalog has no operators of exactly these types.
	exec(t, evil, `create function {schema}.equal(varchar, text) returns boolean language sql as 'select true'`)
	exec(t, evil, `create operator {schema}.= (leftarg = varchar, rightarg = text, function = {schema}.equal)`)
	exec(t, evil, `create function {schema}.times(numeric, integer) returns numeric`+fails)
	exec(t, evil, `create operator {schema}.* (leftarg = numeric, rightarg = integer, function = {schema}.times)`)
	path := func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["search_path"] = `"` + evil + `"` }
	s, store, _ := newScene(t, path)
	sent := s.invite("ann@example.com")
	_, err := s.svc.Resend(s.ctx, invitations.User(ada), invitations.ResendParams{Organization: acme, ID: sent.ID})
	require.NoError(t, err)
	_, err = s.svc.Invitations(s.ctx, invitations.User(ada), invitations.InvitationsParams{
		Organization: acme, States: []invitations.State{invitations.StatePending},
	})
	require.NoError(t, err)
	_, err = s.svc.AcceptReceived(s.ctx, acme, sent.ID, person("ann"))
	require.NoError(t, err)
	_, err = s.svc.Statistics(s.ctx, invitations.User(ada), invitations.StatisticsParams{Organization: acme})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(s.ctx))

	varchar := func(name string) pgstore.Column { return pgstore.Column{Name: name, Type: "varchar"} }
	onHosts, err := invitations.New(newHostStore(t, newPool(t, path), `create table {schema}.team (
			org varchar not null, person varchar not null, role varchar not null, primary key (org, person))`,
		pgstore.MembersTable{Name: "team", Organization: varchar("org"), UserID: varchar("person"), Role: varchar("role")}),
		keyring(t), invitations.Config{})
	require.NoError(t, err)
	for _, owner := range []string{"one", "two"} {
		_, err = onHosts.CreateOrganization(s.ctx, "of "+owner, owner)
		require.NoError(t, err)
	}
	_, err = onHosts.Authorize(s.ctx, "of one", "two", invitations.PermissionOrganizationManage)
	require.ErrorIs(t, err, invitations.ErrPermissionDenied)
	list, err := onHosts.Workspaces(s.ctx, invitations.WorkspacesParams{UserID: "two"})
	require.NoError(t, err)
	require.Len(t, list.Organizations, 1)
	members, err := onHosts.Members(s.ctx, invitations.User("one"), invitations.MembersParams{
		Organization: "of one", Role: invitations.RoleViewer,
	})
	require.NoError(t, err)
	require.Empty(t, members.Items)
	_, err = onHosts.RemoveMember(s.ctx, invitations.System(), "of one", "two")
	require.ErrorIs(t, err, invitations.ErrNotFound)
}
