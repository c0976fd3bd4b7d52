package invitations_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// Cursors, written out by hand.

// cursorOf returns a cursor of this version. Strings and arrays are written as they are,
// numbers big-endian.
func cursorOf(version byte, parts ...any) string {
	b := bytes.NewBuffer([]byte{version})
	for _, part := range parts {
		if text, ok := part.(string); ok {
			b.WriteString(text)
		} else if err := binary.Write(b, binary.BigEndian, part); err != nil {
			panic(err)
		}
	}
	return base64.RawURLEncoding.EncodeToString(b.Bytes())
}

func invitationCursor(at time.Time, id uuid.UUID) string { return cursorOf(1, at.UnixMicro(), id) }

func idCursor(id string) string { return cursorOf(2, byte(len(id)), id) }

func eventCursor(version int64, index int) string { return cursorOf(3, version, uint32(index)) }

func offerCursor(at time.Time, id uuid.UUID, organization string) string {
	return cursorOf(4, at.UnixMicro(), id, byte(len(organization)), organization)
}

func usageCursor(used int64, user string) string { return cursorOf(5, used, byte(len(user)), user) }

var cursorTime = utc(2026, 3, 1, 12, 0, 0, 123_456)

// Times that every store can keep, and times that no store must be asked for.
var (
	placesInTime = []time.Time{
		cursorTime, time.UnixMicro(0).UTC(), time.UnixMicro(-1).UTC(),
		utc(1, 1, 1, 0, 0, 0, 0), utc(9999, 12, 31, 23, 59, 59, 999_999),
	}
	badMicros = map[string]int64{
		"the year 0":     utc(0, 12, 31, 0, 0, 0, 0).UnixMicro(),
		"the year 10000": utc(10_000, 1, 1, 0, 0, 0, 0).UnixMicro(),
		"the latest":     math.MaxInt64,
		"the earliest":   math.MinInt64,
	}
	placesInID = []string{
		"dora", "nobody", "x", "\ufffd", "名前", strings.Repeat("x", 255), longID, "' OR 1=1 --", "a b", "\u2028",
	}
)

// A cursorList is an operation that takes a cursor.
type cursorList struct {
	operation string
	good      string            // a cursor of this list
	places    []string          // cursors that are accepted
	refused   map[string]string // cursors that are refused, beside those that are wrong for every list
	// list calls the operation and returns the cursor of the position that the store was
	// asked for, or "" for the start. The rest of the query must not depend on the cursor.
	list func(t require.TestingT, svc *invitations.Service, store *StoreMock, cursor string) (string, error)
}

var (
	invitationCursors = listOfInvitations()
	memberCursors     = listOfMembers()
	workspaceCursors  = listOfWorkspaces()
	eventCursors      = listOfEvents(false)
	offerCursors      = listOfOffers()
	addressCursors    = listOfAddress()
	usageCursors      = listOfUsage()

	cursorLists = map[string]cursorList{
		"Invitations":            invitationCursors,
		"Members":                memberCursors,
		"Workspaces":             workspaceCursors,
		"Timeline":               eventCursors,
		"Timeline, newest first": listOfEvents(true),
		"Received":               offerCursors,

		"Invitations, of an address": addressCursors,
		"Usage":                      usageCursors,
	}
)

func listOfInvitations() cursorList {
	l := cursorList{operation: "Invitations", good: invitationCursor(cursorTime, signedID), refused: map[string]string{}}
	for _, at := range placesInTime {
		for _, id := range []uuid.UUID{uuid.Nil, signedID, uuid.Max} {
			l.places = append(l.places, invitationCursor(at, id))
		}
	}
	for name, micros := range badMicros {
		l.refused[name] = cursorOf(1, micros, signedID)
	}
	l.list = func(t require.TestingT, svc *invitations.Service, store *StoreMock, cursor string) (string, error) {
		list, err := svc.Invitations(context.Background(), olga, invitations.InvitationsParams{Organization: "acme", Cursor: cursor})
		if err != nil {
			require.Zero(t, list)
			return "", err
		}
		q := store.InvitationsCalls()[0].Q
		after := q.After
		q.After = nil
		require.Equal(t, invitations.InvitationQuery{Organization: "acme", Viewer: "olga", At: noon, Limit: 51}, q)
		if after == nil {
			return "", nil
		}
		requireStorable(t, after.CreatedAt)
		require.Empty(t, after.Organization)
		return invitationCursor(after.CreatedAt, after.ID), nil
	}
	return l
}

// listOfIDs returns the common part of the lists in the order of IDs.
func listOfIDs(operation string) cursorList {
	l := cursorList{operation: operation, good: idCursor("dora"), refused: map[string]string{
		"only an ID":     "dora",
		"unused bits":    strings.TrimSuffix(idCursor("dor"), "I") + "J",
		"padding":        idCursor("dor") + "=",
		"a short length": cursorOf(2, byte(3), "dora"),
		"a long length":  cursorOf(2, byte(5), "dora"),
		"the longest":    cursorOf(2, byte(255), "dora"),
		"length 0":       cursorOf(2, byte(0), "dora"),
		"an empty ID":    idCursor(""),
		"256 bytes":      cursorOf(2, byte(255), strings.Repeat("x", 256)),
		"a slash":        base64.RawStdEncoding.EncodeToString([]byte("\x02\x03???")),
	}}
	for _, id := range placesInID {
		l.places = append(l.places, idCursor(id))
	}
	for name, id := range badNames {
		if len(id) < 256 {
			l.refused["an ID, "+name] = idCursor(id)
		}
	}
	return l
}

func listOfMembers() cursorList {
	l := listOfIDs("Members")
	l.list = func(t require.TestingT, svc *invitations.Service, store *StoreMock, cursor string) (string, error) {
		list, err := svc.Members(context.Background(), olga, invitations.MembersParams{Organization: "acme", Cursor: cursor})
		if err != nil {
			require.Zero(t, list)
			return "", err
		}
		q := store.MembersCalls()[0].Q
		require.Equal(t, invitations.MemberQuery{Organization: "acme", Viewer: "olga", After: q.After, Limit: 51}, q)
		return cursorAfter(t, q.After), nil
	}
	return l
}

func listOfWorkspaces() cursorList {
	l := listOfIDs("Workspaces")
	l.list = func(t require.TestingT, svc *invitations.Service, store *StoreMock, cursor string) (string, error) {
		list, err := svc.Workspaces(context.Background(), invitations.WorkspacesParams{UserID: "olga", Cursor: cursor})
		if err != nil {
			require.Zero(t, list)
			return "", err
		}
		q := store.WorkspacesCalls()[0].Q
		require.Equal(t, invitations.WorkspaceQuery{UserID: "olga", After: q.After, Limit: 51}, q)
		return cursorAfter(t, q.After), nil
	}
	return l
}

func cursorAfter(t require.TestingT, id string) string {
	if id == "" {
		return ""
	}
	require.LessOrEqual(t, len(id), 255)
	return idCursor(id)
}

func listOfEvents(newestFirst bool) cursorList {
	l := cursorList{operation: "Timeline", good: eventCursor(7, 1), refused: map[string]string{
		"a negative version":   cursorOf(3, uint64(1<<63), uint32(1)),
		"the greatest version": cursorOf(3, uint64(math.MaxUint64), uint32(1)),
		"a negative index":     cursorOf(3, uint64(7), uint32(1<<31)),
		"the greatest index":   cursorOf(3, uint64(7), uint32(math.MaxUint32)),
	}}
	for _, p := range []invitations.EventPosition{
		{}, {Version: 1}, {Version: 7, Index: 1}, {Index: 99}, {Version: math.MaxInt64, Index: math.MaxInt32},
	} {
		l.places = append(l.places, eventCursor(p.Version, p.Index))
	}
	l.list = func(t require.TestingT, svc *invitations.Service, store *StoreMock, cursor string) (string, error) {
		list, err := svc.Timeline(context.Background(), olga, invitations.TimelineParams{
			Organization: "acme", NewestFirst: newestFirst, Cursor: cursor,
		})
		if err != nil {
			require.Zero(t, list)
			return "", err
		}
		q := store.EventsCalls()[0].Q
		after := q.After
		q.After = nil
		require.Equal(t, invitations.EventQuery{Organization: "acme", Viewer: "olga", NewestFirst: newestFirst, Limit: 51}, q)
		if after == nil {
			return "", nil
		}
		require.True(t, after.Version >= 0 && after.Index >= 0 && after.Index <= math.MaxInt32)
		return eventCursor(after.Version, after.Index), nil
	}
	return l
}

// listOfCreations returns the common part of the lists whose cursors have a creation and a text.
func listOfCreations(operation string, version byte) cursorList {
	micros := cursorTime.UnixMicro()
	cursor := func(at time.Time, id uuid.UUID, text string) string {
		return cursorOf(version, at.UnixMicro(), id, byte(len(text)), text)
	}
	l := cursorList{operation: operation, good: cursor(cursorTime, signedID, "acme"), refused: map[string]string{
		"only a text":    "acme",
		"unused bits":    strings.TrimSuffix(cursor(cursorTime, signedID, "acm"), "t") + "u",
		"padding":        cursor(cursorTime, signedID, "acm") + "=",
		"only a time":    cursorOf(version, micros),
		"no text":        cursor(cursorTime, signedID, ""),
		"a short length": cursorOf(version, micros, signedID, byte(3), "acme"),
		"a long length":  cursorOf(version, micros, signedID, byte(5), "acme"),
		"length 0":       cursorOf(version, micros, signedID, byte(0), "acme"),
		"256 bytes":      cursorOf(version, micros, signedID, byte(255), strings.Repeat("x", 256)),
	}}
	for _, text := range placesInID {
		for _, at := range placesInTime {
			for _, id := range []uuid.UUID{uuid.Nil, signedID, uuid.Max} {
				l.places = append(l.places, cursor(at, id, text))
			}
		}
	}
	for name, micros := range badMicros {
		l.refused[name] = cursorOf(version, micros, signedID, byte(4), "acme")
	}
	for name, text := range badNames {
		if len(text) < 256 {
			l.refused["a text, "+name] = cursor(cursorTime, signedID, text)
		}
	}
	return l
}

// listOfAddress returns the list of the invitations for an address in all organizations.
func listOfAddress() cursorList {
	l := listOfCreations("Invitations", 4)
	l.list = func(t require.TestingT, svc *invitations.Service, store *StoreMock, cursor string) (string, error) {
		list, err := svc.Invitations(context.Background(), invitations.System(), invitations.InvitationsParams{
			Email: "NINA@example.com", Cursor: cursor,
		})
		if err != nil {
			require.Zero(t, list)
			return "", err
		}
		q := store.InvitationsCalls()[0].Q
		after := q.After
		q.After = nil
		require.Equal(t, invitations.InvitationQuery{Email: "nina@example.com", At: noon, Limit: 51}, q)
		if after == nil {
			return "", nil
		}
		requireStorable(t, after.CreatedAt)
		require.NotEmpty(t, after.Organization)
		return offerCursor(after.CreatedAt, after.ID, after.Organization), nil
	}
	return l
}

// listOfUsage returns the list of the amounts that users took.
func listOfUsage() cursorList {
	l := cursorList{operation: "Usage", good: usageCursor(7, "dora"), refused: map[string]string{
		"a negative amount": cursorOf(5, uint64(1<<63), byte(4), "dora"),
		"the greatest":      cursorOf(5, uint64(math.MaxUint64), byte(4), "dora"),
		"only an amount":    cursorOf(5, uint64(7)),
		"an empty ID":       usageCursor(7, ""),
		"a short length":    cursorOf(5, uint64(7), byte(3), "dora"),
		"a long length":     cursorOf(5, uint64(7), byte(5), "dora"),
		"256 bytes":         cursorOf(5, uint64(7), byte(255), strings.Repeat("x", 256)),
	}}
	for _, id := range placesInID {
		for _, used := range []int64{0, 1, 7, math.MaxInt64} {
			l.places = append(l.places, usageCursor(used, id))
		}
	}
	for name, id := range badNames {
		if len(id) < 256 {
			l.refused["an ID, "+name] = usageCursor(7, id)
		}
	}
	l.list = func(t require.TestingT, svc *invitations.Service, store *StoreMock, cursor string) (string, error) {
		p := goodUsage()
		p.Cursor = cursor
		used, err := svc.Usage(context.Background(), olga, p)
		if err != nil {
			require.Zero(t, used)
			return "", err
		}
		q := store.UsageCalls()[0].Q
		after := q.After
		q.After = nil
		require.Equal(t, invitations.UsageQuery{
			Organization: "acme", Viewer: "olga", Period: invitations.PeriodDay, PeriodStart: midnight(2026, 3, 1), Limit: 51,
		}, q)
		if after == nil {
			return "", nil
		}
		require.GreaterOrEqual(t, after.Used, int64(0))
		return usageCursor(after.Used, after.UserID), nil
	}
	return l
}

func listOfOffers() cursorList {
	l := listOfCreations("Received", 4)
	l.list = func(t require.TestingT, svc *invitations.Service, store *StoreMock, cursor string) (string, error) {
		list, err := svc.Received(context.Background(), nina, invitations.ReceivedParams{Cursor: cursor})
		if err != nil {
			require.Zero(t, list)
			return "", err
		}
		q := store.InvitationsCalls()[0].Q
		after := q.After
		q.After = nil
		require.Equal(t, invitations.InvitationQuery{States: []invitations.State{invitations.StatePending}, Email: "nina@example.com", At: noon, Limit: 51}, q)
		if after == nil {
			return "", nil
		}
		requireStorable(t, after.CreatedAt)
		require.NotEmpty(t, after.Organization)
		return offerCursor(after.CreatedAt, after.ID, after.Organization), nil
	}
	return l
}

// requireStorable fails unless every store can keep the time.
func requireStorable(t require.TestingT, at time.Time) {
	require.True(t, at.Year() >= 1 && at.Year() <= 9999)
	require.Equal(t, at.Truncate(time.Microsecond).UTC(), at)
}

// bad returns the cursors that l refuses.
func (l cursorList) bad() map[string]string {
	good, binary := l.good, decodeCursor(l.good)
	middle := len(good)/2 - 1
	bad := map[string]string{
		"not base64":                     strings.Repeat("!", len(good)),
		"1 character":                    "A",
		"a space":                        " ",
		"a number":                       "7",
		"SQL":                            "' OR 1=1 --",
		"JSON":                           `{"created_at":"2026-03-01T12:00:00Z"}`,
		"JSON in base64":                 base64.RawURLEncoding.EncodeToString([]byte(`{"after":"019531f00000700080"}`)),
		"36 bytes in 18 characters":      strings.Repeat("ü", 18),
		"1 character less":               good[:len(good)-1],
		"4 characters less":              good[:len(good)-4],
		"1 character more":               good + "A",
		"4 characters more":              good + "AAAA",
		"padding at the end":             good + "=",
		"padding of 2 at the end":        good + "==",
		"a megabyte":                     strings.Repeat("A", 1<<20),
		"a line break at the end":        good + "\n",
		"a line break inside":            good[:middle] + "\n" + good[middle:],
		"a line break for a character":   good[:middle] + "\n" + good[middle+1:],
		"CRLF inside":                    good[:middle] + "\r\n" + good[middle:],
		"CRLF for 2 characters":          good[:middle] + "\r\n" + good[middle+2:],
		"line breaks for the last group": good[:len(good)-2] + "\n\n",
		"only line breaks":               strings.Repeat("\n", len(good)),
		"the standard alphabet":          "+/" + good[2:],
		"all ones":                       strings.Repeat("_", len(good)),
		"all zeros":                      strings.Repeat("A", len(good)),
		"lower case":                     strings.ToLower(good),
		"NUL":                            good[:len(good)-1] + "\x00",
		"a token":                        validWire().text(),
		"only a version":                 good[:2],
	}
	for _, version := range []byte{0, 1, 2, 3, 4, 5, 6, 7, 255} {
		if version != binary[0] {
			bad["version "+strconv.Itoa(int(version))] = cursorOf(version, string(binary[1:]))
		}
	}
	for name, tail := range map[string]string{"2 bytes": "\x00\x01", "2 other bytes": "\x80\x00", "3 bytes": "\x00\x00\x00"} {
		bad["a tail of "+name] = cursorOf(binary[0], string(binary[1:])+tail)
	}
	for name, cursor := range map[string]string{
		"of invitations": invitationCursor(cursorTime, signedID),
		"of members":     idCursor("dora"),
		"of 13 bytes":    idCursor("11 bytes ID"),
		"of events":      eventCursor(7, 1),
		"of offers":      offerCursor(cursorTime, signedID, "acme"),
		"of amounts":     usageCursor(7, "dora"),
	} {
		if decodeCursor(cursor)[0] != binary[0] {
			bad[name] = cursor
		}
	}
	// The last character has bits that are not used, unless the groups are full.
	if last := len(good) - 1; len(good)%4 != 0 {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		bad["unused bits"] = good[:last] + string(alphabet[strings.IndexByte(alphabet, good[last])^1])
	}
	for name, cursor := range l.refused {
		bad[name] = cursor
	}
	return bad
}

func decodeCursor(cursor string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		panic(err)
	}
	return b
}

// A forged cursor is a position like any other. It must not change the rest of the query, so
// it shows nothing that the call does not show without it.
func TestClass42_ForgedCursorIsOnlyAPosition(t *testing.T) {
	t.Parallel()
	for name, l := range cursorLists {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, cursor := range append(slices.Clone(l.places), l.good, "") {
				store := working(l.operation)
				asked, err := l.list(t, serviceOn(t, store, atNoon()), store, cursor)
				require.NoError(t, err, cursor)
				require.Equal(t, cursor, asked)
				require.Len(t, callsOf(store), 1)
			}
		})
	}
}

func TestClass42_ForgedCursorIsRefused(t *testing.T) {
	t.Parallel()
	for list, l := range cursorLists {
		for name, cursor := range l.bad() {
			t.Run(list+"/"+name, func(t *testing.T) {
				t.Parallel()
				require.NotEqual(t, l.good, cursor, "the test refuses a good cursor")
				_, err := l.list(t, serviceOn(t, untouchable(), atNoon()), nil, cursor)
				requireInvalid(t, err, "cursor")
				require.Less(t, len(err.Error()), 100)
			})
		}
	}
}

// Each position has one cursor.
func FuzzCursor(f *testing.F) {
	f.Add("")
	for _, l := range cursorLists {
		for _, cursor := range l.bad() {
			f.Add(cursor[:min(len(cursor), 1000)])
		}
		for _, cursor := range l.places[:min(len(l.places), 10)] {
			f.Add(cursor)
		}
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		for _, l := range cursorLists {
			store := working(l.operation)
			asked, err := l.list(t, serviceOn(t, store, atNoon()), store, cursor)
			if err != nil {
				requireInvalid(t, err, "cursor")
				requireAsked(t, store)
				continue
			}
			require.Equal(t, cursor, asked)
		}
	})
}
