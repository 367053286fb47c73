package main

// race is one question that is put to each contender in turn.
type race struct {
	number     int
	title      string
	size       int    // what n is by default
	counts     string // what n counts
	note       string // what the table needs said beneath it
	contenders []contender
}

// contender is one way to do the race's work.
type contender struct {
	name string
	role role
	// field is the database that it keeps its state in, or empty for memory. Ours
	// are compared with the floors of their own field, and with all peers.
	field field
	needs []server
	run   func(b *bout) error
	// most is the n up to which it can do the work, or zero if there is no bound.
	// Beyond it, it runs with most, and is not compared.
	most int
	// cannot says why it does not take part, if it has no run.
	cannot string
}

type role string

const (
	ours  role = "ours"
	peer  role = "peer"
	floor role = "floor"
	// origin is what the services did before: shown, and not compared.
	origin role = "origin"
)

type field string

const (
	inMemory   field = ""
	onSQLite   field = "SQLite"
	onPostgres field = "PostgreSQL"
)

// sizeFor is the n with which a contender runs.
func (r race) sizeFor(c contender) int {
	if c.most > 0 {
		return min(r.size, c.most)
	}
	return r.size
}

func races() []race {
	return []race{
		idleRace(), burstRace(), durableRace(), latencyRace(), yearRace(), nextRace(), editRace(),
	}
}
