package events

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEncodeDecode(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b := Batch{Process: Process{Instance: "order/1", Key: "order", DefinitionVersion: 3, Tenant: "acme", Began: began}, Events: []Event{
		{Sequence: 1, Type: ProcessStarted, Time: began, Status: Active, Start: began},
		{Sequence: 2, Type: VariableCreated, Time: began, Ref: "total", Name: "total", Value: int64(9007199254740993), ValueType: "integer"},
	}}
	packed, err := Encode(b)
	require.NoError(t, err)
	read, err := Decode(packed)
	require.NoError(t, err)
	d := read.Documents()
	require.Equal(t, "order/1", d[0].ID())
	require.Equal(t, ProcessInstances, d[0].Index())
	require.Equal(t, "order/1.total", d[1].ID())
	require.Equal(t, Variables, d[1].Index())
	require.Equal(t, int64(9007199254740993), *d[1].Long)
	require.Nil(t, d[1].Integer)
	require.Less(t, d[0].Version(), d[1].Version())

	text, err := json.Marshal(d[1])
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(text, &fields))
	require.Equal(t, "order:3", fields["processDefinitionId"])
	require.Equal(t, "acme", fields["tenantId"])
	require.Equal(t, "total", fields["name"])
	require.NotContains(t, fields, "value")

	_, err = Decode([]byte("{}"))
	require.ErrorIs(t, err, ErrForeign)
}
