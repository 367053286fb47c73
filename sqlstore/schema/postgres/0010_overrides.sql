-- What people say of single occurrences, made by who holds the term: one is skipped, or
-- runs at another instant.
CREATE TABLE tradeclock_overrides (
	scheduler TEXT COLLATE "C" NOT NULL,
	task      TEXT COLLATE "C" NOT NULL,
	account   TEXT COLLATE "C" NOT NULL, -- empty: all that have no override of their own
	slot      TEXT COLLATE "C" NOT NULL,
	session   TEXT COLLATE "C" NOT NULL,
	due       TEXT COLLATE "C" NOT NULL, -- by its schedule, when the override was made
	moved_to  TEXT COLLATE "C" NOT NULL, -- empty: it is skipped
	actor     TEXT COLLATE "C" NOT NULL,
	reason    TEXT COLLATE "C" NOT NULL,
	made      TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (scheduler, task, account, slot)
);
CREATE INDEX tradeclock_overrides_session ON tradeclock_overrides (scheduler, session);

-- What a request to move an occurrence asks for.
ALTER TABLE tradeclock_requests ADD COLUMN move_to TEXT COLLATE "C" NOT NULL DEFAULT '';

-- Of an override: which occurrence, and when a move has it run. Of an edit: the row before
-- and after, as JSON.
ALTER TABLE tradeclock_audit ADD COLUMN task TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE tradeclock_audit ADD COLUMN slot TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE tradeclock_audit ADD COLUMN moved_to TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE tradeclock_audit ADD COLUMN row_before TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE tradeclock_audit ADD COLUMN row_after TEXT COLLATE "C" NOT NULL DEFAULT '';
