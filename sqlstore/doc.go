// Package sqlstore keeps the schedules, the ledger and the heartbeats of
// tradeclock in a SQL database: the one that the service has already, through
// database/sql and a driver of the user's choice. It imports no driver.
//
// The database is SQLite, 3.38 or newer, on one host, or PostgreSQL, 13 or newer;
// Open finds out which. Several processes may share the file, or the server.
//
// Everything is kept in tables whose names begin with tradeclock_, in a form that
// a person can read in the sqlite3 or psql shell: instants are UTC text of fixed
// width, policies are their names, rules their text form. Zero bytes and broken
// UTF-8 in texts are replaced by U+FFFD. Schedules may be edited there too, and
// the scheduler sees the edit at its next poll.
//
// # PostgreSQL
//
// The store is made for pgx, as in sql.Open("pgx", url), in each of its modes, and
// so works behind a pooler that hands out connections by transaction. The tables
// are made in the schema that is current when the store is opened, the first of
// the search_path that exists, and the store keeps to that schema: two schemas of
// one database do not meet. The role needs the right to make tables in it for the
// first Open and for one with a newer version of this package, and afterwards only
// the use of the tables. The encoding of the database is UTF8; its collation does
// not matter.
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
// in the commit, the calls of tradeclock.Ledger and HeartbeatSink are made again,
// and answer from what they find: who holds a claim is read back. The others
// return an error then, and may have been stored. A server that cannot be reached
// is an error at once.
package sqlstore
