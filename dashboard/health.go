package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/monitor"
)

// Health returns what a service answers a monitor with, as the path /healthz: the line that the
// command tradeclock health prints, with status 200 if it is OK or a WARNING, and 503 if it is
// CRITICAL or UNKNOWN. It asks nobody for permission, and names instances and tasks. The verdict
// is on the scheduler, whichever process is asked: a standby that is well answers 200 too.
func (d *Dashboard) Health() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only asked by GET", http.StatusMethodNotAllowed)
			return
		}
		v := &visit{Dashboard: d, ctx: r.Context(), req: r, now: d.clock.Now(), route: &route{name: "health"}}
		verdict, err := within(v, (*visit).judge)
		if err != nil {
			verdict = faces.CannotTell(err)
		}
		if verdict.Code >= faces.Critical {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintln(w, strings.ReplaceAll(verdict.Line(), "\n", " "))
	})
}

// judge returns the verdict.
func (v *visit) judge() (*faces.Verdict, error) {
	if v.cfg.Heartbeats == nil || v.directory == nil {
		return faces.CannotTell(errors.New("no heartbeats are kept, or nobody knows who leads")), nil
	}
	return faces.Judging{
		Name: v.name, View: v.view, Schedules: v.cfg.View.Schedules, Directory: v.directory, Calendar: v.calendar, Today: v.today(),
		Monitor: monitor.Monitor{Reader: v.cfg.Heartbeats},
	}.Judge(v.ctx)
}
