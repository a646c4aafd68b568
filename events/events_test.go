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

// Whatever instances and variables are called, no two things of an index have the same id.
func TestIDsDoNotCollide(t *testing.T) {
	id := func(instance string, kind Type, ref, name string) string {
		d := Batch{Process: Process{Instance: instance}, Events: []Event{{Type: kind, Ref: ref, Name: name}}}.Documents()[0]
		return d.ID()
	}
	require.Equal(t, "order.total", id("order", VariableCreated, "total", "total"))
	require.Equal(t, "order.3#total", id("order", VariableCreated, "3.total", "total"))
	require.Equal(t, "order", id("order", ProcessStarted, "", ""))
	require.Equal(t, "order.7", id("order", ActivityStarted, "7", ""))
	instances := []string{"order", "order.1", "order.1#x", "order.1%23x", "order.", "order.1.x", "order#", "order.1#"}
	seen := map[string]string{}
	for _, instance := range instances {
		for _, name := range []string{"x", "1.x", "1#x", "1%23x", ".x", "x.1", "1.1.x", "1%2Ex", "x#", "#x"} {
			for _, ref := range []string{name, "1." + name, "11." + name} {
				what, got := instance+" "+ref+" "+name, id(instance, VariableCreated, ref, name)
				require.NotContains(t, seen, got, "%s and %s", what, seen[got])
				seen[got] = what
			}
		}
	}
	clear(seen)
	for _, instance := range instances {
		for _, ref := range []string{"1", "1.mail.2", "1.x", "x", "1#x", "2", "mail.2", "INBOX.a/1", "1%2Ex"} {
			what, got := instance+" "+ref, id(instance, ActivityStarted, ref, "")
			require.NotContains(t, seen, got, "%s and %s", what, seen[got])
			seen[got] = what
		}
	}
}
