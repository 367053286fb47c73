package sqlstore_test

import (
	"context"
	"database/sql"
	"log"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/tradeclock/tradeclock/sqlstore"
)

// A service on PostgreSQL hands its pool to the store. The search_path says in
// which schema the tables are.
func Example_postgreSQL() {
	db, err := sql.Open("pgx", "postgres://trading@db.internal/trading?search_path=tradeclock")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	store, err := sqlstore.Open(context.Background(), db)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := store.Schedules(context.Background()); err != nil {
		log.Fatal(err)
	}
}
