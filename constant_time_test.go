package invitations_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is refused is refused alike, and the comparisons of secrets take the same time
// wherever they differ. Time is not measured here: the source is read.
func TestClass43_ConstantTime(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, "_test.go") })
	constant := map[string][]string{} // the functions that compare in constant time, by what they call
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declaration := range parsed.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					call := types.ExprString(n.Fun)
					if call == "hmac.Equal" || call == "subtle.ConstantTimeCompare" {
						constant[call] = append(constant[call], f.Name.Name)
					}
					early := strings.HasSuffix(call, ".Equal") || strings.HasSuffix(call, ".Compare") || call == "reflect.DeepEqual"
					if early && call != "hmac.Equal" {
						for _, argument := range n.Args {
							requireNoSecret(t, argument, file, f.Name.Name)
						}
					}
				case *ast.BinaryExpr:
					if n.Op != token.EQL && n.Op != token.NEQ {
						return true
					}
					// Whether it is there at all may be asked.
					if !isZero(n.X) && !isZero(n.Y) {
						requireNoSecret(t, n.X, file, f.Name.Name)
						requireNoSecret(t, n.Y, file, f.Name.Name)
					}
				}
				return true
			})
		}
	}
	require.Equal(t, map[string][]string{"hmac.Equal": {"verifyMAC"}, "subtle.ConstantTimeCompare": {"find"}}, constant)
}

// isZero reports whether e is nil, a number, or a zero composite like (Nonce{}).
func isZero(e ast.Expr) bool {
	text := types.ExprString(e)
	_, literal := e.(*ast.BasicLit)
	return literal || text == "nil" || strings.HasSuffix(strings.Trim(text, "()"), "{}")
}

// requireNoSecret fails if e is or has a nonce, a MAC or a key in it.
func requireNoSecret(t *testing.T, e ast.Expr, file, function string) {
	t.Helper()
	ast.Inspect(e, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && types.ExprString(call.Fun) == "len" {
			return false
		}
		if name, ok := n.(*ast.Ident); ok {
			require.NotContains(t, []string{"nonce", "mac", "sum", "secret"}, strings.ToLower(name.Name),
				"%s: %s compares %s early", file, function, types.ExprString(e))
		}
		return true
	})
}
