-- When an account came back, until what it had due before is accounted for. One that
-- is withdrawn is accounted for up to then.
ALTER TABLE tradeclock_enrolments ADD COLUMN returned_at TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE tradeclock_enrolments SET served_from = withdrawn_at WHERE withdrawn_at <> '';
