package invitations_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// goList returns the lines that go list prints for the package.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, append(args, ".")...)...).Output()
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// parseCore returns the files of the package without its tests, by name.
func parseCore(t *testing.T, set *token.FileSet) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		files[name], err = parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
	}
	return files
}

// The package needs no database driver, web server or test library.
func TestImports_AreFew(t *testing.T) {
	t.Parallel()
	deps := goList(t, "-deps")
	require.Contains(t, deps, "github.com/google/uuid")
	for _, dep := range deps {
		require.NotEqual(t, "net/http", dep)
		require.NotEqual(t, "database/sql", dep)
		for _, prefix := range []string{
			"github.com/jackc", "github.com/stretchr", "github.com/matryer", "pgregory.net",
			"github.com/go-invitations/invitations/",
		} {
			require.False(t, strings.HasPrefix(dep, prefix), dep)
		}
	}
	modules := goList(t, "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}")
	modules = slices.DeleteFunc(modules, func(module string) bool { return module == "" })
	slices.Sort(modules)
	require.Equal(t, []string{"github.com/google/uuid", "golang.org/x/crypto", "golang.org/x/net", "golang.org/x/text"},
		slices.Compact(modules))
}

// The only source of randomness is the operating system.
func TestClass21_NoOtherRandomness(t *testing.T) {
	t.Parallel()
	imports := goList(t, "-f", `{{join .Imports "\n"}}`)
	require.Contains(t, imports, "crypto/rand")
	require.NotContains(t, imports, "math/rand")
	require.NotContains(t, imports, "math/rand/v2")
}

// Secrets are compared in constant time. The test reads the source and measures nothing.
func TestClass43_ConstantTime(t *testing.T) {
	t.Parallel()
	constant := map[string][]string{} // by the comparison, the functions that use it
	for file, parsed := range parseCore(t, token.NewFileSet()) {
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
					// A comparison with zero asks only whether the secret exists.
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

// isZero reports whether e is nil, a literal, or an empty composite literal.
func isZero(e ast.Expr) bool {
	text := types.ExprString(e)
	_, literal := e.(*ast.BasicLit)
	return literal || text == "nil" || strings.HasSuffix(strings.Trim(text, "()"), "{}")
}

// requireNoSecret fails if e contains a nonce, a MAC or a secret, except in a length.
func requireNoSecret(t *testing.T, e ast.Expr, file, function string) {
	t.Helper()
	ast.Inspect(e, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && types.ExprString(call.Fun) == "len" {
			return false
		}
		if name, ok := n.(*ast.Ident); ok {
			require.NotContains(t, []string{"nonce", "mac", "sum", "secret"}, strings.ToLower(name.Name),
				"%s: %s compares %s not in constant time", file, function, types.ExprString(e))
		}
		return true
	})
}
