package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/why"
)

func TestRetryWaits(t *testing.T) {
	for _, test := range []struct {
		name  string
		retry Retry
		want  []time.Duration
	}{
		{"by default", Retry{}, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}},
		{"up to a minute", Retry{Backoff: 25 * time.Second}, []time.Duration{25 * time.Second, 50 * time.Second, time.Minute, time.Minute}},
		{"up to a bound", Retry{Backoff: time.Second, MaxBackoff: 3 * time.Second}, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}},
		{"longer than a minute", Retry{Backoff: 2 * time.Minute}, []time.Duration{2 * time.Minute, 2 * time.Minute}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for i, want := range test.want {
				assert.Equal(t, want, test.retry.wait(i+1))
			}
		})
	}
}

// Another attempt starts within its time, if there are any left.
func TestTryAgain(t *testing.T) {
	for _, test := range []struct {
		name     string
		retry    Retry
		attempts int
		at       string
		again    bool
	}{
		{"never, by default", Retry{}, 1, "09:00:00", false},
		{"the second of two", Retry{Attempts: 2}, 1, "09:00:00", true},
		{"a third of two", Retry{Attempts: 2}, 2, "09:00:00", false},
		{"just within the catch-up", Retry{Attempts: 2}, 1, "09:04:58", true},
		{"at the end of the catch-up", Retry{Attempts: 2}, 1, "09:04:59", false},
		{"within its own time", Retry{Attempts: 2, Within: time.Hour}, 1, "09:59:58", true},
		{"past its own time", Retry{Attempts: 2, Within: time.Minute}, 1, "09:01:00", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, Config{}, "08:59:00", []string{"42"},
				newRow("buy", "daily 09:00", always, Handling{CatchUp: 5 * time.Minute, Retry: test.retry}))
			d.tick("09:00:00")
			require.Len(t, d.going, 1)
			d.at(test.at)
			wait, again := d.going[0].TryAgain(test.attempts, d.now)
			assert.Equal(t, test.again, again)
			assert.Equal(t, test.retry.wait(test.attempts), wait)
			d.Ended(d.going[0], Bad, "")
			_, again = d.going[0].TryAgain(test.attempts, d.now)
			assert.False(t, again, "its outcome was taken")
		})
	}
}

func TestWhyNoAttempt(t *testing.T) {
	for _, test := range []struct {
		name           string
		do             func(d *desk)
		ended, stopped string
		want           string
	}{
		{"it may", func(*desk) {}, "", "", ""},
		{"its own end", func(d *desk) { d.halted["42"] = why.HaltedBy + "ada" }, "timed out", "stopped", "timed out"},
		{"a halt", func(d *desk) { d.halted["42"] = why.HaltedBy + "ada" }, "", "stopped", why.HaltedBy + "ada"},
		{"a row that is gone", func(d *desk) { delete(d.rows, Key{Task: "buy"}) }, "", "stopped", why.Disabled},
		{"a row that was disabled", func(d *desk) {
			r := newRow("buy", "daily 09:00", always, Handling{})
			r.Policy.Disabled = true
			d.rows[Key{Task: "buy"}] = r
		}, "", "stopped", why.Disabled},
		{"a row that was disabled when a person asked for it", func(d *desk) { d.rows[Key{Task: "buy"}].Policy.Disabled = true }, "", "", ""},
		{"a stop", func(d *desk) { d.Term.Lost() }, "", "stopped", "stopped"},
		{"the term", func(d *desk) { d.Term.Lost() }, "", "", "the term could not be renewed"},
		{"an account that went, and is back", func(d *desk) {
			a := d.Accounts.Get("42")
			d.Withdraw(a, d.now)
			d.Accounts.Enrol(a, true, d.now)
		}, "timed out", "", why.Withdrawn},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("buy", "daily 09:00", always, Handling{CatchUp: 5 * time.Minute}))
			d.tick("09:00:00")
			require.Len(t, d.going, 1)
			test.do(d)
			assert.Equal(t, test.want, d.WhyNoAttempt(d.going[0], test.ended, test.stopped, d.now))
		})
	}
}

// What a stop cuts off is run again within its catch-up if it is delivered at least once,
// and nobody asked for it.
func TestUntilWhenARunIsRunAgain(t *testing.T) {
	at := func(text string) time.Time { return clockTime(t, text) }
	once, atLeast := newRow("buy", "daily 09:00", always, Handling{}), newRow("buy", "daily 09:00", always, Handling{AtLeastOnce: true})
	for _, test := range []struct {
		name string
		run  Run
		now  time.Time
		want time.Time
	}{
		{"at least once", Run{Row: atLeast, Expires: at("09:05:00")}, at("09:04:59"), at("09:05:00")},
		{"past its catch-up", Run{Row: atLeast, Expires: at("09:05:00")}, at("09:05:00"), time.Time{}},
		{"at most once", Run{Row: once, Expires: at("09:05:00")}, at("09:04:59"), time.Time{}},
		{"a person's", Run{Row: atLeast, Expires: at("09:05:00"), Actor: "ada"}, at("09:04:59"), time.Time{}},
	} {
		assert.Equal(t, test.want, test.run.RerunUntil(test.now), test.name)
	}
}
