package sqlstore_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"
)

// spares are places that are used again, each by one test after the other: a suite asks for
// hundreds, and to make the tables anew takes a server longer than most of its tests.
type spares struct {
	on    database
	suite *testing.T // at whose end they are removed
	free  []spare
}

type spare struct {
	at  place
	own *sql.DB // to empty it by
}

func newSpares(t *testing.T, on database) *spares { return &spares{on: on, suite: t} }

// place returns a place in which nothing is stored, which goes back when the test ends.
func (s *spares) place(t *testing.T) place {
	t.Helper()
	if s.on.empty == "" {
		return s.on.place(t)
	}
	if len(s.free) == 0 {
		at := s.on.place(s.suite)
		s.free = append(s.free, spare{at, openDB(s.suite, at)})
	}
	last := len(s.free) - 1
	one := s.free[last]
	s.free = s.free[:last]
	t.Cleanup(func() {
		_, err := one.own.Exec(s.on.empty)
		require.NoError(t, err)
		s.free = append(s.free, one)
	})
	return one.at
}
