package definition_test

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/definition"
)

const model = `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
<process id="other" isExecutable="false"/>
<process id="order" name="Größe" isExecutable="true"><startEvent id="start"/>
<sequenceFlow id="f1" sourceRef="start" targetRef="notify"/><serviceTask id="notify" name="Notify" implementation="email.SEND"/>
<sequenceFlow id="f2" sourceRef="notify" targetRef="end"/><endEvent id="end"/></process></definitions>`

func order(t *testing.T) contract.Definition {
	xml, err := definition.Compress([]byte(model))
	require.NoError(t, err)
	return contract.Definition{
		Key: "order", Version: 3, Digest: "d", Name: "Größe", File: "order.bpmn", Model: xml, MapDefault: "all",
		Extensions: json.RawMessage("{\"id\":\n \"order\"}"),
		Connectors: map[string]contract.Binding{"email.SEND": {TaskQueue: "waybill", Retry: contract.Retry{Attempts: 3, Coefficient: 2}, TimeoutMS: 1000}},
	}
}

func TestPack(t *testing.T) {
	d := order(t)
	packed, err := definition.Pack(d)
	require.NoError(t, err)
	u, err := definition.Unpack(packed, 0)
	require.NoError(t, err)
	require.Equal(t, "order", u.Process.ID)
	require.NotNil(t, u.Process.Node("notify"))
	require.JSONEq(t, string(d.Extensions), string(u.Definition.Extensions))
	d.Version, d.Digest, d.Model, d.Extensions, u.Definition.Extensions = 0, "", nil, nil, nil
	require.Equal(t, d, u.Definition)
	whole, err := json.Marshal(order(t))
	require.NoError(t, err)
	require.Less(t, 2*base64.StdEncoding.EncodedLen(len(packed)), len(whole))
}

// packedOnce was written by the first version that packed: histories hold such for as long as they are kept.
const packedOnce = `AapWyk6tVLJSyi9KAecPaJQqWRmAsmB6anEJShpzLzq87fD8VFiGgeqDJc9cULtcySqvNCcHa1qFWFKrgy0toSYfJP9YkVBWGaMXTaiFEajwqq2t5SKuA8ZFcRrGSIklSnZcKIkqvyQD1I9BTVGQakIfXSk48KApABYPJKVFLiyJ0ZBAUszLL8lMq8SWGKEyUAf5QXl4EyY2BxihOABmKJILoOmXhDQNCAAA//8=`

func TestUnpackWhatAnEarlierVersionPacked(t *testing.T) {
	packed, err := base64.StdEncoding.DecodeString(packedOnce)
	require.NoError(t, err)
	u, err := definition.Unpack(packed, 0)
	require.NoError(t, err)
	require.NotNil(t, u.Process.Node("notify"))
	require.Equal(t, "Größe", u.Definition.Name)
}

func TestUnpackRefuses(t *testing.T) {
	for _, packed := range []string{"", "\x02", "\x01", "\x01nonsense"} {
		_, err := definition.Unpack([]byte(packed), 0)
		require.Error(t, err)
	}
}
