package world

import "time"

// chance is a number that depends on a seed and on what it is for, and on nothing
// that happened before: a fault that is left out changes no other roll.
type chance uint64

// roll returns the number for a purpose, such as an operation, the slot that it is
// about and the attempt.
func (c chance) roll(what, key string, attempt int) uint64 {
	h := uint64(14695981039346656037) ^ mix(uint64(c))
	for _, part := range [...]string{what, key} {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	return mix(h ^ mix(uint64(attempt)+1))
}

// mix spreads the bits of a number over all of it (the finaliser of splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// oneIn reports whether a roll of one in n comes up.
func (c chance) oneIn(n int, what, key string, attempt int) bool {
	return c.roll(what, key, attempt)%uint64(n) == 0
}

// pick returns a number from 0 to n-1.
func (c chance) pick(n int, what, key string, attempt int) int {
	return int(c.roll(what, key, attempt) % uint64(n))
}

// between returns a whole number of milliseconds from low up to high.
func (c chance) between(low, high time.Duration, what, key string, attempt int) time.Duration {
	span := uint64((high-low)/time.Millisecond) + 1
	return low + time.Duration(c.roll(what, key, attempt)%span)*time.Millisecond
}
