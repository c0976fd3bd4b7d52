package pgstore

import (
	"database/sql/driver"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/go-invitations/invitations"
)

// A value is a field of a row, converted to one of the types below. The driver scans into it, and
// argument returns the argument that the driver writes. NULL, which an outer join leaves, is
// scanned as the zero value. An argument can be a pointer to the field, because a copy of every field
// would be garbage. So the row must not change before the statement is sent.
//
// The driver reads and writes these types directly. For types of the library, such as
// invitations.Kind, it would take a longer way.
type value interface{ argument() any }

type textValue string

func (t *textValue) ScanText(v pgtype.Text) error {
	*t = textValue(v.String)
	return nil
}

// TextValue serves pgx. For database/sql, a pointer to a string is a string.
func (t *textValue) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: string(*t), Valid: true}, nil
}

// String serves tracers of the host, which may log arguments.
func (t *textValue) String() string { return string(*t) }

func (t *textValue) argument() any { return t }

// textArgument returns an argument of type text. The string must not change before the statement is
// sent.
func textArgument(s *string) any { return (*textValue)(s) }

type textArrayValue []string

func (a *textArrayValue) SetDimensions(d []pgtype.ArrayDimension) error {
	return (*pgtype.FlatArray[string])(a).SetDimensions(d)
}
func (a *textArrayValue) ScanIndex(i int) any { return &(*a)[i] }
func (a *textArrayValue) ScanIndexType() any  { return (*string)(nil) }

func (a *textArrayValue) argument() any { return arrayText(*a) }

type roleArrayValue []invitations.Role

func (a *roleArrayValue) SetDimensions(d []pgtype.ArrayDimension) error {
	return (*pgtype.FlatArray[invitations.Role])(a).SetDimensions(d)
}
func (a *roleArrayValue) ScanIndex(i int) any { return (*textValue)(&(*a)[i]) }
func (a *roleArrayValue) ScanIndexType() any  { return (*textValue)(nil) }

func (a *roleArrayValue) argument() any { return arrayText(*a) }

// A bigintArrayValue is only read.
type bigintArrayValue []int64

func (a *bigintArrayValue) SetDimensions(d []pgtype.ArrayDimension) error {
	return (*pgtype.FlatArray[int64])(a).SetDimensions(d)
}
func (a *bigintArrayValue) ScanIndex(i int) any { return &(*a)[i] }
func (a *bigintArrayValue) ScanIndexType() any  { return (*int64)(nil) }

// A repeatedTextArrayValue is only read. Its elements are often equal, and then share memory.
type repeatedTextArrayValue struct {
	texts []string
	at    int // the index of the element that is scanned next
}

func (a *repeatedTextArrayValue) SetDimensions(d []pgtype.ArrayDimension) error {
	return (*pgtype.FlatArray[string])(&a.texts).SetDimensions(d)
}

func (a *repeatedTextArrayValue) ScanIndex(i int) any {
	a.at = i
	return (*repeatedTextValue)(a)
}
func (a *repeatedTextArrayValue) ScanIndexType() any { return (*repeatedTextValue)(nil) }

// A repeatedTextValue is the element of an array that is scanned next.
type repeatedTextValue repeatedTextArrayValue

func (e *repeatedTextValue) ScanBytes(v []byte) error {
	if e.at > 0 && e.texts[e.at-1] == string(v) {
		e.texts[e.at] = e.texts[e.at-1]
	} else {
		e.texts[e.at] = string(v)
	}
	return nil
}

// arrayText returns values as PostgreSQL writes an array. In this form empty arrays, which nearly
// all are, cost nothing, and two arguments can be compared.
func arrayText[T ~string](values []T) any {
	if len(values) == 0 {
		return "{}"
	}
	text := make([]byte, 0, 64)
	for i, v := range values {
		text = append(text, "{,"[min(i, 1)], '"')
		for j := range len(v) {
			if v[j] == '"' || v[j] == '\\' {
				text = append(text, '\\')
			}
			text = append(text, v[j])
		}
		text = append(text, '"')
	}
	return string(append(text, '}'))
}

type booleanValue bool

func (b *booleanValue) ScanBool(v pgtype.Bool) error {
	*b = booleanValue(v.Bool)
	return nil
}

func (b *booleanValue) argument() any { return bool(*b) }

// A bigintValue is an int64 in a column of type bigint.
type bigintValue int64

func (n *bigintValue) ScanInt64(v pgtype.Int8) error {
	*n = bigintValue(v.Int64)
	return nil
}

func (n *bigintValue) argument() any { return int64(*n) }

// An integerValue is an int in a column of type bigint or integer.
type integerValue int

func (n *integerValue) ScanInt64(v pgtype.Int8) error {
	*n = integerValue(v.Int64)
	return nil
}

func (n *integerValue) argument() any { return int64(*n) }

// A microsecondsValue is a duration in a column of type bigint, in microseconds.
type microsecondsValue time.Duration

func (d *microsecondsValue) ScanInt64(v pgtype.Int8) error {
	*d = microsecondsValue(time.Duration(v.Int64) * time.Microsecond)
	return nil
}

func (d *microsecondsValue) argument() any { return time.Duration(*d).Microseconds() }

type uuidValue uuid.UUID

func (u *uuidValue) ScanUUID(v pgtype.UUID) error {
	*u = v.Bytes
	return nil
}

func (u *uuidValue) argument() any { return uuidArgument(uuid.UUID(*u)) }

// uuidArgument returns u in the driver's type, which it writes as 16 bytes and not as text.
func uuidArgument(u uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: u, Valid: true} }

// An instantValue is a time in UTC.
type instantValue time.Time

func (t *instantValue) ScanTimestamptz(v pgtype.Timestamptz) error {
	*t = instantValue(v.Time.UTC())
	return nil
}

// TimestamptzValue serves pgx.
func (t *instantValue) TimestamptzValue() (pgtype.Timestamptz, error) {
	return pgtype.Timestamptz{Time: time.Time(*t), Valid: true}, nil
}

// Value serves database/sql, and the exec modes of pgx that do not know the types of parameters.
func (t *instantValue) Value() (driver.Value, error) { return time.Time(*t), nil }

// String serves tracers of the host, which may log arguments.
func (t *instantValue) String() string { return time.Time(*t).String() }

func (t *instantValue) argument() any { return t }

// instantArgument returns an argument of type timestamptz. The time must not change before the
// statement is sent.
func instantArgument(t *time.Time) any { return (*instantValue)(t) }

// An optionalInstantValue is NULL if it is zero.
type optionalInstantValue time.Time

func (t *optionalInstantValue) ScanTimestamptz(v pgtype.Timestamptz) error {
	*t = optionalInstantValue(v.Time.UTC())
	return nil
}

func (t *optionalInstantValue) argument() any {
	if time.Time(*t).IsZero() {
		return nil
	}
	return (*instantValue)(t)
}

// A nonceValue is in a column of type bytea.
type nonceValue [16]byte

func (n *nonceValue) ScanBytes(v []byte) error {
	*n = nonceValue{}
	copy(n[:], v)
	return nil
}

func (n *nonceValue) argument() any { return n[:] }

// A metadataValue is in a column of type jsonb, which is read and written as text: in some exec
// modes the driver writes bytes as bytea.
type metadataValue map[string]string

func (m *metadataValue) ScanBytes(v []byte) error {
	*m = nil
	if len(v) == 0 || string(v) == "{}" {
		return nil
	}
	return json.Unmarshal(v, (*map[string]string)(m))
}

func (m *metadataValue) argument() any {
	if len(*m) == 0 {
		return "{}"
	}
	return jsonText(*m)
}

// A limitsValue is in a column of type jsonb. It is NULL if there are no limits.
type limitsValue struct{ limits **invitations.Limits }

func (l limitsValue) ScanBytes(v []byte) error {
	*l.limits = nil
	if v == nil {
		return nil
	}
	return json.Unmarshal(v, l.limits)
}

func (l limitsValue) argument() any {
	if *l.limits == nil {
		return nil
	}
	return jsonText(*l.limits)
}

// list returns values as a JSON array. Statements take lists in this form, because the planner
// does not know the length of an array parameter and would make a new plan for every call.
func list[T ~string | uuid.UUID](values []T) string {
	if len(values) == 0 {
		return "[]"
	}
	return jsonText(values)
}

// jsonText returns v as JSON.
func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, numbers and limits have a JSON form
	}
	return string(text)
}
