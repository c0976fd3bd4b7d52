package invitations

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// InvalidError names an argument that was refused, and the reason. It matches [ErrInvalid].
// It never contains the value.
type InvalidError struct {
	Field  string // the argument's name in lower case with underscores, such as "expires_in"
	Reason string // such as "must not be empty"

	// Code is the stable identifier of the kind of reason, such as "too_long", so that an API
	// can translate it. [InvalidCodes] lists all codes of this module.
	Code string
	// Values are the numbers and names in Reason, such as {"max": "255", "unit": "bytes"}. Nil
	// means none. docs/errors.md lists them by code.
	Values map[string]string
}

// Error returns "invitations: FIELD REASON".
func (e *InvalidError) Error() string { return "invitations: " + e.Field + " " + e.Reason }

// Unwrap returns [ErrInvalid].
func (e *InvalidError) Unwrap() error { return ErrInvalid }

// InvalidCodes returns all values of [InvalidError].Code that this module uses, sorted.
func InvalidCodes() []string { return slices.Clone(invalidCodes) }

// invalidCodes lists the codes of this package, mail and pgstore, sorted. docs/errors.md
// describes each.
var invalidCodes = []string{
	"control_character",
	"domain_without_dot",
	"duplicate",
	"empty_key",
	"excluded",
	"invalid_domain",
	"invalid_local_part",
	"invalid_template",
	"invalid_url",
	"malformed",
	"missing_at_sign",
	"not_after",
	"not_canonical",
	"not_constructed",
	"not_utf8",
	"other_organization",
	"out_of_range",
	"owner_incomplete",
	"required",
	"reserved",
	"same",
	"too_large",
	"too_long",
	"too_many",
	"too_recent",
	"too_short",
	"too_small",
	"unknown_permission",
	"unknown_role",
	"unknown_value",
	"unsupported_type",
	"unusable_text",
	"wrong_kind",
	"wrong_type",
}

// invalid returns an [InvalidError]. The values are pairs of a name and a text.
func invalid(field, code, reason string, values ...string) error {
	e := &InvalidError{Field: field, Reason: reason, Code: code}
	for pair := range slices.Chunk(values, 2) {
		if e.Values == nil {
			e.Values = map[string]string{}
		}
		e.Values[pair[0]] = pair[1]
	}
	return e
}

func required(field string) error { return invalid(field, "required", "must not be empty") }

// tooLong refuses a text of more than most units, which are bytes or characters.
func tooLong(field string, most int, unit string) error {
	n := strconv.Itoa(most)
	return invalid(field, "too_long", "must have at most "+n+" "+unit, "max", n, "unit", unit)
}

// tooMany refuses a collection of more than most elements, which the reason calls what.
func tooMany(field string, most int, what string) error {
	n := strconv.Itoa(most)
	return invalid(field, "too_many", "must have at most "+n+" "+what, "max", n)
}

// outOfRange refuses a value that is not between least and most.
func outOfRange[T int | int64 | time.Duration](field string, least, most T) error {
	return outOfRangeBecause(field, "must be between "+plain(least)+" and "+plain(most), least, most)
}

// outOfRangeBecause is outOfRange with a reason of its own.
func outOfRangeBecause[T int | int64 | time.Duration](field, reason string, least, most T) error {
	return invalid(field, "out_of_range", reason, append(bound("max", most), "min", bound("", least)[1])...)
}

// outOfYears refuses a time that not all stores can keep.
func outOfYears(field string) error {
	return outOfRangeBecause(field, "must be in the years 1 to 9999", 1, 9999)
}

// tooLarge refuses a value above most.
func tooLarge[T int | time.Duration](field string, most T) error {
	return invalid(field, "too_large", "must be at most "+plain(most), bound("max", most)...)
}

// plain returns a number, or a duration without the units that are zero: 24h and not 24h0m0s.
func plain[T int | int64 | time.Duration](n T) string {
	text := fmt.Sprint(n)
	if _, ok := any(n).(time.Duration); ok {
		for _, zero := range []string{"m0s", "h0m"} {
			if strings.HasSuffix(text, zero) {
				text = text[:len(text)-2]
			}
		}
	}
	return text
}

// bound returns the name and the text of a bound, and the unit of a duration.
func bound[T int | int64 | time.Duration](name string, n T) []string {
	if d, ok := any(n).(time.Duration); ok {
		return []string{name, strconv.FormatFloat(d.Seconds(), 'f', -1, 64), "unit", "seconds"}
	}
	return []string{name, strconv.FormatInt(int64(n), 10)}
}

// notUTF8 and controlCharacter refuse a text with such bytes or characters.
func notUTF8(field string) error { return invalid(field, "not_utf8", "must be valid UTF-8") }

func controlCharacter(field string) error {
	return invalid(field, "control_character", "must not contain a control character")
}
