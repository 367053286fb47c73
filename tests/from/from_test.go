// Package from holds the guides of docs/from to what is true: their programs compile, since
// they are the commands beside it, their tables are what cron.ParseRule makes, and what they
// say of other libraries is what those do.
package from

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	robfig "github.com/robfig/cron/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	_ "modernc.org/sqlite"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/cron"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/sqlstore"
)

func guide(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/from/" + name + ".md")
	require.NoError(t, err)
	return string(text)
}

func TestTheProgramsOfTheGuides(t *testing.T) {
	fence := regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	for name, commands := range map[string][]string{
		"crontab":     {"crontab"},
		"robfig-cron": {"robfigbefore", "robfigafter"},
		"gocron":      {"gocronbefore", "gocronafter"},
		"apscheduler": {"apschedulerafter"},
	} {
		blocks := fence.FindAllStringSubmatch(guide(t, name), -1)
		require.Len(t, blocks, len(commands), name)
		for i, command := range commands {
			source, err := os.ReadFile(command + "/main.go")
			require.NoError(t, err)
			assert.Equal(t, string(source), blocks[i][1], "%s of %s", command, name)
		}
	}
}

// TestTheTablesOfTheGuides reads each row that begins with an expression.
func TestTheTablesOfTheGuides(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `((?:[\\d*/,-]+ ){4}[\\d*/,-]+|@daily|@hourly)` \\| `([^`]+)` \\|")
	for name, want := range map[string]int{"crontab": 12, "robfig-cron": 5} {
		rows := row.FindAllStringSubmatch(guide(t, name), -1)
		assert.Len(t, rows, want, name)
		for _, cells := range rows {
			r, err := cron.ParseRule(cells[1])
			require.NoError(t, err, cells[1])
			assert.Equal(t, cells[2], r.String(), cells[1])
		}
	}
}

// TestTheRulesOfTheGuides can all be read.
func TestTheRulesOfTheGuides(t *testing.T) {
	quoted := regexp.MustCompile("`((?:daily|hourly|every|once|after) [^`]*\\d[^`]*)`")
	for name, least := range map[string]int{"crontab": 5, "robfig-cron": 5, "gocron": 7, "apscheduler": 7, "hand-written-loop": 7} {
		rules := quoted.FindAllStringSubmatch(guide(t, name), -1)
		assert.GreaterOrEqual(t, len(rules), least, name)
		for _, one := range rules {
			_, err := rule.Parse(one[1])
			assert.NoError(t, err, "%s: %s", name, one[1])
		}
	}
}

// TestTheLinesOfTheCrontab are the expressions of the program that replaces it.
func TestTheLinesOfTheCrontab(t *testing.T) {
	before, after, _ := strings.Cut(guide(t, "crontab"), "## After")
	_, crontab, _ := strings.Cut(before, "```crontab\nCRON_TZ=Asia/Kolkata\n")
	lines := 0
	for line := range strings.Lines(strings.TrimSuffix(crontab, "```\n\n")) {
		lines++
		expression := strings.Join(strings.Fields(line)[:5], " ")
		_, err := cron.ParseRule(expression)
		assert.NoError(t, err)
		assert.Contains(t, after, `line("`+expression+`")`)
	}
	assert.Equal(t, 3, lines)
}

// TestTheClocksOfRobfig are what the guide says that the other library does.
func TestTheClocksOfRobfig(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	on := func(expression string, month time.Month, day int) (times string) {
		schedule, err := robfig.ParseStandard(expression)
		require.NoError(t, err)
		midnight := time.Date(2026, month, day, 0, 0, 0, 0, newYork)
		for at := schedule.Next(midnight.Add(time.Hour - time.Second)); at.Before(midnight.Add(4 * time.Hour)); at = schedule.Next(at) {
			times += at.Format("15:04-07 ")
		}
		return strings.TrimSpace(times)
	}
	assert.Empty(t, on("30 2 * * *", time.March, 8))
	assert.Equal(t, "01:30-04 01:30-05", on("30 1 * * *", time.November, 1))
	assert.Equal(t, "01:00-04 01:30-04 01:00-05 01:30-05 02:00-05 02:30-05", on("*/30 * * * *", time.November, 1))
}

// TestRulesOfExpressionsAreStored in a database, which a store without the parser does not
// take for another rule.
func TestRulesOfExpressionsAreStored(t *testing.T) {
	file := t.TempDir() + "/desk.db"
	st, err := sqlstore.OpenFile(t.Context(), "sqlite", file, sqlstore.WithRuleParser(cron.ParseRule))
	require.NoError(t, err)
	defer st.Close()
	var rows []tradeclock.Schedule
	for task, text := range map[string]string{"a": "1 9 * * 1-5", "b": "*/7 9-15 * * 1-5", "c": "cron 0 18 1,15 * * on first session of week"} {
		r, err := cron.ParseRule(text)
		require.NoError(t, err)
		rows = append(rows, tradeclock.Schedule{Task: task, Rule: r})
	}
	_, err = st.SeedSchedules(t.Context(), rows...)
	require.NoError(t, err)
	read, err := st.Schedules(t.Context())
	require.NoError(t, err)
	texts := make(map[string]string)
	for _, row := range read {
		texts[row.Task] = row.Rule.String()
	}
	assert.Equal(t, map[string]string{
		"a": "daily 09:01 on mon,tue,wed,thu,fri", "b": "cron */7 9-15 * * 1-5", "c": "cron 0 18 1,15 * * on first session of week",
	}, texts)

	other, err := sqlstore.OpenFile(t.Context(), "sqlite", file)
	require.NoError(t, err)
	defer other.Close()
	read, err = other.Schedules(t.Context())
	assert.ErrorContains(t, err, `schedule of b: rule: rule "cron */7 9-15 * * 1-5": that is a cron expression, which ParseRule of github.com/tradeclock/tradeclock/cron reads`)
	require.Len(t, read, 1)
	assert.Equal(t, "a", read[0].Task)
}
