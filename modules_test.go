package invitations_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every module of the repository is in go.work, from which the Makefile has its list, and in the
// configuration of dependabot.
func TestModules_AreListed(t *testing.T) {
	t.Parallel()
	var modules []string
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "go.mod" {
			modules = append(modules, filepath.ToSlash(filepath.Dir(path)))
		}
		return err
	}))
	require.Greater(t, len(modules), 1)
	for file, line := range map[string]*regexp.Regexp{
		"go.work":                regexp.MustCompile(`(?m)^\t(\.\S*)$`),
		".github/dependabot.yml": regexp.MustCompile(`(?m)^      - (/\S*)$`),
	} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var listed []string
		for _, found := range line.FindAllStringSubmatch(string(text), -1) {
			listed = append(listed, filepath.ToSlash(filepath.Clean("./"+found[1])))
		}
		require.ElementsMatch(t, modules, listed, file)
	}
}
