package tradeclock

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// TestRule05_CuttingARangeNeverChangesWhatIsDue plans made-up schedules over made-up
// ranges, whole and cut at made-up points, and compares with the oracle.
func TestRule05_CuttingARangeNeverChangesWhatIsDue(t *testing.T) {
	var due, skipped int
	for seed := range uint64(300) {
		for _, o := range checkPlan(t, seed, nil, wholePlans) {
			due++
			if o.skipped {
				skipped++
			}
		}
	}
	assert.Greater(t, due, 10_000, "the worlds have something to plan")
	assert.Greater(t, skipped, 500)
	assert.Less(t, skipped, due/2)
}

// planSize is how much there may be of what is made up.
type planSize struct {
	tasks  int
	ranges []time.Duration // the longest ones
	cuts   int
}

var (
	wholePlans = planSize{tasks: 7, ranges: []time.Duration{10 * time.Minute, 26 * time.Hour, planDays * 24 * time.Hour}, cuts: 40}
	// The oracle looks at every quarter of a minute of a window: with little to look at,
	// thousands of worlds are tried in the seconds that fuzzing has.
	quickPlans = planSize{tasks: 4, ranges: []time.Duration{26 * time.Hour, 72 * time.Hour}, cuts: 8}
)

// FuzzPlanCut does the same for any small world and any cuts, which are given as two
// bytes each: how far into the range.
func FuzzPlanCut(f *testing.F) {
	for seed := range uint64(50) { // half of the worlds have nothing due
		f.Add(seed, []byte{17, 3, 17, 4, 128, 0})
	}
	f.Fuzz(func(t *testing.T, seed uint64, cuts []byte) {
		if len(cuts) > 16 {
			cuts = cuts[:16]
		}
		checkPlan(t, seed, cuts, quickPlans)
	})
}

// checkPlan compares three plans of one world with the oracle: of the whole range,
// of its pieces by one snapshot, and of its pieces by a fresh one each. It makes up
// more cuts.
func checkPlan(t *testing.T, seed uint64, cuts []byte, size planSize) []planDue {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 5))
	w := newPlanWorld(seed, random, size.tasks)
	from, to := w.someRange(random, size.ranges)
	points := []time.Time{from, to}
	for ; len(cuts) >= 2; cuts = cuts[2:] {
		share := time.Duration(cuts[0])<<8 | time.Duration(cuts[1])
		points = append(points, from.Add(to.Sub(from)/65536*share))
	}
	for range random.IntN(size.cuts) {
		points = append(points, from.Add(time.Duration(random.Int64N(int64(to.Sub(from))))))
	}
	want := sorted(w.due(from, to))
	points = w.cutAtDueTimes(points, want, random)

	fresh := func() *snapshot { return newSnapshot(w.rows(t), func(*calendarView) calendar.Calendar { return w }) }
	whole := w.planned(fresh().plan(from, to))
	w.same(t, want, whole, "the whole range")

	one := fresh()
	var pieces, afresh []planDue
	for i := range points[1:] {
		pieces = append(pieces, w.planned(one.plan(points[i], points[i+1]))...)
		afresh = append(afresh, w.planned(fresh().plan(points[i], points[i+1]))...)
		w.checkNext(t, one, points[i+1], want) // as a tick does, which goes on from there
		if i%3 == 0 {
			w.checkNext(t, one, points[i], want)
		}
	}
	w.same(t, want, pieces, "the pieces")
	w.same(t, want, afresh, "the pieces, each planned afresh,")
	return want
}

// cutAtDueTimes adds cuts at, just before and just after what is due, and puts the
// points in order.
func (w *planWorld) cutAtDueTimes(points []time.Time, due []planDue, random *rand.Rand) []time.Time {
	from, to := points[0], points[1]
	for range 12 {
		if len(due) == 0 {
			break
		}
		at := due[random.IntN(len(due))].due.Add(time.Duration(random.IntN(3)-1) * time.Nanosecond)
		if at.After(from) && at.Before(to) {
			points = append(points, at)
		}
	}
	slices.SortFunc(points, time.Time.Compare)
	return points
}

// checkNext holds the next due time after an instant to what is due: it may be too
// early only where the calendar is unsure, and never too late.
func (w *planWorld) checkNext(t *testing.T, sn *snapshot, after time.Time, want []planDue) {
	t.Helper()
	next, found := sn.next(after)
	i := slices.IndexFunc(want, func(o planDue) bool { return o.due.After(after) })
	if i < 0 {
		return
	}
	require.False(t, next.After(want[i].due), "the next after %v is %v, and %v is due at %v", after, next, want[i].task, want[i].due)
	if found && !slices.ContainsFunc(sn.markets, func(m *market) bool { return len(m.unsure) > 0 }) {
		require.Equal(t, want[i].due.UTC(), next.UTC(), "the next after %v", after)
	}
}

// rows are the vetted rows, none of which may be refused.
func (w *planWorld) rows(t *testing.T) []*row {
	t.Helper()
	var schedules []Schedule
	for _, task := range w.tasks {
		schedules = append(schedules, task.Schedule)
	}
	view := newCalendarView(w, w.loc)
	rows, bad := vetRows(schedules, func(string) (*calendarView, error) { return view, nil }, func(string) error { return nil })
	require.Empty(t, bad, "world %v", w)
	return rows
}

// planned multiplies a plan by the accounts.
func (w *planWorld) planned(plan []occurrence) (all []planDue) {
	for _, o := range plan {
		for _, account := range w.accounts {
			if o.row.holdsFor(account) {
				all = append(all, planDue{o.due.UTC(), account, o.row.Task, o.slot, o.session, o.skip != ""})
			}
		}
	}
	return sorted(all)
}

func sorted(all []planDue) []planDue {
	slices.SortFunc(all, func(a, b planDue) int {
		return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.account, b.account), cmp.Compare(a.task, b.task),
			cmp.Compare(a.slot, b.slot), a.session.Compare(b.session))
	})
	return all
}

// same fails the test at the first difference between two plans.
func (w *planWorld) same(t *testing.T, want, got []planDue, of string) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		if at := (planDue{}); pick(want, i, at) != pick(got, i, at) {
			t.Fatalf("%s of world %v\nat occurrence %d\nwant %v\ngot  %v", of, w, i, pick(want, i, at), pick(got, i, at))
		}
	}
}

func pick(all []planDue, i int, none planDue) planDue {
	if i < len(all) {
		return all[i]
	}
	return none
}

func (w *planWorld) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "seed %d, in %v from %v:", w.seed, w.loc, w.first)
	for _, t := range w.tasks {
		fmt.Fprintf(&text, "\n\t%s: %v, sessions %v, since %v, disabled %t", rowName(t.Task, t.Account), t.Rule, t.Sessions, t.Since, t.Disabled)
		if t.prior != nil {
			fmt.Fprintf(&text, ", before %v", t.prior.Rule)
		}
	}
	text.WriteByte('\n')
	return text.String()
}

// planPlaces are zones, and days around which their clocks change or do not.
var planPlaces = []struct {
	zone   string
	around []string
}{
	{"UTC", []string{"2026-02-27", "2027-12-30"}},
	{"Asia/Kolkata", []string{"2026-11-20", "2028-02-27"}},
	{"America/New_York", []string{"2026-03-06", "2026-10-29", "2026-06-10"}},
	{"Europe/London", []string{"2026-03-26", "2026-10-23", "2026-12-29"}},
	{"Australia/Lord_Howe", []string{"2026-04-02", "2026-10-01", "2026-07-01"}},
	{"Pacific/Apia", []string{"2011-12-26", "2012-03-29", "2011-09-21"}},
}

const planDays = 12

// newPlanWorld makes up a world of a few days with no more than most tasks.
func newPlanWorld(seed uint64, random *rand.Rand, most int) *planWorld {
	place := planPlaces[random.IntN(len(planPlaces))]
	loc, err := time.LoadLocation(place.zone)
	if err != nil {
		panic(err)
	}
	first, err := calendar.ParseDate(place.around[random.IntN(len(place.around))])
	if err != nil {
		panic(err)
	}
	w := &planWorld{
		seed: seed, loc: loc, first: first, accounts: []string{"", "a", "b"},
		sessions: make(map[calendar.Date]calendar.Session), instants: make(map[planWall]time.Time),
	}
	w.makeSessions(random)
	for i := range 1 + random.IntN(most) {
		w.makeTask(fmt.Sprintf("t%d", i), random)
	}
	return w
}

// someRange is a range among the days, no longer than one of the longest.
func (w *planWorld) someRange(random *rand.Rand, ranges []time.Duration) (from, to time.Time) {
	from = w.instant(w.first, 0).Add(time.Duration(random.Int64N(int64(planDays * 24 * time.Hour))))
	longest := ranges[random.IntN(len(ranges))]
	to = from.Add(time.Duration(1 + random.Int64N(int64(longest))))
	if random.IntN(2) == 0 {
		from, to = from.Truncate(time.Minute), to.Truncate(time.Minute).Add(time.Minute)
	}
	return from, to
}

// makeSessions makes days of all kinds. The calendar knows nothing outside of them,
// and in some worlds nothing of some of them.
func (w *planWorld) makeSessions(random *rand.Rand) {
	doubtful := random.IntN(3) == 0
	for i := -25; i < 2*planDays+20; i++ {
		s := calendar.Session{Date: w.first.AddDays(i), Kind: calendar.SessionKind(random.IntN(4))}
		switch {
		case doubtful && random.IntN(6) == 0:
			continue // unknown
		case doubtful && s.Open() && random.IntN(6) == 0:
			s.HoursUnknown = true
		case s.Open():
			s.Phases = w.somePhases(s.Date, random)
		}
		w.sessions[s.Date] = s
	}
}

// somePhases are of a day session, of one at night when clocks change, or of one
// with a break.
func (w *planWorld) somePhases(date calendar.Date, random *rand.Rand) (phases []calendar.Phase) {
	quarter := func(hours int) calendar.WallTime { return calendar.WallTime(hours*3600 + random.IntN(4)*900) }
	add := func(name string, from, to calendar.WallTime) {
		p := calendar.Phase{Name: name, Start: w.instant(date, from), End: w.instant(date, to)}
		if p.End.After(p.Start) {
			phases = append(phases, p)
		}
	}
	begin := []int{0, 1, random.IntN(15)}[random.IntN(3)]
	if random.IntN(3) > 0 {
		add(calendar.PhasePreOpen, quarter(begin), quarter(begin)+3600)
	}
	if random.IntN(6) > 0 {
		add(calendar.PhaseRegular, quarter(begin+2), quarter(begin+4))
		if random.IntN(3) == 0 {
			add(calendar.PhasePreOpen, quarter(begin+4), quarter(begin+5))
		}
		if random.IntN(2) == 0 {
			add(calendar.PhaseRegular, quarter(begin+5), quarter(begin+7))
		}
	}
	if random.IntN(3) == 0 {
		add(calendar.PhaseClosingAuction, quarter(begin+8), quarter(begin+9))
	}
	return phases
}

// makeTask adds a task: a row for all accounts, one for a single account, or both.
func (w *planWorld) makeTask(name string, random *rand.Rand) {
	if random.IntN(4) > 0 {
		w.tasks = append(w.tasks, w.someTask(name, "", random))
	}
	if random.IntN(3) == 0 || len(w.tasks) == 0 || w.tasks[len(w.tasks)-1].Task != name {
		account := []string{"a", "b"}[random.IntN(2)]
		w.tasks = append(w.tasks, w.someTask(name, account, random))
	}
}

func (w *planWorld) someTask(name, account string, random *rand.Rand) planTask {
	t := w.someRule(w.bases(name, account), random)
	t.Task, t.Account = name, account
	t.Disabled = random.IntN(10) == 0
	if random.IntN(2) == 0 {
		t.Sessions = calendar.SessionSet(random.IntN(1 << 4))
	}
	if random.IntN(3) == 0 {
		t.Since = w.instant(w.first, 0).Add(time.Duration(random.IntN(planDays*24*60)) * time.Minute)
	}
	if _, _, nth := t.filter.Nth(); nth {
		t.Sessions &^= calendar.EveryDay
	}
	if !t.Since.IsZero() && t.base == "" && random.IntN(2) == 0 {
		if before := w.someRule(nil, random); before.kind != t.kind {
			t.prior, t.Prior = &before, before.Rule
		}
	}
	return t
}

// someRule is a rule of any kind, and comes after one of the bases if there are any.
// It may have a filter.
func (w *planWorld) someRule(bases []string, random *rand.Rand) planTask {
	t := w.someBareRule(bases, random)
	if t.kind != rule.KindOnce && random.IntN(3) == 0 {
		t.filter = someFilter(random)
		t.Rule = rule.On(t.Rule, t.filter)
	}
	return t
}

func someFilter(random *rand.Rand) rule.Filter {
	if random.IntN(3) == 0 {
		first := time.Weekday(random.IntN(7))
		return rule.OnWeekdays(first, (first+2)%7, (first+3)%7, (first+4)%7)
	}
	n := 1 + random.IntN(3)
	if random.IntN(2) == 0 {
		n = -n
	}
	return rule.NthSession(n, []calendar.Period{calendar.Week, calendar.Week, calendar.Week, calendar.Month, calendar.Month, calendar.Quarter, calendar.Year}[random.IntN(7)])
}

func (w *planWorld) someBareRule(bases []string, random *rand.Rand) planTask {
	if len(bases) > 0 && random.IntN(4) == 0 {
		t := planTask{kind: rule.KindAfter, base: bases[random.IntN(len(bases))]}
		t.interval = time.Duration(random.IntN(5*24*60)) * time.Minute
		if random.IntN(2) == 0 {
			t.interval = time.Duration(random.IntN(20)) * planStep
		}
		t.Rule = rule.After(t.base, t.interval)
		return t
	}
	t := planTask{from: w.someMoment(random)}
	switch random.IntN(4) {
	case 0:
		t.kind = rule.KindDaily
		if t.from.Anchor != "" && random.IntN(2) == 0 {
			t.kind, t.from = rule.KindEach, t.from.In(rule.EachWindow)
		}
		t.Rule = rule.Daily(t.from)
	case 1:
		t.kind, t.date = rule.KindOnce, w.first.AddDays(random.IntN(planDays))
		t.Rule = rule.Once(t.date, t.from)
	case 2:
		t.kind = rule.KindHourly
		t.from, t.to = w.someWindow(random)
		t.Rule = rule.Hourly(t.from, t.to)
	default:
		t.kind = rule.KindEvery
		t.from, t.to = w.someWindow(random)
		t.interval = []time.Duration{4, 20, 24, 28, 60, 400}[random.IntN(6)] * planStep
		t.Rule = rule.Every(t.interval, t.from, t.to)
	}
	return t
}

// bases are the other tasks that a row of the account may come after: those that
// all accounts have, or the account itself.
func (w *planWorld) bases(name, account string) (bases []string) {
	for _, t := range w.tasks {
		if t.Task != name && (t.Account == "" || t.Account == account) {
			bases = append(bases, t.Task)
		}
	}
	return bases
}

var planAnchors = []string{
	"open", "close", calendar.PhasePreOpen, calendar.PhasePreOpen + ".end", calendar.PhaseClosingAuction, calendar.PhaseClosingAuction + ".end", calendar.PhaseRegular + ".end",
}

func (w *planWorld) someMoment(random *rand.Rand) rule.Moment {
	switch random.IntN(5) {
	case 0, 1: // also in the evening before, or on the morning after
		offset := time.Duration(random.IntN(24*60)-12*60) * 2 * planStep
		return rule.AtAnchor(planAnchors[random.IntN(len(planAnchors))], offset).In(rule.Window(random.IntN(3)))
	case 2:
		return rule.Moment{Wall: calendar.WallTime(random.IntN(3*24*240)) * 15} // also on a day after
	case 3:
		return rule.Moment{Wall: calendar.WallTime(random.IntN(4*240)) * 15} // when clocks change
	}
	return rule.Moment{Wall: calendar.WallTime(random.IntN(24*240)) * 15}
}

// someWindow is between two wall times, two anchors or one of each, and never
// refused beforehand.
func (w *planWorld) someWindow(random *rand.Rand) (from, to rule.Moment) {
	wall := func(first, count int) rule.Moment {
		return rule.Moment{Wall: calendar.WallTime(first+random.IntN(count)) * 15}
	}
	offset := func() time.Duration { return time.Duration(random.IntN(80)-40) * time.Minute }
	switch random.IntN(6) {
	case 0:
		return wall(0, 3*240), wall(3*240, 21*240)
	case 1:
		return wall(9*240, 240), wall(15*240, 240)
	case 2:
		return rule.Moment{}, rule.Moment{Wall: calendar.EndOfDay}
	case 3:
		return rule.AtAnchor("open", offset()), rule.AtAnchor("close", offset())
	case 4:
		return rule.AtAnchor("open", offset()).In(rule.Window(random.IntN(3))), rule.AtAnchor("close", offset()).In(rule.Window(random.IntN(3)))
	}
	return wall(0, 240), rule.AtAnchor("close", offset())
}
