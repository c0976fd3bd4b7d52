package invitations_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// idCursorOf is the form of a cursor in a list of ids, written out by hand.
func idCursorOf(version, length byte, id string) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{version, length}, id...))
}

// placeOf is the cursor of the place behind id.
func placeOf(id string) string { return idCursorOf(2, byte(len(id)), id) }

func badIDCursors() map[string]string {
	good := placeOf("dora") // 6 bytes are whole groups
	bad := map[string]string{
		"not base64":            "!!!!!!!!",
		"one character":         "A",
		"a space":               " ",
		"SQL":                   "' OR 1=1 --",
		"the id itself":         "dora",
		"cut by one":            good[:7],
		"cut by a group":        good[:4],
		"longer by one":         good + "A",
		"longer by a group":     good + "AAAA",
		"padded":                placeOf("dor") + "=",
		"a megabyte":            strings.Repeat("A", 1<<20),
		"a line break behind":   good + "\n",
		"a line break between":  good[:4] + "\n" + good[4:],
		"CRLF between":          good[:4] + "\r\n" + good[4:],
		"only line breaks":      "\n\n\n\n",
		"the standard alphabet": base64.RawStdEncoding.EncodeToString([]byte("\x02\x03???")),
		"unused bits":           placeOf("dor")[:6] + "J", // for an "I", whose last two bits are none of the id's
		"version 0":             idCursorOf(0, 4, "dora"),
		"version 1":             idCursorOf(1, 4, "dora"),
		"version 3":             idCursorOf(3, 4, "dora"),
		"version 255":           idCursorOf(255, 4, "dora"),
		"a version alone":       idCursorOf(2, 0, "")[:2],
		"a length too short":    idCursorOf(2, 3, "dora"),
		"a length too long":     idCursorOf(2, 5, "dora"),
		"the longest length":    idCursorOf(2, 255, "dora"),
		"a length of zero":      idCursorOf(2, 0, "dora"),
		"an empty id":           idCursorOf(2, 0, ""),
		"a cursor of the other": cursorOf(1, cursorTime.UnixMicro(), signedID),
		"a token":               validWire().text(),
		"one byte too many":     idCursorOf(2, 255, strings.Repeat("x", 256)),
	}
	for name, id := range badNames {
		if id != "" && len(id) < 256 {
			bad["an id, "+name] = placeOf(id)
		}
	}
	return bad
}

// idLists are the operations whose pages begin behind an id: each asks the store with a
// cursor, and tells what it asked for.
var idLists = map[string]func(t require.TestingT, svc svcT, store *StoreMock, cursor string) (after string, err error){
	"Members": func(_ require.TestingT, svc svcT, store *StoreMock, cursor string) (string, error) {
		_, err := svc.Members(context.Background(), olgaActs, invitations.MembersParams{Organization: "acme", Cursor: cursor})
		if err != nil {
			return "", err
		}
		return store.MembersCalls()[0].Q.After, nil
	},
	"Workspaces": func(_ require.TestingT, svc svcT, store *StoreMock, cursor string) (string, error) {
		_, err := svc.Workspaces(context.Background(), invitations.WorkspacesParams{UserID: "olga", Cursor: cursor})
		if err != nil {
			return "", err
		}
		return store.WorkspacesCalls()[0].Q.After, nil
	},
}

// Any place is fine, whether somebody stands there or not: it opens nothing that the call
// does not open by itself.
func TestClass42_ForgedIDCursorIsOnlyAPlace(t *testing.T) {
	t.Parallel()
	for operation, list := range idLists {
		for _, id := range []string{
			"dora", "nobody", "x", "\ufffd", "名前", strings.Repeat("x", 255), strings.Repeat("ü", 127) + "x", "' OR 1=1 --", "a b", "\u2028",
		} {
			t.Run(operation+"/"+id, func(t *testing.T) {
				t.Parallel()
				store := failing(nil, workable(operation), func(context.Context) {})
				after, err := list(t, serviceOn(t, store, atNoon()), store, placeOf(id))
				require.NoError(t, err)
				require.Equal(t, id, after)
				requireAsked(t, store, operation)
			})
		}
		store := failing(nil, workable(operation), func(context.Context) {})
		after, err := list(t, serviceOn(t, store, atNoon()), store, "")
		require.NoError(t, err)
		require.Empty(t, after, "no cursor, no place")
	}
}

func TestClass42_ForgedIDCursor(t *testing.T) {
	t.Parallel()
	for operation, list := range idLists {
		for name, cursor := range badIDCursors() {
			t.Run(operation+"/"+name, func(t *testing.T) {
				t.Parallel()
				_, err := list(t, serviceOn(t, untouchable(), atNoon()), nil, cursor)
				requireInvalid(t, err, "cursor")
				require.Less(t, len(err.Error()), 100)
			})
		}
	}
}

func FuzzIDCursor(f *testing.F) {
	for _, seed := range badIDCursors() {
		if len(seed) < 1000 {
			f.Add(seed)
		}
	}
	f.Add("")
	f.Add(placeOf("dora"))
	f.Add(placeOf(strings.Repeat("ü", 127) + "x"))
	f.Fuzz(func(t *testing.T, cursor string) {
		for operation, list := range idLists {
			store := failing(nil, workable(operation), func(context.Context) {})
			after, err := list(t, serviceOn(t, store, atNoon()), store, cursor)
			switch {
			case err != nil:
				requireInvalid(t, err, "cursor")
				requireAsked(t, store, "")
			case cursor == "":
				require.Empty(t, after)
			default:
				require.Equal(t, placeOf(after), cursor, "one place, one cursor")
				require.NotEmpty(t, after)
				require.LessOrEqual(t, len(after), 255)
			}
		}
	})
}
