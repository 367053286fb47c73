-- For the rules that an edit may touch, which come after other tasks.
CREATE INDEX tradeclock_schedules_after ON tradeclock_schedules (task) WHERE replace(rule, 'after', '') <> rule;

-- The row that each of the last thousand revisions changed, so that a scheduler
-- need not read the others.
CREATE TABLE tradeclock_schedule_changes (
	revision BIGINT NOT NULL PRIMARY KEY,
	task     TEXT COLLATE "C" NOT NULL,
	account  TEXT COLLATE "C" NOT NULL
);

-- It keeps to the schema of the table that is edited, as it did before. By another
-- task or account, a row is gone from where it was; and of a table that was emptied
-- nothing is listed. A revision that was set back, as by a backup, is counted again
-- from there.
CREATE OR REPLACE FUNCTION tradeclock_schedule_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	bump TEXT := format('UPDATE %I.tradeclock_schedule_revision SET revision = revision + 1 RETURNING revision', TG_TABLE_SCHEMA);
	list TEXT := format('INSERT INTO %I.tradeclock_schedule_changes VALUES ($1, $2, $3)
		ON CONFLICT (revision) DO UPDATE SET task = excluded.task, account = excluded.account', TG_TABLE_SCHEMA);
	drop TEXT := format('DELETE FROM %I.tradeclock_schedule_changes', TG_TABLE_SCHEMA);
	next BIGINT;
BEGIN
	EXECUTE bump INTO next;
	IF TG_OP = 'TRUNCATE' THEN
		EXECUTE drop;
		RETURN NULL;
	END IF;
	IF TG_OP = 'DELETE' THEN
		EXECUTE list USING next, OLD.task, OLD.account;
	ELSE
		EXECUTE list USING next, NEW.task, NEW.account;
	END IF;
	IF TG_OP = 'UPDATE' AND (NEW.task, NEW.account) <> (OLD.task, OLD.account) THEN
		EXECUTE bump INTO next;
		EXECUTE list USING next, OLD.task, OLD.account;
	END IF;
	EXECUTE drop || ' WHERE revision > $1 OR revision <= $2' USING next, next - 1000;
	RETURN NULL;
END $$;
