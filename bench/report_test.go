package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFormat(t *testing.T) {
	tests := []struct {
		value float64
		unit  unit
		want  string
	}{
		{0, nanoseconds, "0 ns"},
		{94.321, nanoseconds, "94.3 ns"},
		{1170, nanoseconds, "1.17 µs"},
		{19_000_000, nanoseconds, "19 ms"},
		{3_400_000_000, nanoseconds, "3.4 s"},
		{63_712.8, perSecond, "63713 /s"},
		{186.4, byteCount, "186 B"},
		{0.0042, count, "0.0042"},
		{100_000, count, "100000"},
	}
	for _, test := range tests {
		assert.Equal(t, test.want, format(test.value, test.unit))
	}
}

// times are rounds with one figure.
func times(values ...float64) (rounds [][]figure) {
	for _, v := range values {
		rounds = append(rounds, []figure{{"time", v, nanoseconds}})
	}
	return rounds
}

func rates(values ...float64) (rounds [][]figure) {
	for _, v := range values {
		rounds = append(rounds, []figure{{"rate", v, perSecond}})
	}
	return rounds
}

func TestSummary(t *testing.T) {
	tests := []struct {
		name   string
		rounds [][]figure
		want   summary
		ok     bool
	}{
		{"an odd number", times(9, 1, 4), summary{4, 1, 9, nanoseconds}, true},
		{"an even number", times(9, 1, 4, 6), summary{5, 1, 9, nanoseconds}, true},
		{"none", nil, summary{}, false},
		{"a round without it", append(times(4), rates(1)...), summary{unit: nanoseconds}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			res := result{rounds: test.rounds}
			got, ok := res.summary("time")
			assert.Equal(t, test.ok, ok)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestReport(t *testing.T) {
	r := race{number: 9, title: "a race", size: 10, counts: "tasks", note: "A note."}
	results := []*result{
		{contender: contender{name: "us", role: ours, field: onSQLite}, compared: true, rounds: times(30, 20, 40)},
		{contender: contender{name: "us, broken", role: ours, field: onSQLite}, compared: true, rounds: times(3, 4), failure: errors.New("it ran one twice")},
		{contender: contender{name: "slow", role: peer}, compared: true, rounds: times(60, 60, 60)},
		{contender: contender{name: "quick", role: peer}, compared: true, rounds: times(15, 15, 15)},
		{contender: contender{name: "small", role: peer}, n: 5, rounds: times(1, 1, 1)},
		{contender: contender{name: "broken", role: peer}, compared: true, rounds: times(2), failure: errors.New("it lost some")},
		{contender: contender{name: "unable", role: peer, cannot: "it has no clock"}, compared: true},
		{contender: contender{name: "by hand", role: floor, field: onSQLite}, compared: true, rounds: times(10, 10, 10)},
		{contender: contender{name: "by hand elsewhere", role: floor}, compared: true, rounds: times(5, 5, 5)},
	}
	want := `
### Race 9: a race

n = 10 tasks, 3 rounds: medians, and the lowest and highest in brackets. A note.

| contender | time |
| --- | --- |
| us | 30 ns (20 ns to 40 ns) |
| us, broken |  |
| slow | 60 ns |
| quick | 15 ns |
| small (n = 5) | 1 ns |
| broken |  |
| unable (it has no clock) |  |
| floor: by hand | 10 ns |
| floor: by hand elsewhere | 5 ns |

us, broken failed in 1 of 3 rounds: it ran one twice

broken failed in 2 of 3 rounds: it lost some

| ratio of medians | of | to the best peer | to the floor |
| --- | --- | --- | --- |
| us | time | 2 (quick) | 3 (by hand) |
`
	assert.Equal(t, want, report(r, 3, results))
}

func TestTheHigherRateIsTheBetter(t *testing.T) {
	results := []*result{
		{contender: contender{name: "us", role: ours}, compared: true, rounds: rates(60)},
		{contender: contender{name: "slow", role: peer}, compared: true, rounds: rates(10)},
		{contender: contender{name: "quick", role: peer}, compared: true, rounds: rates(40)},
	}
	assert.Contains(t, ratios([]string{"rate"}, results), "| us | rate | 1.5 (quick) |  |")
}
