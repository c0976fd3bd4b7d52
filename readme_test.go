package invitations_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestREADME runs the quick start and compares its output, and finds every other piece of
// Go in a file that is compiled and run.
func TestREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	require.Less(t, strings.Index(string(readme), "```go"), len(strings.Join(strings.SplitAfter(string(readme), "\n")[:25], "")), "code by line 25")
	blocks := strings.Split(string(readme), "```")
	var sources strings.Builder
	for _, pattern := range []string{"*_test.go", "memstore/*_test.go", "pgstore/*_test.go", "mail/*_test.go", "examples/*/*.go"} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range names {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			sources.WriteString(unindent(string(text)))
		}
	}
	pieces := 0
	for i := 1; i < len(blocks); i += 2 {
		code, isGo := strings.CutPrefix(blocks[i], "go\n")
		switch {
		case !isGo:
		case strings.HasPrefix(code, "package main"):
			require.LessOrEqual(t, strings.Count(code, "\n"), 30)
			file := filepath.Join(t.TempDir(), "main.go")
			require.NoError(t, os.WriteFile(file, []byte(code), 0o600))
			out, err := exec.Command("go", "run", file).CombinedOutput()
			require.NoError(t, err, string(out))
			want, _, _ := strings.Cut(strings.SplitN(string(readme), "It prints:\n\n```\n", 2)[1], "```")
			require.Equal(t, want, string(out))
			pieces++
		default:
			require.True(t, strings.Contains(sources.String(), unindent(code)), "this piece of the README is in no file that is run:\n%s", code)
			pieces++
		}
	}
	require.GreaterOrEqual(t, pieces, 27)
}

// unindent returns text without the white space around its lines and without empty lines.
func unindent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}
