package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
)

// ErrNewerSchema is wrapped by the error of Open if the tables in the database
// were made by a later version of this package, which this one cannot read.
var ErrNewerSchema = errors.New("the database is newer than this version of the program")

// migrate brings the tables to the newest schema: one file for each version, in
// order, the first of which is version 1.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Glob(schemas, s.dialect.schema+"/*.sql")
	if err != nil {
		return err
	}
	return s.writeAgain(ctx, "open the tradeclock store", func(conn *sql.Conn) error {
		if err := s.lock(ctx, conn, s.dialect.lockSchema); err != nil {
			return err
		}
		version, err := s.schemaVersion(ctx, conn)
		if err != nil {
			return err
		}
		if version > len(files) {
			return fmt.Errorf("%w: its schema has version %d, and %d is the last one known", ErrNewerSchema, version, len(files))
		}
		for i, file := range files[version:] {
			if err := s.apply(ctx, conn, file); err != nil {
				return fmt.Errorf("update the schema to version %d: %w", version+i+1, err)
			}
		}
		// The version is written in any case, so that a file which cannot be
		// written is an error here and not at the first claim.
		return s.exec(ctx, conn, "UPDATE tradeclock_schema SET version = $1", len(files))
	})
}

// schemaVersion returns the version of the tables, and 0 if there are none yet.
func (s *Store) schemaVersion(ctx context.Context, conn *sql.Conn) (version int, err error) {
	var tables int
	if err := s.one(ctx, conn, s.dialect.tableExists, "tradeclock_schema").Scan(&tables); err != nil {
		return 0, err
	}
	if tables == 0 {
		return 0, s.exec(ctx, conn, `
			CREATE TABLE tradeclock_schema (version INTEGER NOT NULL);
			INSERT INTO tradeclock_schema VALUES (0)`)
	}
	err = s.one(ctx, conn, "SELECT version FROM tradeclock_schema").Scan(&version)
	return version, err
}

func (s *Store) apply(ctx context.Context, conn *sql.Conn, file string) error {
	text, err := schemas.ReadFile(file)
	if err != nil {
		return err
	}
	return s.exec(ctx, conn, string(text))
}
