-- What people ask of the active scheduler from other processes: who holds the term takes
-- a request and answers it, once. An answer is done, refused or expired, and empty before.
CREATE TABLE tradeclock_requests (
	id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	scheduler   TEXT COLLATE "C" NOT NULL,
	kind        TEXT COLLATE "C" NOT NULL, -- trigger, cancel, halt or lift
	account     TEXT COLLATE "C" NOT NULL,
	task        TEXT COLLATE "C" NOT NULL,
	slot        TEXT COLLATE "C" NOT NULL, -- of the run that is to be cancelled
	session     TEXT COLLATE "C" NOT NULL, -- for whose slot a triggered run stands
	for_today   INTEGER NOT NULL,
	forced      INTEGER NOT NULL,
	and_cancel  INTEGER NOT NULL,
	actor       TEXT COLLATE "C" NOT NULL,
	reason      TEXT COLLATE "C" NOT NULL,
	asked       TEXT COLLATE "C" NOT NULL,
	expires     TEXT COLLATE "C" NOT NULL,
	term        BIGINT  NOT NULL DEFAULT 0, -- that has taken it
	answer      TEXT COLLATE "C" NOT NULL DEFAULT '',
	answer_text TEXT COLLATE "C" NOT NULL DEFAULT '',
	run_id      TEXT COLLATE "C" NOT NULL DEFAULT '',
	answered    TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX tradeclock_requests_asked ON tradeclock_requests (scheduler, asked, id);
CREATE INDEX tradeclock_requests_open ON tradeclock_requests (scheduler, asked, id) WHERE answer = '';
