// Package calendar says what trading days are: dates, the sessions of a market with
// their phases, periods, wall times, and the Calendar that answers for each date whether
// there is a session. Weekdays, AlwaysOpen and NewTable make calendars; those of the
// exchanges are in the package exchange.
//
// It owns the one place where a wall time becomes an instant, WallTime.On. It is told
// dates and answers from memory, and imports nothing of this module but the texts of
// names. All its types are values, and its calendars are safe for concurrent use.
package calendar
