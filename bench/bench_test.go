package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/needs"
)

// sizes are as small as a race makes sense.
var sizes = map[int]int{1: 20, 2: 20, 3: 20, 4: 1, 5: 2, 6: 100, 7: 20}

// TestEachContenderDoesItsWork runs every contender, those of a race at the same
// time. Each checks that it did all of its work, and fails if not.
func TestEachContenderDoesItsWork(t *testing.T) {
	var s servers
	t.Cleanup(s.close)
	for _, r := range races() {
		t.Run(r.title, func(t *testing.T) {
			var wg sync.WaitGroup
			defer wg.Wait()
			for _, c := range r.contenders {
				if c.run == nil {
					continue
				}
				addresses, err := s.addresses(c.needs)
				if needs.LeftOut(t, t.Name()+"/"+c.name, err) {
					continue
				}
				o := order{
					Race: r.number, Contender: c.name, N: sizes[r.number],
					Folder: t.TempDir(), Addresses: addresses, Lead: 10 * time.Second,
				}
				wg.Go(func() {
					figures, err := fightHere(t.Context(), o)
					assert.NoError(t, err, c.name)
					assert.NotEmpty(t, figures, c.name)
				})
			}
		})
	}
}

// fightHere runs a bout in the test's process, by way of its text form.
func fightHere(ctx context.Context, o order) (figures []figure, err error) {
	input, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var output bytes.Buffer
	if err := fight(ctx, bytes.NewReader(input), &output); err != nil {
		return nil, err
	}
	return figures, json.Unmarshal(output.Bytes(), &figures)
}

func TestFightRefuses(t *testing.T) {
	tests := []struct{ name, order, want string }{
		{"a race that is not there", `{"Race": 99, "Contender": "tradeclock"}`, "no contender"},
		{"a contender that is not there", `{"Race": 2, "Contender": "nobody"}`, `no contender "nobody"`},
		{"nonsense", `{`, "read the order"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := fight(t.Context(), strings.NewReader(test.order), new(bytes.Buffer))
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestPick(t *testing.T) {
	numbers := func(picked []race) (n []int) {
		for _, r := range picked {
			n = append(n, r.number)
		}
		return n
	}
	tests := []struct {
		list string
		want []int
		err  string
	}{
		{"", []int{1, 2, 3, 4, 5, 6, 7}, ""},
		{"2", []int{2}, ""},
		{"6,1", []int{6, 1}, ""},
		{"8", nil, "there is no race 8"},
		{"two", nil, "want numbers"},
	}
	for _, test := range tests {
		t.Run(test.list, func(t *testing.T) {
			picked, err := pick(races(), test.list)
			assert.Equal(t, test.want, numbers(picked))
			if test.err == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.err)
		})
	}
}

func TestContendersTakeTurns(t *testing.T) {
	does := func(*bout) error { return nil }
	r := race{number: 1, size: 100, contenders: []contender{
		{name: "a", run: does}, {name: "b", run: does, most: 10}, {name: "c", cannot: "it has no clock"}, {name: "d", run: does},
	}}
	var ran []string
	sizes := make(map[string]int)
	run := runner{rounds: 3, start: func(_ context.Context, o order) ([]figure, error) {
		ran = append(ran, o.Contender)
		sizes[o.Contender] = o.N
		if o.Contender == "d" {
			return nil, errors.New("broken")
		}
		return []figure{{"time", float64(len(ran)), count}}, nil
	}}

	results, err := run.run(t.Context(), r)

	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "d", "b", "d", "a", "d", "a", "b"}, ran)
	assert.Equal(t, map[string]int{"a": 100, "b": 10, "d": 100}, sizes)
	require.Len(t, results, 4, "one that cannot is in the table too")
	assert.Len(t, results[0].rounds, 3)
	assert.ErrorContains(t, results[3].failure, "broken")
}

func TestProfilesGoToAFolderThatIsMade(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "profiles")
	r := race{number: 2, contenders: []contender{{name: "a pool", run: func(*bout) error { return nil }}}}
	run := runner{rounds: 1, profiles: folder, start: func(_ context.Context, o order) ([]figure, error) {
		return nil, os.WriteFile(o.Profile, nil, 0o644)
	}}

	results, err := run.run(t.Context(), r)

	require.NoError(t, err)
	require.NoError(t, results[0].failure)
	assert.FileExists(t, filepath.Join(folder, "race2-a-pool-1.pprof"))
}

func TestOnly(t *testing.T) {
	does := func(*bout) error { return nil }
	r := race{contenders: []contender{{name: "tradeclock, SQLite", run: does}, {name: "River", run: does}}}
	run := runner{rounds: 1, only: "tradeclock", start: func(_ context.Context, o order) ([]figure, error) { return nil, nil }}

	results, err := run.run(t.Context(), r)

	require.NoError(t, err)
	require.Len(t, results, 1)
	assert.Equal(t, "tradeclock, SQLite", results[0].contender.name)
}
