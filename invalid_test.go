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
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/memstore"
)

// invalidFiles are the files in which an InvalidError is made.
var invalidFiles = []string{"*.go", "mail/*.go", "pgstore/*.go", "memstore/*.go", "storetest/*.go", "examples/*/*.go"}

// An invalidCall makes an InvalidError. A code that is not a literal is empty.
type invalidCall struct {
	code   string
	values []string // the names
}

// invalidCalls returns the places that make an InvalidError in the files of a pattern, except in
// tests and in functions of the name invalid.
func invalidCalls(t *testing.T, pattern string) map[string]invalidCall {
	t.Helper()
	names, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, names, pattern)
	calls, set := map[string]invalidCall{}, token.NewFileSet()
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
					call := invalidCall{code: literal(n.Args[1])}
					for i := 3; i < len(n.Args) && !n.Ellipsis.IsValid(); i += 2 {
						call.values = append(call.values, literal(n.Args[i]))
					}
					calls[set.Position(n.Pos()).String()] = call
				}
			case *ast.CompositeLit:
				if n.Type != nil && strings.HasSuffix("."+types.ExprString(n.Type), ".InvalidError") {
					call := invalidCall{code: literal(field(n, "Code"))}
					if values, ok := field(n, "Values").(*ast.CompositeLit); ok {
						for _, pair := range values.Elts {
							call.values = append(call.values, literal(pair.(*ast.KeyValueExpr).Key))
						}
					}
					calls[set.Position(n.Pos()).String()] = call
				}
			}
			return true
		})
	}
	return calls
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
	for _, pattern := range invalidFiles {
		for position, call := range invalidCalls(t, pattern) {
			require.Contains(t, listed, call.code, position)
			used[call.code] = used[call.code] || !strings.HasPrefix(pattern, "examples")
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

func TestInvalidError_ReasonNamesDurationsInShort(t *testing.T) {
	for bounds, want := range map[[2]time.Duration]string{
		{24 * time.Hour, 720 * time.Hour}:                        "must be between 24h and 720h",
		{90 * time.Minute, 100 * time.Hour}:                      "must be between 1h30m and 100h",
		{10 * time.Second, 20 * time.Minute}:                     "must be between 10s and 20m",
		{time.Hour + time.Second, 10*time.Hour + 20*time.Minute}: "must be between 1h0m1s and 10h20m",
	} {
		keys, err := invitations.NewKeyring(make([]byte, 32))
		require.NoError(t, err)
		svc, err := invitations.New(memstore.New(), keys, invitations.Config{MinExpiry: bounds[0], MaxExpiry: bounds[1], Expiry: bounds[0]})
		require.NoError(t, err)
		_, err = svc.Invite(t.Context(), invitations.User("ada"), invitations.InviteParams{
			Organization: "acme", Email: "bob@example.com", Role: invitations.RoleViewer, ExpiresIn: time.Nanosecond,
		})
		var invalid *invitations.InvalidError
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, want, invalid.Reason)
	}
}
