// Package tradeclocktest is for the tests of services that run on tradeclock: a Driver that
// runs a scheduler through days on a fake clock and can crash it, recorders of runs and
// heartbeats, tasks that hang, and a store that fails on command. The suites that a store
// passes are in the package storetest.
package tradeclocktest
