package invitations_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// eventCursorOf is the form of a cursor in a timeline, written out by hand.
func eventCursorOf(version byte, of uint64, index uint32, tail ...byte) string {
	b := binary.BigEndian.AppendUint64([]byte{version}, of)
	b = binary.BigEndian.AppendUint32(b, index)
	return base64.RawURLEncoding.EncodeToString(append(b, tail...))
}

func badEventCursors() map[string]string {
	good := eventCursorOf(3, 7, 1)
	return map[string]string{
		"not base64":              "!!!!!!!!!!!!!!!!!!!!",
		"one character":           "A",
		"a space":                 " ",
		"a number":                "7",
		"SQL":                     "' OR 1=1 --",
		"cut by one":              good[:17],
		"cut by a group":          good[:14],
		"longer by one":           good + "A",
		"longer by a group":       good + "AAAA",
		"padded":                  good + "=",
		"a megabyte":              strings.Repeat("A", 1<<20),
		"a line break behind":     good + "\n",
		"a line break for one":    good[:9] + "\n" + good[10:],
		"CRLF for two":            good[:8] + "\r\n" + good[10:],
		"line breaks for a group": good[:16] + "\n\n",
		"only line breaks":        strings.Repeat("\n", 20),
		"the standard alphabet":   "+/" + good[2:],
		"version 0":               eventCursorOf(0, 7, 1),
		"version 1":               eventCursorOf(1, 7, 1),
		"version 2":               eventCursorOf(2, 7, 1),
		"version 4":               eventCursorOf(4, 7, 1),
		"version 255":             eventCursorOf(255, 7, 1),
		"a tail":                  eventCursorOf(3, 7, 1, 0, 1),
		"another tail":            eventCursorOf(3, 7, 1, 0x80, 0),
		"a longer tail":           eventCursorOf(3, 7, 1, 0, 0, 0),
		"a negative version":      eventCursorOf(3, 1<<63, 1),
		"the greatest version":    eventCursorOf(3, math.MaxUint64, 1),
		"a negative index":        eventCursorOf(3, 7, 1<<31),
		"the greatest index":      eventCursorOf(3, 7, math.MaxUint32),
		"all ones":                strings.Repeat("_", 20),
		"all zeros":               strings.Repeat("A", 20),
		"in another case":         strings.ToLower(good),
		"a NUL":                   good[:17] + "\x00",
		"a token":                 validWire().text(),
		"of invitations":          cursorOf(1, cursorTime.UnixMicro(), signedID),
		"of members":              placeOf("dora"),
		"of members, as long":     idCursorOf(2, 13, "thirteen-char"),
		"of offers":               offerPlace("acme"),
	}
}

// Any place is fine, whether an event stands there or not, in both orders: it opens nothing
// that the call does not open by itself.
func TestClass42_ForgedEventCursorIsOnlyAPlace(t *testing.T) {
	t.Parallel()
	for _, at := range []invitations.EventPosition{
		{}, {Version: 1}, {Version: 7, Index: 1}, {Index: 99}, {Version: math.MaxInt64, Index: math.MaxInt32},
	} {
		for _, newestFirst := range []bool{false, true} {
			store := failing(nil, workable("Timeline"), func(context.Context) {})
			_, err := serviceOn(t, store, atNoon()).Timeline(t.Context(), invitations.User("vera"), invitations.TimelineParams{
				Organization: "acme", NewestFirst: newestFirst, Cursor: eventCursorOf(3, uint64(at.Version), uint32(at.Index)),
			})
			require.NoError(t, err, "the viewer of this store is always an owner")
			require.Equal(t, invitations.EventQuery{
				Organization: "acme", Viewer: "vera", NewestFirst: newestFirst, After: &at, Limit: 51,
			}, store.EventsCalls()[0].Q)
		}
	}
}

func TestClass42_ForgedEventCursor(t *testing.T) {
	t.Parallel()
	svc := serviceOn(t, untouchable(), atNoon())
	for name, cursor := range badEventCursors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := svc.Timeline(t.Context(), olgaActs, invitations.TimelineParams{Organization: "acme", Cursor: cursor})
			requireInvalid(t, err, "cursor")
			require.Zero(t, list)
		})
	}
}

func FuzzEventCursor(f *testing.F) {
	for _, seed := range badEventCursors() {
		f.Add(seed[:min(len(seed), 100)])
	}
	f.Add("")
	f.Add(eventCursorOf(3, 7, 1))
	f.Add(eventCursorOf(3, math.MaxInt64, math.MaxInt32))
	f.Fuzz(func(t *testing.T, cursor string) {
		store := failing(nil, workable("Timeline"), func(context.Context) {})
		list, err := serviceOn(t, store, atNoon()).
			Timeline(t.Context(), olgaActs, invitations.TimelineParams{Organization: "acme", Cursor: cursor})
		if err != nil {
			requireInvalid(t, err, "cursor")
			require.Zero(t, list)
			requireAsked(t, store, "")
			return
		}
		after := store.EventsCalls()[0].Q.After
		if cursor == "" {
			require.Nil(t, after)
			return
		}
		require.True(t, after.Version >= 0 && after.Index >= 0 && after.Index <= math.MaxInt32)
		require.Equal(t, eventCursorOf(3, uint64(after.Version), uint32(after.Index)), cursor, "one place, one cursor")
	})
}
