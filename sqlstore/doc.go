// Package sqlstore keeps the schedules, the ledger and the heartbeats of
// tradeclock in a SQL database: the one that the service has already, through
// database/sql and a driver of the user's choice. It imports no driver.
//
// The database is SQLite, 3.38 or newer, on one host. Several processes may
// share the file. Everything is kept in tables whose names begin with
// tradeclock_, in a form that a person can read in the sqlite3 shell: instants
// are UTC text of fixed width, policies are their names, rules their text form.
// Schedules may be edited there too, and the scheduler sees the edit at its next
// poll.
package sqlstore
