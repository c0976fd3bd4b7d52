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

// offerCursorOf is the form of a cursor among what somebody has received, written out by hand.
func offerCursorOf(version byte, micros int64, id uuid.UUID, length byte, organization string) string {
	b := binary.BigEndian.AppendUint64([]byte{version}, uint64(micros))
	b = append(append(b, id[:]...), length)
	return base64.RawURLEncoding.EncodeToString(append(b, organization...))
}

// offerPlace is the cursor of the place behind the test's invitation in an organization.
func offerPlace(organization string) string {
	return offerCursorOf(4, cursorTime.UnixMicro(), signedID, byte(len(organization)), organization)
}

func badOfferCursors() map[string]string {
	micros, good := cursorTime.UnixMicro(), offerPlace("acme") // 30 bytes are whole groups
	bad := map[string]string{
		"not base64":            strings.Repeat("!", 40),
		"one character":         "A",
		"a space":               " ",
		"SQL":                   "' OR 1=1 --",
		"the organization":      "acme",
		"cut by one":            good[:39],
		"cut by a group":        good[:36],
		"longer by one":         good + "A",
		"longer by a group":     good + "AAAA",
		"padded":                offerPlace("acm") + "=",
		"unused bits":           strings.TrimSuffix(offerPlace("acm"), "t") + "u",
		"a megabyte":            strings.Repeat("A", 1<<20),
		"a line break behind":   good + "\n",
		"a line break between":  good[:16] + "\n" + good[16:],
		"CRLF between":          good[:16] + "\r\n" + good[16:],
		"the standard alphabet": "+/" + good[2:],
		"version 0":             offerCursorOf(0, micros, signedID, 4, "acme"),
		"version 1":             offerCursorOf(1, micros, signedID, 4, "acme"),
		"version 2":             offerCursorOf(2, micros, signedID, 4, "acme"),
		"version 3":             offerCursorOf(3, micros, signedID, 4, "acme"),
		"version 5":             offerCursorOf(5, micros, signedID, 4, "acme"),
		"a version alone":       good[:2],
		"a time alone":          good[:12],
		"no organization":       offerCursorOf(4, micros, signedID, 0, ""),
		"a length too short":    offerCursorOf(4, micros, signedID, 3, "acme"),
		"a length too long":     offerCursorOf(4, micros, signedID, 5, "acme"),
		"a length of zero":      offerCursorOf(4, micros, signedID, 0, "acme"),
		"one byte too many":     offerCursorOf(4, micros, signedID, 255, strings.Repeat("x", 256)),
		"the year 0":            offerCursorOf(4, time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC).UnixMicro(), signedID, 4, "acme"),
		"the year 10000":        offerCursorOf(4, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), signedID, 4, "acme"),
		"the latest there is":   offerCursorOf(4, math.MaxInt64, signedID, 4, "acme"),
		"the earliest there is": offerCursorOf(4, math.MinInt64, signedID, 4, "acme"),
		"of invitations":        cursorOf(1, micros, signedID),
		"of members":            placeOf("dora"),
		"of events":             eventCursorOf(3, 7, 1),
		"a token":               validWire().text(),
	}
	for name, id := range badNames {
		if id != "" && len(id) < 256 {
			bad["an organization, "+name] = offerPlace(id)
		}
	}
	return bad
}

// received asks the store for the place behind cursor.
func received(t *testing.T, store *StoreMock, cursor string) (*invitations.InvitationPosition, error) {
	nina := invitations.Identity{UserID: "nina", Email: "nina@example.com", EmailVerified: true}
	list, err := serviceOn(t, store, atNoon()).Received(t.Context(), nina, invitations.ReceivedParams{Cursor: cursor})
	if err != nil {
		require.Zero(t, list)
		return nil, err
	}
	return store.InvitationsCalls()[0].Q.After, nil
}

// Any place is fine, whether an invitation stands there or not: it opens nothing that the call
// does not open by itself.
func TestClass42_ForgedOfferCursorIsOnlyAPlace(t *testing.T) {
	t.Parallel()
	for _, organization := range []string{"acme", "x", "\ufffd", "名前", strings.Repeat("x", 255), "' OR 1=1 --", "a b"} {
		for _, at := range []time.Time{
			cursorTime, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.UnixMicro(-1).UTC(),
		} {
			for _, id := range []uuid.UUID{uuid.Nil, signedID, uuid.Max} {
				store := failing(nil, workable("Received"), func(context.Context) {})
				after, err := received(t, store, offerCursorOf(4, at.UnixMicro(), id, byte(len(organization)), organization))
				require.NoError(t, err)
				require.Equal(t, &invitations.InvitationPosition{CreatedAt: at, ID: id, Organization: organization}, after)
				require.Equal(t, "nina@example.com", store.InvitationsCalls()[0].Q.Email)
				require.Empty(t, store.InvitationsCalls()[0].Q.Organization)
			}
		}
	}
}

func TestClass42_ForgedOfferCursor(t *testing.T) {
	t.Parallel()
	for name, cursor := range badOfferCursors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := received(t, untouchable(), cursor)
			requireInvalid(t, err, "cursor")
			require.Less(t, len(err.Error()), 100)
		})
	}
}

func FuzzOfferCursor(f *testing.F) {
	for _, seed := range badOfferCursors() {
		if len(seed) < 1000 {
			f.Add(seed)
		}
	}
	f.Add("")
	f.Add(offerPlace("acme"))
	f.Add(offerPlace(strings.Repeat("ü", 127) + "x"))
	f.Fuzz(func(t *testing.T, cursor string) {
		store := failing(nil, workable("Received"), func(context.Context) {})
		after, err := received(t, store, cursor)
		switch {
		case err != nil:
			requireInvalid(t, err, "cursor")
			requireAsked(t, store, "")
		case cursor == "":
			require.Nil(t, after)
		default:
			at := after.CreatedAt
			require.True(t, at.Year() >= 1 && at.Year() <= 9999)
			require.Equal(t, at.Truncate(time.Microsecond).UTC(), at)
			require.NotEmpty(t, after.Organization)
			require.Equal(t, offerCursorOf(4, at.UnixMicro(), after.ID, byte(len(after.Organization)), after.Organization), cursor,
				"one place, one cursor")
		}
	})
}
