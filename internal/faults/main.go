// Command faults shows that the library keeps its promises when servers, connections, disks and
// clients fail:
//
//	go run . -rounds 20
//	go run . -kinds 'cut after commit,full disk'
//
// In each round, clients work on a store under one kind of fault. They keep a journal of their calls
// and the answers. Then the fault ends, and a check reads everything and compares it with the
// journal:
//
//   - The effect of a call that was answered as done is there exactly once.
//   - A call that was refused or has failed has no effect.
//   - The effect of a call of unknown outcome is there entirely, or not at all. Repeating it finds out.
//   - No link is used more often than it may be, an email invitation is accepted once, there are no
//     more members than seats and no more consumed than the quotas have.
//   - There always is an owner, and the events give the rows.
//   - The feed has every event once and in order, and no reader has seen anything else.
//   - A new invitation can be accepted.
//
// Each kind has controls: rounds with a fault in the store, in a client or in the setup, which the
// check must find. The program exits with 1 if there was a violation, or if a control was not caught.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
)

func main() {
	if text := os.Getenv(childVariable); text != "" {
		fmt.Fprintln(os.Stderr, "faults: a client ended:", child(text))
		os.Exit(1)
	}
	rounds := flag.Int("rounds", 10, "rounds of each kind")
	only := flag.String("kinds", "", "the kinds, separated by commas; empty: all")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	held, err := show(ctx, *rounds, *only)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
	}
	if err != nil || !held {
		os.Exit(1)
	}
}

func allKinds() []kind {
	return append(cutKinds(),
		terminatedKind(), timeoutsKind(), fullDiskKind(), killedClientsKind(), killedServerKind(), promotedKind(), poolerKind(),
		killedWritersKind(), fullFileKind())
}

// show runs kinds and prints the table. It reports whether everything held.
func show(ctx context.Context, rounds int, only string) (held bool, err error) {
	kinds := allKinds()
	if only != "" {
		names := strings.Split(only, ",")
		kinds = slices.DeleteFunc(kinds, func(k kind) bool { return !slices.Contains(names, k.name) })
		if len(kinds) != len(names) {
			var known []string
			for _, k := range allKinds() {
				known = append(known, k.name)
			}
			return false, fmt.Errorf("the kinds are: %s", strings.Join(known, ", "))
		}
	}
	m := &machine{}
	defer m.close()
	var lines []outcome
	for _, k := range kinds {
		o := k.run(ctx, m, rounds)
		lines = append(lines, o)
		fmt.Fprintln(os.Stderr, o.progress())
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
	}
	return printTable(lines), nil
}

// An outcome is the line of one kind in the table.
type outcome struct {
	kind           string
	rounds, faults int
	answers        tally
	calls          int
	violations     []string
	caught, missed []string // controls
	skipped        error
	err            error // a round could not be finished
}

// run runs the rounds of a kind and of its controls.
func (k kind) run(ctx context.Context, m *machine, rounds int) (o outcome) {
	o = outcome{kind: k.name, answers: tally{}}
	s, err := k.open(ctx, m)
	if err != nil {
		var without skip
		if errors.As(err, &without) {
			o.skipped = err
		} else {
			o.err = err
		}
		return o
	}
	defer s.close()
	for n := range rounds {
		r := &round{n: n, name: unique("r")}
		violations, faults, err := r.perform(ctx, s)
		o.rounds++
		o.faults += faults
		for _, a := range []answer{done, refused, failed, unknown} {
			o.answers[a] += r.journal.count(a)
			o.calls += r.journal.count(a)
		}
		for _, v := range violations {
			o.violations = append(o.violations, fmt.Sprintf("round %d: %s", n, v))
		}
		if o.err = err; err != nil {
			return o
		}
	}
	for _, control := range k.controls {
		caught := false
		for n := 0; n < controlRounds && !caught; n++ {
			r := &round{n: n, name: unique("c"), control: control}
			violations, _, err := r.perform(ctx, s)
			if err != nil {
				o.err = fmt.Errorf("control %q: %w", control, err)
				return o
			}
			caught = len(violations) > 0
		}
		if caught {
			o.caught = append(o.caught, control)
		} else {
			o.missed = append(o.missed, control)
		}
	}
	return o
}

// controlRounds is how many rounds a control has to be caught. The first that catches it is the last. One
// round can miss it: a blind repeat is right if the answers that were lost are those of calls that a
// repetition does not change, which is so in up to two of five rounds with few lost answers.
const controlRounds = 40

var names int

// unique returns a name for the organization of a round.
func unique(prefix string) string {
	names++
	return fmt.Sprint(prefix, names)
}

func (o outcome) held() bool { return len(o.violations) == 0 && len(o.missed) == 0 && o.err == nil }

// progress tells the end of a kind, with the reasons if something did not hold.
func (o outcome) progress() string {
	switch {
	case o.skipped != nil:
		return fmt.Sprintf("SKIPPED: %s: %v", o.kind, o.skipped)
	case o.held():
		return o.kind + ": held"
	}
	text := o.kind + ": DID NOT HOLD"
	for _, v := range o.violations[:min(10, len(o.violations))] {
		text += "\n\t" + v
	}
	for _, control := range o.missed {
		text += "\n\tthe control was not caught: " + control
	}
	if o.err != nil {
		text += "\n\t" + o.err.Error()
	}
	return text
}

// printTable prints the table, and a last line that says what held. It reports whether everything did.
func printTable(lines []outcome) bool {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "kind\trounds\tfaults\tcalls\tdone\trefused\tfailed\tunknown\tviolations\tcontrols caught\t")
	var sum outcome
	held, ran := 0, 0
	var skipped []string
	for _, o := range lines {
		if o.skipped != nil {
			skipped = append(skipped, o.kind)
			fmt.Fprintf(w, "%s\tskipped\t\t\t\t\t\t\t\t\t\n", o.kind)
			continue
		}
		ran++
		if o.held() {
			held++
		}
		controls := fmt.Sprintf("%d of %d: %s", len(o.caught), len(o.caught)+len(o.missed), strings.Join(o.caught, ", "))
		if len(o.missed) > 0 {
			controls += "; MISSED: " + strings.Join(o.missed, ", ")
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n", o.kind, o.rounds, o.faults, o.calls,
			o.answers[done], o.answers[refused], o.answers[failed], o.answers[unknown], len(o.violations), controls)
		sum.rounds += o.rounds
		sum.faults += o.faults
		sum.calls += o.calls
		sum.violations = append(sum.violations, o.violations...)
		sum.caught = append(sum.caught, o.caught...)
		sum.missed = append(sum.missed, o.missed...)
	}
	_ = w.Flush()
	line := fmt.Sprintf("%d of %d kinds of faults held: %d violations in %d calls under %d faults, and %d of %d controls were caught",
		held, ran, len(sum.violations), sum.calls, sum.faults, len(sum.caught), len(sum.caught)+len(sum.missed))
	if len(skipped) > 0 {
		line += "; SKIPPED: " + strings.Join(skipped, ", ")
	}
	fmt.Println(line + ".")
	return held == ran
}
