package behaviour

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/go-invitations/invitations"
)

var stormChecks = []check{
	{"Class14_ActsInAnOrderThatExplainsThem", storms},
}

// storms runs up to 8 storms. It begins none after half a second, but runs at least three, so
// that it never fails because a machine is slow.
func storms(w *world) {
	begin, n := time.Now(), 0
	for ; n < 3 || n < 8 && time.Since(begin) < time.Second/2; n++ {
		w.ok(storm(w.ctx, w.store, n))
	}
	w.Logf("%d storms", n)
}

var ranks = []invitations.Role{"owner", "admin", "developer", "viewer"}

// storm lets 64 calls of all kinds act at once in one organization. It returns an error if the
// order of the events does not explain all of them, or if the store shows something else than
// the events leave.
func storm(ctx context.Context, store invitations.Store, n int) error {
	organization := fmt.Sprintf("storm %d", n)
	now := &clock{now: start}
	config := invitations.Config{Clock: now.Now, RemindBefore: 2 * day, MemberLimit: 20, ReserveSeats: true}
	svc := configured(store, config, testKey(1))
	law := lawOf(svc, config)
	email := fmt.Sprintf("ann%d@example.com", n) // of this storm only, because an erasure concerns all organizations
	ann := person("ann", email)
	var c invitations.Changes
	var users []string
	for i := range 12 {
		m := member(organization, fmt.Sprintf("user %d of %d", i, n), ranks[i%len(ranks)])
		law.users["erased "+m.UserID] = m.UserID
		users, c.Members = append(users, m.UserID), append(c.Members, m)
		c.Events = append(c.Events, invitations.Event{
			Organization: organization, Type: invitations.EventMemberJoined, At: start, Subject: m.UserID, Role: m.Role,
		})
	}
	if err := put(ctx, store, organization, c); err != nil {
		return err
	}
	sender := invitations.User(users[n%2])
	link, err := svc.CreateLink(ctx, sender, invitations.CreateLinkParams{Organization: organization, Role: "admin"})
	if err != nil {
		return err
	}
	mail, err := svc.Invite(ctx, sender, invitations.InviteParams{Organization: organization, Email: email, Role: "admin"})
	if err != nil {
		return err
	}
	now.Add(6 * day) // the reminder of mail is due
	var calls []func() error
	for i := range 64 {
		actor, user, heir := users[rand.IntN(8)], users[rand.IntN(len(users))], users[rand.IntN(4)]
		sent := []invitations.SentInvitation{link, mail}[rand.IntN(2)]
		all := append(acts(ctx, svc, organization, actor, user, sent), []func() error{
			func() error { return second(svc.Leave(ctx, organization, user)) },
			func() error {
				return second(svc.TransferOwnership(ctx, invitations.User(actor), invitations.TransferOwnershipParams{
					Organization: organization, From: actor, To: heir, Role: ranks[1+rand.IntN(3)],
				}))
			},
			func() error {
				return second(svc.ChangeRole(ctx, invitations.User(actor), invitations.ChangeRoleParams{Organization: organization, UserID: user, Role: "owner"}))
			},
			func() error { return second(svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: user})) },
			func() error {
				return second(svc.Accept(ctx, link.Token.Reveal(), invitations.Identity{UserID: fmt.Sprint("guest ", i)}))
			},
			func() error { return second(svc.Accept(ctx, mail.Token.Reveal(), ann)) },
			func() error { return second(svc.AcceptReceived(ctx, organization, mail.ID, ann)) },
			func() error { return svc.Decline(ctx, mail.Token.Reveal()) },
			func() error { return second(svc.Sweep(ctx, 10)) },
			func() error {
				return svc.SetLimits(ctx, invitations.System(), organization, stormLimits[rand.IntN(len(stormLimits))])
			},
			func() error {
				return second(svc.AddMember(ctx, invitations.User(actor), invitations.AddMemberParams{
					Organization: organization, UserID: fmt.Sprint("guest ", i), Role: ranks[1+rand.IntN(3)], Email: email,
				}))
			},
			func() error {
				return second(svc.SetMetadata(ctx, invitations.User(actor), invitations.SetMetadataParams{
					Organization: organization, UserID: user, Metadata: map[string]string{"n": user},
				}))
			},
			func() error { return second(svc.Erase(ctx, invitations.EraseParams{Email: email})) },
			func() error {
				return second(svc.Erase(ctx, invitations.EraseParams{UserID: user, Pseudonym: "erased " + user}))
			},
		}...)
		calls = append(calls, all[rand.IntN(len(all))])
	}
	for _, err := range atOnce(calls) {
		if err != nil && !slices.ContainsFunc(stormRefusals, func(refusal error) bool { return errors.Is(err, refusal) }) {
			return fmt.Errorf("a call ended with: %w", err)
		}
	}
	_, err = explained(ctx, store, law, organization)
	return err
}

// stormLimits are the limits that come and go in a storm.
var stormLimits = []invitations.Limits{
	{}, {Members: invitations.NoLimit}, {Members: 13}, {Members: 16, Pending: 3}, {SeatlessRoles: []invitations.Role{"viewer"}}, {NoLinks: true},
}

var stormRefusals = []error{
	invitations.ErrPermissionDenied, invitations.ErrRoleNotAssignable, invitations.ErrNotFound, invitations.ErrLastOwner,
	invitations.ErrInvalid, invitations.ErrNotPending, invitations.ErrAlreadyInvited, invitations.ErrPendingLimit,
	invitations.ErrInvalidToken, invitations.ErrAlreadyMember, invitations.ErrMemberLimit, invitations.ErrSenderNotEntitled,
	invitations.ErrLinksNotAllowed, invitations.ErrConflict,
}

// acts returns the acts of an actor on a user and on an invitation.
func acts(ctx context.Context, svc *invitations.Service, organization, actor, user string, sent invitations.SentInvitation) []func() error {
	a := invitations.User(actor)
	change := func(role invitations.Role) func() error {
		return func() error {
			return second(svc.ChangeRole(ctx, a, invitations.ChangeRoleParams{Organization: organization, UserID: user, Role: role}))
		}
	}
	return []func() error{
		change("developer"),
		change("admin"),
		func() error { return second(svc.RemoveMember(ctx, a, organization, user)) },
		func() error {
			return svc.SetQuota(ctx, a, invitations.SetQuotaParams{
				Workspace: invitations.InOrganization(organization), UserID: user, Quota: invitations.Quota{Limit: 1, Period: invitations.PeriodDay},
			})
		},
		func() error {
			return second(svc.Invite(ctx, a, invitations.InviteParams{Organization: organization, Email: "x@example.com", Role: "admin"}))
		},
		func() error {
			return second(svc.CreateLink(ctx, a, invitations.CreateLinkParams{Organization: organization, Role: "viewer"}))
		},
		func() error {
			return second(svc.Resend(ctx, a, invitations.ResendParams{Organization: organization, ID: sent.ID}))
		},
		func() error { return second(svc.Revoke(ctx, a, organization, sent.ID)) },
		func() error {
			return second(svc.Edit(ctx, a, invitations.EditParams{Organization: organization, ID: sent.ID, Role: "viewer"}))
		},
		func() error {
			return second(svc.InviteAll(ctx, a, organization, []invitations.InviteParams{row("y@example.com"), row("z@example.com")}))
		},
	}
}

// atOnce makes calls that start at the same instant, and returns their errors in order.
func atOnce(calls []func() error) []error {
	errs := make([]error, len(calls))
	var ready, done sync.WaitGroup
	ready.Add(len(calls))
	barrier := make(chan struct{})
	for i, call := range calls {
		done.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
				}
			}()
			ready.Done()
			<-barrier
			errs[i] = call()
		})
	}
	ready.Wait()
	close(barrier)
	done.Wait()
	return errs
}
