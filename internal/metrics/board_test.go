package metrics_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/metrics"
)

const boardFile = "../../observability/grafana.json"

// panel is one panel of the board: what it asks Prometheus, and how it shows that.
type panel struct {
	title   string
	kind    string // stat, timeseries or heatmap
	unit    string // of Grafana
	queries []query
}

type query struct{ expr, legend string }

// boardRow is a row of panels, side by side.
type boardRow struct {
	title  string
	panels []panel
}

const (
	ofScheduler = `{scheduler="$scheduler"`
	ofTask      = ofScheduler + `,task=~"$task"`
)

// count is how many occurrences had some outcomes in the range that is shown.
func countOf(labels string) string {
	return fmt.Sprintf(`sum(increase(%s%s,%s}[$__range]))`, metrics.Occurrences.PrometheusName(), ofTask, labels)
}

func rateBy(m *metrics.Metric, suffix, by, of string) string {
	return fmt.Sprintf("sum by (%s) (rate(%s%s%s}[$__rate_interval]))", by, m.PrometheusName(), suffix, of)
}

func quantile(q float64, m *metrics.Metric) query {
	return query{fmt.Sprintf("histogram_quantile(%g, %s)", q, rateBy(m, "_bucket", "le", ofTask)), fmt.Sprintf("p%g", 100*q)}
}

func gauge(m *metrics.Metric) string { return m.PrometheusName() + ofScheduler + "}" }

// board are the rows of the Grafana board.
var board = []boardRow{
	{"Today", []panel{
		{"Missed or interrupted", "stat", "short", []query{{countOf(`outcome=~"missed|interrupted"`), ""}}},
		{"Failed or timed out", "stat", "short", []query{{countOf(`outcome=~"failed|timed out"`), ""}}},
		{"Succeeded", "stat", "short", []query{{countOf(`outcome="succeeded"`), ""}}},
		{"Next run", "stat", "dateTimeFromNow", []query{{"1000 * max(" + gauge(metrics.NextTime) + ")", ""}}},
		{"Halts in force", "stat", "short", []query{{"max(" + gauge(metrics.Halts) + ")", ""}}},
		{"Accounts", "stat", "short", []query{{"max(" + gauge(metrics.Accounts) + ")", ""}}},
	}},
	{"At the bell", []panel{
		{"Lateness of starts", "timeseries", "s", []query{quantile(0.5, metrics.Lateness), quantile(0.99, metrics.Lateness)}},
		{"Starts a second", "timeseries", "short", []query{{rateBy(metrics.Lateness, "_count", "task", ofTask), "{{task}}"}}},
		{"Planned and not started", "timeseries", "short", []query{{"sum by (instance) (" + gauge(metrics.Waiting) + ")", "{{instance}}"}}},
	}},
	{"Tasks", []panel{
		{"Outcomes in five minutes", "timeseries", "short", []query{{
			fmt.Sprintf("sum by (outcome) (increase(%s%s}[5m])) > 0", metrics.Occurrences.PrometheusName(), ofTask), "{{outcome}}",
		}}},
		{"Why runs did not succeed", "timeseries", "short", []query{{
			fmt.Sprintf(`sum by (task, outcome, reason_class) (increase(%s%s,outcome!="succeeded"}[5m])) > 0`, metrics.Occurrences.PrometheusName(), ofTask),
			"{{task}} {{outcome}}: {{reason_class}}",
		}}},
		{"Lateness", "heatmap", "s", []query{{
			fmt.Sprintf("sum by (le) (increase(%s_bucket%s}[$__rate_interval]))", metrics.Lateness.PrometheusName(), ofTask), "{{le}}",
		}}},
		{"Duration", "timeseries", "s", []query{quantile(0.5, metrics.Duration), quantile(0.99, metrics.Duration)}},
		{"Going on", "timeseries", "short", []query{{
			fmt.Sprintf("sum by (task, state) (%s%s})", metrics.Active.PrometheusName(), ofTask), "{{task}} {{state}}",
		}}},
		{"Retries a second", "timeseries", "short", []query{{rateBy(metrics.Retries, "", "task", ofTask), "{{task}}"}}},
		{"Since the last success", "timeseries", "s", []query{{
			fmt.Sprintf("time() - max by (task) (%s%s})", metrics.LastSuccess.PrometheusName(), ofTask), "{{task}}",
		}}},
	}},
	{"Processes", []panel{
		{"State", "timeseries", "short", []query{{gauge(metrics.State) + " == 1", "{{instance}} {{state}}"}}},
		{"Term held", "timeseries", "short", []query{{gauge(metrics.Term), "{{instance}}"}}},
		{"Since the last heartbeat", "timeseries", "s", []query{{"time() - " + gauge(metrics.HeartbeatTime), "{{instance}}"}}},
		{"Since the last tick", "timeseries", "s", []query{{"time() - " + gauge(metrics.TickTime), "{{instance}}"}}},
		{"Degraded", "timeseries", "short", []query{{gauge(metrics.Degraded) + " > 0", "{{instance}} {{condition_class}}"}}},
		{"What went wrong in ten minutes", "timeseries", "short", []query{
			{"increase(" + metrics.ClockSteps.PrometheusName() + ofScheduler + "}[10m]) > 0", "clock {{direction}}"},
			{"increase(" + metrics.TermChanges.PrometheusName() + ofScheduler + "}[10m]) > 0", "term {{change}}"},
			{"increase(" + metrics.HeartbeatErrors.PrometheusName() + ofScheduler + "}[10m]) > 0", "heartbeats"},
			{"increase(" + metrics.EventsLost.PrometheusName() + ofScheduler + "}[10m]) > 0", "events lost"},
		}},
	}},
	{"Ledger, schedules and calendars", []panel{
		{"Outcomes that are not stored", "timeseries", "short", []query{{gauge(metrics.Unstored), "{{instance}}"}}},
		{"The ledger is behind by", "timeseries", "s", []query{{"time() - max(" + gauge(metrics.WatermarkTime) + ")", "watermark"}}},
		{"Schedules", "timeseries", "short", []query{
			{"max(" + gauge(metrics.Schedules) + ")", "in force"}, {"max(" + gauge(metrics.Quarantined) + ")", "quarantined"},
		}},
		{"Days of coverage left", "timeseries", "d", []query{{
			"(min by (calendar) (" + gauge(metrics.CoverageEnd) + ") - time()) / 86400", "{{calendar}}",
		}}},
		{"Changes of calendars", "timeseries", "short", []query{{"increase(" + metrics.CalendarChanges.PrometheusName() + ofScheduler + "}[1h]) > 0", "{{calendar}}"}}},
	}},
}

type object = map[string]any

var source = object{"type": "prometheus", "uid": "${source}"}

// boardText is the board as Grafana imports it.
func boardText(t *testing.T) string {
	t.Helper()
	var panels []object
	y := 0
	for _, r := range board {
		panels = append(panels, object{"type": "row", "title": r.title, "gridPos": object{"x": 0, "y": y, "w": 24, "h": 1}})
		y++
		wide, high := 8, 8
		if r.panels[0].kind == "stat" {
			wide, high = 4, 4
		}
		for i, p := range r.panels {
			x := i * wide % 24
			if i > 0 && x == 0 {
				y += high
			}
			panels = append(panels, p.object(object{"x": x, "y": y, "w": wide, "h": high}))
		}
		y += high
	}
	for i := range panels {
		panels[i]["id"] = i + 1
	}
	variable := func(name, query string, all bool) object {
		return object{
			"name": name, "type": "query", "datasource": source, "query": query, "refresh": 2, "sort": 1,
			"multi": all, "includeAll": all, "allValue": ".*",
		}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	require.NoError(t, encoder.Encode(object{
		"uid": "tradeclock", "title": "tradeclock", "schemaVersion": 39, "tags": []string{"tradeclock"},
		"time": object{"from": "now-12h", "to": "now"}, "refresh": "30s", "panels": panels,
		"templating": object{"list": []object{
			{"name": "source", "type": "datasource", "query": "prometheus"},
			variable("scheduler", "label_values("+metrics.Term.PrometheusName()+", scheduler)", false),
			variable("task", "label_values("+metrics.Occurrences.PrometheusName()+ofScheduler+"}, task)", true),
		}},
	}))
	return text.String()
}

func (p panel) object(at object) object {
	targets := make([]object, len(p.queries))
	for i, q := range p.queries {
		targets[i] = object{"refId": string(rune('A' + i)), "expr": q.expr, "legendFormat": q.legend, "datasource": source}
		if p.kind == "heatmap" {
			targets[i]["format"] = "heatmap"
		}
		if p.kind == "stat" {
			targets[i]["instant"] = true
		}
	}
	options := object{}
	if p.kind == "timeseries" {
		options = object{"tooltip": object{"mode": "multi", "sort": "desc"}}
	}
	return object{
		"type": p.kind, "title": p.title, "gridPos": at, "datasource": source, "targets": targets, "options": options,
		"fieldConfig": object{"defaults": object{"unit": p.unit, "min": 0}, "overrides": []object{}},
	}
}

func TestTheBoardIsMadeOfTheTable(t *testing.T) {
	golden(t, boardFile, boardText(t))
	text := boardText(t)
	for _, m := range metrics.All() {
		assert.Contains(t, text, m.PrometheusName(), "the board shows each metric")
	}
}

// TestPrometheusReadsTheQueriesOfTheBoard has promtool take them for recording rules.
func TestPrometheusReadsTheQueriesOfTheBoard(t *testing.T) {
	rules := []string{"groups: [{name: board, rules: ["}
	variables := strings.NewReplacer("$scheduler", "paper", "$task", ".*", "$__rate_interval", "1m", "$__range", "12h")
	for _, r := range board {
		for _, p := range r.panels {
			for _, q := range p.queries {
				expr, err := json.Marshal(variables.Replace(q.expr))
				require.NoError(t, err)
				rules = append(rules, fmt.Sprintf("{record: 'board:%d', expr: %s},", len(rules), expr))
			}
		}
	}
	file := filepath.Join(t.TempDir(), "board.yml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(append(rules, "]}]"), "\n")), 0o644))
	promtool(t, "check", "rules", file)
}

// TestNothingAsksForWhatIsNotExported holds the rules and the board to the table.
func TestNothingAsksForWhatIsNotExported(t *testing.T) {
	exported := make(map[string]bool)
	for _, m := range metrics.All() {
		exported[m.PrometheusName()] = true
	}
	rules, err := os.ReadFile(rulesFile)
	require.NoError(t, err)
	for _, name := range regexp.MustCompile(`\btradeclock_\w+`).FindAllString(string(rules)+boardText(t), -1) {
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			name = strings.TrimSuffix(name, suffix)
		}
		assert.True(t, exported[name], name)
	}
}
