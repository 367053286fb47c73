-- The runs by slot: as most slots begin with a date, those of one time lie together
-- and new ones at the end, and a claim does not become slower as the ledger grows.
-- By id, which is random, each was written somewhere else. Nothing looks for a run
-- by its id but a person.
ALTER TABLE tradeclock_runs
	DROP CONSTRAINT tradeclock_runs_pkey,
	ADD PRIMARY KEY (scheduler, slot, task, account);

-- For the history of a session, and what a repeating run is told of it: whether one
-- has succeeded, and whether one had started under an older term. A monitor has
-- the same key at each of its minutes: to merge equal entries, page after page, takes
-- three times as long as a settlement without that.
DROP INDEX tradeclock_runs_session, tradeclock_runs_succeeded;
CREATE INDEX tradeclock_runs_session ON tradeclock_runs (scheduler, session, account, task, term)
	WITH (deduplicate_items = off);
