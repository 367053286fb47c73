package sqlstore_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/trading"
)

var keepNewest = flag.Bool("update", false, "keep a database of the newest schema")

// keptFolder has a database of each version of the schema from the one on that is the first
// to be kept, as a service left it that was killed, and beside it what was in it.
const keptFolder = "testdata/kept"

// TestKeptDatabases opens what earlier versions left, and reads of it what they wrote: then
// the next process of the service begins on it. A version that has no database here fails,
// until -update has made one with its program.
func TestKeptDatabases(t *testing.T) { onEach(t, testKeptDatabases) }

func testKeptDatabases(t *testing.T, on database) {
	page, err := os.ReadFile("../docs/stability.md")
	require.NoError(t, err)
	assert.Contains(t, string(page), fmt.Sprintf("| %s | %s |", newestVersion(t, onSQLite), newestVersion(t, onPostgres)))
	newest := filepath.Join(keptFolder, on.name+"-"+newestVersion(t, on))
	if *keepNewest {
		keep(t, on, newest)
	}
	require.FileExists(t, newest+".gz", "keep one with go test ./sqlstore -run TestKeptDatabases -update")
	kept, err := filepath.Glob(filepath.Join(keptFolder, on.name+"-*.gz"))
	require.NoError(t, err)
	for _, file := range kept {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s := newServiceAt(t, restored(t, on, file), today("10:21"))
			want, err := os.ReadFile(strings.TrimSuffix(file, ".gz") + ".txt")
			require.NoError(t, err)
			assert.Equal(t, string(want), inIt(t, s))
			assertTalliesAgree(t, openAt(t, s.at, s.clock))

			p := s.start()
			require.NoError(t, p.Enroll(t.Context(), "43", s.rec))
			p.every(time.Minute, today("10:22"))
			p.every(time.Second, today("10:22:30"))
			assert.Equal(t, []string{"10:16 interrupted", "10:17 missed", "10:21 succeeded", "10:22 succeeded"}, since(t, p, "42", "10:16"))
			assert.Equal(t, []string{"10:22 skipped"}, since(t, p, "43", "10:16"), "it is halted")
			assert.Zero(t, s.rec.Count(trading.TaskPremarketRetry), "it has run")
			assert.Equal(t, "0", text(t, openDB(t, s.at), "SELECT count(*) FROM tradeclock_runs WHERE outcome = 'armed'"), "it never started")
			assert.Equal(t, newestVersion(t, on), text(t, openDB(t, s.at), "SELECT version FROM tradeclock_schema"))
			assertTalliesAgree(t, p.store)
		})
	}
}

// keep has a service leave a database: killed while a run goes on, with a row that was
// edited and one whose kind of rule was, a halt, and an account that was withdrawn.
func keep(t *testing.T, on database, name string) {
	s := newService(t, on, today("08:59"))
	p := s.start()
	require.NoError(t, p.Enroll(t.Context(), "43", s.rec))
	p.every(time.Minute, today("09:31"))
	closed := make(chan error)
	go func() { closed <- p.Withdraw(context.Background(), "43") }()
	p.rest()
	require.NoError(t, <-closed)
	disabled := true
	_, err := p.store.UpdateSchedule(t.Context(), ops, "", trading.TaskAnalysis, 1, store.ScheduleEdit{Disabled: &disabled})
	require.NoError(t, err)
	_, err = p.store.UpdateSchedule(t.Context(), ops, "", trading.TaskPremarketRetry, 1, store.ScheduleEdit{Rule: rule.MustParse("hourly 09:00-10:00")})
	require.NoError(t, err)
	_, err = p.store.Ask(t.Context(), request.Request{Scheduler: paper, Kind: request.Trigger, Account: "42", Task: trading.TaskEODCleanup, Actor: "ops"})
	require.NoError(t, err)
	_, err = p.Override(t.Context(), tradeclock.OverrideRequest{
		Task: trading.TaskEODCleanup, Account: "42", Session: calendar.DateOf(today("10:15").In(kolkata)), Actor: "ops", Reason: "it was done by hand",
	})
	require.NoError(t, err)
	p.every(time.Minute, today("10:15"))
	require.NoError(t, p.store.Halt(t.Context(), store.Halt{Scheduler: paper, Account: "43", Actor: "ops", Reason: "audit", At: p.clock.Now()}))
	p.clock.Advance(time.Minute)
	require.NoError(t, p.Tick(t.Context()))
	p.rest()
	armAhead(t, p)
	require.NoError(t, os.MkdirAll(keptFolder, 0o755))
	require.NoError(t, os.WriteFile(name+".txt", []byte(inIt(t, s)), 0o644))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err = z.Write(dumped(t, on, s.at))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(name+".gz", packed.Bytes(), 0o644))
	p.kill()
}

// armAhead leaves the last task of the day armed, as a process does whose term is over long
// before that is due.
func armAhead(t *testing.T, p *process) {
	t.Helper()
	terms, err := p.store.Schedulers(t.Context())
	require.NoError(t, err)
	require.Len(t, terms, 1)
	run := planned("killed", trading.TaskEODCleanup, 1)[0]
	run.Slot, run.Due, run.Outcome = day.String(), today("18:00"), store.Armed
	claims, err := p.store.Claim(t.Context(), terms[0].Term, []store.Run{run})
	require.NoError(t, err)
	require.True(t, claims[0].Held)
}

// since returns the outcomes of an account's sell monitor from a wall time on.
func since(t *testing.T, p *process, account, wall string) []string {
	t.Helper()
	runs, err := p.store.Runs(t.Context(), store.Query{Scheduler: paper, Account: account, Task: trading.TaskSellMonitor})
	require.NoError(t, err)
	var told []string
	for _, r := range runs {
		if !r.Due.Before(today(wall)) {
			told = append(told, fmt.Sprintf("%s %v", r.Due.In(kolkata).Format("15:04"), r.Outcome))
		}
	}
	return told
}

// inIt is what a store finds in its database, in words.
func inIt(t *testing.T, s *service) string {
	t.Helper()
	st := openAt(t, s.at, s.clock)
	var lines []string
	write := func(list any, err error) {
		require.NoError(t, err)
		var items []json.RawMessage
		text, err := json.Marshal(list)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &items))
		for _, item := range items {
			lines = append(lines, string(item))
		}
	}
	schedules, err := st.Schedules(t.Context())
	write(schedules, err)
	halts, err := st.Halts(t.Context(), paper)
	write(halts, err)
	audit, err := st.Audit(t.Context(), store.AuditQuery{Scheduler: paper})
	slices.Reverse(audit)
	for i := range audit {
		audit[i].ID = 0 // another database counts on
	}
	write(audit, err)
	asked, err := st.Requests(t.Context(), request.Query{Scheduler: paper})
	if len(asked) > 0 { // databases before the version that has them have none
		write(asked, err)
	}
	said, err := st.Overrides(t.Context(), store.OverrideQuery{Scheduler: paper})
	if len(said) > 0 { // nor have these
		write(said, err)
	}
	runs, err := st.Runs(t.Context(), store.Query{Scheduler: paper})
	write(runs, err)
	return strings.Join(lines, "\n") + "\n"
}

// dumped is a database as its own tools write it.
func dumped(t *testing.T, on database, at place) []byte {
	t.Helper()
	if on.name == onSQLite.name {
		file := filepath.Join(t.TempDir(), "kept.db")
		byHand(t, at, "VACUUM INTO '"+file+"'")
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		return content
	}
	program, err := exec.LookPath("pg_dump")
	needs.Met(t, err)
	schema := text(t, openDB(t, at), "SELECT current_schema()")
	address, err := url.Parse(at.dsn)
	require.NoError(t, err)
	parameters := address.Query()
	parameters.Del("search_path") // which psql and its kin do not know
	address.RawQuery = parameters.Encode()
	content, err := exec.Command(program, "--inserts", "--no-owner", "--no-privileges", "-n", schema, address.String()).Output()
	require.NoError(t, err)
	var lines [][]byte
	for line := range bytes.Lines(content) {
		if !bytes.HasPrefix(line, []byte(`\`)) && !bytes.HasPrefix(line, []byte("SET ")) && !bytes.HasPrefix(line, []byte("SELECT pg_catalog.set_config")) {
			lines = append(lines, line)
		}
	}
	return bytes.ReplaceAll(bytes.Join(lines, nil), []byte(schema), []byte("kept_schema"))
}

// restored brings a kept database to a new place.
func restored(t *testing.T, on database, file string) place {
	t.Helper()
	packed, err := os.Open(file)
	require.NoError(t, err)
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	require.NoError(t, err)
	content, err := io.ReadAll(z)
	require.NoError(t, err)
	at := on.place(t)
	if on.name == onSQLite.name {
		require.NoError(t, os.WriteFile(at.dsn, content, 0o600))
		return at
	}
	schema := text(t, openDB(t, at), "SELECT current_schema()")
	script := strings.ReplaceAll(string(content), "kept_schema", schema)
	script = strings.Replace(script, fmt.Sprintf("CREATE SCHEMA %s;", schema), "", 1)
	byHand(t, at, script)
	return at
}
