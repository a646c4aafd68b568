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
	task     int    // engine.OfferTask.Task
}

// maxID bounds what is read as an id: Temporal's ids have at most 1,000 bytes.
const maxID = 1500

// String is the id of the task for those outside, fit for a path.
func (n name) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(n.task) + " " + n.instance))
}

func (n name) activity() string { return contract.ExternalTaskID(n.task) }

func parse(id string) (n name, err error) {
	text, err := base64.RawURLEncoding.DecodeString(id)
	number, instance, ok := strings.Cut(string(text), " ")
	if err != nil || len(id) > maxID || !ok || instance == "" || strings.ContainsFunc(instance, odd) {
		return n, unknown(id)
	}
	if n.task, err = strconv.Atoi(number); err != nil || n.task <= 0 || strconv.Itoa(n.task) != number {
		return n, unknown(id)
	}
	n.instance = instance
	return n, nil
}

// odd tells a character that no id of an instance has.
func odd(r rune) bool { return r < ' ' || r > '~' }

func unknown(id string) error { return fmt.Errorf("external task %.100q: %w", id, ErrNotFound) }
