package engine

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
	as := &New(Config{}).Accounts
	var names []string
	for _, i := range random.Perm(1000) {
		name := fmt.Sprint(i)
		names = append(names, name)
		before := slices.Clone(as.order)
		as.Enrol(&Account{Name: name}, true, time.Unix(0, 0))
		assert.Equal(t, before, as.order)
		if random.IntN(50) > 0 {
			continue
		}
		slices.Sort(names)
		var got []string
		for _, a := range as.All() {
			got = append(got, a.Name)
		}
		assert.Equal(t, names, got)
	}
	assert.Len(t, as.All(), 1000)
	assert.Empty(t, as.added)

	as.Enrol(as.Get("42"), true, time.Unix(0, 0))
	assert.Len(t, as.All(), 1000, "it was enrolled before, and has come back")
}
