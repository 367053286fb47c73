package tradeclock

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/store"
)

func TestReasonClass(t *testing.T) {
	started := time.Date(2026, 11, 23, 3, 31, 0, 0, time.UTC)
	halt := store.Halt{Actor: "ops", Reason: "a bad day"}.Why()
	for _, test := range []struct {
		outcome Outcome
		reason  string
		started bool
		want    string
	}{
		{Running, "", true, ""},
		{Succeeded, "", true, ""},
		{Failed, "rejected", true, "error"},
		{Failed, "panic: nil map", true, "panic"},
		{TimedOut, "it took longer than its timeout of 1m0s", true, "timeout"},
		{Skipped, halt, true, "executor"},
		{Skipped, halt, false, "halted"},
		{Skipped, "the account was withdrawn before it started", false, "withdrawn"},
		{Skipped, "its schedule was disabled or removed", false, "disabled"},
		{Skipped, "its schedule is quarantined", false, "quarantined"},
		{Skipped, "its schedule was edited more than once since it was last read: what held then is not known", false, "edited"},
		{Skipped, "the run of 2026-11-23T09:15:00+05:30 had not finished (it is overdue)", false, "overlap"},
		{Skipped, "calendar XNSE does not know 2027-01-01: unknown date", false, "calendar"},
		{Skipped, why.Recurs("10:00", "2026-11-20"), false, "slot"},
		{Missed, "its catch-up of 2m0s had passed", false, "late"},
		{Missed, "the calendar moved it into the past, where its catch-up of 2m0s had passed", false, "late"},
		{Missed, why.Superseded, false, "superseded"},
		{Missed, "its catch-up of 2m0s had passed: it waited for a place among the concurrent runs", false, "place"},
		{Missed, "its catch-up of 2m0s had passed: it waited for start limit broker", false, "limit"},
		{Missed, "its catch-up of 2m0s had passed: it waited for group orders", false, "group"},
		{Missed, "its catch-up of 2m0s had passed: it waited for the previous run", false, "overlap"},
		{Missed, "its catch-up of 2m0s had passed: it waited for the run before it", false, "overlap"},
		{Missed, "its catch-up of 2m0s had passed: it waited for the start of its executor", false, "executor"},
		{Missed, "its catch-up of 2m0s had passed: it waited for the ledger: no answer in time", false, "ledger"},
		{Missed, "its catch-up of 2m0s had passed: it waited for the ledger, which did not answer", false, "ledger"},
		{Missed, "its catch-up of 2m0s had passed: it waited for the halts, which could not be read", false, "ledger"},
		{Missed, "its catch-up of 2m0s had passed: it waited for the term, which could not be renewed", false, "term"},
		{Missed, "its catch-up of 2m0s had passed: it waited for the clock, which was set back", false, "clock"},
		{Interrupted, "its scheduler stopped before it was settled, in term 3", true, "died"},
		{Interrupted, ErrStopped.Error() + ": the exchange is halted", true, "stopped"},
		{Interrupted, ErrTermLost.Error(), true, "term"},
		{Interrupted, fmt.Sprintf("%v: %s", ErrHalted, "a bad day"), true, "halted"},
		{Interrupted, fmt.Sprintf("%v by ops: a bad day: the exchange has halted", ErrCancelled), true, "cancelled"},
		{Interrupted, fmt.Sprintf("%v: %s", errReplaced, "cancelled"), true, "overlap"},
	} {
		run := Run{Outcome: test.outcome, Reason: test.reason}
		if test.started {
			run.Started = started
		}
		got := run.ReasonClass()
		assert.Equal(t, test.want, got, "%v: %s", test.outcome, test.reason)
		if test.outcome.Final() {
			assert.Contains(t, test.outcome.ReasonClasses(), got)
		}
	}
	assert.Empty(t, Running.ReasonClasses())
	assert.Empty(t, Outcome(99).ReasonClasses())
}

// TestEachConditionHasAClass reads the source for the words by which conditions are kept.
func TestEachConditionHasAClass(t *testing.T) {
	key := regexp.MustCompile(`\b(?:degrade|setCondition)\("([a-z]+)|return "(start) "`)
	found := []string{runsInARow, lostRuns}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range key.FindAllStringSubmatch(string(source), -1) {
			found = append(found, match[1]+match[2])
		}
	}
	slices.Sort(found)
	for _, word := range slices.Compact(found) {
		assert.NotEmpty(t, classOfCondition[word], word)
	}
	for word := range classOfCondition {
		assert.Contains(t, found, word, "no condition is kept by it")
	}
}
