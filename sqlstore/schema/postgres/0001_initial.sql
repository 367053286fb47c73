-- Instants are UTC text of fixed width, 2026-11-23T03:45:00.000000000Z, so that
-- they sort; durations are text such as 2m0s; what is absent is the empty text.
-- Texts are compared byte by byte, whatever the collation of the database.

-- When a task is due. An empty account means all accounts, an empty policy its
-- default, and an empty calendar that of the service. To edit by hand, change any
-- column but since, prior and version: a trigger below sets these.
CREATE TABLE tradeclock_schedules (
	task              TEXT COLLATE "C" NOT NULL,
	account           TEXT COLLATE "C" NOT NULL DEFAULT '',
	rule              TEXT COLLATE "C" NOT NULL,
	calendar          TEXT COLLATE "C" NOT NULL DEFAULT '',
	enabled           INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
	sessions          TEXT COLLATE "C" NOT NULL DEFAULT '',
	priority          INTEGER NOT NULL DEFAULT 0,
	timeout           TEXT COLLATE "C" NOT NULL DEFAULT '',
	catch_up          TEXT COLLATE "C" NOT NULL DEFAULT '',
	catch_up_until    TEXT COLLATE "C" NOT NULL DEFAULT '',
	overlap           TEXT COLLATE "C" NOT NULL DEFAULT '',
	exclusive         TEXT COLLATE "C" NOT NULL DEFAULT '',
	delivery          TEXT COLLATE "C" NOT NULL DEFAULT '',
	retry_attempts    INTEGER NOT NULL DEFAULT 0,
	retry_backoff     TEXT COLLATE "C" NOT NULL DEFAULT '',
	retry_max_backoff TEXT COLLATE "C" NOT NULL DEFAULT '',
	retry_within      TEXT COLLATE "C" NOT NULL DEFAULT '',
	description       TEXT COLLATE "C" NOT NULL DEFAULT '',
	since             TEXT COLLATE "C" NOT NULL DEFAULT '',
	prior             TEXT COLLATE "C" NOT NULL DEFAULT '',
	version           BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (task, account)
);

-- One number that changes with every change of a schedule, whoever makes it.
CREATE TABLE tradeclock_schedule_revision (revision BIGINT NOT NULL);
INSERT INTO tradeclock_schedule_revision VALUES (0);

-- It keeps to the schema of the table that is edited, whatever search_path the
-- person has who edits it, and whatever becomes of the schema's name.
CREATE FUNCTION tradeclock_schedule_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('UPDATE %I.tradeclock_schedule_revision SET revision = revision + 1', TG_TABLE_SCHEMA);
	RETURN NULL;
END $$;

CREATE TRIGGER tradeclock_schedule_changed AFTER INSERT OR UPDATE OR DELETE ON tradeclock_schedules
	FOR EACH ROW EXECUTE FUNCTION tradeclock_schedule_changed();
CREATE TRIGGER tradeclock_schedules_emptied AFTER TRUNCATE ON tradeclock_schedules
	FOR EACH STATEMENT EXECUTE FUNCTION tradeclock_schedule_changed();

-- The store sets since, prior and version itself. An edit by hand leaves the
-- version as it was, and that is how this function knows it. A rule of another
-- kind (another first word, or daily each) takes effect at the next session, and
-- prior keeps the one that holds until then. Of two such edits on one day, that is
-- still the rule from before the first.
CREATE FUNCTION tradeclock_schedule_by_hand() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	instant  TEXT := to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"000Z"');
	word     TEXT := '^[[:space:]]*([^[:space:]]+)';
	each     TEXT := '^[[:space:]]*daily[[:space:]]+each[[:space:]]';
	in_force TEXT;
BEGIN
	IF TG_OP = 'INSERT' THEN
		IF NEW.version = 0 THEN
			NEW.version := 1;
			NEW.since := instant;
		END IF;
		RETURN NEW;
	END IF;
	IF NEW.version <> OLD.version THEN
		RETURN NEW;
	END IF;
	NEW.version := OLD.version + 1;
	IF NEW.rule = OLD.rule AND NEW.calendar = OLD.calendar AND NEW.enabled = OLD.enabled THEN
		RETURN NEW;
	END IF;
	in_force := OLD.rule;
	IF OLD.prior <> '' AND left(OLD.since, 10) = left(instant, 10) THEN
		in_force := OLD.prior;
	END IF;
	NEW.prior := in_force;
	IF substring(NEW.rule FROM word) = substring(in_force FROM word) AND (NEW.rule ~ each) = (in_force ~ each) THEN
		NEW.prior := '';
	END IF;
	NEW.since := instant;
	RETURN NEW;
END $$;

CREATE TRIGGER tradeclock_schedule_by_hand BEFORE INSERT OR UPDATE ON tradeclock_schedules
	FOR EACH ROW EXECUTE FUNCTION tradeclock_schedule_by_hand();

-- One row for each scheduler name: its current term (an empty holder means that
-- it was resigned), its watermark, and the instant before which runs were pruned.
CREATE TABLE tradeclock_schedulers (
	scheduler     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	term          BIGINT NOT NULL DEFAULT 0,
	holder        TEXT COLLATE "C" NOT NULL DEFAULT '',
	expires_at    TEXT COLLATE "C" NOT NULL DEFAULT '',
	watermark     TEXT COLLATE "C" NOT NULL DEFAULT '',
	pruned_before TEXT COLLATE "C" NOT NULL DEFAULT ''
);

-- Every term that was granted, and the watermark when it began.
CREATE TABLE tradeclock_terms (
	scheduler TEXT COLLATE "C" NOT NULL,
	term      BIGINT NOT NULL,
	holder    TEXT COLLATE "C" NOT NULL,
	taken_at  TEXT COLLATE "C" NOT NULL,
	watermark TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (scheduler, term)
);

-- The accounts that a scheduler serves or served, with the last term to do so.
CREATE TABLE tradeclock_enrolments (
	scheduler    TEXT COLLATE "C" NOT NULL,
	account      TEXT COLLATE "C" NOT NULL,
	term         BIGINT NOT NULL,
	served_from  TEXT COLLATE "C" NOT NULL,
	withdrawn_at TEXT COLLATE "C" NOT NULL DEFAULT '',
	PRIMARY KEY (scheduler, account)
);

-- One row for each occurrence and account, or for a contiguous range of them
-- that was missed or skipped: then count is their number, and last_slot and
-- through are the slot and due time of the last. The id is derived from
-- scheduler, account, task and slot, and stands for them as the unique key.
CREATE TABLE tradeclock_runs (
	id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	scheduler        TEXT COLLATE "C" NOT NULL,
	account          TEXT COLLATE "C" NOT NULL,
	task             TEXT COLLATE "C" NOT NULL,
	slot             TEXT COLLATE "C" NOT NULL,
	session          TEXT COLLATE "C" NOT NULL,
	due              TEXT COLLATE "C" NOT NULL,
	through          TEXT COLLATE "C" NOT NULL,
	last_slot        TEXT COLLATE "C" NOT NULL,
	count            INTEGER NOT NULL,
	outcome          TEXT COLLATE "C" NOT NULL,
	reason           TEXT COLLATE "C" NOT NULL,
	started          TEXT COLLATE "C" NOT NULL,
	finished         TEXT COLLATE "C" NOT NULL,
	attempt          INTEGER NOT NULL,
	deadline         TEXT COLLATE "C" NOT NULL,
	term             BIGINT NOT NULL,
	token            TEXT COLLATE "C" NOT NULL,
	first            INTEGER NOT NULL,
	resumed          INTEGER NOT NULL,
	repeating        INTEGER NOT NULL,
	manual           INTEGER NOT NULL,
	actor            TEXT COLLATE "C" NOT NULL,
	backdated        INTEGER NOT NULL,
	calendar         TEXT COLLATE "C" NOT NULL,
	calendar_version TEXT COLLATE "C" NOT NULL,
	details          TEXT COLLATE "C" NOT NULL,
	late_outcome     TEXT COLLATE "C" NOT NULL DEFAULT '',
	late_reason      TEXT COLLATE "C" NOT NULL DEFAULT '',
	late_finished    TEXT COLLATE "C" NOT NULL DEFAULT ''
);

-- For history, pruning, and what a new holder of a term finds ahead of the
-- watermark.
CREATE INDEX tradeclock_runs_due ON tradeclock_runs (scheduler, due);
-- For the history of a task, and whether one of the session's runs had started
-- under an older term.
CREATE INDEX tradeclock_runs_session ON tradeclock_runs (scheduler, account, task, session, term);
-- For the other small sets that are looked for by name.
CREATE INDEX tradeclock_runs_unsettled ON tradeclock_runs (scheduler, term) WHERE outcome = 'running';
CREATE INDEX tradeclock_runs_succeeded ON tradeclock_runs (scheduler, account, task, session) WHERE outcome = 'succeeded';
CREATE INDEX tradeclock_runs_resumed ON tradeclock_runs (scheduler, account, task, session) WHERE resumed = 1;
CREATE INDEX tradeclock_runs_ranges ON tradeclock_runs (scheduler, account, task, through) WHERE count > 1;
CREATE INDEX tradeclock_runs_range_ends ON tradeclock_runs (scheduler, through) WHERE count > 1;

-- The halts in force. An empty account means all.
CREATE TABLE tradeclock_halts (
	scheduler TEXT COLLATE "C" NOT NULL,
	account   TEXT COLLATE "C" NOT NULL,
	reason    TEXT COLLATE "C" NOT NULL,
	actor     TEXT COLLATE "C" NOT NULL,
	at        TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (scheduler, account)
);

-- What people did: halts, their lifting, watermarks that were set back.
CREATE TABLE tradeclock_audit (
	id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	scheduler TEXT COLLATE "C" NOT NULL,
	account   TEXT COLLATE "C" NOT NULL,
	action    TEXT COLLATE "C" NOT NULL,
	actor     TEXT COLLATE "C" NOT NULL,
	reason    TEXT COLLATE "C" NOT NULL,
	at        TEXT COLLATE "C" NOT NULL
);
CREATE INDEX tradeclock_audit_scheduler ON tradeclock_audit (scheduler, id);

-- The last heartbeat of each instance, with the instant at which it was received.
CREATE TABLE tradeclock_heartbeats (
	scheduler   TEXT COLLATE "C" NOT NULL,
	instance    TEXT COLLATE "C" NOT NULL,
	received_at TEXT COLLATE "C" NOT NULL,
	at          TEXT COLLATE "C" NOT NULL,
	term        BIGINT NOT NULL,
	state       TEXT COLLATE "C" NOT NULL,
	degraded    TEXT COLLATE "C" NOT NULL,
	last_tick   TEXT COLLATE "C" NOT NULL,
	running     TEXT COLLATE "C" NOT NULL,
	next_due    TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (scheduler, instance)
);
