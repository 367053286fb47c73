package vet

import (
	"maps"
	"slices"

	"github.com/tradeclock/tradeclock/store"
)

// Patch is a change of some of the rows in force.
type Patch struct {
	rows map[store.ScheduleKey]*Row
	was  map[store.ScheduleKey]*Row // what there was of each that is touched, or nil
	// copied are the rows for all others whose shadowed is a copy, which may be changed.
	copied map[store.ScheduleKey]bool
}

// NewPatch returns a patch of rows in force, which it changes.
func NewPatch(rows map[store.ScheduleKey]*Row) *Patch {
	return &Patch{rows: rows, was: make(map[store.ScheduleKey]*Row), copied: make(map[store.ScheduleKey]bool)}
}

// Put adds a row, or replaces the one of its key.
func (p *Patch) Put(r *Row) {
	key := r.Key()
	was := p.rows[key]
	if r.Account == "" {
		r.Run.Shadowed = was.Run.Shadowed
	}
	p.set(key, r)
	if r.Account != "" && was == nil {
		p.shadow(key, true)
	}
}

// Remove takes a row away.
func (p *Patch) Remove(key store.ScheduleKey) {
	if p.rows[key] == nil {
		return
	}
	p.set(key, nil)
	if key.Account != "" {
		p.shadow(key, false)
	}
}

// shadow notes that an account has a row of its own now, or has no longer. The row
// for all others is replaced, since rows are never changed.
func (p *Patch) shadow(own store.ScheduleKey, has bool) {
	key := store.ScheduleKey{Task: own.Task}
	if p.rows[key] == nil {
		return
	}
	if !p.copied[key] {
		p.copied[key] = true
		shared := p.rows[key].Copied()
		shared.Run.Shadowed = maps.Clone(shared.Run.Shadowed)
		p.set(key, shared)
	}
	if has {
		p.rows[key].shadow(own.Account)
	} else {
		delete(p.rows[key].Run.Shadowed, own.Account)
	}
}

func (p *Patch) set(key store.ScheduleKey, r *Row) {
	if _, touched := p.was[key]; !touched {
		p.was[key] = p.rows[key]
	}
	if r == nil {
		delete(p.rows, key)
	} else {
		p.rows[key] = r
	}
}

// Before returns the row that a key had.
func (p *Patch) Before(key store.ScheduleKey) *Row {
	if was, touched := p.was[key]; touched {
		return was
	}
	return p.rows[key]
}

// Keys returns those that are touched, in order.
func (p *Patch) Keys() []store.ScheduleKey {
	return slices.SortedFunc(maps.Keys(p.was), store.ScheduleKey.Compare)
}

// Diff returns the rows that are no longer there, and those that have come.
func (p *Patch) Diff() (gone, come []*Row) {
	for _, key := range p.Keys() {
		was, is := p.was[key], p.rows[key]
		if was == is {
			continue
		}
		if was != nil {
			gone = append(gone, was)
		}
		if is != nil {
			come = append(come, is)
		}
	}
	return gone, come
}
