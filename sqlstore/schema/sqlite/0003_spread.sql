-- How far the starts of the accounts are spread, and the name of the limit that
-- they count against.
ALTER TABLE tradeclock_schedules ADD COLUMN spread TEXT NOT NULL DEFAULT '';
ALTER TABLE tradeclock_schedules ADD COLUMN start_limit TEXT NOT NULL DEFAULT '';

-- How long after due the run may start.
ALTER TABLE tradeclock_runs ADD COLUMN start_offset TEXT NOT NULL DEFAULT '';
