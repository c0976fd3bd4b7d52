package invitations_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// An observer notes the operations that begin and end.
type observer struct {
	mu    sync.Mutex
	began []string
	ended []error
}

type observedKey struct{}

// observe puts the operation into its context.
func (o *observer) observe(ctx context.Context, operation string) (context.Context, func(error)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.began = append(o.began, operation)
	return context.WithValue(ctx, observedKey{}, operation), func(err error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.ended = append(o.ended, err)
	}
}

func observed(o *observer) invitations.Config {
	config := atNoon()
	config.Observe = o.observe
	return config
}

// observedNames are the names of the operations that iterators repeat.
var observedNames = map[string]string{"AllInvitations": "Invitations", "AllMembers": "Members", "AllEvents": "Timeline"}

// Every operation is observed once, under its own name, and with the error that its caller gets.
// It calls the store in the context that the host returned.
func TestObserve_EveryOperation(t *testing.T) {
	t.Parallel()
	for _, want := range []error{nil, errors.New("connection refused"), invitations.ErrConflict} {
		for _, op := range operations() {
			var o observer
			name := op.method()
			if other, ok := observedNames[name]; ok {
				name = other
			}
			store := failing(want, factsFor(op.name), func(ctx context.Context) {
				require.Equal(t, name, ctx.Value(observedKey{}), op.name)
				require.Empty(t, o.ended, op.name)
			})
			_, err := op.call(t.Context(), serviceOn(t, store, observed(&o)))
			require.True(t, err == want, "%s: %v", op.name, err) //nolint:errorlint // the very error must arrive
			require.Equal(t, []string{name}, o.began)
			require.Equal(t, []error{want}, o.ended)
		}
	}
}

// Arguments that are refused before the store is asked are observed too, and no error has a token
// or an address in its text.
func TestObserve_Refusals(t *testing.T) {
	t.Parallel()
	var o observer
	svc := serviceOn(t, untouchable(), observed(&o))
	_, err := svc.Accept(t.Context(), "forged.secret", nina)
	require.ErrorIs(t, err, invitations.ErrInvalidToken)
	_, err = svc.Invite(t.Context(), olga, invitations.InviteParams{Organization: "acme", Email: "nina@secret", Role: "viewer"})
	require.ErrorIs(t, err, invitations.ErrInvalid)
	require.Equal(t, []string{"Accept", "Invite"}, o.began)
	require.Len(t, o.ended, 2)
	for _, err := range o.ended {
		require.False(t, strings.Contains(err.Error(), "secret"), err)
	}
}

// A panic of the store reaches the caller, and the operation ends with an error.
func TestObserve_Panic(t *testing.T) {
	t.Parallel()
	var o observer
	svc := serviceOn(t, &StoreMock{}, observed(&o)) // which has no method
	require.Panics(t, func() { _, _ = svc.Member(t.Context(), "acme", "olga") })
	require.Equal(t, []string{"Member"}, o.began)
	require.Len(t, o.ended, 1)
	require.Error(t, o.ended[0])
}

// A service without an observer allocates no more than one with an observer that does nothing.
func TestAlloc_ObserveNothing(t *testing.T) {
	store := &StoreMock{}
	allocated := func(config invitations.Config) float64 {
		svc := serviceOn(t, store, config)
		return testing.AllocsPerRun(100, func() { _ = svc.Decline(t.Context(), "forged") })
	}
	without := allocated(atNoon())
	config := atNoon()
	nothing := func(error) {}
	config.Observe = func(ctx context.Context, _ string) (context.Context, func(error)) { return ctx, nothing }
	require.Zero(t, without)
	require.LessOrEqual(t, allocated(config), without+1)
}
