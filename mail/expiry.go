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

var (
	germanDays    = [...]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"}
	frenchDays    = [...]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}
	spanishDays   = [...]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"}
	brazilianDays = [...]string{
		"domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado",
	}
	arabicDays = [...]string{"الأحد", "الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت"}

	germanMonths = [...]string{
		"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
		"Dezember",
	}
	frenchMonths = [...]string{
		"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
		"décembre",
	}
	spanishMonths = [...]string{
		"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
		"diciembre",
	}
	brazilianMonths = [...]string{
		"janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
		"novembro", "dezembro",
	}
	arabicMonths = [...]string{
		"يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر",
	}
)

func englishTime(t time.Time) string {
	return t.Format("Monday, 2 January 2006 at 15:04 ") + zoneOffset(t)
}

func germanTime(t time.Time) string {
	return fmt.Sprintf("%s, %d.\u00a0%s %d, %s Uhr (%s)",
		germanDays[t.Weekday()], t.Day(), germanMonths[t.Month()-1], t.Year(), t.Format("15:04"), zoneOffset(t))
}

func frenchTime(t time.Time) string {
	return fmt.Sprintf("%s %s\u00a0%s %d à %s (%s)", frenchDays[t.Weekday()], dayOfMonth(t, "1er"),
		frenchMonths[t.Month()-1], t.Year(), t.Format("15:04"), zoneOffset(t))
}

func spanishTime(t time.Time) string {
	article := "las"
	if t.Hour() == 1 {
		article = "la"
	}
	return fmt.Sprintf("%s %d de %s de %d a %s %s (%s)", spanishDays[t.Weekday()], t.Day(),
		spanishMonths[t.Month()-1], t.Year(), article, t.Format("15:04"), zoneOffset(t))
}

func portugueseTime(t time.Time) string {
	preposition := "às"
	if t.Hour() == 1 {
		preposition = "à"
	}
	return fmt.Sprintf("%s, %s de %s de %d, %s %s (%s)", brazilianDays[t.Weekday()], dayOfMonth(t, "1º"),
		brazilianMonths[t.Month()-1], t.Year(), preposition, t.Format("15:04"), zoneOffset(t))
}

func arabicTime(t time.Time) string {
	return fmt.Sprintf("%s، %d %s %d، الساعة %s (%s)",
		arabicDays[t.Weekday()], t.Day(), arabicMonths[t.Month()-1], t.Year(), t.Format("15:04"), zoneOffset(t))
}

// dayOfMonth returns the number of the day, or first on the first of a month.
func dayOfMonth(t time.Time, first string) string {
	if t.Day() == 1 {
		return first
	}
	return fmt.Sprint(t.Day())
}
