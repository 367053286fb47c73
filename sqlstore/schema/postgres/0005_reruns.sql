-- Until when a run that was interrupted may be run again, by whoever has the term next. A
-- settlement writes the empty text, as there is already, so that no index has more to do.
ALTER TABLE tradeclock_runs ADD COLUMN rerun_until TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX tradeclock_runs_rerun ON tradeclock_runs (scheduler, rerun_until) WHERE rerun_until <> '';
