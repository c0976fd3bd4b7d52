package pgstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/pgstore"
)

func TestHostTransactionCommitsOrRollsBackBoth(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	exec(t, store.Schema(), `create table {schema}.host (name text primary key)`)
	sent := s.invite("ann@example.com")
	accept := func(end func(pgx.Tx) error) {
		tx, err := s.pool.Begin(s.ctx)
		require.NoError(t, err)
		_, err = s.svc.WithStore(store.WithTx(tx)).Accept(s.ctx, sent.Token.Reveal(), person("ann"))
		require.NoError(t, err)
		_, err = tx.Exec(s.ctx, pgstore.SQL(store.Schema(), `insert into {schema}.host values ('ann')`))
		require.NoError(t, err)
		require.NoError(t, end(tx))
	}
	count := func() (n int) {
		require.NoError(t, s.pool.QueryRow(s.ctx, pgstore.SQL(store.Schema(), `select count(*) from {schema}.host`)).Scan(&n))
		return n
	}
	accept(func(tx pgx.Tx) error { return tx.Rollback(s.ctx) })
	_, err := s.svc.Member(s.ctx, acme, "ann")
	require.ErrorIs(t, err, invitations.ErrNotFound)
	require.Zero(t, count())

	accept(func(tx pgx.Tx) error { return tx.Commit(s.ctx) })
	_, err = s.svc.Member(s.ctx, acme, "ann")
	require.NoError(t, err)
	require.Equal(t, 1, count())
}

func TestHostTransactionOfAHigherIsolationLevelSeesAConflict(t *testing.T) {
	t.Parallel()
	for _, level := range []pgx.TxIsoLevel{pgx.RepeatableRead, pgx.Serializable} {
		t.Run(string(level), func(t *testing.T) {
			t.Parallel()
			s, store, _ := newScene(t, nil)
			link, err := s.svc.CreateLink(s.ctx, invitations.User(ada), invitations.CreateLinkParams{Organization: acme, Role: "viewer", MaxUses: 1})
			require.NoError(t, err)
			tx, err := s.pool.BeginTx(s.ctx, pgx.TxOptions{IsoLevel: level})
			require.NoError(t, err)
			defer func() { _ = tx.Rollback(s.ctx) }()
			inside := s.svc.WithStore(store.WithTx(tx))
			_, err = inside.Lookup(s.ctx, link.Token.Reveal()) // the snapshot is taken
			require.NoError(t, err)

			_, err = s.svc.Accept(s.ctx, link.Token.Reveal(), person("ann"))
			require.NoError(t, err)
			_, err = inside.Accept(s.ctx, link.Token.Reveal(), person("joe"))
			require.ErrorIs(t, err, invitations.ErrConcurrentChange)
			noDriver(t, err)
			require.NoError(t, tx.Rollback(s.ctx))
			_, err = s.svc.Accept(s.ctx, link.Token.Reveal(), person("joe"))
			require.ErrorIs(t, err, invitations.ErrExhausted)
		})
	}
}

func TestStoreOnALoneConnection(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	conn := connect(t)
	svc := s.svc.WithStore(storeOn(t, conn, store.Schema()))
	sent, err := svc.CreateLink(s.ctx, invitations.User(ada), invitations.CreateLinkParams{Organization: acme, Role: "viewer"})
	require.NoError(t, err)
	_, err = svc.Accept(s.ctx, sent.Token.Reveal(), person("ann"))
	require.NoError(t, err)
	_, err = svc.CreateLink(s.ctx, invitations.User("ann"), invitations.CreateLinkParams{Organization: acme, Role: "viewer"})
	require.ErrorIs(t, err, invitations.ErrPermissionDenied)
	require.EqualValues(t, 'I', conn.PgConn().TxStatus(), "no transaction is left open")
}

func TestConnectionInATransactionIsRefused(t *testing.T) {
	t.Parallel()
	s, store, _ := newScene(t, nil)
	conn := connect(t)
	tx, err := conn.Begin(s.ctx)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(s.ctx) }()
	svc := s.svc.WithStore(storeOn(t, conn, store.Schema())) // the host means tx
	_, err = svc.CreateLink(s.ctx, invitations.User(ada), invitations.CreateLinkParams{Organization: acme, Role: "viewer"})
	require.ErrorContains(t, err, "in a transaction")
	_, err = svc.Member(s.ctx, acme, ada)
	require.ErrorContains(t, err, "in a transaction")
	require.ErrorContains(t, storeOn(t, conn, "another").Migrate(s.ctx), "in a transaction")
	require.EqualValues(t, 'T', conn.PgConn().TxStatus(), "the host's transaction is still its own")
}
