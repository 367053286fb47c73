// Package ical is how tradeclock meets calendar programs, through iCalendar files (RFC
// 5545): Agenda writes the occurrences of some days as a feed that they show, and
// ReadHolidays reads the closed days of an exchange from a file that they or others keep.
//
// The package is told items, dates and files, and answers with bytes, days, or all that is
// wrong with a file. It has no clock: what an event needs of times is in the items or an
// argument, so that the feed of a day that has not changed is the same to the byte. It
// keeps nothing, and is safe for concurrent use. Of this repository it imports the root and
// calendar.
package ical
