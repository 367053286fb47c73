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
	list TEXT := format('
		WITH next AS (UPDATE %1$I.tradeclock_schedule_revision SET revision = revision + 1 RETURNING revision),
			others AS (
				DELETE FROM %1$I.tradeclock_schedule_changes AS c USING next
				WHERE c.revision > next.revision OR c.revision <= next.revision - 1000
			)
		INSERT INTO %1$I.tradeclock_schedule_changes SELECT revision, $1, $2 FROM next
		ON CONFLICT (revision) DO UPDATE SET task = excluded.task, account = excluded.account', TG_TABLE_SCHEMA);
BEGIN
	IF TG_OP = 'TRUNCATE' THEN
		EXECUTE format('UPDATE %I.tradeclock_schedule_revision SET revision = revision + 1', TG_TABLE_SCHEMA);
		EXECUTE format('DELETE FROM %I.tradeclock_schedule_changes', TG_TABLE_SCHEMA);
		RETURN NULL;
	END IF;
	IF TG_OP <> 'DELETE' THEN
		EXECUTE list USING NEW.task, NEW.account;
	END IF;
	IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND (NEW.task, NEW.account) <> (OLD.task, OLD.account) THEN
		EXECUTE list USING OLD.task, OLD.account;
	END IF;
	RETURN NULL;
END $$;
