-- What people ask of the active scheduler from other processes: who holds the term takes
-- a request and answers it, once. An answer is done, refused or expired, and empty before.
CREATE TABLE tradeclock_requests (
	id          TEXT NOT NULL PRIMARY KEY,
	scheduler   TEXT NOT NULL,
	kind        TEXT NOT NULL, -- trigger, cancel, halt or lift
	account     TEXT NOT NULL,
	task        TEXT NOT NULL,
	slot        TEXT NOT NULL, -- of the run that is to be cancelled
	session     TEXT NOT NULL, -- for whose slot a triggered run stands
	for_today   INTEGER NOT NULL,
	forced      INTEGER NOT NULL,
	and_cancel  INTEGER NOT NULL,
	actor       TEXT NOT NULL,
	reason      TEXT NOT NULL,
	asked       TEXT NOT NULL,
	expires     TEXT NOT NULL,
	term        INTEGER  NOT NULL DEFAULT 0, -- that has taken it
	answer      TEXT NOT NULL DEFAULT '',
	answer_text TEXT NOT NULL DEFAULT '',
	run_id      TEXT NOT NULL DEFAULT '',
	answered    TEXT NOT NULL DEFAULT ''
);
CREATE INDEX tradeclock_requests_asked ON tradeclock_requests (scheduler, asked, id);
CREATE INDEX tradeclock_requests_open ON tradeclock_requests (scheduler, asked, id) WHERE answer = '';
