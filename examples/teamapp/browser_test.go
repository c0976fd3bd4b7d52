package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/go-invitations/invitations/internal/pgtest"
)

// A screen is the size of a browser's window, in pixels.
type screen struct {
	name          string
	width, height int64
}

var screens = []screen{{"desktop", 1280, 900}, {"phone", 390, 844}}

// A browser is one person's browser, with cookies of its own. Its methods fail the test.
type browser struct {
	t    testing.TB
	ctx  context.Context
	base string
}

// chromium starts one Chromium for all tests. It must be there if INVITATIONS_REQUIRE_BROWSER is
// set, as make test does.
var chromium = sync.OnceValues(func() (context.Context, error) {
	path, err := findChromium()
	if err != nil {
		return nil, err
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
	}
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator)
	return ctx, chromedp.Do(ctx)
})

func findChromium() (string, error) {
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no Chromium: %w", exec.ErrNotFound)
}

// newBrowser opens a window of the size on the app at base.
func newBrowser(t testing.TB, base string, size screen) *browser {
	t.Helper()
	parent, err := chromium()
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("INVITATIONS_REQUIRE_BROWSER") == "" {
		pgtest.Skip(t, "BROWSER TESTS DID NOT RUN:", err)
	}
	require.NoError(t, err)
	tab, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	// It ends a test that waits for what never comes. On a busy machine, one with axe-core takes minutes.
	ctx, cancelTimeout := context.WithTimeout(tab, 30*time.Minute)
	t.Cleanup(cancelTimeout)
	b := &browser{t, ctx, base}
	var options []chromedp.EmulateViewportOption
	if size.name == "phone" {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	b.do(chromedp.EmulateViewport(size.width, size.height, options...))
	return b
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatalf("%v\non the page:\n%s", err, b.text())
	}
}

// tab returns another tab of the same browser.
func (b *browser) tab() *browser {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	return &browser{b.t, ctx, b.base}
}

// withoutScripts switches JavaScript of pages off.
func (b *browser) withoutScripts() *browser {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(b.t, err)
	return b
}

// open goes to a path of the app, or to a whole URL.
func (b *browser) open(path string) {
	b.t.Helper()
	if !strings.Contains(path, "://") {
		path = b.base + path
	}
	b.do(chromedp.Navigate(path))
}

// follow clicks a link or a button that leads to another page, and waits for it.
func (b *browser) follow(text string) {
	b.t.Helper()
	b.followIn("body", text)
}

// followIn is follow within the first element of a selector that contains it, such as a row.
func (b *browser) followIn(within, text string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(b.control(within, text))); err != nil {
		b.t.Fatalf("following %q: %v\non the page:\n%s", text, err, b.text())
	}
}

// press clicks what stays on the page, such as a menu.
func (b *browser) press(text string) {
	b.t.Helper()
	b.pressIn("body", text)
}

func (b *browser) pressIn(within, text string) {
	b.t.Helper()
	b.do(chromedp.Click(b.control(within, text), chromedp.NodeVisible))
}

// control returns the XPath of the first visible control with this text in an element. within is
// "body", or the text of a row.
func (b *browser) control(within, text string) chromedp.Search {
	const own = `normalize-space(.)=%[1]s or @aria-label=%[1]s`
	var found string
	for _, tag := range []string{"button", "a", "summary"} {
		found += "|" + scope(within) + "//" + tag + "[" + fmt.Sprintf(own, quoted(text)) + "][not(ancestor::details[not(@open)]) or self::summary]"
	}
	return chromedp.Search(found[1:])
}

// scope returns the XPath of the body, or of the row or the part that contains a text.
func scope(within string) string {
	if within == "body" {
		return "//body"
	}
	return "//*[self::tr or self::details][contains(normalize-space(.)," + quoted(within) + ")]"
}

// quoted returns text as a literal of XPath.
func quoted(text string) string {
	if !strings.Contains(text, `"`) {
		return `"` + text + `"`
	}
	return `'` + text + `'`
}

// fill replaces the value of the field with this label.
func (b *browser) fill(label, value string) {
	b.t.Helper()
	b.fillIn("body", label, value)
}

// fillIn is fill within a row, as in followIn.
func (b *browser) fillIn(within, label, value string) {
	b.t.Helper()
	field := b.field(within, label)
	present, err := chromedp.Run(b.ctx, chromedp.Value(field))
	require.NoError(b.t, err, "%s\non the page:\n%s", label, b.text())
	if present != "" {
		b.do(chromedp.Clear(field))
	}
	b.do(chromedp.SendKeys(field, value))
}

// choose sets the list with this label to the option that begins with a text.
func (b *browser) choose(label, option string) {
	b.t.Helper()
	b.chooseIn("body", label, option)
}

// chooseIn is choose within a row, as in followIn.
func (b *browser) chooseIn(within, label, option string) {
	b.t.Helper()
	field := b.field(within, label)
	// Keys would not do: after a pause between two of them, a list begins a new search.
	found, err := chromedp.Run(b.ctx, chromedp.AttributeValue(field+chromedp.Search("//option[starts-with(normalize-space(.),"+quoted(option)+")]"), "value"))
	require.NoError(b.t, err, "%s\non the page:\n%s", option, b.text())
	b.do(chromedp.SetValue(field, found.Value, chromedp.NodeVisible))
}

// field returns the XPath of the first visible field with this label, as control does.
func (b *browser) field(within, label string) chromedp.Search {
	return chromedp.Search(scope(within) + `//label[starts-with(normalize-space(.),` + quoted(label) +
		`)][not(ancestor::details[not(@open)])]//*[self::input or self::select or self::textarea]`)
}

// text returns the text of the page, as a person sees it.
func (b *browser) text() string {
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		return err.Error()
	}
	return text
}

// sees requires each text on the page.
func (b *browser) sees(texts ...string) {
	b.t.Helper()
	page := strings.Join(strings.Fields(b.text()), " ")
	for _, text := range texts {
		require.Contains(b.t, page, text)
	}
}

// seesNot requires that no text is on the page.
func (b *browser) seesNot(texts ...string) {
	b.t.Helper()
	page := strings.Join(strings.Fields(b.text()), " ")
	for _, text := range texts {
		require.NotContains(b.t, page, text)
	}
}

// path returns the path of the page.
func (b *browser) path() string {
	b.t.Helper()
	url, err := chromedp.Run(b.ctx, chromedp.Location())
	require.NoError(b.t, err)
	return strings.TrimPrefix(url, b.base)
}

// evaluate returns the value of a JavaScript expression. Promises are awaited.
func evaluate[T any](b *browser, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err)
	return value
}
