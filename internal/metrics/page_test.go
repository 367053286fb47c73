package metrics_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/metrics"
)

const pageFile = "../../docs/metrics.md"

// row is a metric in the table of the page.
func row(m *metrics.Metric) string {
	labels := make([]string, len(m.Attributes))
	for i, attribute := range m.Attributes {
		labels[i] = "`" + metrics.PrometheusLabel(attribute) + "`"
	}
	how := "told"
	if m.Sampled {
		how = "asked"
	}
	return fmt.Sprintf("| `%s` | `%s` %s | %s, %s | %s | %s |", m.PrometheusName(), m.Name, m.Unit, m.Kind, how, strings.Join(labels, ", "), m.Help)
}

func TestThePageHasTheTable(t *testing.T) {
	page, err := os.ReadFile(pageFile)
	require.NoError(t, err)
	head, rest, found := strings.Cut(string(page), "| --- | --- | --- | --- | --- |\n")
	require.True(t, found)
	_, tail, found := strings.Cut(rest, "<!-- end -->")
	require.True(t, found)
	var rows strings.Builder
	for _, m := range metrics.All() {
		rows.WriteString(row(m) + "\n")
	}
	golden(t, pageFile, head+"| --- | --- | --- | --- | --- |\n"+rows.String()+"<!-- end -->"+tail)
}

func TestThePageHasTheAlerts(t *testing.T) {
	page, err := os.ReadFile(pageFile)
	require.NoError(t, err)
	var listed []string
	for line := range strings.Lines(string(page)) {
		if rest, ok := strings.CutPrefix(line, "| `Tradeclock"); ok {
			name, _, _ := strings.Cut(rest, "`")
			listed = append(listed, "Tradeclock"+name)
		}
	}
	assert.ElementsMatch(t, alertNames(t), listed)
}

func TestNamesOfPrometheus(t *testing.T) {
	assert.Equal(t, "tradeclock_occurrences_total", metrics.Occurrences.PrometheusName())
	assert.Equal(t, "tradeclock_run_lateness_seconds", metrics.Lateness.PrometheusName())
	assert.Equal(t, "tradeclock_scheduler_state", metrics.State.PrometheusName())
	seen := make(map[string]bool)
	for _, m := range metrics.All() {
		assert.False(t, seen[m.Name], m.Name)
		seen[m.Name] = true
		assert.NotContains(t, m.Attributes, "account", "%s: series must not grow with accounts", m.Name)
		assert.Equal(t, m.Kind == metrics.Histogram, m.Buckets != nil, m.Name)
	}
}
