package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

// watched is a watcher of a directory on a fake clock, which shows 08:00 in
// Mumbai on Monday, 2026-11-23.
type watched struct {
	*Watcher
	t     *testing.T
	dir   string
	clock *clockwork.FakeClock
	log   *bytes.Buffer
}

// watch returns a watcher of the given files: name, content, name, content...
func watch(t *testing.T, pairs ...string) *watched {
	w := &watched{
		t: t, dir: t.TempDir(), log: new(bytes.Buffer),
		clock: clockwork.NewFakeClockAt(time.Date(2026, 11, 23, 2, 30, 0, 0, time.UTC)),
	}
	for name, file := range files(pairs...) {
		w.write(name, string(file.Data))
	}
	var err error
	w.Watcher, err = NewWatcher(WatcherConfig{Path: w.dir, Clock: w.clock, Logger: slog.New(slog.NewTextHandler(w.log, nil))})
	require.NoError(t, err)
	return w
}

func (w *watched) write(name, content string) {
	w.t.Helper()
	write(w.t, w.dir, name, content)
}

func (w *watched) remove(name string) {
	w.t.Helper()
	require.NoError(w.t, os.Remove(filepath.Join(w.dir, name)))
}

func (w *watched) live(name string) *Live {
	w.t.Helper()
	c, err := w.Calendar(name)
	require.NoError(w.t, err)
	return c
}

// refused refreshes, and wants that to be refused and the calendars to stay.
func (w *watched) refused(want string) {
	w.t.Helper()
	set := w.Set()
	err := w.Refresh()
	require.ErrorContains(w.t, err, want)
	assert.Same(w.t, set, w.Set(), "the old data stay")
	assert.Equal(w.t, err, w.DataError())
	assert.Equal(w.t, err, w.live("XNSE").DataError())
}

// taken refreshes, and wants that to be taken.
func (w *watched) taken() {
	w.t.Helper()
	require.NoError(w.t, w.Refresh())
	assert.NoError(w.t, w.DataError())
}

const (
	closedToday    = "2026-11-23,closed,,,,Municipal elections,NSE/CMTR/72260\n"
	closedTomorrow = "2026-12-01,closed,,,,Storm,NSE/CMTR/72300\n"
)

func TestWatcherTakesAnOverrideBeforeOnAndAfterTheDay(t *testing.T) {
	for name, now := range map[string]time.Time{
		"before": time.Date(2026, 11, 20, 2, 30, 0, 0, time.UTC),
		"on":     time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC),
		"after":  time.Date(2026, 11, 25, 2, 30, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			w := watch(t)
			w.clock.Advance(now.Sub(w.clock.Now()))
			live := w.live("XNSE")
			before, version := live.Snapshot(), live.Version()
			w.write("XNSE.csv", overrideHeader+closedToday)
			assert.Contains(t, describe(t, live.Now(), "2026-11-23"), "regular session", "nothing changes by itself")
			w.taken()

			assert.Equal(t, "closed: Municipal elections", describe(t, live.Now(), "2026-11-23"))
			assert.NotEqual(t, version, live.Version())
			s, err := live.Session(date(t, "2026-11-23"))
			require.NoError(t, err)
			assert.False(t, s.Open())
			s, err = before.Session(date(t, "2026-11-23"))
			require.NoError(t, err)
			assert.True(t, s.Open(), "a snapshot never changes")
			assert.Contains(t, w.log.String(), "a calendar changed")
			assert.Contains(t, w.log.String(), "calendar=XNSE.FO")
		})
	}
}

func TestWatcherLiveIsACalendar(t *testing.T) {
	w := watch(t)
	c, err := w.Lookup("XNSE.FO")
	require.NoError(t, err)
	want := MustGet("XNSE.FO")
	assert.Equal(t, "XNSE.FO", c.Name())
	assert.Equal(t, want.Location(), c.Location())
	assert.Equal(t, want.Version(), c.(calendar.Versioned).Version())
	assert.Equal(t, want.PhaseNames(), c.(calendar.PhaseLister).PhaseNames())
	assert.Same(t, want, c.(calendar.Snapshotter).Snapshot())
	assert.NoError(t, c.(calendar.DataChecker).DataError())
	from, to := want.Coverage()
	first, last := c.(calendar.Covered).Coverage()
	assert.Equal(t, from, first)
	assert.Equal(t, to, last)
	_, err = c.Session(last.AddDays(1))
	assert.ErrorIs(t, err, calendar.ErrUnknownDate)

	_, err = w.Calendar("XABC")
	assert.ErrorIs(t, err, ErrUnknownCalendar)
	c, err = w.Lookup("XABC")
	assert.ErrorIs(t, err, ErrUnknownCalendar)
	assert.Nil(t, c)
}

func TestWatcherRefusesABadFileAndSaysSoOnce(t *testing.T) {
	w := watch(t, "XNSE.csv", overrideHeader+closedToday)
	bad := overrideHeader + closedToday + "2026-12-32,closed,,,,Storm,\n"
	w.write("XNSE.csv", bad)
	w.refused("XNSE.csv: line 3: date \"2026-12-32\"")
	w.refused("XNSE.csv: line 3: ")
	assert.Equal(t, 1, strings.Count(w.log.String(), "are refused"), "once for one error")
	assert.Equal(t, "closed: Municipal elections", describe(t, w.live("XNSE").Now(), "2026-11-23"))

	w.write("XNSE.csv", strings.Replace(bad, "closed,,,,Storm", "shut,,,,Storm", 1))
	w.refused(`XNSE.csv: line 3: status: "shut"`)
	assert.Equal(t, 2, strings.Count(w.log.String(), "are refused"), "and again for another")

	w.write("XNSE.csv", strings.Replace(bad, "12-32", "12-01", 1))
	w.taken()
	assert.Contains(t, w.log.String(), "well again")
	assert.Equal(t, "closed: Storm", describe(t, w.live("XNSE").Now(), "2026-12-01"))
	w.taken()
	assert.Equal(t, 1, strings.Count(w.log.String(), "well again"))
}

func TestWatcherIsWellAgainWithTheOldFile(t *testing.T) {
	w := watch(t, "XNSE.csv", overrideHeader+closedToday)
	set := w.Set()
	w.write("XNSE.csv", "gone wrong")
	w.refused("XNSE.csv: line 1: want the header")
	w.write("XNSE.csv", overrideHeader+closedToday)
	w.taken()
	assert.Same(t, set, w.Set(), "what was read before is not read again")
}

func TestWatcherDoesNotReadTheSameBytesAgain(t *testing.T) {
	w := watch(t, "XNSE.csv", overrideHeader+closedToday, "XTST.json", smallMarket)
	set := w.Set()
	w.write("XNSE.csv", overrideHeader+closedToday)
	w.taken()
	assert.Same(t, set, w.Set())
	assert.Empty(t, w.log.String())
	w.write("XTST.json", smallMarket+"\n")
	w.taken()
	assert.NotSame(t, set, w.Set())
	assert.Empty(t, w.log.String(), "other bytes that say the same change no calendar")
}

func TestWatcherRefusesWhatShrank(t *testing.T) {
	const secondWindow = "2026-12-05,special,,11:30,12:30,,\n"
	overrides := overrideHeader + "2026-11-20,closed,,,,Past,\n" + closedToday + closedTomorrow +
		"2026-12-05,special,,09:15,10:00,Drill,\n" + secondWindow
	tests := map[string]struct {
		file, content, want string
	}{
		"a day from today on is gone":           {"XNSE.csv", overrideHeader + closedTomorrow, "XNSE.csv: shrank: it has 1 entries from 2026-11-23 on, and had 4"},
		"the second window of a day is cut off": {"XNSE.csv", strings.TrimSuffix(overrides, secondWindow), "XNSE.csv: shrank: it has 3 entries from 2026-11-23 on, and had 4"},
		"all days are gone":                     {"XNSE.csv", overrideHeader, "XNSE.csv: shrank: it has 0 entries from 2026-11-23 on, and had 4"},
		"the file is empty":                     {"XNSE.csv", "", "XNSE.csv: line 1: want the header"},
		"the market lost a day": {
			"XTST.json", strings.Replace(smallMarket, ",\n    {\"date\": \"2026-12-25\", \"status\": \"closed\", \"name\": \"Christmas\"}", "", 1),
			"XTST.json: shrank: it has 2 entries from 2026-11-23 on, and had 3",
		},
		"the market covers less": {
			"XTST.json", strings.Replace(smallMarket, `"2026-12-31"`, `"2026-12-30"`, 2),
			"XTST: shrank: it covers 2026-11-16 to 2026-12-30, and covered 2026-11-16 to 2026-12-31",
		},
		"the market covers less at its start": {
			"XTST.json", strings.ReplaceAll(smallMarket, `"2026-11-16"`, `"2026-11-17"`),
			"XTST.FO: shrank: it covers 2026-11-17 to 2026-12-31",
		},
		"a calendar is gone": {
			"XTST.json", strings.ReplaceAll(smallMarket, "XTST.FO", "XTST.F2"),
			"XTST.FO: the calendar is gone",
		},
		"another zone": {
			"XTST.json", strings.Replace(smallMarket, "Asia/Kolkata", "Asia/Colombo", 1),
			"XTST: is in the zone Asia/Colombo, and was in Asia/Kolkata",
		},
		"a new file hides embedded calendars": {
			"XNSE.json", strings.ReplaceAll(smallMarket, "XTST", "XNSE"),
			"XNSE.CAS: the calendar is gone",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := watch(t, "XNSE.csv", overrides, "XTST.json", smallMarket)
			w.write(tt.file, tt.content)
			w.refused(tt.want)
			if tt.file == "XTST.json" { // a new watcher takes whatever is there
				w.write("XNSE.csv", overrideHeader)
				_, err := NewWatcher(WatcherConfig{Path: w.dir, Clock: w.clock})
				assert.NoError(t, err)
			}
		})
	}
}

// at sets the clock to a time in Mumbai.
func (w *watched) at(text string) {
	w.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, w.live("XNSE").Location())
	require.NoError(w.t, err)
	w.clock.Advance(at.Sub(w.clock.Now()))
}

// A past row stays as long as its date may count in a period, whatever else the edit
// brings, and goes then.
func TestWatcherKeepsThePastThatCounts(t *testing.T) {
	const past = "2026-01-02,closed,,,,Past,\n"
	whole := overrideHeader + past + closedToday
	without := overrideHeader + closedToday
	for _, tt := range []struct{ now, content, want string }{
		{"2026-11-23 08:00", without, "XNSE.csv: an entry of 2026-01-02 is gone: those of 2026 stay until the end of January 2027"},
		{"2026-11-23 08:00", without + closedTomorrow + "2026-12-02,closed,,,,Storm,\n", "an entry of 2026-01-02 is gone"},
		{"2026-11-23 23:59", overrideHeader + past, "shrank: it has 0 entries from 2026-11-23 on, and had 1"},
		{"2026-11-24 00:00", overrideHeader + past, "an entry of 2026-11-23 is gone"},
		{"2027-01-31 23:59", without, "an entry of 2026-01-02 is gone"},
		{"2027-02-01 00:00", without, ""},
		{"2027-02-01 00:00", strings.Replace(without, "Municipal", "Local", 1), ""},
	} {
		w := watch(t, "XNSE.csv", whole)
		w.at(tt.now)
		w.write("XNSE.csv", tt.content)
		if tt.want == "" {
			w.taken()
			continue
		}
		w.refused(tt.want)
		assert.Equal(t, "closed: Past", describe(t, w.live("XNSE").Now(), "2026-01-02"))
		w.write("XNSE.csv", whole)
		w.taken()
	}
}

func TestWatcherKeepsAWindowOfAPastDay(t *testing.T) {
	const one, two = "2026-11-21,special,,09:15,10:00,Drill,\n", "2026-11-21,special,,11:30,12:30,,\n"
	w := watch(t, "XNSE.csv", overrideHeader+one+two+closedToday)
	w.write("XNSE.csv", overrideHeader+one+closedToday)
	w.refused("an entry of 2026-11-21 is gone")
}

// A file that lost its end, or everything, is refused when none of its dates lies
// ahead, and years later.
func TestWatcherRefusesACutOffFileWhateverTheDate(t *testing.T) {
	whole := overrideHeader + closedToday + closedTomorrow
	noDays := strings.Split(smallMarket, `"days": [`)[0] + `"days": []` + strings.Split(smallMarket, `"name": "Christmas"}`+"\n  ]")[1]
	for _, now := range []string{"2026-11-20 12:00", "2026-12-26 12:00", "2029-06-01 12:00"} {
		w := watch(t, "XNSE.csv", whole, "XTST.json", smallMarket)
		w.at(now)
		for _, tt := range []struct{ file, content, intact string }{
			{"XNSE.csv", overrideHeader, whole},
			{"XNSE.csv", overrideHeader + closedToday, whole},
			{"XNSE.csv", strings.TrimSuffix(overrideHeader+closedToday, "\n"), whole},
			{"XTST.json", noDays, smallMarket},
		} {
			w.write(tt.file, tt.content)
			w.refused(tt.file + ": ")
			assert.Equal(t, "closed: Storm", describe(t, w.live("XNSE").Now(), "2026-12-01"))
			assert.Equal(t, "closed: Christmas", describe(t, w.live("XTST").Now(), "2026-12-25"), now)
			w.write(tt.file, tt.intact)
			w.taken()
		}
		w.write("XNSE.csv", strings.TrimSuffix(whole, "\n"))
		w.taken() // no row is missing
	}
}

// At a start nobody knows what a file was, but for a market's that replaces the
// embedded one.
func TestLoadRefusesAnEmptiedMarket(t *testing.T) {
	emptied := func(edit func(m *Market)) string {
		m := Frozen(t)
		m.Days, m.Settlement = []Day{}, nil
		edit(&m)
		data, err := json.Marshal(m)
		require.NoError(t, err)
		return string(data)
	}
	_, err := LoadFS(files("XNSE.json", emptied(func(*Market) {})))
	require.ErrorContains(t, err, "XNSE.json: days: the list is empty, and the embedded data have 1")
	assert.ErrorContains(t, err, "dated days from 2019-01-01 to 2026-12-31")

	beyond := emptied(func(m *Market) {
		m.From, m.To = date(t, "2040-01-01"), date(t, "2040-12-31")
		for i := range m.Segments {
			m.Segments[i].Eras = m.Segments[i].Eras[:1]
			m.Segments[i].Eras[0].From = m.From
		}
	})
	_, err = LoadFS(files("XNSE.json", beyond))
	assert.NoError(t, err, "of that time the embedded data know nothing")
	_, err = LoadFS(files("XTST.json", strings.ReplaceAll(beyond, "XNSE", "XTST")))
	assert.NoError(t, err, "a market of one's own may have none")
}

func TestWatcherMovesAHoliday(t *testing.T) {
	w := watch(t, "XNSE.csv", overrideHeader+closedTomorrow)
	w.write("XNSE.csv", overrideHeader+strings.Replace(closedTomorrow, "12-01", "12-02", 1))
	w.taken()
	assert.Contains(t, describe(t, w.live("XNSE").Now(), "2026-12-01"), "regular session")
	assert.Equal(t, "closed: Storm", describe(t, w.live("XNSE").Now(), "2026-12-02"))
}

func TestWatcherKeepsAWithdrawalWhoseLineIsLost(t *testing.T) {
	w := watch(t, "XNSE.csv", overrideHeader+closedToday+"2026-11-23,withdrawn,,,,,\n")
	w.write("XNSE.csv", overrideHeader+closedToday)
	w.refused("XNSE.csv: shrank: it has 1 entries from 2026-11-23 on, and had 2")
	assert.Contains(t, describe(t, w.live("XNSE").Now(), "2026-11-23"), "regular session")
}

func TestWatcherTakesAWithdrawal(t *testing.T) {
	w := watch(t, "XNSE.csv", overrideHeader+closedToday)
	live := w.live("XNSE")
	original := MustGet("XNSE").Version()
	assert.NotEqual(t, original, live.Version())
	w.write("XNSE.csv", overrideHeader+strings.Replace(closedToday, "closed", "withdrawn", 1))
	w.taken()
	assert.Equal(t, original, live.Version(), "the day is what the data below say")
	w.write("XNSE.csv", overrideHeader+strings.Replace(closedToday, "closed", "withdrawn", 1)+closedToday)
	w.taken()
	assert.Equal(t, "closed: Municipal elections", describe(t, live.Now(), "2026-11-23"))
	w.write("XNSE.csv", overrideHeader+closedToday+"2026-11-23,withdrawn,,,,,\n")
	w.taken()
	assert.Equal(t, original, live.Version())
}

func TestWatcherSeesAFileThatIsHalfWritten(t *testing.T) {
	whole := overrideHeader + closedToday + closedTomorrow
	w := watch(t, "XNSE.csv", whole)
	for n := range len(whole) {
		w.write("XNSE.csv", whole[:n])
		_ = w.Refresh() // refused but for the last bytes, which are of a source
		now := w.live("XNSE").Now()
		require.Equal(t, "closed: Municipal elections", describe(t, now, "2026-11-23"), "after %d bytes", n)
		require.Equal(t, "closed: Storm", describe(t, now, "2026-12-01"), "after %d bytes", n)
	}
	w.write("XNSE.csv", whole)
	w.taken()

	w = watch(t, "XTST.json", smallMarket)
	for n := range len(smallMarket) - 1 {
		w.write("XTST.json", smallMarket[:n])
		w.refused("XTST.json: ")
	}
}

func TestWatcherOutlivesAFileThatIsGoneAndBack(t *testing.T) {
	w := watch(t, "XNSE.csv", overrideHeader+closedToday)
	w.remove("XNSE.csv")
	w.refused("XNSE.csv: the file is gone")
	w.write("XNSE.csv", overrideHeader+closedToday+closedTomorrow)
	w.taken()
	assert.Equal(t, "closed: Storm", describe(t, w.live("XNSE").Now(), "2026-12-01"))

	moved := w.dir + ".old"
	require.NoError(t, os.Rename(w.dir, moved))
	w.refused("no such file or directory")
	require.NoError(t, os.Rename(moved, w.dir))
	w.taken()
}

func TestWatcherOfOneFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "XNSE.csv", overrideHeader+closedToday)
	write(t, dir, "notes.txt", "not looked at")
	w, err := NewWatcher(WatcherConfig{Path: filepath.Join(dir, "XNSE.csv"), Clock: clockwork.NewFakeClock(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	write(t, dir, "XNSE.csv", overrideHeader+closedToday+closedTomorrow)
	require.NoError(t, w.Refresh())
	live, err := w.Calendar("XNSE.CAS")
	require.NoError(t, err)
	assert.Equal(t, "closed: Storm", describe(t, live.Now(), "2026-12-01"))
	require.NoError(t, os.Remove(filepath.Join(dir, "XNSE.csv")))
	assert.ErrorIs(t, w.Refresh(), os.ErrNotExist)
	assert.Equal(t, "closed: Storm", describe(t, live.Now(), "2026-12-01"))
}

func TestNewWatcherRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "XNSE.csv", "bad")
	for want, cfg := range map[string]WatcherConfig{
		"watcher: Path: a directory or a file is required": {},
		"watcher: Interval: -1s is negative":               {Path: dir, Interval: -time.Second},
		"XNSE.csv: line 1: want the header":                {Path: dir},
		"no such file or directory":                        {Path: filepath.Join(dir, "none")},
	} {
		w, err := NewWatcher(cfg)
		assert.ErrorContains(t, err, want)
		assert.Nil(t, w)
	}
}

// lines is a log handler that hands each message on.
type lines struct {
	slog.Handler
	messages chan string
}

func (l lines) Enabled(context.Context, slog.Level) bool { return true }
func (l lines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l lines) Handle(_ context.Context, r slog.Record) error {
	l.messages <- r.Message
	return nil
}

func TestWatcherRunsOnTheClock(t *testing.T) {
	dir, clock := t.TempDir(), clockwork.NewFakeClockAt(time.Date(2026, 11, 23, 2, 30, 0, 0, time.UTC))
	write(t, dir, "XTST.json", smallMarket)
	logged := lines{messages: make(chan string)}
	w, err := NewWatcher(WatcherConfig{Path: dir, Clock: clock, Logger: slog.New(logged)})
	require.NoError(t, err)
	live, err := w.Calendar("XTST")
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	require.NoError(t, clock.BlockUntilContext(t.Context(), 1))
	write(t, dir, "XTST.csv", overrideHeader+"2026-11-23,closed,,,,Storm,\n")
	clock.Advance(DefaultInterval - time.Nanosecond)
	assert.Contains(t, describe(t, live.Now(), "2026-11-23"), "regular session")
	clock.Advance(time.Nanosecond)
	assert.Equal(t, "a calendar changed", <-logged.messages)
	assert.Equal(t, "a calendar changed", <-logged.messages)
	assert.Equal(t, "closed: Storm", describe(t, live.Now(), "2026-11-23"))

	require.NoError(t, os.Remove(filepath.Join(dir, "XTST.csv")))
	clock.Advance(DefaultInterval)
	assert.Contains(t, <-logged.messages, "refused")
	assert.ErrorContains(t, live.DataError(), "XTST.csv: the file is gone")

	cancel()
	assert.NoError(t, <-ended)
}

func TestWatcherIsSafeForConcurrentUse(t *testing.T) {
	dir := t.TempDir()
	one := overrideHeader + "2026-11-23,closed,,,,Storm,\n"
	two := overrideHeader + "2026-11-23,closed,,,,Storm,\n2026-11-25,closed,,,,Storm,\n"
	write(t, dir, "XTST.json", smallMarket)
	write(t, dir, "XTST.csv", one)
	w, err := NewWatcher(WatcherConfig{Path: dir, Clock: clockwork.NewFakeClock(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	live, err := w.Calendar("XTST.FO")
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 20 {
				_ = w.Refresh() // it may meet a file that is being written
				s, err := live.Session(calendar.Date{Year: 2026, Month: time.November, Day: 23})
				assert.NoError(t, err)
				assert.False(t, s.Open())
				_ = live.DataError()
			}
		})
	}
	for i := range 20 {
		write(t, dir, "XTST.csv", []string{two, one}[i%2])
	}
	all.Wait()
	write(t, dir, "XTST.csv", two)
	require.NoError(t, w.Refresh())
	assert.Equal(t, "closed: Storm", describe(t, live.Now(), "2026-11-25"))
}
