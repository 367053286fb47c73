package quiet_test

import (
	"sync"
	"testing"
)

// job is one that returns when all of its kind have begun.
type job struct{ all *sync.WaitGroup }

func (j job) Do() {
	j.all.Done()
	j.all.Wait()
}

// TestEachJobHasAGoroutineOfItsOwn lets jobs wait for each other.
func TestEachJobHasAGoroutineOfItsOwn(t *testing.T) {
	a, _ := newActivity()
	for range 3 { // what is through takes what comes next
		var all sync.WaitGroup
		all.Add(100)
		for range 100 {
			a.Start(job{&all})
		}
		all.Wait()
	}
	a.Join()
}
