// Package answer says what people ask of a day: which occurrences it has and what became of
// them, and in one sentence why a task of an account did or did not run. What it is asked is
// answered from rows, calendars and records that it is handed, so that a scheduler, which
// knows what goes on in its process, and a View, which has the stores alone, say the same.
package answer
