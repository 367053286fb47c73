package world

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock"
)

// login is an executor that logs in to a broker before its first run, and out after
// its last.
type login struct{ executor }

var _ tradeclock.Starter = login{}

// standing is how an account of a process stands with the broker.
type standing string

const (
	loggedOut  standing = ""
	loggingIn  standing = "logging in"
	loggedIn   standing = "logged in"
	loggingOut standing = "logging out"
)

// executorOf returns the executor of a process.
func (w *World) executorOf(p *process) tradeclock.TaskExecutor {
	if w.script.logins {
		return login{executor{p}}
	}
	return executor{p}
}

// Start logs in.
func (l login) Start(ctx context.Context, account string) error {
	p, b := l.p, l.p.w.book
	if p.dead {
		return errDead
	}
	p.w.note(p, "logs in for %s", account)
	b.heldToLogin(p, account)
	p.standing[account] = loggingIn
	err := l.visit(ctx, "Start", account)
	p.standing[account] = loggedOut
	if err == nil {
		p.standing[account] = loggedIn
	}
	return err
}

// Stop logs out.
func (l login) Stop(ctx context.Context, account string) error {
	p, b := l.p, l.p.w.book
	if p.dead {
		return errDead
	}
	p.w.note(p, "logs out for %s", account)
	b.heldToLogout(p, account)
	p.standing[account] = loggingOut
	err := l.visit(ctx, "Stop", account)
	p.standing[account] = loggedOut
	return err
}

// visit is a call of the broker.
func (l login) visit(ctx context.Context, op, account string) (err error) {
	p, c := l.p, l.p.w.script.chance
	defer func() {
		if v := recover(); v != nil {
			p.standing[account] = loggedOut
			panic(v)
		}
	}()
	if p.w.crashesAt(p, op) {
		return errDead
	}
	attempt := p.w.attempt(p, op+" takes", account)
	takes, broken := c.between(0, 500*time.Millisecond, op, account, attempt), p.w.brokenLogin(p)
	if broken {
		takes = c.between(0, 90*time.Second, op, account, attempt)
		p.w.inject(badLogins)
		p.w.disturb(p.w.now, p.w.now+takes)
		if c.oneIn(4, "deaf login", account, attempt) {
			ctx = context.WithoutCancel(ctx)
		}
	}
	switch ended := p.pause(ctx, takes); {
	case p.dead:
		return errDead
	case ended:
		return context.Cause(ctx)
	case broken && c.oneIn(3, "login", account, attempt):
		panic("simulated panic of a login")
	case broken && c.oneIn(2, "login", account, attempt):
		return errors.New("simulated failure of a login")
	}
	return nil
}

// brokenLogin reports whether the broker is in trouble.
func (w *World) brokenLogin(p *process) bool {
	for _, in := range w.active {
		if in.kind == badLogins && (in.replica < 0 || in.replica == p.replica) {
			return true
		}
	}
	return false
}

// heldToLogin: an executor starts once, and under a term. A process that gets no
// answer from the ledger may not know yet that another has the term.
func (b *book) heldToLogin(p *process, account string) {
	if is := p.standing[account]; is != loggedOut {
		b.w.violate("logins", fmt.Sprintf("%s logs in for %s, and is %s", p.name, account, is))
	}
	if mine := b.leading && b.holder == p && b.w.now < b.expires; !mine && !p.unanswered {
		b.w.violate("logins", fmt.Sprintf("%s logs in for %s, and does not hold the term", p.name, account))
	}
}

// heldToLogout: an executor stops once, after its runs.
func (b *book) heldToLogout(p *process, account string) {
	if is := p.standing[account]; is != loggedIn {
		b.w.violate("logins", fmt.Sprintf("%s logs out for %s, and is %q", p.name, account, is))
	}
	for _, x := range b.running {
		if x.p == p && x.run.Account == account {
			b.w.violate("logins", fmt.Sprintf("%s logs out for %s, and %s goes on", p.name, account, describe(&x.run)))
		}
	}
}

// heldToEnd: when a scheduler has ended cleanly, nobody is logged in.
func (b *book) heldToEnd(p *process) {
	for _, account := range b.w.script.accounts {
		if is := p.standing[account]; is != loggedOut {
			b.w.violate("logins", fmt.Sprintf("%s has ended, and is %s for %s", p.name, is, account))
		}
	}
}

// welcome: nothing runs for an account that is not logged in.
func (b *book) welcome(x *execution) (invariant, text string) {
	if is := x.p.standing[x.run.Account]; b.w.script.logins && is != loggedIn {
		return "logins", fmt.Sprintf("its account is %q", is)
	}
	return "", ""
}
