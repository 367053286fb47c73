package tests

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/internal/scaled"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tests/service"
)

// TestAPrometheusPages has a real Prometheus scrape a process each second. It is frozen
// over the due time of an order, goes on, and is killed. What the rules say in minutes
// they say in seconds here.
func TestAPrometheusPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFile(t), 1)
	w.config.Metrics = freeAddress(t)
	server := startPrometheus(t, w.dir, w.config.Metrics)
	server.await("vector(1)")
	now := our.Now()
	due := now.Add(20 * time.Second) // time enough to start a process
	w.clock, w.config.Clock = &scaled.Clock{Epoch: now, Start: now, Factor: 1}, nil
	w.config.Accounts = []string{"42"}
	w.config.Rows = []service.Row{
		{Task: "pulse", Rule: "every 1s 00:00-24:00"},
		{Task: "orders", Rule: "daily " + due.In(service.Kolkata).Format(time.TimeOnly), CatchUp: time.Second},
	}
	p := w.start()
	server.await(`sum(tradeclock_occurrences_total{task="pulse", outcome="succeeded"}) > 2`)
	server.await(`tradeclock_scheduler_state{state="active"} == 1`)
	server.awaitAlerts(nil, nil)

	w.pass(w.clock.Until(due.Add(-2 * time.Second)))
	p.signal(syscall.SIGSTOP)
	w.pass(w.clock.Until(due.Add(3 * time.Second)))
	p.signal(syscall.SIGCONT)
	// Whom nobody could scrape was absent, and health tells of the order until the day is over.
	server.awaitAlerts([]string{"TradeclockOrderLost"}, []string{"TradeclockHeartbeatAbsent", "TradeclockDegraded"})
	assert.Contains(t, server.exemplars(`tradeclock_occurrences_total{task="orders", outcome="missed"}`),
		store.RunID(service.Name, "42", "orders", due.In(service.Kolkata).Format(time.DateOnly)))
	for title, expr := range boardQueries(t) {
		_, err := server.query(expr)
		assert.NoError(t, err, title)
	}
	server.awaitAlerts([]string{"TradeclockDegraded"}, nil)

	p.kill()
	server.awaitAlerts([]string{"TradeclockHeartbeatAbsent"}, nil)
}

// prometheusServer is a running Prometheus.
type prometheusServer struct {
	t       *testing.T
	address string
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

var minutes = regexp.MustCompile(`(\[|offset |for: )(\d+)m\b`)

// startPrometheus starts a server that scrapes a target.
func startPrometheus(t *testing.T, dir, target string) *prometheusServer {
	t.Helper()
	program, err := needs.LookPath("prometheus")
	needs.Met(t, err)
	rules, err := os.ReadFile("../observability/rules.yml")
	require.NoError(t, err)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	rulesFile := write("rules.yml", minutes.ReplaceAllString(string(rules), "${1}${2}s"))
	config := write("prometheus.yml", fmt.Sprintf(
		"global: {scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s}\nrule_files: [%q]\n"+
			"scrape_configs: [{job_name: trading, static_configs: [{targets: [%q]}]}]\n", rulesFile, target))
	s := &prometheusServer{t, freeAddress(t)}
	cmd := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"),
		"--web.listen-address="+s.address, "--query.lookback-delta=5s", "--enable-feature=exemplar-storage", "--log.level=error")
	output, err := os.Create(filepath.Join(dir, "prometheus.err"))
	require.NoError(t, err)
	t.Cleanup(func() { output.Close() })
	cmd.Stdout, cmd.Stderr = output, output
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		assert.NoError(t, cmd.Process.Kill())
		cmd.Wait()
	})
	return s
}

// get asks the server's API, and reads the data of its answer.
func (s *prometheusServer) get(path string, data any, query ...string) error {
	values := make(url.Values)
	for i := 0; i < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	response, err := http.Get("http://" + s.address + "/api/v1/" + path + "?" + values.Encode())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer := struct {
		Error, Status string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return errors.New(answer.Error)
	}
	return nil
}

// query returns how many series an expression has.
func (s *prometheusServer) query(expr string) (int, error) {
	var data struct{ Result []any }
	err := s.get("query", &data, "query", expr)
	return len(data.Result), err
}

// eventually asks again until something is so.
func (s *prometheusServer) eventually(is func() bool, what func() string) {
	s.t.Helper()
	for deadline := our.Now().Add(patience); !is(); our.Sleep(200 * time.Millisecond) {
		require.False(s.t, our.Now().After(deadline), what())
	}
}

// await waits until an expression has series.
func (s *prometheusServer) await(expr string) {
	s.t.Helper()
	var err error
	s.eventually(func() bool {
		n := 0
		n, err = s.query(expr)
		return n > 0
	}, func() string { return fmt.Sprint(expr, ": ", err) })
}

// awaitAlerts waits until some alerts fire and no others, but for those that may.
func (s *prometheusServer) awaitAlerts(want, may []string) {
	s.t.Helper()
	var firing map[string]bool
	s.eventually(func() bool {
		firing = s.firing()
		all := true
		for _, name := range want {
			all = all && firing[name]
		}
		for _, name := range append(want, may...) {
			delete(firing, name)
		}
		return all && len(firing) == 0
	}, func() string { return fmt.Sprintf("want %v, and these fire besides: %v", want, firing) })
}

func (s *prometheusServer) firing() map[string]bool {
	var data struct {
		Alerts []struct {
			Labels map[string]string
			State  string
		}
	}
	if s.get("alerts", &data) != nil {
		return map[string]bool{"the server is not there yet": true}
	}
	names := make(map[string]bool)
	for _, alert := range data.Alerts {
		if alert.State == "firing" {
			names[alert.Labels["alertname"]] = true
		}
	}
	return names
}

// exemplars returns the runs that are exemplars of series.
func (s *prometheusServer) exemplars(expr string) []string {
	s.t.Helper()
	var data []struct {
		Exemplars []struct{ Labels map[string]string }
	}
	now := our.Now()
	require.NoError(s.t, s.get("query_exemplars", &data, "query", expr,
		"start", now.Add(-time.Minute).Format(time.RFC3339), "end", now.Add(time.Minute).Format(time.RFC3339)))
	var runs []string
	for _, series := range data {
		for _, exemplar := range series.Exemplars {
			runs = append(runs, exemplar.Labels["run_id"])
		}
	}
	return runs
}

// boardQueries are what the Grafana board asks, by the title of the panel.
func boardQueries(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../observability/grafana.json")
	require.NoError(t, err)
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &board))
	variables := strings.NewReplacer("$scheduler", service.Name, "$task", ".*", "$__rate_interval", "10s", "$__range", "1m")
	queries := make(map[string]string)
	for _, panel := range board.Panels {
		for i, target := range panel.Targets {
			queries[fmt.Sprint(panel.Title, " ", i)] = variables.Replace(target.Expr)
		}
	}
	require.NotEmpty(t, queries)
	return queries
}
