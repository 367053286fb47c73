package otel

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/internal/metrics"
)

// spans are those of the runs that the middleware has begun, by their tokens. They are
// ended when the scheduler tells what became of the runs. Guarded by the telemetry's mu.
type spans struct {
	open map[string]*openSpan
	now  time.Time // of the last tick
}

type openSpan struct {
	trace.Span
	returned time.Time // when Execute returned, or zero while it goes on
}

func newSpans() spans { return spans{open: make(map[string]*openSpan)} }

// forgetAfter is how long a run's outcome is waited for, of which the observer may have
// lost the event.
const forgetAfter = time.Hour

// Middleware makes the span of each run the current one in the context of its executor.
// What the span's trace and own ID are is kept with the run, as the details trace_id and
// span_id, if the span is sampled.
func (t *Telemetry) Middleware(inner tradeclock.TaskExecutor) tradeclock.TaskExecutor {
	return tradeclock.Wrap(inner, func(ctx context.Context, run tradeclock.Run, next tradeclock.TaskExecutor) error {
		span := t.beginAttempt(ctx, &run)
		defer t.attemptReturned(span)
		return next.Execute(trace.ContextWithSpan(ctx, span), run)
	})
}

// beginAttempt returns the span of a run, whose attempts come one after the other.
func (t *Telemetry) beginAttempt(ctx context.Context, run *tradeclock.Run) *openSpan {
	if span := t.goOn(run); span != nil {
		span.AddEvent("retry", trace.WithAttributes(attribute.Int("tradeclock.run.attempt", run.Attempt)))
		return span
	}
	span := &openSpan{Span: t.start(ctx, run, run.Started)}
	t.mu.Lock()
	t.spans.open[run.Token] = span
	t.mu.Unlock()
	if sc := span.SpanContext(); sc.IsSampled() {
		tradeclock.Annotate(ctx, metrics.TraceDetail, sc.TraceID().String())
		tradeclock.Annotate(ctx, metrics.SpanDetail, sc.SpanID().String())
	}
	return span
}

// goOn returns the span that an earlier attempt has begun, or nil.
func (t *Telemetry) goOn(run *tradeclock.Run) *openSpan {
	t.mu.Lock()
	defer t.mu.Unlock()
	span := t.spans.open[run.Token]
	if span != nil {
		span.returned = time.Time{}
	}
	return span
}

func (t *Telemetry) attemptReturned(span *openSpan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	span.returned = t.spans.now
}

func (t *Telemetry) start(ctx context.Context, run *tradeclock.Run, at time.Time) trace.Span {
	_, span := t.tracer.Start(ctx, "tradeclock run "+run.Task,
		trace.WithNewRoot(), trace.WithTimestamp(at), trace.WithAttributes(identity(run)...))
	return span
}

// trace ends the spans of which an event tells the end.
func (t *Telemetry) trace(e tradeclock.Event) {
	switch e := e.(type) {
	case tradeclock.Ticked:
		t.forget(e.To)
	case tradeclock.RunSettled:
		t.settled(&e.Run, e.Late)
	case tradeclock.RunMissed:
		t.notStarted(&e.Run)
	case tradeclock.RunSkipped:
		t.notStarted(&e.Run)
	}
}

// settled ends the span of a run. One that the middleware has not begun is made now: the
// executor has none around it, or the run is one that another process has begun and left.
func (t *Telemetry) settled(run *tradeclock.Run, late bool) {
	t.mu.Lock()
	begun := t.spans.open[run.Token]
	delete(t.spans.open, run.Token)
	t.mu.Unlock()
	var span trace.Span
	switch {
	case begun != nil:
		span = begun.Span
	case late:
		return // whoever settled it has told of it
	case run.Started.IsZero():
		span = t.start(context.Background(), run, run.Finished)
	default:
		span = t.start(context.Background(), run, run.Started)
	}
	if late {
		span.SetAttributes(attribute.Bool("tradeclock.run.late", true))
	}
	t.end(span, run)
}

func (t *Telemetry) notStarted(run *tradeclock.Run) {
	if t.cfg.NotStarted {
		t.end(t.start(context.Background(), run, run.Finished), run)
	}
}

// end ends a span with what became of the run.
func (t *Telemetry) end(span trace.Span, run *tradeclock.Run) {
	span.SetAttributes(
		attribute.String("tradeclock.run.outcome", run.Outcome.String()),
		attribute.Int("tradeclock.run.attempt", run.Attempt),
	)
	switch run.Outcome {
	case tradeclock.Failed, tradeclock.TimedOut, tradeclock.Interrupted:
		span.SetStatus(codes.Error, run.Reason)
		span.SetAttributes(attribute.String("error.type", run.ReasonClass()))
	case tradeclock.Skipped, tradeclock.Missed:
		span.SetAttributes(attribute.String("tradeclock.run.reason", run.Reason), attribute.Int("tradeclock.run.occurrences", run.Occurrences()))
	}
	if t.cfg.Details {
		for key, value := range run.Details {
			span.SetAttributes(attribute.String("tradeclock.detail."+key, fmt.Sprint(value)))
		}
	}
	span.End(trace.WithTimestamp(run.Finished))
}

// forget ends spans of runs that have returned long ago and were never told of.
func (t *Telemetry) forget(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spans.now = now
	for token, span := range t.spans.open {
		if !span.returned.IsZero() && now.Sub(span.returned) >= forgetAfter {
			span.End(trace.WithTimestamp(span.returned))
			delete(t.spans.open, token)
		}
	}
}

func runID(id string) attribute.KeyValue { return attribute.String("tradeclock.run.id", id) }

// identity are the attributes of a run that do not change.
func identity(run *tradeclock.Run) []attribute.KeyValue {
	attributes := []attribute.KeyValue{
		runID(run.ID),
		attribute.String("tradeclock.scheduler", run.Scheduler),
		attribute.String("tradeclock.account", run.Account),
		attribute.String("tradeclock.task", run.Task),
		attribute.String("tradeclock.run.slot", run.Slot),
		attribute.String("tradeclock.run.session", run.Session.String()),
		attribute.String("tradeclock.run.due", run.Due.Format(time.RFC3339)),
		attribute.Float64("tradeclock.run.lateness", run.Lateness().Seconds()),
		attribute.Int64("tradeclock.run.term", run.Term),
	}
	if run.Repeating {
		attributes = append(attributes, attribute.Bool("tradeclock.run.first", run.First))
	}
	if run.Manual {
		attributes = append(attributes, attribute.String("tradeclock.run.actor", run.Actor))
	}
	return attributes
}
