package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/why"
)

var monday = calendar.Date{Year: 2026, Month: time.November, Day: 23}

// What people say of one occurrence, with two accounts and every minute of interest.
func TestOverrides(t *testing.T) {
	at := func(text string) time.Time { return clockTime(t, text) }
	daily := func(account, to string) plan.Override {
		o := plan.Override{Task: "buy", Account: account, Slot: "2026-11-23", Session: monday, Due: at("09:01:00"), Why: "moved by Ana: late"}
		if to == "" {
			o.Why = why.SkippedBy + "Ana: audit"
		} else {
			o.At = at(to)
		}
		return o
	}
	every := func(to string) plan.Override {
		return plan.Override{Task: "buy", Slot: "2026-11-23T09:01:00+00:00", Session: monday, Due: at("09:01:00"), At: at(to), Why: "moved by Ana: late"}
	}
	for _, test := range []struct {
		name, rule string
		said       []plan.Override
		ticks      []string
		runs, told []string
	}{
		{"nothing", "daily 09:01", nil, []string{"09:01:00"}, []string{"buy 42 09:01", "buy 43 09:01"}, nil},
		{"all skipped", "daily 09:01", []plan.Override{daily("", "")}, []string{"09:01:00"},
			nil, []string{"buy 42 09:01 skipped: skipped by Ana: audit", "buy 43 09:01 skipped: skipped by Ana: audit"}},
		{"one skipped", "daily 09:01", []plan.Override{daily("42", "")}, []string{"09:01:00"},
			[]string{"buy 43 09:01"}, []string{"buy 42 09:01 skipped: skipped by Ana: audit"}},
		{"one of all that are skipped moved", "daily 09:01", []plan.Override{daily("42", "09:03:00"), daily("", "")}, []string{"09:01:00", "09:03:00"},
			[]string{"buy 42 09:03"}, []string{"buy 43 09:01 skipped: skipped by Ana: audit"}},
		{"all moved later", "daily 09:01", []plan.Override{daily("", "09:03:00")}, []string{"09:01:00", "09:02:00", "09:03:00", "09:04:00"},
			[]string{"buy 42 09:03", "buy 43 09:03"}, nil},
		{"one moved earlier", "daily 09:01", []plan.Override{daily("43", "09:00:30")}, []string{"09:00:30", "09:01:00", "09:02:00"},
			[]string{"buy 43 09:00", "buy 42 09:01"}, nil},
		{"both moved, to one instant by two words", "daily 09:01", []plan.Override{daily("43", "09:02:00"), daily("", "09:02:00")}, []string{"09:01:00", "09:02:00"},
			[]string{"buy 42 09:02", "buy 43 09:02"}, nil},
		{"moved, and its catch-up has passed", "daily 09:01", []plan.Override{daily("", "09:02:00")}, []string{"09:01:00", "09:13:00"},
			nil, []string{"buy 42 09:02 missed: moved by Ana: late: its catch-up of 10m0s had passed", "buy 43 09:02 missed: moved by Ana: late: its catch-up of 10m0s had passed"}},
		{"moved among those of which only the newest runs", "every 1m 09:01-09:05", []plan.Override{every("09:03:30")}, []string{"09:04:00"},
			[]string{"buy 42 09:03", "buy 43 09:03", "buy 42 09:04", "buy 43 09:04"}, []string{
				"buy 42 09:02 missed: " + why.Superseded + " (to 09:03)", "buy 43 09:02 missed: " + why.Superseded + " (to 09:03)",
			}},
		{"moved among those that are missed", "every 1m 09:01-09:05", []plan.Override{every("09:03:30")}, []string{"09:30:00"}, nil, []string{
			"buy 42 09:02 missed: its catch-up of 10m0s had passed (to 09:03)", "buy 42 09:03 missed: moved by Ana: late: its catch-up of 10m0s had passed",
			"buy 42 09:04 missed: its catch-up of 10m0s had passed",
			"buy 43 09:02 missed: its catch-up of 10m0s had passed (to 09:03)", "buy 43 09:03 missed: moved by Ana: late: its catch-up of 10m0s had passed",
			"buy 43 09:04 missed: its catch-up of 10m0s had passed",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			accounts := []string{"42", "43"}
			d := newDesk(t, Config{}, "08:59:00", accounts, newRow("buy", test.rule, always, Handling{CatchUp: 10 * time.Minute, Overlap: OverlapAllow}))
			d.tick("09:00:00")
			d.recorded()
			d.going = nil
			d.Use(d.planning.plan.Override(plan.NewOverrides(test.said)))
			var told []string
			for _, tick := range test.ticks {
				d.tick(tick)
				more, _ := d.recorded()
				told = append(told, more...)
			}
			assert.Equal(t, test.runs, d.running())
			assert.Equal(t, test.told, told)
		})
	}
}
