package analytics

import (
	"context"
	"fmt"
)

// histories stands for the index in dead letters of what never became a document.
const histories = "histories"

// Unreadable is a part of a history whose events cannot be read.
type Unreadable struct {
	Execution, Run string
	Event          int64 // of the history; 0: all of it
	Reason         string
}

// BuryHistories writes dead letters of what cannot be read. They have no document, and cannot be tried again; what is there already is counted.
func (s *Store) BuryHistories(ctx context.Context, unread []Unreadable) error {
	var letters []letter
	for _, u := range unread {
		letters = append(letters, letter{
			index: s.Alias("", histories), id: fmt.Sprintf("%s/%s/%d", u.Execution, u.Run, u.Event), version: 1, kind: "unreadable", reason: u.Reason,
		})
	}
	return s.bury(ctx, letters)
}
