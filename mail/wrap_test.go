package mail_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations/mail"
)

func TestRender_WrapsText(t *testing.T) {
	t.Parallel()
	words := func(n int) string { return strings.TrimSpace(strings.Repeat("word ", n)) }
	r := newRendererWith(t, "en", mail.Templates{
		Subject: "x",
		Text: words(20) + " \n\n" +
			"  " + words(20) + " \n" +
			strings.Repeat(" ", 40) + words(20) + " \n" +
			"short  line \n\n\n" +
			"{{.Link}}",
		HTML: "{{.Link}}",
	})
	want := words(14) + "\n" +
		words(6) + "\n\n" +
		"  " + words(14) + "\n" +
		"      " + words(6) + "\n" +
		"        " + words(13) + "\n" +
		"            " + words(7) + "\n" +
		"short  line\n\n\n" +
		link + "\n"
	require.Equal(t, want, render(t, r, fullData()).Text())
}

// Only the link is longer than 72 columns.
func TestRender_WrapsEnglish(t *testing.T) {
	t.Parallel()
	m := render(t, newRenderer(t, nil), fullData())
	for line := range strings.Lines(m.Text()) {
		if line != "<"+link+">\n" {
			require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 72)
		}
	}
}

// The rest of a wrapped name cannot look like a line of the mail.
func TestRender_Class37_IndentsWrappedNames(t *testing.T) {
	t.Parallel()
	d := dataWithNames(strings.Repeat("x", 54) + " Your account is locked")
	m := render(t, newRenderer(t, nil), d)
	require.Equal(t, 3, strings.Count(unwrap(m.Text()), " Your account is locked”"), m.Text())
	require.Contains(t, m.Text(), "x Your account\n      is locked” invited you to\n")
	require.NotContains(t, m.Text(), "\nYour account")
	require.NotContains(t, m.Text(), "\n  Your account")

	templates := mail.BuiltIn()["en"]
	templates.Text = "\n  “{{.Organization}}”\n\t“{{.Role}}”\n<{{.Link}}>"
	m = render(t, newRendererWith(t, "en", templates), d)
	require.True(t, strings.HasPrefix(m.Text(), "  “xxx"), m.Text())
	require.Contains(t, m.Text(), "x Your account\n      is locked”\n\t“xxx")
	require.Contains(t, m.Text(), "x Your account is\n\t    locked”\n<")
}
