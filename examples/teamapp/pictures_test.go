package main

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var updatePictures = flag.Bool("pictures", false, "write the pictures of the pages that the documents show")

// Every page that the documents show can be drawn. With -pictures, the test writes the pictures.
func TestPictures(t *testing.T) {
	t.Parallel()
	w := newSQLiteWorld(t)
	require.NoError(t, w.app.addDemo(t.Context()))
	b := newBrowser(t, w.base, screen{"desktop", 1120, 760})
	phone := newBrowser(t, w.base, screen{"phone", 390, 760})
	b.signInWith(demoAddress, demoPassword)
	b.press("Personal Ada Lovelace")
	b.follow("Acme Owner")
	team := w.demoTeam()
	for _, page := range []string{"invitations", "members", "usage", "activity", "analytics", "settings"} {
		b.open(team + "/" + page)
		b.picture(page)
	}
	b.scheme("dark")
	b.open(team + "/analytics")
	b.picture("analytics-dark")
	ada, err := w.app.findAccount(t.Context(), `email = $1`, demoAddress)
	require.NoError(t, err)
	phone.open(w.invite(ada, filepath.Base(team), "grace.hopper@example.org"))
	phone.picture("invited")
	phone.signInWith(demoAddress, demoPassword)
	phone.open(team + "/members")
	phone.picture("members-phone")
}

// picture draws the visible part of the page, and writes it if the test was asked to.
func (b *browser) picture(name string) {
	b.t.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	_, err = png.Decode(bytes.NewReader(picture))
	require.NoError(b.t, err)
	if *updatePictures {
		folder := filepath.Join("..", "..", "docs", "pictures")
		require.NoError(b.t, os.MkdirAll(folder, 0o755))
		require.NoError(b.t, os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644))
	}
}
