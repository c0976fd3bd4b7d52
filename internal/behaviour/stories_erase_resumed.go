package behaviour

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-invitations/invitations"
)

// A stopping store fails when so many calls have come, before their effect or after it.
type stopping struct {
	invitations.Store
	left  *int
	after bool
}

var errStopped = errors.New("the machine stopped")

func (s stopping) stop() bool {
	*s.left--
	return *s.left < 0
}

func (s stopping) Update(ctx context.Context, q invitations.Query, decide invitations.Decision) error {
	stops := s.stop()
	if stops && !s.after {
		return errStopped
	}
	err := s.Store.Update(ctx, q, decide)
	if stops && err == nil {
		return invitations.ErrOutcomeUnknown
	}
	return err
}

func (s stopping) Traces(ctx context.Context, p invitations.Person, limit int) ([]string, error) {
	if s.stop() {
		return nil, errStopped
	}
	return s.Store.Traces(ctx, p, limit)
}

func (s stopping) Workspaces(ctx context.Context, q invitations.WorkspaceQuery) (*invitations.QuotaRecord, []invitations.Membership, error) {
	if s.stop() {
		return nil, nil, errStopped
	}
	return s.Store.Workspaces(ctx, q)
}

// storyEraseResumed: an erasure that is interrupted at any step goes on where it stopped, row by
// row. Nothing is half erased: no invitation without its address is pending.
func storyEraseResumed(w *world) {
	w.company()
	for range 3 {
		for _, o := range []string{"acme", "zeta"} {
			w.resend(bob, w.inviteZed(o))
		}
		w.clock.Add(8 * day)
	}
	w.add("acme", zed, "admin")
	z := invitations.User(zed)
	w.accept(w.inviteZed("acme"), person("y", zedEmail))
	for n := range 3 {
		w.accept(w.invite(z, "acme", fmt.Sprintf("p%d@example.com", n), "viewer"), person(fmt.Sprint("p", n), fmt.Sprintf("p%d@example.com", n)))
	}
	w.leave("acme", zed)
	for _, p := range []invitations.EraseParams{{Email: zedEmail, Limit: 1}, {UserID: zed, Pseudonym: pseudonym, Limit: 1}} {
		calls, stops := 0, 0
		for done := false; !done; calls++ {
			left := calls % 5 / 2
			e, err := w.svc.WithStore(stopping{w.store, &left, calls%2 == 0}).Erase(w.ctx, p)
			switch {
			case err == nil:
				done = e.Done
			case errors.Is(err, errStopped), errors.Is(err, invitations.ErrOutcomeUnknown):
				stops++
			default:
				w.Fatalf("an interrupted erasure ended with: %v", err)
			}
			for _, o := range []string{"acme", "zeta"} {
				for _, r := range w.page(invitations.InvitationQuery{Organization: o, At: w.clock.Now(), Limit: 100}).Items {
					if r.Kind == invitations.KindEmail && r.Email == "" && (r.State == invitations.StatePending || len(r.Metadata) > 0 || r.Message != "") {
						w.Fatalf("after %d calls an invitation is half erased: %+v", calls, r)
					}
				}
			}
			if calls > 1000 {
				w.Fatal("the erasure has no end")
			}
		}
		if stops < 4 {
			w.Errorf("only %d of %d calls stopped", stops, calls)
		}
	}
	w.traceless([]string{"acme", "zeta"}, zedEmail, zedMessage, zedTeam, zed)
	for _, o := range []string{"acme", "zeta"} {
		w.explained(o)
	}
}

func storyEraseRefused(w *world) {
	w.company()
	w.role("acme", zed, "admin")
	w.invite(invitations.User(zed), "acme", "joe@example.com", "viewer")
	w.inviteZed("acme")
	w.leave("acme", zed)
	w.clock.Add(time.Hour)
	w.unchanged("refused", func() {
		for name, p := range map[string]invitations.EraseParams{
			"nobody":                   {},
			"both":                     {Email: zedEmail, UserID: zed},
			"an address, replaced":     {Email: zedEmail, Pseudonym: pseudonym},
			"no address":               {Email: "zed"},
			"no pseudonym":             {UserID: zed},
			"the same pseudonym":       {UserID: zed, Pseudonym: zed},
			"a pseudonym with control": {UserID: zed, Pseudonym: "a\nb"},
			"too long a pseudonym":     {UserID: zed, Pseudonym: strings.Repeat("x", 256)},
			"too many rows":            {Email: zedEmail, Limit: 1001},
			"no rows":                  {Email: zedEmail, Limit: -1},
			"only a pseudonym":         {Pseudonym: pseudonym},
		} {
			e, err := w.svc.Erase(w.ctx, p)
			w.refusal(name, err, invitations.ErrInvalid)
			w.equal("the progress of a refusal", e, invitations.Erasure{})
		}
	})
	// One pseudonym may stand for many.
	w.erase(invitations.EraseParams{UserID: zed, Pseudonym: pseudonym})
	w.role("acme", "eve", "admin")
	w.invite(invitations.User("eve"), "acme", "kim@example.com", "viewer")
	w.leave("acme", "eve")
	w.erase(invitations.EraseParams{UserID: "eve", Pseudonym: pseudonym})
	w.traceless([]string{"acme"}, zed, `"eve"`)
}
