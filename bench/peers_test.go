package bench_test

import (
	"fmt"
	"syscall"
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
// speed of each other one, as the median of many turns: 2 means twice as fast. now is the clock
// that measures them. A turn of one contestant takes about four milliseconds, and the order alternates.
func inTurn(b *testing.B, now func() time.Duration, contestants ...contestant) {
	const turns, turn = 40, 4 * time.Millisecond
	block := func(c contestant, calls int) time.Duration {
		began := now()
		for range calls {
			if err := c.run(); err != nil {
				b.Fatalf("%s: %v", c.name, err)
			}
		}
		return now() - began
	}
	calls := make([]int, len(contestants))
	for i, c := range contestants {
		// Twice, because one block may pay for the garbage of another.
		for calls[i] = 1; min(block(c, calls[i]), block(c, calls[i])) < turn; calls[i] *= 2 {
		}
	}
	speed := make([]float64, len(contestants))
	ratios := make([][]float64, len(contestants))
	for b.Loop() {
		for t := range turns {
			for i := range contestants {
				if t%2 == 1 {
					i = len(contestants) - 1 - i
				}
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

// processor is a clock of the processor time that this process has used, the collection of its
// garbage included. Other programs on the machine do not advance it.
func processor() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

var started = time.Now()

// wall is a clock on the wall, for work that waits.
func wall() time.Duration { return time.Since(started) }

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
