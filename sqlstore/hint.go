package sqlstore

import (
	"errors"
	"fmt"
	"strings"
)

// sqlState returns the code of an error of a PostgreSQL server, and "" for any other.
// The drivers for PostgreSQL give their errors this method.
func sqlState(err error) string {
	var coded interface{ SQLState() string }
	if errors.As(err, &coded) {
		return coded.SQLState()
	}
	return ""
}

// hinted adds to an error of the server what is to be done about it, where its own
// words do not lead there.
func hinted(err error) error {
	if hint := hintOf(err); hint != "" {
		return fmt.Errorf("%w: %s", err, hint)
	}
	return err
}

func hintOf(err error) string {
	switch sqlState(err) {
	case "26000", "42P05": // a prepared statement is not there, or is there already
		return "does a pooler such as PgBouncer hand out connections by transaction? " +
			"Set default_query_exec_mode=exec in the address"
	case "42501": // insufficient_privilege
		return "the role needs USAGE of the schema and SELECT, INSERT, UPDATE and DELETE on its tables, " +
			"and CREATE ON SCHEMA to make them in the first Open and in one with a newer version"
	case "08P01": // protocol_violation, as poolers answer
		return poolerHint(err.Error())
	}
	return ""
}

func poolerHint(answer string) string {
	switch {
	case strings.Contains(answer, "statement pooling"):
		return "each call is a transaction: set pool_mode=transaction, or session, in the pooler"
	case strings.Contains(answer, "startup parameter"):
		return "the pooler takes no such setting in the address: set it for the role, " +
			"as in ALTER ROLE trading SET search_path TO tradeclock"
	}
	return ""
}
