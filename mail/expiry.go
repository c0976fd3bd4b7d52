package mail

import (
	"fmt"
	"time"
)

// Expiry returns the text of .Expiry in a template.
func (f fields) Expiry() string { return f.format(f.ExpiresAt) }

// inLocation returns t in location; nil means UTC. A host may take the name of a fixed zone from a
// user. The offset replaces a name that cannot be an abbreviation of the time zone database.
func inLocation(t time.Time, location *time.Location) time.Time {
	if location == nil {
		return t.UTC()
	}
	const maxBytes = 6
	t = t.In(location)
	name, offset := t.Zone()
	if len(name) > maxBytes || !consistsOf(name, lettersAndDigits+"+-") {
		return t.In(time.FixedZone("", offset))
	}
	return t
}

// numericTime is the FormatTime of templates that have none. Its form belongs to no language.
func numericTime(t time.Time) string { return t.Format("2006-01-02 15:04 ") + zoneOffset(t) }

// zoneOffset returns the offset of t from UTC, such as "UTC", "UTC +1" or "UTC -9:30".
// Abbreviations are not unique: CST is in America and in China. A space follows UTC, because mail
// programs could take "UTC+5:30" for a link.
func zoneOffset(t time.Time) string {
	_, seconds := t.Zone()
	minutes := seconds / 60
	if minutes == 0 {
		return "UTC"
	}
	sign := '+'
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	offset := fmt.Sprintf("UTC %c%d", sign, minutes/60)
	if minutes %= 60; minutes != 0 {
		offset += fmt.Sprintf(":%02d", minutes)
	}
	return offset
}
