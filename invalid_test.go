package invitations_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// invalidCodes returns the code of every InvalidError that the files of a pattern make, by
// position. A code that is not a literal counts as empty. Tests and the function invalid itself
// are left out.
func invalidCodes(t *testing.T, pattern string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, names, pattern)
	codes, set := map[string]string{}, token.NewFileSet()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				return n.Name.Name != "invalid"
			case *ast.CallExpr:
				if types.ExprString(n.Fun) == "invalid" {
					codes[set.Position(n.Pos()).String()] = literal(n.Args[1])
				}
			case *ast.CompositeLit:
				if n.Type != nil && strings.HasSuffix("."+types.ExprString(n.Type), ".InvalidError") {
					codes[set.Position(n.Pos()).String()] = literal(field(n, "Code"))
				}
			}
			return true
		})
	}
	return codes
}

// field returns the value of a field of a composite literal, or nil.
func field(composite *ast.CompositeLit, name string) ast.Expr {
	for _, element := range composite.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok && types.ExprString(pair.Key) == name {
			return pair.Value
		}
	}
	return nil
}

// literal returns the text of a string literal, or "".
func literal(e ast.Expr) string {
	if lit, ok := e.(*ast.BasicLit); ok {
		if text, err := strconv.Unquote(lit.Value); err == nil {
			return text
		}
	}
	return ""
}

// InvalidCodes lists the code of every InvalidError of the module, and no other.
func TestInvalidCodes(t *testing.T) {
	t.Parallel()
	listed := invitations.InvalidCodes()
	require.True(t, slices.IsSorted(listed))
	used := map[string]bool{}
	for _, pattern := range []string{"*.go", "mail/*.go", "pgstore/*.go", "memstore/*.go", "storetest/*.go", "examples/*/*.go"} {
		for position, code := range invalidCodes(t, pattern) {
			require.Contains(t, listed, code, position)
			used[code] = used[code] || !strings.HasPrefix(pattern, "examples")
		}
	}
	for _, code := range listed {
		require.Regexp(t, `^[a-z0-9]+(_[a-z0-9]+)*$`, code)
		require.True(t, used[code], "no call uses %s", code)
	}
	require.Len(t, used, len(listed))
	listed[0] = "changed"
	require.NotEqual(t, listed, invitations.InvalidCodes(), "a caller gets a copy")
}
