package main

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPathsDoTheirWork takes two steps of each path: each checks what it has done.
func TestPathsDoTheirWork(t *testing.T) {
	for _, p := range paths() {
		t.Run(p.name, func(t *testing.T) {
			o, err := p.open(t.Context())
			require.NoError(t, err)
			assert.NoError(t, o.step())
			assert.NoError(t, o.step())
			assert.Positive(t, o.operations)
			assert.NoError(t, o.close())
		})
	}
}

// allocating is a path of ten operations that allocates n times in each step.
func allocating(n int) []path {
	return []path{{name: "allocating", open: func(context.Context) (*opened, error) {
		step := func() error {
			for range n {
				sink = new([64]byte)
			}
			return nil
		}
		return &opened{step: step, operations: 10, close: func() error { return nil }}, nil
	}}}
}

var sink *[64]byte

func TestGuard(t *testing.T) {
	tests := []struct {
		name        string
		allocations int
		complaint   string
	}{
		{"the same", 1000, ""},
		{"fewer", 510, ""},
		{"less than half", 490, "allocating: 49 allocations, less than half of the 100 recorded: record anew"},
		{"more by what the runtime may add", 1010, ""},
		{"more", 1030, "allocating: 103 allocations, at most 102"},
	}
	file := filepath.Join(t.TempDir(), "recorded.json")
	require.NoError(t, run(t.Context(), allocating(1000), []string{"-recorded", file, "-update"}, new(bytes.Buffer)))
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := run(t.Context(), allocating(test.allocations), []string{"-recorded", file}, new(bytes.Buffer))

			if test.complaint == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, test.complaint)
				assert.ErrorContains(t, err, "go run ./bench/guard -update")
			}
			after, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(before), string(after), "the record is left as it is")
		})
	}
}

func TestGuardWantsARecordOfEachPath(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recorded.json")

	err := run(t.Context(), allocating(1), []string{"-recorded", file}, new(bytes.Buffer))

	assert.ErrorContains(t, err, "allocating is not recorded")
}

func TestUpdateForgetsPathsThatAreGone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recorded.json")
	require.NoError(t, records{Paths: map[string]figures{"gone": {Allocations: 7}}}.write(file))

	require.NoError(t, run(t.Context(), allocating(1), []string{"-recorded", file, "-update"}, new(bytes.Buffer)))

	known, err := readRecords(file)
	require.NoError(t, err)
	assert.Equal(t, map[string]figures{"allocating": {Allocations: 0.1}}, known.Paths)
}

func TestExceeds(t *testing.T) {
	recorded := figures{Allocations: 4, Ratio: 0.02}
	tests := []struct {
		name     string
		measured figures
		want     string
	}{
		{"the same", recorded, ""},
		{"slower by half", figures{4, 0.03}, ""},
		{"slower by more than as much again", figures{4, 0.041}, "0.041 times the reference, at most 0.04"},
		{"an allocation more", figures{5, 0.02}, "5 allocations, at most 4.09"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.measured.exceeds(recorded.limit())
			if test.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.EqualError(t, err, test.want)
		})
	}
}

func TestUndercuts(t *testing.T) {
	tests := []struct {
		name               string
		measured, recorded float64
		want               string
	}{
		{"the same", 8, 8, ""},
		{"more", 9, 8, ""},
		{"half", 4, 8, ""},
		{"less than half", 3.9, 8, "3.9 allocations, less than half of the 8 recorded: record anew"},
		{"none any more", 0, 8, "0 allocations, less than half of the 8 recorded: record anew"},
		{"less than half of hardly any", 0.01, 1, ""},
		{"none of none", 0, 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := figures{Allocations: test.measured}.undercuts(figures{Allocations: test.recorded})
			if test.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.EqualError(t, err, test.want)
		})
	}
}

// TestEachPathIsRecorded holds the record to the paths that there are.
func TestEachPathIsRecorded(t *testing.T) {
	known, err := readRecords("recorded.json")
	require.NoError(t, err)
	var names []string
	for _, p := range paths() {
		names = append(names, p.name)
		recorded := known.Paths[p.name]
		assert.Equal(t, p.timed, recorded.Ratio > 0, p.name)
	}
	assert.ElementsMatch(t, names, slices.Collect(maps.Keys(known.Paths)))
}
