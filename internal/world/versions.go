package world

import "time"

// span is a stretch of the world's time.
type span struct{ from, to time.Duration }

// spans are stretches in the order of their starts.
type spans []span

func (s *spans) add(from, to time.Duration) {
	if n := len(*s); n > 0 && from <= (*s)[n-1].to && from >= (*s)[n-1].from {
		(*s)[n-1].to = max((*s)[n-1].to, to)
		return
	}
	*s = append(*s, span{from, to})
}

// touch reports whether any of them has an instant from from to to.
func (s spans) touch(from, to time.Duration) bool {
	for _, sp := range s {
		if sp.from <= to && sp.to >= from {
			return true
		}
	}
	return false
}

// versions are the states of something that people change, and who has seen which.
// The first has number 1.
type versions[T any] struct {
	w       *World
	all     []T
	from    []time.Duration
	seen    map[*process][]sighting
	news    time.Duration // when the latest came, if not every process has seen it
	open    bool
	unequal spans // not every process had seen the latest
}

// sighting is what a process was given, and when.
type sighting struct {
	at      time.Duration
	version int
}

func (v *versions[T]) latest() int { return len(v.all) }

func (v *versions[T]) change(at time.Duration, to T) {
	v.all = append(v.all, to)
	v.from = append(v.from, at)
	if !v.open {
		v.open, v.news = true, at
	}
}

// saw notes that a process was given a version.
func (v *versions[T]) saw(p *process, version int) {
	if p.dead {
		return
	}
	sightings := v.seen[p]
	if n := len(sightings); n == 0 || sightings[n-1].version != version {
		v.seen[p] = append(sightings, sighting{v.w.now, version})
	}
	if !v.open {
		return
	}
	for _, other := range v.w.processes {
		if other == nil {
			continue
		}
		if n := len(v.seen[other]); n > 0 && v.seen[other][n-1].version != v.latest() {
			return
		}
	}
	v.open = false
	v.unequal.add(v.news, v.w.now)
}

// uncertain reports whether something from from to to may not have been the same
// for all.
func (v *versions[T]) uncertain(from, to time.Duration) bool {
	return v.open && v.news <= to || v.unequal.touch(from, to)
}

// at returns the number of the version in force at an instant.
func (v *versions[T]) at(at time.Duration) int {
	n := 1
	for n < len(v.all) && v.from[n] <= at {
		n++
	}
	return n
}

// given returns what a process had, or was given, from from on: the last versions
// before that count, as many as margin says.
func (v *versions[T]) given(p *process, from time.Duration, margin int) []int {
	var found []int
	sightings := v.seen[p]
	first := len(sightings)
	for first > 0 && sightings[first-1].at > from {
		first--
	}
	for _, s := range sightings[max(first-margin, 0):] {
		found = append(found, s.version)
	}
	return found
}
