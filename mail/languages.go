package mail

import (
	"embed"
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
