package sqlitestore

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// kill starts two processes on one file again and again, and kills each at random instants of its
// work. The next one goes on behind the last acknowledged user, so it repeats the calls that were
// cut. kill returns how many processes were killed, and the violations.
func kill(t *testing.T, store string, kills int, budget time.Duration) (killed int, found []string) {
	t.Helper()
	const workers = 4
	_, ours, path, token := scene(t, 0, 1_000_000)
	o := &outcome{joined: map[string]bool{}}
	var count atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for _, name := range []string{"a", "b"} {
		wg.Go(func() {
			from := make([]int, workers)
			for range kills / 2 {
				if time.Since(began) > budget {
					return
				}
				j := job{Path: path, Token: token, Store: store, Name: name, From: from, To: 1_000_000}
				p, err := start(j)
				if err == nil {
					err = p.work()
				}
				if err != nil {
					t.Error(err)
					return
				}
				next := slices.Clone(from)
				line := o.line(j)
				p.wait(t, rand.IntN(24), func(what string, worker, n int) {
					line(what, worker, n)
					if what == "joined" {
						next[worker] = n + 1
					}
				})
				from = next
				count.Add(1)
			}
		})
	}
	wg.Wait()
	killed = int(count.Load())
	return killed, o.violations(t, ours, killed*workers)
}

// Processes that are killed at random instants lose nothing that was acknowledged, leave nothing
// half done, and nothing is there twice when the calls are repeated. The time is bounded: a slow
// machine kills fewer processes.
func TestProcesses_KilledAtRandomInstants(t *testing.T) {
	t.Parallel()
	const kills = 200
	killed, found := kill(t, "", kills, 5*time.Minute)
	if killed < kills {
		t.Logf("this machine is slow: %d of %d processes were killed in the time for it", killed, kills)
	} else {
		t.Logf("%d processes were killed", killed)
	}
	if killed == 0 {
		t.Error("no process was killed")
	}
	for _, violation := range found {
		t.Error(violation)
	}
}

// The faults that the kills must find are found: an acknowledgement before the commit, a change in
// two steps, and, at any kill, a change that is there twice.
func TestProcesses_KillsFindFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"early", "torn", "twice"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			killed := 0
			for range 10 {
				n, found := kill(t, fault, 20, time.Hour)
				killed += n
				if len(found) > 0 {
					t.Logf("after %d kills: %s", killed, found[0])
					return
				}
			}
			t.Errorf("%d kills did not find the fault", killed)
		})
	}
}
