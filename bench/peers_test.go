package bench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A contestant does one piece of work. Its name is that of a library, or says how the work is
// done.
type contestant struct {
	name string
	run  func() error
}

// inTurn runs the contestants in turn. It reports the speed of the first one in units of the
// speed of each other one, as the median of many turns: 2 means twice as fast. A turn of one
// contestant takes about two milliseconds, and the order rotates.
func inTurn(b *testing.B, contestants ...contestant) {
	const turns, turn = 60, 2 * time.Millisecond
	block := func(c contestant, calls int) time.Duration {
		began := time.Now()
		for range calls {
			if err := c.run(); err != nil {
				b.Fatalf("%s: %v", c.name, err)
			}
		}
		return time.Since(began)
	}
	calls := make([]int, len(contestants))
	for i, c := range contestants {
		for calls[i] = 1; block(c, calls[i]) < turn; calls[i] *= 2 {
		}
	}
	speed := make([]float64, len(contestants))
	ratios := make([][]float64, len(contestants))
	for b.Loop() {
		for t := range turns {
			for i := range contestants {
				i = (i + t) % len(contestants)
				speed[i] = float64(calls[i]) / block(contestants[i], calls[i]).Seconds()
			}
			for i := range contestants {
				ratios[i] = append(ratios[i], speed[0]/speed[i])
			}
		}
	}
	b.ReportMetric(0, "ns/op") // of all contestants together, which has no meaning
	for i, c := range contestants[1:] {
		b.ReportMetric(median(ratios[i+1]), c.name+"-ratio")
	}
}

// must returns the value of a call that cannot fail.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// answers returns an error unless got is want.
func answers[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("got %v in place of %v", got, want)
	}
	return nil
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	require.NoError(t, answers(true, true))
	require.Error(t, answers(true, false))
}
