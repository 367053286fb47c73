package main

// breakage is a small mistake: one text in place of another, which occurs once.
type breakage struct {
	name     string
	file     string
	old, new string
}

var breakages = []breakage{
	{"claim after the start", "internal/engine/pick.go", `if p.armed || (q.failing || ob.Reconciling && p.Repeats) && p.mayRunUnclaimed() {`, `if p.Replaces == nil {`},
	{"no unique slot", "memstore/ledger.go", `if taken := l.rows.of(run); taken != nil {`, `if taken := l.rows.of(run); taken != nil && taken.Token == run.Token {`},
	{"the watermark is advanced first", "internal/engine/books.go", `if due, ok := e.queue.earliest(); ok {`, `if due, ok := e.queue.earliest(); ok && false {`},
	{"no fencing", "memstore/ledger.go", `if l == nil || !l.leading || l.term != t {`, `if l == nil {`},
	{"settled without the token", "memstore/ledger.go", `entitled := run.Token != "" && row.Token == run.Token`, `entitled := true`},
	{"a term is granted before the last one ends", "memstore/term.go", `if left := l.expires.Sub(now); left > 0 {`, `if left := l.expires.Sub(now); left > ttl/2 {`},
	{"the watermark goes back", "memstore/ledger.go", `if to.After(l.watermark) {`, `if !to.IsZero() && !to.Equal(l.watermark) && l.term.Number > 1 {`},
	{"catch-up is ignored", "internal/engine/row.go", `end := due.Add(r.CatchUp)`, `end := due.Add(24 * time.Hour)`},
	{"halts are ignored", "control.go", `	h, ok := s.control.halts[account]
	return h, ok`, `	h, ok := s.control.halts[account]
	return h, ok && false`},
	{"overlap is ignored", "internal/engine/pick.go", `if ts.isBusy() && e.besideOthers(p, ts, now) {`, `if len(ts.running) > 100 && e.besideOthers(p, ts, now) {`},
	{"groups are ignored", "internal/engine/pick.go", `if g := a.group(r.Exclusive); g.busy {`, `if g := a.group(r.Exclusive); g.busy && false {`},
	{"places are not counted", "internal/engine/pick.go", `return e.maxConcurrent > 0 && e.queue.places >= e.maxConcurrent`, `return false`},
	{"a term is trusted for ever", "internal/engine/tenure.go", `if t.trusted.IsZero() {`, `if true {`},
	{"unsettled runs are not reconciled", "resume.go", `s.reconcile(state.Unsettled)`, `s.reconcile(nil)`},
	{"interrupted runs are always run again", "internal/engine/again.go", `r.Policy.Disabled || !r.AtLeastOnce || !r.RunsOn(run.Session)`, `r.Policy.Disabled || !r.RunsOn(run.Session)`},
	{"a new account begins a day ago", "internal/engine/enrol.go", `	case !seen && as.began.IsZero() && !a.admitted:
		sv.From = wall(now)`, `	case !seen && as.began.IsZero() && !a.admitted:
		sv.From = wall(now).AddDate(0, 0, -1)`},
	{"what came due in an absence is lost", "internal/engine/account.go", `s.Returned.Sub(s.Left) > r.CatchUp`, `s.Returned.Sub(s.Left) > 0`},
	{"deadlines are ignored", "execution.go", `	if e.row.Timeout > 0 {
		e.run.Deadline`, `	if e.row.Timeout < 0 {
		e.run.Deadline`},
	{"one attempt too many", "internal/engine/retry.go", `attempts < p.Row.Retry.Attempts`, `attempts <= p.Row.Retry.Attempts`},
	{"disabled rows run", "internal/plan/group.go", `if !r.Policy.Disabled && o.Due.After(r.HoldsFrom()) {`, `if o.Due.After(r.HoldsFrom()) {`},
	{"closed days are sessions", "internal/plan/day.go", `if known && !g.runsOn(d.session.Kind) {`, `if known && !d.session.Open() && false {`},
	{"outcomes are dropped on an error", "settle.go", `			s.settleFailed(err)
			break
		}
		b.settling = b.settling[n:]`, `			b.settling = b.settling[n:]
			break
		}
		b.settling = b.settling[n:]`},
	{"a claim is repeated with a new token", "internal/engine/start.go", `	p.uncertain = true
	e.Unpick(p)`, `	p.Serial = e.NextSerial()
	e.Unpick(p)`},
	{"what waits is not replaced by what is newer", "internal/engine/lineup.go", `if older == nil || !older.lined {`, `if true {`},
	{"heartbeats every two minutes", "heartbeat.go", `		wait := nextMinute(now).Sub(now)
		if !ok {`, `		wait := nextMinute(now).Sub(now) + time.Minute
		if !ok {`},
	{"a standby looks only once a minute", "term.go", `now.Add(min(max(held.Left, 0)+time.Millisecond, takeoverWithin))`, `now.Add(time.Minute)`},
	{"runs do not wait for the login", "account.go", `a.changing, a.cancelStart = true, cancel`, `a.changing, a.cancelStart = true, cancel; s.engine.ExecutorStarted(&a.Account)`},
	{"nobody logs out when the term is lost", "term.go", `	for a := range s.everyAccount() {
		s.stopExecutor(a)
	}
`, ``},
	{"a trigger does not look at what runs", "internal/engine/manual.go", `	case a.task(r.Task()).isBusy():`, `	case len(a.tasks) > 100:`},
	{"a change of kind holds at once", "internal/plan/day.go", `	if g.prior.Rule == nil {
		return false`, `	if g.prior.Rule == nil || g.since.After(time.Time{}) {
		return false`},
	{"a run forgets its offset", "internal/engine/lineup.go", `p.Offset = SpreadOffset(`, `_ = SpreadOffset(`},
	{"start limits are ignored", "internal/engine/limits.go", `places = c.Starts - len(w.starts) - w.reserved`, `places = c.Starts`},
	{"nothing is looked at again after a claim", "internal/engine/start.go", `return !halted && inTime && e.Term.MayStart(p.Row.AtLeastOnce, now)`, `return !halted && inTime || true`},
	{"halts are read at ticks alone", "dispatch.go", `if !known { // or else`, `if !known && false { // or else`},
	{"a wave forgets whom a limit holds up", "internal/engine/wave.go", `	w.accts = w.accts[n:]
`, `	w.accts = nil
`},
	{"the watermark does not wait for a wave", "internal/engine/queue.go", `if len(q.waves) > 0 && (!ok ||`, `if len(q.waves) > 100 && (!ok ||`},
	{"the watermark does not wait for offsets", "internal/engine/queue.go", `if first := q.spread[i].due[0].Due; !ok || first.Before(due) {`, `if first := q.spread[i].due[0].Due; false {`},
	{"nothing wakes for an offset", "internal/engine/expire.go", `q.startsAt(q.spread[i].nextStart())`, `_ = q.spread[i].nextStart()`},
	{"the next term plans again what was recorded", "internal/engine/lineup.go", ` || e.planning.ahead.Has(key, o.Slot, o.Due)`, ``},
	{"a goroutine leaves a run behind", "internal/quiet/runners.go", `for len(r.started) > 0 {`, `for len(r.started) > 1 {`},
	{"a run waits for the goroutine of another", "internal/quiet/runners.go", `r.call() // for the next: this job may take its time`, ``},
	{"a wall time that the clocks skip goes back", "calendar/walltime.go", `if instant.Before(period) {`, `if false {`},
	{"a run is not told that it resumes", "claim.go", `run.First, run.Resumed = c.First, c.Resumed`, `run.First = c.First`},
	{"the first run is told from its own term", "memstore/ledger.go", `row.First, row.Resumed = !facts.succeeded, facts.claimedIn < row.Term`, `row.First, row.Resumed = !facts.succeeded || facts.claimedIn < row.Term, facts.claimedIn < row.Term`},
	{"late evidence is dropped", "memstore/ledger.go", `row.Late = &store.LateOutcome{`, `_ = &store.LateOutcome{`},
	{"a run for today has a slot of its own", "trigger.go", `	if !req.standsForSlot() {
		slot`, `	if true {
		slot`},
	{"a sentence counts rows", "internal/answer/sentence.go", `b.counts[reason] += r.Occurrences()`, `b.counts[reason]++`},
	{"a claim that never started is kept", "internal/engine/release.go", `	e.releases.add(Release{`, `	_ = (Release{`},
	{"an own row does not shadow the shared one", "internal/vet/rows.go", `	for _, r := range v.Order {
		hide(r.Account, r.Task)
	}
`, ``},
	{"a bad row lets the shared one run", "internal/vet/rows.go", `	for _, r := range v.Bad {
		hide(r.Account, r.Task)
	}
`, ``},
	{"once runs on a closed date", "internal/plan/day.go", `return verdict{admitted: true, skip: d.session.Describe()}`, `return verdict{admitted: true}`},
	{"special sessions are sessions of all rows", "internal/plan/group.go", `if !g.sessions.Has(k) {`, `if k != calendar.Special && !g.sessions.Has(k) {`},
	{"priorities are ignored", "internal/engine/wave.go", `		cmp.Compare(w.row.Policy.Priority, o.row.Policy.Priority),
`, ``},
	{"a rerun does not ask the gate again", "internal/plan/row.go", `	session, err := SessionOf(r.Calendar, date)
	for ;`, `	session, err := SessionOf(r.Calendar, date)
	for r = nil;`},
	{"a run starts before its claim ahead is held", "internal/engine/arming.go", `p.armed, p.First, p.Resumed = claim.armed, claim.First, claim.Resumed`, `p.armed, p.First, p.Resumed = true, claim.First, claim.Resumed`},
	{"an armed run starts after a halt", "internal/engine/pick.go", `	case halted:
		return e.passOver`, `	case halted && !p.armed:
		return e.passOver`},
	{"what may have started is claimed again", "internal/engine/arming.go", `return !trusted.IsZero() && !start.Before(trusted)`, `return true`},
	{"what is armed and does not start is not given back", "internal/engine/arming.go", `	for _, p := range given {
		e.GiveBack(p)
	}`, ``},
	{"an armed run does not wait for its term", "internal/engine/tenure.go", `	if t.TrustedAt(now) {
		return true
	}
	return atLeastOnce`, `	if t.number != 0 {
		return true
	}
	return atLeastOnce`},
	{"an answer is not stored", "requests.go", `return struct{}{}, s.requested.Answer(ctx, t, answer)`, `return struct{}{}, nil`},
	{"a rerun comes after what is newer", "internal/engine/again.go", `if run.Repeats && (ts.lastDue.After(run.Due) || q.comesFor(a, r, run.Due)) {`, `if false {`},
	{"what is cut off forgets until when it runs again", "execution.go", `run.RerunUntil = e.of.RerunUntil(now)`, `_ = e.of.RerunUntil(now)`},
	{"the close is that of a regular day", "rule/moment.go", `edges = append(edges, p.End)`, `edges = append(edges, p.Start.Add(6*time.Hour+15*time.Minute))`},
	{"a chain goes on after a failure", "internal/engine/chain.go", `case !end.Succeeded:`, `case !end.Succeeded && end.Finished.IsZero():`},
	{"a restart forgets what a chain waits for", "resume.go", `entry.Ended = answer.EndedOf(&runs[i])`, `entry.Ended = nil`},
	{"the watermark does not wait for a chain", "internal/engine/queue.go", `if !ok || p.Planned.Before(due) {`, `if p.awaits == nil && (!ok || p.Planned.Before(due)) {`},
	{"a chain forgets its delay", "internal/engine/chain.go", `return from.Add(p.awaits.Delay)`, `return from`},
	{"nothing wakes for a chain", "internal/engine/chain.go", `e.queue.startsAt(ch.coming[0].Start())`, `_ = ch.coming[0].Start()`},
	{"an edit that is read late holds from before", "internal/engine/kept.go", `if !e.Term.IsResumed() || !pl.upTo.Before(now) {`, `if true {`},
	{"the rule of after an edit says what repeats", "internal/plan/day.go", `rule.Repeats(m.timingOn(g.root(), d).Rule) // each`, `rule.Repeats(g.root().Rule) // each`},
	{"a skipped occurrence runs all the same", "internal/plan/override.go", `		o.Skip = w.Why
		return o, !o.HasMoved`, `		return o, !o.HasMoved`},
	{"a move runs at both times", "internal/plan/override.go", `		o.Away = true
		return o, true`, `		return o, true`},
	{"a move forgets its slot", "internal/plan/override.go", `o.Due, o.HasMoved, o.Awaits, o.said = w.At, true, nil,`, `o.Slot, o.Due, o.HasMoved, o.Awaits, o.said = o.Slot+" moved", w.At, true, nil,`},
	{"an override is lost at a takeover", "overriding.go", `s.overrides = overrides{list: all}`, `s.overrides = overrides{list: all[:0]}`},
	{"an override comes too late", "overriding.go", `	case !present.After(planned):`, `	case false:`},
	{"a halt is answered before it is in force", "requests.go", `	switch {
	case err == nil:
		return request.Done, "it is in force", ""`, `	switch {
	case err == nil || !errors.Is(err, ErrUnknownAccount):
		return request.Done, "it is in force", ""`},
	{"a lift forgets", "requests.go", `	switch {
	case err == nil:
		return request.Done, "it is lifted", ""`, `	switch {
	case err == nil || !errors.Is(err, ErrUnknownAccount):
		return request.Done, "it is lifted", ""`},
	{"a lift ends the halt of another, who came later", "requests.go", `	case h.At.After(r.At):`, `	case false:`},
	{"a cancel ends nothing", "cancel.go", `e.ctx.cancel(cause)`, `_ = cause`},
	{"a request has another slot each time it is taken", "trigger.go", `now, mark = req.at, req.asked`, `now, mark = req.at, req.asked+mark`},
}
