package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

var load = flag.Duration("load", 0, "how long to ask for each page, and print the rate and the slowest requests")

// No page reads the library's store more than three times.
func TestPages_ReadThreeTimes(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	require.NoError(t, w.app.addDemo(t.Context()))
	ada, err := w.app.findAccount(t.Context(), `email = $1`, demoAddress)
	require.NoError(t, err)
	team := w.demoTeam()
	link := w.invite(ada, team[len("/teams/"):], "new@example.com")
	store := &readsCounted{Store: w.app.db.store}
	w.app.svc = w.app.svc.WithStore(store)
	c := w.sessionWith(demoAddress, demoPassword)
	paths := []string{link, "/", "/personal", "/personal/usage", "/received", "/outbox"}
	for _, page := range []string{
		"invitations", "invitations?state=all", "invitations?email=e", "invitations/bulk", "members", "members?role=owner", "usage",
		"usage?period=day", "activity", "activity?group=members", "analytics", "analytics?period=all", "settings", "keys",
	} {
		paths = append(paths, team+"/"+page)
	}
	for _, path := range paths {
		store.n.Store(0)
		require.Less(t, c.do("GET", path, "").status, 400, path)
		require.LessOrEqual(t, store.n.Load(), int64(3), path)
		require.Positive(t, store.n.Load(), path) // each page at least reads the workspaces for its menu
	}
}

// TestLoad measures the pages of an organization with 10,000 invitations beside a page that reads
// nothing. It runs only with -load, because it takes a while and decides nothing.
func TestLoad(t *testing.T) {
	if *load == 0 {
		t.Skip("-load is not set")
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "database\tpage\tclients\trequests/s\tratio\tp50\tp99")
	for name, open := range map[string]func(testing.TB) *world{"SQLite": newSQLiteWorld, "PostgreSQL": newPostgresWorld} {
		w := open(t)
		w.app.limits.burst, w.app.pageLimits.burst = 1<<30, 1<<30
		ada, team := w.acme()
		w.fill(ada, team, 10_000)
		link := w.link(ada, invitations.CreateLinkParams{Organization: team})
		c := w.session(ada)
		for _, clients := range []int{1, 16} {
			var nothing float64
			for _, page := range []struct {
				name, path string
				*client
			}{
				{"reads nothing", "/register", w.nobody()}, {"invited person", link, w.nobody()},
				{"invitations", "/teams/" + team + "/invitations", c}, {"members", "/teams/" + team + "/members", c},
			} {
				rate, times := page.load(page.path, clients)
				if nothing == 0 {
					nothing = rate
				}
				_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%.0f\t%.3f\t%v\t%v\n", name, page.name, clients, rate, rate/nothing,
					times[len(times)/2].Round(10*time.Microsecond), times[len(times)*99/100].Round(10*time.Microsecond))
			}
		}
	}
	require.NoError(t, table.Flush())
}

// fill adds n pending invitations to a team.
func (w *world) fill(sender account, team string, n int) {
	w.t.Helper()
	ctx := w.t.Context()
	keys, err := invitations.NewKeyring(w.app.secret)
	require.NoError(w.t, err)
	svc, err := invitations.New(w.app.db.store, keys, invitations.Config{
		Clock: w.clock, PendingLimit: 100_000, SendsPerSender: -1, SendsPerOrganization: -1,
	})
	require.NoError(w.t, err)
	require.NoError(w.t, svc.SetLimits(ctx, invitations.System(), team, invitations.Limits{Pending: 100_000, Members: 100_000}))
	for i := 0; i < n; i += 100 {
		rows := make([]invitations.InviteParams, 100)
		for j := range rows {
			rows[j] = invitations.InviteParams{
				Organization: team, Role: invitations.RoleViewer, Email: fmt.Sprintf("guest%d@example.com", i+j),
			}
		}
		outcomes, err := svc.InviteAll(ctx, invitations.User(sender.ID), team, rows)
		require.NoError(w.t, err)
		for _, outcome := range outcomes {
			require.NoError(w.t, outcome.Err)
		}
	}
}

// load asks for a page from a number of clients, for as long as the flag says. It returns the
// requests in a second, and how long they took, sorted. The first requests of each client are not
// counted: they open connections, on which PostgreSQL plans each statement for the first time.
func (c *client) load(path string, clients int) (rate float64, times []time.Duration) {
	c.w.t.Helper()
	if path[0] == '/' {
		path = c.w.base + path
	}
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	var failed atomic.Int64
	var mu sync.Mutex
	visit := func() {
		began := time.Now()
		request, err := http.NewRequest(http.MethodGet, path, nil)
		if err != nil {
			failed.Add(1)
			return
		}
		request.Header = c.header.Clone()
		answer, err := transport.RoundTrip(request)
		if err != nil || answer.StatusCode >= http.StatusBadRequest {
			failed.Add(1)
			return
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		mu.Lock()
		defer mu.Unlock()
		times = append(times, time.Since(began))
	}
	each := func(f func()) {
		var all sync.WaitGroup
		for range clients {
			all.Go(f)
		}
		all.Wait()
	}
	each(func() {
		for range 20 {
			visit()
		}
	})
	times = nil
	start := time.Now()
	each(func() {
		for failed.Load() == 0 && time.Since(start) < *load {
			visit()
		}
	})
	require.Zero(c.w.t, failed.Load(), path)
	slices.Sort(times)
	return float64(len(times)) / time.Since(start).Seconds(), times
}
