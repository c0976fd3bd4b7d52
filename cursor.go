package invitations

import (
	"encoding/base64"
	"math"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// A cursor is a position and nothing else. The organization and the permission to read it come
// from the call, so a forged cursor reveals nothing. Each position has one spelling: the
// base64url form of the version and the fields of the position. An ID at the end has its
// length before it.
const (
	invitationCursor = 1 // version 1 | microseconds since 1970 8 | invitation ID 16
	idCursor         = 2 // version 1 | length 1 | ID
	eventCursor      = 3 // version 1 | version of the organization 8 | index 4
	offerCursor      = 4 // version 1 | microseconds since 1970 8 | invitation ID 16 | length 1 | organization
	usageCursor      = 5 // version 1 | amount 8 | length 1 | user ID

	maxCursor = 1 + 8 + 16 + 1 + maxIDBytes // the longest one, of an offer
)

var (
	cursorEncoding = base64.RawURLEncoding.Strict()
	errCursor      = invalid("cursor", "malformed", "must be the NextCursor of this list")
)

func writeCursor(version uint8, position func(*cryptobyte.Builder)) string {
	b := cryptobyte.NewBuilder(nil)
	b.AddUint8(version)
	position(b)
	return cursorEncoding.EncodeToString(b.BytesOrPanic())
}

// readCursor calls read with the position in a cursor of this version. It returns false for
// the empty cursor, which has no position.
func readCursor(cursor string, version uint8, read func(*cryptobyte.String) bool) (bool, error) {
	if cursor == "" {
		return false, nil
	}
	if len(cursor) > cursorEncoding.EncodedLen(maxCursor) {
		return false, errCursor
	}
	binary, err := cursorEncoding.DecodeString(cursor)
	if err != nil || cursorEncoding.EncodeToString(binary) != cursor { // the decoder skips line breaks
		return false, errCursor
	}
	var got uint8
	s := cryptobyte.String(binary)
	if !s.ReadUint8(&got) || got != version || !read(&s) || !s.Empty() {
		return false, errCursor
	}
	return true, nil
}

func encodeInvitationCursor(p InvitationPosition) string {
	return writeCursor(invitationCursor, func(b *cryptobyte.Builder) { addCreation(b, p) })
}

// decodeInvitationCursor returns nil for an empty cursor.
func decodeInvitationCursor(cursor string) (*InvitationPosition, error) {
	var p InvitationPosition
	ok, err := readCursor(cursor, invitationCursor, func(s *cryptobyte.String) bool { return readCreation(s, &p) })
	if !ok {
		return nil, err
	}
	return &p, nil
}

// encodeOfferCursor returns the cursor of a position among the invitations of an address.
func encodeOfferCursor(p InvitationPosition) string {
	return writeCursor(offerCursor, func(b *cryptobyte.Builder) {
		addCreation(b, p)
		addID(b, p.Organization)
	})
}

// decodeOfferCursor returns nil for an empty cursor.
func decodeOfferCursor(cursor string) (*InvitationPosition, error) {
	var p InvitationPosition
	ok, err := readCursor(cursor, offerCursor, func(s *cryptobyte.String) bool { return readCreation(s, &p) && readID(s, &p.Organization) })
	if !ok {
		return nil, err
	}
	return &p, nil
}

func encodeUsageCursor(p MemberUsage) string {
	return writeCursor(usageCursor, func(b *cryptobyte.Builder) {
		b.AddUint64(uint64(p.Used))
		addID(b, p.UserID)
	})
}

// decodeUsageCursor returns nil for an empty cursor.
func decodeUsageCursor(cursor string) (*MemberUsage, error) {
	var p MemberUsage
	var used uint64
	ok, err := readCursor(cursor, usageCursor, func(s *cryptobyte.String) bool {
		return s.ReadUint64(&used) && readID(s, &p.UserID) && used <= math.MaxInt64 // all stores can keep this
	})
	if !ok {
		return nil, err
	}
	p.Used = int64(used)
	return &p, nil
}

// encodeIDCursor returns the cursor of a position in the order of IDs.
func encodeIDCursor(id string) string {
	return writeCursor(idCursor, func(b *cryptobyte.Builder) { addID(b, id) })
}

// decodeIDCursor returns the ID after which the page starts, or "" for an empty cursor.
func decodeIDCursor(cursor string) (id string, err error) {
	ok, err := readCursor(cursor, idCursor, func(s *cryptobyte.String) bool { return readID(s, &id) })
	if !ok {
		return "", err
	}
	return id, nil
}

func encodeEventCursor(p EventPosition) string {
	return writeCursor(eventCursor, func(b *cryptobyte.Builder) {
		b.AddUint64(uint64(p.Version))
		b.AddUint32(uint32(p.Index))
	})
}

// decodeEventCursor returns nil for an empty cursor.
func decodeEventCursor(cursor string) (*EventPosition, error) {
	var version uint64
	var index uint32
	ok, err := readCursor(cursor, eventCursor, func(s *cryptobyte.String) bool {
		return s.ReadUint64(&version) && s.ReadUint32(&index) && version <= math.MaxInt64 && index <= math.MaxInt32 // all stores can keep these
	})
	if !ok {
		return nil, err
	}
	return &EventPosition{Version: int64(version), Index: int(index)}, nil
}

func addCreation(b *cryptobyte.Builder, p InvitationPosition) {
	b.AddUint64(uint64(p.CreatedAt.UnixMicro()))
	b.AddBytes(p.ID[:])
}

func readCreation(s *cryptobyte.String, p *InvitationPosition) bool {
	var micros uint64
	if !s.ReadUint64(&micros) || !s.CopyBytes(p.ID[:]) {
		return false
	}
	p.CreatedAt = time.UnixMicro(int64(micros)).UTC()
	return storable(p.CreatedAt)
}

func addID(b *cryptobyte.Builder, id string) {
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(id)) })
}

func readID(s *cryptobyte.String, id *string) bool {
	var read cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&read) || checkName("cursor", string(read), maxIDBytes) != nil {
		return false
	}
	*id = string(read)
	return true
}
