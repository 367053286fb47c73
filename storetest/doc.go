// Package storetest holds a store to the contracts of the package store, by suites that call
// it as a scheduler does: TestLedger, TestScheduleStore and TestHeartbeats. Who writes a store
// runs them in a test of it, and names by Has what companions it means to have.
package storetest
