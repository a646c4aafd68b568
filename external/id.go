package external

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
)

// name names a task as long as it is open: through all attempts, runs and incidents.
type name struct {
	instance string // its workflow
	task     int    // of contract.ExternalTaskID
}

// maxID bounds what is read as an id, and maxInstance what is asked for: Temporal's ids have at most 1,000 bytes, or it finds the request wrong.
const (
	maxID       = 1500
	maxInstance = 1000
)

// String is the id of the task for those outside, fit for a path.
func (n name) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(n.task) + " " + n.instance))
}

func (n name) activity() string { return contract.ExternalTaskID(n.task) }

func parse(id string) (n name, err error) {
	if len(id) > maxID {
		return n, unknown(id)
	}
	text, err := base64.RawURLEncoding.DecodeString(id)
	number, instance, ok := strings.Cut(string(text), " ")
	if err != nil || !ok || instance == "" || len(instance) > maxInstance || strings.ContainsFunc(instance, odd) {
		return n, unknown(id)
	}
	if n.task, err = strconv.Atoi(number); err != nil || n.task == 0 || strconv.Itoa(n.task) != number {
		return n, unknown(id)
	}
	n.instance = instance
	return n, nil
}

// odd tells whether no id of an instance has a character.
func odd(r rune) bool { return r < ' ' || r > '~' }

func unknown(id string) error { return fmt.Errorf("external task %.100q: %w", id, ErrNotFound) }
