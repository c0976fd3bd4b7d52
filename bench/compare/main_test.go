package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTable(t *testing.T) {
	t.Parallel()
	var all table
	for _, output := range []string{
		`goos: linux
BenchmarkTokens/sign-2         	       1	         2.9 golang-jwt-ratio	         0.35 hand-ratio
BenchmarkInvite/clients=16/commit=wal-16  	 1	  0.9 ratio	      4048 service/s
BenchmarkAllows/owner-2   	100000	 8.1 ns/op
PASS
`,
		`BenchmarkTokens/sign         	       1	         3.1 golang-jwt-ratio	         0.25 hand-ratio
BenchmarkInvite/clients=16/commit=wal-16  	 1	  1.1 ratio	      4048 service/s
`,
		`BenchmarkTokens/sign-2         	       1	         12345 golang-jwt-ratio	         0.3 hand-ratio
`,
	} {
		all.read(output)
	}
	var printed strings.Builder
	require.NoError(t, all.print(&printed))
	require.Equal(t, `comparison                    peer          median   lowest  highest  runs
Tokens/sign                   golang-jwt       3.1      2.9    12000     3
Tokens/sign                   hand             0.3     0.25     0.35     3
Invite/clients=16/commit=wal  SQL by hand        1      0.9      1.1     2

Of 3 comparisons, the library was faster in every run in 1, slower in every run in 1: Tokens/sign (hand), neither in 1: Invite/clients=16/commit=wal (SQL by hand).
`, printed.String())
}

func TestTable_Empty(t *testing.T) {
	t.Parallel()
	var all table
	all.read("PASS\n")
	require.Error(t, all.print(&strings.Builder{}))
}
