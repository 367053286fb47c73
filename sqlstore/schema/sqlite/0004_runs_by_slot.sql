-- The runs by slot: as most slots begin with a date, those of one time lie together
-- and new ones at the end, and a claim does not become slower as the ledger grows.
-- By id, which is random, each was written somewhere else. Nothing looks for a run
-- by its id but a person.
ALTER TABLE tradeclock_runs RENAME TO tradeclock_runs_by_id;

CREATE TABLE tradeclock_runs (
	id               TEXT    NOT NULL,
	scheduler        TEXT    NOT NULL,
	account          TEXT    NOT NULL,
	task             TEXT    NOT NULL,
	slot             TEXT    NOT NULL,
	session          TEXT    NOT NULL,
	due              TEXT    NOT NULL,
	start_offset     TEXT    NOT NULL DEFAULT '',
	through          TEXT    NOT NULL,
	last_slot        TEXT    NOT NULL,
	count            INTEGER NOT NULL,
	outcome          TEXT    NOT NULL,
	reason           TEXT    NOT NULL,
	started          TEXT    NOT NULL,
	finished         TEXT    NOT NULL,
	attempt          INTEGER NOT NULL,
	deadline         TEXT    NOT NULL,
	term             INTEGER NOT NULL,
	token            TEXT    NOT NULL,
	first            INTEGER NOT NULL,
	first_success    INTEGER NOT NULL DEFAULT 0,
	resumed          INTEGER NOT NULL,
	repeating        INTEGER NOT NULL,
	manual           INTEGER NOT NULL,
	actor            TEXT    NOT NULL,
	backdated        INTEGER NOT NULL,
	calendar         TEXT    NOT NULL,
	calendar_version TEXT    NOT NULL,
	details          TEXT    NOT NULL,
	late_outcome     TEXT    NOT NULL DEFAULT '',
	late_reason      TEXT    NOT NULL DEFAULT '',
	late_finished    TEXT    NOT NULL DEFAULT '',
	PRIMARY KEY (scheduler, slot, task, account)
);

INSERT INTO tradeclock_runs (
	id, scheduler, account, task, slot, session, due, start_offset, through, last_slot, count, outcome,
	reason, started, finished, attempt, deadline, term, token, first, first_success, resumed, repeating,
	manual, actor, backdated, calendar, calendar_version, details, late_outcome,
	late_reason, late_finished
)
SELECT
	id, scheduler, account, task, slot, session, due, start_offset, through, last_slot, count, outcome,
	reason, started, finished, attempt, deadline, term, token, first, CASE WHEN first = 1 AND outcome = 'succeeded' THEN 1 ELSE 0 END, resumed, repeating,
	manual, actor, backdated, calendar, calendar_version, details, late_outcome,
	late_reason, late_finished
FROM tradeclock_runs_by_id ORDER BY scheduler, slot, task, account;
DROP TABLE tradeclock_runs_by_id;

-- For history, pruning, and what a new holder of a term finds ahead of the
-- watermark.
CREATE INDEX tradeclock_runs_due ON tradeclock_runs (scheduler, due);
-- For the history of a session: as an expression, which nothing else asks for.
CREATE INDEX tradeclock_runs_session ON tradeclock_runs (scheduler, (session || ''));
-- For what a repeating run is told of its session: whether one has succeeded, and
-- whether one had started under an older term. Of a session in which nothing
-- succeeds, each run is the first, so that a run notes in a column that it has ended
-- that: an index that depends on the outcome would be written at each settlement.
CREATE INDEX tradeclock_runs_success ON tradeclock_runs (scheduler, session, task, account) WHERE first_success = 1;
CREATE INDEX tradeclock_runs_first ON tradeclock_runs (scheduler, session, task, account, term) WHERE first = 1;
CREATE INDEX tradeclock_runs_single ON tradeclock_runs (scheduler, session, task, account) WHERE repeating = 0;
-- For the other small sets that are looked for by name.
CREATE INDEX tradeclock_runs_resumed ON tradeclock_runs (scheduler, account, task, session) WHERE resumed = 1;
CREATE INDEX tradeclock_runs_ranges ON tradeclock_runs (scheduler, account, task, through) WHERE count > 1;
CREATE INDEX tradeclock_runs_range_ends ON tradeclock_runs (scheduler, through) WHERE count > 1;

-- The occurrences of tasks that have runs which are not settled, and how many.
CREATE TABLE tradeclock_unsettled (
	scheduler TEXT    NOT NULL,
	slot      TEXT    NOT NULL,
	task      TEXT    NOT NULL,
	runs      INTEGER NOT NULL,
	PRIMARY KEY (scheduler, slot, task)
);
INSERT INTO tradeclock_unsettled
	SELECT scheduler, slot, task, count(*) FROM tradeclock_runs WHERE outcome = 'running' GROUP BY scheduler, slot, task;
