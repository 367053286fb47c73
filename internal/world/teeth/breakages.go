package main

// breakage is a small mistake: one text in place of another, which occurs once.
type breakage struct {
	name     string
	file     string
	old, new string
}

var breakages = []breakage{
	{"claim after the start", "dispatch.go", `if (q.backoff > 0 || s.books.reconciling > 0 && p.run.Repeating) && p.mayRunUnclaimed() {`, `if p.replaces == nil {`},
	{"no unique slot", "memstore/ledger.go", `if taken := l.rows.of(run); taken != nil {`, `if taken := l.rows.of(run); taken != nil && taken.Token == run.Token {`},
	{"the watermark is advanced first", "record.go", `if due, ok := s.queue.earliest(); ok {`, `if due, ok := s.queue.earliest(); ok && false {`},
	{"no fencing", "memstore/ledger.go", `if l == nil || !l.leading || l.term != t {`, `if l == nil {`},
	{"settled without the token", "memstore/ledger.go", `entitled := run.Token != "" && row.Token == run.Token`, `entitled := true`},
	{"a term is granted before the last one ends", "memstore/term.go", `if left := l.expires.Sub(now); left > 0 {`, `if left := l.expires.Sub(now); left > ttl/2 {`},
	{"the watermark goes back", "memstore/ledger.go", `if to.After(l.watermark) {`, `if !to.IsZero() && !to.Equal(l.watermark) && l.term.Number > 1 {`},
	{"catch-up is ignored", "internal/engine/row.go", `end := due.Add(r.CatchUp)`, `end := due.Add(24 * time.Hour)`},
	{"halts are ignored", "control.go", `	h, ok := s.control.halts[account]
	return h, ok`, `	h, ok := s.control.halts[account]
	return h, ok && false`},
	{"overlap is ignored", "dispatch.go", `if ts.isBusy() && s.besideOthers(p, ts) {`, `if len(ts.running) > 100 && s.besideOthers(p, ts) {`},
	{"groups are ignored", "dispatch.go", `if g := p.acct.group(p.row.Exclusive); g.busy {`, `if g := p.acct.group(p.row.Exclusive); g.busy && false {`},
	{"places are not counted", "dispatch.go", `return s.cfg.MaxConcurrent > 0 && s.queue.places >= s.cfg.MaxConcurrent`, `return false`},
	{"a term is trusted for ever", "term.go", `if t.trusted.IsZero() {`, `if true {`},
	{"unsettled runs are not reconciled", "resume.go", `s.reconcile(state.Unsettled)`, `s.reconcile(nil)`},
	{"interrupted runs are always run again", "enqueue.go", `r == nil || r.Disabled || r.Delivery != AtLeastOnce || run.Manual`, `r == nil || r.Disabled || run.Manual`},
	{"a new account begins a day ago", "account.go", `	case !seen && s.term.began.IsZero() && !a.admitted:
		a.from = now.Round(0).UTC()`, `	case !seen && s.term.began.IsZero() && !a.admitted:
		a.from = now.Round(0).UTC().AddDate(0, 0, -1)`},
	{"what came due in an absence is lost", "account.go", `a.returned.Sub(a.left) > r.catchUp()`, `a.returned.Sub(a.left) > 0`},
	{"deadlines are ignored", "execution.go", `	if e.row.Timeout > 0 {
		e.run.Deadline`, `	if e.row.Timeout < 0 {
		e.run.Deadline`},
	{"one attempt too many", "execution.go", `e.run.Attempt >= e.row.Retry.Attempts`, `e.run.Attempt > e.row.Retry.Attempts`},
	{"disabled rows run", "internal/plan/group.go", `if !r.Policy.Disabled && o.Due.After(r.HoldsFrom()) {`, `if o.Due.After(r.HoldsFrom()) {`},
	{"closed days are sessions", "internal/plan/day.go", `if known && !g.runsOn(d.session.Kind) {`, `if known && !d.session.Open() && false {`},
	{"outcomes are dropped on an error", "settle.go", `			s.settleFailed(err)
			break
		}
		b.settling = b.settling[n:]`, `			b.settling = b.settling[n:]
			break
		}
		b.settling = b.settling[n:]`},
	{"a claim is repeated with a new token", "claim.go", `	p.uncertain = true
	s.unreserve(p)`, `	p.run.Token = s.newToken()
	s.unreserve(p)`},
	{"what waits is not replaced by what is newer", "enqueue.go", `if older == nil || !older.lined {`, `if true {`},
	{"heartbeats every two minutes", "heartbeat.go", `		wait := nextMinute(now).Sub(now)
		if !ok {`, `		wait := nextMinute(now).Sub(now) + time.Minute
		if !ok {`},
	{"a standby looks only once a minute", "term.go", `now.Add(min(max(held.Left, 0)+time.Millisecond, takeoverWithin))`, `now.Add(time.Minute)`},
	{"runs do not wait for the login", "executors.go", `a.changing, a.cancelStart = true, cancel`, `a.changing, a.cancelStart, a.started = true, cancel, true`},
	{"nobody logs out when the term is lost", "term.go", `	for _, a := range s.accounts.sorted() {
		s.stopExecutor(a)
	}
`, ``},
	{"a trigger does not look at what runs", "trigger.go", `	case ts.isBusy():`, `	case len(ts.running) > 100:`},
	{"a change of kind holds at once", "internal/plan/day.go", `	if g.prior.Rule == nil {
		return false`, `	if g.prior.Rule == nil || g.since.After(time.Time{}) {
		return false`},
	{"a run forgets its offset", "enqueue.go", `p.run.Offset = engine.SpreadOffset(`, `_ = engine.SpreadOffset(`},
	{"start limits are ignored", "internal/engine/limits.go", `places = c.Starts - len(w.starts) - w.reserved`, `places = c.Starts`},
	{"nothing is looked at again after a claim", "claim.go", `return !halted && inTime && s.term.mayStart(p.row.Delivery, now)`, `return !halted && inTime || true`},
	{"halts are read at ticks alone", "dispatch.go", `if !known { // or else`, `if !known && false { // or else`},
	{"a wave forgets whom a limit holds up", "wave.go", `	w.accts = w.accts[n:]
`, `	w.accts = nil
`},
	{"the watermark does not wait for a wave", "queue.go", `if len(q.waves) > 0 && (!ok ||`, `if len(q.waves) > 100 && (!ok ||`},
	{"the watermark does not wait for offsets", "queue.go", `if first := q.spread[i].due[0].Due; !ok || first.Before(due) {`, `if first := q.spread[i].due[0].Due; false {`},
	{"nothing wakes for an offset", "spreadwave.go", `q.startsAt(q.spread[i].nextStart())`, `_ = q.spread[i].nextStart()`},
	{"the next term plans again what was recorded", "enqueue.go", ` || s.term.ahead.has(a.name, r.Task, o.Slot, o.Due)`, ``},
	{"a goroutine leaves a run behind", "internal/quiet/runners.go", `for len(r.started) > 0 {`, `for len(r.started) > 1 {`},
	{"a run waits for the goroutine of another", "internal/quiet/runners.go", `r.call() // for the next: this job may take its time`, ``},
	{"a wall time that the clocks skip goes back", "calendar/walltime.go", `if instant.Before(period) {`, `if false {`},
	{"a run is not told that it resumes", "claim.go", `p.run.First, p.run.Resumed = c.First, c.Resumed`, `p.run.First = c.First`},
	{"the first run is told from its own term", "memstore/ledger.go", `row.First, row.Resumed = !facts.succeeded, facts.claimedIn < row.Term`, `row.First, row.Resumed = !facts.succeeded || facts.claimedIn < row.Term, facts.claimedIn < row.Term`},
	{"late evidence is dropped", "memstore/ledger.go", `row.Late = &tradeclock.LateOutcome{`, `_ = &tradeclock.LateOutcome{`},
	{"a run for today has a slot of its own", "trigger.go", `	if !req.ForToday {
		slot`, `	if true {
		slot`},
	{"a sentence counts rows", "explain.go", `counts[what] += r.Occurrences()`, `counts[what]++`},
	{"a claim that never started is kept", "release.go", `	s.releases.add(r)
	s.releaseLater()`, `	_ = r`},
	{"an own row does not shadow the shared one", "rows.go", `	for _, r := range v.order {
		hide(r.Account, r.Task)
	}
`, ``},
	{"a bad row lets the shared one run", "rows.go", `	for _, r := range v.bad {
		hide(r.Account, r.Task)
	}
`, ``},
	{"once runs on a closed date", "internal/plan/day.go", `return verdict{admitted: true, skip: d.session.Describe()}`, `return verdict{admitted: true}`},
	{"special sessions are sessions of all rows", "internal/plan/group.go", `if !g.sessions.Has(k) {`, `if k != calendar.Special && !g.sessions.Has(k) {`},
	{"priorities are ignored", "wave.go", `		cmp.Compare(w.row.Priority, o.row.Priority),
`, ``},
	{"a rerun does not ask the gate again", "internal/plan/row.go", `	session, err := SessionOf(r.Calendar, date)
	for ;`, `	session, err := SessionOf(r.Calendar, date)
	for r = nil;`},
	{"a rerun comes after what is newer", "enqueue.go", `if run.Repeating && (ts.lastDue.After(run.Due) || s.queue.comesFor(a, r, run.Due)) {`, `if false {`},
	{"what is cut off forgets until when it runs again", "execution.go", `run.RerunUntil = e.expires`, `_ = e.expires`},
	{"the close is that of a regular day", "rule/moment.go", `edges = append(edges, p.End)`, `edges = append(edges, p.Start.Add(6*time.Hour+15*time.Minute))`},
	{"an edit that is read late holds from before", "kept.go", `if !s.term.resumed || !s.plan.upTo.Before(now) {`, `if true {`},
	{"the rule of after an edit says what repeats", "internal/plan/day.go", `repeats := rule.Repeats(m.timingOn(g.root(), d).Rule)`, `repeats := rule.Repeats(g.root().Rule)`},
}
