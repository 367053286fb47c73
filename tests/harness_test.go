package tests

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/internal/pgtest"
	"github.com/tradeclock/tradeclock/internal/scaled"
	"github.com/tradeclock/tradeclock/tests/service"
)

// configVariable holds the configuration of the service, for a process of this
// program that is to be one.
const configVariable = "TRADECLOCK_TEST_SERVICE"

func TestMain(m *testing.M) {
	if text := os.Getenv(configVariable); text != "" {
		if err := serve(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// Most of the tests wait for time to pass, and need not wait for each other.
	flag.Parse()
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := pgtest.CloseShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func serve(text string) error {
	var cfg service.Config
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		return err
	}
	return service.Main(cfg)
}

// number returns the number in an environment variable, or the usual one.
func number(t *testing.T, variable string, usual int) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(variable), strconv.Itoa(usual)))
	require.NoError(t, err, variable)
	return n
}

// database is where a service keeps its state.
type database struct{ driver, dsn string }

func newFile(t *testing.T) database {
	return database{"sqlite", "file:" + filepath.Join(t.TempDir(), "tradeclock.db")}
}

func newSchema(t *testing.T) database {
	t.Helper()
	dsn, schema, err := pgtest.Shared()
	needs.Met(t, err)
	d := database{"pgx", dsn}
	db := d.open(t)
	_, err = db.ExecContext(t.Context(), "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec("SET client_min_messages TO warning; DROP SCHEMA " + schema + " CASCADE")
		require.NoError(t, err)
	})
	return d
}

func (d database) open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.driver, d.dsn)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// monday is when the clocks of the tests begin: in Kolkata at 09:00:30, between two
// minutes in which something is due.
var monday = time.Date(2026, time.November, 23, 9, 0, 30, 0, service.Kolkata)

// accounts are those that the service serves.
var accounts = []string{"41", "42", "43"}

// world is a service of one or more processes, and what a test does to them.
type world struct {
	t      *testing.T
	config service.Config
	tasks  []service.Task
	clock  *scaled.Clock
	dir    string
	chance *rand.Rand
	procs  []*process
	pause  atomic.Int64 // the longest for which the host let nothing run, in nanoseconds of our time
}

// usualFactor is how many times as fast as ours the time of most tests goes: a term
// takes a second and a half then, and a call is given up after a tenth of a second. A
// faster clock would have the calls of a busy host given up, and with each its
// connection, which makes the host busier.
const usualFactor = 20

// newWorld makes a service on a database, whose time goes so many times as fast as
// ours. A random source is seeded with the number in TRADECLOCK_TEST_SEED.
func newWorld(t *testing.T, on database, factor int) *world {
	t.Helper()
	seed := number(t, "TRADECLOCK_TEST_SEED", 1)
	clock := &scaled.Clock{Epoch: time.Now(), Start: monday, Factor: factor}
	w := &world{
		t:      t,
		config: service.Config{Driver: on.driver, DSN: on.dsn, Clock: clock, Accounts: accounts},
		tasks:  service.Tasks(),
		clock:  clock,
		dir:    t.TempDir(),
		chance: rand.New(rand.NewPCG(uint64(seed), 0)),
	}
	t.Cleanup(w.end)
	go w.watchPauses()
	return w
}

// watchPauses measures how late this process is woken up, until the test ends. The
// others fare alike.
func (w *world) watchPauses() {
	const step = 10 * time.Millisecond
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	for last := time.Now(); ; last = time.Now() {
		select {
		case <-ticker.C:
			w.pause.Store(max(w.pause.Load(), int64(time.Since(last)-step)))
		case <-w.t.Context().Done():
			return
		}
	}
}

// end ends all processes, and keeps their files if it is told to.
func (w *world) end() {
	for _, p := range w.procs {
		if !p.gone {
			p.kill()
		}
	}
	if keep := os.Getenv("TRADECLOCK_TEST_KEEP"); keep != "" {
		to := filepath.Join(keep, filepath.Base(w.t.Name()))
		require.NoError(w.t, os.CopyFS(to, os.DirFS(w.dir)))
	}
}

// between returns a random duration.
func (w *world) between(from, to time.Duration) time.Duration {
	return from + time.Duration(w.chance.Int64N(int64(to-from)))
}

// process is a process of the service.
type process struct {
	w       *world
	cmd     *exec.Cmd
	stdin   io.Closer
	journal string
	gone    bool // it has ended
	killed  bool // by SIGKILL
	lost    bool // what it knew at its end it may not have stored
	frozen  bool // it is, or was
}

// start starts a process.
func (w *world) start() *process {
	w.t.Helper()
	name := fmt.Sprintf("%03d", len(w.procs)+1)
	cfg := w.config
	cfg.Journal, cfg.Log = filepath.Join(w.dir, name+".journal"), filepath.Join(w.dir, name+".log")
	text, err := json.Marshal(cfg)
	require.NoError(w.t, err)
	program, err := os.Executable()
	require.NoError(w.t, err)
	p := &process{w: w, cmd: exec.Command(program), journal: cfg.Journal}
	p.cmd.Env = append(os.Environ(), configVariable+"="+string(text))
	output, err := os.Create(filepath.Join(w.dir, name+".err"))
	require.NoError(w.t, err)
	defer output.Close()
	p.cmd.Stdout, p.cmd.Stderr = output, output
	p.stdin, err = p.cmd.StdinPipe()
	require.NoError(w.t, err)
	require.NoError(w.t, p.cmd.Start())
	w.procs = append(w.procs, p)
	return p
}

func (p *process) signal(s syscall.Signal) {
	p.w.t.Helper()
	require.NoError(p.w.t, p.cmd.Process.Signal(s))
}

// kill ends the process at once, with nothing left to do for it.
func (p *process) kill() {
	p.w.t.Helper()
	p.signal(syscall.SIGKILL)
	p.cmd.Wait()
	p.gone, p.killed, p.lost = true, true, true
}

// stop asks the process to stop, and waits until it has. On a fast clock the time
// that it has for its end is short: it may say that it left something undone.
func (p *process) stop() {
	p.w.t.Helper()
	p.signal(syscall.SIGTERM)
	err := p.cmd.Wait()
	p.gone = true
	if err != nil {
		require.Contains(p.w.t, p.said(), "tradeclock: at the end: ", "%v", err)
		p.lost = true
	}
}

// said returns what the process wrote to its standard error.
func (p *process) said() string {
	text, err := os.ReadFile(strings.TrimSuffix(p.journal, "journal") + "err")
	require.NoError(p.w.t, err)
	return string(text)
}

// logged counts the messages of all processes that have a text.
func (w *world) logged(text string) (n int) {
	w.t.Helper()
	for _, p := range w.procs {
		messages, err := os.ReadFile(strings.TrimSuffix(p.journal, "journal") + "log")
		if !os.IsNotExist(err) {
			require.NoError(w.t, err)
		}
		n += strings.Count(string(messages), text)
	}
	return n
}

// freeze stops the process in its tracks, until thaw.
func (p *process) freeze() {
	p.frozen = true
	p.signal(syscall.SIGSTOP)
}

func (p *process) thaw() { p.signal(syscall.SIGCONT) }

// entries returns the journal of the process so far, which is empty if it had not
// come to open it.
func (p *process) entries() []service.Entry {
	p.w.t.Helper()
	entries, err := service.ReadJournal(p.journal)
	if !os.IsNotExist(err) {
		require.NoError(p.w.t, err)
	}
	return entries
}

// term returns the number of the term that the process holds, by its journal.
func (p *process) term() (number int64) {
	for _, e := range p.entries() {
		if e.What == service.Term {
			number = e.Term
		}
	}
	return number
}

// finish lets the processes go on undisturbed for so long and stops them. If they
// leave anything undone, another one does it. Then it audits what they did.
func (w *world) finish(d time.Duration) {
	w.t.Helper()
	for undone := true; undone; {
		w.holder(0)
		w.pass(d)
		undone = false
		for _, p := range w.procs {
			if !p.gone {
				p.stop()
				undone = undone || p.lost
			}
		}
		if undone {
			w.start()
		}
	}
	w.audit()
}

// pass waits until so much has passed for the service.
func (w *world) pass(d time.Duration) { w.clock.Sleep(d) }

// moment waits for a random moment within so long. Half of them are close to the
// minute that follows, in which most of the work of the service begins.
func (w *world) moment(within time.Duration) {
	w.pass(w.between(0, within))
	if w.chance.IntN(2) == 0 {
		return
	}
	now := w.clock.Now()
	w.pass(now.Truncate(time.Minute).Add(time.Minute).Sub(now) + w.between(0, 6*time.Second))
}

// taken returns when each term was taken, by the ledger.
func (w *world) taken() map[int64]time.Time {
	w.t.Helper()
	db := database{w.config.Driver, w.config.DSN}.open(w.t)
	rows, err := db.QueryContext(w.t.Context(), "SELECT term, taken_at FROM tradeclock_terms")
	require.NoError(w.t, err)
	defer rows.Close()
	taken := make(map[int64]time.Time)
	for rows.Next() {
		var term int64
		var at string
		require.NoError(w.t, rows.Scan(&term, &at))
		taken[term], err = time.Parse(time.RFC3339Nano, at)
		require.NoError(w.t, err)
	}
	require.NoError(w.t, rows.Err())
	return taken
}

// our is the clock of the tests, by which the host may keep them waiting.
var our = clockwork.NewRealClock()

// patience is how long a test waits for what must come, in our time. On a host that
// is busy, most calls of a fast clock's service may be given up for minutes.
const patience = 5 * time.Minute

// holder waits until a process that goes on holds the term, and one later than
// after, and returns it.
func (w *world) holder(after int64) *process {
	w.t.Helper()
	for deadline := our.Now().Add(patience); our.Now().Before(deadline); our.Sleep(5 * time.Millisecond) {
		for _, p := range w.procs {
			if !p.gone && p.term() > after {
				return p
			}
		}
	}
	require.FailNow(w.t, "no process has taken the term within %v", patience)
	return nil
}
