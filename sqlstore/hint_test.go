package sqlstore

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// answer is an error of a server, or of a pooler before it.
type answer struct{ code, words string }

func (a answer) SQLState() string { return a.code }
func (a answer) Error() string    { return a.words + " (SQLSTATE " + a.code + ")" }

// The words are those of PgBouncer 1.18.
func TestHints(t *testing.T) {
	tests := []struct {
		answer answer
		want   string
	}{
		{answer{"26000", `prepared statement "stmtcache_1" does not exist`}, "default_query_exec_mode=exec"},
		{answer{"42P05", `prepared statement "stmtcache_1" already exists`}, "default_query_exec_mode=exec"},
		{answer{"08P01", "transaction blocks not allowed in statement pooling mode"}, "pool_mode=transaction"},
		{answer{"08P01", "unsupported startup parameter: search_path"}, "ALTER ROLE trading SET search_path"},
		{answer{"42501", "permission denied for schema public"}, "CREATE ON SCHEMA"},
	}
	for _, test := range tests {
		err := hinted(fmt.Errorf("connect: %w", test.answer))
		assert.ErrorContains(t, err, test.answer.Error()+": ", "the server's words come first")
		assert.ErrorContains(t, err, test.want)
		assert.ErrorIs(t, err, test.answer)
	}
	for _, other := range []answer{{"08P01", "bind message supplies 2 parameters"}, {"53100", "the disk is full"}} {
		assert.Equal(t, error(other), hinted(other))
	}
}
