package invitations_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// goList returns what go list prints for the core.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, append(args, ".")...)...).Output()
	require.NoError(t, err)
	return strings.Fields(string(out))
}

// Importing the core compiles neither a database driver nor a web server nor anything of
// the tests.
func TestCoreCompilesLittle(t *testing.T) {
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
	slices.Sort(modules)
	require.Equal(t, []string{"github.com/google/uuid", "golang.org/x/crypto", "golang.org/x/net", "golang.org/x/text"},
		slices.Compact(modules))
}

// Randomness comes from the operating system alone.
func TestClass21_NoOtherRandomness(t *testing.T) {
	t.Parallel()
	imports := goList(t, "-f", `{{join .Imports "\n"}}`)
	require.Contains(t, imports, "crypto/rand")
	require.NotContains(t, imports, "math/rand")
	require.NotContains(t, imports, "math/rand/v2")
}
