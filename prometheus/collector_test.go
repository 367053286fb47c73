package prometheus_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/internal/metrics"
	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/prometheus"
	"github.com/tradeclock/tradeclock/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

const scrapeFile = "testdata/scrape.txt"

// dayOfTrouble is a morning with every outcome but one that needs a second process.
func dayOfTrouble(t *testing.T) *process {
	w := newWorld(t, at(8, 58, 0),
		row("buy_orders", "daily 09:01"), row("sell_orders", "daily 09:20"),
		row("analysis", "daily 09:10", func(s *tradeclock.Schedule) { s.Retry = tradeclock.Retry{Attempts: 2, Backoff: 5 * time.Second} }),
		row("sell_monitor", "every 1m 09:15-09:20", atLeastOnce, func(s *tradeclock.Schedule) { s.Timeout = 90 * time.Second }),
	)
	w.rec.Do("buy_orders", takes(3*time.Second))
	w.rec.Do("analysis", fails)
	w.rec.Do("sell_monitor", takes(2*time.Minute))
	p := w.process()
	p.Until(at(9, 19, 0))
	w.clock.Advance(4 * time.Minute) // the host sleeps
	p.Until(at(9, 30, 0))
	return p
}

func TestScrapeOfAMorning(t *testing.T) {
	got := dayOfTrouble(t).text(t)
	if *update {
		require.NoError(t, os.WriteFile(scrapeFile, []byte(got), 0o644))
	}
	want, err := os.ReadFile(scrapeFile)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "run this test with -update if it is meant to change")
}

func TestPromtoolChecksTheScrape(t *testing.T) {
	promtool, err := needs.LookPath("promtool")
	needs.Met(t, err)
	scrape, err := os.Open(scrapeFile)
	require.NoError(t, err)
	defer scrape.Close()
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = scrape
	said, err := check.CombinedOutput()
	require.NoError(t, err, string(said))
	assert.Empty(t, string(said))
}

func TestEachMetricOfTheTableIsScraped(t *testing.T) {
	found := dayOfTrouble(t).scrape(t)
	for _, m := range metrics.All() {
		switch m {
		case metrics.CalendarChanges, metrics.CoverageEnd, metrics.Active: // this morning has none
			continue
		}
		family := found[m.PrometheusName()]
		if assert.NotNil(t, family, m.Name) {
			assert.Equal(t, strings.ToUpper(string(m.Kind)), family.GetType().String())
			assert.Equal(t, m.Help, family.GetHelp())
		}
		delete(found, m.PrometheusName())
	}
	assert.Empty(t, found, "all are in the table")
}

// tally counts occurrences by task, outcome and class.
type tally map[[3]string]float64

func (all tally) addScrape(t *testing.T, p *process) {
	for _, m := range p.scrape(t)[metrics.Occurrences.PrometheusName()].GetMetric() {
		if n := m.GetCounter().GetValue(); n > 0 {
			all[[3]string{label(m, "task"), label(m, "outcome"), label(m, "reason_class")}] += n
		}
	}
}

func (w *world) ledger() tally {
	runs, err := w.store.Runs(w.t.Context(), store.Query{Scheduler: "paper"})
	require.NoError(w.t, err)
	all := make(tally)
	for _, r := range runs {
		all[[3]string{r.Task, r.Outcome.String(), r.ReasonClass()}] += float64(r.Occurrences())
	}
	return all
}

// TestCountsAreTheLedgers has a process die in the middle of an order and of a monitor, and
// another take over later than some may still run. What both have counted is what the
// ledger has, and beside it the monitor's run that was cut off, whose row the second run
// of it has.
func TestCountsAreTheLedgers(t *testing.T) {
	w := newWorld(t, at(9, 0, 0),
		row("orders", "daily 09:20:00"), row("more_orders", "daily 09:21"), row("watch", "every 1m 09:15-09:45", atLeastOnce),
	)
	w.rec.Do("orders", takes(3*time.Minute))
	w.rec.Do("watch", takes(20*time.Second))
	first := w.process("43")
	first.Until(at(9, 20, 10))
	all := make(tally)
	all.addScrape(t, first)
	first.Crash()
	w.clock.Advance(90 * time.Second)
	w.rec.Do("orders", takes(time.Second))

	second := w.process("43")
	second.Until(at(9, 26, 0))
	w.clock.Advance(5 * time.Minute) // and the host sleeps
	second.Until(at(9, 50, 0))
	all.addScrape(t, second)

	want := w.ledger()
	assert.EqualValues(t, 2, want[[3]string{"orders", "interrupted", "died"}])
	assert.EqualValues(t, 2, want[[3]string{"more_orders", "succeeded", ""}])
	assert.Positive(t, want[[3]string{"watch", "missed", "superseded"}])
	cutOff := [3]string{"watch", "interrupted", "died"}
	reruns := all[cutOff] - want[cutOff]
	all[cutOff] -= reruns
	if all[cutOff] == 0 {
		delete(all, cutOff)
	}
	assert.Equal(t, want, all)
	assert.LessOrEqual(t, reruns, 2.0)
}

// TestEverySeriesOfATaskIsThereFromTheFirstPoll holds the zeros without which nobody sees
// the first order that is missed.
func TestEverySeriesOfATaskIsThereFromTheFirstPoll(t *testing.T) {
	w := newWorld(t, at(8, 0, 0), row("orders", "daily 09:20"), row("watch", "daily 09:20", atLeastOnce))
	p := w.process()
	p.Tick()
	zeros := make(map[string]int)
	for _, m := range p.scrape(t)[metrics.Occurrences.PrometheusName()].GetMetric() {
		assert.Zero(t, m.GetCounter().GetValue())
		zeros[label(m, "task")+" "+label(m, "delivery")+" "+label(m, "outcome")]++
	}
	assert.Len(t, zeros, 2*6)
	assert.Equal(t, len(tradeclock.Missed.ReasonClasses()), zeros["orders at-most-once missed"])
	assert.Equal(t, 1, zeros["watch at-least-once succeeded"])
	assert.Len(t, p.scrape(t)[metrics.ClockSteps.PrometheusName()].GetMetric(), 2)
}

func TestAccountsAddNoSeries(t *testing.T) {
	series := func(accounts int) int {
		w := newWorld(t, at(9, 0, 0), row("orders", "daily 09:01"), row("watch", "every 1m 09:01-09:03", atLeastOnce))
		names := make([]string, accounts)
		for i := range names {
			names[i] = fmt.Sprint("account ", i)
		}
		p := w.process(names...)
		p.Until(at(9, 4, 0))
		return strings.Count(p.text(t), `scheduler="paper"`)
	}
	assert.Equal(t, series(0), series(500))
}

func TestExemplarsHaveTheRun(t *testing.T) {
	p := dayOfTrouble(t)
	var found []string
	for _, m := range p.scrape(t)[metrics.Occurrences.PrometheusName()].GetMetric() {
		if e := m.GetCounter().GetExemplar(); e != nil && label(m, "outcome") == "missed" && label(m, "task") == "sell_orders" {
			found = append(found, e.GetLabel()[0].GetName(), e.GetLabel()[0].GetValue())
		}
	}
	assert.Equal(t, []string{"run_id", store.RunID("paper", "42", "sell_orders", "2026-11-23")}, found)
	histogram := p.scrape(t)[metrics.Lateness.PrometheusName()].GetMetric()
	require.NotEmpty(t, histogram)
	exemplars := 0
	for _, bucket := range histogram[0].GetHistogram().GetBucket() {
		if bucket.GetExemplar() != nil {
			exemplars++
		}
	}
	assert.Positive(t, exemplars)
}

func TestALateOutcomeCountsForNothing(t *testing.T) {
	w := newWorld(t, at(9, 0, 0), row("orders", "daily 09:20"))
	p, all := w.process(), make(tally)
	p.collector.Observe(tradeclock.RunSettled{Run: tradeclock.Run{Task: "orders", Outcome: tradeclock.Succeeded}, Late: true})
	p.Tick()
	all.addScrape(t, p)
	assert.Empty(t, all)
}

func TestWhatWatchesNothingHasNoMetrics(t *testing.T) {
	registry := prom.NewPedanticRegistry()
	collector := prometheus.New()
	require.NoError(t, registry.Register(collector))
	collector.Observe(tradeclock.ClockStepped{By: time.Hour})
	found, err := registry.Gather()
	require.NoError(t, err)
	assert.Empty(t, found)
}
