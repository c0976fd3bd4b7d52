package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/go-invitations/invitations"
)

// An effect is the trace that a call leaves: an event or, of a consumption, an amount.
type effect struct {
	Organization string
	Type         invitations.EventType
	ID           uuid.UUID // of the invitation
	User         string
}

// consumed is the type of the effect of a consumption, which leaves no event.
const consumed invitations.EventType = "consumed"

// effectOf returns the effect that an event tells, or no effect if no client makes calls that have it.
func effectOf(e invitations.Event) effect {
	f := effect{Organization: e.Organization, Type: e.Type, ID: e.InvitationID}
	switch e.Type {
	case invitations.EventInvitationCreated, invitations.EventInvitationResent:
	case invitations.EventInvitationRevoked:
		if e.Reason != "" {
			return effect{} // the consequence of another change
		}
	case invitations.EventInvitationAccepted:
		f.User = e.Actor
	case invitations.EventMemberJoined:
		if e.InvitationID != uuid.Nil {
			return effect{} // the other half of an acceptance
		}
		f.User = e.Subject
	case invitations.EventMemberRemoved, invitations.EventOwnershipTransferred:
		f.User = e.Subject
	default:
		return effect{}
	}
	return f
}

// once reports whether the effect can be there only once, however often the call is repeated.
func (f effect) once() bool {
	switch f.Type {
	case invitations.EventInvitationResent, invitations.EventOwnershipTransferred, consumed:
		return false
	}
	return true
}

// An answer is the outcome of a call for its caller.
type answer string

const (
	done    answer = "done"
	refused answer = "refused" // by a rule
	failed  answer = "failed"  // by an error that says that nothing changed
	unknown answer = "unknown" // also of a caller that did not live to see it
)

func answerOf(err error) answer {
	var refusal *invitations.Error
	switch {
	case err == nil:
		return done
	case errors.Is(err, invitations.ErrOutcomeUnknown):
		return unknown
	case errors.Is(err, invitations.ErrConcurrentChange):
		return failed
	case errors.As(err, &refusal):
		return refused
	}
	return failed
}

// A journal has the calls of a round and their answers.
type journal struct {
	mu      sync.Mutex
	calls   []call
	counts  map[answer]int
	seen    map[int64]string // the events that clients read in the feed, by position
	found   []string         // violations that a client saw
	errors  map[string]int   // the texts of the errors
	changed chan struct{}    // closed at the next change
}

// A call is one call of a client. One that only reads has no effect.
type call struct {
	Effect effect
	Answer answer // unknown until it is answered
}

func newJournal() *journal {
	return &journal{counts: map[answer]int{}, seen: map[int64]string{}, errors: map[string]int{}, changed: make(chan struct{})}
}

func (j *journal) begin(f effect) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, call{f, unknown})
	j.counts[unknown]++
	return len(j.calls) - 1
}

func (j *journal) end(n int, a answer, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.counts[j.calls[n].Answer]--
	j.counts[a]++
	j.calls[n].Answer = a
	if a == failed || a == unknown {
		j.errors[text]++
	}
	close(j.changed)
	j.changed = make(chan struct{})
}

// saw notes events that a client has read in the feed.
func (j *journal) saw(events []seenEvent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range events {
		if before, ok := j.seen[e.Position]; ok && before != e.Event {
			j.found = append(j.found, fmt.Sprintf("position %d of the feed was %s for one reader, and %s for another", e.Position, before, e.Event))
		}
		j.seen[e.Position] = e.Event
	}
}

// A seenEvent is an event that was read in the feed.
type seenEvent struct {
	Position int64
	Event    string
}

func seenOf(events []invitations.Event) []seenEvent {
	all := make([]seenEvent, len(events))
	for i, e := range events {
		all[i] = seenEvent{e.Position, nameOf(e)}
	}
	return all
}

func nameOf(e invitations.Event) string {
	return fmt.Sprintf("%s %d.%d %s", e.Organization, e.Version, e.Index, e.Type)
}

// count returns how many calls have one of the answers.
func (j *journal) count(answers ...answer) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, a := range answers {
		n += j.counts[a]
	}
	return n
}

// more waits until n more calls have one of the answers.
func (j *journal) more(ctx context.Context, n int, answers ...answer) error {
	for n += j.count(answers...); ; {
		j.mu.Lock()
		changed := j.changed
		j.mu.Unlock()
		if j.count(answers...) >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for answers %v: %w", answers, ctx.Err())
		}
	}
}

// A tally has the answers to the calls with one effect.
type tally map[answer]int

// tallies returns the answers by effect.
func (j *journal) tallies() map[effect]tally {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := map[effect]tally{}
	for _, c := range j.calls {
		if c.Effect == (effect{}) {
			continue
		}
		if all[c.Effect] == nil {
			all[c.Effect] = tally{}
		}
		all[c.Effect][c.Answer]++
	}
	return all
}
