package dashboard_test

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/memstore"
)

// shotsVariable names a folder into which the pages are photographed.
const shotsVariable = "TRADECLOCK_TEST_SHOTS"

// browser starts a Chromium, or leaves the test out if there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	program, err := needs.LookPath("chromium")
	needs.Met(t, err)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, leave := chromedp.NewContext(ctx)
	t.Cleanup(leave)
	return ctx
}

// everyPage is each page, and the state of it that has the most on it.
var everyPage = []struct{ name, path string }{
	{"day", "?account=42"},
	{"closed-day", "?date=2026-11-24&account=42"},
	{"runs", "runs"},
	{"runs-missed", "runs?outcome=missed&outcome=failed"},
	{"run", "run?account=42&task=premarket_amo_adjustment&slot=2026-11-23"},
	{"run-missed", "run?account=42&task=position_monitor&slot=2026-11-23T09%2B05:30"},
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

// complaints collects what the browser says is wrong: violations of the policy, and errors.
func complaints(t *testing.T, ctx context.Context) func() []string {
	t.Helper()
	var mu sync.Mutex
	var all []string
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			if !strings.Contains(e.Entry.Text, "404 (Not Found)") {
				all = append(all, e.Entry.Text+" "+e.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			all = append(all, e.ExceptionDetails.Text)
		}
	}))
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// TestPagesInABrowser looks at each page in Chromium, light and dark, at the widths of a phone
// and a desk: it is within the policy, nothing but the timeline is wider than the window, and
// axe-core finds nothing.
func TestPagesInABrowser(t *testing.T) {
	ctx := browser(t)
	axe, err := os.ReadFile("testdata/axe.min.js")
	require.NoError(t, err)
	clock := clockwork.NewFakeClockAt(at("2026-11-23 08:59:00"))
	s := monday(t, clock, memstore.New(clock), "12:20:30")
	s.post("/requests", "kind", "trigger", "task", "analysis", "account", "42", "reason", "it was late")
	server := httptest.NewServer(s.page)
	t.Cleanup(server.Close)
	wrong := complaints(t, ctx)
	for _, look := range []struct {
		scheme string
		width  int64
	}{{"light", 1440}, {"dark", 1440}, {"light", 390}, {"dark", 390}} {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}},
		})
		require.NoError(t, err)
		for _, page := range everyPage {
			err := chromedp.Do(ctx, chromedp.EmulateViewport(look.width, 900), chromedp.Navigate(server.URL+"/"+page.path))
			require.NoError(t, err, page.name)
			name := strings.Join([]string{page.name, look.scheme, map[int64]string{1440: "desk", 390: "phone"}[look.width]}, "-")
			assert.False(t, evaluate[bool](t, ctx, `document.documentElement.scrollWidth > innerWidth`), "%s is wider than the window", name)
			if folder := os.Getenv(shotsVariable); folder != "" {
				shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
				require.NoError(t, err, name)
				require.NoError(t, os.WriteFile(filepath.Join(folder, name+".png"), shot, 0o644))
			}
			evaluate[chromedp.Void](t, ctx, string(axe))
			assert.Empty(t, evaluate[string](t, ctx, axeRun), name)
		}
	}
	assert.Empty(t, wrong())
}

// axeRun has axe-core look at the page, and tells what it finds in lines.
const axeRun = `axe.run(document).then(r => r.violations.map(v => v.id + ": " + v.help + " " + v.nodes.map(n => n.target.join(" ") + " " + n.html.slice(0, 200)).slice(0, 3).join(" | ")).join("\n"))`

// evaluate returns what a script in the page answers.
func evaluate[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	return value
}
