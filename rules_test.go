package tradeclock_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/rules.md anew")

// rules are the numbered rules of the scheduler's behaviour, in a few words each.
var rules = []string{
	1:  "the injected clock is the only source of time",
	2:  "instants are UTC, and the host's zone never matters",
	3:  "a wall time becomes one instant on change-over days too",
	4:  "wakes on minute boundaries; clock steps are noticed and confirmed",
	5:  "a tick evaluates (watermark, now], and passes nothing unaccounted",
	6:  "the rules, their anchors and their text form",
	7:  "an edit never reopens a slot",
	8:  "claims and starts are in order",
	9:  "a schedule names its kinds of session",
	10: "what the calendar does not know is never guessed",
	11: "an anchor that the session lacks is a skipped run",
	12: "without a calendar, sessions are Monday to Friday",
	13: "nothing delays another task's start or a heartbeat",
	14: "a run is claimed just before it starts, and settled after",
	15: "the outcomes",
	16: "overlap and timeout",
	17: "exclusive groups",
	18: "retries",
	19: "catch-up",
	20: "delivery, at most once and at least once",
	21: "an outcome is never lost to a store's error",
	22: "enrolments and restarts",
	23: "first and resumed runs of a session",
	24: "polls that fail, and rows that are bad",
	25: "edits take effect at the next poll, and from then on",
	26: "the end of Run",
	27: "terms and standbys",
	28: "accounts come and go",
	29: "triggers",
	30: "halts",
	31: "heartbeats and their monitor",
	32: "status, agenda and explanation",
	33: "logging and the observer",
	34: "armed runs start by the clock alone",
	35: "idle time costs nothing in simulation, and changes nothing",
	36: "an override is about one occurrence",
	37: "requests of people, from other processes",
	38: "edits are previewed, and a preview is what then runs",
	40: "tallies are kept with the runs, and agree with them",
	41: "what keeps tasks from running is told",
}

// TestEachRuleIsHeldByATest keeps the table of which test holds which rule,
// testdata/rules.md. A test holds the rule that its name begins with, as in
// TestRule05_TickTwiceInAMinute, and those that its comment names after the words
// "holds rules". Run it with -update to write the table anew.
func TestEachRuleIsHeldByATest(t *testing.T) {
	held := heldRules(t)
	for n := 1; n < len(rules); n++ {
		if rules[n] == "" {
			continue // not built yet
		}
		assert.NotEmpty(t, held[n], "rule %d (%s) is held by no test", n, rules[n])
		delete(held, n)
	}
	assert.Empty(t, held, "tests of rules that there are not")

	table := rulesTable(heldRules(t))
	golden := filepath.Join("testdata", "rules.md")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(table), 0o644))
	}
	written, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(written), table, "the table is out of date: run this test with -update")
}

// rulesTable is the table as Markdown.
func rulesTable(held map[int][]string) string {
	var b strings.Builder
	b.WriteString("# Which test holds which rule\n\nWritten by TestEachRuleIsHeldByATest with -update.\n\n")
	b.WriteString("| rule | in short | tests |\n| --- | --- | --- |\n")
	for n := 1; n < len(rules); n++ {
		if rules[n] == "" {
			continue
		}
		fmt.Fprintf(&b, "| %d | %s | %s |\n", n, rules[n], strings.Join(held[n], "<br>"))
	}
	return b.String()
}

// heldRules returns the names of the tests that hold each rule, in order.
func heldRules(t *testing.T) map[int][]string {
	t.Helper()
	held := make(map[int][]string)
	for _, file := range filesOfRules(t) {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") {
				continue
			}
			for _, n := range rulesOf(f) {
				held[n] = append(held[n], f.Name.Name)
			}
		}
	}
	for _, names := range held {
		slices.Sort(names)
	}
	return held
}

// filesOfRules are those of the tests of the rooms that behave as the scheduler does.
func filesOfRules(t *testing.T) (files []string) {
	t.Helper()
	for _, room := range []string{".", "internal/plan", "monitor", "rule", "sqlstore", "tradeclocktest"} {
		found, err := filepath.Glob(filepath.Join(room, "*_test.go"))
		require.NoError(t, err)
		require.NotEmpty(t, found, room)
		files = append(files, found...)
	}
	return files
}

var (
	ruleInName    = regexp.MustCompile(`^TestRule(\d+)_`)
	rulesInText   = regexp.MustCompile(`holds rules? ([\d, and]+)`)
	numberPattern = regexp.MustCompile(`\d+`)
)

// rulesOf returns the rules that a test holds, by its name and its comment.
func rulesOf(f *ast.FuncDecl) []int {
	found := make(map[int]bool)
	note := func(text string) {
		for _, digits := range numberPattern.FindAllString(text, -1) {
			n, _ := strconv.Atoi(digits)
			found[n] = true
		}
	}
	if m := ruleInName.FindStringSubmatch(f.Name.Name); m != nil {
		note(m[1])
	}
	comment := strings.Join(strings.Fields(f.Doc.Text()), " ")
	for _, m := range rulesInText.FindAllStringSubmatch(comment, -1) {
		note(m[1])
	}
	return slices.Sorted(maps.Keys(found))
}
