package browser_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/request"
)

// shotsVariable names a folder into which every page is photographed, in every look.
const shotsVariable = "TRADECLOCK_TEST_SHOTS"

// look is how a page is looked at.
type look struct {
	name, scheme string
	width        int64
}

// looks are those in which every page is looked at: each scheme and each width, and with
// shotsVariable both of both.
func looks() []look {
	all := []look{{"light-desk", "light", 1440}, {"dark-phone", "dark", 390}}
	if os.Getenv(shotsVariable) != "" {
		all = append(all, look{"dark-desk", "dark", 1440}, look{"light-phone", "light", 390}, look{"light-narrow", "light", 320})
	}
	return all
}

// everyPage is each page, with as much on it as there is.
var everyPage = []struct{ name, path string }{
	{"day", ""},
	{"closed-day", "?date=2026-11-24"},
	{"runs", "runs"},
	{"run", "run?account=alice&task=premarket_amo_adjustment&slot=2026-11-23"},
	{"run-missed", "run?account=alice&task=position_monitor&slot=2026-11-23T10%2B05:30"},
	{"schedules", "schedules"},
	{"schedule", "schedule?task=buy_orders"},
	{"accounts", "accounts"},
	{"calendars", "calendars"},
	{"calendar", "calendar?name=XNSE"},
	{"instances", "instances"},
	{"halts", "halts"},
	{"requests", "requests"},
	{"audit", "audit"},
	{"failure", "nowhere"},
}

// TestEveryPageInABrowser finds each page within its policy, no wider than the window but for
// the timeline, and without findings of axe-core.
func TestEveryPageInABrowser(t *testing.T) {
	ctx := browser(t)
	script := axe(t)
	s := serve(t, "12:20:30")
	_, err := s.store.Ask(t.Context(), request.Request{Scheduler: "paper", Kind: request.Trigger, Task: "analysis", Account: "alice", Actor: "ana", Reason: "it was late"})
	require.NoError(t, err)
	wrong := complaints(t, ctx)
	for _, look := range looks() {
		inLook(t, ctx, look)
		for _, page := range everyPage {
			do(t, ctx, chromedp.Navigate(s.address+page.path))
			inspect(t, ctx, script, page.name+"-"+look.name)
		}
	}
	assert.Empty(t, wrong())
}

func inLook(t *testing.T, ctx context.Context, l look) {
	t.Helper()
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}},
	})
	require.NoError(t, err)
	do(t, ctx, chromedp.EmulateViewport(l.width, 900))
}

// inspect looks at the page that is open.
func inspect(t *testing.T, ctx context.Context, axe, name string) {
	t.Helper()
	assert.Empty(t, evaluate[string](t, ctx, `document.documentElement.scrollWidth <= innerWidth ? "" : [...document.querySelectorAll("main *")]
		.filter(e => e.getBoundingClientRect().right > innerWidth && !e.closest(".scroll")).map(e => e.outerHTML.slice(0, 80)).join("\n")`), "%s is wider than the window", name)
	if folder := os.Getenv(shotsVariable); folder != "" {
		shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		require.NoError(t, err, name)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+".png"), shot, 0o644))
	}
	evaluate[chromedp.Void](t, ctx, axe)
	assert.Empty(t, evaluate[string](t, ctx, `axe.run(document).then(r => r.violations.map(v => v.id + ": " + v.help + " " +
		v.nodes.slice(0, 3).map(n => n.target.join(" ") + " " + n.html.slice(0, 200)).join(" | ")).join("\n"))`), name)
}

// TestThePagesFollowTheDay sees a run appear on a page that nobody loads again.
func TestThePagesFollowTheDay(t *testing.T) {
	ctx := browser(t)
	s := serve(t, "11:00:30")
	wrong := complaints(t, ctx)
	do(t, ctx, chromedp.Navigate(s.address), chromedp.WaitVisible("#live"))
	evaluate[chromedp.Void](t, ctx, `document.body.dataset.kept = "yes"`)
	s.drive.Until(at("2026-11-23 11:05:30"))
	evaluate[chromedp.Void](t, ctx, `document.dispatchEvent(new Event("visibilitychange"))`) // as one who comes back to the page
	assert.Equal(t, "As of 2026-11-23 11:05:30 Asia/Kolkata", evaluate[string](t, ctx, `new Promise(seen => {
		const look = () => document.querySelector(".asof").textContent.includes("11:05:30") ? seen(document.querySelector(".asof").textContent) : setTimeout(look, 20);
		look();
	})`))
	assert.Equal(t, "yes", evaluate[string](t, ctx, `document.body.dataset.kept`), "the page itself was not loaded again")
	assert.Empty(t, wrong())
}

// TestAHaltByKeyboard halts an account and lifts it again with Tab, Space, Enter and letters
// alone, without JavaScript on the page.
func TestAHaltByKeyboard(t *testing.T) {
	ctx := browser(t)
	s := serve(t, "11:00:30")
	do(t, ctx, chromedp.Navigate(s.plain+"halts"))
	tabTo(t, ctx, `input:not([type=hidden])[name=account]`)
	do(t, ctx, chromedp.KeyEvent("bob"))
	tabTo(t, ctx, `.stacked input[name=reason]`)
	do(t, ctx, chromedp.KeyEvent("she called\r"), chromedp.WaitVisible(".notice.good"))
	assert.Contains(t, text(t, ctx), "Halted: account bob")
	halts, err := s.store.Halts(t.Context(), "paper")
	require.NoError(t, err)
	require.Len(t, halts, 2)
	assert.Equal(t, []string{"bob", "she called", "ana"}, []string{halts[0].Account, halts[0].Reason, halts[0].Actor})

	tabTo(t, ctx, `tr:first-child summary`)
	do(t, ctx, chromedp.KeyEvent("\r"))
	tabTo(t, ctx, `tr:first-child input[name=reason]`)
	do(t, ctx, chromedp.KeyEvent("checked\r"), chromedp.WaitVisible(".notice.good"))
	assert.NotContains(t, text(t, ctx), "Halted: account bob")
}

// TestAnEditByKeyboard tries an edit out and saves it, without JavaScript on the page.
func TestAnEditByKeyboard(t *testing.T) {
	ctx := browser(t)
	script := axe(t)
	s := serve(t, "11:00:30")
	do(t, ctx, chromedp.Navigate(s.plain+"schedule?task=buy_orders"))
	tabTo(t, ctx, `[name=timeout]`)
	do(t, ctx, chromedp.KeyEvent("20m"))
	tabTo(t, ctx, `[name=reason]`)
	do(t, ctx, chromedp.KeyEvent("slow broker"))
	tabTo(t, ctx, `button[value=try]`)
	do(t, ctx, chromedp.KeyEvent("\r"), chromedp.WaitVisible(".trial"))
	assert.Contains(t, text(t, ctx), "What it would do")
	for _, look := range looks() {
		inLook(t, ctx, look)
		inspect(t, ctx, script, "trial-"+look.name)
	}
	tabTo(t, ctx, `button[value=save]`)
	do(t, ctx, chromedp.KeyEvent("\r"), chromedp.WaitVisible(".notice.good"))
	assert.Contains(t, text(t, ctx), "Saved.")
	assert.Contains(t, text(t, ctx), "version 2")
}

// tabTo presses Tab until an element has the focus.
func tabTo(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	const most = 80
	for range most {
		do(t, ctx, chromedp.KeyEvent("\t"))
		if evaluate[bool](t, ctx, `document.activeElement.matches("`+strings.ReplaceAll(selector, `"`, `\"`)+`")`) {
			return
		}
	}
	t.Fatalf("Tab does not lead to %s", selector)
}

// text is what the page says.
func text(t *testing.T, ctx context.Context) string {
	t.Helper()
	return evaluate[string](t, ctx, `document.body.innerText`)
}
