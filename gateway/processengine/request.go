package processengine

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// request is what any of the calls brings. Nothing of it is checked, as process-engine checks nothing: what is missing, or of another type, is
// taken as it would be there.
type request struct {
	Worker text `json:"workerId"`

	Topics texts  `json:"topicName"`
	Max    number `json:"maxTasks"`
	Wait   number `json:"longPollingTimeout"` // ms
	Lock   number `json:"lockDuration"`       // ms
	Filter text   `json:"payloadFilter"`      // of ProcessCube: a regular expression of JavaScript

	More number `json:"additionalDuration"` // ms

	Result json.RawMessage `json:"result"`

	problemOf
	Error problemOf `json:"error"` // of ProcessCube
}

// problemOf is an error of a worker.
type problemOf struct {
	Code    text `json:"errorCode"`
	Message text `json:"errorMessage"`
	Details text `json:"errorDetails"`
}

// text is a string, or other JSON as it is written: error codes are numbers as well, details are objects.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s *string
	if json.Unmarshal(b, &s) != nil {
		*t = text(b)
	} else if s != nil {
		*t = text(*s)
	}
	return nil
}

// texts is a string, or a list of such.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil && one != "" {
		*t = texts{one}
		return nil
	}
	var many []string
	if json.Unmarshal(b, &many) == nil {
		*t = many
	}
	return nil
}

// number is a number, or a string that is one; 0: it is neither.
type number float64

func (n *number) UnmarshalJSON(b []byte) error {
	var t text
	_ = t.UnmarshalJSON(b)
	if f, err := strconv.ParseFloat(string(t), 64); err == nil && !math.IsNaN(f) {
		*n = number(f)
	}
	return nil
}

// duration takes a number as milliseconds, between none and the most.
func (n number) duration(most time.Duration) time.Duration {
	return time.Duration(min(max(float64(n), 0), float64(most.Milliseconds())) * float64(time.Millisecond))
}
