package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

const (
	crowdSize   = 64 // how many act at once
	crowdRounds = 4
	pairRounds  = 30
)

// together runs n calls of f that start at the same instant, and returns what they return,
// in order.
func together[T any](n int, f func(i int) T) []T {
	results := make([]T, n)
	var ready, done sync.WaitGroup
	ready.Add(n)
	barrier := make(chan struct{})
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-barrier
			results[i] = f(i)
		})
	}
	ready.Wait()
	close(barrier)
	done.Wait()
	return results
}

// An answer is what a call returned.
type answer[T any] struct {
	value T
	err   error
}

func answerOf[T any](value T, err error) answer[T] { return answer[T]{value, err} }

// tally returns how many answers are successes, and an error if any of the others is not
// one of the refusals.
func tally[T any](answers []answer[T], refusals ...error) (successes int, err error) {
next:
	for _, a := range answers {
		if a.err == nil {
			successes++
			continue
		}
		for _, refusal := range refusals {
			if errors.Is(a.err, refusal) {
				continue next
			}
		}
		return successes, fmt.Errorf("a call ended with: %w", a.err)
	}
	return successes, nil
}

// rounds runs f for as many organizations, each founded by ada.
func rounds(n int, store invitations.Store, f func(svc *invitations.Service, organization string) error) error {
	svc := newService(store, &clock{now: start}, testKey(1))
	for round := range n {
		organization := fmt.Sprintf("round %d", round)
		if _, err := svc.CreateOrganization(context.Background(), organization, "ada"); err != nil {
			return err
		}
		if err := f(svc, organization); err != nil {
			return fmt.Errorf("%s: %w", organization, err)
		}
	}
	return nil
}

// joined returns how many members joined by the invitation, from the events, and checks
// that the store shows as many of the users as members.
func joined(ctx context.Context, store invitations.Store, organization string, inv uuid.UUID, users []string) (int, error) {
	s, err := readState(ctx, store, organization, users...)
	if err != nil {
		return 0, err
	}
	events, members := 0, 0
	for _, e := range s.Events.Items {
		if e.Type == invitations.EventMemberJoined && e.InvitationID == inv {
			events++
		}
	}
	for _, m := range s.Facts.Members {
		if m.InvitationID == inv {
			members++
		}
	}
	for _, r := range s.Invitations.Items {
		if r.ID == inv && r.Uses != members {
			return members, fmt.Errorf("the invitation counts %d uses, and there are %d members by it", r.Uses, members)
		}
	}
	if events != members {
		return members, fmt.Errorf("there are %d members by the invitation, and events of %d", members, events)
	}
	return members, nil
}

func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s %d", prefix, i)
	}
	return out
}

// want returns an error if got is not want.
func want(what string, got, want int) error {
	if got != want {
		return fmt.Errorf("%s: got %d, want %d", what, got, want)
	}
	return nil
}
