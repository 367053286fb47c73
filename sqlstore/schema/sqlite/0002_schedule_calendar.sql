-- The name of the calendar by which the rule is read. The empty text means that
-- of the service.
ALTER TABLE tradeclock_schedules ADD COLUMN calendar TEXT NOT NULL DEFAULT '';

-- Another calendar by hand moves since, as another rule does, and a daily rule at
-- each window is of another kind than a daily one. Else these
-- two triggers are what they were.
DROP TRIGGER tradeclock_schedule_edited_by_hand;
DROP TRIGGER tradeclock_schedule_moved_by_hand;

CREATE TRIGGER tradeclock_schedule_edited_by_hand AFTER UPDATE ON tradeclock_schedules
WHEN NEW.version = OLD.version
	AND NEW.rule = OLD.rule AND NEW.calendar = OLD.calendar AND NEW.enabled = OLD.enabled
BEGIN
	UPDATE tradeclock_schedules
	SET version = OLD.version + 1
	WHERE task = NEW.task AND account = NEW.account;
END;

CREATE TRIGGER tradeclock_schedule_moved_by_hand AFTER UPDATE ON tradeclock_schedules
WHEN NEW.version = OLD.version
	AND (NEW.rule <> OLD.rule OR NEW.calendar <> OLD.calendar OR NEW.enabled <> OLD.enabled)
BEGIN
	UPDATE tradeclock_schedules
	SET version = OLD.version + 1,
	    since = strftime('%Y-%m-%dT%H:%M:%f000000Z', 'now'),
	    prior = (
	        SELECT CASE
	            WHEN substr(new_rule, 1, instr(new_rule || ' ', ' ')) = substr(old_rule, 1, instr(old_rule || ' ', ' ')) THEN ''
	            ELSE in_force
	        END
	        FROM (
	            -- daily each is a kind of its own, whose slots are other ones.
	            SELECT in_force,
	                replace(in_force, 'daily each ', 'daily-each ') AS old_rule,
	                replace(NEW.rule, 'daily each ', 'daily-each ') AS new_rule
	            FROM (
	                SELECT CASE
	                    WHEN OLD.prior <> '' AND substr(OLD.since, 1, 10) = date('now') THEN OLD.prior
	                    ELSE OLD.rule
	                END AS in_force
	            )
	        )
	    )
	WHERE task = NEW.task AND account = NEW.account;
END;
