package invitations

import (
	"encoding/base64"
	"errors"
	"iter"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// A cursor is a position and nothing else: the organization and the permission to read it
// come from the call, so a forged cursor shows nothing more. Each position has one
// spelling.

const (
	invitationCursor = 1 // the versions of the two binary forms
	idCursor         = 2
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
	p.CreatedAt = time.UnixMicro(int64(micros)).UTC()
	if year := p.CreatedAt.Year(); year < 1 || year > 9999 {
		return nil, errCursor // further than all stores can keep
	}
	return &p, nil
}

// The binary form of a position in the order of ids: version 1 | the id with its length
// before it in a byte.

func encodeIDCursor(id string) string {
	b := cryptobyte.NewBuilder(nil)
	b.AddUint8(idCursor)
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(id)) })
	return cursorEncoding.EncodeToString(b.BytesOrPanic())
}

// decodeIDCursor returns the id that the page begins behind, or "" for an empty cursor.
func decodeIDCursor(cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	if len(cursor) > cursorEncoding.EncodedLen(2+maxIDBytes) {
		return "", errCursor
	}
	binary, err := cursorEncoding.DecodeString(cursor)
	if err != nil || cursorEncoding.EncodeToString(binary) != cursor { // as with a line break in it
		return "", errCursor
	}
	var version uint8
	var id cryptobyte.String
	s := cryptobyte.String(binary)
	if !s.ReadUint8(&version) || !s.ReadUint8LengthPrefixed(&id) || !s.Empty() || version != idCursor {
		return "", errCursor
	}
	if checkName("cursor", string(id), maxIDBytes) != nil {
		return "", errCursor
	}
	return string(id), nil
}
