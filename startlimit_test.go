package tradeclock

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/rule"
)

func TestConfigRefusesStartLimits(t *testing.T) {
	limited := Schedule{Task: "buy", Rule: rule.MustParse("daily 09:15"), StartLimit: "broker"}
	for _, test := range []struct {
		name   string
		limits []StartLimit
		want   []string
	}{
		{"good", []StartLimit{{Name: "broker", Starts: 10}, {Name: "broker", Starts: 200, Per: time.Minute, PerAccount: true}}, nil},
		{"none", nil, []string{`field Schedules: schedule of buy: StartLimit: the configuration has no limit "broker"`}},
		{"another", []StartLimit{{Name: "exchange", Starts: 1}}, []string{`the configuration has no limit "broker"`}},
		{"misspelled", []StartLimit{{Name: "brokre", Starts: 1}}, []string{`no limit "broker": did you mean "brokre"?`}},
		{"everything", []StartLimit{{Name: "broker", Starts: 0, Per: time.Hour}, {Starts: 100_001, Per: 1}}, []string{
			`field StartLimits: limit "broker": Starts: 0 is not between 1 and 100000`,
			"Per: 1h0m0s is not between 1ms and 1m0s",
			`limit "": Name: a name is required`, "Starts: 100001 is not between", "Per: 1ns is not between",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(Config{Schedules: FixedSchedules(limited), StartLimits: test.limits, Ledger: NewStore(nil)})
			if test.want == nil {
				assert.NoError(t, err)
			}
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}
