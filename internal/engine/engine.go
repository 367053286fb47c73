package engine

import "time"

// Engine decides for one scheduler what starts when. New makes it. Its methods are told
// what happened and at which instant; what is to be done beside their answers, Take
// returns.
type Engine struct {
	Term     Tenure
	Wakes    Wakes
	Accounts Accounts
	Limits   Limits
	Bad      *BadRuns

	facts         Facts
	maxConcurrent int
	remembers     bool
	planning      planning
	queue         queue
	books         books
	releases      releases
	arming        arming
	actions       Actions
}

// Facts are what the engine looks up while it decides, as the caller has it.
type Facts interface {
	// InForce returns the row by which a task of an account runs, or nil.
	InForce(account, task string) *Row
	// Row returns the row of a key that is in force, or nil.
	Row(key Key) *Row
	// Quarantined reports whether the row of a key cannot be used.
	Quarantined(key Key) bool
	// Halted reports whether a halt is in force for an account, and the reason of what
	// it skips.
	Halted(account string) (reason string, halted bool)
}

// Config is what an engine is made with.
type Config struct {
	Facts         Facts
	MaxConcurrent int // places, or zero if they are not bounded
	Limits        []Limit
	ArmAhead      time.Duration // how long before they are due runs are claimed, or zero
	// Remembers is true if the ledger can be read for the beginning of bad runs in a row.
	Remembers bool
}

// New makes an engine that knows of nothing yet.
func New(cfg Config) *Engine {
	return &Engine{
		facts: cfg.Facts, maxConcurrent: cfg.MaxConcurrent, remembers: cfg.Remembers,
		Limits: NewLimits(cfg.Limits), Bad: NewBadRuns(),
		Accounts: Accounts{byName: make(map[string]*Account)},
		arming:   arming{ahead: cfg.ArmAhead},
		queue:    queue{waiting: make(map[*Run]struct{})},
	}
}

// Actions are what is to be done or told, beside the answers of the methods.
type Actions struct {
	// Cancel are runs that go on, and whose place the next occurrence takes.
	Cancel []*Run
	// Blocked are accounts of which a run waits for the start of the executor.
	Blocked []*Account
	// Taken are runs that were dropped, as a run of the same slot goes on.
	Taken []Taken
}

// Taken is a run that was dropped, and the one that has its slot.
type Taken struct{ Run, By *Run }

// Take returns what is to be done since it was called last.
func (e *Engine) Take() Actions {
	actions := e.actions
	e.actions = Actions{}
	for _, a := range actions.Blocked {
		a.blocks = false
	}
	return actions
}

// block has it told, once, that an account's executor is waited for: there may be very
// many of them.
func (e *Engine) block(a *Account) {
	if !a.blocks {
		a.blocks = true
		e.actions.Blocked = append(e.actions.Blocked, a)
	}
}

// wall is an instant without a monotonic reading, as due times are compared with.
func wall(now time.Time) time.Time { return now.Round(0).UTC() }
