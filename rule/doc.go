// Package rule says when on a session a task is due: rules with their text form, the
// moments that they name, and the filters that leave them some sessions.
//
// A service writes rules (Parse, Daily, Every, On), or has a type of its own that is a
// Rule. What plans, here the scheduler, compiles a rule for a session (Compile) and asks
// what it is (KindOf, Reach, Follows). The package is told sessions and zones, answers
// with instants and slots, keeps nothing, and imports calendar and the texts of names.
package rule
