package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-invitations/invitations"
)

// roleName returns the name that pages show for a role.
func roleName(role invitations.Role) string {
	return capital(strings.ReplaceAll(string(role), "_", " "))
}

// relative returns the distance of t from now, such as "in 6 days" or "3 hours ago".
func relative(t, now time.Time) string {
	d := t.Sub(now)
	text := distance(d.Abs())
	switch {
	case text == "":
		return "just now"
	case d > 0:
		return "in " + text
	default:
		return text + " ago"
	}
}

// distance returns a duration in its largest unit, or "" below a minute.
func distance(d time.Duration) string {
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if n := int64(d.Round(unit.size/2) / unit.size); n > 0 {
			return plural(n, unit.name)
		}
	}
	return ""
}

// wait returns a time to wait, to the second if it is short.
func wait(d time.Duration) string {
	if d < 90*time.Second {
		return plural(int64((d+time.Second-1)/time.Second), "second")
	}
	return distance(d)
}

// plural returns a number with its noun.
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

// date returns the day of t.
func date(t time.Time) string { return t.UTC().Format("2 January 2006") }

// dateTime returns t to the minute.
func dateTime(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// periodName returns the words for a quota's period after an amount.
func periodName(p invitations.Period) string {
	switch p {
	case invitations.PeriodDay:
		return "a day"
	case invitations.PeriodMonth:
		return "a month"
	default:
		return "in total"
	}
}

// initial returns the first character of a name, as a picture of it.
func initial(name string) string {
	_, size := utf8.DecodeRuneInString(name)
	return strings.ToUpper(name[:size])
}

// number returns n with groups of thousands.
func number(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// masked hides a part of an address from a person who may not be its owner: a***@example.com.
func masked(email string) string {
	local, domain, ok := strings.Cut(email, "@")
	if !ok || local == "" {
		return "another address"
	}
	return string([]rune(local)[:1]) + "***@" + domain
}

// sentence returns text with a capital at the start and a full stop at the end.
func sentence(text string) string { return capital(strings.TrimSuffix(text, ".")) + "." }

// capital returns text with a capital at the start.
func capital(text string) string {
	_, size := utf8.DecodeRuneInString(text)
	return strings.ToUpper(text[:size]) + text[size:]
}

// calls returns a number of calls.
func calls(n int64) string { return plural(n, "call") }

// usedText returns the words for a quota and what is used of it.
func usedText(u invitations.Usage) string {
	when := map[invitations.Period]string{invitations.PeriodDay: "today", invitations.PeriodMonth: "this month", invitations.PeriodEndless: "in total"}[u.Period]
	switch u.Limit {
	case 0:
		return "no calls"
	case invitations.NoLimit:
		return calls(u.Used) + " " + when + ", not limited"
	default:
		return number(u.Used) + " of " + calls(u.Limit) + " used " + when
	}
}
