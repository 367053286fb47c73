package dashboard_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/dashboard"
	"github.com/tradeclock/tradeclock/memstore"
)

// links are the addresses in a page.
var links = regexp.MustCompile(`(?:href|src|hx-get)="([^"#][^"]*)"`)

// crawl follows the links of a page on, some of each kind, and returns how many there were.
func crawl(t *testing.T, start string) int {
	t.Helper()
	first, err := url.Parse(start)
	require.NoError(t, err)
	seen, alike, queue := map[string]bool{start: true}, make(map[string]int), []string{start}
	for i := 0; i < len(queue); i++ {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, queue[i], nil)
		require.NoError(t, err)
		got, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(got.Body)
		require.NoError(t, err)
		got.Body.Close()
		assert.Equal(t, http.StatusOK, got.StatusCode, queue[i])
		assert.True(t, strings.HasPrefix(got.Request.URL.Path, first.Path), "%s leads out", queue[i])
		if !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
			continue
		}
		for _, m := range links.FindAllStringSubmatch(string(body), -1) {
			to, err := got.Request.URL.Parse(html.UnescapeString(m[1]))
			require.NoError(t, err)
			to.Fragment = ""
			if kind := to.Path + strings.Join(slices.Sorted(maps.Keys(to.Query())), ","); !seen[to.String()] && alike[kind] < 3 {
				seen[to.String()] = true
				alike[kind]++
				queue = append(queue, to.String())
			}
		}
	}
	return len(queue)
}

func TestMountedUnderAnyPrefix(t *testing.T) {
	clock := clockwork.NewFakeClockAt(at("2026-11-23 08:59:00"))
	s := monday(t, clock, memstore.New(clock), "09:41:30")
	with := func(prefix string) http.Handler {
		return newPage(t, clock, s.store, func(cfg *dashboard.Config) { cfg.Prefix = prefix })
	}
	for _, test := range []struct {
		name, at string
		handler  http.Handler
	}{
		{"at the root", "/", with("")},
		{"a prefix that is stripped", "/ops/", http.StripPrefix("/ops", with(""))},
		{"a prefix of its own", "/ops/", with("/ops")},
		{"a deep one", "/a/b/c/", with("/a/b/c")},
		{"one that a proxy strips and one of its own", "/proxy/ops/", http.StripPrefix("/proxy", with("/ops"))},
	} {
		t.Run(test.name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.Handle(test.at, test.handler)
			server := httptest.NewServer(mux)
			defer server.Close()
			assert.Greater(t, crawl(t, server.URL+test.at), 30, "pages, that is")

			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+test.at+"halts", strings.NewReader(form("do", "halt", "account", "42", "reason", "r").Encode()))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			got, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			got.Body.Close()
			assert.Equal(t, []any{http.StatusOK, test.at + "halts"}, []any{got.StatusCode, got.Request.URL.Path}, "where an order leads")
		})
	}
}

func TestAnAddressWithoutItsSlash(t *testing.T) {
	clock := clockwork.NewFakeClockAt(at("2026-11-23 09:00:00"))
	page := newPage(t, clock, memstore.New(clock), func(cfg *dashboard.Config) { cfg.Prefix = "/ops" })
	got := ask(t, page, "GET", "/ops", nil)
	assert.Equal(t, []any{http.StatusPermanentRedirect, "ops/"}, []any{got.code, got.header.Get("Location")})
	assert.Equal(t, http.StatusNotFound, ask(t, page, "GET", "/opsruns", nil).code)
	assert.Equal(t, http.StatusNotFound, ask(t, page, "GET", "/runs", nil).code)
}

func TestALinkOutOfAPageThatIsNotThere(t *testing.T) {
	clock := clockwork.NewFakeClockAt(at("2026-11-23 09:00:00"))
	page := newPage(t, clock, memstore.New(clock), nil)
	assert.Contains(t, ask(t, page, "GET", "/a/b/c", nil).body, `href="./../../assets/style.css`)
}

func TestWhatIsVendoredIsListed(t *testing.T) {
	list, err := os.ReadFile("vendored.txt")
	require.NoError(t, err)
	listed := make(map[string]bool)
	for line := range strings.SplitSeq(string(list), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		require.Len(t, fields, 5, line)
		file, licence, want := fields[0], fields[3], fields[4]
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		sum := sha256.Sum256(text)
		assert.Equal(t, want, hex.EncodeToString(sum[:]), file)
		assert.FileExists(t, licence)
		listed[file] = true
	}
	scripts, err := filepath.Glob("assets/*.js")
	require.NoError(t, err)
	for _, name := range scripts {
		assert.True(t, listed[filepath.ToSlash(name)], "%s is not in the list", name)
	}
}

func TestAssetsAreKeptByBrowsers(t *testing.T) {
	clock := clockwork.NewFakeClockAt(at("2026-11-23 09:00:00"))
	page := newPage(t, clock, memstore.New(clock), nil)
	for file, kind := range map[string]string{"style.css": "text/css; charset=utf-8", "htmx.min.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"} {
		got := ask(t, page, "GET", "/assets/"+file, nil)
		assert.Equal(t, []any{http.StatusOK, kind}, []any{got.code, got.header.Get("Content-Type")}, file)
		assert.Contains(t, got.header.Get("Cache-Control"), "immutable")
	}
}

func TestHealthIsTheVerdictOfTheCommand(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:16:00")
		for _, test := range []struct {
			name   string
			change func()
			code   int
			says   string
		}{
			{"orders are well", func() {}, http.StatusOK, "TRADECLOCK OK - paper is active on host-1/"},
			{"the service is late", func() { clock.Advance(100 * 1e9) }, http.StatusOK, "TRADECLOCK WARNING - paper is active on host-1/"},
			{"the service is dead", func() { clock.Advance(600 * 1e9) }, http.StatusServiceUnavailable, "TRADECLOCK CRITICAL - paper is active on host-1/"},
		} {
			t.Run(test.name, func(t *testing.T) {
				test.change()
				got := ask(t, s.page.Health(), "GET", "/healthz", nil)
				assert.Equal(t, test.code, got.code)
				assert.True(t, strings.HasPrefix(got.body, test.says), got.body)
				assert.Equal(t, 1, strings.Count(got.body, "\n"))
			})
		}
		assert.Equal(t, http.StatusMethodNotAllowed, ask(t, s.page.Health(), "POST", "/healthz", form()).code)
		require.NoError(t, s.page.Close(context.Background()))
		assert.Equal(t, http.StatusServiceUnavailable, ask(t, s.page.Health(), "GET", "/healthz", nil).code)
	})
}
