package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
)

// postgres returns the dialect of a PostgreSQL server, by its version number as
// in 150004. The store keeps to the schema that is current now, whatever search
// path a connection has later.
func postgres(ctx context.Context, conn *sql.Conn, version int) (dialect, error) {
	if version < 130000 {
		return dialect{}, fmt.Errorf("PostgreSQL 13 or newer is needed, and the server has version %d", version/10000)
	}
	var encoding, path, role string
	var schema sql.NullString
	err := conn.QueryRowContext(ctx, `
		SELECT current_setting('server_encoding'), current_setting('search_path'), quote_ident(current_user), current_schema()`).
		Scan(&encoding, &path, &role, &schema)
	if err != nil {
		return dialect{}, hinted(err)
	}
	if encoding != "UTF8" {
		return dialect{}, fmt.Errorf("the encoding of the database is %s, and UTF8 is needed", encoding)
	}
	if !schema.Valid {
		return dialect{}, noSchema(path, role)
	}
	if strings.HasPrefix(schema.String, "pg_") {
		return dialect{}, fmt.Errorf("the search_path of the connection is %q, and %s is a schema of the server's own", path, schema.String)
	}
	// What anybody may make, a temporary table of the same name, comes last.
	settings := postgresSettings + `SET LOCAL search_path TO "` + strings.ReplaceAll(schema.String, `"`, `""`) + `", pg_temp;`
	return dialect{
		schema:        "schema/postgres",
		read:          "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;" + settings,
		write:         "BEGIN ISOLATION LEVEL READ COMMITTED;" + settings + postgresDurable,
		lockSchema:    "SELECT pg_advisory_xact_lock(hashtextextended('tradeclock in ' || current_schema(), 0))",
		lockSchedules: "LOCK TABLE tradeclock_schedules IN SHARE ROW EXCLUSIVE MODE",
		elements:      postgresElements,
		forUpdate:     "FOR UPDATE",
		whyReadOnly:   postgresReadOnly,
		tableExists:   "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = $1",
		now:           `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"000Z"')`,
		server:        true,
		texts:         new(sync.Map),
	}, nil
}

// noSchema says how to make a schema that a search path may lead to. The path is
// written as a statement has it, and so is the role.
func noSchema(path, role string) error {
	name := path
	if strings.ContainsAny(path, ",$") || path == `""` || path == "" {
		name = "tradeclock"
	}
	return fmt.Errorf("the search_path of the connection, %q, names no schema that exists and that the role may use: "+
		"CREATE SCHEMA %s AUTHORIZATION %s, or GRANT USAGE, CREATE ON SCHEMA %[2]s TO %[3]s", path, name, role)
}

// postgresElements takes the JSON apart in one go, where an operator for each
// column would read each element anew.
func postgresElements(parameter string, columns []string) string {
	types := make([]string, len(columns))
	for i, column := range columns {
		types[i] = column + " " + typeOf(column)
	}
	return "SELECT * FROM json_to_recordset(CAST(" + parameter + " AS JSON)) AS j (" + strings.Join(types, ", ") + ")"
}

const (
	// postgresSettings hold for one transaction: the pool is the service's, and its
	// connections go back as they came.
	//
	// A plan that was made for an empty table and is used again when the table has
	// grown makes a claim take seconds, so each statement is planned anew, and not
	// compiled. The server ends a transaction whose process is frozen, so that a
	// standby does not wait for its locks longer than the takeover may take.
	postgresSettings = `
		SET LOCAL plan_cache_mode TO force_custom_plan;
		SET LOCAL jit TO off;
		SET LOCAL idle_in_transaction_session_timeout TO '3s';`

	// postgresReadOnly names the one who set the mark in the words of pg_settings:
	// database, user, client and so on.
	postgresReadOnly = `
		SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'the server is a standby'
		       ELSE 'default_transaction_read_only is ' || setting || ' (source: ' || source || ')' END, true
		FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only'`

	// postgresDurable sees to it that a commit that was answered outlives a crash of
	// the server: a claim that is forgotten is a run that starts twice.
	postgresDurable = `
		SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`
)
