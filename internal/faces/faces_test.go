package faces_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

func clock(hour, minute int) time.Time {
	return time.Date(2026, time.November, 23, hour, minute, 0, 0, time.UTC)
}

// item is an occurrence of a task, with its outcome.
func item(task string, due time.Time, outcome store.Outcome, reason string) store.AgendaItem {
	i := store.AgendaItem{Account: "42", Task: task, Due: due}
	if outcome != store.NoOutcome {
		i.Run = store.Run{Account: "42", Task: task, Due: due, Outcome: outcome, Reason: reason}
	}
	return i
}

func TestAMarkIsWhatBecameOfAnOccurrence(t *testing.T) {
	skip := item("buy", clock(10, 0), store.NoOutcome, "")
	skip.Skip = "closed"
	for _, test := range []struct {
		name string
		item store.AgendaItem
		now  time.Time
		want string
	}{
		{"to come", item("buy", clock(10, 0), store.NoOutcome, ""), clock(9, 0), "due"},
		{"past without a record", item("buy", clock(10, 0), store.NoOutcome, ""), clock(10, 0), "no record"},
		{"to come, and skipped", skip, clock(9, 0), "will be skipped"},
		{"past, and nobody's", skip, clock(11, 0), "not run"},
		{"a record", item("buy", clock(10, 0), store.TimedOut, ""), clock(9, 0), "timed out"},
	} {
		assert.Equal(t, test.want, faces.MarkOf(test.item, test.now).Word, test.name)
	}
	seen := make(map[string]bool)
	for _, o := range faces.Outcomes {
		m := faces.MarkOfOutcome(o)
		assert.Equal(t, o.String(), m.Word)
		assert.False(t, seen[m.Sign] || seen[m.Kind], "%v looks like another", o)
		seen[m.Sign], seen[m.Kind] = true, true
	}
}

func TestStretchesAreOfOneTaskAndOutcome(t *testing.T) {
	items := []store.AgendaItem{
		item("watch", clock(9, 0), store.Succeeded, ""), item("buy", clock(9, 1), store.Failed, "no"),
		item("watch", clock(9, 1), store.Succeeded, ""), item("watch", clock(9, 2), store.Missed, "late"),
		item("watch", clock(9, 3), store.Succeeded, ""),
	}
	items[3].Run.Count, items[3].Run.LastDue = 5, clock(9, 7)
	var got []any
	for _, s := range faces.Stretches(items, false) {
		got = append(got, []any{s.Task, s.Due, s.Last, s.Count})
	}
	assert.Equal(t, []any{
		[]any{"watch", clock(9, 0), clock(9, 1), 2}, []any{"buy", clock(9, 1), clock(9, 1), 1},
		[]any{"watch", clock(9, 2), clock(9, 7), 5}, []any{"watch", clock(9, 3), clock(9, 3), 1},
	}, got)
	assert.Len(t, faces.Stretches(items, true), 5)
}

func TestACellOfTheTimelineHasTheWorst(t *testing.T) {
	items := []store.AgendaItem{
		item("watch", clock(9, 1), store.Succeeded, ""), item("watch", clock(9, 2), store.Missed, ""),
		item("watch", clock(9, 6), store.Succeeded, ""), item("buy", clock(9, 4), store.NoOutcome, ""),
	}
	line := faces.NewTimeline(items, clock(8, 30), clock(10, 0), clock(9, 5), time.UTC, 96)
	assert.Equal(t, clock(8, 0), line.First, "the hour in which the earliest begins")
	assert.Equal(t, []any{5 * time.Minute, 25}, []any{line.Cell, line.Cells})
	require.Len(t, line.Rows, 2)
	watch := line.Rows[0].Cells
	assert.Equal(t, []any{"missed", 2, clock(9, 2)}, []any{watch[12].Mark.Word, watch[12].Count, watch[12].Item.Due})
	assert.Equal(t, "succeeded", watch[13].Mark.Word)
	assert.Zero(t, watch[14].Count)
	assert.Equal(t, "no record", line.Rows[1].Cells[12].Mark.Word)
	assert.InDelta(t, 0.48, line.At(clock(9, 0)), 0.001)

	few := faces.NewTimeline(items, clock(8, 30), clock(10, 0), clock(9, 5), time.UTC, 10)
	assert.Equal(t, []any{15 * time.Minute, 9}, []any{few.Cell, few.Cells})
}

func TestWhatAnEditChanges(t *testing.T) {
	was := store.Schedule{Task: "buy", Rule: rule.Daily(rule.At(9, 0)), Timeout: time.Minute, Version: 1}
	is := was
	is.Timeout, is.Disabled, is.Version = 0, true, 2
	changes, err := faces.FieldChanges(was, is)
	require.NoError(t, err)
	assert.Equal(t, []faces.FieldChange{{"disabled", "", "true"}, {"timeout", "1m", ""}}, changes)
}

func TestChangesThatAreAlikeAreToldTogether(t *testing.T) {
	change := func(before, after time.Time) view.PlanChange {
		return view.PlanChange{Task: "watch", Before: before, After: after}
	}
	alike := faces.AlikeIn(view.Preview{Changes: []view.PlanChange{
		change(clock(9, 0), clock(9, 1)), change(time.Time{}, clock(9, 2)), change(clock(9, 3), clock(9, 4)), change(clock(9, 5), time.Time{}),
		change(clock(9, 6), clock(9, 6)),
	}})
	var got []any
	for _, a := range alike {
		got = append(got, []any{a.What, a.Count, a.Last.Before})
	}
	assert.Equal(t, []any{
		[]any{"moved", 2, clock(9, 3)}, []any{"added", 1, time.Time{}}, []any{"dropped", 1, clock(9, 5)}, []any{"told otherwise", 1, clock(9, 6)},
	}, got)
}

// What waits for another says so until its end, from whenever it is looked at.
func TestWhatWaitsSaysForWhat(t *testing.T) {
	from := time.Date(2026, time.November, 23, 16, 0, 0, 0, time.UTC)
	item := store.AgendaItem{Task: "buy", Due: from, Awaits: "analysis", Until: from.Add(time.Hour)}
	for at, want := range map[time.Duration]string{-time.Hour: "waits", 0: "waits", 59 * time.Minute: "waits", time.Hour: "no record"} {
		assert.Equal(t, want, faces.MarkOf(item, from.Add(at)).Word, at)
	}
	assert.Equal(t, "waits for analysis", faces.Why(item))
	item.Run = store.Run{Outcome: store.Skipped, Reason: "no success of analysis: it failed"}
	assert.Equal(t, "skipped", faces.MarkOf(item, from).Word)
	assert.Equal(t, "no success of analysis: it failed", faces.Why(item))
}
