// Compare runs the benchmarks that compare the library with its peers, several times each, and
// prints one table of ratios. A ratio is the speed of the library in units of the speed of the
// peer: 2 means twice as fast. The last line says in how many comparisons the library was faster in every run.
//
//	go run ./compare
//	go run ./compare -bench Permissions -runs 10
//
// In each run, library and peer do their work in turn. All benchmarks run once before the first
// one runs again, so a slow minute of the machine concerns all of them.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func main() {
	bench := flag.String("bench", "Tokens|Permissions|Verbs/.*/clients=16", "the benchmarks, as for go test")
	runs := flag.Int("runs", 6, "how often each benchmark runs")
	flag.Parse()
	if err := compare(*bench, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// compare builds the benchmarks in the present folder, runs them and prints the table.
func compare(bench string, runs int) error {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "bench.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	var t table
	for run := range runs {
		fmt.Fprintf(os.Stderr, "run %d of %d\n", run+1, runs)
		var output bytes.Buffer
		test := exec.Command(binary, "-test.run", "^$", "-test.bench", bench, "-test.benchtime", "1x")
		test.Stdout, test.Stderr = &output, os.Stderr
		if err := test.Run(); err != nil {
			return fmt.Errorf("%w\n%s", err, output.String())
		}
		t.read(output.String())
	}
	return t.print(os.Stdout)
}

// A comparison has the ratios of all runs.
type comparison struct {
	name, peer string
	ratios     []float64
}

// A table has the comparisons in the order of the benchmarks.
type table []comparison

var (
	// A result is the line of a benchmark, whose name ends with the number of processors.
	result = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)
	// A ratio is a number with the unit "ratio" or "PEER-ratio".
	ratio = regexp.MustCompile(`(\S+)\s+(?:(\S+)-)?ratio\b`)
)

// read adds the ratios in the output of benchmarks.
func (t *table) read(output string) {
	for _, line := range result.FindAllStringSubmatch(output, -1) {
		for _, found := range ratio.FindAllStringSubmatch(line[2], -1) {
			value, err := strconv.ParseFloat(found[1], 64)
			if err != nil {
				continue
			}
			peer := found[2]
			if peer == "" {
				peer = "SQL by hand"
			}
			t.add(line[1], peer, value)
		}
	}
}

func (t *table) add(name, peer string, value float64) {
	for i, c := range *t {
		if c.name == name && c.peer == peer {
			(*t)[i].ratios = append(c.ratios, value)
			return
		}
	}
	*t = append(*t, comparison{name, peer, []float64{value}})
}

// print writes the table and the line that says what held.
func (t table) print(w io.Writer) error {
	if len(t) == 0 {
		return errors.New("no benchmark reported a ratio")
	}
	name, peer := len("comparison"), len("peer")
	for _, c := range t {
		name, peer = max(name, len(c.name)), max(peer, len(c.peer))
	}
	var text strings.Builder
	row := func(columns ...any) {
		fmt.Fprintf(&text, "%-*s  %-*s  %7v  %7v  %7v  %4v\n", append([]any{name, columns[0], peer}, columns[1:]...)...)
	}
	row("comparison", "peer", "median", "lowest", "highest", "runs")
	var faster, slower, neither []string
	for _, c := range t {
		r := slices.Sorted(slices.Values(c.ratios))
		n := len(r)
		middle := (r[(n-1)/2] + r[n/2]) / 2
		row(c.name, c.peer, short(middle), short(r[0]), short(r[n-1]), n)
		switch name := c.name + " (" + c.peer + ")"; {
		case r[0] > 1:
			faster = append(faster, name)
		case r[n-1] < 1:
			slower = append(slower, name)
		default:
			neither = append(neither, name)
		}
	}
	fmt.Fprintf(&text, "\nOf %d comparisons, the library was faster in every run in %d%s%s.\n", len(t), len(faster),
		listed("slower in every run in ", slower), listed("neither in ", neither))
	_, err := io.WriteString(w, text.String())
	return err
}

// listed returns a part of the last line, unless there is nothing to list.
func listed(words string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(", %s%d: %s", words, len(names), strings.Join(names, ", "))
}

// short returns a number in two significant digits.
func short(x float64) string {
	two, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 2, 64), 64)
	if err != nil {
		return err.Error()
	}
	return strconv.FormatFloat(two, 'f', -1, 64)
}
