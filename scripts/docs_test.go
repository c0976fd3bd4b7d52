package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// TestThreats_NamesExist finds every Go name that docs/threats.md mentions in the code.
func TestThreats_NamesExist(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../docs/threats.md")
	require.NoError(t, err)
	names := regexp.MustCompile("`([A-Z]\\w+)`").FindAllSubmatch(document, -1)
	require.NotEmpty(t, names)
	code := words(t, "..")
	var missing []string
	for _, name := range names {
		isSQL := strings.ToUpper(string(name[1])) == string(name[1])
		if !isSQL && !code[string(name[1])] {
			missing = append(missing, string(name[1]))
		}
	}
	require.Empty(t, missing, "docs/threats.md names what is not in the code")
}

// words returns the set of all words in the Go files below a folder.
func words(t *testing.T, dir string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		for w := range strings.FieldsFuncSeq(string(text), func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_'
		}) {
			all[w] = true
		}
		return err
	}))
	return all
}
