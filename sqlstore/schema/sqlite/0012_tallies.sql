-- How many runs there are of each outcome, and for reasons of which class, by session, task
-- and slot: written in the transactions that write the runs. By it the history finds the
-- runs of a session, and a new holder of a term what is not settled. Those that are empty
-- stay for a while. Open fills it from the runs.
CREATE TABLE tradeclock_tallies (
	scheduler   TEXT    NOT NULL,
	session     TEXT    NOT NULL,
	slot        TEXT    NOT NULL,
	task        TEXT    NOT NULL,
	outcome     TEXT    NOT NULL,
	class       TEXT    NOT NULL,
	runs        INTEGER NOT NULL,
	occurrences INTEGER NOT NULL, -- that they stand for
	lateness    INTEGER NOT NULL, -- the longest, in nanoseconds, of those that have ended
	PRIMARY KEY (scheduler, session, slot, task, outcome, class)
) WITHOUT ROWID;
CREATE INDEX tradeclock_tallies_open ON tradeclock_tallies (scheduler) WHERE outcome IN ('armed', 'running');

DROP TABLE tradeclock_unsettled;
DROP INDEX tradeclock_runs_session;
