package main

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/week.golden anew")

// guide is the page that shows this program.
const guide = "../../docs/from/hand-written-loop.md"

func TestTheWeek(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	if *update {
		require.NoError(t, os.WriteFile("testdata/week.golden", out.Bytes(), 0o600))
	}
	golden, err := os.ReadFile("testdata/week.golden")
	require.NoError(t, err)
	assert.Equal(t, string(golden), out.String())
	assert.Contains(t, blocks(t, "console")[0], out.String(), "what the guide says that it prints")
}

// TestTheCodeOfTheGuide holds each of its Go blocks to a file: the loop before, the rows
// after, and the way back.
func TestTheCodeOfTheGuide(t *testing.T) {
	shown := blocks(t, "go")
	files := []string{"legacy.go", "rows.go", "back.go"}
	require.Len(t, shown, len(files))
	for i, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, string(source), shown[i], file)
	}
}

func blocks(t *testing.T, language string) (found []string) {
	t.Helper()
	page, err := os.ReadFile(guide)
	require.NoError(t, err)
	for _, match := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		found = append(found, match[1])
	}
	require.NotEmpty(t, found)
	return found
}

func TestRowsThatCannotBeSchedules(t *testing.T) {
	tests := []struct {
		name string
		row  row
		want string
	}{
		{"once, without a date", row{Task: "migration", Start: "20:00", Type: "once"}, `row of migration: type "once" needs a date: write once 2026-11-23 20:00`},
		{"no time", row{Task: "analysis", Start: "4 pm", Type: "daily"}, "row of analysis: rule"},
		{"no end", row{Task: "sell_monitor", Start: "09:15", Continuous: true, Type: "daily"}, "row of sell_monitor: rule"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			made, err := schedules([]row{test.row, {Task: "eod_cleanup", Start: "18:00", Type: "daily"}})
			assert.ErrorContains(t, err, test.want)
			require.Len(t, made, 2, "the others can be used")
			assert.True(t, made[0].Disabled)
		})
	}
}

func TestHourlyRowsEndInTheHourOfThree(t *testing.T) {
	s, err := row{Task: "position_monitor", Start: "09:30", IsHourly: true, Enabled: true, Type: "daily"}.schedule()
	require.NoError(t, err)
	session, err := nse.Session(monday)
	require.NoError(t, err)
	due, err := s.Rule.Occurrences(session, nse.Location())
	require.NoError(t, err)
	var times []string
	for _, o := range due {
		times = append(times, o.Due.In(nse.Location()).Format("15:04"))
	}
	assert.Equal(t, "09:30 10:30 11:30 12:30 13:30 14:30 15:30", strings.Join(times, " "))
}
