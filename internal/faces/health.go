package faces

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/monitor"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

// Verdict is what a monitor is told: the worst of what was found.
type Verdict struct {
	Code     Code     `json:"code"`
	Status   string   `json:"status"`
	Summary  string   `json:"summary"`
	Findings []string `json:"findings,omitzero"`
	Missed   int      `json:"missed"`
	Degraded int      `json:"degraded"`
}

// Code is that of a Nagios plugin.
type Code int

// The codes.
const (
	OK Code = iota
	Warning
	Critical
	Unknown
)

// String returns the word for the code.
func (c Code) String() string { return []string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[c] }

func (v *Verdict) find(code Code, format string, args ...any) {
	v.Code = max(v.Code, code)
	v.Findings = append(v.Findings, fmt.Sprintf(format, args...))
}

// CannotTell is the verdict if what it takes cannot be read.
func CannotTell(err error) *Verdict {
	return &Verdict{Code: Unknown, Status: Unknown.String(), Summary: err.Error()}
}

// Line is the verdict as a Nagios plugin prints it. What others have said is in it as it is.
func (v *Verdict) Line() string {
	all := strings.Join(append([]string{v.Summary}, v.Findings...), "; ")
	return fmt.Sprintf("TRADECLOCK %s - %s | missed=%d degraded=%d", v.Status, all, v.Missed, v.Degraded)
}

// Judging is what a verdict follows from.
type Judging struct {
	Name      string
	View      *view.View
	Schedules store.ScheduleStore
	Directory store.Directory
	Monitor   monitor.Monitor
	Calendar  calendar.Calendar
	Today     calendar.Date
}

// Judge returns the verdict on a scheduler: whether anybody runs its tasks, how far its
// calendar goes, and whether runs that are delivered at most once, as those of orders are, were
// missed since the last session began.
func (j Judging) Judge(ctx context.Context) (*Verdict, error) {
	v := new(Verdict)
	liveness, instances, err := j.Monitor.Check(ctx, j.Name)
	if err != nil {
		return nil, err
	}
	term, err := TermOf(ctx, j.Directory, j.Name)
	if err != nil {
		return nil, err
	}
	v.judgeLiveness(j.Name, liveness, instances, term)
	j.judgeCoverage(v)
	if err := j.judgeMissed(ctx, v); err != nil {
		return nil, err
	}
	v.Status = v.Code.String()
	return v, nil
}

func (v *Verdict) judgeLiveness(name string, liveness monitor.Liveness, instances []monitor.Instance, term store.TermState) {
	v.Summary = fmt.Sprintf("%s has no active instance", name)
	for _, i := range instances {
		if i.Liveness != liveness {
			continue
		}
		v.Summary = fmt.Sprintf("%s is %v on %s, term %d", name, i.Heartbeat.State, i.Heartbeat.Instance, i.Heartbeat.Term)
		if liveness == monitor.Alive {
			v.Degraded = len(i.Heartbeat.Degraded)
			for _, text := range i.Heartbeat.Degraded {
				v.find(Warning, "%s", text)
			}
		}
		break
	}
	switch liveness {
	case monitor.Alive:
		if !term.Held() {
			v.find(Critical, "nobody holds the term")
		}
	case monitor.Late:
		v.find(Warning, "its heartbeat is late")
	case monitor.Wedged:
		v.find(Critical, "it beats and does not tick")
	case monitor.Standby:
		v.find(Critical, "instances stand by, and none is active")
	case monitor.Stopped:
		v.find(Critical, "it was stopped")
	case monitor.Dead:
		v.find(Critical, "no heartbeat for long, or ever")
	}
}

// CoverageWarning is how many days before the end of a calendar it is told.
const CoverageWarning = 30

func (j Judging) judgeCoverage(v *Verdict) {
	limited, ok := j.Calendar.(calendar.Covered)
	if !ok {
		return
	}
	if _, last := limited.Coverage(); DaysTo(j.Today, last) <= CoverageWarning {
		v.find(Warning, "calendar %s ends on %v", j.Calendar.Name(), last)
	}
}

// lastSession is the date of the session that began last, or two weeks ago.
func (j Judging) lastSession() calendar.Date {
	since := j.Today
	for range 14 {
		if session, err := j.Calendar.Session(since); err == nil && session.Open() {
			break
		}
		since = since.AddDays(-1)
	}
	return since
}

func (j Judging) judgeMissed(ctx context.Context, v *Verdict) error {
	rows, err := j.Schedules.Schedules(ctx)
	if err != nil && rows == nil {
		return err
	}
	orders := make(map[string]bool)
	for _, row := range rows {
		orders[row.Task] = orders[row.Task] || row.Delivery == store.AtMostOnce
	}
	since := j.lastSession()
	missed, err := j.View.Tallies(ctx, store.TallyQuery{From: since, Outcomes: []store.Outcome{store.Missed}})
	if err != nil {
		return err
	}
	tasks := make(map[string]bool)
	for _, tally := range missed {
		if orders[tally.Task] {
			v.Missed += tally.Occurrences
			tasks[tally.Task] = true
		}
	}
	if v.Missed > 0 {
		v.find(Critical, "%d missed since %v: %s", v.Missed, since, strings.Join(slices.Sorted(maps.Keys(tasks)), ", "))
	}
	return nil
}
