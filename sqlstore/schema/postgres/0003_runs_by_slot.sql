-- The runs by slot: as most slots begin with a date, those of one time lie together
-- and new ones at the end, and a claim does not become slower as the ledger grows.
-- By id, which is random, each was written somewhere else. Nothing looks for a run
-- by its id but a person.
ALTER TABLE tradeclock_runs
	DROP CONSTRAINT tradeclock_runs_pkey,
	ADD PRIMARY KEY (scheduler, slot, task, account);

DROP INDEX tradeclock_runs_session, tradeclock_runs_succeeded;
-- For the history of a session: as an expression, which nothing else asks for.
CREATE INDEX tradeclock_runs_session ON tradeclock_runs (scheduler, (session || ''));
-- For what a repeating run is told of its session: whether one has succeeded, and
-- whether one had started under an older term. Of a session in which nothing
-- succeeds, each run is the first, so that a run notes in a column that it has ended
-- that: an index that depends on the outcome would be written at each settlement.
ALTER TABLE tradeclock_runs ADD COLUMN first_success INTEGER NOT NULL DEFAULT 0;
UPDATE tradeclock_runs SET first_success = 1 WHERE first = 1 AND outcome = 'succeeded';
CREATE INDEX tradeclock_runs_success ON tradeclock_runs (scheduler, session, task, account) WHERE first_success = 1;
CREATE INDEX tradeclock_runs_first ON tradeclock_runs (scheduler, session, task, account, term) WHERE first = 1;
CREATE INDEX tradeclock_runs_single ON tradeclock_runs (scheduler, session, task, account) WHERE repeating = 0;

-- The occurrences of tasks that have runs which are not settled, and how many. No
-- index depends on the outcome, so that a settlement writes the row alone, if its
-- page has room: half of each is left for that.
CREATE TABLE tradeclock_unsettled (
	scheduler TEXT COLLATE "C" NOT NULL,
	slot      TEXT COLLATE "C" NOT NULL,
	task      TEXT COLLATE "C" NOT NULL,
	runs      BIGINT NOT NULL,
	PRIMARY KEY (scheduler, slot, task)
);
INSERT INTO tradeclock_unsettled
	SELECT scheduler, slot, task, count(*) FROM tradeclock_runs WHERE outcome = 'running' GROUP BY scheduler, slot, task;
DROP INDEX tradeclock_runs_unsettled;
ALTER TABLE tradeclock_runs SET (fillfactor = 45);
