package dashboard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

// route is a page, by its path and the name of its template.
type route struct {
	name, title string
	in          string // how it is called in the navigation, or empty
	scoped      bool   // it shows one account alone if the request names one
	shown       func(*Dashboard) bool
	get         func(*visit) (any, error)
	post        func(*visit) (answer, error)
}

var routes = []route{
	{name: "day", in: "Day", title: "Day", scoped: true, shown: (*Dashboard).hasDirectory, get: (*visit).day},
	{name: "runs", in: "Runs", title: "Runs", scoped: true, get: (*visit).runs},
	{name: "run", title: "Run", scoped: true, get: (*visit).run},
	{name: "schedules", in: "Schedules", title: "Schedules", get: (*visit).schedules},
	{name: "schedule", title: "Schedule", get: (*visit).schedule, post: (*visit).editSchedule},
	{name: "accounts", in: "Accounts", title: "Accounts", shown: (*Dashboard).hasDirectory, get: (*visit).accounts},
	{name: "calendars", in: "Calendars", title: "Calendars", get: (*visit).calendars},
	{name: "calendar", title: "Calendar", get: (*visit).calendarMonth},
	{name: "instances", in: "Instances", title: "Instances", shown: (*Dashboard).hasInstances, get: (*visit).instances},
	{name: "halts", in: "Halts", title: "Halts", shown: func(d *Dashboard) bool { return d.halts != nil }, get: (*visit).haltsInForce, post: (*visit).order},
	{name: "requests", in: "Requests", title: "Requests", shown: func(d *Dashboard) bool { return d.requests != nil }, get: (*visit).asked, post: (*visit).ask},
	{name: "audit", in: "Audit", title: "Audit", shown: func(d *Dashboard) bool { return d.auditor != nil }, get: (*visit).audit},
}

func (d *Dashboard) hasDirectory() bool { return d.directory != nil }
func (d *Dashboard) hasInstances() bool { return d.cfg.Heartbeats != nil || d.directory != nil }

// routeOf returns the route of a path, if what it shows is there.
func (d *Dashboard) routeOf(path string) (*route, bool) {
	name, ok := strings.CutPrefix(path, "/")
	if !ok {
		return nil, false
	}
	if name == "" {
		if name = "day"; d.directory == nil {
			name = "runs"
		}
	}
	for i := range routes {
		if r := &routes[i]; r.name == name && (r.shown == nil || r.shown(d)) {
			return r, true
		}
	}
	return nil, false
}

// answer is what a form is answered by: a page with a status, or another address.
type answer struct {
	page   any
	status int
	to     string
}

// visit is one request.
type visit struct {
	*Dashboard
	ctx   context.Context
	req   *http.Request
	route *route
	form  url.Values // of the address, or of the body of a form that was sent
	now   time.Time
}

// today is the date where the market is.
func (v *visit) today() calendar.Date { return calendar.DateOf(v.now.In(v.loc)) }

// may returns who may do something.
func (v *visit) may(a Action) (actor string, err error) {
	actor, err = v.cfg.Authorize(v.req, a)
	if err == nil && actor == "" && a.Verb != View {
		err = errors.New("it is not known by whom")
	}
	if err != nil && !errors.Is(err, ErrUnauthenticated) {
		err = &failure{http.StatusForbidden, err.Error()}
	}
	return actor, err
}

// can reports whether whoever asks may do something.
func (v *visit) can(verb Verb, account, task string) bool {
	_, err := v.may(Action{verb, account, task})
	return err == nil
}

// policy lets the page load its own style and script and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

const longestForm = 64 << 10 // bytes

// ServeHTTP answers a request.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	v := &visit{Dashboard: d, ctx: r.Context(), req: r, now: d.clock.Now()}
	path, found := strings.CutPrefix(r.URL.Path, d.cfg.Prefix)
	if path == "" && found { // without the slash every link would lead elsewhere
		address, _, _ := strings.Cut(r.RequestURI, "?")
		header.Set("Location", address[strings.LastIndexByte(address, '/')+1:]+"/")
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	if err := d.crossing.Check(r); err != nil {
		v.fail(w, path, &failure{http.StatusForbidden, "This was asked by a page of another site, and is refused."})
		return
	}
	if file, isAsset := strings.CutPrefix(path, "/assets/"); isAsset && found && serveAsset(w, r, file) {
		return
	}
	route, known := d.routeOf(path)
	if v.route = route; !found || !known {
		v.fail(w, path, &failure{http.StatusNotFound, "There is no such page."})
		return
	}
	v.serve(w, path)
}

func (v *visit) serve(w http.ResponseWriter, path string) {
	allowed := "GET, HEAD"
	isPost := v.req.Method == http.MethodPost && v.route.post != nil
	if v.route.post != nil {
		allowed += ", POST"
	}
	if !isPost && v.req.Method != http.MethodGet && v.req.Method != http.MethodHead {
		w.Header().Set("Allow", allowed)
		v.fail(w, path, &failure{http.StatusMethodNotAllowed, "That cannot be done here."})
		return
	}
	v.form = v.req.URL.Query()
	if isPost {
		v.req.Body = http.MaxBytesReader(w, v.req.Body, longestForm)
		if err := v.req.ParseForm(); err != nil {
			v.fail(w, path, &failure{http.StatusBadRequest, "The form cannot be read: " + err.Error()})
			return
		}
		v.form = v.req.PostForm
	}
	account := ""
	if v.route.scoped {
		account = v.form.Get("account")
	}
	if _, err := v.may(Action{View, account, v.form.Get("task")}); err != nil {
		v.fail(w, path, err)
		return
	}
	drawn, err := within(v, func(v *visit) (drawn, error) { return v.draws(isPost) })
	if err != nil {
		v.fail(w, path, err)
		return
	}
	a := drawn.answer
	if a.to != "" {
		w.Header().Set("Location", a.to) // relative, which http.Redirect would not leave
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	v.show(w, path, max(a.status, http.StatusOK), drawn.top, a.page)
}

// drawn is what the stores answered.
type drawn struct {
	answer
	top *top
}

// draws asks the stores for a page and what is above it.
func (v *visit) draws(isPost bool) (d drawn, err error) {
	if isPost {
		d.answer, err = v.route.post(v)
	} else {
		d.page, err = v.route.get(v)
	}
	if err == nil && d.to == "" {
		d.top = v.top()
	}
	return d, err
}

// errTooLong is the cause of a context whose stores took too long.
var errTooLong = errors.New("the store did not answer in time")

// within asks the stores by f, in a goroutine of its own, since one that hangs may not heed its
// context. Close waits for it.
func within[T any](v *visit, f func(*visit) (T, error)) (none T, err error) {
	type result struct {
		value T
		err   error
	}
	ctx, cancel := context.WithCancelCause(v.ctx)
	defer cancel(nil)
	defer v.clock.AfterFunc(v.cfg.Timeout, func() { cancel(errTooLong) }).Stop()
	select {
	case v.places <- struct{}{}:
	case <-ctx.Done():
		return none, v.unanswered(ctx)
	}
	if v.isClosed() {
		<-v.places
		return none, &failure{http.StatusServiceUnavailable, "This page is closed: the service stops."}
	}
	asking, done := *v, make(chan result, 1)
	asking.ctx = ctx
	go func() {
		defer func() { <-v.places }()
		var res result
		res.err = v.contained(func() (err error) {
			res.value, err = f(&asking)
			return err
		})
		done <- res
	}()
	select {
	case res := <-done:
		if res.err != nil && ctx.Err() != nil {
			res.err = v.unanswered(ctx)
		}
		return res.value, res.err
	case <-ctx.Done():
		return none, v.unanswered(ctx)
	}
}

// contained makes a panic of a store, a calendar or an Authorize an error.
func (v *visit) contained(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			v.log.Error("a page broke", "path", v.route.name, "panic", p, "stack", string(debug.Stack()))
			err = &failure{http.StatusInternalServerError, "What this page asks broke: the log has it."}
		}
	}()
	return f()
}

func (v *visit) unanswered(ctx context.Context) error {
	text := fmt.Sprintf("The store did not answer within %v.", v.cfg.Timeout)
	if v.req.Method == http.MethodPost {
		text += " It is not known whether it was done: look before you order it again."
	}
	if !errors.Is(context.Cause(ctx), errTooLong) {
		text = "Whoever asked has gone."
	}
	return &failure{http.StatusServiceUnavailable, text}
}

// failure is an error with the status that answers it.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

func refuse(format string, args ...any) error {
	return &failure{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// failureOf finds the status for an error.
func failureOf(err error) *failure {
	var f *failure
	var conflict *store.ConflictError
	var quarantine *store.QuarantineError
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, ErrUnauthenticated):
		return &failure{http.StatusUnauthorized, err.Error()}
	case errors.Is(err, store.ErrUnknownAccount), errors.Is(err, store.ErrNoSchedule):
		return &failure{http.StatusNotFound, err.Error()}
	case errors.As(err, &conflict), errors.Is(err, store.ErrSchedulesChanged):
		return &failure{http.StatusConflict, err.Error()}
	case errors.As(err, &quarantine):
		return &failure{http.StatusUnprocessableEntity, err.Error()}
	}
	return &failure{http.StatusServiceUnavailable, "The store cannot be read: " + err.Error()}
}

// fail answers with a page that says what is wrong.
func (v *visit) fail(w http.ResponseWriter, path string, err error) {
	f := failureOf(err)
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="tradeclock", charset="UTF-8"`)
	}
	failed := *v // of which the goroutine that was given up may still read the original
	failed.route = &route{name: "failure", title: http.StatusText(f.status)}
	failed.show(w, path, f.status, new(top), f.text)
}

// show writes a page.
func (v *visit) show(w http.ResponseWriter, path string, status int, t *top, content any) {
	t.visit, t.Page, t.Failed = v, content, status >= http.StatusInternalServerError
	t.Root = "./" + strings.Repeat("../", max(0, strings.Count(path, "/")-1))
	var text bytes.Buffer
	if err := templates[v.route.name].ExecuteTemplate(&text, "layout.html", t); err != nil {
		v.log.Error("a page cannot be drawn", "path", v.route.name, "error", err)
		http.Error(w, "the page cannot be drawn: the log has why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // an error is of who asked, and has gone
}
