// Package tests has tests of whole processes: a service on SQLite and on
// PostgreSQL that is killed, frozen and cut off, while it keeps a file of what it
// does, which is compared with the ledger afterwards. See README.md.
package tests
