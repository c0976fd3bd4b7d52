package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want counts
	}{
		{"", counts{}},
		{"12 + 34 -- '", counts{}},
		{"A store must copy values.", counts{words: 5, binding: 1}},
		{"Who is first? Whoever asks what, and whatever; you SHOULD.", counts{words: 10, vague: 4, binding: 1}},
		{"who's there: somewhat, mustard", counts{words: 5, vague: 1}},
		{"what/who", counts{words: 2, vague: 2}},
		{"the 'what' of it", counts{words: 4, vague: 1}},
	} {
		require.Equal(t, c.want, count(c.text), c.text)
	}
}

func TestPerThousand(t *testing.T) {
	t.Parallel()
	c := counts{words: 2000, vague: 6, binding: 5}
	require.InDelta(t, 3, c.vaguePerThousand(), 1e-9)
	require.InDelta(t, 2.5, c.bindingPerThousand(), 1e-9)
	require.Zero(t, counts{}.vaguePerThousand())
}

func TestComments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a.go", `// Package a is counted.
//
//	who := "code is not"
package a

//go:embed what
//nolint:who // what

/* Blocks
are. */
const url = "https://who.example" // so are ends of lines
`)
	write(t, dir, "a_test.go", "// Package a has tests, and who counts them?\npackage a\n")
	text, err := comments(dir)
	require.NoError(t, err)
	require.Equal(t, "Package a is counted.\n\n Blocks\nare.\nso are ends of lines\n", text)

	write(t, dir, "b.go", "not Go")
	_, err = comments(dir)
	require.Error(t, err)
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	name := write(t, t.TempDir(), "README.md", "# Title\n\n```go\nwho()\n```\n[a link](https://who.example) to `code`\n")
	text, err := markdown(name)
	require.NoError(t, err)
	require.Equal(t, "# Title\n\n[a link] to `code`\n", text)
}

func write(t *testing.T, dir, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
