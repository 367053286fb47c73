package rule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/said"
)

// After returns the rule that a task is due a delay after each planned time of
// another task, whatever becomes of that one, and with its slots. The delay is
// in whole seconds, and at most seven days. The rule's occurrences depend on the
// other task's rule, so that only a scheduler can tell them.
func After(task string, delay time.Duration) Rule { return after{task: task, delay: delay} }

// AfterSuccess returns the rule that a task is due a delay after the run of another task
// has succeeded, of the same account and with the same slot: after analysis succeeds, after
// analysis succeeds 5m. The delay is as that of After. Of both tasks the sessions and
// filters hold.
//
// The run waits from the planned time of the other on, and is never due before that. Its
// lateness and its catch-up count from when it is due, and a delay from when the other has
// finished. It is skipped, with the reason, as soon as the other has come to anything but
// success, or is disabled; one that was interrupted and may be run again is waited for. It
// is skipped at its end as well: that of AfterSuccessUntil, or else the midnight that ends the session's
// date, or the date of the planned time where that is a later one.
//
// The outcome that counts is that in the ledger, across restarts and takeovers. A person
// who triggers the other for its slot before that is planned lets the run come after it, but
// not before the planned time; once the run was skipped it stays so, unless it is triggered
// for its slot itself. What is triggered, or moved to another instant, does not wait. A move
// of the other leaves the time from which it waits as it is. A halt that is in force when it
// is due skips it. An edit is for what is planned after it: what waits already goes on by
// the rule with which it began to, unless it is disabled by the time that it is due.
//
// The other must be due once on a slot: one that repeats cannot be followed so. It may
// follow another itself, and none may follow itself.
func AfterSuccess(task string, delay time.Duration) Rule {
	return after{task: task, delay: delay, succeeds: true}
}

// AfterSuccessUntil returns the rule of AfterSuccess with an end: after analysis succeeds
// until 17:30. The run must be due before the end, which the delay counts towards. On a
// session on which the end cannot be told, or is not after the planned time of the other, the
// run is skipped with that reason.
func AfterSuccessUntil(task string, delay time.Duration, end Moment) Rule {
	return after{task: task, delay: delay, succeeds: true, until: end, ends: true}
}

// Awaited is what a rule of AfterSuccess waits for.
type Awaited struct {
	Task  string
	Delay time.Duration
	// Until is the end, if it Ends at a moment of its own.
	Until Moment
	Ends  bool
}

// Awaits returns what a rule waits for. It is not ok for a rule that is not of AfterSuccess.
func Awaits(r Rule) (of Awaited, ok bool) {
	bare, _ := Split(r)
	a, ok := bare.(after)
	if !ok || !a.succeeds {
		return Awaited{}, false
	}
	return Awaited{a.task, a.delay, a.until, a.ends}, true
}

type after struct {
	task     string
	delay    time.Duration
	succeeds bool
	until    Moment // if it ends
	ends     bool
}

const maxDelay = 7 * 24 * time.Hour

func (after) kind() string                   { return KindAfter }
func (r after) MarshalText() ([]byte, error) { return Marshal(r) }
func (r after) Occurrences(s calendar.Session, loc *time.Location) ([]Occurrence, error) {
	return occurrences(r, s, loc)
}

func (r after) moments() []Moment {
	if !r.ends {
		return nil
	}
	return []Moment{r.until}
}

func (r after) String() string {
	text := KindAfter + " " + r.task
	if r.succeeds {
		text += " " + wordSucceeds
	}
	if !r.succeeds || r.delay != 0 {
		text += " " + said.Duration(r.delay)
	}
	if r.ends {
		text += " " + wordUntil + " " + r.until.String()
	}
	return text
}

func (r after) check() error {
	if err := naming.Check(r.task); err != nil {
		return fmt.Errorf("task: %w", err)
	}
	if words := strings.FieldsFunc(r.task, isBlank); slices.Contains(words[1:], wordSucceeds) {
		return fmt.Errorf("task: a task that is followed must not have the word %s in its name, %q", wordSucceeds, r.task)
	}
	if r.delay < 0 || r.delay > maxDelay {
		return fmt.Errorf("delay %s is not between 0s and %s", said.Duration(r.delay), said.Duration(maxDelay))
	}
	if r.delay%time.Second != 0 {
		return fmt.Errorf("delay %s is not in whole seconds", said.Duration(r.delay))
	}
	if r.ends {
		return r.until.ValidateSingle()
	}
	return nil
}

func (r after) spans(calendar.Session, *time.Location) ([]Span, error) {
	return nil, fmt.Errorf("the rule %q has no occurrences by itself: they are those of the schedule of %s", r, r.task)
}

// Follows returns the task that an after rule names, with the delay. It is not ok for
// another rule.
func Follows(r Rule) (task string, delay time.Duration, ok bool) {
	bare, _ := Split(r)
	a, ok := bare.(after)
	return a.task, a.delay, ok
}

// after reads what follows the word after: a task, and what it is waited for.
func (p *parser) after() after {
	if task, rest, ok := cutSucceeds(p.rest); ok {
		p.rest = rest
		return p.afterSuccess(task)
	}
	return p.afterPlanned()
}

// cutSucceeds parts a text at the word succeeds, which a task comes before.
func cutSucceeds(text string) (task, rest string, ok bool) {
	p := parser{rest: text}
	for p.word(); p.rest != ""; p.word() {
		task = strings.Trim(text[:len(text)-len(p.rest)], blanks)
		if p.keyword(wordSucceeds) {
			return task, p.rest, true
		}
	}
	return "", "", false
}

// afterSuccess reads what may follow the word succeeds.
func (p *parser) afterSuccess(task string) after {
	r := after{task: task, succeeds: true}
	p.skipBlanks()
	if p.rest != "" && strings.Contains(digits+"-", p.rest[:1]) {
		r.delay = p.duration(p.word())
	}
	if p.keyword(wordUntil) {
		r.until, r.ends = p.moment(lastSecond), true
	}
	return r
}

// afterPlanned reads a task and the delay after it. The name may hold blanks, and the words
// of filters too, so that the delay is the last duration of the text: filters have none.
func (p *parser) afterPlanned() after {
	text := strings.TrimRight(p.rest, blanks)
	for end := len(text); end > 0; {
		begin := strings.LastIndexAny(text[:end], blanks) + 1
		if _, err := time.ParseDuration(text[begin:end]); err == nil && strings.Trim(text[:begin], blanks) != "" {
			p.rest = text[end:]
			return after{task: strings.Trim(text[:begin], blanks), delay: p.duration(text[begin:end])}
		}
		end = len(strings.TrimRight(text[:begin], blanks))
	}
	p.rest = strings.TrimLeft(text, blanks)
	p.fail("a task and a delay, as in premarket_retry 5m, or a task that succeeds, as in analysis succeeds,")
	return after{}
}

func isBlank(c rune) bool { return strings.ContainsRune(blanks, c) }
