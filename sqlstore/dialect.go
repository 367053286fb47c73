package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

//go:embed schema
var schemas embed.FS

// dialect is all in which one database differs from another. The statements are
// written once, with placeholders $1, $2 (which first appear in that order) and
// the upserts that SQLite and PostgreSQL share.
type dialect struct {
	// schema is the folder of the migrations.
	schema string
	// settings are made on each connection before it is used, unless empty.
	settings string
	// read and write begin a transaction. In one that reads, all statements see one
	// state of the database.
	read, write string
	// lockSchema waits until no other process changes the tables, and lockSchedules
	// until none edits schedules; both hold to the end of the transaction. They are
	// empty where write does it all.
	lockSchema, lockSchedules string
	// elements returns a SELECT of the given columns of the objects in a parameter,
	// which is a JSON array. It stands for {elements $1 column column ...} in a
	// statement.
	elements func(parameter string, columns []string) string
	// forUpdate stands for {for update}, which locks the row that a SELECT finds
	// until the transaction ends.
	forUpdate string
	// tableExists asks whether the table $1 exists.
	tableExists string
	// whyReadOnly asks why the connection may not write, and whether another one might.
	whyReadOnly string
	// now asks for the time, if the database has a clock of its own.
	now string
	// server is true if the database is reached over a connection that can break,
	// and takes care itself of many that write at once.
	server bool
	// texts remembers what sql has returned.
	texts *sync.Map
}

var elementsMark = regexp.MustCompile(`\{elements (\$\d) ([^}]*)\}`)

// sql returns a statement as the database understands it.
func (d dialect) sql(statement string) string {
	if text, ok := d.texts.Load(statement); ok {
		return text.(string)
	}
	text := elementsMark.ReplaceAllStringFunc(statement, func(mark string) string {
		parts := elementsMark.FindStringSubmatch(mark)
		return d.elements(parts[1], strings.Fields(parts[2]))
	})
	text = strings.ReplaceAll(text, "{for update}", d.forUpdate)
	d.texts.Store(statement, text)
	return text
}

// typeOf returns the type of a column of a batch.
func typeOf(column string) string {
	if numbers[column] {
		return "BIGINT"
	}
	return "TEXT"
}

// dialectOf finds out which database it is. It refuses one that cannot keep what
// the store promises, unless it is to be taken as it is.
func dialectOf(ctx context.Context, db *sql.DB, asItIs bool) (dialect, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return dialect{}, hinted(err)
	}
	defer conn.Close()
	var number int
	notPostgres := conn.QueryRowContext(ctx, "SHOW server_version_num").Scan(&number)
	if notPostgres == nil {
		return postgres(ctx, conn, number)
	}
	if sqlState(notPostgres) != "" || ctx.Err() != nil {
		return dialect{}, hinted(notPostgres)
	}
	// This statement reads nothing of the file, and so does not wait for it.
	_, notSQLite := conn.ExecContext(ctx, "PRAGMA busy_timeout = 5000")
	if notSQLite == nil && asItIs {
		return sqlite(), nil
	}
	if notSQLite == nil {
		return sqlite(), checkSQLite(ctx, conn, db.Stats().MaxOpenConnections)
	}
	if notSQLite.Error() == notPostgres.Error() { // it does not get as far as the statement
		return dialect{}, notSQLite
	}
	return dialect{}, fmt.Errorf("the database is neither PostgreSQL (%w) nor SQLite (%w)", notPostgres, notSQLite)
}
