// Package tradeclocktest is for the tests of services that run on tradeclock,
// and of stores that are written for it: a Driver that runs a scheduler through
// days on a fake clock and can crash it, recorders of runs and heartbeats, tasks that
// hang and a store that fails on command, and the conformance suites TestLedger,
// TestScheduleStore and TestHeartbeats.
package tradeclocktest
