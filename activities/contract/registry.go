package contract

import (
	"encoding/json"
	"fmt"
	"time"
)

// Updates and queries of a registry: a small named set of JSON documents. There is one for the triggers of each event
// source and one for the processes that each message starts.
const (
	PutUpdate     = "put"      // RegistryEntry; starts the workflow when there is none
	PutManyUpdate = "put-many" // []RegistryEntry, all or none of them; starts the workflow when there is none
	RemoveUpdate  = "remove"   // id (string)
	RegistryQuery = "list"     // -> []RegistryEntry, sorted by id
	EntriesQuery  = "get"      // ids -> []RegistryEntry, of those that there are, sorted by id
)

// MaxRegistry bounds a registry, in bytes of the JSON of its entries: they are one payload when the registry goes on in a new run or
// answers a query, and Temporal takes 2 MiB at most.
const MaxRegistry = 1_500_000

// RegistryEntry is one document. Putting an entry with the id of another replaces its value.
type RegistryEntry struct {
	ID    string          `json:"id"`
	Value json.RawMessage `json:"value"`
	// Added is when the id came to be there, by the registry's clock; zero: an earlier version did not note it.
	Added time.Time `json:"added,omitzero"`
}

// Size is what the entry takes in the JSON of a registry.
func (e RegistryEntry) Size() (int, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return 0, fmt.Errorf("entry %q: %w", e.ID, err)
	}
	return len(text) + len(","), nil
}

// RegistryState is the input of the registry workflow.
type RegistryState struct {
	Entries []RegistryEntry `json:"entries,omitempty"` // sorted by id
}

// MessageStart is the entry of a process in the registry of a message: the id is the process key.
type MessageStart struct {
	Key     string `json:"key"`
	Element string `json:"element"`
}
