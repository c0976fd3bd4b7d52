package mail_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the examples need it too

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations/mail"
)

// The built-in templates show the expiry in the recipient's time zone, or in UTC, and say which.
func TestRender_ShowsExpiryInLocation(t *testing.T) {
	t.Parallel()
	r := newRenderer(t, nil)
	zone := func(name string, hours float64) *time.Location { return time.FixedZone(name, int(hours*3600)) }
	for name, test := range map[string]struct {
		location *time.Location
		want     string
	}{
		"none":                   {nil, "Monday, 9 March 2026 at 12:00 UTC"},
		"UTC":                    {time.UTC, "Monday, 9 March 2026 at 12:00 UTC"},
		"at the time of UTC":     {zone("GMT", 0), "Monday, 9 March 2026 at 12:00 UTC"},
		"east":                   {zone("CET", 1), "Monday, 9 March 2026 at 13:00 UTC +1"},
		"west":                   {zone("EDT", -4), "Monday, 9 March 2026 at 08:00 UTC -4"},
		"half an hour":           {zone("IST", 5.5), "Monday, 9 March 2026 at 17:30 UTC +5:30"},
		"half an hour west":      {zone("", -9.5), "Monday, 9 March 2026 at 02:30 UTC -9:30"},
		"less than an hour":      {zone("", -0.75), "Monday, 9 March 2026 at 11:15 UTC -0:45"},
		"the next day":           {zone("", 14), "Tuesday, 10 March 2026 at 02:00 UTC +14"},
		"the day before":         {zone("", -12), "Monday, 9 March 2026 at 00:00 UTC -12"},
		"an offset with seconds": {zone("LMT", 1.01), "Monday, 9 March 2026 at 13:00 UTC +1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := fullData()
			d.Location = test.location
			m := render(t, r, d)
			want := "is for bob@example.com and expires on " + test.want + "."
			require.Contains(t, strings.ReplaceAll(m.Text(), "\n", " "), want)
			require.Contains(t, parseHTML(t, m.HTML()).text, want)
			requireNoLinks(t, m)
		})
	}
}

// The time of the expiry decides whether summer time applies.
func TestRender_ShowsSummerTime(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	r := newRenderer(t, nil)
	d := fullData()
	d.Location = berlin
	d.ExpiresAt = time.Date(2026, 3, 29, 0, 59, 0, 0, time.UTC)
	require.Contains(t, strings.ReplaceAll(render(t, r, d).Text(), "\n", " "), "Sunday, 29 March 2026 at 01:59 UTC +1.")
	d.ExpiresAt = d.ExpiresAt.Add(time.Minute)
	require.Contains(t, strings.ReplaceAll(render(t, r, d).Text(), "\n", " "), "Sunday, 29 March 2026 at 03:00 UTC +2.")
}

func spanishTime(t time.Time) string {
	months := [...]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
		"octubre", "noviembre", "diciembre"}
	return fmt.Sprintf("%d de %s de %s", t.Day(), months[t.Month()-1], t.Format("2006, 15:04 MST"))
}

// spanishTemplates returns templates that show the expiry with format.
func spanishTemplates(format func(time.Time) string) mail.Templates {
	return mail.Templates{
		Subject:    "Hasta el {{.Expiry}}",
		Text:       "Hasta el {{.Expiry}} ({{.ExpiresAt.Format `15:04`}}) {{.Link}}",
		HTML:       "<p title='{{.Expiry}}'>{{.Expiry}} ({{.ExpiresAt.Format `15:04`}}) {{.Link}}",
		FormatTime: format,
	}
}

// Templates of another language show the expiry by the function of their language.
func TestRender_ShowsExpiryInLanguage(t *testing.T) {
	t.Parallel()
	r := newRendererWith(t, "es", spanishTemplates(spanishTime))
	d := fullData()
	d.Language = "es-MX"
	m := render(t, r, d)
	require.Equal(t, "Hasta el 9 de marzo de 2026, 12:00 UTC", m.Subject())
	require.Equal(t, "Hasta el 9 de marzo de 2026, 12:00 UTC (12:00) "+link+"\n", strings.ReplaceAll(m.Text(), "\n"+link, " "+link))
	d.Location = time.FixedZone("CST", -6*3600)
	m = render(t, r, d)
	require.Equal(t, "Hasta el 9 de marzo de 2026, 06:00 CST", m.Subject())
	require.Contains(t, m.HTML(), "<p title='9 de marzo de 2026, 06:00 CST'>9 de marzo de 2026, 06:00 CST (06:00) ")
	d.Language = "en"
	require.Contains(t, strings.ReplaceAll(render(t, r, d).Text(), "\n", " "), "on Monday, 9 March 2026 at 06:00 UTC -6.")
}

// Without a function, the form of the expiry belongs to no language.
func TestRender_ShowsExpiryWithoutLanguage(t *testing.T) {
	t.Parallel()
	r := newRendererWith(t, "es", spanishTemplates(nil))
	d := fullData()
	d.Language = "es"
	require.Equal(t, "Hasta el 2026-03-09 12:00 UTC", render(t, r, d).Subject())
	d.Location = time.FixedZone("IST", 19800)
	require.Equal(t, "Hasta el 2026-03-09 17:30 UTC +5:30", render(t, r, d).Subject())
}

// Text from users cannot stand in the name of a time zone.
func TestRender_Class37_HidesNamesOfZones(t *testing.T) {
	t.Parallel()
	r := newRendererWith(t, "es", spanishTemplates(spanishTime))
	for name, want := range map[string]string{
		"CET": "CET", "+0330": "+0330", "-03": "-03", "": "+0100", "evil.example": "+0100",
		"<b>": "+0100", "C\nT": "+0100", "Your account is locked": "+0100", "Account": "+0100",
	} {
		d := fullData()
		d.Language, d.Location = "es", time.FixedZone(name, 3600)
		require.Equal(t, "Hasta el 9 de marzo de 2026, 13:00 "+want, render(t, r, d).Subject())
	}
}

// A function that fails in some month is found by New.
func TestNew_ExecutesFormatTime(t *testing.T) {
	t.Parallel()
	for month := time.January; month <= time.December; month++ {
		r, err := mail.New(mail.Config{
			BaseURL: baseURL, Product: "Example", Templates: map[string]mail.Templates{
				"es": spanishTemplates(func(t time.Time) string {
					if t.Month() == month {
						panic("no name")
					}
					return "x"
				}),
			},
		})
		require.Nil(t, r)
		requireInvalid(t, err, "templates", "for es must execute without an error")
		require.ErrorContains(t, err, "no name")
	}
}
