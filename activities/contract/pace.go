package contract

import "time"

// TurnsUpdate asks the workflow that paces the calls of a connector for turns: TakeTurns -> Turns.
const TurnsUpdate = "turns"

// PaceState is the input of that workflow.
type PaceState struct {
	Next time.Time `json:"next,omitzero"` // the first turn that is free
}

// TakeTurns asks for turns to make calls.
type TakeTurns struct {
	Count     int           `json:"count"`
	PerSecond float64       `json:"perSecond"` // of all turns together; more than 0
	Ahead     time.Duration `json:"ahead"`     // nanoseconds: how long the answer may take, so that the first turn is not over by then
}

// Turns say when calls may be made, by the clock of the server. There may be fewer than were asked for, and is one at least.
type Turns struct {
	Now      time.Time     `json:"now"` // when they were given
	First    time.Time     `json:"first"`
	Interval time.Duration `json:"interval"` // nanoseconds
	Count    int           `json:"count"`
}
