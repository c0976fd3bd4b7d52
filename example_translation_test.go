package invitations_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
)

// A translation has the sentences of a host in one language. Values stand in braces.
type translation struct {
	errors  map[string]string // by the code of a problem
	reasons map[string]string // by the reason code of an invalid argument
	words   map[string]string // by the name of a unit or of a kind of invitation
	fields  map[string]string // the labels of the host's forms
}

// sentence returns the sentence for the person concerned.
func (t translation) sentence(p invitations.Problem) string {
	reason, ok := t.reasons[p.ReasonCode]
	if !ok {
		return cmp.Or(t.errors[p.Code], p.Title) // a later version can have a new code
	}
	for name, value := range inHours(p.Values) {
		word := cmp.Or(t.words[value], value)
		if name == "field" {
			word = cmp.Or(t.fields[value], value)
		}
		reason = strings.ReplaceAll(reason, "{"+name+"}", word)
	}
	reason = strings.ReplaceAll(reason, " {unit}", "") // not every bound has one
	return cmp.Or(t.fields[p.Field], p.Field) + ": " + reason
}

// inHours returns values with bounds in hours instead of seconds, if all are whole hours.
func inHours(values map[string]string) map[string]string {
	if values["unit"] != "seconds" {
		return values
	}
	hours := map[string]string{"unit": "hours"}
	for _, bound := range []string{"min", "max"} {
		if values[bound] == "" {
			continue
		}
		seconds, err := strconv.Atoi(values[bound])
		if err != nil || seconds%3600 != 0 {
			return values
		}
		hours[bound] = strconv.Itoa(seconds / 3600)
	}
	return hours
}

const (
	noLongerValidGerman = "Diese Einladung ist nicht mehr gültig."
	noLongerValidArabic = "هذه الدعوة لم تعد صالحة."
)

// German says "Sie", as the mails do.
var german = translation{
	errors: map[string]string{
		"invalid_token":         noLongerValidGerman,
		"not_pending":           noLongerValidGerman,
		"expired":               "Diese Einladung ist abgelaufen. Bitten Sie um eine neue.",
		"revoked":               noLongerValidGerman,
		"declined":              noLongerValidGerman,
		"already_accepted":      "Diese Einladung wurde bereits verwendet.",
		"exhausted":             noLongerValidGerman,
		"role_unknown":          noLongerValidGerman,
		"sender_not_entitled":   noLongerValidGerman,
		"recipient_mismatch":    "Diese Einladung wurde an eine andere E-Mail-Adresse gesendet.",
		"email_unverified":      "Bestätigen Sie zuerst Ihre E-Mail-Adresse.",
		"domain_not_allowed":    "E-Mail-Adressen dieser Domain sind nicht zugelassen.",
		"already_member":        "Die Mitgliedschaft besteht bereits.",
		"permission_denied":     "Dafür fehlt Ihnen die Berechtigung.",
		"role_not_assignable":   "Diese Rolle können Sie nicht vergeben.",
		"not_found":             "Nicht gefunden.",
		"already_invited":       "Für diese E-Mail-Adresse gibt es bereits eine offene Einladung.",
		"pending_limit_reached": "Es gibt zu viele offene Einladungen.",
		"links_not_allowed":     "Einladungslinks sind in dieser Organisation nicht erlaubt.",
		"last_owner":            "Die Organisation braucht mindestens eine Inhaberin oder einen Inhaber.",
		"member_limit_reached":  "In der Organisation ist kein Platz mehr frei.",
		"quota_exceeded":        "Das Kontingent reicht dafür nicht aus.",
		"rate_limited":          "Es wurden zu viele Einladungen gesendet. Versuchen Sie es später noch einmal.",
		"too_soon":              "Diese Einladung wurde gerade erst gesendet. Warten Sie bitte einen Moment.",
		"conflict":              "Das passt nicht zu den vorhandenen Daten.",
		"concurrent_change":     "Die Daten wurden gleichzeitig geändert. Versuchen Sie es noch einmal.",
		"invalid_argument":      "Die Anfrage ist ungültig.",
		"outcome_unknown":       "Es ist ein Fehler aufgetreten. Versuchen Sie es noch einmal.",
		"internal":              "Es ist ein Fehler aufgetreten.",
	},
	reasons: map[string]string{
		"control_character":  "darf keine Steuerzeichen enthalten",
		"domain_without_dot": "der Domain fehlt der Punkt",
		"duplicate":          "enthält einen Eintrag doppelt",
		"empty_key":          "enthält einen leeren Schlüssel",
		"excluded":           "muss leer bleiben, wenn „{field}“ angegeben ist",
		"invalid_domain":     "die Domain ist ungültig",
		"invalid_local_part": "der Teil vor dem @ ist ungültig",
		"invalid_template":   "die Vorlage für die Sprache {language} ist fehlerhaft",
		"invalid_url":        "ist keine zulässige Adresse für einen Link",
		"malformed":          "hat nicht die richtige Form",
		"missing_at_sign":    "das Zeichen @ fehlt",
		"not_after":          "muss nach „{field}“ liegen",
		"not_canonical":      "ist nicht in der kanonischen Form",
		"not_constructed":    "wurde nicht richtig erzeugt",
		"not_utf8":           "ist kein gültiges UTF-8",
		"other_organization": "gehört zu einer anderen Organisation",
		"out_of_range":       "muss zwischen {min} und {max} {unit} liegen",
		"owner_incomplete":   "die Rolle „owner“ fehlt oder hat nicht alle Berechtigungen",
		"required":           "muss angegeben werden",
		"reserved":           "ist reserviert",
		"same":               "muss sich von „{field}“ unterscheiden",
		"too_large":          "darf höchstens {max} {unit} betragen",
		"too_long":           "darf höchstens {max} {unit} lang sein",
		"too_many":           "darf höchstens {max} Einträge haben",
		"too_recent":         "muss mindestens {min} {unit} zurückliegen",
		"too_short":          "muss mindestens {min} {unit} lang sein",
		"too_small":          "muss mindestens {min} betragen",
		"unknown_permission": "keine Rolle hat diese Berechtigung",
		"unknown_role":       "diese Rolle ist hier nicht möglich",
		"unknown_value":      "dieser Wert ist nicht bekannt",
		"unsupported_type":   "dieser Spaltentyp wird nicht unterstützt",
		"unusable_text":      "muss eine Zeile mit sichtbaren Zeichen sein",
		"wrong_kind":         "gilt nur für {kind}",
		"wrong_type":         "ist kein Wert des Spaltentyps {type}",
	},
	words: map[string]string{
		"bytes": "Byte", "characters": "Zeichen", "seconds": "Sekunden", "hours": "Stunden",
		"email": "Einladungen per E-Mail", "link": "Einladungslinks",
	},
	fields: map[string]string{"email": "E-Mail-Adresse", "message": "Nachricht", "role": "Rolle", "expires_in": "Gültigkeitsdauer"},
}

// Arabic runs from right to left. Its sentences are written the same for men and women.
var arabic = translation{
	errors: map[string]string{
		"invalid_token":         noLongerValidArabic,
		"not_pending":           noLongerValidArabic,
		"expired":               "انتهت صلاحية هذه الدعوة. يمكنك طلب دعوة جديدة.",
		"revoked":               noLongerValidArabic,
		"declined":              noLongerValidArabic,
		"already_accepted":      "سبق استخدام هذه الدعوة.",
		"exhausted":             noLongerValidArabic,
		"role_unknown":          noLongerValidArabic,
		"sender_not_entitled":   noLongerValidArabic,
		"recipient_mismatch":    "أُرسلت هذه الدعوة إلى عنوان بريد إلكتروني آخر.",
		"email_unverified":      "يجب تأكيد عنوان بريدك الإلكتروني أولًا.",
		"domain_not_allowed":    "عناوين هذا النطاق غير مسموح بها.",
		"already_member":        "العضوية موجودة بالفعل.",
		"permission_denied":     "ليست لديك صلاحية للقيام بذلك.",
		"role_not_assignable":   "لا يمكنك منح هذا الدور.",
		"not_found":             "لم يُعثر على المطلوب.",
		"already_invited":       "توجد بالفعل دعوة معلّقة لهذا العنوان.",
		"pending_limit_reached": "عدد الدعوات المعلّقة كبير جدًا.",
		"links_not_allowed":     "روابط الدعوة غير مسموح بها في هذه المؤسسة.",
		"last_owner":            "يجب أن يبقى للمؤسسة مالك واحد على الأقل.",
		"member_limit_reached":  "لا توجد أماكن شاغرة في المؤسسة.",
		"quota_exceeded":        "الرصيد المتبقي من الحصة غير كافٍ.",
		"rate_limited":          "أُرسلت دعوات كثيرة جدًا. يُرجى المحاولة لاحقًا.",
		"too_soon":              "أُرسلت هذه الدعوة للتو. يُرجى الانتظار قليلًا.",
		"conflict":              "يتعارض هذا مع بيانات موجودة.",
		"concurrent_change":     "تغيّرت البيانات في الوقت نفسه. يُرجى المحاولة مرة أخرى.",
		"invalid_argument":      "الطلب غير صالح.",
		"outcome_unknown":       "حدث خطأ ما. يُرجى المحاولة مرة أخرى.",
		"internal":              "حدث خطأ ما.",
	},
	reasons: map[string]string{
		"control_character":  "لا يُسمح بمحارف التحكم",
		"domain_without_dot": "يجب أن يحتوي النطاق على نقطة",
		"duplicate":          "يوجد عنصر مكرر",
		"empty_key":          "يوجد مفتاح فارغ",
		"excluded":           "يجب ترك هذا الحقل فارغًا عند تحديد «{field}»",
		"invalid_domain":     "النطاق غير صالح",
		"invalid_local_part": "الجزء الذي يسبق العلامة @ غير صالح",
		"invalid_template":   "قالب اللغة {language} غير صالح",
		"invalid_url":        "الرابط غير صالح",
		"malformed":          "الصيغة غير صحيحة",
		"missing_at_sign":    "العلامة @ مفقودة",
		"not_after":          "يجب أن تكون القيمة بعد «{field}»",
		"not_canonical":      "الصيغة ليست معيارية",
		"not_constructed":    "لم تُنشأ القيمة بالطريقة الصحيحة",
		"not_utf8":           "ترميز النص ليس UTF-8 صالحًا",
		"other_organization": "القيمة تنتمي إلى مؤسسة أخرى",
		"out_of_range":       "يجب أن تكون القيمة بين {min} و{max} {unit}",
		"owner_incomplete":   "الدور owner مفقود أو تنقصه صلاحية",
		"required":           "هذا الحقل مطلوب",
		"reserved":           "هذا الاسم محجوز",
		"same":               "يجب أن تختلف القيمة عن «{field}»",
		"too_large":          "الحد الأقصى هو {max} {unit}",
		"too_long":           "الحد الأقصى للطول هو {max} {unit}",
		"too_many":           "الحد الأقصى لعدد العناصر هو {max}",
		"too_recent":         "يجب أن يكون التاريخ أقدم بمقدار {min} {unit} على الأقل",
		"too_short":          "الحد الأدنى للطول هو {min} {unit}",
		"too_small":          "الحد الأدنى هو {min}",
		"unknown_permission": "لا يوجد دور لديه هذه الصلاحية",
		"unknown_role":       "هذا الدور غير متاح هنا",
		"unknown_value":      "هذه القيمة غير معروفة",
		"unsupported_type":   "نوع العمود غير مدعوم",
		"unusable_text":      "يجب أن يكون النص سطرًا واحدًا من محارف مرئية",
		"wrong_kind":         "ينطبق هذا على {kind} فقط",
		"wrong_type":         "ليست قيمة من نوع العمود {type}",
	},
	words: map[string]string{
		"bytes": "بايت", "characters": "حرف", "seconds": "ثانية", "hours": "ساعة",
		"email": "دعوات البريد الإلكتروني", "link": "روابط الدعوة",
	},
	fields: map[string]string{"email": "البريد الإلكتروني", "message": "الرسالة", "role": "الدور", "expires_in": "مدة الصلاحية"},
}

// A host translates a problem by its codes and values.
func ExampleProblem_translated() {
	ctx := context.Background()
	svc := exampleService()
	invite := func(params invitations.InviteParams) error {
		params.Organization, params.Email, params.Role = "acme", "bob@example.com", invitations.RoleViewer
		_, err := svc.Invite(ctx, invitations.User("ada"), params)
		return err
	}

	_, forged := svc.Lookup(ctx, "inv_forged")
	for _, err := range []error{
		forged,
		invite(invitations.InviteParams{Message: strings.Repeat("x", 501)}),
		invite(invitations.InviteParams{ExpiresIn: time.Minute}),
	} {
		problem, _ := invitations.ProblemOf(err)
		for _, language := range []translation{german, arabic} {
			fmt.Println(language.sentence(problem))
		}
	}
	// Output:
	// Diese Einladung ist nicht mehr gültig.
	// هذه الدعوة لم تعد صالحة.
	// Nachricht: darf höchstens 500 Zeichen lang sein
	// الرسالة: الحد الأقصى للطول هو 500 حرف
	// Gültigkeitsdauer: muss zwischen 24 und 720 Stunden liegen
	// مدة الصلاحية: يجب أن تكون القيمة بين 24 و720 ساعة
}

// Each translation has a sentence for every code, and no sentence needs a value that its problem
// lacks. The test of a host can be the same.
func TestTranslations_AreComplete(t *testing.T) {
	t.Parallel()
	codes := []string{"internal"}
	for _, e := range invitations.Errors() {
		codes = append(codes, e.Code())
	}
	values := valuesByCode(t)
	for name, language := range map[string]translation{"german": german, "arabic": arabic} {
		require.ElementsMatch(t, codes, slices.Collect(maps.Keys(language.errors)), name)
		require.ElementsMatch(t, invitations.InvalidCodes(), slices.Collect(maps.Keys(language.reasons)), name)
		for _, word := range []string{"bytes", "characters", "seconds", "hours", "email", "link"} {
			require.NotEmpty(t, language.words[word], name)
		}
		for code, text := range language.errors {
			require.Regexp(t, `^\S.*\.$`, text, code)
			require.Equal(t, text, language.sentence(invitations.Problem{Code: code, Title: "English"}))
		}
		for code, text := range language.reasons {
			require.NotEmpty(t, text, code)
			p := invitations.Problem{Code: "invalid_argument", Field: "email", ReasonCode: code, Values: map[string]string{}}
			for _, value := range values[code] {
				p.Values[value] = "<" + value + ">"
			}
			sentence := language.sentence(p)
			require.NotContains(t, sentence, "{", code)
			require.True(t, strings.HasPrefix(sentence, language.fields["email"]+": "), sentence)
			for _, value := range values[code] {
				require.Contains(t, sentence, "<"+value+">", code)
			}
		}
	}
	for _, text := range slices.Concat(slices.Collect(maps.Values(arabic.errors)), slices.Collect(maps.Values(arabic.reasons))) {
		require.Regexp(t, `^\p{Arabic}`, text, "the first letter sets the direction")
	}
	require.Equal(t, "English", german.sentence(invitations.Problem{Code: "of_a_later_version", Title: "English"}))
}
