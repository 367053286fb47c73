-- Other sessions by hand move since, as another rule does, and two edits are of one
-- session if they are less than sixteen hours apart, whatever their dates in UTC. Else
-- this function is what it was.
CREATE OR REPLACE FUNCTION tradeclock_schedule_by_hand() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	format   TEXT := 'YYYY-MM-DD"T"HH24:MI:SS.US"000Z"';
	now_utc  TIMESTAMP := clock_timestamp() AT TIME ZONE 'UTC';
	word     TEXT := '^[[:space:]]*([^[:space:]]+)';
	each     TEXT := '^[[:space:]]*daily[[:space:]]+each[[:space:]]';
	in_force TEXT;
BEGIN
	IF TG_OP = 'INSERT' THEN
		IF NEW.version = 0 THEN
			NEW.version := 1;
			NEW.since := to_char(now_utc, format);
		END IF;
		RETURN NEW;
	END IF;
	IF NEW.version <> OLD.version THEN
		RETURN NEW;
	END IF;
	NEW.version := OLD.version + 1;
	IF NEW.rule = OLD.rule AND NEW.calendar = OLD.calendar AND NEW.sessions = OLD.sessions AND NEW.enabled = OLD.enabled THEN
		RETURN NEW;
	END IF;
	in_force := OLD.rule;
	IF OLD.prior <> '' AND OLD.since > to_char(now_utc - INTERVAL '16 hours', format) THEN
		in_force := OLD.prior;
	END IF;
	NEW.prior := in_force;
	IF substring(NEW.rule FROM word) = substring(in_force FROM word) AND (NEW.rule ~ each) = (in_force ~ each) THEN
		NEW.prior := '';
	END IF;
	NEW.since := to_char(now_utc, format);
	RETURN NEW;
END $$;
