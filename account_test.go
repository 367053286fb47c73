package tradeclock

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Accounts are in the order of their names, in whichever order they were enrolled, and
// whenever they are asked for meanwhile. To enrol one moves no other.
func TestAccountsAreInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	as := accounts{byName: make(map[string]*account)}
	var names []string
	for _, i := range random.Perm(1000) {
		name := fmt.Sprint(i)
		names = append(names, name)
		before := slices.Clone(as.order)
		as.add(name, new(Mux), nil, false, time.Unix(0, 0))
		assert.Equal(t, before, as.order)
		if random.IntN(50) > 0 {
			continue
		}
		slices.Sort(names)
		var got []string
		for _, a := range as.sorted() {
			got = append(got, a.name)
		}
		assert.Equal(t, names, got)
	}
	assert.Len(t, as.sorted(), 1000)
	assert.Empty(t, as.added)

	as.add("42", new(Mux), nil, false, time.Unix(0, 0))
	assert.Len(t, as.sorted(), 1000, "it was enrolled before, and has come back")
}
