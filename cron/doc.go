// Package cron reads the five-field expressions of cron, for schedules that come from a
// crontab or from another scheduler.
//
// ParseRule reads the text of a rule wherever a person or a store has one: native texts,
// and expressions. It makes of an expression the native rule that means the same
// (Translate), as in daily 09:15 on mon,tue,wed,thu,fri for 15 9 * * 1-5, and a Rule
// where there is none. A Rule is due at each wall time that its expression names, on the
// sessions that its schedule runs on: with the sessions of an exchange it keeps to
// trading days, with calendar.EveryDay it is plain cron.
//
// One rule holds where the clocks change: each wall time of a date is due once, at the
// instant that calendar.WallTime gives it. A time that the clocks skip is due at the end
// of the gap, together with all others of it, and one that they show twice at the first.
//
// The package is told texts, sessions and zones, keeps nothing, and is safe for
// concurrent use. Of this repository it imports calendar and rule.
package cron
