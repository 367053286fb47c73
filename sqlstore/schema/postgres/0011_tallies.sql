-- How many runs there are of each outcome, and for reasons of which class, by session, task
-- and slot: written in the transactions that write the runs. By it the history finds the
-- runs of a session, and a new holder of a term what is not settled. Those that are empty
-- stay for a while. Open fills it from the runs. A settlement writes the rows alone, if
-- their pages have room.
CREATE TABLE tradeclock_tallies (
	scheduler   TEXT COLLATE "C" NOT NULL,
	session     TEXT COLLATE "C" NOT NULL,
	slot        TEXT COLLATE "C" NOT NULL,
	task        TEXT COLLATE "C" NOT NULL,
	outcome     TEXT COLLATE "C" NOT NULL,
	class       TEXT COLLATE "C" NOT NULL,
	runs        BIGINT NOT NULL,
	occurrences BIGINT NOT NULL, -- that they stand for
	lateness    BIGINT NOT NULL, -- the longest, in nanoseconds, of those that have ended
	PRIMARY KEY (scheduler, session, slot, task, outcome, class)
) WITH (fillfactor = 50);
CREATE INDEX tradeclock_tallies_open ON tradeclock_tallies (scheduler) WHERE outcome IN ('armed', 'running');

DROP TABLE tradeclock_unsettled;
DROP INDEX tradeclock_runs_session;
