package vet

import (
	"fmt"
	"slices"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/spelling"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// phaseNames are the phases that the sessions of a calendar may have. They are
// not known of every calendar.
type phaseNames struct {
	calendar string
	known    bool
	names    []string
}

func phasesOf(cal calendar.Calendar) phaseNames {
	lister, ok := cal.(calendar.PhaseLister)
	if !ok {
		return phaseNames{}
	}
	return phaseNames{calendar: cal.Name(), known: true, names: lister.PhaseNames()}
}

// check refuses anchors that no session of the calendar can have.
func (ph phaseNames) check(s store.Schedule) error {
	if !ph.known {
		return nil
	}
	for _, m := range rule.Moments(s.Rule) {
		if err := ph.checkMoment(m); err != nil {
			return InField("Rule", err)
		}
	}
	if s.CatchUpUntil != nil {
		if err := ph.checkMoment(*s.CatchUpUntil); err != nil {
			return fmt.Errorf("CatchUpUntil: %w", err)
		}
	}
	return nil
}

func (ph phaseNames) checkMoment(m rule.Moment) error {
	phase := m.Phase()
	if phase == "" || slices.Contains(ph.names, phase) {
		return nil
	}
	return fmt.Errorf("anchor %q: calendar %s has no phase %s%s", m.Anchor, ph.calendar, phase, spelling.Hint(m.Anchor, ph.anchors()))
}

// anchors returns the anchors that the calendar's sessions may have.
func (ph phaseNames) anchors() []string {
	var anchors []string
	for _, name := range ph.names {
		if name == calendar.PhaseRegular {
			anchors = append(anchors, rule.AnchorOpen, rule.AnchorClose)
		}
		anchors = append(anchors, name, name+rule.AnchorEnd)
	}
	return anchors
}

// HasPhasesOf reports whether the calendar had the phases that it says it has.
func (v *Calendar) HasPhasesOf(facts Facts) bool {
	return slices.Equal(v.phases.names, facts.phases.names)
}
