package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/tradeclock/tradeclock/store"
)

func (a *app) auditCommand() *cli.Command {
	return &cli.Command{
		Name: "audit", Usage: "who did what, and why, the newest last",
		Description: "Example: tradeclock audit --limit 20\n\nOf an edit it shows the fields that changed; json and jsonl have the row before and after.",
		Flags: []cli.Flag{
			limitFlag(store.DefaultAuditLimit),
			&cli.Int64Flag{Name: "before", Usage: "what came before the entry of this `ID`, with which the page before began"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			s, err := open(ctx, cmd, reads)
			if err != nil {
				return err
			}
			defer s.close()
			q := store.AuditQuery{Scheduler: s.name, Before: cmd.Int64("before"), Limit: max(1, cmd.Int("limit"))}
			entries, err := s.store.Audit(ctx, q)
			if err != nil {
				return err
			}
			slices.Reverse(entries)
			err = list(a, cmd, listing[store.AuditEntry]{
				items:  entries,
				header: []string{"AT", "ACTION", "TASK", "ACCOUNT", "BY", "REASON", "WHAT"},
				line: func(e store.AuditEntry) []string {
					return []string{s.dateTime(e.At), e.Action, e.Task, e.Account, e.Actor, e.Reason, s.tellEntry(e)}
				},
				none: "Nobody did anything.",
			})
			if len(entries) == q.Limit && err == nil {
				fmt.Fprintf(a.err, "there may be more: --before %d\n", entries[0].ID)
			}
			return err
		},
	}
}

// tellEntry says what was done: which occurrence, or which fields.
func (s *service) tellEntry(e store.AuditEntry) string {
	switch {
	case !e.To.IsZero():
		return fmt.Sprintf("%s to %s", e.Slot, s.dateTime(e.To))
	case e.Slot != "":
		return e.Slot
	case e.Action == "remove":
		return ""
	}
	var fields []string
	for _, f := range e.Changed() {
		switch {
		case f.Field == "task" || f.Field == "account":
		case len(e.Before) == 0:
			fields = append(fields, fmt.Sprintf("%s %s", f.Field, f.After))
		default:
			fields = append(fields, fmt.Sprintf("%s %s -> %s", f.Field, cmp.Or(f.Before, "none"), cmp.Or(f.After, "none")))
		}
	}
	return strings.Join(fields, ", ")
}
