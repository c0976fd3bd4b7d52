package invitations_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// cursorOf is the form of a cursor, written out by hand.
func cursorOf(version byte, micros int64, id uuid.UUID, tail ...byte) string {
	b := []byte{version}
	b = binary.BigEndian.AppendUint64(b, uint64(micros))
	b = append(b, id[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, tail...))
}

var cursorTime = time.Date(2026, 3, 1, 12, 0, 0, 123_456_000, time.UTC)

func badCursors() map[string]string {
	micros := cursorTime.UnixMicro()
	good := cursorOf(1, micros, signedID)
	return map[string]string{
		"not base64":             strings.Repeat("!", 36),
		"one character":          "A",
		"a space":                " ",
		"a number":               "1",
		"SQL":                    "' OR 1=1 --",
		"cut by one":             good[:33],
		"cut by a group":         good[:32],
		"longer by one":          good + "A",
		"longer by a group":      good + "AAAA",
		"padded":                 good + "=",
		"a megabyte":             strings.Repeat("A", 1<<20),
		"a line break behind":    good + "\n",
		"a line break between":   good[:17] + "\n" + good[17:],
		"a line break for one":   good[:17] + "\n" + good[18:],
		"CRLF for two":           good[:16] + "\r\n" + good[18:],
		"only line breaks":       strings.Repeat("\n", 36),
		"the standard alphabet":  "+/" + good[2:],
		"version 0":              cursorOf(0, micros, signedID),
		"version 2":              cursorOf(2, micros, signedID),
		"version 255":            cursorOf(255, micros, signedID),
		"a tail":                 cursorOf(1, micros, signedID, 0, 1),
		"another tail":           cursorOf(1, micros, signedID, 0x80, 0),
		"all ones":               strings.Repeat("_", 36),
		"all zeros":              strings.Repeat("A", 36),
		"the year 0":             cursorOf(1, time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC).UnixMicro(), signedID),
		"the year 10000":         cursorOf(1, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), signedID),
		"the latest there is":    cursorOf(1, math.MaxInt64, signedID),
		"the earliest there is":  cursorOf(1, math.MinInt64, signedID),
		"a token":                validWire().text(),
		"JSON":                   `{"created_at":"2026-03-01T12:00:00Z"}`,
		"base64 of JSON":         base64.RawURLEncoding.EncodeToString([]byte(`{"after":"019531f00000700080"}`)),
		"in another case":        strings.ToLower(good),
		"a NUL":                  good[:33] + "\x00",
		"36 bytes of high runes": strings.Repeat("ü", 18),
	}
}

// pages answers with invitations as a store would, and remembers what it was asked.
func pages(records []invitations.Record, asked *invitations.InvitationQuery) *StoreMock {
	owner := invitations.Member{Organization: "acme", UserID: "olga", Role: invitations.RoleOwner}
	return &StoreMock{
		InvitationsFunc: func(_ context.Context, q invitations.InvitationQuery) (invitations.Page[invitations.Record], error) {
			*asked = q
			return invitations.Page[invitations.Record]{Viewer: &owner, Items: records[:min(len(records), q.Limit)]}, nil
		},
	}
}

func TestCursor(t *testing.T) {
	t.Parallel()
	records := make([]invitations.Record, 3)
	for i := range records {
		records[i].ID = signedID
		records[i].ID[15] = byte(9 - i)
		records[i].CreatedAt = cursorTime.Add(-time.Duration(i) * time.Second)
	}
	var asked invitations.InvitationQuery
	svc := serviceOn(t, pages(records, &asked), invitations.Config{})
	page, err := svc.Invitations(t.Context(), olgaActs, invitations.InvitationsParams{Organization: "acme", Limit: 2})
	require.NoError(t, err)
	require.Nil(t, asked.After)
	require.Len(t, page.Items, 2)
	require.Equal(t, cursorOf(1, records[1].CreatedAt.UnixMicro(), records[1].ID), page.NextCursor, "the last one shown")
	require.Regexp(t, `^[A-Za-z0-9_-]{34}$`, page.NextCursor)

	page, err = svc.Invitations(t.Context(), olgaActs, invitations.InvitationsParams{Organization: "acme", Limit: 3, Cursor: page.NextCursor})
	require.NoError(t, err)
	require.Equal(t, &invitations.InvitationPosition{CreatedAt: records[1].CreatedAt, ID: records[1].ID}, asked.After)
	require.Empty(t, page.NextCursor, "the last page")
}

// A cursor that nobody gave out is a place like any other, as long as a database can
// compare with it: it opens nothing that the call does not open by itself.
func TestClass42_ForgedCursorIsOnlyAPlace(t *testing.T) {
	t.Parallel()
	for name, cursor := range map[string]string{
		"1970":            cursorOf(1, 0, signedID),
		"before 1970":     cursorOf(1, -1, signedID),
		"the year 1":      cursorOf(1, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), signedID),
		"the year 9999":   cursorOf(1, time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC).UnixMicro(), signedID),
		"the zero id":     cursorOf(1, cursorTime.UnixMicro(), uuid.Nil),
		"the greatest id": cursorOf(1, cursorTime.UnixMicro(), uuid.Max),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked invitations.InvitationQuery
			svc := serviceOn(t, pages(nil, &asked), invitations.Config{})
			_, err := svc.Invitations(t.Context(), olgaActs, invitations.InvitationsParams{Organization: "acme", Cursor: cursor})
			require.NoError(t, err)
			require.Equal(t, "acme", asked.Organization)
			require.Equal(t, "olga", asked.Viewer)
			require.Equal(t, cursor, cursorOf(1, asked.After.CreatedAt.UnixMicro(), asked.After.ID))
			require.Equal(t, time.UTC, asked.After.CreatedAt.Location())

			_, err = svc.Invitations(t.Context(), invitations.User("vera"), invitations.InvitationsParams{Organization: "acme", Cursor: cursor})
			require.NoError(t, err, "the viewer of this store is always an owner")
			require.Equal(t, "vera", asked.Viewer)
		})
	}
}

func TestClass42_ForgedCursor(t *testing.T) {
	t.Parallel()
	svc := serviceOn(t, untouchable(), invitations.Config{})
	for name, cursor := range badCursors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := svc.Invitations(t.Context(), olgaActs, invitations.InvitationsParams{Organization: "acme", Cursor: cursor})
			requireInvalid(t, err, "cursor")
			require.Zero(t, page)
		})
	}
}

func FuzzCursor(f *testing.F) {
	for _, seed := range badCursors() {
		f.Add(seed[:min(len(seed), 100)])
	}
	f.Add(cursorOf(1, cursorTime.UnixMicro(), signedID))
	f.Add(cursorOf(1, -1, uuid.Max))
	f.Fuzz(func(t *testing.T, cursor string) {
		var asked invitations.InvitationQuery
		store := pages(nil, &asked)
		page, err := serviceOn(t, store, invitations.Config{}).
			Invitations(t.Context(), olgaActs, invitations.InvitationsParams{Organization: "acme", Cursor: cursor})
		if err != nil {
			requireInvalid(t, err, "cursor")
			require.Zero(t, page)
			require.Empty(t, store.InvitationsCalls())
			return
		}
		if cursor == "" {
			require.Nil(t, asked.After)
			return
		}
		at := asked.After.CreatedAt
		require.True(t, at.Year() >= 1 && at.Year() <= 9999)
		require.Equal(t, at.Truncate(time.Microsecond), at)
		require.Equal(t, cursorOf(1, at.UnixMicro(), asked.After.ID), cursor, "one place, one cursor")
	})
}
