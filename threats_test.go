package invitations_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	// A codeName is a Go name in a document.
	codeName = regexp.MustCompile("`([A-Z]\\w+)`")
	goWord   = regexp.MustCompile(`\w+`)
	// A testName is declared as a function, or is the first field of a table of checks or races.
	testName = regexp.MustCompile(`(?m)(?:^func |\{"|name: +")([A-Z]\w+)`)
)

// TestThreats_NamesExist finds every Go name that docs/threats.md mentions in the code. The last
// column of a table must name tests and checks only.
func TestThreats_NamesExist(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("docs/threats.md")
	require.NoError(t, err)
	code := goSource(t, ".")
	words, tests := map[string]bool{}, map[string]bool{}
	for _, w := range goWord.FindAllString(code, -1) {
		words[w] = true
	}
	for _, name := range testName.FindAllStringSubmatch(code, -1) {
		tests[name[1]] = true
	}

	rows := 0
	var missing []string
	for line := range strings.Lines(string(document)) {
		text, column := line, ""
		if row, ok := strings.CutSuffix(strings.TrimSpace(line), "|"); ok {
			i := strings.LastIndex(row, "|")
			text, column = row[:i], row[i:]
			rows++
		}
		for _, name := range codeName.FindAllStringSubmatch(text, -1) {
			isSQL := strings.ToUpper(name[1]) == name[1]
			if !isSQL && !words[name[1]] {
				missing = append(missing, name[1])
			}
		}
		for _, name := range codeName.FindAllStringSubmatch(column, -1) {
			if !tests[name[1]] {
				missing = append(missing, name[1])
			}
		}
	}
	require.Greater(t, rows, 49+28, "the classes and the faults each have a row")
	require.Empty(t, missing, "docs/threats.md names what is not in the code")
}

// goSource returns the text of all Go files below a folder.
func goSource(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		all.WriteByte('\n')
		return err
	}))
	return all.String()
}
