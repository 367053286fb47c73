package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/dashboard"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/store"
)

func TestAConfigurationIsRefusedWithEveryProblem(t *testing.T) {
	_, err := dashboard.New(dashboard.Config{Prefix: "tradeclock/", Timeout: -time.Second, TrustedOrigins: []string{"desk.example"}})
	for _, text := range []string{"field Schedules:", "field Ledger:", "field Authorize:", "field Prefix:", "field Timeout:", "field TrustedOrigins:"} {
		assert.ErrorContains(t, err, text)
	}
}

func TestRequestsOfOtherSitesAreRefused(t *testing.T) {
	onEach(t, func(t *testing.T, clock *clockwork.FakeClock, st storage) {
		s := monday(t, clock, st, "09:16:00")
		page := newPage(t, clock, st, func(cfg *dashboard.Config) { cfg.TrustedOrigins = []string{"https://desk.example"} })
		halt := form("do", "halt", "account", "42", "reason", "a joke")
		for _, test := range []struct {
			name    string
			headers []string
			code    int
		}{
			{"from another site", []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
			{"from a page of another origin, by an older browser", []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, http.StatusForbidden},
			{"from another port of this site", []string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
			{"from an origin that is trusted", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://desk.example"}, http.StatusSeeOther},
		} {
			t.Run(test.name, func(t *testing.T) {
				got := ask(t, page, "POST", "/halts", halt, test.headers...)
				assert.Equal(t, test.code, got.code)
				halts, err := st.Halts(t.Context(), "paper")
				require.NoError(t, err)
				assert.Len(t, halts, map[int]int{http.StatusForbidden: 1, http.StatusSeeOther: 2}[test.code])
			})
		}
		_ = s
	})
}

// asker is an Authorize that keeps what it is asked.
type asker struct {
	mu     sync.Mutex
	asked  []dashboard.Action
	actor  string
	refuse func(dashboard.Action) error
}

func (a *asker) authorize(_ *http.Request, action dashboard.Action) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, action)
	if a.refuse != nil {
		return a.actor, a.refuse(action)
	}
	return a.actor, nil
}

func TestAuthorizeIsAskedForEachRequest(t *testing.T) {
	clock := clockwork.NewFakeClockAt(at("2026-11-23 08:59:00"))
	s := monday(t, clock, memstore.New(clock), "09:16:00")
	onlyOf43 := func(a dashboard.Action) error {
		if a.Account != "43" {
			return errors.New("you are of account 43")
		}
		return nil
	}
	reads := func(a dashboard.Action) error {
		if a.Verb != dashboard.View {
			return errors.New("you only look")
		}
		return nil
	}
	for _, test := range []struct {
		name, method, path string
		form               []string
		actor              string
		refuse             func(dashboard.Action) error
		asked              dashboard.Action
		code               int
		says               string
	}{
		{"a page", "GET", "/runs", nil, "", nil, dashboard.Action{Verb: dashboard.View}, 200, "Runs"},
		{"a page of an account", "GET", "/runs?account=43&task=analysis", nil, "", onlyOf43, dashboard.Action{Verb: dashboard.View, Account: "43", Task: "analysis"}, 200, "There are no such runs"},
		{"a page of all, by one of an account", "GET", "/runs", nil, "", onlyOf43, dashboard.Action{Verb: dashboard.View}, 403, "you are of account 43"},
		{"a page of all accounts that is told of one", "GET", "/accounts?account=43", nil, "", onlyOf43, dashboard.Action{Verb: dashboard.View}, 403, "you are of account 43"},
		{"a halt", "POST", "/halts", []string{"do", "halt", "account", "43", "reason", "r"}, "ana", nil, dashboard.Action{Verb: dashboard.Halt, Account: "43"}, 303, ""},
		{"a halt that ends what runs", "POST", "/halts", []string{"do", "halt", "account", "43", "reason", "r", "cancel", "1"}, "ana", nil, dashboard.Action{Verb: dashboard.Cancel, Account: "43"}, 303, ""},
		{"a halt by nobody", "POST", "/halts", []string{"do", "halt", "account", "43", "reason", "r"}, "", nil, dashboard.Action{Verb: dashboard.Halt, Account: "43"}, 403, "it is not known by whom"},
		{"a halt by one who reads", "POST", "/halts", []string{"do", "halt", "account", "43", "reason", "r"}, "ana", reads, dashboard.Action{Verb: dashboard.Halt, Account: "43"}, 403, "you only look"},
		{"a lift", "POST", "/halts", []string{"do", "lift", "account", "43"}, "ana", reads, dashboard.Action{Verb: dashboard.Lift, Account: "43"}, 403, "you only look"},
		{"a trigger", "POST", "/requests", []string{"kind", "trigger", "account", "43", "task", "analysis"}, "ana", reads, dashboard.Action{Verb: dashboard.Trigger, Account: "43", Task: "analysis"}, 403, "you only look"},
		{"a cancellation", "POST", "/requests", []string{"kind", "cancel", "account", "43", "reason", "r"}, "ana", reads, dashboard.Action{Verb: dashboard.Cancel, Account: "43"}, 403, "you only look"},
		{"an edit", "POST", "/schedule", []string{"task", "analysis", "version", "1", "rule", "daily 10:00", "step", "save"}, "ana", reads, dashboard.Action{Verb: dashboard.Edit, Task: "analysis"}, 403, "you only look"},
		{"a dry run", "POST", "/schedule", []string{"task", "analysis", "version", "1", "rule", "daily 10:00"}, "ana", reads, dashboard.Action{Verb: dashboard.Edit, Task: "analysis"}, 403, "you only look"},
		{"somebody who is not known", "GET", "/runs", nil, "", func(dashboard.Action) error { return fmt.Errorf("%w: log in", dashboard.ErrUnauthenticated) }, dashboard.Action{Verb: dashboard.View}, 401, "log in"},
	} {
		t.Run(test.name, func(t *testing.T) {
			who := &asker{actor: test.actor, refuse: test.refuse}
			page := newPage(t, clock, s.store, func(cfg *dashboard.Config) { cfg.Authorize = who.authorize })
			var got reply
			if test.method == "POST" {
				got = ask(t, page, "POST", test.path, form(test.form...))
			} else {
				got = ask(t, page, "GET", test.path, nil)
			}
			assert.Equal(t, test.code, got.code, words(got.body))
			got.has(t, test.says)
			assert.Contains(t, who.asked, test.asked)
			if test.code == http.StatusUnauthorized {
				assert.Contains(t, got.header.Get("WWW-Authenticate"), "Basic")
			}
		})
	}
}

func TestOnlyWhatOneMaySeeIsShown(t *testing.T) {
	clock := clockwork.NewFakeClockAt(at("2026-11-23 08:59:00"))
	s := monday(t, clock, memstore.New(clock), "09:50:30")
	page := newPage(t, clock, s.store, func(cfg *dashboard.Config) {
		cfg.Authorize = func(_ *http.Request, a dashboard.Action) (string, error) {
			if a.Verb != dashboard.View || a.Account != "42" {
				return "", errors.New("you look at 42")
			}
			return "eve", nil
		}
	})
	for _, path := range []string{"/?account=42", "/runs?account=42", "/run?account=42&task=premarket_amo_adjustment&slot=2026-11-23", "/run?account=42&task=position_monitor&slot=2026-11-23T09%2B05:30"} {
		got := ask(t, page, "GET", path, nil)
		assert.Equal(t, http.StatusOK, got.code, path)
		assert.NotContains(t, words(got.body), " 43 ", path)
		assert.NotContains(t, words(got.body), "loss limit", path)
		assert.NotContains(t, words(got.body), "host-1", path)
		assert.NotContains(t, got.body, `method="post"`, path)
	}
}

func TestTheReadyHooks(t *testing.T) {
	passwords := dashboard.Passwords(map[string]string{"ana": "secret", "nopass": ""})
	for _, test := range []struct {
		name       string
		hook       dashboard.Authorize
		from, host string
		user, pass string
		verb       dashboard.Verb
		actor      string
		err        string
	}{
		{"this machine", dashboard.Loopback("desk"), "127.0.0.1:5000", "localhost:8901", "", "", dashboard.Halt, "desk", ""},
		{"this machine by its new address", dashboard.Loopback("desk"), "[::1]:5000", "[::1]:8901", "", "", dashboard.Halt, "desk", ""},
		{"another machine", dashboard.Loopback("desk"), "10.1.2.3:5000", "localhost", "", "", dashboard.View, "", "for the machine"},
		{"a name that somebody else gave this machine", dashboard.Loopback("desk"), "127.0.0.1:5000", "evil.example", "", "", dashboard.View, "", "for the machine"},
		{"a password", passwords, "10.1.2.3:5000", "desk", "ana", "secret", dashboard.Halt, "ana", ""},
		{"a wrong password", passwords, "10.1.2.3:5000", "desk", "ana", "Secret", dashboard.Halt, "", "not known"},
		{"an unknown name", passwords, "10.1.2.3:5000", "desk", "bob", "", dashboard.Halt, "", "not known"},
		{"an empty password", passwords, "10.1.2.3:5000", "desk", "nopass", "", dashboard.Halt, "", "not known"},
		{"nobody", passwords, "10.1.2.3:5000", "desk", "", "", dashboard.View, "", "not known"},
		{"one who reads", dashboard.ReadOnly(passwords), "10.1.2.3:5000", "desk", "ana", "secret", dashboard.View, "ana", ""},
		{"an order of one who reads", dashboard.ReadOnly(passwords), "10.1.2.3:5000", "desk", "ana", "secret", dashboard.Edit, "ana", "only shows"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
			r.RemoteAddr, r.Host = test.from, test.host
			if test.user != "" {
				r.SetBasicAuth(test.user, test.pass)
			}
			actor, err := test.hook(r, dashboard.Action{Verb: test.verb})
			if test.err != "" {
				assert.ErrorContains(t, err, test.err)
				return
			}
			assert.NoError(t, err)
			assert.Equal(t, test.actor, actor)
		})
	}
}

// broken is a store whose schedules cannot be read: it fails, hangs until it is let go, or
// panics.
type broken struct {
	storage
	how func(ctx context.Context) error
}

func (b *broken) Schedules(ctx context.Context) ([]store.Schedule, error) {
	return nil, b.how(ctx)
}
func (b *broken) Revision(ctx context.Context) (string, error) { return "", b.how(ctx) }

func TestAStoreThatIsAway(t *testing.T) {
	letGo := make(chan struct{})
	for _, test := range []struct {
		name string
		how  func(ctx context.Context) error
		code int
		says string
	}{
		{"it fails", func(context.Context) error { return errors.New("connection refused") }, 503, "The store cannot be read: connection refused"},
		{"it hangs, and heeds its context", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 503, "The store did not answer within 2s."},
		{"it hangs", func(context.Context) error { <-letGo; return nil }, 503, "The store did not answer within 2s."},
		{"it panics", func(context.Context) error { panic("no") }, 500, "What this page asks broke"},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(at("2026-11-23 09:00:00"))
			page := newPage(t, clock, &broken{memstore.New(clock), test.how}, nil)
			answered := make(chan reply, 1)
			go func() { answered <- ask(t, page, "GET", "/schedules", nil) }()
			if strings.HasPrefix(test.name, "it hangs") {
				require.NoError(t, clock.BlockUntilContext(t.Context(), 1))
				clock.Advance(2 * time.Second)
			}
			got := <-answered
			assert.Equal(t, test.code, got.code)
			got.has(t, test.says)
			if test.name == "it hangs" {
				gone, cancel := context.WithCancel(t.Context())
				cancel()
				assert.ErrorIs(t, page.Close(gone), context.Canceled, "a call goes on")
				close(letGo)
				assert.NoError(t, page.Close(t.Context()))
				ask(t, page, "GET", "/schedules", nil).has(t, "This page is closed")
			}
		})
	}
}

func TestWhoHasGoneIsNotWaitedFor(t *testing.T) {
	clock := clockwork.NewFakeClockAt(at("2026-11-23 09:00:00"))
	page := newPage(t, clock, &broken{memstore.New(clock), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, nil)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/schedules", nil))
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
}
