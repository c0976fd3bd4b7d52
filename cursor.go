package invitations

import (
	"encoding/base64"
	"errors"
	"iter"
	"math"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// A cursor is a position and nothing else: the organization and the permission to read it
// come from the call, so a forged cursor shows nothing more. Each position has one
// spelling.

const (
	invitationCursor = 1 // the versions of the binary forms
	idCursor         = 2
	eventCursor      = 3
	offerCursor      = 4
)

var cursorEncoding = base64.RawURLEncoding.Strict()

// pageLimit returns how long the pages are that a caller asked for.
func pageLimit(limit int) (int, error) {
	switch {
	case limit == 0:
		return defaultPage, nil
	case limit < 1 || limit > maxPage:
		return 0, invalid("limit", "is not between 1 and 100")
	}
	return limit, nil
}

// pages returns an iterator over what get returns page by page, from a cursor on. It stops
// after the first error.
func pages[T any](first string, get func(cursor string) (page []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for cursor := first; ; {
			page, next, err := get(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range page {
				if !yield(v, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			cursor = next
		}
	}
}

// errForeignID: a store holds an id that did not come from the service, and that it would
// refuse.
var errForeignID = errors.New("invitations: the store has an id that is out of bounds")

var errCursor = invalid("cursor", "is not one of this list")

// The binary form of a position among invitations, of fixed width: version 1 | microseconds
// since 1970 8 | invitation id 16, and 2 zero bytes that make it a whole number of base64
// groups.
const (
	cursorBinary = 27
	cursorLen    = cursorBinary / 3 * 4
)

func encodeCursor(p InvitationPosition) string {
	b := cryptobyte.NewFixedBuilder(make([]byte, 0, cursorBinary))
	b.AddUint8(invitationCursor)
	b.AddUint64(uint64(p.CreatedAt.UnixMicro()))
	b.AddBytes(p.ID[:])
	b.AddUint16(0)
	return cursorEncoding.EncodeToString(b.BytesOrPanic())
}

func decodeCursor(cursor string) (*InvitationPosition, error) {
	if len(cursor) != cursorLen {
		return nil, errCursor
	}
	binary, err := cursorEncoding.DecodeString(cursor)
	if err != nil {
		return nil, errCursor
	}
	var p InvitationPosition
	var version uint8
	var micros uint64
	var zero uint16
	s := cryptobyte.String(binary)
	if !s.ReadUint8(&version) || !s.ReadUint64(&micros) || !s.CopyBytes(p.ID[:]) || !s.ReadUint16(&zero) ||
		!s.Empty() || version != invitationCursor || zero != 0 {
		return nil, errCursor
	}
	if p.CreatedAt, err = instant(micros); err != nil {
		return nil, err
	}
	return &p, nil
}

// instant returns the time of a cursor, in microseconds since 1970.
func instant(micros uint64) (time.Time, error) {
	at := time.UnixMicro(int64(micros)).UTC()
	if year := at.Year(); year < 1 || year > 9999 {
		return time.Time{}, errCursor // further than all stores can keep
	}
	return at, nil
}

// The other binary forms have a length that varies: their last part is an id with its length
// before it in a byte.

// decodeText returns the binary form of a cursor with the version, without the latter. No form
// is longer than max.
func decodeText(cursor string, version uint8, max int) (cryptobyte.String, error) {
	if len(cursor) > cursorEncoding.EncodedLen(max) {
		return nil, errCursor
	}
	binary, err := cursorEncoding.DecodeString(cursor)
	if err != nil || cursorEncoding.EncodeToString(binary) != cursor { // as with a line break in it
		return nil, errCursor
	}
	var got uint8
	s := cryptobyte.String(binary)
	if !s.ReadUint8(&got) || got != version {
		return nil, errCursor
	}
	return s, nil
}

func addID(b *cryptobyte.Builder, id string) {
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(id)) })
}

// readID reads the id that ends s.
func readID(s cryptobyte.String) (string, error) {
	var id cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&id) || !s.Empty() || checkName("cursor", string(id), maxIDBytes) != nil {
		return "", errCursor
	}
	return string(id), nil
}

// encodeIDCursor returns the cursor of a position in the order of ids.
func encodeIDCursor(id string) string {
	b := cryptobyte.NewBuilder(nil)
	b.AddUint8(idCursor)
	addID(b, id)
	return cursorEncoding.EncodeToString(b.BytesOrPanic())
}

// decodeIDCursor returns the id that the page begins behind, or "" for an empty cursor.
func decodeIDCursor(cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	s, err := decodeText(cursor, idCursor, 2+maxIDBytes)
	if err != nil {
		return "", err
	}
	return readID(s)
}

// encodeOfferCursor returns the cursor of a position among the invitations of an address.
func encodeOfferCursor(p InvitationPosition) string {
	b := cryptobyte.NewBuilder(nil)
	b.AddUint8(offerCursor)
	b.AddUint64(uint64(p.CreatedAt.UnixMicro()))
	b.AddBytes(p.ID[:])
	addID(b, p.Organization)
	return cursorEncoding.EncodeToString(b.BytesOrPanic())
}

// decodeOfferCursor returns nil for an empty cursor.
func decodeOfferCursor(cursor string) (*InvitationPosition, error) {
	if cursor == "" {
		return nil, nil
	}
	s, err := decodeText(cursor, offerCursor, 1+8+16+1+maxIDBytes)
	if err != nil {
		return nil, err
	}
	var p InvitationPosition
	var micros uint64
	if !s.ReadUint64(&micros) || !s.CopyBytes(p.ID[:]) {
		return nil, errCursor
	}
	if p.CreatedAt, err = instant(micros); err != nil {
		return nil, err
	}
	p.Organization, err = readID(s)
	return &p, err
}

// The binary form of a position among events, of fixed width: version 1 | version of the
// organization 8 | index 4, and 2 zero bytes that make it a whole number of base64 groups.
const (
	eventCursorBinary = 15
	eventCursorLen    = eventCursorBinary / 3 * 4
)

func encodeEventCursor(p EventPosition) string {
	b := cryptobyte.NewFixedBuilder(make([]byte, 0, eventCursorBinary))
	b.AddUint8(eventCursor)
	b.AddUint64(uint64(p.Version))
	b.AddUint32(uint32(p.Index))
	b.AddUint16(0)
	return cursorEncoding.EncodeToString(b.BytesOrPanic())
}

// decodeEventCursor returns nil for an empty cursor.
func decodeEventCursor(cursor string) (*EventPosition, error) {
	if cursor == "" {
		return nil, nil
	}
	if len(cursor) != eventCursorLen {
		return nil, errCursor
	}
	s, err := decodeText(cursor, eventCursor, eventCursorBinary)
	if err != nil {
		return nil, err
	}
	var version uint64
	var index uint32
	var zero uint16
	if !s.ReadUint64(&version) || !s.ReadUint32(&index) || !s.ReadUint16(&zero) || !s.Empty() || zero != 0 ||
		version > math.MaxInt64 || index > math.MaxInt32 {
		return nil, errCursor // further than all stores can keep
	}
	return &EventPosition{Version: int64(version), Index: int(index)}, nil
}
