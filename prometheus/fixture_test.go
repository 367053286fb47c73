package prometheus_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	prom "github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/prometheus"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

var kolkata = time.FixedZone("Kolkata", 19800)

// at is a wall time of a Monday.
func at(hour, minute, second int) time.Time {
	return time.Date(2026, 11, 23, hour, minute, second, 0, kolkata)
}

// world is a ledger with the processes of one service, one after the other.
type world struct {
	t     *testing.T
	clock *clockwork.FakeClock
	store *memstore.Store
	rec   *tradeclocktest.Recorder
	rows  []tradeclock.Schedule
}

func newWorld(t *testing.T, from time.Time, rows ...tradeclock.Schedule) *world {
	clock := clockwork.NewFakeClockAt(from)
	return &world{t: t, clock: clock, store: memstore.New(clock), rec: tradeclocktest.NewRecorder(clock), rows: rows}
}

func row(task, text string, edits ...func(*tradeclock.Schedule)) tradeclock.Schedule {
	s := tradeclock.Schedule{Task: task, Rule: rule.MustParse(text)}
	for _, edit := range edits {
		edit(&s)
	}
	return s
}

func atLeastOnce(s *tradeclock.Schedule) { s.Delivery = tradeclock.AtLeastOnce }

// process is one process of the service, with its collector in a registry.
type process struct {
	*tradeclocktest.Driver
	collector *prometheus.Collector
	registry  *prom.Registry
}

func (w *world) process(accounts ...string) *process {
	w.t.Helper()
	collector := prometheus.New()
	s, err := tradeclock.New(tradeclock.Config{
		Name: "paper", Schedules: tradeclock.FixedSchedules(w.rows...), Ledger: w.store, Heartbeats: w.store,
		Executor: w.rec, Account: "42", Calendar: calendar.Weekdays(kolkata), Clock: w.clock,
		Observers: []tradeclock.Observer{collector}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(w.t, err)
	collector.Watch(s)
	for _, account := range accounts {
		require.NoError(w.t, s.Enroll(w.t.Context(), account, w.rec))
	}
	p := &process{tradeclocktest.NewDriver(w.t, s, w.clock), collector, prom.NewPedanticRegistry()}
	require.NoError(w.t, p.registry.Register(collector))
	return p
}

// scrape returns what a scrape does, by name.
func (p *process) scrape(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	found, err := p.registry.Gather()
	require.NoError(t, err)
	families := make(map[string]*dto.MetricFamily)
	for _, family := range found {
		families[family.GetName()] = family
	}
	return families
}

// text is a scrape in the text format.
func (p *process) text(t *testing.T) string {
	t.Helper()
	found, err := p.registry.Gather()
	require.NoError(t, err)
	var text bytes.Buffer
	for _, family := range found {
		_, err := expfmt.MetricFamilyToText(&text, family)
		require.NoError(t, err)
	}
	return text.String()
}

func label(m *dto.Metric, name string) string {
	for _, pair := range m.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}

func takes(d time.Duration) func(context.Context, tradeclock.Run) error {
	return func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, d) }
}

func fails(context.Context, tradeclock.Run) error { return errors.New("rejected") }
