package invitations_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The team app is a module of its own, so its tests are read and not called.
const teamapp = "examples/teamapp"

// testsIn returns the names of all tests in a folder.
func testsIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	names := map[string]bool{}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declaration := range file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && f.Name.Name != "TestMain" {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}

// A sentenceRow is the row of a numbered sentence, with its last column.
var sentenceRow = regexp.MustCompile(`(?m)^\| ([AB])(\d+) \| [^|]+ \| [^|]+ \| ([^|]+) \|$`)

// checkSentences returns an error unless each sentence of both documents has a row, in the order of
// the numbers, whose last column names tests that exist. Each story must be named.
func checkSentences(document string, tests map[string]bool, last map[string]int) error {
	named, next := map[string]bool{}, map[string]int{}
	for _, row := range sentenceRow.FindAllStringSubmatch(document, -1) {
		next[row[1]]++
		if number := fmt.Sprint(next[row[1]]); row[2] != number {
			return fmt.Errorf("%s%s stands in the place of %[1]s%[3]s", row[1], row[2], number)
		}
		for name := range strings.SplitSeq(row[3], ", ") {
			if name = strings.Trim(name, "`"); !tests[name] {
				return fmt.Errorf("%s%s names %s, which is no test", row[1], row[2], name)
			}
			named[name] = true
		}
	}
	for letter, number := range last {
		if next[letter] != number {
			return fmt.Errorf("document %s has %d rows in place of %d", letter, next[letter], number)
		}
	}
	for name := range tests {
		if strings.HasPrefix(name, "TestStory_") && !named[name] {
			return fmt.Errorf("no sentence names %s", name)
		}
	}
	return nil
}

func TestDocuments_TeamappSentences(t *testing.T) {
	t.Parallel()
	document := documents(t)["docs/teamapp.md"]
	tests, last := testsIn(t, teamapp), map[string]int{"A": 30, "B": 38}
	require.NoError(t, checkSentences(document, tests, last))
	for name, changed := range map[string]string{
		"a test that does not exist": strings.Replace(document, "`TestStory_Link`", "`TestStory_Chain`", 1),
		"a missing row":              strings.Replace(document, "\n| A7 |", "\n| - |", 1),
		"a missing last row":         strings.Replace(document, "\n| B38 |", "\n| - |", 1),
		"no test":                    sentenceRow.ReplaceAllString(document, "| $1$2 | text | page | none |"),
		"a story in no row":          strings.ReplaceAll(document, "`TestStory_Permissions`", "`TestSettings`"),
	} {
		require.NotEqual(t, document, changed, name)
		require.Error(t, checkSentences(changed, tests, last), name)
	}
}

// The map of the code has each file once, and no other.
func TestDocuments_TeamappFiles(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(teamapp + "/*.go")
	require.NoError(t, err)
	var files, listed []string
	for _, path := range paths {
		if !strings.HasSuffix(path, "_test.go") {
			files = append(files, filepath.Base(path))
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| [^|]+ \\| `(\\w+\\.go)` \\|$").FindAllStringSubmatch(documents(t)["docs/teamapp.md"], -1) {
		listed = append(listed, row[1])
	}
	require.ElementsMatch(t, files, listed)
}

// The flags in the document are those of the command.
func TestDocuments_TeamappFlags(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile(teamapp + "/main.go")
	require.NoError(t, err)
	var flags, listed []string
	for _, flag := range regexp.MustCompile(`flags\.(?:String|Bool|StringVar)\((?:&\S+, )?"(\w+)"`).FindAllStringSubmatch(string(code), -1) {
		flags = append(flags, flag[1])
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `-(\\w+)` \\|").FindAllStringSubmatch(documents(t)["docs/teamapp.md"], -1) {
		listed = append(listed, row[1])
	}
	require.NotEmpty(t, flags)
	require.ElementsMatch(t, flags, listed)
}
