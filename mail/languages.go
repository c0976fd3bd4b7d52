package mail

import (
	"embed"
	"fmt"
	"time"
)

//go:embed layout.html en de fr es pt ar
var files embed.FS

// builtInFormats has the FormatTime of each built-in language.
//
// Each language addresses the recipient as business software does in mail to a person who may not
// know the product yet, and needs no grammatical gender of any person.
var builtInFormats = map[string]func(time.Time) string{
	"en": englishTime,
	"de": germanTime,     // "Sie", because the recipient has no account yet and business software says it to strangers
	"fr": frenchTime,     // "vous", because "tu" is too familiar in a mail from a product
	"es": spanishTime,    // "tú", because products say it in Spain and in Latin America alike
	"pt": portugueseTime, // "você", the common form in Brazil
	"ar": arabicTime,     // only forms that are written the same for men and women, such as "دعوتك"
}

// BuiltIn returns the built-in templates by language tag: "en" (English), "de" (German), "fr"
// (French), "es" (Spanish), "pt" (Portuguese as in Brazil) and "ar" (Arabic). A host can change a
// part of them and set the result in [Config].
func BuiltIn() map[string]Templates {
	templates := map[string]Templates{}
	for tag, format := range builtInFormats {
		templates[tag] = Templates{
			Subject:    builtInFile(tag + "/subject.txt"),
			Text:       builtInFile(tag + "/text.txt"),
			HTML:       builtInFile(tag+"/words.html") + builtInFile("layout.html"),
			FormatTime: format,
		}
	}
	return templates
}

// builtInFile returns the text of a file. A missing file would be an empty template, which New
// refuses.
func builtInFile(name string) string {
	text, _ := files.ReadFile(name)
	return string(text)
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
