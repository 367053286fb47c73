package tradeclock

import (
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

type (
	AgendaItem        = store.AgendaItem
	ConflictError     = store.ConflictError
	ScheduleEdit      = store.ScheduleEdit
	By                = store.By
	RowEdit           = store.RowEdit
	EditGuard         = store.EditGuard
	ScheduleEditor    = store.ScheduleEditor
	HeartbeatSink     = store.HeartbeatSink
	HeartbeatReader   = store.HeartbeatReader
	ReceivedHeartbeat = store.ReceivedHeartbeat
	SchedulerState    = store.SchedulerState
	Heartbeat         = store.Heartbeat
	RunningTask       = store.RunningTask
	Query             = store.Query
	History           = store.History
	Cursor            = store.Cursor
	Directory         = store.Directory
	EnrolledAccount   = store.EnrolledAccount
	TermState         = store.TermState
	EnrolmentQuery    = store.EnrolmentQuery
	Term              = store.Term
	HeldError         = store.HeldError
	TakenError        = store.TakenError
	Enrolment         = store.Enrolment
	State             = store.State
	Claim             = store.Claim
	SettleResult      = store.SettleResult
	Ledger            = store.Ledger
	Halt              = store.Halt
	RequestStore      = store.RequestStore
	HaltStore         = store.HaltStore
	Resetter          = store.Resetter
	AuditEntry        = store.AuditEntry
	FieldChange       = store.FieldChange
	AuditQuery        = store.AuditQuery
	Auditor           = store.Auditor
	Pruner            = store.Pruner
	InMemory          = store.InMemory
	StartLimit        = store.StartLimit
	Override          = store.Override
	OverrideQuery     = store.OverrideQuery
	OverrideStore     = store.OverrideStore
	Outcome           = store.Outcome
	Run               = store.Run
	LateOutcome       = store.LateOutcome
	Schedule          = store.Schedule
	Overlap           = store.Overlap
	Delivery          = store.Delivery
	Retry             = store.Retry
	ScheduleStore     = store.ScheduleStore
	Reviser           = store.Reviser
	ChangeLister      = store.ChangeLister
	ScheduleChanges   = store.ScheduleChanges
	ScheduleKey       = store.ScheduleKey
	QuarantineError   = store.QuarantineError
	RowError          = store.RowError
)

const (
	DefaultScheduler  = store.DefaultScheduler
	StateStopped      = store.StateStopped
	StateStandby      = store.StateStandby
	StateActive       = store.StateActive
	StateHalted       = store.StateHalted
	StateDraining     = store.StateDraining
	DefaultAuditLimit = store.DefaultAuditLimit
	MinRetention      = store.MinRetention
	NoOutcome         = store.NoOutcome
	Armed             = store.Armed
	Running           = store.Running
	Succeeded         = store.Succeeded
	Failed            = store.Failed
	TimedOut          = store.TimedOut
	Skipped           = store.Skipped
	Missed            = store.Missed
	Interrupted       = store.Interrupted
	DefaultCatchUp    = store.DefaultCatchUp
	MaxPolicyLength   = store.MaxPolicyLength
	OverlapSkip       = store.OverlapSkip
	OverlapQueue      = store.OverlapQueue
	OverlapCancel     = store.OverlapCancel
	OverlapAllow      = store.OverlapAllow
	AtMostOnce        = store.AtMostOnce
	AtLeastOnce       = store.AtLeastOnce
)

var (
	ErrNoSchedule       = store.ErrNoSchedule
	BySeed              = store.BySeed
	ErrSchedulesChanged = store.ErrSchedulesChanged
	ErrDeposed          = store.ErrDeposed
	ErrUnknownAccount   = store.ErrUnknownAccount
	ErrUnsupported      = store.ErrUnsupported
	ErrNoOccurrence     = store.ErrNoOccurrence
	ErrTooLate          = store.ErrTooLate
	ErrNoOverride       = store.ErrNoOverride
	ErrRevisionUnknown  = store.ErrRevisionUnknown
	ParseSchedulerState = store.ParseSchedulerState
	ParseOutcome        = store.ParseOutcome
	RunID               = store.RunID
	AppendRunID         = store.AppendRunID
	ParseOverlap        = store.ParseOverlap
	ParseDelivery       = store.ParseDelivery
)

// FixedSchedules returns a ScheduleStore of rows that never change.
func FixedSchedules(rows ...Schedule) ScheduleStore { return store.Fixed(rows) }

// ValidateSchedules reports everything that is wrong with a set of rows, which
// is what an editor of schedules should refuse: what Validate reports of each,
// duplicates, an after rule whose task has no row, cycles of after rules, and
// anchors that the calendar has not. None is checked if it is nil, nor are those
// of rows that name another calendar. Start limits are not checked: a configuration
// has them. The error is a *QuarantineError that names each row, or nil.
func ValidateSchedules(rows []Schedule, cal calendar.Calendar) error { return vet.Validate(rows, cal) }

// The words of views, which are those of the package view.
type (
	ViewConfig = view.Config
	View       = view.View
	PlanQuery  = view.PlanQuery
	Preview    = view.Preview
	PlanChange = view.PlanChange
	Collision  = view.Collision
	Finding    = view.Finding
	Timetable  = view.Timetable
)

var (
	NewView       = view.New
	NewTimetable  = view.NewTimetable
	ErrNothingDue = view.ErrNothingDue
)
