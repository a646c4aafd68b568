package connectors

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const orders = `{
  "id": "c1", "name": "orders", "description": "d", "template": "rest",
  "actions": {
    "b": {"id": "a2", "name": "CANCEL"},
    "a": {"id": "a1", "name": "CREATE", "description": "d", "model": {"type": "object"},
      "inputs": [
        {"id": "i1", "name": "item", "type": "string", "required": true, "x-tool": 1, "model": {}},
        {"id": "i2", "name": "count", "type": "integer"}],
      "outputs": [{"id": "o1", "name": "number", "type": "string"}]}
  },
  "events": {"e": {"id": "e1", "name": "SHIPPED"}},
  "config": [{"name": "ORDERS_URL", "value": "https://example.com", "required": true},
             {"name": "ORDERS_TOKEN", "value": "${ORDERS_TOKEN}", "secure": true, "description": "d"}],
  "errors": [{"name": "SOLD_OUT"}, {"name": "Bad input", "code": "INVALID_INPUT", "description": "d"}]
}`

func TestParseDefinition(t *testing.T) {
	d, err := ParseDefinition("orders.json", []byte(orders))
	require.NoError(t, err)
	require.Equal(t, "orders", d.Name)
	require.Equal(t, ModeBPMN, d.Mode)
	require.Equal(t, DefaultPolicy(), d.Policy)
	require.Equal(t, "CREATE", d.Actions[0].Name, "sorted by key")
	create, err := d.Action("CREATE")
	require.NoError(t, err)
	require.Equal(t, Parameter{ID: "i1", Name: "item", Type: TypeString, Required: true, Model: map[string]any{}}, create.Inputs[0])
	require.Equal(t, TypeInteger, create.Input("count").Type)
	require.Nil(t, create.Input("colour"))
	_, err = d.Action("CREAT")
	require.EqualError(t, err, `connector orders has no action "CREAT"; did you mean "CREATE"?`)
	_, err = d.Event("x")
	require.EqualError(t, err, `connector orders has no event "x"; known: SHIPPED`)
	require.Equal(t, []ErrorDefinition{{Name: "SOLD_OUT", Code: "SOLD_OUT"}, {Name: "Bad input", Code: "INVALID_INPUT", Description: "d"}}, d.Errors)
	require.True(t, d.Declares("INVALID_INPUT"))
	require.False(t, d.Declares("Bad input"))
}

func TestParseDefinitionWithoutActions(t *testing.T) {
	d, err := ParseDefinition("x.json", []byte(`{"name":"a"}`))
	require.NoError(t, err)
	require.Empty(t, d.Actions)
}

func TestErrorMode(t *testing.T) {
	action := `"actions":{"a":{"id":"1","name":"SEND","outputs":[{"id":"1","name":"email.error","type":"string"}]}}`
	for file, want := range map[string]ErrorMode{
		`{"name":"a",` + action + `}`:                         ModeOutput,
		`{"name":"a",` + action + `,"errors":[]}`:             ModeOutput,
		`{"name":"a",` + action + `,"errors":[{"name":"E"}]}`: ModeBPMN,
		`{"name":"a"}`: ModeBPMN,
	} {
		d, err := ParseDefinition("x.json", []byte(file))
		require.NoError(t, err)
		require.Equal(t, want, d.Mode, file)
	}
}

func TestParseDefinitionRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ file, want string }{
		"syntax":        {`{`, "x.json: line 1: unexpected EOF"},
		"no name":       {`{}`, "x.json: name: is required"},
		"legacy name":   {`{"name":"slackConnector"}`, `x.json: name: "slackConnector" is not a connector name: 1 to 26 lower-case`},
		"long name":     {`{"name":"abcdefghijklmnopqrstuvwxyz1"}`, "is not a connector name"},
		"hyphen last":   {`{"name":"a-"}`, "is not a connector name"},
		"root field":    {`{"name":"a","action":{}}`, `x.json: action: unknown field; did you mean "actions"?`},
		"feature field": {`{"name":"a","actions":{"k":{"id":"1","name":"A","input":[]}}}`, `actions.k.input: unknown field; did you mean "inputs"?`},
		"config field":  {`{"name":"a","config":[{"name":"A","secret":true}]}`, "config[0].secret: unknown field"},
		"config number": {`{"name":"a","config":[{"name":"A","value":3}]}`, "config[0].value: is a number; a string is expected"},
		"error field":   {`{"name":"a","errors":[{"name":"A","message":""}]}`, "errors[0].message: unknown field"},
		"error twice":   {`{"name":"a","errors":[{"name":"A"},{"name":"B","code":"A"}]}`, "errors[1]: error A is defined twice"},
		"action twice":  {`{"name":"a","actions":{"k":{"id":"1","name":"A"},"l":{"id":"2","name":"A"}}}`, `actions.l.name: "A" is defined twice`},
		"dotted action": {`{"name":"a","actions":{"k":{"id":"1","name":"A.B"}}}`, `"A.B" has a dot`},
		"no type":       {`{"name":"a","actions":{"k":{"id":"1","name":"A","inputs":[{"id":"1","name":"x"}]}}}`, "actions.k.inputs[0].type: is required"},
		"type":          {`{"name":"a","events":{"k":{"id":"1","name":"A","outputs":[{"id":"1","name":"x","type":"int"}]}}}`, `events.k.outputs[0].type: unknown type "int"; known: array, boolean`},
		"input twice":   {`{"name":"a","actions":{"k":{"id":"1","name":"A","inputs":[{"id":"1","name":"x","type":"json"},{"id":"1","name":"x","type":"json"}]}}}`, `inputs[1].name: "x" is there twice`},
		"secure value":  {`{"name":"a","config":[{"name":"A","value":"hunter2","secure":true}]}`, "config[0].value: a secret must not be written"},
		"secret value":  {`{"name":"a","config":[{"name":"A_PASSWORD","value":"hunter2"}]}`, "write ${A_PASSWORD}"},
		"URL":           {`{"name":"a","config":[{"name":"DB_URL","value":"postgres://u:hunter2@h/db"}]}`, "config[0].value: a URL must not hold a password"},
		"slack token":   {`{"name":"a","config":[{"name":"SLACK_XOXB","value":"hunter2"}]}`, "a secret must not be written"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseDefinition("x.json", []byte(tc.file))
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func FuzzParseDefinition(f *testing.F) {
	f.Add([]byte(orders))
	f.Add([]byte(`{"name":"a","actions":{"a":{"id":"1","name":"SEND","outputs":[{"id":"1","name":"email.error","type":"string"}]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseDefinition("x.json", data)
		if err != nil {
			return
		}
		require.True(t, ValidName(d.Name))
		for _, action := range d.Actions {
			_ = d.CheckInputs(action.Name, map[string]any{"item": 1, "count": "x"})
		}
	})
}
