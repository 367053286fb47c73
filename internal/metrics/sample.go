package metrics

import (
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/store"
)

var states = []tradeclock.SchedulerState{
	tradeclock.StateStopped, tradeclock.StateStandby, tradeclock.StateActive, tradeclock.StateHalted, tradeclock.StateDraining,
}

// Sample gives what a status says of each sampled metric to set.
func Sample(st tradeclock.Status, set func(m *Metric, value float64, values Values)) {
	at := func(m *Metric, t time.Time) {
		if !t.IsZero() {
			set(m, unix(t), Values{})
		}
	}
	number := func(m *Metric, n int) { set(m, float64(n), Values{}) }

	for _, state := range states {
		set(State, either(st.State == state, 1.0, 0), Values{state.String()})
	}
	for class, n := range st.Conditions {
		set(Degraded, float64(n), Values{class})
	}
	for calendar, end := range st.Coverage {
		set(CoverageEnd, unix(end), Values{calendar})
	}
	for key, n := range active(st.Running) {
		set(Active, float64(n), Values{key.task, key.state})
	}
	set(Term, float64(st.Term), Values{})
	at(HeartbeatTime, st.LastBeat)
	at(TickTime, st.LastTick)
	at(NextTime, st.Next)
	at(WatermarkTime, st.Watermark)
	number(HeartbeatErrors, st.HeartbeatErrors)
	number(Waiting, st.Waiting)
	number(Unstored, st.Unstored)
	number(Schedules, st.Schedules)
	number(Quarantined, len(st.Quarantined))
	number(Accounts, len(st.Accounts))
	number(Halts, len(st.Halts))
}

type activeKey struct{ task, state string }

func active(runs []store.RunningTask) map[activeKey]int {
	counts := make(map[activeKey]int)
	for _, r := range runs {
		counts[activeKey{r.Task, either(r.Overdue, overdue, running)}]++
	}
	return counts
}
