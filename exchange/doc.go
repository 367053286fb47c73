// Package exchange knows on which days and at which hours exchanges trade, and says
// so when it does not know.
//
//	nse := exchange.MustGet("XNSE")
//	open, err := nse.IsOpen(clock.Now())
//
// Sessions are a calendar.Calendar, so they are what a scheduler is given, and they
// answer the questions of a trading service besides: the session of a date, the
// next and the n-th one, the first and the last of a week, month, quarter or year,
// the open and the close, whether the market trades at an instant.
//
// # Markets
//
// A Market is what is known of an exchange, in the words of its data file. It has
// a calendar for each of its segments: the main one is named by the market's MIC
// (XNSE), and others, whose hours differ, by the MIC with a suffix (XNSE.FO). Get
// returns the embedded ones, and LoadDir and Watcher those of your own files.
//
// # Days
//
// A date is closed, regular (a full day, at whatever hours), shortened (an early
// close or a late open) or special. It has any number of phases, each a window of local wall times with a name; a
// lunch break makes two windows of the regular phase. Four rules say what a date
// is:
//
//   - The weekdays of the market, Monday to Friday as a rule, have the regular hours of
//     their era: the stretch of time in which these stay the same. The others are closed.
//   - A dated day replaces the whole day. So a session on a Sunday, a closure on a
//     Thursday, one hour of Muhurat trading on a holiday and a close that is moved
//     while the market trades are all the same to a calendar.
//   - A session may be certain and its hours not. Then the calendar says that there
//     is a session, and each question for its hours is an error.
//   - A settlement holiday is no holiday: there is a session, whose trades are
//     settled later. Settles tells.
//
// # Three answers
//
// A calendar answers open, closed or, with an error, unknown. Outside its coverage
// every query returns a *CoverageError, which names the calendar, the date and the
// edge of the coverage, and no query steps over a date or hours that it does not
// know. AssumeWeekdays returns a calendar that guesses there, and says so of each
// session that it guessed.
//
// # Versions
//
// Sessions never change. Their version is the edition of the data with a digest of
// them, so that the record of a run tells which data it was planned from. With
// returns a calendar with further days, as another value with another version.
package exchange
