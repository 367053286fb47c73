-- Instants are UTC text of fixed width, 2026-11-23T03:45:00.000000000Z, so that
-- they sort; durations are text such as 2m0s; what is absent is the empty text.

-- When a task is due. An empty account means all accounts, and an empty policy
-- its default. To edit by hand, change any column but since, prior and version:
-- the triggers below set these.
CREATE TABLE tradeclock_schedules (
	task              TEXT    NOT NULL,
	account           TEXT    NOT NULL DEFAULT '',
	rule              TEXT    NOT NULL,
	enabled           INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
	sessions          TEXT    NOT NULL DEFAULT '',
	priority          INTEGER NOT NULL DEFAULT 0,
	timeout           TEXT    NOT NULL DEFAULT '',
	catch_up          TEXT    NOT NULL DEFAULT '',
	catch_up_until    TEXT    NOT NULL DEFAULT '',
	overlap           TEXT    NOT NULL DEFAULT '',
	exclusive         TEXT    NOT NULL DEFAULT '',
	delivery          TEXT    NOT NULL DEFAULT '',
	retry_attempts    INTEGER NOT NULL DEFAULT 0,
	retry_backoff     TEXT    NOT NULL DEFAULT '',
	retry_max_backoff TEXT    NOT NULL DEFAULT '',
	retry_within      TEXT    NOT NULL DEFAULT '',
	description       TEXT    NOT NULL DEFAULT '',
	since             TEXT    NOT NULL DEFAULT '',
	prior             TEXT    NOT NULL DEFAULT '',
	version           INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (task, account)
);

-- One number that changes with every change of a schedule, whoever makes it.
CREATE TABLE tradeclock_schedule_revision (revision INTEGER NOT NULL);
INSERT INTO tradeclock_schedule_revision VALUES (0);

CREATE TRIGGER tradeclock_schedule_inserted AFTER INSERT ON tradeclock_schedules
BEGIN
	UPDATE tradeclock_schedule_revision SET revision = revision + 1;
END;

CREATE TRIGGER tradeclock_schedule_updated AFTER UPDATE ON tradeclock_schedules
BEGIN
	UPDATE tradeclock_schedule_revision SET revision = revision + 1;
END;

CREATE TRIGGER tradeclock_schedule_deleted AFTER DELETE ON tradeclock_schedules
BEGIN
	UPDATE tradeclock_schedule_revision SET revision = revision + 1;
END;

-- The store sets since, prior and version itself. An edit by hand leaves the
-- version as it was, and that is how the next three triggers know it.
CREATE TRIGGER tradeclock_schedule_inserted_by_hand AFTER INSERT ON tradeclock_schedules
WHEN NEW.version = 0
BEGIN
	UPDATE tradeclock_schedules
	SET version = 1, since = strftime('%Y-%m-%dT%H:%M:%f000000Z', 'now')
	WHERE task = NEW.task AND account = NEW.account;
END;

CREATE TRIGGER tradeclock_schedule_edited_by_hand AFTER UPDATE ON tradeclock_schedules
WHEN NEW.version = OLD.version AND NEW.rule = OLD.rule AND NEW.enabled = OLD.enabled
BEGIN
	UPDATE tradeclock_schedules
	SET version = OLD.version + 1
	WHERE task = NEW.task AND account = NEW.account;
END;

-- A rule of another kind (another first word) takes effect at the next session,
-- and prior keeps the one that holds until then. Of two such edits on one day,
-- that is still the rule from before the first.
CREATE TRIGGER tradeclock_schedule_moved_by_hand AFTER UPDATE ON tradeclock_schedules
WHEN NEW.version = OLD.version AND (NEW.rule <> OLD.rule OR NEW.enabled <> OLD.enabled)
BEGIN
	UPDATE tradeclock_schedules
	SET version = OLD.version + 1,
	    since = strftime('%Y-%m-%dT%H:%M:%f000000Z', 'now'),
	    prior = (
	        SELECT CASE
	            WHEN substr(NEW.rule, 1, instr(NEW.rule || ' ', ' ')) = substr(in_force, 1, instr(in_force || ' ', ' ')) THEN ''
	            ELSE in_force
	        END
	        FROM (
	            SELECT CASE
	                WHEN OLD.prior <> '' AND substr(OLD.since, 1, 10) = date('now') THEN OLD.prior
	                ELSE OLD.rule
	            END AS in_force
	        )
	    )
	WHERE task = NEW.task AND account = NEW.account;
END;

-- One row for each scheduler name: its current term (an empty holder means that
-- it was resigned), its watermark, and the instant before which runs were pruned.
CREATE TABLE tradeclock_schedulers (
	scheduler     TEXT    NOT NULL PRIMARY KEY,
	term          INTEGER NOT NULL DEFAULT 0,
	holder        TEXT    NOT NULL DEFAULT '',
	expires_at    TEXT    NOT NULL DEFAULT '',
	watermark     TEXT    NOT NULL DEFAULT '',
	pruned_before TEXT    NOT NULL DEFAULT ''
);

-- Every term that was granted, and the watermark when it began.
CREATE TABLE tradeclock_terms (
	scheduler TEXT    NOT NULL,
	term      INTEGER NOT NULL,
	holder    TEXT    NOT NULL,
	taken_at  TEXT    NOT NULL,
	watermark TEXT    NOT NULL,
	PRIMARY KEY (scheduler, term)
);

-- The accounts that a scheduler serves or served, with the last term to do so.
CREATE TABLE tradeclock_enrolments (
	scheduler    TEXT    NOT NULL,
	account      TEXT    NOT NULL,
	term         INTEGER NOT NULL,
	served_from  TEXT    NOT NULL,
	withdrawn_at TEXT    NOT NULL DEFAULT '',
	PRIMARY KEY (scheduler, account)
);

-- One row for each occurrence and account, or for a contiguous range of them
-- that was missed or skipped: then count is their number, and last_slot and
-- through are the slot and due time of the last. The id is derived from
-- scheduler, account, task and slot, and stands for them as the unique key.
CREATE TABLE tradeclock_runs (
	id               TEXT    NOT NULL PRIMARY KEY,
	scheduler        TEXT    NOT NULL,
	account          TEXT    NOT NULL,
	task             TEXT    NOT NULL,
	slot             TEXT    NOT NULL,
	session          TEXT    NOT NULL,
	due              TEXT    NOT NULL,
	through          TEXT    NOT NULL,
	last_slot        TEXT    NOT NULL,
	count            INTEGER NOT NULL,
	outcome          TEXT    NOT NULL,
	reason           TEXT    NOT NULL,
	started          TEXT    NOT NULL,
	finished         TEXT    NOT NULL,
	attempt          INTEGER NOT NULL,
	deadline         TEXT    NOT NULL,
	term             INTEGER NOT NULL,
	token            TEXT    NOT NULL,
	first            INTEGER NOT NULL,
	resumed          INTEGER NOT NULL,
	repeating        INTEGER NOT NULL,
	manual           INTEGER NOT NULL,
	actor            TEXT    NOT NULL,
	backdated        INTEGER NOT NULL,
	calendar         TEXT    NOT NULL,
	calendar_version TEXT    NOT NULL,
	details          TEXT    NOT NULL,
	late_outcome     TEXT    NOT NULL DEFAULT '',
	late_reason      TEXT    NOT NULL DEFAULT '',
	late_finished    TEXT    NOT NULL DEFAULT ''
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
	scheduler TEXT NOT NULL,
	account   TEXT NOT NULL,
	reason    TEXT NOT NULL,
	actor     TEXT NOT NULL,
	at        TEXT NOT NULL,
	PRIMARY KEY (scheduler, account)
);

-- What people did: halts, their lifting, watermarks that were set back.
CREATE TABLE tradeclock_audit (
	id        INTEGER PRIMARY KEY,
	scheduler TEXT NOT NULL,
	account   TEXT NOT NULL,
	action    TEXT NOT NULL,
	actor     TEXT NOT NULL,
	reason    TEXT NOT NULL,
	at        TEXT NOT NULL
);
CREATE INDEX tradeclock_audit_scheduler ON tradeclock_audit (scheduler, id);

-- The last heartbeat of each instance, with the instant at which it was received.
CREATE TABLE tradeclock_heartbeats (
	scheduler   TEXT    NOT NULL,
	instance    TEXT    NOT NULL,
	received_at TEXT    NOT NULL,
	at          TEXT    NOT NULL,
	term        INTEGER NOT NULL,
	state       TEXT    NOT NULL,
	degraded    TEXT    NOT NULL,
	last_tick   TEXT    NOT NULL,
	running     TEXT    NOT NULL,
	next_due    TEXT    NOT NULL,
	PRIMARY KEY (scheduler, instance)
);
