-- What people say of single occurrences, made by who holds the term: one is skipped, or
-- runs at another instant.
CREATE TABLE tradeclock_overrides (
	scheduler TEXT NOT NULL,
	task      TEXT NOT NULL,
	account   TEXT NOT NULL, -- empty: all that have no override of their own
	slot      TEXT NOT NULL,
	session   TEXT NOT NULL,
	due       TEXT NOT NULL, -- by its schedule, when the override was made
	moved_to  TEXT NOT NULL, -- empty: it is skipped
	actor     TEXT NOT NULL,
	reason    TEXT NOT NULL,
	made      TEXT NOT NULL,
	PRIMARY KEY (scheduler, task, account, slot)
);
CREATE INDEX tradeclock_overrides_session ON tradeclock_overrides (scheduler, session);

-- What a request to move an occurrence asks for.
ALTER TABLE tradeclock_requests ADD COLUMN move_to TEXT NOT NULL DEFAULT '';

-- Of an override: which occurrence, and when a move has it run. Of an edit: the row before
-- and after, as JSON.
ALTER TABLE tradeclock_audit ADD COLUMN task TEXT NOT NULL DEFAULT '';
ALTER TABLE tradeclock_audit ADD COLUMN slot TEXT NOT NULL DEFAULT '';
ALTER TABLE tradeclock_audit ADD COLUMN moved_to TEXT NOT NULL DEFAULT '';
ALTER TABLE tradeclock_audit ADD COLUMN row_before TEXT NOT NULL DEFAULT '';
ALTER TABLE tradeclock_audit ADD COLUMN row_after TEXT NOT NULL DEFAULT '';
