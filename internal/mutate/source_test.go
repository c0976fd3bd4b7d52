package main

import (
	"go/token"
	"testing"

	"github.com/stretchr/testify/require"
)

// The program finds the conditions of decisions and of what they call, and no others, and marks
// each one so that the text still says the same.
func TestMutate(t *testing.T) {
	t.Parallel()
	const text = `package invitations

type rules struct{}

func (r rules) decide(a, b, c bool, s string) int {
	if a && b && !c {
		return 1
	}
	switch {
	case a || b && c:
		return called(a)
	}
	switch s {
	case "x":
		return 2
	}
	return 3
}

func (r rules) needs(a bool) int {
	if a {
		return 4
	}
	return 5
}

func called(a bool) int {
	if a {
		return 6
	}
	return 7
}

func other(a bool) int {
	if a {
		return 8
	}
	return 9
}
`
	s, err := newSource(token.NewFileSet(), map[string][]byte{"rules.go": []byte(text)}, nil)
	require.NoError(t, err)
	var found []string
	for _, m := range s.mutate() {
		found = append(found, m.String())
	}
	require.Equal(t, []string{
		"rules.go:6 rules.decide: if a && b && !c",
		"rules.go:6 rules.decide: && !c",
		"rules.go:6 rules.decide: && a",
		"rules.go:6 rules.decide: && b",
		"rules.go:10 rules.decide: case a || b && c",
		"rules.go:10 rules.decide: || a",
		"rules.go:10 rules.decide: || b && c",
		"rules.go:10 rules.decide: && b",
		"rules.go:10 rules.decide: && c",
		`rules.go:14 rules.decide: case "x"`,
		"rules.go:28 called: if a",
	}, found)
	marked := string(s.instrumented()["rules.go"])
	require.Contains(t, marked, "if without(1, with(3, a) && with(4, b) && with(2, !c)) {")
	require.Contains(t, marked, "case without(5, without(6, a) || without(7, with(8, b) && with(9, c))):")
	require.Contains(t, marked, `case never(10, "x"):`)
	require.Contains(t, marked, "if without(11, a) {\n\t\treturn 6")
	require.Contains(t, marked, "if a {\n\t\treturn 8")
}
