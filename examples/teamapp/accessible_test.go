package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations"
	"github.com/go-invitations/invitations/internal/pgtest"
)

// axeScript is what scripts/browser.sh downloads.
const axeScript = "testdata/axe.min.js"

// scheme makes pages light or dark.
func (b *browser) scheme(name string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
	require.NoError(b.t, err)
}

// requireAccessible requires that axe-core finds nothing on the page, with all its parts opened, in
// the light and in the dark scheme.
func (b *browser) requireAccessible(axe string) {
	b.t.Helper()
	evaluate[bool](b, `document.querySelectorAll("details").forEach((d) => { d.open = true }), true`)
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		found := evaluate[[]string](b, axe+`;axe.run().then((result) => result.violations.flatMap((v) =>
			v.nodes.map((n) => v.id + ": " + n.failureSummary + "\n" + n.html)))`)
		require.Empty(b.t, found, b.path()+" in the "+scheme+" scheme:\n"+strings.Join(found, "\n"))
	}
}

// axe returns the text of axe-core.
func axe(t testing.TB) string {
	t.Helper()
	script, err := os.ReadFile(axeScript)
	if err != nil && os.Getenv("INVITATIONS_REQUIRE_BROWSER") == "" {
		pgtest.Skip(t, "PAGES WERE NOT CHECKED WITH AXE-CORE:", err)
	}
	require.NoError(t, err)
	return string(script)
}

// axe-core finds no violation on any page, on a desktop and on a phone, light and dark.
func TestPages_Accessible(t *testing.T) {
	t.Parallel()
	script := axe(t)
	w := newSQLiteWorld(t)
	require.NoError(t, w.app.addDemo(t.Context()))
	for _, size := range screens {
		t.Run(size.name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t, w.base, size)
			for _, path := range []string{"/sign-in", "/register", "/outbox", "/invite/inv_made-up"} {
				b.open(path)
				b.requireAccessible(script)
			}
			b.signInWith(demoAddress, demoPassword)
			paths := []string{"/personal", "/personal/usage", "/received"}
			for _, page := range []string{
				"invitations", "invitations?state=all", "invitations/bulk", "members", "usage", "activity", "analytics", "settings", "keys",
			} {
				paths = append(paths, fmt.Sprintf("%s/%s", w.demoTeam(), page))
			}
			for _, path := range paths {
				b.open(path)
				require.Equal(t, path, b.path())
				b.seesNot("404 page not found", "That did not work")
				b.requireAccessible(script)
			}
		})
	}
}

// demoTeam returns the path of the team that Ada owns.
func (w *world) demoTeam() string {
	w.t.Helper()
	ada, err := w.app.findAccount(w.t.Context(), `email = $1`, demoAddress)
	require.NoError(w.t, err)
	all, err := w.app.workspacesOf(w.t.Context(), ada)
	require.NoError(w.t, err)
	for _, workspace := range all {
		if workspace.Role == invitations.RoleOwner {
			return workspace.Path()
		}
	}
	require.Fail(w.t, "Ada owns no team")
	return ""
}
