package metrics_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/needs"
)

var update = flag.Bool("update", false, "write the files anew that are made of the table")

const (
	rulesFile     = "../../observability/rules.yml"
	rulesTestFile = "../../observability/rules_test.yml"
)

// golden holds a file to what is made of the code.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "%s: run this test with -update if it is meant to change", file)
}

// promtool runs it, and requires that it is content.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := needs.LookPath("promtool")
	needs.Met(t, err)
	said, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	require.NoError(t, err, string(said))
}

// Series of a service in good order, an hour of minutes. Instance a is active.
const (
	ofA         = `{scheduler="paper",instance="a",job="trading"`
	beats       = "tradeclock_scheduler_heartbeat_timestamp_seconds" + ofA + "}"
	ticks       = "tradeclock_scheduler_tick_timestamp_seconds" + ofA + "}"
	active      = "tradeclock_scheduler_state" + ofA + `,state="active"}`
	standby     = "tradeclock_scheduler_state" + ofA + `,state="standby"}`
	unstored    = "tradeclock_ledger_unstored" + ofA + "}"
	steps       = "tradeclock_clock_steps_total" + ofA + `,direction="forwards"}`
	coverage    = "tradeclock_calendar_coverage_end_timestamp_seconds" + ofA + `,calendar="XNSE"}`
	quarantined = "tradeclock_schedule_quarantined" + ofA + "}"
	degraded    = "tradeclock_scheduler_degraded" + ofA + `,condition_class="ledger"}`
	eventsLost  = "tradeclock_observer_events_lost_total" + ofA + "}"
	lateness    = "tradeclock_run_lateness_seconds_bucket" + ofA + `,task="buy_orders",`
	onTime      = lateness + `le="1"}`
	late        = lateness + `le="60"}`
	latest      = lateness + `le="+Inf"}`
	orders      = "tradeclock_occurrences_total" + ofA + `,task="buy_orders",delivery="at-most-once",`
	monitors    = "tradeclock_occurrences_total" + ofA + `,task="sell_monitor",delivery="at-least-once",`
	succeeded   = orders + `outcome="succeeded",reason_class=""}`
	missed      = orders + `outcome="missed",reason_class="late"}`
	superseded  = orders + `outcome="missed",reason_class="superseded"}`
	cutOff      = orders + `outcome="interrupted",reason_class="died"}`
	failed      = orders + `outcome="failed",reason_class="error"}`
	unknownDay  = orders + `outcome="skipped",reason_class="calendar"}`
	halted      = orders + `outcome="skipped",reason_class="halted"}`

	never    = "0+0x60"
	fromTwen = "0+0x19 1+0x40" // once, at 20m
	always   = "1+0x60"
	onMinute = "0+60x60"
	untilTwe = "0+60x20 1200+0x39" // on the minute, until 20m
)

func inGoodOrder() map[string]string {
	return map[string]string{
		beats: onMinute, ticks: onMinute, active: always, standby: never, unstored: never, steps: never,
		coverage: "31536000+0x60", quarantined: never, degraded: never, eventsLost: never,
		onTime: fromTwen, late: fromTwen, latest: fromTwen,
		succeeded: fromTwen, missed: never, cutOff: never, failed: never, unknownDay: never,
		superseded: fromTwen, halted: fromTwen,
		monitors + `outcome="missed",reason_class="late"}`:       "0+3x60",
		monitors + `outcome="interrupted",reason_class="died"}`:  fromTwen,
		monitors + `outcome="skipped",reason_class="calendar"}`:  fromTwen,
		monitors + `outcome="timed out",reason_class="timeout"}`: fromTwen,
	}
}

// of is a series of another instance.
func of(instance, series string) string {
	return strings.Replace(series, `instance="a"`, fmt.Sprintf("instance=%q", instance), 1)
}

// gone ends the series of instance a at 20m, as a scrape that fails does.
func gone(series map[string]string) {
	for name, values := range series {
		if values == onMinute {
			series[name] = "0+60x19 stale"
		} else {
			first, _, _ := strings.Cut(values, "+")
			series[name] = first + "+0x19 stale"
		}
	}
}

// ruleTests are what may happen to the service, and which alerts fire when. No others do.
var ruleTests = []struct {
	name  string
	edit  func(series map[string]string)
	fires map[string]string // by minute, alerts without their prefix
}{
	{"in good order", func(map[string]string) {}, map[string]string{"5m": "", "21m": "", "59m": ""}},
	{"an order is missed", func(s map[string]string) { s[missed] = fromTwen },
		map[string]string{"19m": "", "21m": "OrderLost", "24m": "OrderLost", "30m": ""}},
	{"an order was missed before the first scrape of the process", func(s map[string]string) {
		s[of("b", missed)] = "_x20 1+0x40"
	}, map[string]string{"19m": "", "20m": "OrderLost", "30m": ""}},
	{"an order was missed before the first scrape of the process that came back", func(s map[string]string) {
		s[missed] = "3+0x19 1+0x40"
	}, map[string]string{"19m": "", "21m": "OrderLost", "30m": ""}},
	{"a process dies in the middle of an order, and another takes over", func(s map[string]string) {
		gone(s)
		for name, values := range inGoodOrder() {
			s[of("b", name)] = values
		}
		s[of("b", active)], s[of("b", standby)], s[of("b", cutOff)] = fromTwen, "1+0x19 0+0x40", fromTwen
	}, map[string]string{"21m": "OrderLost", "24m": "OrderLost", "30m": ""}},
	{"the only process is killed, or frozen so that it is not scraped", gone,
		map[string]string{"21m": "", "23m": "HeartbeatAbsent", "59m": "HeartbeatAbsent"}},
	{"nothing was ever scraped", func(s map[string]string) { clear(s) },
		map[string]string{"1m": "", "3m": "HeartbeatAbsent"}},
	{"a process is killed, and the standby does not take over", func(s map[string]string) {
		gone(s)
		s[of("b", beats)], s[of("b", active)], s[of("b", standby)] = onMinute, never, always
	}, map[string]string{"19m": "", "22m": "NoActiveInstance", "59m": "NoActiveInstance"}},
	{"heartbeats are not received", func(s map[string]string) { s[beats] = untilTwe },
		map[string]string{"21m": "", "24m": "HeartbeatLate"}},
	{"the active process plans nothing, while a standby ticks", func(s map[string]string) {
		s[ticks] = untilTwe
		s[of("b", ticks)], s[of("b", active)], s[of("b", standby)] = onMinute, never, always
	}, map[string]string{"21m": "", "24m": "TicksStopped"}},
	{"a standby plans nothing", func(s map[string]string) {
		s[of("b", ticks)], s[of("b", active)], s[of("b", standby)] = untilTwe, never, always
	}, map[string]string{"24m": "", "59m": ""}},
	{"the ledger is away", func(s map[string]string) { s[unstored], s[degraded] = fromTwen, fromTwen },
		map[string]string{"24m": "", "26m": "OutcomesNotStored", "31m": "Degraded OutcomesNotStored"}},
	{"a burst is stored", func(s map[string]string) { s[unstored] = "0+0x19 900+0x2 0+0x37" },
		map[string]string{"21m": "", "26m": ""}},
	{"the clock is set", func(s map[string]string) { s[steps] = fromTwen },
		map[string]string{"19m": "", "21m": "ClockStepped", "35m": ""}},
	{"a calendar ends", func(s map[string]string) { s[coverage] = "2592900+0x60" }, // fifteen minutes and 30 days
		map[string]string{"14m": "", "16m": "CoverageEnding"}},
	{"runs start late", func(s map[string]string) { s[onTime] = never },
		map[string]string{"19m": "", "21m": "StartsLate", "35m": ""}},
	{"a schedule is quarantined", func(s map[string]string) { s[quarantined] = fromTwen },
		map[string]string{"19m": "", "21m": "ScheduleQuarantined"}},
	{"an order fails", func(s map[string]string) { s[failed] = fromTwen },
		map[string]string{"19m": "", "21m": "OrderFailed", "30m": ""}},
	{"an order is skipped on a day that the calendar does not know", func(s map[string]string) { s[unknownDay] = fromTwen },
		map[string]string{"19m": "", "21m": "OrderSkipped", "30m": ""}},
	{"the observer is too slow", func(s map[string]string) { s[eventsLost] = fromTwen },
		map[string]string{"19m": "", "21m": "EventsLost", "35m": ""}},
}

func ruleTestsText() string {
	text := new(strings.Builder)
	text.WriteString("# What may happen, and which alerts fire: promtool test rules rules_test.yml. Made by rules_test.go\n" +
		"# of internal/metrics.\nrule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n")
	for _, test := range ruleTests {
		series := inGoodOrder()
		test.edit(series)
		fmt.Fprintf(text, "  - name: %s\n    interval: 1m\n    input_series:\n", test.name)
		for _, name := range slices.Sorted(maps.Keys(series)) {
			fmt.Fprintf(text, "      - {series: '%s', values: '%s'}\n", name, series[name])
		}
		text.WriteString("    promql_expr_test:\n")
		for _, at := range slices.Sorted(maps.Keys(test.fires)) {
			fmt.Fprintf(text, "      - expr: count by (alertname) (ALERTS{alertstate=\"firing\"})\n        eval_time: %s\n        exp_samples:\n", at)
			for alert := range strings.FieldsSeq(test.fires[at]) {
				fmt.Fprintf(text, "          - {labels: '{alertname=\"Tradeclock%s\"}', value: 1}\n", alert)
			}
		}
	}
	return text.String()
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	golden(t, rulesTestFile, ruleTestsText())
	promtool(t, "check", "rules", rulesFile)
	promtool(t, "test", "rules", rulesTestFile)
}

// TestEachAlertFiresInATest holds the table above to the rules.
func TestEachAlertFiresInATest(t *testing.T) {
	fires := make(map[string]bool)
	for _, test := range ruleTests {
		for _, alerts := range test.fires {
			for alert := range strings.FieldsSeq(alerts) {
				fires["Tradeclock"+alert] = true
			}
		}
	}
	assert.ElementsMatch(t, alertNames(t), slices.Collect(maps.Keys(fires)))
}

func alertNames(t *testing.T) []string {
	t.Helper()
	rules, err := os.ReadFile(filepath.FromSlash(rulesFile))
	require.NoError(t, err)
	var names []string
	for _, match := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		names = append(names, match[1])
	}
	require.NotEmpty(t, names)
	return names
}
