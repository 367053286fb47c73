package tradeclock

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/almost"
	"github.com/tradeclock/tradeclock/internal/answer"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/store"
)

// What keeps tasks from running without anybody having asked for it is told here: in
// health, in the log when it becomes known, and by Explain.

// silence is what of the rows and accounts keeps tasks from running. Guarded by the
// scheduler's mu.
type silence struct {
	unserved map[store.ScheduleKey]bool     // rows of accounts that nobody serves
	early    map[store.ScheduleKey]*vet.Row // rows that hold from the future
	pending  map[store.ScheduleKey]*vet.Row // rows whose rule may take effect at the next session
	changed  bool                           // the conditions do not say it all yet
}

// reportSilence looks at all rows and accounts anew. The caller holds mu.
func (s *UnifiedTaskScheduler) reportSilence() {
	s.sched.silence = silence{make(map[store.ScheduleKey]bool), make(map[store.ScheduleKey]*vet.Row), make(map[store.ScheduleKey]*vet.Row), true}
	for key := range s.sched.rows {
		s.noteSilence(key)
	}
	s.tellSilence()
}

// noteSilence looks at one row.
func (s *UnifiedTaskScheduler) noteSilence(key store.ScheduleKey) {
	quiet, r, now := &s.sched.silence, s.sched.rows[key], s.clock.Now()
	runs := r != nil && !r.Disabled
	unserved := runs && key.Account != "" && s.engine.Term.IsResumed() && s.isUnserved(key.Account)
	early := runs && r.IsEarly(now)
	if unserved != quiet.unserved[key] || early || quiet.early[key] != nil {
		quiet.changed = true
	}
	delete(quiet.unserved, key)
	delete(quiet.early, key)
	delete(quiet.pending, key)
	if unserved {
		quiet.unserved[key] = true
	}
	if early {
		quiet.early[key] = r
	}
	if runs && r.Prior != nil && r.WaitsForSession(now) {
		quiet.pending[key] = r
	}
}

// isUnserved reports whether nobody serves an account that nobody has withdrawn, which
// is known once the ledger's state was read.
func (s *UnifiedTaskScheduler) isUnserved(account string) bool {
	known, _ := s.engine.Accounts.Known(account)
	return s.account(account) == nil && known.Withdrawn.IsZero()
}

// tellSilence keeps the conditions. It is called at each tick, as what waits for an
// instant is over by itself.
func (s *UnifiedTaskScheduler) tellSilence() {
	quiet, now := &s.sched.silence, s.clock.Now()
	if len(quiet.early)+len(quiet.pending) > 0 {
		early := len(quiet.early)
		maps.DeleteFunc(quiet.early, func(_ store.ScheduleKey, r *vet.Row) bool { return !r.IsEarly(now) })
		quiet.changed = quiet.changed || len(quiet.early) != early
		maps.DeleteFunc(quiet.pending, func(_ store.ScheduleKey, r *vet.Row) bool { return !r.WaitsForSession(now) })
	}
	if s.engine.Accounts.HasAny() {
		s.clear("accounts")
	} else {
		s.degrade("accounts", answer.NoAccount)
	}
	if !quiet.changed {
		return
	}
	quiet.changed = false
	s.setCondition("unserved", keysText("schedules of accounts that are not enrolled: ", quiet.unserved))
	s.setCondition("early", earlyText(quiet.early))
}

// hasServedRow reports whether any row holds for an account that is served.
func (s *UnifiedTaskScheduler) hasServedRow() bool {
	return s.engine.Accounts.HasAny() && len(s.sched.rows) > len(s.sched.silence.unserved)
}

// keysText names the first of some rows, of which there may be very many.
func keysText[V any](prefix string, rows map[store.ScheduleKey]V) string {
	if len(rows) == 0 {
		return ""
	}
	var first []store.ScheduleKey
	for key := range rows {
		at, _ := slices.BinarySearchFunc(first, key, store.ScheduleKey.Compare)
		if at == oddTasksShown {
			continue
		}
		first = slices.Insert(first, at, key)
		first = first[:min(len(first), oddTasksShown)]
	}
	names := make([]string, len(first))
	for i, key := range first {
		names[i] = key.String()
	}
	return prefix + said.Names(names, len(rows))
}

func earlyText(rows map[store.ScheduleKey]*vet.Row) string {
	var latest time.Time
	for _, r := range rows {
		if from := r.HoldsFrom(); from.After(latest) {
			latest = from
		}
	}
	text := keysText("schedules hold only from the future of this clock: ", rows)
	if text == "" {
		return ""
	}
	return fmt.Sprintf("%s (until %s): is the store's clock another?", text, latest.Format(time.RFC3339))
}

// reportAlmost tells which optional interfaces are implemented almost. The caller holds
// mu, or is New.
func (s *UnifiedTaskScheduler) reportAlmost() {
	found := almost.Find(s.cfg.Schedules, schedulesMayBe)
	found = append(found, almost.Find(s.cfg.Ledger, ledgersMayBe)...)
	found = append(found, almost.Find(s.cfg.Calendar, calendarsMayBe)...)
	for _, v := range s.sched.named {
		found = append(found, almost.Find(v.Source, calendarsMayBe)...)
	}
	found = slices.AppendSeq(found, maps.Keys(s.almost.said))
	slices.Sort(found)
	s.setCondition("almost", join("", slices.Compact(found)))
}

// notices are what an operator should know and nobody need mend.
func (s *UnifiedTaskScheduler) notices() []string {
	var told []string
	if s.term.holder != "" {
		told = append(told, s.heldText())
	}
	quiet := &s.sched.silence
	for _, key := range slices.SortedFunc(maps.Keys(quiet.pending), store.ScheduleKey.Compare) {
		if r := quiet.pending[key]; r.WaitsForSession(s.clock.Now()) {
			told = append(told, r.PendingText())
		}
	}
	return append(told, s.noticeList()...)
}

// heldText says who is active, and until when.
func (s *UnifiedTaskScheduler) heldText() string {
	return fmt.Sprintf("standing by: term %d is held by %s until %s, if it does not renew it",
		s.term.held.Number, s.term.holder, s.term.heldUntil.Round(0).UTC().Format(time.RFC3339))
}

// What a calendar says of the days to come is told before it keeps tasks from running,
// while there is time to do something about it.

// checkAhead keeps the condition of a date of the next weeks that a calendar does not
// know, and finds the sessions that are to be told of. The caller holds mu.
func (s *UnifiedTaskScheduler) checkAhead(v *watchedCalendar, facts vet.Facts, today calendar.Date) {
	last := today.AddDays(vet.CoverageWarning)
	if facts.Covered && facts.Last.Before(last) {
		last = facts.Last // what comes after it is told as the end of the coverage
	}
	unknown := ""
	v.coming = v.coming[:0]
	for d := today; !d.After(last); d = d.AddDays(1) {
		session, err := v.Session(d)
		switch {
		case err == nil && (session.HoursUnknown || session.Kind == calendar.Special):
			v.coming = append(v.coming, session)
		case err != nil && d == today:
			last = today // which has a condition of its own
		case err != nil && unknown == "" && !d.After(today.AddDays(plan.HorizonDays)):
			unknown = fmt.Sprintf("tasks of %v are going to be skipped: %s", d, plan.NotKnown(v.Name(), d, err))
		}
	}
	s.setCondition("ahead "+v.Name(), unknown)
	s.tellComing(v)
}

// tellComing keeps the condition of the sessions that come and whose hours are not
// known, which somebody has to find out, and the notices of those on which tasks do
// not run, which may be as it was meant. The caller holds mu.
func (s *UnifiedTaskScheduler) tellComing(v *watchedCalendar) {
	if !s.sched.loaded {
		return
	}
	read := slices.Contains(s.calendarsInUse(), v)
	var hours, notices []string
	for _, session := range v.coming {
		if !read {
			break // no row is read by it
		}
		hour, notice := s.comingSession(v, session)
		if hour != "" {
			hours = append(hours, hour)
		}
		if notice != "" {
			notices = append(notices, notice)
		}
	}
	if len(v.coming) > 0 || s.isDegraded("hours "+v.Name()) {
		s.setCondition("hours "+v.Name(), join("", hours))
	}
	s.setNotices(v.Name(), notices)
}

// comingSession says which tasks need the hours of a session, if they are not known,
// and which do not run on it as it is a special one.
func (s *UnifiedTaskScheduler) comingSession(v *watchedCalendar, session calendar.Session) (hours, notice string) {
	what := fmt.Sprintf("calendar %s: %v is a %s", v.Name(), session.Date, session.Describe())
	if session.HoursUnknown {
		what += ", whose hours are not known"
	}
	if tasks := s.sched.plan.InNeedOfHours(v.Calendar, session); len(tasks) > 0 {
		hours = fmt.Sprintf("%s: tasks that need them: %s", what, strings.Join(briefly(tasks), ", "))
	}
	if tasks := s.sched.plan.PassedOver(v.Calendar, session); len(tasks) > 0 {
		notice = fmt.Sprintf("%s: tasks that do not run on it: %s", what, strings.Join(briefly(tasks), ", "))
	}
	if hours+notice == "" && session.HoursUnknown {
		notice = what + ": no task needs them"
	}
	return hours, notice
}

// setNotices makes the notices of a calendar those that are shown, and logs each that
// is new.
func (s *UnifiedTaskScheduler) setNotices(calendar string, notices []string) {
	before := s.health.notices[calendar]
	for _, notice := range notices {
		if !slices.Contains(before, notice) {
			s.log.Warn("a session comes that is not like others", "notice", notice)
		}
	}
	if len(notices) == 0 {
		delete(s.health.notices, calendar)
		return
	}
	s.health.notices[calendar] = notices
}

// noticeList returns the notices of all calendars, in a stable order.
func (s *UnifiedTaskScheduler) noticeList() (all []string) {
	for _, calendar := range slices.Sorted(maps.Keys(s.health.notices)) {
		all = append(all, s.health.notices[calendar]...)
	}
	return all
}
