package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

// connector opens each connection of a pool by the driver and the name that open says
// at that time, and passes what it answers through cut.
type connector struct {
	open func() (driver, dsn string)
	cut  *cutRows
}

func (c connector) Driver() driver.Driver { return nil }

func (c connector) Connect(context.Context) (driver.Conn, error) {
	name, dsn := c.open()
	db, err := sql.Open(name, dsn)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	conn, err := db.Driver().Open(dsn)
	if err != nil || c.cut == nil {
		return conn, err
	}
	return cutConn{conn, c.cut}, nil
}

var errCut = errors.New("the answer was cut off")

// cutRows cuts off what queries answer before the row that left counts, over all of them.
type cutRows struct{ left int }

type cutConn struct {
	driver.Conn
	all *cutRows
}

func (c cutConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c cutConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return cutAnswer{rows, c.all}, nil
}

type cutAnswer struct {
	driver.Rows
	all *cutRows
}

func (r cutAnswer) Next(row []driver.Value) error {
	if r.all.left > 0 {
		if r.all.left--; r.all.left == 0 {
			return errCut
		}
	}
	return r.Rows.Next(row)
}

// TestAnswerThatIsCutOff cuts off the answer of the database before each row that each
// call reads, and after the last. What is left of it must not look whole.
func TestAnswerThatIsCutOff(t *testing.T) { onEach(t, testAnswerThatIsCutOff) }

func testAnswerThatIsCutOff(t *testing.T, on database) {
	at, all := on.place(t), &cutRows{}
	db := sql.OpenDB(connector{func() (string, string) { return at.driver, at.dsn }, all})
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	clock := newClock()
	s := openOn(t, db, clock)
	term := prepare(t, s, clock)
	before, err := s.Runs(t.Context(), store.Query{Scheduler: paper})
	require.NoError(t, err)
	for _, c := range storeCalls(term) {
		t.Run(c.name, func(t *testing.T) {
			for n := 1; ; n++ {
				all.left = n
				got, err := c.call(t.Context(), s)
				spared := all.left > 0
				all.left = 0
				if spared {
					require.NoError(t, err)
					require.True(t, n > 1 || !c.reads, "it reads no row")
					return
				}
				require.ErrorIs(t, err, errCut, "before row %d", n)
				assert.Empty(t, got, "before row %d", n)
				after, err := s.Runs(t.Context(), store.Query{Scheduler: paper})
				require.NoError(t, err)
				require.Equal(t, before, after, "before row %d", n)
			}
		})
		empty(t, db)
		prepare(t, s, clock)
	}
}
