package pgstore_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// A wire watches the network connections of a pool.
type wire struct {
	trips atomic.Int64

	// loseAnswer closes a connection instead of reading the answer to a commit, loseCommit
	// instead of sending one (seen where it goes as text).
	loseAnswer, loseCommit atomic.Bool
}

// watch makes the connections of a pool go through w.
func (w *wire) watch(c *pgxpool.Config) {
	c.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &watchedConn{Conn: conn, wire: w}, err
	}
}

type watchedConn struct {
	net.Conn
	wire  *wire
	heard atomic.Bool // something came since the last write
}

func (c *watchedConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("commit work\x00")) && c.wire.loseCommit.CompareAndSwap(true, false) {
		_ = c.Conn.Close()
		return 0, net.ErrClosed
	}
	if c.heard.Swap(false) {
		c.wire.trips.Add(1)
	}
	return c.Conn.Write(b)
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b) // which the driver may have begun before a write, if that is slow
	if n > 0 {
		c.heard.Store(true)
	}
	if bytes.Contains(b[:n], []byte("COMMIT\x00")) && c.wire.loseAnswer.CompareAndSwap(true, false) {
		_ = c.Conn.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

// count returns how many round trips f makes. The first write on a connection is not
// counted: it follows no read.
func (w *wire) count(f func()) int64 {
	before := w.trips.Load()
	f()
	return w.trips.Load() - before
}

// A scene is a service on a store in a schema of its own, with an organization of ada's.
type scene struct {
	*testing.T
	ctx  context.Context
	pool *pgxpool.Pool
	svc  *invitations.Service
}

const (
	acme = "acme"
	ada  = "ada"
)

func keyring(t *testing.T) *invitations.Keyring {
	t.Helper()
	keys, err := invitations.NewKeyring(bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)
	return keys
}

func (s *scene) invite(email string) invitations.SentInvitation {
	s.Helper()
	sent, err := s.svc.Invite(s.ctx, invitations.User(ada), invitations.InviteParams{Organization: acme, Email: email, Role: "viewer"})
	require.NoError(s, err)
	return sent
}

func person(name string) invitations.Identity {
	return invitations.Identity{UserID: name, Email: name + "@example.com", EmailVerified: true}
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	var w wire
	pool := newPool(t, func(c *pgxpool.Config) {
		w.watch(c)
		c.MaxConns, c.MaxConnLifetime = 1, time.Hour
	})
	store := newStore(t, pool)
	ctx := context.Background()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	svc, err := invitations.New(store, keyring(t), invitations.Config{
		Clock: func() time.Time { return now }, PendingLimit: 1000, ResendCooldown: -1, SendsPerOrganization: 1000, SendsPerSender: -1,
	})
	require.NoError(t, err)

	type call struct {
		name  string
		trips int64
		run   func(svc *invitations.Service) error
	}
	round := 0
	calls := func() []call {
		round++
		name := func(s string) string { return s + string(rune('a'+round)) }
		var mail, toDecline, toRevoke, link invitations.SentInvitation
		var bulk []invitations.Outcome
		adaUser := invitations.User(ada)
		return []call{
			{"create organization", 2, func(svc *invitations.Service) error {
				_, err := svc.CreateOrganization(ctx, name(acme), ada)
				return err
			}},
			{"invite", 2, func(svc *invitations.Service) (err error) {
				mail, err = svc.Invite(ctx, adaUser, invitations.InviteParams{Organization: name(acme), Email: "ann@example.com", Role: "viewer"})
				return err
			}},
			{"invite refused", 2, func(svc *invitations.Service) error {
				_, err := svc.Invite(ctx, adaUser, invitations.InviteParams{Organization: name(acme), Email: "ann@example.com", Role: "viewer"})
				require.ErrorIs(t, err, invitations.ErrAlreadyInvited)
				return nil
			}},
			{"invite with id", 2, func(svc *invitations.Service) (err error) {
				id := mail.ID
				id[15]++
				toDecline, err = svc.Invite(ctx, adaUser, invitations.InviteParams{Organization: name(acme), Email: "joe@example.com", Role: "viewer", ID: id})
				return err
			}},
			{"create link", 2, func(svc *invitations.Service) (err error) {
				link, err = svc.CreateLink(ctx, adaUser, invitations.CreateLinkParams{Organization: name(acme), Role: "viewer"})
				return err
			}},
			{"another link", 2, func(svc *invitations.Service) (err error) {
				toRevoke, err = svc.CreateLink(ctx, adaUser, invitations.CreateLinkParams{Organization: name(acme), Role: "viewer"})
				return err
			}},
			{"resend", 2, func(svc *invitations.Service) (err error) {
				mail, err = svc.Resend(ctx, adaUser, invitations.ResendParams{Organization: name(acme), ID: mail.ID})
				return err
			}},
			{"edit", 2, func(svc *invitations.Service) error {
				_, err := svc.Edit(ctx, adaUser, invitations.EditParams{Organization: name(acme), ID: mail.ID, Role: "developer"})
				return err
			}},
			{"invite a hundred", 2, func(svc *invitations.Service) (err error) {
				rows := make([]invitations.InviteParams, 100)
				for i := range rows {
					rows[i] = invitations.InviteParams{Email: fmt.Sprintf("bulk%d@example.com", i), Role: "viewer", ID: uuid.Must(uuid.NewV7())}
				}
				bulk, err = svc.InviteAll(ctx, adaUser, name(acme), rows)
				return err
			}},
			{"received", 1, func(svc *invitations.Service) error {
				_, err := svc.Received(ctx, person("bulk0"), invitations.ReceivedParams{})
				return err
			}},
			{"accept what was received", 2, func(svc *invitations.Service) error {
				_, err := svc.AcceptReceived(ctx, name(acme), bulk[0].Invitation.ID, person("bulk0"))
				return err
			}},
			{"decline what was received", 2, func(svc *invitations.Service) error {
				return svc.DeclineReceived(ctx, name(acme), bulk[1].Invitation.ID, person("bulk1"))
			}},
			{"revoke", 2, func(svc *invitations.Service) error {
				_, err := svc.Revoke(ctx, adaUser, name(acme), toRevoke.ID)
				return err
			}},
			{"decline", 2, func(svc *invitations.Service) error { return svc.Decline(ctx, toDecline.Token.Reveal()) }},
			{"lookup", 1, func(svc *invitations.Service) error {
				_, err := svc.Lookup(ctx, mail.Token.Reveal())
				return err
			}},
			{"next", 1, func(svc *invitations.Service) error {
				_, err := svc.NextStep(ctx, mail.Token.Reveal(), invitations.Visitor{Identity: person("ann")})
				return err
			}},
			{"accept", 2, func(svc *invitations.Service) error {
				_, err := svc.Accept(ctx, mail.Token.Reveal(), person("ann"))
				return err
			}},
			{"accept a link", 2, func(svc *invitations.Service) error {
				_, err := svc.Accept(ctx, link.Token.Reveal(), person("joe"))
				return err
			}},
			{"sent", 1, func(svc *invitations.Service) error {
				_, err := svc.PendingToken(ctx, adaUser, name(acme), link.ID)
				return err
			}},
			{"get", 1, func(svc *invitations.Service) error {
				_, err := svc.Invitation(ctx, adaUser, name(acme), link.ID)
				return err
			}},
			{"list", 1, func(svc *invitations.Service) error {
				_, err := svc.Invitations(ctx, adaUser, invitations.InvitationsParams{Organization: name(acme), State: invitations.StatePending})
				return err
			}},
			{"set a shared quota", 2, func(svc *invitations.Service) error {
				return svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
					Workspace: invitations.InOrganization(name(acme)), Quota: invitations.Quota{Limit: 10, Period: invitations.PeriodDay},
				})
			}},
			{"set a member's quota", 2, func(svc *invitations.Service) error {
				return svc.SetQuota(ctx, adaUser, invitations.SetQuotaParams{
					Workspace: invitations.InOrganization(name(acme)), UserID: ada, Quota: invitations.Quota{Limit: 10, Period: invitations.PeriodMonth},
				})
			}},
			{"set a personal quota", 1, func(svc *invitations.Service) error {
				return svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{
					Workspace: invitations.Personal(), UserID: ada, Quota: invitations.Quota{Limit: 1000, Period: invitations.PeriodEndless},
				})
			}},
			{"consume", 1, func(svc *invitations.Service) error {
				_, err := svc.Consume(ctx, invitations.InOrganization(name(acme)), ada, 1)
				return err
			}},
			{"consume personally", 1, func(svc *invitations.Service) error {
				_, err := svc.Consume(ctx, invitations.Personal(), ada, 1)
				return err
			}},
			{"consume too much", 1, func(svc *invitations.Service) error {
				_, err := svc.Consume(ctx, invitations.InOrganization(name(acme)), ada, 100)
				require.ErrorIs(t, err, invitations.ErrQuotaExceeded)
				return nil
			}},
			{"remaining", 1, func(svc *invitations.Service) error {
				_, err := svc.Remaining(ctx, invitations.InOrganization(name(acme)), ada)
				return err
			}},
			{"quota", 1, func(svc *invitations.Service) error {
				_, err := svc.Quota(ctx, adaUser, name(acme), ada)
				return err
			}},
			{"workspaces", 1, func(svc *invitations.Service) error {
				_, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: ada})
				return err
			}},
			{"authorize", 1, func(svc *invitations.Service) error {
				_, err := svc.Authorize(ctx, name(acme), ada, invitations.PermissionMemberList)
				return err
			}},
			{"members", 1, func(svc *invitations.Service) error {
				_, err := svc.Members(ctx, adaUser, invitations.MembersParams{Organization: name(acme)})
				return err
			}},
			{"sweep", 2, func(svc *invitations.Service) error {
				now = now.Add(8 * 24 * time.Hour)
				swept, err := svc.Sweep(ctx, 1000)
				require.NotEmpty(t, swept.Expired)
				return err
			}},
			{"change a role", 2, func(svc *invitations.Service) error {
				_, err := svc.ChangeRole(ctx, adaUser, invitations.ChangeRoleParams{Organization: name(acme), UserID: "ann", Role: "admin"})
				return err
			}},
			{"transfer", 2, func(svc *invitations.Service) error {
				_, err := svc.TransferOwnership(ctx, adaUser, invitations.TransferOwnershipParams{Organization: name(acme), From: ada, To: "ann", Role: "admin"})
				return err
			}},
			{"remove", 2, func(svc *invitations.Service) error {
				_, err := svc.RemoveMember(ctx, invitations.User("ann"), name(acme), ada)
				return err
			}},
			{"leave", 2, func(svc *invitations.Service) error {
				_, err := svc.Leave(ctx, name(acme), "joe")
				return err
			}},
			{"timeline", 1, func(svc *invitations.Service) error {
				_, err := svc.Timeline(ctx, invitations.User("ann"), invitations.TimelineParams{Organization: name(acme), NewestFirst: true})
				return err
			}},
			{"statistics", 1, func(svc *invitations.Service) error {
				_, err := svc.Statistics(ctx, invitations.User("ann"), invitations.StatisticsParams{Organization: name(acme)})
				return err
			}},
			{"feed", 1, func(svc *invitations.Service) error {
				_, err := svc.Feed(ctx, 0, 0)
				return err
			}},
			{"member", 1, func(svc *invitations.Service) error {
				_, err := svc.Member(ctx, name(acme), "ann")
				return err
			}},
		}
	}
	for _, c := range calls() { // has the statements prepared
		require.NoError(t, c.run(svc), c.name)
	}
	for _, c := range calls() {
		var err error
		trips := w.count(func() { err = c.run(svc) })
		require.NoError(t, err, c.name)
		require.Equal(t, c.trips, trips, "round trips: %s", c.name)
	}
	require.EqualValues(t, 1, pool.Stat().NewConnsCount(), "the connection is kept")

	// In a host's transaction they are the same, without beginning and committing.
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		inside := svc.WithStore(store.WithTx(tx))
		for _, c := range calls() { // has the statements prepared
			require.NoError(t, c.run(inside), c.name)
		}
		for _, c := range calls() {
			want := c.trips
			if c.name == "invite refused" {
				want = 1 // nothing to end
			}
			var err error
			trips := w.count(func() { err = c.run(inside) })
			require.NoError(t, err, c.name)
			require.Equal(t, want, trips, "round trips in a host's transaction: %s", c.name)
		}
		return nil
	})
	require.NoError(t, err)
}
