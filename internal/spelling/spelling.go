// Package spelling finds the name that a misspelled one was meant to be.
package spelling

import (
	"slices"
	"strings"
)

// Hint returns the end of an error's text, as in `: did you mean "open"?`, that names
// what of the known names is near the given one, or nothing if none is. Near is a
// name in other case, or one with two letters swapped. If there is none, it is one that
// differs by a slip: a letter too many, one left out, or another one. In a short name
// a slip makes another word.
func Hint(name string, known []string) string {
	var near [slip + 1][]string
	for _, k := range known {
		if k != name {
			how := distance(strings.ToLower(name), strings.ToLower(k))
			near[how] = append(near[how], k)
		}
	}
	for _, names := range near[sameLetters:] {
		if len(names) > 0 {
			slices.Sort(names)
			return `: did you mean "` + strings.Join(slices.Compact(names), `" or "`) + `"?`
		}
	}
	return ""
}

// How far a name is from another.
const (
	far = iota
	sameLetters
	slip
)

const shortest = 4 // of the names in which a slip counts

func distance(a, b string) int {
	if len(a) > len(b) {
		a, b = b, a
	}
	short := len(b) < shortest
	for a != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	switch {
	case b == "" || swapped:
		return sameLetters
	case len(b) == 1 && !short:
		return slip
	}
	return far
}
