package dashboard

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/monitor"
	"github.com/tradeclock/tradeclock/store"
)

// top is what every page has, and the page.
type top struct {
	*visit
	Page   any
	Root   string // the way to the dashboard's address
	Failed bool
	Status *status // nil if it is not known
}

// status is how the scheduler stands, in the line at the top of each page.
type status struct {
	Kind     string // good, odd or bad
	Text     string
	Degraded []string
	Halts    []store.Halt
	Unread   string // what could not be read
}

func (t *top) Title() string { return cmp.Or(t.cfg.Title, t.name) }
func (t *top) Name() string  { return t.route.title }
func (t *top) Asset(name string) string {
	return t.Root + "assets/" + name + "?v=" + assetVersion
}

// navigation is a link to a page.
type navigation struct {
	Name, To string
	Here     bool
}

// Navigation lists the pages that there are.
func (t *top) Navigation() (all []navigation) {
	for i := range routes {
		r := &routes[i]
		if r.in == "" || r.shown != nil && !r.shown(t.Dashboard) {
			continue
		}
		to := t.Root + r.name
		if r.name == "day" {
			to = t.Root
		}
		here := r.name == t.route.name || r.name == map[string]string{"run": "runs", "schedule": "schedules", "calendar": "calendars"}[t.route.name]
		all = append(all, navigation{r.in, to, here})
	}
	return all
}

// Live are the attributes of the part of a page that is read again by itself.
func (t *top) Live() template.HTMLAttr {
	self := template.HTMLEscapeString("?" + t.req.URL.RawQuery)
	return template.HTMLAttr(`id="live" hx-get="` + self + `" hx-trigger="every 15s, visibilitychange from:document" hx-select="#live" hx-swap="outerMorph"`)
}

// Now is the time at which the page was made.
func (t *top) Now() string  { return t.now.In(t.loc).Format("2006-01-02 15:04:05") }
func (t *top) Zone() string { return t.loc.String() }

// top reads how the scheduler stands, for whoever may see all accounts.
func (v *visit) top() *top {
	t := new(top)
	if !v.can(View, "", "") {
		return t
	}
	s := &status{Kind: "odd", Text: "no heartbeats are kept"}
	t.Status = s
	var held store.TermState
	note := func(err error) {
		if err != nil {
			s.Kind, s.Unread = "bad", err.Error()
		}
	}
	if v.directory != nil {
		var err error
		held, err = faces.TermOf(v.ctx, v.directory, v.name)
		note(err)
	}
	if v.cfg.Heartbeats != nil {
		liveness, instances, err := monitor.Monitor{Reader: v.cfg.Heartbeats}.Check(v.ctx, v.name)
		note(err)
		s.tell(liveness, instances, held)
	}
	if v.halts != nil {
		var err error
		s.Halts, err = v.halts.Halts(v.ctx, v.name)
		note(err)
	}
	return t
}

func (s *status) tell(liveness monitor.Liveness, instances []monitor.Instance, term store.TermState) {
	if s.Unread != "" {
		return
	}
	s.Kind, s.Text = "bad", liveness.String()
	for _, i := range instances {
		if i.Liveness != liveness {
			continue
		}
		s.Text = fmt.Sprintf("%v on %s, %s ago", liveness, i.Heartbeat.Instance, i.Heartbeat.Age.Round(time.Second))
		if liveness == monitor.Alive {
			s.Kind, s.Degraded = "good", i.Heartbeat.Degraded
			s.Text = fmt.Sprintf("%v on %s, term %d", i.Heartbeat.State, i.Heartbeat.Instance, term.Term.Number)
			if len(s.Degraded) > 0 || i.Heartbeat.State != store.StateActive {
				s.Kind = "odd"
			}
		}
		return
	}
	if len(instances) == 0 {
		s.Text = "no instance ever sent a heartbeat"
	}
}

// clockTime is a wall time of the market, without seconds if there are none.
func (d *Dashboard) clockTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(d.loc)
	if t.Second() != 0 {
		return t.Format(time.TimeOnly)
	}
	return t.Format("15:04")
}

// clockOn is a wall time, with a mark for each day that it lies after a date.
func (d *Dashboard) clockOn(t time.Time, date calendar.Date) string {
	text := d.clockTime(t)
	if t.IsZero() {
		return text
	}
	if days := faces.DaysTo(date, calendar.DateOf(t.In(d.loc))); days != 0 {
		text += fmt.Sprintf(" %+dd", days)
	}
	return text
}

func (d *Dashboard) dateTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(d.loc).Format(time.DateTime)
}

func (d *Dashboard) exactTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(d.loc).Format("2006-01-02 15:04:05.000")
}

func length(l time.Duration) string {
	switch {
	case l == 0:
		return ""
	case l < time.Second:
		return l.Round(time.Millisecond).String()
	}
	return l.Round(100 * time.Millisecond).String()
}

func lateness(run store.Run) string {
	return lateBy(run.Lateness())
}

// lateBy says nothing of less than a second.
func lateBy(late time.Duration) string {
	if late < time.Second {
		return ""
	}
	return late.Round(time.Second).String()
}

func took(run store.Run) string {
	if run.Started.IsZero() || run.Finished.IsZero() {
		return ""
	}
	return length(run.Finished.Sub(run.Started))
}

const clippedAt = 300

// clipped is a text for a table: its first line, and of that what fits.
func clipped(text string) string {
	line, rest, more := strings.Cut(text, "\n")
	if r := []rune(line); len(r) > clippedAt {
		line, more = string(r[:clippedAt]), true
	} else if rest == "" {
		more = false
	}
	if more {
		line += " …"
	}
	return line
}

// address is a page with a query, of pairs of names and values.
func address(page string, pairs ...string) string {
	q := make(url.Values)
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return page + "?" + q.Encode()
}

func runAddress(account, task, slot string) string {
	return address("run", "account", account, "task", task, "slot", slot)
}

// choice is one of the values of a field.
type choice struct {
	Value, Text string
	Chosen      bool
}

// Moment is an instant, and Clip a text, for a template.
func (t *top) Moment(at time.Time) string { return t.dateTime(at) }
func (t *top) Clip(text string) string    { return clipped(text) }
