package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/exchange"
)

func TestDataFilesAreThoseThatTheFactsMake(t *testing.T) {
	want, err := generate(os.DirFS("../../facts"))
	require.NoError(t, err)
	assert.Len(t, want, 20)
	files, err := filepath.Glob("../../data/*")
	require.NoError(t, err)
	assert.Len(t, files, len(want), "a file that the generator does not write")
	for name, content := range want {
		got, err := os.ReadFile("../../data/" + name)
		require.NoError(t, err)
		assert.Equal(t, string(content), string(got), "run: go generate ./calendar")
	}
}

func TestRunWritesTheFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, run("../../facts", dir))
	got, err := os.ReadFile(filepath.Join(dir, "XSES.json"))
	require.NoError(t, err)
	want, err := os.ReadFile("../../data/XSES.json")
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

// A mistake in a table is refused with its place, and no file comes of it.
func TestGenerateRefuses(t *testing.T) {
	tests := []struct {
		name, table, old, new string
		want                  string
	}{
		{
			"a date of the wrong form", "XNSE.csv", "2026-01-26,closed", "26-01-2026,closed",
			`XNSE.csv:116: date: date "26-01-2026": want the form 2026-11-23`,
		},
		{
			"a time of the wrong form", "XNYS.csv", "09:30,13:00", "9.30,13:00",
			`XNYS.csv:8: open: time of day "9.30": want the form 09:15 or 09:15:30, up to 24:00`,
		},
		{
			"a column of another name", "XNYS.csv", "date,status,open,close", "date,status,opens,close",
			`XNYS.csv:2: there is no column "open"`,
		},
		{
			"a weekend session at hours that are not regular", "XNSE.csv", "2026-02-01,open,09:15,15:30", "2026-02-01,open,09:15,15:00",
			"XNSE.csv:117: the hours are not the regular ones of XNSE.FO",
		},
		{
			"two rows of a session that disagree", "XNSE.csv", "2024-03-02,special,11:30", "2024-03-02,late_open,11:30",
			"the rows of 2024-03-02 disagree",
		},
		{
			"a phase for a day that has no hours", "XNSE-dated-phases.csv", "CM,2023-11-12", "CM,2026-11-10",
			"XNSE-dated-phases.csv:2: 2026-11-10: no session with hours of its own",
		},
		{
			"a status that there is not", "XNYS.csv", "early_close", "half_day",
			"half_day",
		},
		{
			"a day outside of the coverage", "XNYS.csv", "2023-01-02,closed", "2022-12-26,closed",
			"2022-12-26",
		},
		{
			"cells missing", "coverage.csv", "XNYS,2023-01-01,", "XNYS,",
			"coverage.csv: record on line 2: wrong number of fields",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := copyFacts(t)
			before := string(dir[test.table].Data)
			require.Contains(t, before, test.old)
			dir[test.table].Data = []byte(strings.Replace(before, test.old, test.new, 1))
			files, err := generate(dir)
			require.ErrorContains(t, err, test.want)
			assert.Nil(t, files)
		})
	}
}

func TestGenerateNamesATableThatIsMissing(t *testing.T) {
	dir := copyFacts(t)
	delete(dir, "XTKS.csv")
	_, err := generate(dir)
	require.ErrorContains(t, err, "XTKS.csv")
}

func copyFacts(t *testing.T) fstest.MapFS {
	t.Helper()
	dir := fstest.MapFS{}
	names, err := filepath.Glob("../../facts/*.csv")
	require.NoError(t, err)
	for _, name := range names {
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		dir[filepath.Base(name)] = &fstest.MapFile{Data: content}
	}
	return dir
}

func TestFormatBreaksUpWhatDoesNotFitOnALine(t *testing.T) {
	m := exchange.Market{MIC: "XTST", Days: []exchange.Day{
		{Status: exchange.StatusClosed, Name: `short & "sweet" <b>`},
		{Status: exchange.StatusClosed, Name: strings.Repeat("long ", 40), Source: "notice"},
	}}
	content, err := format(m)
	require.NoError(t, err)
	text := string(content)
	assert.Contains(t, text, `    {"date": "", "status": "closed", "name": "short & \"sweet\" <b>"},`+"\n")
	assert.Contains(t, text, "    {\n      \"date\": \"\",\n      \"status\": \"closed\",\n")
	assert.Contains(t, text, "  \"segments\": null,\n")
	var again exchange.Market
	require.NoError(t, json.Unmarshal(content, &again))
	assert.Equal(t, m, again)
}
