package trigger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

var hook = connectors.MustParseDefinition("hook.json", []byte(`{"name":"hook","actions":{"p":{"id":"p","name":"POST",
	"inputs":[{"id":"u","name":"url","type":"string","required":true},{"id":"b","name":"payload","type":"json"}]}},
	"events":{"w":{"id":"w","name":"INCOMING_WEBHOOK","inputs":[
		{"id":"1","name":"path","type":"string"},{"id":"2","name":"method","type":"array"},{"id":"3","name":"headers","type":"json"},
		{"id":"4","name":"params","type":"json"},{"id":"5","name":"condition","type":"string"},{"id":"6","name":"status","type":"integer"},
		{"id":"7","name":"body","type":"json"},{"id":"8","name":"pattern","type":"string"},{"id":"9","name":"speed","type":"string"}],
		"outputs":[{"id":"1","name":"path","type":"string"},{"id":"2","name":"method","type":"string"},{"id":"3","name":"headers","type":"json"},
		{"id":"4","name":"params","type":"json"},{"id":"5","name":"body","type":"json"}]},
	"m":{"id":"m","name":"MESSAGE_RECEIVED","inputs":[{"id":"1","name":"pattern","type":"string"},{"id":"2","name":"echo","type":"string"}],
		"outputs":[{"id":"1","name":"originalMessage","type":"string"}]}}}`))

func definitions(name string) *connectors.Definition {
	if name == "hook" {
		return hook
	}
	return nil
}

func eventFile(source, inputs, action string) []byte {
	return fmt.Appendf(nil, `{"name":"orders","event":{"source":%q,"inputs":%s},"action":%s}`, source, inputs, action)
}

const (
	webhook = "connector.hook.INCOMING_WEBHOOK"
	begin   = `{"source":"command-consumer","payload":{"payloadType":"StartProcessPayload","processDefinitionKey":"p","name":"n"}}`
)

func call() map[string]any {
	return map[string]any{
		"path": "orders", "method": "POST", "headers": map[string]any{"X-Shop": "berlin", "Accept": []any{"a", "b"}},
		"params": map[string]any{"a": "1"}, "body": map[string]any{"total": int64(7), "text": "${1+1} ${matchGroups}"},
	}
}

func TestEventNarrows(t *testing.T) {
	for name, tc := range map[string]struct {
		inputs string
		want   string // why not
	}{
		"nothing":             {`{}`, ""},
		"text":                {`{"path":"orders"}`, ""},
		"path with a slash":   {`{"path":"/orders"}`, ""},
		"whole address":       {`{"path":"https://host.example/shop/rest/events/orders"}`, ""},
		"other text":          {`{"path":"/order"}`, "event.inputs.path: the event's path is another"},
		"empty":               {`{"path":"","method":[]}`, ""},
		"of a list":           {`{"method":["PUT","POST"]}`, ""},
		"not of a list":       {`{"method":["PUT","GET"]}`, "event.inputs.method: the event's method is another"},
		"header, other case":  {`{"headers":{"x-shop":"berlin"}}`, ""},
		"header, of several":  {`{"headers":{"accept":"b"}}`, ""},
		"header, other value": {`{"headers":{"x-shop":"Berlin"}}`, "event.inputs.headers: the event's headers is another"},
		"param":               {`{"params":{"a":"1"}}`, ""},
		"number as text":      {`{"params":{"a":1}}`, ""},
		"param, other case":   {`{"params":{"A":"1"}}`, "event.inputs.params: the event's params is another"},
		"no such param":       {`{"params":{"a":"1","b":"2"}}`, "event.inputs.params: the event's params is another"},
		"condition":           {`{"condition":"${body.total > 5}"}`, ""},
		"condition fails":     {`{"condition":"${body.total > 7}"}`, "event.inputs.condition is false"},
	} {
		t.Run(name, func(t *testing.T) {
			parsed, err := Parse("t.json", eventFile(webhook, tc.inputs, begin), Options{Definition: definitions})
			require.NoError(t, err)
			require.Empty(t, parsed.Warnings)
			_, why, err := parsed.Explain(call())
			require.NoError(t, err)
			require.Equal(t, tc.want, why)
		})
	}
}

// What is not there is not equal to nothing, and neither is a list to an empty text.
func TestEventNarrowsWhatIsMissing(t *testing.T) {
	for _, n := range []narrow{{"a", "x"}, {"a", nil}, {"a", map[string]any{}}, {"b", "\x00"}, {"c", nil}} {
		require.False(t, n.holds(map[string]any{"b": map[string]any{}, "c": nil}), n)
	}
	require.True(t, narrow{"n", int64(3)}.holds(map[string]any{"n": float64(3)}))
	require.True(t, narrow{"l", []any{"x", "y"}}.holds(map[string]any{"l": []any{"y", "z"}}))
	require.False(t, narrow{"l", []any{"x"}}.holds(map[string]any{"l": []any{"y", "z"}}))
}

func TestEventAnswer(t *testing.T) {
	data := eventFile(webhook, `{"status":201,"body":{"total":"${body.total}","said":"${body.text}"}}`, begin)
	parsed, err := Parse("t.json", data, Options{Definition: definitions})
	require.NoError(t, err)
	require.True(t, parsed.Deployment().Answers)
	want := Answer{Status: 201, Body: map[string]any{"total": int64(7), "said": "${1+1} ${matchGroups}"}}
	answer, ok, err := parsed.Answer(call(), nil)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, want, answer, "what came with the event is never an expression")

	// Whoever fires it has no definition, and knows of the answer by what was noted.
	var fields map[string]any
	require.NoError(t, json.Unmarshal(data, &fields))
	fields["deployed"] = parsed.Deployment()
	stored, err := json.Marshal(fields)
	require.NoError(t, err)
	read, err := Read("orders", stored)
	require.NoError(t, err)
	require.Equal(t, parsed.Deployment(), read.Deployment())
	answer, ok, err = read.Answer(call(), nil)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, want, answer)
	_, ok, err = read.Match(call())
	require.NoError(t, err)
	require.True(t, ok, "body is the answer and narrows nothing")
	_, err = Parse("t.json", stored, Options{})
	require.ErrorContains(t, err, "deployed: unknown field")
}

func TestUnknownConnector(t *testing.T) {
	parsed, err := Parse("t.json", eventFile("connector.till.SOLD", `{"status":"paid","pattern":"(?<n>\\d+)","echo":"${n}"}`,
		`{"source":"connector.till.PRINT","payload":{"text":"${anything} ${matchGroups.n}"}}`), Options{Definition: definitions})
	require.NoError(t, err)
	require.Len(t, parsed.Warnings, 3)
	require.Contains(t, parsed.Warnings[1], "event.inputs.echo: is sent for events of built-in connectors alone")
	require.Contains(t, parsed.Warnings[0], `t.json: event.source: the definition of connector "till" is not among these files`)
	groups, ok, err := parsed.Match(map[string]any{"status": "paid", "message": "no 7", "anything": "${x}"})
	require.NoError(t, err)
	require.True(t, ok)
	action, err := parsed.Action(map[string]any{"anything": "${x}"}, groups)
	require.NoError(t, err)
	require.Equal(t, Action{Implementation: "till.PRINT", Variables: map[string]any{"text": "${x} 7"}}, action)
	_, ok, err = parsed.Match(map[string]any{"status": "open", "message": "no 7"})
	require.NoError(t, err)
	require.False(t, ok)

	parsed, err = Parse("t.json", eventFile("connector.support.EMAIL_RECIEVED", `{}`, begin), Options{Definition: definitions})
	require.NoError(t, err)
	require.Contains(t, parsed.Warnings[0], `did you mean "EMAIL_RECEIVED", of a mailbox?`)
}

func TestSignalAndCall(t *testing.T) {
	for _, payloadType := range []string{Signal, StartProcess} {
		parsed, err := Parse("t.json", eventFile(webhook, `{}`, `{"source":"command-consumer","payload":{"payloadType":"`+payloadType+`","name":"Signal_${body.total}","variables":{"p":"${path}"}}}`), Options{Definition: definitions})
		require.NoError(t, err)
		require.Equal(t, payloadType == StartProcess, len(parsed.Warnings) == 1, "the misprint of the original is told")
		action, err := parsed.Action(call(), nil)
		require.NoError(t, err)
		require.Equal(t, Action{PayloadType: Signal, Name: "Signal_7", Variables: map[string]any{"p": "orders"}}, action)
	}
	for _, source := range []string{"hook.POST", "connector.hook.POST"} {
		parsed, err := Parse("t.json", eventFile(webhook, `{}`, `{"source":"`+source+`","payload":{"url":"https://example.com/${path}","payload":"${body}"}}`), Options{Definition: definitions})
		require.NoError(t, err)
		require.Equal(t, "hook.POST", parsed.Implementation())
		action, err := parsed.Action(call(), nil)
		require.NoError(t, err)
		require.Equal(t, Action{Implementation: "hook.POST", Variables: map[string]any{"url": "https://example.com/orders", "payload": call()["body"]}}, action)
	}
}

func TestEcho(t *testing.T) {
	parsed, err := Parse("t.json", eventFile("connector.hook.MESSAGE_RECEIVED", `{"pattern":"order (?<no>\\d+)","echo":"Order ${no} (${matchGroups.no}): ${originalMessage}"}`, begin), Options{Definition: definitions})
	require.NoError(t, err)
	event := map[string]any{"originalMessage": "order 7 ${no}"}
	groups, ok, err := parsed.Match(event)
	require.NoError(t, err)
	require.True(t, ok)
	text, err := parsed.Echo(event, groups, false)
	require.NoError(t, err)
	require.Equal(t, "Order 7 (7): order 7 ${no}", text)
	text, err = parsed.Echo(event, groups, true)
	require.NoError(t, err)
	require.Empty(t, text)
}

func TestTimer(t *testing.T) {
	for inputs, want := range map[string]Timer{
		`{"cron":"0 8 * * mon-fri","timeZone":"Europe/Berlin"}`: {Cron: "0 8 * * mon-fri", TimeZone: "Europe/Berlin"},
		`{"cron":"*/5 * * JUL *"}`:                              {Cron: "*/5 * * JUL *"},
		`{"every":"PT15M"}`:                                     {Every: 15 * time.Minute},
		`{"every":"P1W1DT1H1M1S"}`:                              {Every: 8*24*time.Hour + 3661*time.Second},
	} {
		parsed, err := Parse("t.json", eventFile("timer.orders.TIMER_FIRED", inputs, begin), Options{})
		require.NoError(t, err, inputs)
		timer, ok := parsed.Timer()
		require.True(t, ok)
		require.Equal(t, want, timer)
		_, ok, err = parsed.Match(map[string]any{"scheduledTime": "2026-01-01T00:00:00Z"})
		require.NoError(t, err)
		require.True(t, ok)
	}
	for inputs, want := range map[string]string{
		`{}`:                                    "one of cron",
		`{"cron":"* * * * *","every":"PT1M"}`:   "one of cron",
		`{"cron":"0 0 8 * * *"}`:                "five fields are expected",
		`{"cron":"@daily"}`:                     "five fields are expected",
		`{"cron":"0 8 L * *"}`:                  "five fields are expected",
		`{"cron":"99 8 * * *"}`:                 "five fields are expected",
		`{"every":"P1M"}`:                       "is not an ISO 8601 duration",
		`{"every":"PT"}`:                        "is not between",
		`{"every":"P"}`:                         "is not between",
		`{"every":"PT0S"}`:                      "is not between",
		`{"every":"P999999999W"}`:               "is not between",
		`{"every":"PT1M","timeZone":"UTC"}`:     "timeZone: has no meaning",
		`{"every":"PT1M","pattern":""}`:         "pattern: unknown field",
		`{"every":"PT1M","condition":"${now}"}`: `the event has no output "now"`,
	} {
		_, err := Parse("t.json", eventFile("timer.orders.TIMER_FIRED", inputs, begin), Options{})
		require.ErrorContains(t, err, want, inputs)
	}
	_, err := Parse("t.json", eventFile("timer.daily.TIMER_FIRED", `{"every":"PT1M"}`, begin), Options{})
	require.ErrorContains(t, err, "write timer.orders.TIMER_FIRED")
}

func TestEventRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ source, inputs, action, want string }{
		"event":          {"connector.hook.INCOMING_WEBHOOKS", `{}`, begin, `connector hook has no event "INCOMING_WEBHOOKS"; did you mean`},
		"input":          {webhook, `{"paths":"/a"}`, begin, `event.inputs.paths: the event has no input "paths"; did you mean "path"?`},
		"no output":      {webhook, `{"speed":"fast"}`, begin, `event.inputs.speed: narrows nothing: the event has no output "speed"`},
		"output":         {webhook, `{"condition":"${bdy == 1}"}`, begin, `the event has no output "bdy"; did you mean "body"?`},
		"matchOn":        {webhook, `{"pattern":"x","matchOn":"bodi"}`, begin, `matchOn: the event has no output "bodi"`},
		"status":         {webhook, `{"status":99}`, begin, "a status of HTTP from 200 to 599"},
		"status as text": {webhook, `{"status":"ok"}`, begin, "a status of HTTP from 200 to 599"},
		"echo":           {webhook, `{"echo":"hello"}`, begin, "event.inputs.echo: this event cannot be answered"},
		"action":         {webhook, `{}`, `{"source":"hook.PSOT","payload":{}}`, `action.source: connector hook has no action "PSOT"; known: POST`},
		"required":       {webhook, `{}`, `{"source":"hook.POST","payload":{}}`, `action.payload.url: is required by hook.POST`},
		"action input":   {webhook, `{}`, `{"source":"hook.POST","payload":{"url":"u","payloat":1}}`, `hook.POST has no input "payloat"; did you mean "payload"?`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("t.json", eventFile(tc.source, tc.inputs, tc.action), Options{Definition: definitions})
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// The file of an instance may have been deployed before: what its callers are answered narrows nothing all the same.
func TestEventOfAnInstanceThatIsNotAmongTheFiles(t *testing.T) {
	data := eventFile("connector.shop.INCOMING_WEBHOOK", `{"path":"orders","status":202,"body":{"taken":true}}`, begin)
	parsed, err := Parse("t.json", data, Options{BuiltIn: []*connectors.Definition{definitions("hook")}})
	require.NoError(t, err)
	require.Len(t, parsed.Warnings, 1)
	_, ok, err := parsed.Match(call())
	require.NoError(t, err)
	require.True(t, ok)

	other, err := Parse("t.json", data, Options{})
	require.NoError(t, err)
	_, ok, err = other.Match(call())
	require.NoError(t, err)
	require.False(t, ok, "of an event that nobody knows, every input narrows")
}

func TestRequiredInputsOfAnEvent(t *testing.T) {
	d := *definitions("hook")
	d.Events = append([]connectors.Feature{}, d.Events...)
	d.Events[0].Inputs = append([]connectors.Parameter{{Name: "path", Type: connectors.TypeString, Required: true, Description: "Where."}}, d.Events[0].Inputs...)
	_, err := Parse("t.json", eventFile("connector.hook."+d.Events[0].Name, `{"method":["POST"]}`, begin),
		Options{Definition: func(string) *connectors.Definition { return &d }})
	require.ErrorContains(t, err, "event.inputs.path: is required by "+d.Events[0].Name+": Where.")
}

func TestScriptOfATrigger(t *testing.T) {
	data := eventFile(webhook, `{"path":"orders"}`, `{"source":"command-consumer","payload":{"payloadType":"ScriptPayload","scriptName":"double","scriptId":"s-1",
		"variables":{"total":"${body.total}","text":"${body.text}"}}}`)
	const source = `total * 2 // ${total} is no expression here`
	parsed, err := Parse("t.json", data, Options{Definition: definitions, Script: func(name string) (string, error) {
		require.Equal(t, "double", name)
		return source, nil
	}})
	require.NoError(t, err)
	require.Equal(t, "script.RUN", parsed.Implementation())
	require.Equal(t, source, parsed.Deployment().Script)
	want := Action{Implementation: "script.RUN", Variables: map[string]any{
		"script": source, "variables": map[string]any{"total": int64(7), "text": "${1+1} ${matchGroups}"},
	}}
	action, err := parsed.Action(call(), nil)
	require.NoError(t, err)
	require.Equal(t, want, action)

	note, err := json.Marshal(parsed.Deployment())
	require.NoError(t, err)
	stored := append(append(bytes.TrimSuffix(bytes.TrimSpace(data), []byte("}")), `,"deployed":`...), append(note, '}')...)
	read, err := Read("t", stored)
	require.NoError(t, err)
	action, err = read.Action(call(), nil)
	require.NoError(t, err)
	require.Equal(t, want, action)

	_, err = Parse("t.json", data, Options{Definition: definitions, Script: func(string) (string, error) { return "", errors.New("is not there") }})
	require.ErrorContains(t, err, "action.payload.scriptName: is not there")
}
