package processengine_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// A model as process-engine's modeler writes it: lanes, JavaScript over token in conditions, topics and payloads.
func TestModelOfProcessEngine(t *testing.T) {
	t.Parallel()
	h := open(t)
	text, err := os.ReadFile("testdata/models/order.bpmn")
	require.NoError(t, err)
	h.Deploy("Order", string(text))
	h.run(clients[0], "price")
	order := func(carrier string, prices ...int) string {
		lines := []any{}
		for _, price := range prices {
			lines = append(lines, object{"price": price})
		}
		return h.start("Order", object{"what": "succeed", "lines": lines, "carrier": carrier})
	}
	take := func(carrier string) object {
		_, found := h.ask(http.MethodPost, "/fetch_and_lock", object{"workerId": "ann", "topicName": carrier, "longPollingTimeout": 60_000, "lockDuration": 60_000}, admitted)
		require.Len(t, found, 1)
		return found.([]any)[0].(object)
	}
	require.Contains(t, h.Ended(order("post", 120)).Path, "Refused", "token.current is what the client's worker answered")

	id := order("post", 30, 40)
	task := take("post")
	require.Equal(t, object{"total": 70.0, "user": "starter", "token": "", "who": "starter", "count": 2.0}, task["payload"], "without a payload it is token.current")
	require.Equal(t, "starter", task["ownerId"])
	require.Equal(t, http.StatusNoContent, h.put("ann", task["id"].(string), "finish", object{"result": 4711}))
	done := h.Ended(id)
	require.Contains(t, done.Path, "Shipped", "what the worker answered is token.history.Ship")

	id = order("dhl", 30, 40)
	require.Equal(t, http.StatusNoContent, h.put("ann", take("dhl")["id"].(string), "error", object{"error": object{"errorMessage": "lost"}}))
	lost := h.Ended(id)
	require.Contains(t, lost.Path, "Apologized", "an error without a code is caught by who catches any")
}
