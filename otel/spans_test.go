package otel_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/otel"
	"github.com/tradeclock/tradeclock/store"
)

// byRun are the spans of runs, by task and slot.
func (w *world) byRun() map[string][]tracetest.SpanStub {
	found := make(map[string][]tracetest.SpanStub)
	for _, span := range w.spans.GetSpans() {
		a := attributes(span.Attributes)
		if a["tradeclock.run.id"] != "" {
			key := a["tradeclock.task"] + " " + a["tradeclock.run.slot"]
			found[key] = append(found[key], span)
		}
	}
	return found
}

func TestEachRunIsOneSpan(t *testing.T) {
	w := newWorld(t, at(9, 0, 0),
		row("buy", "daily 09:01"), row("retried", "daily 09:02", func(s *tradeclock.Schedule) {
			s.Retry = tradeclock.Retry{Attempts: 3, Backoff: 5 * time.Second}
		}),
		row("slow", "daily 09:03", func(s *tradeclock.Schedule) { s.Timeout = 10 * time.Second }),
		row("panics", "daily 09:04"), row("idle", "daily 09:05"),
	)
	w.rec.Do("buy", func(ctx context.Context, _ tradeclock.Run) error {
		_, span := w.trace.Tracer("broker").Start(ctx, "order")
		defer span.End()
		return tradeclock.Sleep(ctx, 2*time.Second)
	})
	w.rec.Do("retried", fails)
	w.rec.Do("slow", takes(time.Minute))
	w.rec.Do("panics", func(context.Context, tradeclock.Run) error { panic("nil map") })
	w.rec.Do("idle", func(context.Context, tradeclock.Run) error { return tradeclock.Skip("nothing to do") })
	p := w.process(otel.Config{})
	p.Until(at(9, 10, 0))

	for task, want := range map[string]struct {
		outcome, class string
		took           time.Duration
		attempts       string
		status         codes.Code
	}{
		"buy":     {"succeeded", "", 2 * time.Second, "1", codes.Unset},
		"retried": {"failed", "error", 15 * time.Second, "3", codes.Error},
		"slow":    {"timed out", "timeout", 10 * time.Second, "1", codes.Error},
		"panics":  {"failed", "panic", 0, "1", codes.Error},
		"idle":    {"skipped", "", 0, "1", codes.Unset},
	} {
		spans := w.byRun()[task+" 2026-11-23"]
		require.Len(t, spans, 1, task)
		span, a := spans[0], attributes(spans[0].Attributes)
		assert.Equal(t, "tradeclock run "+task, span.Name)
		assert.False(t, span.Parent.IsValid(), "it is a root")
		assert.Equal(t, want.took, span.EndTime.Sub(span.StartTime), task)
		assert.Equal(t, want.status, span.Status.Code, task)
		assert.Equal(t, want.outcome, a["tradeclock.run.outcome"])
		assert.Equal(t, want.class, a["error.type"])
		assert.Equal(t, want.attempts, a["tradeclock.run.attempt"])
		assert.Equal(t, store.RunID("paper", "42", task, "2026-11-23"), a["tradeclock.run.id"])
		assert.Equal(t, "42", a["tradeclock.account"])
	}
	assert.Len(t, w.byRun()["retried 2026-11-23"][0].Events, 2, "each further attempt is an event")
	order, buy := w.spans.GetSpans()[0], w.byRun()["buy 2026-11-23"][0]
	assert.Equal(t, "order", order.Name)
	assert.Equal(t, buy.SpanContext.SpanID(), order.Parent.SpanID(), "what tasks do is within their run")

	runs, err := w.store.Runs(t.Context(), store.Query{Scheduler: "paper", Task: "buy"})
	require.NoError(t, err)
	assert.Equal(t, buy.SpanContext.TraceID().String(), runs[0].Details["trace_id"], "the ledger knows the trace")
}

// TestARunThatADeadProcessLeftHasASpan has a process die in the middle of an order and of a
// monitor, which another runs again.
func TestARunThatADeadProcessLeftHasASpan(t *testing.T) {
	w := newWorld(t, at(9, 0, 0), row("orders", "daily 09:01"), row("watch", "daily 09:01", atLeastOnce))
	w.rec.Do("orders", takes(time.Minute))
	w.rec.Do("watch", takes(time.Minute))
	first := w.process(otel.Config{})
	first.Until(at(9, 1, 10))
	first.Crash()
	assert.Empty(t, w.byRun())

	second := w.process(otel.Config{})
	second.Until(at(9, 5, 0))
	orders, watch := w.byRun()["orders 2026-11-23"], w.byRun()["watch 2026-11-23"]
	require.Len(t, orders, 1)
	assert.Equal(t, "died", attributes(orders[0].Attributes)["error.type"])
	assert.Equal(t, at(9, 1, 0).UTC(), orders[0].StartTime.UTC())
	require.Len(t, watch, 2, "the one that was cut off, and the one that ran again")
	assert.Equal(t, "succeeded", attributes(watch[1].Attributes)["tradeclock.run.outcome"])
}

func TestWhatIsToldOfSpansOnRequest(t *testing.T) {
	for name, test := range map[string]struct {
		cfg    otel.Config
		missed int
		detail string
	}{
		"by default": {otel.Config{}, 0, ""},
		"asked for":  {otel.Config{NotStarted: true, Details: true}, 1, "3"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, at(9, 0, 0), row("buy", "daily 09:01"), row("sell", "daily 09:06"))
			w.rec.Do("buy", func(ctx context.Context, _ tradeclock.Run) error {
				tradeclock.Annotate(ctx, "orders", 3)
				return nil
			})
			p := w.process(test.cfg)
			p.Until(at(9, 5, 0))
			w.clock.Advance(4 * time.Minute)
			p.Until(at(9, 15, 0))
			missed := w.byRun()["sell 2026-11-23"]
			require.Len(t, missed, test.missed)
			for _, span := range missed {
				assert.Equal(t, "missed", attributes(span.Attributes)["tradeclock.run.outcome"])
				assert.Equal(t, span.StartTime, span.EndTime)
			}
			assert.Equal(t, test.detail, attributes(w.byRun()["buy 2026-11-23"][0].Attributes)["tradeclock.detail.orders"])
		})
	}
}

// TestASpanWhoseOutcomeIsNeverToldIsEnded begins a run by hand, of which no event tells.
func TestASpanWhoseOutcomeIsNeverToldIsEnded(t *testing.T) {
	w := newWorld(t, at(9, 0, 0), row("buy", "daily 18:00"))
	p := w.process(otel.Config{})
	p.Tick()
	lost := tradeclock.Run{ID: "lost", Task: "lost", Slot: "1", Token: "lost", Started: at(9, 0, 0)}
	require.NoError(t, p.telemetry.Middleware(w.rec).Execute(t.Context(), lost))
	p.Until(at(9, 59, 0))
	assert.Empty(t, w.byRun())
	p.Until(at(10, 1, 0))
	assert.Len(t, w.byRun()["lost 1"], 1)
}
