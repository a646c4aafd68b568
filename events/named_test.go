package events

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Dashboards that were made for Activiti's indexes read these.
func TestDocumentsHaveActivitisFields(t *testing.T) {
	start, now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)
	b := Batch{Process: Process{Instance: "order/1", Key: "order"}, Events: []Event{
		{Sequence: 1, Type: ProcessStarted, Time: now, Start: start},
		{Sequence: 2, Type: TaskCompleted, Time: now, Start: start, Ref: "1", TaskID: "task/order/1/1"},
		{Sequence: 3, Type: VariableCreated, Time: start, Ref: "total"},
		{Sequence: 4, Type: VariableUpdated, Time: now, Ref: "total"},
		{Sequence: 5, Type: MailSent, Time: now, Ref: "1.mail.1", TaskID: "task/order/1/1"},
	}}
	want := [][2]any{
		{"order/1", nil}, {"task/order/1/1", "2026-01-02T03:04:05Z"}, {"order/1.total", "2026-01-02T03:04:05Z"}, {"order/1.total", nil}, {"order/1.1%2Email%2E1", nil},
	}
	for i, d := range b.Documents() {
		data, err := json.Marshal(d)
		require.NoError(t, err)
		var fields map[string]any
		require.NoError(t, json.Unmarshal(data, &fields))
		require.Equal(t, want[i], [2]any{fields["id"], fields["createTime"]}, d.Type)
	}
}
