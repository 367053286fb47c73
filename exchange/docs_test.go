package exchange_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/trading"
)

// The tests here hold docs/calendars.md to what is true.

func documentation(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("../docs/calendars.md")
	require.NoError(t, err)
	return string(content)
}

var fence = regexp.MustCompile("(?ms)^ *```([a-z]*) ?([A-Z.]*)\n(.*?)^ *```$")

// blocks returns the code blocks of a language, with the word after it.
func blocks(t *testing.T, language string) (texts, words []string) {
	t.Helper()
	for _, match := range fence.FindAllStringSubmatch(documentation(t), -1) {
		if match[1] == language {
			texts, words = append(texts, match[3]), append(words, match[2])
		}
	}
	require.NotEmpty(t, texts)
	return texts, words
}

func TestDocumentationShowsCodeThatCompiles(t *testing.T) {
	source, err := os.ReadFile("docs_example_test.go")
	require.NoError(t, err)
	texts, _ := blocks(t, "go")
	for _, text := range texts {
		indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(text, "\t$1")
		assert.Contains(t, string(source), indented)
	}
}

func TestOverridesOfTheDocumentation(t *testing.T) {
	texts, names := blocks(t, "csv")
	require.Equal(t, []string{"XNSE", "XNSE.FO"}, names)
	m, err := exchange.EmbeddedMarket("XNSE")
	require.NoError(t, err)
	for i, text := range texts {
		overrides, err := exchange.ReadOverrides(strings.NewReader(text))
		require.NoError(t, err)
		m, err = overrides.Apply(m, names[i])
		require.NoError(t, err)
	}
	calendars, err := m.Build()
	require.NoError(t, err)

	want := map[string]string{
		"2026-11-08": "special session: Diwali Laxmi Pujan: Muhurat trading, announced 2026-10-20",
		"2026-11-25": "closed: Day of mourning, announced 2026-11-25",
		"2026-12-05": "special session: Disaster-recovery Saturday",
		"2026-12-12": "regular session: Full session on a Saturday",
		"2026-12-18": "regular session",
	}
	for text, said := range want {
		s, err := calendars[0].Session(factDate(t, text))
		require.NoError(t, err)
		assert.Equal(t, said, s.Describe())
	}
	for _, c := range calendars {
		_, _, err := c.Bounds(factDate(t, "2026-11-08"), calendar.PhasePreOpen)
		assert.Equal(t, c.Name() == "XNSE.FO", err != nil, "futures and options have no pre-open: %v", err)
	}
}

func TestJSONOfTheDocumentation(t *testing.T) {
	texts, _ := blocks(t, "json")
	require.Len(t, texts, 2)
	m, err := exchange.ReadMarket(strings.NewReader(texts[0]))
	require.NoError(t, err)
	calendars, err := m.Build()
	require.NoError(t, err)
	require.Len(t, calendars, 2)
	eve := factDate(t, "2026-12-24")
	_, end, err := calendars[0].OpenClose(eve)
	require.NoError(t, err)
	assert.Equal(t, "12:00", end.In(calendars[0].Location()).Format("15:04"))
	_, end, err = calendars[1].OpenClose(eve)
	require.NoError(t, err)
	assert.Equal(t, "15:30", end.In(calendars[1].Location()).Format("15:04"))

	_, err = exchange.ReadNSEHolidays(strings.NewReader(texts[1]), "CM")
	require.NoError(t, err)
}

func TestDocumentationNamesEveryKeyOfTheData(t *testing.T) {
	text := documentation(t)
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[calendar.Date]() || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			key, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			assert.Contains(t, text, `"`+key+`"`, "the sample")
			if typ != reflect.TypeFor[exchange.Holiday]() && typ != reflect.TypeFor[exchange.Settlement]() {
				assert.Regexp(t, "`([a-z]+\\[\\]\\.)?"+key+"`", text, "the table of keys")
			}
			walk(typ.Field(i).Type)
		}
	}
	walk(reflect.TypeFor[exchange.Market]())
}

func TestDocumentationListsTheMarkets(t *testing.T) {
	rows := make(map[string]string)
	for _, match := range regexp.MustCompile(`(?m)^\| ((?:X|FX)\w+) \|.*$`).FindAllStringSubmatch(documentation(t), -1) {
		rows[match[1]] = match[0]
	}
	for _, f := range readFacts(t, "confidence.csv") {
		m, err := exchange.EmbeddedMarket(f["mic"])
		require.NoError(t, err)
		var names []string
		for _, s := range m.Segments {
			names = append(names, s.Calendar)
		}
		want := fmt.Sprintf("| %s | %s | %s | %s to %s | %s |",
			m.MIC, m.Name, strings.Join(names, ", "), m.From, m.To, f["confidence"])
		assert.Equal(t, want, rows[m.MIC], "the row of %s in the table of markets", m.MIC)
		delete(rows, m.MIC)
	}
	assert.Empty(t, rows, "rows of markets that are not embedded")
}

func TestDocumentationNamesFilesThatExist(t *testing.T) {
	for _, match := range regexp.MustCompile("`((?:facts|internal)/[A-Za-z./-]+)`").FindAllStringSubmatch(documentation(t), -1) {
		assert.FileExists(t, match[1])
	}
	for _, match := range regexp.MustCompile(`\]\((\.\./[A-Za-z./_-]+)\)`).FindAllStringSubmatch(documentation(t), -1) {
		_, err := os.Stat(strings.TrimPrefix(match[1], "../exchange/"))
		assert.NoError(t, err)
	}
}

// licensed is a calendar that does not answer for dates from one on.
type licensed struct {
	*exchange.Sessions
	until calendar.Date
}

func (c licensed) Session(d calendar.Date) (calendar.Session, error) {
	if d.After(c.until) {
		return calendar.Session{}, errors.New("the licence has run out")
	}
	return c.Sessions.Session(d)
}

func (c licensed) Snapshot() calendar.Calendar { return c }

// onOneLine returns a text without its line breaks, over which a quotation may go.
func onOneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// What health and the notices say of the days to come is quoted as it is said.
func TestDocumentationQuotesWhatIsToldOfTheDaysToCome(t *testing.T) {
	quoted := onOneLine(documentation(t))
	rebalance := tradeclock.Schedule{Task: "rebalance", Rule: rule.MustParse("daily close-15m")}
	muhurat := tradeclock.Schedule{Task: "muhurat_report", Sessions: calendar.OnSpecial, Rule: rule.MustParse("daily close+5m")}
	frozen := exchange.FrozenCalendar(t, "XNSE")
	for _, tt := range []struct {
		start, until      string
		cal               calendar.Calendar
		degraded, notices int
	}{
		{"2026-10-23 07:00", "2026-10-23 07:05", frozen, 1, 1},
		{"2026-12-01 07:00", "2026-12-01 07:05", frozen, 1, 0},
		{"2026-11-02 07:00", "2026-11-02 07:05", licensed{frozen, ymd("2026-11-08")}, 2, 1},
	} {
		d := newDesk(t, tt.cal, tt.start, rebalance, muhurat)
		d.until(tt.until)
		status := d.scheduler.Status()
		assert.Len(t, status.Degraded, tt.degraded)
		assert.Len(t, status.Notices, tt.notices)
		for _, text := range append(status.Degraded, status.Notices...) {
			assert.True(t, strings.Contains(quoted, "`"+text+"`"), text)
		}
	}
}

// What the text quotes of days and rows in passing is true, too.
func TestDocumentationQuotesDaysAndRows(t *testing.T) {
	text := onOneLine(documentation(t))
	closed, err := exchange.MustGet("XNSE").Session(ymd("2026-01-15"))
	require.NoError(t, err)
	assert.True(t, strings.Contains(text, `"`+closed.Describe()+`"`), closed.Describe())

	row := regexp.MustCompile("`(2026-[0-9-]+,late_open,[^`]*)`").FindStringSubmatch(text)
	require.Len(t, row, 2)
	late, err := exchange.ReadOverrides(strings.NewReader("date,status,phase,start,end,name,source\n" + row[1]))
	require.NoError(t, err)
	tokyo, err := exchange.EmbeddedMarket("XTKS")
	require.NoError(t, err)
	tokyo, err = late.Apply(tokyo, "XTKS")
	require.NoError(t, err)
	built, err := tokyo.Build()
	require.NoError(t, err)
	s, err := built[0].Session(ymd("2026-12-24"))
	require.NoError(t, err)
	assert.Equal(t, "10:15-11:30 and 12:30-15:25", windows(s, built[0].Location()), "it keeps the close and the break")
}

// The names under which the holiday list is saved are names that are read.
func TestTheNewYearOfTheDocumentationIsRead(t *testing.T) {
	copies := regexp.MustCompile(`(?m)^ *cp \S+ /etc/tradeclock/calendars/((\S{4})\.(\d{4})\S+)$`).FindAllStringSubmatch(documentation(t), -1)
	require.Len(t, copies, 2)
	dir := t.TempDir()
	for _, match := range copies {
		year, err := strconv.Atoi(match[3])
		require.NoError(t, err)
		list := holidayList(t, year)
		require.NoError(t, os.WriteFile(dir+"/"+match[1], list, 0o644))
	}
	set, err := exchange.LoadDir(dir)
	require.NoError(t, err)
	for _, match := range copies {
		c, err := set.Calendar(match[2])
		require.NoError(t, err)
		_, last := c.Coverage()
		assert.GreaterOrEqual(t, last.String(), match[3]+"-12-31")
	}
}

// A close that moves leaves the tasks of regular sessions as they are, whatever the
// line calls the day: it trades as long as any other.
func TestTheLineOfTheDocumentationMovesTheClose(t *testing.T) {
	texts, _ := blocks(t, "sh")
	line := regexp.MustCompile(`echo '(.*)' >>`).FindStringSubmatch(texts[1])
	require.Len(t, line, 2)
	rows := append(trading.DefaultSchedules(), tradeclock.Schedule{Task: "report", Rule: rule.MustParse("daily close+10m")})
	for status, want := range map[string][]string{"regular": {"2026-11-25 17:10"}, "special": {"2026-11-25 17:10"}} {
		d := newWatchedDesk(t, "2026-11-25 08:00", rows...)
		d.until("2026-11-25 14:50")
		d.announce(strings.Replace(line[1], "regular", status, 1))
		d.until("2026-11-25 23:00")
		assert.Equal(t, want, d.ran("report"), status)
		assert.Len(t, d.runs(trading.TaskBuyOrders), 1, status)
	}
}

// The closure that is announced at 08:00 stops what is due later on that day.
func TestTheLineOfTheDocumentationClosesTheDay(t *testing.T) {
	texts, _ := blocks(t, "sh")
	line := regexp.MustCompile(`echo '(.*)' >>`).FindStringSubmatch(texts[0])
	require.Len(t, line, 2)
	dir := t.TempDir()
	file := dir + "/XNSE.csv"
	header := "date,status,phase,start,end,name,source\n"
	require.Contains(t, documentation(t), "`"+strings.TrimSpace(header)+"`")
	require.NoError(t, os.WriteFile(file, []byte(header), 0o644))
	watcher, err := exchange.NewWatcher(exchange.WatcherConfig{Path: dir, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	nse, err := watcher.Calendar("XNSE")
	require.NoError(t, err)
	noon := time.Date(2026, time.November, 25, 6, 30, 0, 0, time.UTC)
	open, err := nse.Now().IsOpen(noon)
	require.NoError(t, err)
	require.True(t, open)

	require.NoError(t, os.WriteFile(file, []byte(header+line[1]+"\n"), 0o644))
	require.NoError(t, watcher.Refresh())
	open, err = nse.Now().IsOpen(noon)
	require.NoError(t, err)
	assert.False(t, open)
}
