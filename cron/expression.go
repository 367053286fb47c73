package cron

import (
	"fmt"
	"strconv"
	"strings"
)

// field is one of the five of an expression, with the values that it may have.
type field struct {
	name     string
	min, max int
	// steps says that a set with a step is written with it. Weekdays are listed.
	steps bool
}

var (
	minuteField = field{"minute", 0, 59, true}
	hourField   = field{"hour", 0, 23, true}
	domField    = field{"day of month", 1, 31, true}
	monthField  = field{"month", 1, 12, true}
	dowField    = field{"day of week", 0, 6, false}

	allFields = [...]field{minuteField, hourField, domField, monthField, dowField}
)

// all is the set of a field that leaves its value open.
func (f field) all() uint64 { return 1<<(f.max+1) - 1<<f.min | star }

// normal returns the one set that stands for all with the same values.
func (f field) normal(set uint64) uint64 {
	if set&^star == f.all()&^star {
		return f.all()
	}
	return set &^ star
}

// normal returns the one rule that stands for all that are due at the same times. Two
// day fields of which either is enough leave the day open if one has all its values.
func (r Rule) normal() Rule {
	either := r.dom&star == 0 && r.dow&star == 0
	r.minute, r.hour, r.month = minuteField.normal(r.minute), hourField.normal(r.hour), monthField.normal(r.month)
	r.dom, r.dow = domField.normal(r.dom), dowField.normal(r.dow)
	if either && (r.dom&star != 0 || r.dow&star != 0) {
		r.dom, r.dow = domField.all(), dowField.all()
	}
	return r
}

// expression returns the rule's five fields.
func (r Rule) expression() string {
	var texts [5]string
	for i, set := range [...]uint64{r.minute, r.hour, r.dom, r.month, r.dow} {
		texts[i] = allFields[i].text(set)
	}
	return strings.Join(texts[:], " ")
}

// text returns the shortest form of a set: a star, a step, or a list of values and
// ranges.
func (f field) text(set uint64) string {
	if set&star != 0 {
		return "*"
	}
	values := f.values(set)
	if step, ok := f.step(values); ok {
		first, last := values[0], values[len(values)-1]
		if last+step > f.max {
			last = f.max
		}
		if first == f.min && last == f.max {
			return fmt.Sprintf("*/%d", step)
		}
		return fmt.Sprintf("%d-%d/%d", first, last, step)
	}
	var parts []string
	for len(values) > 0 {
		n := 1
		for n < len(values) && values[n] == values[0]+n {
			n++
		}
		if n == 1 {
			parts, values = append(parts, strconv.Itoa(values[0])), values[1:]
			continue
		}
		parts, values = append(parts, fmt.Sprintf("%d-%d", values[0], values[n-1])), values[n:]
	}
	return strings.Join(parts, ",")
}

func (f field) values(set uint64) (values []int) {
	for v := f.min; v <= f.max; v++ {
		if has(set, v) {
			values = append(values, v)
		}
	}
	return values
}

// step returns what lies between the values, if that is more than one and the same
// throughout. Of two values that is worth telling if the step divides the field.
func (f field) step(values []int) (step int, ok bool) {
	if !f.steps || len(values) < 2 {
		return 0, false
	}
	step = values[1] - values[0]
	for i := range values[1:] {
		if values[i+1]-values[i] != step {
			return 0, false
		}
	}
	divides := (f.max-f.min+1)%step == 0 && values[0] == f.min
	return step, step > 1 && (len(values) > 2 || divides)
}
