//go:build race

package world

// raceShare divides the number of worlds: the race detector makes each several times
// slower.
const raceShare = 8
