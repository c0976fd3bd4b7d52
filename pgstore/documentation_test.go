package pgstore_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

// TestDocumentation runs the code of the examples, which README.md and docs show, with the names
// that a host has by default.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newPool(t, func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["search_path"] = "public"
	})
	clean := func() {
		_, err := pool.Exec(ctx, "drop schema if exists invitations cascade; drop table if exists profiles, team_members")
		require.NoError(t, err)
	}
	clean()
	t.Cleanup(clean)
	invite := func(svc *invitations.Service, organization, user string) (token string) {
		sent, err := svc.Invite(ctx, invitations.User(user), invitations.InviteParams{
			Organization: organization, Email: "bob@example.com", Role: invitations.RoleViewer,
		})
		require.NoError(t, err)
		return sent.Token.Reveal()
	}
	secret := bytes.Repeat([]byte{1}, 32)
	count := func(sql string, args ...any) (rows int) {
		require.NoError(t, pool.QueryRow(ctx, sql, args...).Scan(&rows))
		return rows
	}

	// The host's transaction: both or neither.
	svc, err := openService(ctx, pool, secret)
	require.NoError(t, err)
	_, err = svc.CreateOrganization(ctx, "acme", "ada")
	require.NoError(t, err)
	token := invite(svc, "acme", "ada")
	bob := invitations.Identity{UserID: "bob", Email: "bob@example.com", EmailVerified: true}
	require.Error(t, acceptWithProfile(ctx, pool, pgstore.New(pool), svc, token, bob), "there is no table of profiles")
	_, err = svc.Member(ctx, "acme", "bob")
	require.ErrorIs(t, err, invitations.ErrNotFound)
	_, err = pool.Exec(ctx, "create table profiles (user_id text primary key)")
	require.NoError(t, err)
	require.NoError(t, acceptWithProfile(ctx, pool, pgstore.New(pool), svc, token, bob))
	_, err = svc.Member(ctx, "acme", "bob")
	require.NoError(t, err)
	require.Equal(t, 1, count("select count(*) from profiles where user_id = 'bob'"))

	// Another host, with a table of members: its rows are members, and members are its rows.
	clean()
	_, err = openTeamMembers(ctx, pool)
	require.ErrorContains(t, err, "team_members", "there is no such table")
	_, err = pool.Exec(ctx, createTeamMembers+"; insert into team_members (team_id, user_id, role) values (7, 1, 'owner')")
	require.NoError(t, err)
	store, err := openTeamMembers(ctx, pool)
	require.NoError(t, err)
	keys, err := invitations.NewKeyring(secret)
	require.NoError(t, err)
	svc, err = invitations.New(store, keys, invitations.Config{})
	require.NoError(t, err)
	bob.UserID = "2"
	_, err = svc.Accept(ctx, invite(svc, "7", "1"), bob)
	require.NoError(t, err)
	require.NoError(t, store.Check(ctx))
	require.Equal(t, 1, count("select count(*) from team_members where team_id = 7 and user_id = 2 and role = 'viewer' and plan = 'free'"))

	// Organizations that have lost all members.
	_, err = pool.Exec(ctx, "delete from team_members")
	require.NoError(t, err)
	var memberless *pgstore.MemberlessError
	require.ErrorAs(t, store.Check(ctx), &memberless)
	rows, err := pool.Query(ctx, `
		select o.id from invitations.organizations o
		where not o.deleted and not exists (select from team_members m where m.team_id::text = o.id)
	`)
	require.NoError(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Len(t, found, memberless.Organizations)
	require.Contains(t, found, "7")
}
