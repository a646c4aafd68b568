package camunda_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/camunda"
)

// counter hears what is asked of tasks.
type counter struct {
	camunda.Tasks
	lock, extended, after time.Duration
	fails                 error
}

func (c *counter) Fetch(_ context.Context, r external.Request) ([]*external.Task, error) {
	c.lock = r.Topics[0].Lock
	return nil, c.fails
}

func (c *counter) Extend(_ context.Context, _ string, _ external.By, lock time.Duration) error {
	c.extended = lock
	return c.fails
}

func (c *counter) Fail(_ context.Context, _ string, _ external.By, f external.Failure) error {
	c.after = f.After
	return c.fails
}

func (c *counter) Complete(context.Context, string, external.By, external.Result) error {
	return c.fails
}

func (c *counter) post(path, body string) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	for pattern, h := range (&camunda.Server{Tasks: c, Broker: c, Admit: anybody}).Routes() {
		mux.Handle(pattern, h)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/engine-rest/external-task"+path, strings.NewReader(body)))
	return w
}

// The largest number of milliseconds is a long time, and not one that has passed.
func TestLongestTimes(t *testing.T) {
	c := &counter{}
	most := strconv.FormatInt(math.MaxInt64, 10)
	for path, body := range map[string]string{
		"/fetchAndLock": `{"workerId": "w", "maxTasks": 1, "topics": [{"topicName": "t", "lockDuration": ` + most + `}]}`,
		"/x/extendLock": `{"workerId": "w", "newDuration": ` + most + `}`,
		"/x/failure":    `{"workerId": "w", "retries": 1, "retryTimeout": ` + most + `}`,
	} {
		w := c.post(path, body)
		require.Less(t, w.Code, 300, "%s: %s", path, w.Body)
	}
	for _, d := range []time.Duration{c.lock, c.extended, c.after} {
		require.Equal(t, external.MaxLock, d)
	}
}

// What is wrong with an answer is said as a request of a client that is wrong, and what is wrong here as an error of the engine.
func TestAnswersThatFail(t *testing.T) {
	c := &counter{fails: external.ErrTooLarge}
	w := c.post("/x/complete", `{"workerId": "w"}`)
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), external.ErrTooLarge.Error())
	c.fails = errors.New("Temporal is away")
	require.Equal(t, http.StatusInternalServerError, c.post("/x/complete", `{"workerId": "w"}`).Code)
}
