-- Other sessions by hand move since, as another rule does, and two edits are of one
-- session if they are less than sixteen hours apart, whatever their dates in UTC. Else
-- these two triggers are what they were.
DROP TRIGGER tradeclock_schedule_edited_by_hand;
DROP TRIGGER tradeclock_schedule_moved_by_hand;

CREATE TRIGGER tradeclock_schedule_edited_by_hand AFTER UPDATE ON tradeclock_schedules
WHEN NEW.version = OLD.version AND NEW.rule = OLD.rule AND NEW.calendar = OLD.calendar
	AND NEW.sessions = OLD.sessions AND NEW.enabled = OLD.enabled
BEGIN
	UPDATE tradeclock_schedules
	SET version = OLD.version + 1
	WHERE task = NEW.task AND account = NEW.account;
END;

CREATE TRIGGER tradeclock_schedule_moved_by_hand AFTER UPDATE ON tradeclock_schedules
WHEN NEW.version = OLD.version AND (NEW.rule <> OLD.rule OR NEW.calendar <> OLD.calendar
	OR NEW.sessions <> OLD.sessions OR NEW.enabled <> OLD.enabled)
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
	                    WHEN OLD.prior <> '' AND OLD.since > strftime('%Y-%m-%dT%H:%M:%f000000Z', 'now', '-16 hours') THEN OLD.prior
	                    ELSE OLD.rule
	                END AS in_force
	            )
	        )
	    )
	WHERE task = NEW.task AND account = NEW.account;
END;
