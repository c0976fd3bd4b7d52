// Command quickstart tells the whole story of an invitation and of the members that it
// brings, in memory: read it from top to bottom, and run it with
//
//	go run ./examples/quickstart
//
// It exits with a status other than 0 if a step does not end as it says.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	ctx := context.Background()
	t := &teller{out: out}

	// A service needs a store and a key. Real keys come from where you keep secrets, and
	// real services go by time.Now; this one's time moves when the story says so.
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	keys, err := invitations.NewKeyring(key)
	if err != nil {
		return err
	}
	now := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	svc, err := invitations.New(memstore.New(), keys, invitations.Config{
		Clock: func() time.Time { return now },
	})
	if err != nil {
		return err
	}
	joining(ctx, t, svc, &now)
	belonging(ctx, t, svc, &now)
	return t.err
}

// joining is how people come in.
func joining(ctx context.Context, t *teller, svc *invitations.Service, now *time.Time) {
	// Users are yours. The library knows them by an id, and takes your word for
	// their address and for whether it is verified.
	ada := invitations.User("ada")
	grace := invitations.Identity{UserID: "grace", Email: "grace@example.com", EmailVerified: true}

	founder, err := svc.CreateOrganization(ctx, "acme", "ada")
	t.done("Found an organization", err, founder.Role == invitations.RoleOwner,
		"%s is %s of %s", founder.UserID, founder.Role, founder.Organization)

	sent, err := svc.Invite(ctx, ada, invitations.InviteParams{
		Organization: "acme",
		Email:        "Grace@Example.com",
		Role:         invitations.RoleDeveloper,
	})
	t.done("Invite by email", err, sent.State == invitations.StatePending,
		"%s as %s, %s until %s; the token prints as %v",
		sent.Email, sent.Role, sent.State, sent.ExpiresAt.Format(time.DateOnly), sent.Token)

	// The link that you mail carries the token: "https://app.example.com/invite/" + token.
	token := sent.Token.Reveal()

	// On GET: show what is offered. Mail scanners may follow the link as often as they like.
	offer, err := svc.Lookup(ctx, token)
	for range 10 {
		_, again := svc.Lookup(ctx, token)
		err = errors.Join(err, again)
	}
	after, getErr := svc.Get(ctx, ada, "acme", sent.ID)
	t.done("Look up what is offered", errors.Join(err, getErr), reflect.DeepEqual(after, sent.Invitation),
		"%s as %s for %s; nothing changed", offer.Organization, offer.Role, offer.Email)

	// On POST: accept. A refusal leaves the invitation as it was.
	_, err = svc.Accept(ctx, token, invitations.Identity{UserID: "mallory", Email: "mallory@example.com", EmailVerified: true})
	t.refused("Accept with a wrong account", err, invitations.ErrRecipientMismatch)

	_, err = svc.Accept(ctx, token, invitations.Identity{UserID: "grace", Email: "grace@example.com", EmailVerified: false})
	t.refused("Accept with an unverified address", err, invitations.ErrEmailUnverified)

	member, err := svc.Accept(ctx, token, grace)
	t.done("Accept with the invited account", err, member.Role == invitations.RoleDeveloper,
		"%s is %s of %s, invited by %s", member.UserID, member.Role, member.Organization, member.InvitedBy)

	again, err := svc.Accept(ctx, token, grace)
	t.done("Accept again, for the answer was lost", err, reflect.DeepEqual(again, member),
		"the same membership")

	_, err = svc.Invite(ctx, invitations.User("grace"), invitations.InviteParams{
		Organization: "acme", Email: "friend@example.com", Role: invitations.RoleViewer,
	})
	t.refused("Invite as a developer", err, invitations.ErrPermissionDenied)

	sent, err = svc.Invite(ctx, ada, invitations.InviteParams{
		Organization: "acme", Email: "linus@example.com", Role: invitations.RoleAdmin,
	})
	t.check("inviting linus", err)
	resent, err := svc.Resend(ctx, ada, invitations.ResendParams{Organization: "acme", ID: sent.ID})
	t.done("Resend an invitation", err, resent.Email == "linus@example.com",
		"%s has a new link", resent.Email)

	_, err = svc.Lookup(ctx, sent.Token.Reveal())
	t.refused("Follow the old link", err, invitations.ErrInvalidToken)

	revoked, err := svc.Revoke(ctx, ada, "acme", sent.ID)
	t.done("Revoke it", err, revoked.State == invitations.StateRevoked,
		"%s is %s", revoked.Email, revoked.State)

	_, err = svc.Lookup(ctx, resent.Token.Reveal())
	t.refused("Follow the new link", err, invitations.ErrRevoked)

	// A link is for whoever holds it, here for two people.
	shared, err := svc.CreateLink(ctx, ada, invitations.LinkParams{
		Organization: "acme", Role: invitations.RoleViewer, MaxUses: 2,
	})
	for _, user := range []string{"bob", "carol"} {
		_, joinErr := svc.Accept(ctx, shared.Token.Reveal(), invitations.Identity{UserID: user})
		err = errors.Join(err, joinErr)
	}
	used, getErr := svc.Get(ctx, ada, "acme", shared.ID)
	t.done("Share a link for two", errors.Join(err, getErr), used.Uses == 2,
		"bob and carol joined; used %d of %d times", used.Uses, used.MaxUses)

	_, err = svc.Accept(ctx, shared.Token.Reveal(), invitations.Identity{UserID: "dave"})
	t.refused("Join as the third", err, invitations.ErrExhausted)

	var last invitations.Sent
	for i := range 10 {
		last, err = svc.Invite(ctx, ada, invitations.InviteParams{
			Organization: "acme", Email: fmt.Sprintf("guest%d@example.com", i+1), Role: invitations.RoleViewer,
		})
		t.check("inviting a guest", err)
	}
	eleventh := invitations.InviteParams{Organization: "acme", Email: "guest11@example.com", Role: invitations.RoleViewer}
	_, err = svc.Invite(ctx, ada, eleventh)
	t.refused("Invite while ten are pending", err, invitations.ErrPendingLimit)

	// No background job is needed: the clock alone decides.
	*now = last.ExpiresAt
	_, err = svc.Accept(ctx, last.Token.Reveal(), invitations.Identity{UserID: "guest10", Email: "guest10@example.com", EmailVerified: true})
	t.refused("Accept a week later", err, invitations.ErrExpired)

	sent, err = svc.Invite(ctx, ada, eleventh)
	t.done("Invite again, for the expired do not count", err, sent.State == invitations.StatePending,
		"%s is %s", sent.Email, sent.State)
}

// belonging is what comes after: roles, quotas, and the ways out.
func belonging(ctx context.Context, t *teller, svc *invitations.Service, now *time.Time) {
	ada, grace := invitations.User("ada"), invitations.User("grace")
	change := func(actor invitations.Actor, user string, role invitations.Role) (invitations.Member, error) {
		return svc.ChangeRole(ctx, actor, invitations.ChangeRoleParams{Organization: "acme", UserID: user, Role: role})
	}

	list, err := svc.Members(ctx, ada, invitations.MembersParams{Organization: "acme"})
	var members []string
	for _, m := range list.Members {
		members = append(members, fmt.Sprintf("%s (%s)", m.UserID, m.Role))
	}
	t.done("List the members", err, len(members) == 4, "%s", strings.Join(members, ", "))

	admin, err := change(ada, "grace", invitations.RoleAdmin)
	t.done("Change a role", err, admin.Role == invitations.RoleAdmin, "%s is %s now", admin.UserID, admin.Role)

	// Nobody gives what they do not hold.
	_, err = change(grace, "grace", invitations.RoleOwner)
	t.refused("Raise oneself", err, invitations.ErrRoleNotAssignable)

	developer, err := change(grace, "bob", invitations.RoleDeveloper)
	t.done("Change a role, as an admin", err, developer.Role == invitations.RoleDeveloper,
		"%s is %s now", developer.UserID, developer.Role)

	// Your own routes ask this at every request.
	_, err = svc.Authorize(ctx, "acme", "bob", invitations.PermissionOrganizationUse)
	t.done("Ask whether bob may make calls", err, true, "he may")
	_, err = svc.Authorize(ctx, "acme", "carol", invitations.PermissionOrganizationUse)
	t.refused("Ask whether carol may", err, invitations.ErrPermissionDenied)

	// The organization's quota and the personal ones are what you grant; an admin divides
	// the first among the members. What is counted is yours to say.
	acme, personal := invitations.InOrganization("acme"), invitations.Personal()
	for _, grant := range []invitations.QuotaParams{
		{Workspace: acme, Quota: invitations.Quota{Limit: 100, Period: invitations.PeriodMonth}},
		{Workspace: personal, UserID: "bob", Quota: invitations.Quota{Limit: 20, Period: invitations.PeriodMonth}},
	} {
		t.check("granting a quota", svc.SetQuota(ctx, invitations.System(), grant))
	}
	err = svc.SetQuota(ctx, grace, invitations.QuotaParams{
		Workspace: acme, UserID: "bob", Quota: invitations.Quota{Limit: 10, Period: invitations.PeriodDay},
	})
	quota, readErr := svc.Quota(ctx, grace, "acme", "bob")
	t.done("Set the quota of a member", errors.Join(err, readErr), left(quota) == 10, "bob has %s", tell(quota))

	spent, err := svc.Consume(ctx, acme, "bob", 8)
	t.done("Spend 8 in acme", err, left(spent) == 2, "%s", tell(spent))

	_, err = svc.Consume(ctx, acme, "bob", 5)
	var exceeded *invitations.QuotaExceededError
	if !errors.As(err, &exceeded) {
		exceeded = &invitations.QuotaExceededError{}
	}
	t.refused("Spend 5 more", err, invitations.ErrQuotaExceeded, tell(exceeded.Balance))

	// A workspace is named in every call that spends, so nothing is taken from the wrong one.
	workspaces, err := svc.Workspaces(ctx, invitations.WorkspacesParams{UserID: "bob"})
	choice := []string{"personal: " + tell(workspaces.Personal)}
	for _, o := range workspaces.Organizations {
		choice = append(choice, fmt.Sprintf("%s as %s: %s", o.ID, o.Role, tell(o.Balance)))
	}
	t.done("List the workspaces of bob", err, len(choice) == 2, "%s", strings.Join(choice, "; "))

	mine, err := svc.Consume(ctx, personal, "bob", 5)
	ours, readErr := svc.Remaining(ctx, acme, "bob")
	t.done("Spend 5 in the personal one", errors.Join(err, readErr), left(mine) == 15 && left(ours) == 2,
		"%s; in acme still %s", tell(mine), tell(ours))

	*now = now.AddDate(0, 0, 1)
	spent, err = svc.Consume(ctx, acme, "bob", 5)
	t.done("Spend 5 in acme a day later", err, left(spent) == 5, "%s", tell(spent))

	// Who goes takes along what they sent and could not send any more.
	sent, err := svc.Invite(ctx, grace, invitations.InviteParams{
		Organization: "acme", Email: "friend@example.com", Role: invitations.RoleAdmin,
	})
	t.check("inviting a friend", err)
	removed, err := svc.RemoveMember(ctx, ada, "acme", "grace")
	t.done("Remove an admin", err, removed.UserID == "grace", "%s is out", removed.UserID)
	_, err = svc.Members(ctx, grace, invitations.MembersParams{Organization: "acme"})
	t.refused("List the members, as who was removed", err, invitations.ErrPermissionDenied)
	_, err = svc.Lookup(ctx, sent.Token.Reveal())
	t.refused("Follow a link that grace sent", err, invitations.ErrRevoked)

	gone, err := svc.Leave(ctx, "acme", "bob")
	t.done("Leave", err, gone.UserID == "bob", "%s has left", gone.UserID)
	_, err = svc.Consume(ctx, acme, "bob", 1)
	t.refused("Spend 1 in acme, as who has left", err, invitations.ErrPermissionDenied)

	_, err = svc.Leave(ctx, "acme", "ada")
	t.refused("Leave as the last owner", err, invitations.ErrLastOwner)
	heir, err := svc.TransferOwnership(ctx, ada, invitations.TransferParams{
		Organization: "acme", From: "ada", To: "carol", Role: invitations.RoleBilling,
	})
	old, readErr := svc.Member(ctx, "acme", "ada")
	t.done("Transfer the ownership", errors.Join(err, readErr), heir.Role == invitations.RoleOwner && old.Role == invitations.RoleBilling,
		"%s is %s, %s is %s", heir.UserID, heir.Role, old.UserID, old.Role)
	gone, err = svc.Leave(ctx, "acme", "ada")
	t.done("Leave then", err, gone.UserID == "ada", "%s has left", gone.UserID)
}

// left returns how much can be spent, or -1 without a limit.
func left(b invitations.Balance) int64 {
	if amount, limited := b.Left(); limited {
		return amount
	}
	return -1
}

// tell says what is left of each quota.
func tell(b invitations.Balance) string {
	var quotas []string
	for _, u := range []*invitations.Usage{b.Own, b.Shared} {
		if u != nil {
			quotas = append(quotas, fmt.Sprintf("%d left of %d a %s", u.Left(), u.Limit, u.Period))
		}
	}
	return strings.Join(quotas, ", ")
}

// A teller prints the steps of the story, up to the first that did not end as expected.
type teller struct {
	out   io.Writer
	steps int
	err   error
}

// done is a step that must succeed, with a result that is as it should be.
func (t *teller) done(step string, err error, ok bool, result string, args ...any) {
	if t.check(step, err); !ok && t.err == nil {
		t.err = fmt.Errorf("%s: not the expected result", step)
	}
	t.print(step, fmt.Sprintf(result, args...))
}

// refused is a step that must end with the error want; more is what the error tells beside.
func (t *teller) refused(step string, err error, want *invitations.Error, more ...string) {
	if !errors.Is(err, want) && t.err == nil {
		t.err = fmt.Errorf("%s: got %v, want %v", step, err, want)
	}
	told := append([]string{fmt.Sprintf("refused, %s: %q", want.Code(), want.Message())}, more...)
	t.print(step, strings.Join(told, "; "))
}

// check remembers an error that no part of the story is.
func (t *teller) check(step string, err error) {
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("%s: %w", step, err)
	}
}

func (t *teller) print(step, result string) {
	if t.err == nil {
		t.steps++
		fmt.Fprintf(t.out, "%2d. %s: %s\n", t.steps, step, result)
	}
}
