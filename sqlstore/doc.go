// Package sqlstore keeps the schedules, the ledger and the heartbeats of
// tradeclock in a SQL database: the one that the service has already, through
// database/sql and a driver of the user's choice. It imports no driver.
//
// The database is SQLite, 3.38 or newer, on one host, or PostgreSQL, 13 or newer;
// Open finds out which. Several processes may share the file, or the server.
//
// # The tables
//
// Everything is kept in tables whose names begin with tradeclock_, in a form that
// a person can read in the sqlite3 or psql shell: instants are UTC text of fixed
// width, policies are their names, rules their text form. Zero bytes and broken
// UTF-8 in texts are replaced by U+FFFD. The comments in the folder schema say what
// each table is for. Runs are not to be added or removed there: tradeclock_tallies counts
// them, and would not agree any more, which Store.CheckTallies finds.
//
// Schedules may be edited there too, and the scheduler sees the edit at its next
// poll:
//
//	UPDATE tradeclock_schedules SET rule = 'daily 09:03' WHERE task = 'buy_orders';
//
// Any column may be changed but since, prior and version, which triggers set. The
// other tables are for reading.
//
// Open makes the tables, and changes those of an older version of this package.
// A program of the older version cannot open them then, and one that still runs
// can neither claim nor be relieved: stop all of them first. The runs of an older
// database are rewritten at once, which takes a while for millions.
//
// Settlements leave half of each page of the runs empty in PostgreSQL: about 0.9 kB
// of disk for a run. Prune gives the room of old runs to new ones.
//
// # Backup
//
// The tables belong together: back up all of them at one moment, as pg_dump and the
// .backup command of sqlite3 do. They may be in use meanwhile. The files of SQLite belong
// together too: the -wal beside the database has the last commits. A database that is
// restored does not know what ran since the backup, nor which terms were granted.
// What is still within its catch-up would run again, so stop the service first, and
// start it when the longest catch-up has passed since.
//
// # PostgreSQL
//
// The store is made for pgx, as in sql.Open("pgx", url). The tables are made in the
// schema that is current when the store is opened, the first of the search_path
// that exists, and the store keeps to that schema: two schemas of one database do
// not meet, and a temporary table hides none of the store's. The role needs the right
// to make tables in it, CREATE, for the first Open and for one with a newer version of
// this package. Afterwards USAGE of the schema and SELECT, INSERT, UPDATE and DELETE on
// the tables are enough, on those too that a newer version has added. The encoding of
// the database is UTF8; its collation does not matter.
//
// Each call takes one connection from the pool, for one transaction, and heartbeats
// go on while runs are claimed and settled: where the service uses the pool too,
// let it have some connections more than the service may hold.
//
// A database that may only be read is not written to: where default_transaction_read_only
// is on, or the server is a standby, calls that write return an error that wraps
// ErrReadOnly. To move a database, set that mark, and end the connections that were made
// before it.
//
// Behind a pooler that hands out connections by transaction, such as PgBouncer, pgx
// must not count on prepared statements: set default_query_exec_mode in the URL to
// exec, cache_describe or simple_protocol. As such poolers know no search_path in
// the URL, set it for the role: ALTER ROLE trading SET search_path TO tradeclock. One
// that hands them out by statement does not do, as each call is a transaction.
//
// All calls must reach the primary server. With several hosts in the URL, set
// target_session_attrs to read-write, and let no balancer send what only reads to a
// replica, which may lag behind: a new holder of the term would miss runs there.
//
// Time is that of the server, so that the clocks of the hosts need not agree.
//
// The store makes its settings for each transaction, and leaves none behind on the
// pool's connections: read committed, or one snapshot for what only reads; plans
// that are made anew, since one that was made for a small table is slow on a large
// one; synchronous_commit on where it is off, since a claim that the server forgets
// is a run that starts twice; and no more than three seconds of silence within a
// transaction, so that a frozen process does not hold up its successor. A
// statement_timeout or lock_timeout of the connection holds as it is. With fsync
// off, or after a switch to a replica that had not all of the commits, the ledger
// is as incomplete as the database.
//
// What the server undid for the sake of another transaction is tried again, and so
// is what a broken connection cut off before its commit. If the connection breaks
// in the commit, the calls of store.Ledger and HeartbeatSink are made again,
// and answer from what they find: who holds a claim is read back. The others
// return an error then, and may have been stored. A server that cannot be reached
// is an error at once.
package sqlstore
