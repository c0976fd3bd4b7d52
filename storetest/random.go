package storetest

import "math/rand/v2"

// repeatSeed is the seed of a failure, to run it again; 0 is another one each time.
const repeatSeed = 0

// random returns what a check decides by. Its seed is logged, and shown where the check fails.
func (w *world) random() *rand.Rand {
	w.Helper()
	seed := rand.Uint64()
	if repeatSeed != 0 {
		seed = repeatSeed
	}
	w.Logf("seed %d, see repeatSeed", seed)
	return seeded(seed)
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }
