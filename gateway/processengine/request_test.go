package processengine

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/external"
)

// Whatever is sent is read, as process-engine checks nothing.
func TestRequests(t *testing.T) {
	for body, want := range map[string]request{
		`{}`: {},
		`{"workerId":"w","topicName":"t","maxTasks":3,"longPollingTimeout":1000,"lockDuration":2.5}`: {Worker: "w", Topics: texts{"t"}, Max: 3, Wait: 1000, Lock: 2.5},
		`{"workerId":5,"topicName":["a","b"],"maxTasks":"7","lockDuration":null}`:                    {Worker: "5", Topics: texts{"a", "b"}, Max: 7},
		`{"workerId":null,"topicName":{"a":1},"maxTasks":[],"lockDuration":"NaN"}`:                   {},
		`{"topicName":""}`: {},
		`{"errorCode":404,"errorMessage":"m","errorDetails":{"a": [1]}}`: {problemOf: problemOf{Code: "404", Message: "m", Details: `{"a": [1]}`}},
		`{"error":{"errorCode":"C","errorMessage":"m"},"result":null}`:   {Error: problemOf{Code: "C", Message: "m"}, Result: json.RawMessage("null")},
	} {
		var in request
		require.NoError(t, json.Unmarshal([]byte(body), &in), body)
		require.Equal(t, want, in, body)
	}
}

func TestDurations(t *testing.T) {
	for n, want := range map[number]time.Duration{0: 0, -5: 0, 1500: 1500 * time.Millisecond, 0.5: 500 * time.Microsecond, 1e300: time.Hour} {
		require.Equal(t, want, n.duration(time.Hour))
	}
}

func TestFilters(t *testing.T) {
	o := &external.Offered{Input: contract.ExternalTask{Payload: json.RawMessage(`{"name":"a<b","n":1}`)}}
	for filter, want := range map[text]bool{
		`/"n":1/`: true, `/"n":2/`: false, `/A<B/`: false, `/A<B/i`: true, `/a|x/gu`: true, `x|"name"`: true, `/^{.*}$/`: true, `/^"/m`: false,
	} {
		accept, err := filter.filter()
		require.NoError(t, err)
		require.Equal(t, want, accept(o), filter)
	}
	for _, costly := range []text{`/x/ii`, text("/x/" + strings.Repeat("i", 1<<20)), text(strings.Repeat("x", longestFilter+1))} {
		_, err := costly.filter()
		require.Error(t, err)
		require.Less(t, len(err.Error()), 200)
	}
	accept, err := text("").filter()
	require.NoError(t, err)
	require.Nil(t, accept, "any")
}
