-- The paper broker's books. Amounts are in ten-thousandths of a rupee; instants
-- are UTC text; sessions are dates.

CREATE TABLE IF NOT EXISTS paper_account (
	account   TEXT PRIMARY KEY,
	cash      INTEGER NOT NULL CHECK (cash >= 0),
	opened_at TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS paper_position (
	account  TEXT NOT NULL REFERENCES paper_account,
	symbol   TEXT NOT NULL,
	quantity INTEGER NOT NULL CHECK (quantity > 0),
	cost     INTEGER NOT NULL, -- what it cost in all, fees included
	PRIMARY KEY (account, symbol)
) STRICT;

CREATE TABLE IF NOT EXISTS paper_order (
	account      TEXT NOT NULL REFERENCES paper_account,
	key          TEXT NOT NULL, -- the client's order ID
	symbol       TEXT NOT NULL,
	side         TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
	kind         TEXT NOT NULL CHECK (kind IN ('market', 'limit')),
	quantity     INTEGER NOT NULL CHECK (quantity > 0),
	price        INTEGER NOT NULL CHECK (price > 0),
	session      TEXT NOT NULL,
	after_market INTEGER NOT NULL,
	note         TEXT NOT NULL,
	status       TEXT NOT NULL CHECK (status IN ('waiting', 'open', 'filled', 'cancelled', 'rejected')),
	reason       TEXT NOT NULL DEFAULT '',
	placed_at    TEXT NOT NULL,
	settled_at   TEXT NOT NULL DEFAULT '',
	fill_price   INTEGER NOT NULL DEFAULT 0,
	fees         INTEGER NOT NULL DEFAULT 0,
	realised     INTEGER NOT NULL DEFAULT 0, -- profit of a sale, after all fees
	PRIMARY KEY (account, key)
) STRICT;

CREATE INDEX IF NOT EXISTS paper_order_by_status ON paper_order (status, session);
CREATE INDEX IF NOT EXISTS paper_order_by_session ON paper_order (account, session);

CREATE TABLE IF NOT EXISTS paper_price (
	symbol TEXT PRIMARY KEY,
	price  INTEGER NOT NULL,
	at     TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS paper_day (
	account   TEXT NOT NULL REFERENCES paper_account,
	session   TEXT NOT NULL,
	opening   INTEGER NOT NULL, -- what the account was worth before the session
	closing   INTEGER NOT NULL DEFAULT 0,
	closed_at TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (account, session)
) STRICT;
