package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// ErrNewerSchema is wrapped by the error of Open if the tables in the database
// were made by a later version of this package, which this one cannot read.
var ErrNewerSchema = errors.New("the database is newer than this version of the program")

// ErrOlderSchema is wrapped by the error of Open WithoutMigration if the tables are of an
// earlier version of this package, or if there are none yet.
var ErrOlderSchema = errors.New("the database is older than this version of the program")

// checkSchema refuses tables that are not those of this version, and changes nothing.
func (s *Store) checkSchema(ctx context.Context) error {
	files, err := fs.Glob(schemas, s.dialect.schema+"/*.sql")
	if err != nil {
		return err
	}
	return s.read(ctx, "open the tradeclock store", func(conn *sql.Conn) error {
		version, err := s.presentVersion(ctx, conn)
		switch {
		case err != nil:
			return err
		case version > len(files):
			return newerSchema(version, len(files))
		case version == 0:
			return fmt.Errorf("%w: it has no tables of tradeclock", ErrOlderSchema)
		case version < len(files):
			return fmt.Errorf("%w: its schema has version %d, and %d is needed", ErrOlderSchema, version, len(files))
		}
		return nil
	})
}

func newerSchema(version, known int) error {
	return fmt.Errorf("%w: its schema has version %d, and %d is the last one known", ErrNewerSchema, version, known)
}

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
			return newerSchema(version, len(files))
		}
		for i, file := range files[version:] {
			err := s.apply(ctx, conn, file)
			if err == nil && strings.HasSuffix(file, "_tallies.sql") {
				err = s.fillTallies(ctx, conn)
			}
			if err != nil {
				return fmt.Errorf("update the schema to version %d: %w", version+i+1, err)
			}
		}
		// The version is written in any case, so that a file which cannot be
		// written is an error here and not at the first claim.
		return s.exec(ctx, conn, "UPDATE tradeclock_schema SET version = $1", len(files))
	})
}

// schemaVersion returns the version of the tables, and makes that of the version if there
// is none yet.
func (s *Store) schemaVersion(ctx context.Context, conn *sql.Conn) (version int, err error) {
	if version, err = s.presentVersion(ctx, conn); err != nil || version > 0 {
		return version, err
	}
	return 0, s.exec(ctx, conn, `
		CREATE TABLE IF NOT EXISTS tradeclock_schema (version INTEGER NOT NULL);
		DELETE FROM tradeclock_schema;
		INSERT INTO tradeclock_schema VALUES (0)`)
}

// presentVersion returns the version of the tables, and 0 if there are none yet.
func (s *Store) presentVersion(ctx context.Context, conn *sql.Conn) (version int, err error) {
	var tables int
	if err := s.one(ctx, conn, s.dialect.tableExists, "tradeclock_schema").Scan(&tables); err != nil || tables == 0 {
		return 0, err
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
