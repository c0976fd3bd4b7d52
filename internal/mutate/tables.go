package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// tables returns the results as a document. It returns an error too if a survivor is not
// explained, or an explanation is for no survivor.
func tables(mutants []*mutant, states int) ([]byte, error) {
	var b bytes.Buffer
	var explored, tested, survived int
	invariants := map[string]int{}
	for _, m := range mutants {
		switch {
		case len(m.invariants) > 0:
			explored++
			for _, invariant := range m.invariants {
				invariants[invariant]++
			}
		case m.test != "":
			tested++
		default:
			survived++
		}
	}
	fmt.Fprintf(&b, `# Conditions removed from the rules

A test proves little if it passes without the rule that it is for. So this program removes each
condition of the decisions in turn, and looks for a check that fails:

    go run ./internal/mutate -write docs/mutations.md

It found %d conditions in the decisions and in the functions that they call: of an if, cases of a switch,
and operands of && and ||. A removed operand restricts nothing, and a removed if or case is never taken.
The exploration of states (TestEveryState, %d states) noticed %d of them. Other tests of the package
noticed %d more. %d survived, and are explained below.

## Invariants

How many removed conditions break each invariant. A condition can break several in one step.

| invariant | broken by |
|---|---|
`, len(mutants), states, explored, tested, survived)
	names := []string{}
	for name := range invariants {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "| %s | %d |\n", name, invariants[name])
	}

	b.WriteString("\n## Survivors\n\n| condition | why no test notices |\n|---|---|\n")
	var missing []string
	used := map[string]bool{}
	for _, m := range mutants {
		if m.killed() {
			continue
		}
		key := m.function + ": " + m.kind + " " + m.condition
		used[key] = true
		why, ok := explanations[key]
		if !ok {
			missing = append(missing, key)
			why = "**not explained**"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", place(m), why)
	}

	b.WriteString("\n## All\n\n| condition | noticed by |\n|---|---|\n")
	for _, m := range mutants {
		by := "nothing"
		switch {
		case len(m.invariants) > 0:
			by = "**" + strings.Join(m.invariants, "**, **") + "**"
		case m.test != "":
			by = "`" + m.test + "`"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", place(m), by)
	}
	var stale []string
	for key := range explanations {
		if !used[key] {
			stale = append(stale, key)
		}
	}
	slices.Sort(stale)
	if len(missing)+len(stale) > 0 {
		return b.Bytes(), fmt.Errorf("survivors without an explanation:\n  %s\nexplanations without a survivor:\n  %s",
			strings.Join(missing, "\n  "), strings.Join(stale, "\n  "))
	}
	return b.Bytes(), nil
}

// place returns the place and the text of a condition for a table.
func place(m *mutant) string {
	code := func(s string) string { return "`" + strings.ReplaceAll(s, "|", `\|`) + "`" }
	text := fmt.Sprintf("%s, %s: %s %s", m.file, code(m.function), code(m.kind), code(m.condition))
	if m.within != "" {
		text += " of " + code(m.within)
	}
	return text
}
