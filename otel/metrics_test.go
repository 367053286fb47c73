package otel_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/tradeclock/tradeclock/internal/metrics"
	"github.com/tradeclock/tradeclock/otel"
	"github.com/tradeclock/tradeclock/store"
)

// points are the attributes of a metric's series, and its kind.
func points(data metricdata.Aggregation) (kind metrics.Kind, sets []attribute.Set) {
	switch data := data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			sets = append(sets, p.Attributes)
		}
		return metrics.Counter, sets
	case metricdata.Sum[float64]:
		for _, p := range data.DataPoints {
			sets = append(sets, p.Attributes)
		}
		return metrics.Counter, sets
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			sets = append(sets, p.Attributes)
		}
		return metrics.Gauge, sets
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			sets = append(sets, p.Attributes)
		}
		return metrics.Histogram, sets
	}
	return "", nil
}

func TestTheMetricsAreThoseOfTheTable(t *testing.T) {
	w := newWorld(t, at(8, 58, 0), row("buy", "daily 09:01"), row("sell", "daily 09:10"), row("watch", "hourly 09:30-10:30", atLeastOnce))
	w.rec.Do("watch", takes(20*time.Minute))
	p := w.process(otel.Config{})
	p.Until(at(9, 5, 0))
	w.clock.Advance(10 * time.Minute)
	p.Until(at(9, 40, 0))
	found := p.metrics(t)
	for _, m := range metrics.All() {
		if m == metrics.CalendarChanges || m == metrics.CoverageEnd {
			continue // this morning has none
		}
		got, ok := found[m.Name]
		if !assert.True(t, ok, m.Name) {
			continue
		}
		delete(found, m.Name)
		assert.Equal(t, m.Unit, got.Unit, m.Name)
		assert.Equal(t, m.Help, got.Description)
		kind, sets := points(got.Data)
		assert.Equal(t, m.Kind, kind, m.Name)
		for _, set := range sets {
			want := append([]string{metrics.SchedulerAttribute}, m.Attributes...)
			var keys []string
			for _, kv := range set.ToSlice() {
				keys = append(keys, string(kv.Key))
			}
			assert.ElementsMatch(t, want, keys, m.Name)
		}
	}
	assert.Empty(t, found, "all are in the table")
}

// TestCountsAreTheLedgers has a process die in the middle of an order, and the host sleep.
func TestCountsAreTheLedgers(t *testing.T) {
	w := newWorld(t, at(9, 0, 0), row("orders", "daily 09:20"), row("watch", "every 1m 09:15-09:45"))
	w.rec.Do("orders", takes(3*time.Minute))
	all := make(map[[3]string]int64)
	count := func(p *process) {
		for _, point := range p.metrics(t)[metrics.Occurrences.Name].Data.(metricdata.Sum[int64]).DataPoints {
			a := attributes(point.Attributes.ToSlice())
			if point.Value > 0 {
				all[[3]string{a["task"], a["outcome"], a["reason.class"]}] += point.Value
			}
		}
	}
	first := w.process(otel.Config{})
	first.Until(at(9, 20, 10))
	first.Crash()
	count(first)
	w.clock.Advance(90 * time.Second)
	second := w.process(otel.Config{})
	second.Until(at(9, 26, 0))
	w.clock.Advance(5 * time.Minute)
	second.Until(at(9, 50, 0))
	count(second)

	runs, err := w.store.Runs(t.Context(), store.Query{Scheduler: "paper"})
	require.NoError(t, err)
	want := make(map[[3]string]int64)
	for _, r := range runs {
		want[[3]string{r.Task, r.Outcome.String(), r.ReasonClass()}] += int64(r.Occurrences())
	}
	assert.Equal(t, want, all)
	assert.EqualValues(t, 1, want[[3]string{"orders", "interrupted", "died"}])
}

func TestExemplarsHaveTheTraceAndTheRun(t *testing.T) {
	w := newWorld(t, at(8, 58, 0), row("buy", "daily 09:01"))
	w.rec.Do("buy", takes(time.Second))
	withoutRuns := sdkmetric.NewView(sdkmetric.Instrument{Name: "tradeclock.run.*"}, sdkmetric.Stream{
		AttributeFilter: attribute.NewDenyKeysFilter("tradeclock.run.id"),
	})
	p := w.process(otel.Config{RunIDs: true}, withoutRuns)
	p.Until(at(9, 5, 0))
	points := p.metrics(t)[metrics.Duration.Name].Data.(metricdata.Histogram[float64]).DataPoints
	require.Len(t, points, 1)
	assert.Equal(t, 1.0, points[0].Sum)
	require.Len(t, points[0].Exemplars, 1)
	exemplar, span := points[0].Exemplars[0], w.spans.GetSpans()[0]
	trace, spanID := span.SpanContext.TraceID(), span.SpanContext.SpanID()
	assert.Equal(t, trace[:], exemplar.TraceID)
	assert.Equal(t, spanID[:], exemplar.SpanID)
	run := store.RunID("paper", "42", "buy", "2026-11-23")
	assert.Equal(t, map[string]string{"tradeclock.run.id": run}, attributes(exemplar.FilteredAttributes))
}

func TestAnotherSchedulerIsRefused(t *testing.T) {
	w := newWorld(t, at(8, 58, 0), row("buy", "daily 09:01"))
	p := w.process(otel.Config{})
	assert.ErrorContains(t, p.telemetry.Watch(p.scheduler), "another scheduler is watched already")
}

func TestWhatIsClosedSamplesNothing(t *testing.T) {
	w := newWorld(t, at(8, 58, 0), row("buy", "daily 09:01"))
	p := w.process(otel.Config{})
	p.Until(at(9, 5, 0))
	require.NoError(t, p.telemetry.Close())
	found := p.metrics(t)
	assert.NotContains(t, found, metrics.State.Name)
	assert.Contains(t, found, metrics.Occurrences.Name)
	require.NoError(t, otel.New(otel.Config{}).Close(), "nothing is watched")
}
