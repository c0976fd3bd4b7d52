package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

func TestAddDemo_IsAlive(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	ctx := t.Context()
	require.NoError(t, w.app.addDemo(ctx))
	ada, err := w.app.signIn(ctx, demoAddress, demoPassword)
	require.NoError(t, err)
	workspaces, err := w.app.workspacesOf(ctx, ada)
	require.NoError(t, err)
	names := map[string]workspace{}
	for _, one := range workspaces {
		names[one.Name] = one
	}
	acme, ok := names["Acme"]
	if !ok || acme.Role != invitations.RoleOwner || names["Difference Engines"].ID == "" {
		t.Fatalf("the teams of Ada: %v", names)
	}
	statistics, err := w.app.svc.Statistics(ctx, ada.actor(), invitations.StatisticsParams{Organization: acme.ID})
	require.NoError(t, err)
	f := statistics.Total
	for state, n := range map[string]int{
		"pending": f.Pending, "accepted": f.Accepted, "declined": f.Declined, "revoked": f.Revoked, "expired": f.Expired,
		"people joining by links": f.Joined - f.Accepted,
	} {
		if n == 0 {
			t.Errorf("no invitation is %s", state)
		}
	}
	received, err := w.app.svc.Received(ctx, ada.identity(), invitations.ReceivedParams{})
	require.NoError(t, err)
	if len(received.Items) < 2 {
		t.Error("Ada has too few invitations")
	}
	seen := map[invitations.EventType]bool{}
	last := w.clock().AddDate(-1, 0, 0)
	for e, err := range w.app.svc.AllEvents(ctx, ada.actor(), invitations.TimelineParams{Organization: acme.ID}) {
		require.NoError(t, err)
		if seen[e.Type] = true; e.At.Before(last) || e.At.After(w.clock()) {
			t.Errorf("%s at %v, after one at %v", e.Type, e.At, last)
		}
		last = e.At
	}
	if len(seen) < 13 {
		t.Errorf("only %d types of events: %v", len(seen), seen)
	}
	usage, err := w.app.svc.Usage(ctx, ada.actor(), invitations.UsageParams{Organization: acme.ID, Period: invitations.PeriodMonth})
	require.NoError(t, err)
	if len(usage.Members) < 5 {
		t.Errorf("the use of %d members is counted by month", len(usage.Members))
	}
	waiting, err := w.app.letters(ctx, `where next_at > 0`)
	require.NoError(t, err)
	if len(waiting) > 0 {
		t.Errorf("%d letters wait, first of all that to %s", len(waiting), waiting[0].Recipient)
	}
}

func TestAddDemo_WithAccounts_DoesNothing(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	alan := w.account("Alan Turing", "alan@example.com", true)
	require.NoError(t, w.app.addDemo(t.Context()))
	if _, err := w.app.signIn(t.Context(), demoAddress, demoPassword); err == nil {
		t.Error("the demonstration has an account")
	}
	workspaces, err := w.app.workspacesOf(t.Context(), alan)
	require.NoError(t, err)
	if len(workspaces) != 1 {
		t.Errorf("%d workspaces", len(workspaces))
	}
}
