-- For the rules that an edit may touch, which come after other tasks.
CREATE INDEX tradeclock_schedules_after ON tradeclock_schedules (task) WHERE replace(rule, 'after', '') <> rule;

-- The row that each of the last thousand revisions changed, so that a scheduler
-- need not read the others.
CREATE TABLE tradeclock_schedule_changes (
	revision INTEGER NOT NULL PRIMARY KEY,
	task     TEXT    NOT NULL,
	account  TEXT    NOT NULL
);

-- A revision that was set back, as by a backup, is counted again from there.
CREATE TRIGGER tradeclock_schedule_listed BEFORE INSERT ON tradeclock_schedule_changes
BEGIN
	DELETE FROM tradeclock_schedule_changes WHERE revision >= NEW.revision OR revision <= NEW.revision - 1000;
END;

DROP TRIGGER tradeclock_schedule_inserted;
DROP TRIGGER tradeclock_schedule_updated;
DROP TRIGGER tradeclock_schedule_deleted;

CREATE TRIGGER tradeclock_schedule_inserted AFTER INSERT ON tradeclock_schedules
BEGIN
	UPDATE tradeclock_schedule_revision SET revision = revision + 1;
	INSERT INTO tradeclock_schedule_changes SELECT revision, NEW.task, NEW.account FROM tradeclock_schedule_revision;
END;

CREATE TRIGGER tradeclock_schedule_updated AFTER UPDATE ON tradeclock_schedules
BEGIN
	UPDATE tradeclock_schedule_revision SET revision = revision + 1;
	INSERT INTO tradeclock_schedule_changes SELECT revision, NEW.task, NEW.account FROM tradeclock_schedule_revision;
END;

-- By another task or account, a row is gone from where it was.
CREATE TRIGGER tradeclock_schedule_renamed AFTER UPDATE ON tradeclock_schedules
WHEN NEW.task <> OLD.task OR NEW.account <> OLD.account
BEGIN
	UPDATE tradeclock_schedule_revision SET revision = revision + 1;
	INSERT INTO tradeclock_schedule_changes SELECT revision, OLD.task, OLD.account FROM tradeclock_schedule_revision;
END;

CREATE TRIGGER tradeclock_schedule_deleted AFTER DELETE ON tradeclock_schedules
BEGIN
	UPDATE tradeclock_schedule_revision SET revision = revision + 1;
	INSERT INTO tradeclock_schedule_changes SELECT revision, OLD.task, OLD.account FROM tradeclock_schedule_revision;
END;
