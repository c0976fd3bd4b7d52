package memstore

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// A crowd is a service on a store with many rows in one organization, acme, and as many other
// organizations.
type crowd struct {
	svc    *invitations.Service
	now    time.Time
	number int
}

// numbered returns an ID that does not grow with its number.
func numbered(kind string, n int) string { return fmt.Sprintf("%s %07d", kind, n) }

func address(n int) string { return fmt.Sprintf("p%07d@example.com", n) }

func newCrowd(t *testing.T, rows int) *crowd {
	ctx := t.Context()
	c := &crowd{now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	keys, err := invitations.NewKeyring([]byte("0123456789abcdef0123456789abcdef"))
	require.NoError(t, err)
	store := New()
	c.svc, err = invitations.New(store, keys, invitations.Config{
		PendingLimit: 100_000, MemberLimit: 100_000, ReserveSeats: true,
		SendsPerRecipient: 20, SendsPerSender: 100, SendsPerOrganization: 200,
		Clock: func() time.Time { return c.now },
	})
	require.NoError(t, err)
	apply := func(organization string, changes invitations.Changes) {
		require.NoError(t, store.Create(ctx, invitations.Query{Organization: organization}, func(invitations.Facts) (invitations.Changes, error) {
			return changes, nil
		}))
	}
	member := func(organization, user string, role invitations.Role) invitations.Member {
		return invitations.Member{Organization: organization, UserID: user, Role: role, JoinedAt: c.now}
	}
	founders := invitations.Changes{Members: []invitations.Member{
		member("acme", "ada", invitations.RoleOwner), member("acme", "bob", invitations.RoleAdmin),
	}}
	for n := range 10 {
		founders.Members = append(founders.Members, member("acme", numbered("first", n), invitations.RoleViewer))
	}
	apply("acme", founders)
	// A tenth is pending, and of the others some are of each kind and state. Time passes, so that
	// the first ones are old.
	batch := rows / 10
	for from := 0; from < rows; from += batch {
		c.now = c.now.Add(10 * 24 * time.Hour)
		var changes invitations.Changes
		for n := from; n < from+batch; n++ {
			r := invitations.Record{Invitation: invitations.Invitation{
				ID: uuid.UUID{6: 0x70, 8: 0x80, 12: 1, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}, Organization: "acme",
				Kind: invitations.KindEmail, Email: address(n), Role: invitations.RoleDeveloper, MaxUses: 1,
				State: invitations.StatePending, CreatedBy: "ada", SentBy: "ada", CreatedAt: c.now, SentAt: c.now, ExpiresAt: c.now.Add(time.Hour),
			}}
			events := []invitations.Event{{Type: invitations.EventInvitationCreated, Actor: "ada"}}
			switch n % 10 {
			case 0:
				r.ExpiresAt = r.CreatedAt.Add(365 * 24 * time.Hour)
				r.SweepAt = r.ExpiresAt
			case 1:
				r.SweepAt = r.ExpiresAt
			case 2: // expired and swept
			default:
				r.State, r.EndedAt = invitations.StateAccepted, c.now
				r.AcceptedBy, r.Uses = numbered("user", n), 1
				events = append(events, invitations.Event{Type: invitations.EventInvitationAccepted, Actor: r.AcceptedBy})
				changes.Members = append(changes.Members, member("acme", r.AcceptedBy, r.Role))
			}
			switch n {
			case rows / 2:
				r.State, r.EndedAt = invitations.StateRevoked, c.now
			case rows / 3:
				r.Kind, r.Email = invitations.KindLink, ""
			case rows / 4:
				r.Role = invitations.RoleViewer
			}
			for _, e := range events {
				e.Organization, e.At, e.InvitationID, e.Email = "acme", c.now, r.ID, r.Email
				changes.Events = append(changes.Events, e)
			}
			changes.Invitations = append(changes.Invitations, r)
			organization := numbered("organization", n)
			other := r
			other.Organization, other.Email, other.SentBy = organization, "other"+address(n), ""
			apply(organization, invitations.Changes{
				Members: []invitations.Member{member(organization, numbered("owner", n), invitations.RoleOwner)}, Invitations: []invitations.Record{other},
			})
		}
		apply("acme", changes)
	}
	c.now = c.now.Add(2 * 24 * time.Hour)
	return c
}

// invite returns a new invitation for the address of person.
func (c *crowd) invite(ctx context.Context) (invitations.SentInvitation, invitations.Identity, error) {
	c.number++
	c.now = c.now.Add(15 * time.Minute)
	user := numbered("new", c.number)
	email := fmt.Sprintf("new%d@example.com", c.number)
	sent, err := c.svc.Invite(ctx, invitations.User("bob"), invitations.InviteParams{Organization: "acme", Email: email, Role: invitations.RoleViewer})
	return sent, invitations.Identity{UserID: user, Email: email, EmailVerified: true}, err
}

// operations are the operations of the service, each with the filters that lead to another index.
// Usage, Erase and the statistics of a long period are missing: they read what they count or erase.
func (c *crowd) operations(ctx context.Context) []struct {
	name string
	run  func() error
} {
	ada, acme := invitations.User("ada"), invitations.InOrganization("acme")
	byInvitation := func(act func(invitations.SentInvitation, invitations.Identity) error) func() error {
		return func() error {
			sent, person, err := c.invite(ctx)
			if err != nil {
				return err
			}
			return act(sent, person)
		}
	}
	list := func(p invitations.InvitationsParams) func() error {
		return func() error {
			p.Organization, p.Limit = "acme", 5
			page, err := c.svc.Invitations(ctx, ada, p)
			if err == nil && page.NextCursor != "" {
				p.Cursor = page.NextCursor
				_, err = c.svc.Invitations(ctx, ada, p)
			}
			return err
		}
	}
	timeline := func(p invitations.TimelineParams) func() error {
		return func() error {
			p.Organization, p.Limit = "acme", 5
			page, err := c.svc.Timeline(ctx, ada, p)
			if err == nil && page.NextCursor != "" {
				p.Cursor = page.NextCursor
				_, err = c.svc.Timeline(ctx, ada, p)
			}
			return err
		}
	}
	return []struct {
		name string
		run  func() error
	}{
		{"Invite", func() error { return third(c.invite(ctx)) }},
		{"InviteAll", func() error {
			return second(c.svc.InviteAll(ctx, ada, "acme", []invitations.InviteParams{{Email: "x@example.com", Role: "viewer"}, {Email: "y@example.com", Role: "viewer"}}))
		}},
		{"CreateLink", func() error {
			return second(c.svc.CreateLink(ctx, ada, invitations.CreateLinkParams{Organization: "acme", Role: "viewer"}))
		}},
		{"Accept", byInvitation(func(sent invitations.SentInvitation, person invitations.Identity) error {
			return second(c.svc.Accept(ctx, sent.Token.Reveal(), person))
		})},
		{"AcceptReceived", byInvitation(func(sent invitations.SentInvitation, person invitations.Identity) error {
			return second(c.svc.AcceptReceived(ctx, "acme", sent.ID, person))
		})},
		{"Received", byInvitation(func(_ invitations.SentInvitation, person invitations.Identity) error {
			return second(c.svc.Received(ctx, person, invitations.ReceivedParams{}))
		})},
		{"Decline", byInvitation(func(sent invitations.SentInvitation, _ invitations.Identity) error {
			return c.svc.Decline(ctx, sent.Token.Reveal())
		})},
		{"Lookup and NextStep", byInvitation(func(sent invitations.SentInvitation, person invitations.Identity) error {
			if _, err := c.svc.Lookup(ctx, sent.Token.Reveal()); err != nil {
				return err
			}
			return second(c.svc.NextStep(ctx, sent.Token.Reveal(), invitations.Visitor{Identity: person}))
		})},
		{"Revoke", byInvitation(func(sent invitations.SentInvitation, _ invitations.Identity) error {
			return second(c.svc.Revoke(ctx, ada, "acme", sent.ID))
		})},
		{"Edit and Resend", byInvitation(func(sent invitations.SentInvitation, _ invitations.Identity) error {
			c.now = c.now.Add(time.Hour)
			if _, err := c.svc.Edit(ctx, ada, invitations.EditParams{Organization: "acme", ID: sent.ID, Role: "developer", ExpiresIn: 48 * time.Hour}); err != nil {
				return err
			}
			return second(c.svc.Resend(ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID}))
		})},
		{"Invitations", list(invitations.InvitationsParams{})},
		{"Invitations, pending", list(invitations.InvitationsParams{States: []invitations.State{"pending"}})},
		{"Invitations, expired", list(invitations.InvitationsParams{States: []invitations.State{"expired"}})},
		{"Invitations, revoked", list(invitations.InvitationsParams{States: []invitations.State{"revoked"}})},
		{"Invitations, accepted or declined", list(invitations.InvitationsParams{States: []invitations.State{"accepted", "declined"}})},
		{"Invitations, links", list(invitations.InvitationsParams{Kind: "link"})},
		{"Invitations, viewers", list(invitations.InvitationsParams{Role: "viewer"})},
		{"Invitations, revoked links", list(invitations.InvitationsParams{Kind: "link", States: []invitations.State{"revoked"}})},
		{"Invitations, of an address", list(invitations.InvitationsParams{Email: address(33)})},
		{"Invitations, of a sender", list(invitations.InvitationsParams{SentBy: "bob"})},
		{"Members", func() error {
			p := invitations.MembersParams{Organization: "acme", Balances: true, Limit: 5}
			page, err := c.svc.Members(ctx, ada, p)
			if err != nil {
				return err
			}
			p.Cursor = page.NextCursor
			return second(c.svc.Members(ctx, ada, p))
		}},
		{"Members, viewers", func() error {
			return second(c.svc.Members(ctx, ada, invitations.MembersParams{Organization: "acme", Role: "viewer"}))
		}},
		{"Authorize", func() error {
			return second(c.svc.Authorize(ctx, "acme", "bob", invitations.PermissionInvitationCreate))
		}},
		{"AddMember", func() error {
			return second(c.svc.AddMember(ctx, ada, invitations.AddMemberParams{Organization: "acme", UserID: "eve", Role: "viewer"}))
		}},
		{"ChangeRole", func() error {
			return second(c.svc.ChangeRole(ctx, ada, invitations.ChangeRoleParams{Organization: "acme", UserID: numbered("first", 1), Role: "developer"}))
		}},
		{"RemoveMember", func() error { return second(c.svc.RemoveMember(ctx, ada, "acme", numbered("first", 2))) }},
		{"Leave", func() error { return second(c.svc.Leave(ctx, "acme", numbered("first", 3))) }},
		{"SetQuota", func() error {
			return c.svc.SetQuota(ctx, invitations.System(), invitations.SetQuotaParams{Workspace: acme, Quota: invitations.Quota{Limit: 9, Period: "day"}})
		}},
		{"Consume", func() error { return second(c.svc.Consume(ctx, acme, "ada", 1)) }},
		{"Workspaces", func() error {
			return second(c.svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: numbered("owner", 44)}))
		}},
		{"Overview", func() error { return second(c.svc.Overview(ctx, ada, "acme")) }},
		{"Timeline", timeline(invitations.TimelineParams{})},
		{"Timeline, newest first", timeline(invitations.TimelineParams{NewestFirst: true})},
		{"Timeline, of an invitation", timeline(invitations.TimelineParams{Invitation: uuid.UUID{6: 0x70, 8: 0x80, 12: 1, 15: 33}})},
		{"Timeline, of an actor", timeline(invitations.TimelineParams{Actor: numbered("user", 33)})},
		{"Timeline, of a type", timeline(invitations.TimelineParams{Types: []invitations.EventType{invitations.EventInvitationRevoked}})},
		{"Timeline, of a day", timeline(invitations.TimelineParams{From: c.now.Add(-24 * time.Hour), To: c.now.Add(24 * time.Hour)})},
		{"Statistics of a day", func() error {
			return second(c.svc.Statistics(ctx, ada, invitations.StatisticsParams{Organization: "acme", From: c.now.Add(-time.Hour)}))
		}},
		{"Feed", func() error { return second(c.svc.Feed(ctx, 400, 5)) }},
		{"Sweep", func() error { return second(c.svc.Sweep(ctx, 5)) }},
		{"Purge", func() error { return second(c.svc.Purge(ctx, c.now.Add(-50*24*time.Hour), 5)) }},
		{"SetLimits", func() error {
			return c.svc.SetLimits(ctx, invitations.System(), "acme", invitations.Limits{Members: 90_000})
		}},
		{"CreateOrganization", func() error { return second(c.svc.CreateOrganization(ctx, "new", "ada")) }},
		{"DeleteOrganization", func() error { return c.svc.DeleteOrganization(ctx, ada, "acme") }},
		{"Purge of a deleted organization", func() error { return second(c.svc.Purge(ctx, c.now.Add(-365*24*time.Hour), 5)) }},
	}
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

// No operation may look at more rows because there are more. A search in a sorted slice of a
// hundred times the length compares seven more rows, so three times as many are allowed.
func TestOperations_VisitNoMoreRowsOfMore(t *testing.T) {
	defer func() { visited = nil }()
	counts := map[string][]int{}
	var names []string
	for _, rows := range []int{500, 50_000} {
		c := newCrowd(t, rows)
		for _, op := range c.operations(t.Context()) {
			n := 0
			visited = func(rows int) { n += rows }
			require.NoError(t, op.run(), "%s with %d rows", op.name, rows)
			visited = nil
			if counts[op.name] == nil {
				names = append(names, op.name)
			}
			counts[op.name] = append(counts[op.name], n)
		}
	}
	for _, name := range names {
		few, many := counts[name][0], counts[name][1]
		t.Logf("%s: %d rows of few, %d of many", name, few, many)
		if many > 3*few+20 {
			t.Errorf("%s visits %d rows of few, and %d of many", name, few, many)
		}
	}
}
