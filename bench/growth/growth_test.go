package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/store"
)

func TestMeasuresAndDraws(t *testing.T) {
	tests := []struct {
		subject, upTo string
		sizes         int
		plots         []string
	}{
		{"accounts", "100", 3, []string{"accounts-time.svg", "accounts-memory.svg"}},
		{"rows", "100", 2, []string{"rows-time.svg", "rows-memory.svg"}},
		{"days", "1", 1, []string{"days-time.svg"}},
	}
	for _, test := range tests {
		t.Run(test.subject, func(t *testing.T) {
			data, plots := t.TempDir(), t.TempDir()

			require.NoError(t, run(t.Context(), []string{"-only", test.subject, "-upto", test.upTo, "-data", data, "-plots", plots}))

			measured, err := readTable(filepath.Join(data, test.subject+".csv"))
			require.NoError(t, err)
			require.Len(t, measured.rows, test.sizes)
			for _, row := range measured.rows {
				for i, figure := range row {
					assert.Positive(t, figure, measured.headings[i])
				}
			}
			for _, plot := range test.plots {
				svg, err := os.ReadFile(filepath.Join(plots, plot))
				require.NoError(t, err)
				assert.Contains(t, string(svg), "</svg>")
			}
		})
	}
}

// TestSomeSizesAloneOverwriteNothing measures as one does who tries the program, in a
// folder as the root is.
func TestSomeSizesAloneOverwriteNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)

	require.NoError(t, run(t.Context(), []string{"-only", "days", "-upto", "1"}))

	assert.NoDirExists(t, "bench")
	assert.NoDirExists(t, "docs")
	found, err := filepath.Glob(filepath.Join(temp, "growth*", "days*"))
	require.NoError(t, err)
	assert.Len(t, found, 2, "the figures and the plot")
}

// TestLedgers fills the ledgers and measures them, with rounds that are too few to
// tell anything.
func TestLedgers(t *testing.T) {
	for name, open := range map[string]func() (grown, error){"SQLite": openSQLite, "PostgreSQL": openPostgres} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			g, err := open()
			needs.Met(t, err)
			t.Cleanup(func() { assert.NoError(t, g.remove()) })
			f := filler{first: bell.AddDate(0, 0, -20)}
			require.NoError(t, g.fill(ctx, &f, 2*accounts))
			require.NoError(t, g.fill(ctx, &f, accounts), "more of them")
			assert.Equal(t, 3*accounts, f.rows)
			s, closeStore, err := g.open(ctx)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, closeStore()) })

			runs, err := s.Runs(ctx, store.Query{Scheduler: rig.Name, Account: ledgerAccount(7)})
			require.NoError(t, err)
			require.Len(t, runs, 3, "a minute for each thousand")
			assert.Equal(t, f.first.Add(2*time.Minute), runs[2].Due)
			assert.Equal(t, tradeclock.Succeeded, runs[2].Outcome)
			assert.False(t, runs[2].Manual)
			assert.False(t, runs[2].First, "hardly any run is the first of its session")
			assert.Len(t, runs[2].ID, len(store.RunID(rig.Name, ledgerAccount(7), "monitor", runs[2].Slot)))
			assert.NotEqual(t, runs[1].ID, runs[2].ID)

			m := monitors{due: bell, rounds: 2}
			figures, err := m.measure(ctx, s, f.rows)
			require.NoError(t, err)
			assert.Positive(t, figures[0], "claims")
			assert.Positive(t, figures[1], "settlements")
			_, _, err = m.besidePrune(ctx, s)
			assert.NoError(t, err)
		})
	}
}

func TestDrawsAgain(t *testing.T) {
	data, plots := t.TempDir(), t.TempDir()
	kept := "# Measured once.\ndays simulated,a simulated day (s)\n1,0.001\n10,0.002\n100,\n"
	require.NoError(t, os.WriteFile(filepath.Join(data, "days.csv"), []byte(kept), 0o644))

	require.NoError(t, run(t.Context(), []string{"-only", "days", "-draw", "-data", data, "-plots", plots}))

	svg, err := os.ReadFile(filepath.Join(plots, "days-time.svg"))
	require.NoError(t, err)
	for _, text := range []string{"a simulated day", "days simulated", ">1 ms<", ">10 ms<"} {
		assert.Contains(t, string(svg), text)
	}
	after, err := os.ReadFile(filepath.Join(data, "days.csv"))
	require.NoError(t, err)
	assert.Equal(t, kept, string(after), "the figures are left as they are")
}

// TestDocsShowEachPlot holds the page to the plots that there are.
func TestDocsShowEachPlot(t *testing.T) {
	page, err := os.ReadFile("../../docs/capacity.md")
	require.NoError(t, err)
	plots := 0
	for _, s := range subjects() {
		for _, p := range s.plots {
			plots++
			assert.Contains(t, string(page), "](growth/"+p.file+".svg)")
		}
	}
	assert.Equal(t, plots, strings.Count(string(page), "](growth/"))
}

func TestTableIsReadAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "table.csv")
	written := table{remark: "Measured on a Monday.", headings: []string{"rows", "load (s)"}, rows: [][]float64{{10_000_000, 0.00001234}, {7, 12}}}

	require.NoError(t, written.write(path))
	read, err := readTable(path)

	require.NoError(t, err)
	assert.Equal(t, written, read)
	_, _, err = read.column("edit (s)")
	assert.ErrorContains(t, err, `no figure is called "edit (s)"`)
}

func TestTextOfPowersOfTen(t *testing.T) {
	tests := []struct {
		unit  unit
		value float64
		want  string
	}{
		{seconds, 1e-7, "100 ns"},
		{seconds, 1e-6, "1 µs"},
		{seconds, 10, "10 s"},
		{byteCount, 1e5, "100 kB"},
		{perSecond, 1e5, "100k"},
		{number, 1e7, "10M"},
		{number, 1, "1"},
	}
	for _, test := range tests {
		assert.Equal(t, test.want, test.unit.text(test.value))
	}
}

func TestRefuses(t *testing.T) {
	assert.ErrorContains(t, run(t.Context(), []string{"-only", "nothing"}), "there is no such subject")
}
