package pgstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations/pgstore"
)

func TestPrefixEnd(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]string{
		"":                     "",
		"a":                    "b",
		"an":                   "ao",
		"a~":                   "a\x7f",
		"a\u007f":              "a\u0080",
		"a\ud7ff":              "a\ue000", // what is between is not UTF-8
		"a\U0010ffff":          "b",
		"\U0010ffff\U0010ffff": "",
	} {
		end := pgstore.PrefixEnd(prefix)
		require.Equal(t, want, end, "%q", prefix)
		if end != "" {
			require.Less(t, prefix+"\U0010ffff", end, "%q", prefix)
		}
	}
}
