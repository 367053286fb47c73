package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// summary is one figure of one contender over all rounds.
type summary struct {
	median, low, high float64
	unit              unit
}

// report returns the table of a race, and the ratios, in Markdown.
func report(r race, rounds int, results []*result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n### Race %d: %s\n\nn = %d %s, %d rounds: medians, and the lowest and highest in brackets. %s\n\n",
		r.number, r.title, r.size, r.counts, rounds, r.note)
	names := figureNames(results)
	writeRow(&b, append([]string{"contender"}, names...))
	writeRow(&b, slices.Repeat([]string{"---"}, len(names)+1))
	for _, res := range results {
		cells := []string{res.label()}
		for _, name := range names {
			cells = append(cells, res.cell(name))
		}
		writeRow(&b, cells)
	}
	for _, res := range results {
		if res.failure != nil {
			fmt.Fprintf(&b, "\n%s failed in %d of %d rounds: %v\n", res.contender.name, rounds-len(res.rounds), rounds, res.failure)
		}
	}
	b.WriteString(ratios(names, results))
	return b.String()
}

func writeRow(b *strings.Builder, cells []string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// figureNames returns the names of all figures in the order in which they first
// appear.
func figureNames(results []*result) []string {
	var names []string
	for _, res := range results {
		for _, round := range res.rounds {
			for _, f := range round {
				if !slices.Contains(names, f.Name) {
					names = append(names, f.Name)
				}
			}
		}
	}
	return names
}

func (res *result) label() string {
	c := res.contender
	switch {
	case c.role == floor:
		return "floor: " + c.name
	case c.cannot != "":
		return c.name + " (" + c.cannot + ")"
	case !res.compared:
		return fmt.Sprintf("%s (n = %d)", c.name, res.n)
	}
	return c.name
}

func (res *result) cell(name string) string {
	s, ok := res.summary(name)
	if !ok {
		return ""
	}
	median, low, high := format(s.median, s.unit), format(s.low, s.unit), format(s.high, s.unit)
	if low == high {
		return median
	}
	return fmt.Sprintf("%s (%s to %s)", median, low, high)
}

// summary returns a figure over the rounds, if each round has it. A contender that
// failed in a round has none.
func (res *result) summary(name string) (s summary, ok bool) {
	if res.failure != nil {
		return s, false
	}
	var values []float64
	for _, round := range res.rounds {
		for _, f := range round {
			if f.Name == name {
				values, s.unit = append(values, f.Value), f.Unit
			}
		}
	}
	if len(values) == 0 || len(values) < len(res.rounds) {
		return s, false
	}
	slices.Sort(values)
	s.median = (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	s.low, s.high = values[0], values[len(values)-1]
	return s, true
}

// ratios returns what ours are to the best peer, and to the best floor of their
// field.
func ratios(names []string, results []*result) string {
	var b strings.Builder
	for _, res := range results {
		if res.contender.role != ours {
			continue
		}
		for _, name := range names {
			mine, ok := res.summary(name)
			if !ok {
				continue
			}
			anyPeer := func(c contender) bool { return c.role == peer }
			itsFloor := func(c contender) bool { return c.role == floor && c.field == res.contender.field }
			peers, floors := mine.against(name, results, anyPeer), mine.against(name, results, itsFloor)
			if peers+floors == "" {
				continue
			}
			writeRow(&b, []string{res.contender.name, name, peers, floors})
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n| ratio of medians | of | to the best peer | to the floor |\n| --- | --- | --- | --- |\n" + b.String()
}

// against compares with the best of the results that qualify.
func (s summary) against(name string, results []*result, qualifies func(contender) bool) string {
	var best summary
	var who string
	for _, res := range results {
		other, ok := res.summary(name)
		if !ok || !res.compared || !qualifies(res.contender) {
			continue
		}
		if who == "" || other.betterThan(best) {
			best, who = other, res.contender.name
		}
	}
	if who == "" || best.median == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%s)", digits(s.median/best.median), who)
}

func (s summary) betterThan(other summary) bool {
	if s.unit == perSecond {
		return s.median > other.median
	}
	return s.median < other.median
}

// format writes a value with three digits, in a unit that suits it.
func format(v float64, u unit) string {
	switch {
	case u == nanoseconds && v >= 1e9:
		return digits(v/1e9) + " s"
	case u == nanoseconds && v >= 1e6:
		return digits(v/1e6) + " ms"
	case u == nanoseconds && v >= 1e3:
		return digits(v/1e3) + " µs"
	case u == count:
		return digits(v)
	}
	return digits(v) + " " + string(u)
}

// digits rounds to three significant digits, and leaves whole numbers whole.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	places := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	text := fmt.Sprintf("%.*f", places, v)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}
