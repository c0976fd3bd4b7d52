package linearizability

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/go-invitations/invitations/internal/pgtest"
)

var (
	seedFlag     = flag.Uint64("seed", 0, "the seed of the first round; 0 draws one")
	roundsFlag   = flag.Int("rounds", 0, "the rounds on each store; 0 means the default")
	durationFlag = flag.Duration("duration", 0, "the time for each store, in place of a number of rounds")
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// firstSeed returns the seed of the first round. The next rounds have the numbers after it.
func firstSeed(t *testing.T) uint64 {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(rand.Uint32())
	}
	t.Logf("-seed %d", seed)
	return seed
}

// defaultRounds are the rounds on each store. A busy machine may stop after defaultTime, but not
// before leastRounds, and says so.
var defaultRounds = map[string]int{"memory": 150, "SQLite": 25, "PostgreSQL": 8}

const (
	defaultTime = 25 * time.Second // for each store
	leastRounds = 3
)

// Every history has an order that the model explains.
func TestHistories_AreLinearizable(t *testing.T) {
	var all count
	rounds, tested := 0, 0
	for _, name := range slices.Sorted(maps.Keys(stores)) {
		t.Run(name, func(t *testing.T) {
			seed := firstSeed(t)
			begin := time.Now()
			var total count
			for n := 0; ; n++ {
				if isEnough, remark := enough(name, n, time.Since(begin)); isEnough {
					if total.undecided*20 > total.histories {
						t.Fatalf("%d of %d histories are undecided, which is too many to say that all held", total.undecided, total.histories)
					}
					t.Logf("held: %d rounds, %s%s", n, total, remark)
					rounds, tested = rounds+n, tested+1
					all.add(total)
					return
				}
				total.add(round(t, name, seed+uint64(n)))
			}
		})
	}
	if !t.Failed() {
		t.Logf("every decided history held: %d stores, %d rounds, %s", tested, rounds, all)
	}
}

// enough reports whether a number of rounds is enough, and adds a remark if it is not the number
// that was asked for.
func enough(store string, rounds int, taken time.Duration) (isEnough bool, remark string) {
	switch wanted := defaultRounds[store]; {
	case *durationFlag > 0:
		return taken >= *durationFlag, ""
	case *roundsFlag > 0:
		return rounds >= *roundsFlag, ""
	case rounds < wanted && rounds >= leastRounds && taken > defaultTime:
		return true, fmt.Sprintf("; stopped after %v in place of %d rounds", defaultTime, wanted)
	default:
		return rounds >= wanted, ""
	}
}

// round runs one round and checks its histories.
func round(t *testing.T, name string, seed uint64) count {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1<<32))
	store := stores[name](t)
	defer store.close()
	w := newWorld(anySettings(r), size{organizations: 2, clients: 4 + r.IntN(5), phases: 3, calls: 12}, store, true)
	w.run(seed)
	for _, fault := range w.faults {
		t.Errorf("-seed %d -rounds 1: %s", seed, fault)
	}
	for _, org := range slices.Sorted(maps.Keys(w.seen)) {
		h := w.of(org)
		w.count.histories++
		result, info := h.check(patience)
		switch result {
		case porcupine.Unknown:
			t.Logf("-seed %d -rounds 1: %s is undecided: %d operations took more than %v", seed, org, len(h.operations), patience)
			w.count.undecided++
		case porcupine.Illegal:
			small := h.shrink()
			t.Fatalf("-seed %d -rounds 1: no order explains the history of %s; %d of its %d operations remain:\n\n%s\n%s",
				seed, org, len(small.operations), len(h.operations), small.literal(), h.unexplained(info))
		}
	}
	return w.count
}

func (c count) String() string {
	return fmt.Sprintf("%d histories, %d of them undecided; %d operations, %d of them with an unknown outcome; faults: %d ended contexts, %d failures before a change, %d lost answers, %d terminated connections with %d failed calls",
		c.histories, c.undecided, c.operations, c.unknown, c.cut, c.failed, c.lost, c.terminated, c.broken)
}
