// Command mutate removes one condition of the rules at a time, and shows which check notices.
//
//	go run ./internal/mutate -write docs/mutations.md
//
// It finds the decisions of the library and the functions that they call. In these it removes, one
// after the other, each condition of an if and each case of a switch, so that its branch is never
// taken, and each operand of && and ||, so that it restricts nothing.
//
// It explores the worlds of TestEveryState with the rules as they are, and repeats each step in
// which a condition matters without that condition: see mutant_test.go.txt. If no invariant breaks,
// it runs the other tests of the package. A mutant that passes those too has survived: either a
// test is missing, or the condition is not needed. explanations.go explains each survivor. The
// program fails if one is not explained.
//
// All mutants are one program, in which a number selects the condition that is removed. Two
// processes run at a time. The other tests take most of the time, so the program is not a part
// of make test.
package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

func main() {
	states := flag.Int("states", 100_000, "states that are explored with each mutant, over all worlds")
	write := flag.String("write", "", "the file to write the tables to")
	only := flag.Int("mutant", 0, "run this mutant only, and print its output")
	list := flag.Bool("list", false, "list the mutants, and run none")
	quick := flag.Bool("quick", false, "run no other tests")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, *states, *write, *only, *list, *quick); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		cancel()
		os.Exit(1)
	}
}

func run(ctx context.Context, states int, write string, only int, list, quick bool) error {
	root, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "github.com/go-invitations/invitations").Output()
	if err != nil {
		return fmt.Errorf("run it in the module of the library: %w", err)
	}
	dir := strings.TrimSpace(string(root))
	src, err := parse(ctx, dir)
	if err != nil {
		return err
	}
	mutants := src.mutate()
	if list {
		for i, m := range mutants {
			fmt.Println(i+1, m)
		}
		return nil
	}
	r := runner{ctx: ctx, dir: dir, states: states, quick: quick}
	if r.rules, err = ruleTests(dir); err != nil {
		return err
	}
	if r.temp, err = os.MkdirTemp("", "mutate"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(r.temp) }()
	if err := r.build(src); err != nil {
		return err
	}
	if only > 0 {
		fmt.Println(mutants[only-1])
		r.verbose = true
		r.judge(only, mutants[only-1])
		fmt.Println("the other tests:", mutants[only-1].result())
		return nil
	}
	whole := &mutant{function: "no mutation"} // the last one, to which no condition has a number
	err = r.judgeAll(append(slices.Clip(mutants), whole))
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case whole.killed():
		return fmt.Errorf("without a mutation, the tests fail: %s", whole.result())
	}
	report, err := tables(mutants, states)
	if write != "" {
		if err := os.WriteFile(write, report, 0o644); err != nil {
			return err
		}
	} else {
		fmt.Print(string(report))
	}
	return err
}

// A runner runs the tests with one mutation at a time.
type runner struct {
	ctx       context.Context
	dir, temp string
	states    int
	rules     []string // the tests of the rules
	verbose   bool
	quick     bool // run no other tests
}

// build compiles the tests of the package with all mutations in it.
func (r *runner) build(src *source) error {
	replace := map[string]string{}
	files := src.instrumented()
	files[filepath.Join(r.dir, "mutant.go")] = mutantFile
	files[filepath.Join(r.dir, "mutant_test.go")] = mutantTest
	for name, text := range files {
		to := filepath.Join(r.temp, filepath.Base(name))
		if err := os.WriteFile(to, text, 0o600); err != nil {
			return err
		}
		replace[name] = to
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	path := filepath.Join(r.temp, "overlay.json")
	if err := os.WriteFile(path, overlay, 0o600); err != nil {
		return err
	}
	build := exec.CommandContext(r.ctx, "go", "test", "-c", "-vet=off", "-overlay", path, "-o", filepath.Join(r.temp, "tests"), ".")
	build.Dir = r.dir
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// mutantFile and mutantTest are added to the package.
var (
	//go:embed mutant.go.txt
	mutantFile []byte
	//go:embed mutant_test.go.txt
	mutantTest []byte
)

// judgeAll explores the worlds with all mutants, and runs the other tests with those that live on.
func (r *runner) judgeAll(mutants []*mutant) error {
	var workers errgroup
	for from := range 2 {
		workers.start(func() error { return r.explore(1+from, mutants) })
	}
	if err := workers.wait(); err != nil || r.quick {
		return err
	}
	next := make(chan int)
	for range 2 {
		workers.start(func() error {
			for i := range next {
				r.judge(i+1, mutants[i])
				fmt.Fprintf(os.Stderr, "%d of %d: %s: %s\n", i+1, len(mutants), mutants[i], mutants[i].result())
			}
			return nil
		})
	}
	for i, m := range mutants {
		if r.ctx.Err() == nil && !m.killed() {
			next <- i
		}
	}
	close(next)
	return workers.wait()
}

// An errgroup runs functions at the same time.
type errgroup struct {
	workers sync.WaitGroup
	mu      sync.Mutex
	err     error
}

func (g *errgroup) start(f func() error) {
	g.workers.Go(func() {
		err := f()
		g.mu.Lock()
		defer g.mu.Unlock()
		g.err = errors.Join(g.err, err)
	})
}

func (g *errgroup) wait() error {
	g.workers.Wait()
	return g.err
}

var (
	explored = regexp.MustCompile(`^mutant (\d+): world "([^"]*)" breaks \[([^\]]*)\]`)
	quoted   = regexp.MustCompile(`"([^"]*)"`)
	failure  = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
)

// notMutated are the tests that read documents, or read or compile the source, which has all conditions.
const notMutated = "TestEveryState|TestREADME|TestDocuments|TestGuarantees|TestModules|TestRules_ArePure|TestImports|TestThreats"

// slow are tests of the rules that perform many random cases.
const slow = "TestHistories|TestClass13_DemotedMember|TestClass13_NobodyActs"

// judge runs the other tests with the mutation of this number: those of the rules, which stand in
// the package itself and fail most often, and then the rest.
func (r *runner) judge(number int, m *mutant) {
	rules := "^(" + strings.Join(r.rules, "|") + ")$"
	stages := [][]string{
		{"-test.run=" + rules, "-test.skip=^(" + notMutated + "|" + slow + ")"},
		{"-test.run=^(" + slow + ")"},
		{"-test.skip=" + rules + "|^(" + notMutated + ")"},
	}
	for _, stage := range stages {
		out, passed := r.tests(number, append(stage, "-test.failfast")...)
		if passed {
			continue
		}
		m.test = "a crash"
		// The longest name is that of the innermost test.
		for _, found := range failure.FindAllStringSubmatch(out, -1) {
			if m.test == "a crash" || len(found[1]) > len(m.test) {
				m.test = found[1]
			}
		}
		return
	}
}

// explore explores the worlds with every second mutation, beginning with one.
func (r *runner) explore(from int, mutants []*mutant) error {
	if from > len(mutants) {
		return nil
	}
	cmd := r.command(from, "-test.run=^TestMutants$", "-states="+strconv.Itoa(r.states))
	cmd.Env = append(cmd.Env, "INVITATIONS_MUTANTS="+strconv.Itoa(len(mutants)))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		found := explored.FindStringSubmatch(lines.Text())
		if found == nil {
			continue
		}
		number, _ := strconv.Atoi(found[1])
		m := mutants[number-1]
		m.world = found[2]
		for _, name := range quoted.FindAllStringSubmatch(found[3], -1) {
			m.invariants = append(m.invariants, name[1])
		}
		fmt.Fprintf(os.Stderr, "%d of %d: %s: %s\n", number, len(mutants), m, m.result())
	}
	return cmd.Wait()
}

// tests runs the compiled tests.
func (r *runner) tests(number int, args ...string) (out string, passed bool) {
	text, err := r.command(number, args...).CombinedOutput()
	if r.verbose {
		fmt.Println(string(text))
	}
	return string(text), err == nil
}

// command returns a run of the compiled tests with a mutation.
func (r *runner) command(number int, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(r.ctx, filepath.Join(r.temp, "tests"), append(args, "-test.timeout=5h")...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "INVITATIONS_MUTANT="+strconv.Itoa(number), "GOMAXPROCS=1")
	return cmd
}
