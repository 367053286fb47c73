// Package said holds what executors, stores, calendars and rules say to what can be
// kept and shown: one line, of bounded length, and a panic as a text. It goes into rows,
// logs, pages and Explain, which it must not break.
package said
