package trigger

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// file is a trigger file with other event inputs and another payload.
func file(inputs, payload string) string {
	return `{"id":"trigger-1","name":"orders","description":"d","event":{"source":"connector.support.EMAIL_RECEIVED","inputs":` +
		inputs + `},"action":{"source":"command-consumer","payload":` + payload + `}}`
}

const start = `{"payloadType":"StartProcessPayload","processDefinitionKey":"Process_1","name":"n"}`

func parse(t *testing.T, inputs, payload string) *Trigger {
	t.Helper()
	trigger, err := Parse("t.json", []byte(file(inputs, payload)), Options{})
	require.NoError(t, err)
	return trigger
}

func mail() map[string]any {
	return map[string]any{
		"emailSubject": "Order Number 42", "emailFrom": "ann@example.com", "emailTo": "support@example.org",
		"emailBody": "Please send\r\nurgently ${1+1}\r\n", "messageId": "<m1@example.com>", "inReplyTo": "", "references": "",
		"date": "2026-01-31T08:00:00Z", "automatic": false, "attachments": []any{}, "raw": map[string]any{"name": "mail.eml", "uri": "x"},
	}
}

func TestMatch(t *testing.T) {
	automatic := mail()
	automatic["automatic"] = true
	for name, tc := range map[string]struct {
		inputs string
		event  map[string]any
		want   bool
	}{
		"subject":           {`{"pattern":"Number \\d+"}`, mail(), true},
		"not in subject":    {`{"pattern":"urgent"}`, mail(), false},
		"body":              {`{"pattern":"urgently","matchOn":"body"}`, mail(), true},
		"from":              {`{"pattern":"@example\\.com$","matchOn":"from"}`, mail(), true},
		"everything":        {`{"pattern":""}`, mail(), true},
		"condition holds":   {`{"pattern":"(?<no>\\d+)","condition":"${matchGroups.no == '42' && emailFrom.endsWith('.com')}"}`, mail(), true},
		"condition on data": {`{"pattern":"","condition":"${data.emailFrom == 'bob'}"}`, mail(), false},
		"automatic":         {`{"pattern":""}`, automatic, false},
		"automatic ignored": {`{"pattern":"","automaticMail":"ignore"}`, automatic, false},
		"automatic wanted":  {`{"pattern":"","automaticMail":"accept"}`, automatic, true},
		"no such text":      {`{"pattern":"x"}`, map[string]any{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, ok, err := parse(t, tc.inputs, start).Match(tc.event)
			require.NoError(t, err)
			require.Equal(t, tc.want, ok)
		})
	}
}

// What an earlier version deployed is read as that one read it, or the mailbox would stand still.
func TestReadDeployed(t *testing.T) {
	for _, payload := range []string{
		`{"payloadType":"ReceiveMessagePayload","name":"a","otherwise":{"processDefinitionKey":"b"}}`,
		`{"payloadType":"ReceiveMessagePayload","name":"a","otherwise":null}`,
		`{"payloadType":"StartProcessPayload","processDefinitionKey":"${emailFrom}","name":"a"}`,
	} {
		_, err := Read("t.json", []byte(file(`{"pattern":""}`, payload)))
		require.NoError(t, err, payload)
	}
}

func TestMatchConditionFails(t *testing.T) {
	trigger := parse(t, `{"pattern":"","condition":"${emailSubject}"}`, start)
	_, _, err := trigger.Match(mail())
	require.ErrorContains(t, err, "trigger orders: condition")
	require.NotContains(t, err.Error(), "Order Number", "values stay out of errors")
}

func TestAction(t *testing.T) {
	trigger := parse(t, `{"pattern":"Order Number (?<no>\\d+)"}`, `{
		"payloadType":"StartProcessPayload","processDefinitionKey":"Process_1","name":"order ${matchGroups.no}",
		"businessKey":"${matchGroups['no']}",
		"variables":{
			"sender":"${emailFrom}","body":"${emailBody}","groups":"${matchGroups}","urgent":true,"level":3,"none":null,
			"mail":{"type":"variable","value":"raw"},
			"text":{"type":"static","value":"${not.read}"},
			"expr":{"type":"expression","value":"${emailTo}!"},
			"value":{"type":"value","value":[1,"${messageId}"]},
			"object":{"a":["${emailFrom}",{"b":"plain"}],"type":"x"}
		}}`)
	require.Equal(t, "orders", trigger.Name)
	require.Equal(t, "connector.support.EMAIL_RECEIVED", trigger.Source)
	groups, ok, err := trigger.Match(mail())
	require.NoError(t, err)
	require.True(t, ok)
	action, err := trigger.Action(mail(), groups)
	require.NoError(t, err)
	require.Equal(t, Action{
		PayloadType: StartProcess, ProcessDefinitionKey: "Process_1", Name: "order 42", BusinessKey: "42",
		Variables: map[string]any{
			"sender": "ann@example.com", "body": "Please send\r\nurgently ${1+1}\r\n", "groups": map[string]any{"no": "42"},
			"urgent": true, "level": int64(3), "none": nil,
			"mail": map[string]any{"name": "mail.eml", "uri": "x"}, "text": "${not.read}", "expr": "support@example.org!",
			"value":  []any{int64(1), "<m1@example.com>"},
			"object": map[string]any{"a": []any{"ann@example.com", map[string]any{"b": "plain"}}, "type": "x"},
		},
	}, action)
}

func TestActionOfMessages(t *testing.T) {
	receive := parse(t, `{"pattern":""}`, `{"payloadType":"ReceiveMessagePayload","name":"reply","correlationKey":"${inReplyTo}","variables":{}}`)
	event := mail()
	_, err := receive.Action(event, nil)
	require.ErrorContains(t, err, "trigger orders: correlationKey: is empty for this event")
	event["inReplyTo"] = "<m0@example.org>"
	action, err := receive.Action(event, nil)
	require.NoError(t, err)
	require.Equal(t, Action{PayloadType: ReceiveMessage, Name: "reply", CorrelationKey: "<m0@example.org>", Variables: map[string]any{}}, action)

	either := parse(t, `{"pattern":""}`, `{"payloadType":"ReceiveMessagePayload","name":"reply","correlationKey":"${inReplyTo}",
		"otherwise":{"processDefinitionKey":"Process_1","businessKey":"${messageId}"}}`)
	require.Equal(t, "Process_1", either.Process())
	require.Empty(t, receive.Process())
	action, err = either.Action(event, nil)
	require.NoError(t, err)
	require.Equal(t, Action{
		PayloadType: ReceiveMessage, ProcessDefinitionKey: "Process_1", Name: "reply", CorrelationKey: "<m0@example.org>", BusinessKey: "<m1@example.com>", Variables: map[string]any{},
	}, action)

	begin := parse(t, `{"pattern":""}`, `{"payloadType":"StartMessagePayload","name":"order","businessKey":"${messageId}"}`)
	action, err = begin.Action(event, nil)
	require.NoError(t, err)
	require.Equal(t, Action{PayloadType: StartMessage, Name: "order", BusinessKey: "<m1@example.com>", Variables: map[string]any{}}, action)
}

func TestActionFails(t *testing.T) {
	trigger := parse(t, `{"pattern":"(?<a>x)?"}`, `{"payloadType":"StartProcessPayload","processDefinitionKey":"P","name":"n","businessKey":"${matchGroups.a}","variables":{"v":"${emailBody}"}}`)
	groups, _, err := trigger.Match(mail())
	require.NoError(t, err)
	_, err = trigger.Action(mail(), groups)
	require.ErrorContains(t, err, "businessKey: is null for this event")

	trigger = parse(t, `{"pattern":""}`, `{"payloadType":"StartProcessPayload","processDefinitionKey":"P","name":"n","variables":{"v":["${emailBody}"]}}`)
	_, err = trigger.Action(map[string]any{}, nil)
	require.ErrorContains(t, err, "variable v: element 0")
	require.ErrorContains(t, err, "unknown variable emailBody")
}

func TestParseRefuses(t *testing.T) {
	any := `{"pattern":""}`
	for name, tc := range map[string]struct{ file, want string }{
		"name":            {strings.Replace(file(any, start), `"orders"`, `"Orders"`, 1), `t.json: name: "Orders" is not a trigger name: 1 to 26 lower-case`},
		"unknown field":   {strings.Replace(file(any, start), `"event"`, `"evnt"`, 1), `evnt: unknown field; did you mean "event"?`},
		"source form":     {strings.Replace(file(any, start), "connector.support.EMAIL", "connector.EMAIL", 1), "event.source: \"connector.EMAIL_RECEIVED\" is not of the form"},
		"engine event":    {strings.Replace(file(any, start), "connector.support", "engine.x", 1), `events of "engine" are not known`},
		"no pattern":      {file(`{}`, start), `event.inputs.pattern: is required`},
		"bad pattern":     {file(`{"pattern":"(?=x)"}`, start), "event.inputs.pattern: at character 1: the look-ahead"},
		"matchOn":         {file(`{"pattern":"","matchOn":"subjct"}`, start), `did you mean "subject"?`},
		"automaticMail":   {file(`{"pattern":"","automaticMail":"yes"}`, start), `automaticMail: "yes" is unknown`},
		"condition":       {file(`{"pattern":"","condition":"${a +}"}`, start), "event.inputs.condition: expression, offset"},
		"condition name":  {file(`{"pattern":"","condition":"${emailSubjct == ''}"}`, start), `did you mean "emailSubject"?`},
		"fixed condition": {file(`{"pattern":"","condition":"true"}`, start), "text that never changes"},
		"echo":            {file(`{"pattern":"(?<no>x)","echo":"hello ${nr}"}`, start), `event.inputs.echo: the event has no output "nr"`},
		"echo to machine": {strings.Replace(file(`{"pattern":"","echo":"hello"}`, start), "EMAIL_RECEIVED", "EMAIL_BOUNCED", 1), "event.inputs.echo: is never sent"},
		"input":           {file(`{"pattern":"","patern":""}`, start), `event.inputs.patern: unknown field; did you mean "pattern"?`},
		"action source":   {strings.Replace(file(any, start), "command-consumer", "Mail", 1), "action.source: \"Mail\": command-consumer is expected, or an action of a connector"},
		"signal":          {file(any, `{"payloadType":"SignalPayload","name":"s","businessKey":"b"}`), "businessKey: unknown field"},
		"script":          {file(any, `{"payloadType":"ScriptPayload","scriptName":"s","scriptId":"1"}`), "action.payload.scriptName: no script is known here"},
		"payload type":    {file(any, `{"payloadType":"StartProcesPayload","name":"s"}`), `did you mean "StartProcessPayload"?`},
		"no key":          {file(any, `{"payloadType":"StartProcessPayload","name":"n","businessKey":"b"}`), "processDefinitionKey: is required"},
		"no key, no name": {file(any, `{"payloadType":"StartProcessPayload"}`), "processDefinitionKey: is required"},
		"no name":         {file(any, `{"payloadType":"StartMessagePayload"}`), "action.payload.name: is required"},
		"key of message":  {file(any, `{"payloadType":"StartMessagePayload","name":"a","processDefinitionKey":"b"}`), "has no meaning in StartMessagePayload"},
		"key, not if":     {file(any, `{"payloadType":"ReceiveMessagePayload","name":"a","processDefinitionKey":"b"}`), "put it into otherwise"},
		"otherwise, key":  {file(any, `{"payloadType":"ReceiveMessagePayload","name":"a","otherwise":{"processDefinitionKey":"b"}}`), "action.payload.correlationKey: is required with otherwise"},
		"otherwise null":  {file(any, `{"payloadType":"ReceiveMessagePayload","name":"a","correlationKey":"k","otherwise":null}`), "action.payload.otherwise: is null; leave it out"},
		"otherwise, expr": {file(any, `{"payloadType":"ReceiveMessagePayload","name":"a","correlationKey":"k","otherwise":{"processDefinitionKey":"${emailFrom}"}}`), `action.payload.otherwise.processDefinitionKey: "${emailFrom}" is an expression`},
		"expression":      {file(any, strings.Replace(start, "Process_1", "p-${matchGroups.a}", 1)), `action.payload.processDefinitionKey: "p-${matchGroups.a}" is an expression, and the process is fixed`},
		"no otherwise":    {file(any, `{"payloadType":"ReceiveMessagePayload","name":"a","otherwise":{}}`), "action.payload.otherwise.processDefinitionKey: is required"},
		"otherwise what":  {file(any, `{"payloadType":"ReceiveMessagePayload","name":"a","otherwise":{"processDefinitionKey":"b","businessKey":"${emailFrm}"}}`), `action.payload.otherwise.businessKey: the event has no output "emailFrm"`},
		"otherwise field": {file(any, `{"payloadType":"ReceiveMessagePayload","name":"a","otherwise":{"processDefinitionKey":"b","variables":{}}}`), "action.payload.otherwise.variables: unknown field"},
		"start otherwise": {file(any, strings.Replace(start, `"n"`, `"n","otherwise":{}`, 1)), "action.payload.otherwise: unknown field"},
		"wrong field":     {file(any, `{"payloadType":"StartMessagePayload","name":"a","correlationKey":"b"}`), "correlationKey: unknown field"},
		"group":           {file(`{"pattern":"(?<number>x)"}`, strings.Replace(start, `"n"`, `"${matchGroups.numbr}"`, 1)), `the pattern has no group "numbr"; did you mean "number"?`},
		"output":          {file(any, strings.Replace(start, `"n"`, `"n","variables":{"v":["${emailFrm}"]}`, 1)), `action.payload.variables.v[0]: the event has no output "emailFrm"; did you mean`},
		"variable":        {file(any, strings.Replace(start, `"n"`, `"n","variables":{"v":{"type":"variable","value":"emailFrm"}}`, 1)), `variables.v.value: the event has no output`},
		"typed value":     {file(any, strings.Replace(start, `"n"`, `"n","variables":{"v":{"type":"integer","value":"3"}}`, 1)), "write it without type"},
		"variables":       {file(any, strings.Replace(start, `"n"`, `"n","variables":[]`, 1)), "variables: an object is expected"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("t.json", []byte(tc.file), Options{})
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestParseDoesNotBlameGroupsOfARefusedPattern(t *testing.T) {
	_, err := Parse("t.json", []byte(file(`{"pattern":"(?<a>x)++"}`, strings.Replace(start, `"n"`, `"${matchGroups.a}"`, 1))), Options{})
	require.ErrorContains(t, err, "possessive")
	require.NotContains(t, err.Error(), "no group")
}

func TestExampleFiles(t *testing.T) {
	entries, err := os.ReadDir("testdata")
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, entry := range entries {
		data, err := os.ReadFile("testdata/" + entry.Name())
		require.NoError(t, err)
		trigger, err := Parse(entry.Name(), data, Options{})
		require.NoError(t, err)
		require.Equal(t, trigger.Name+".json", entry.Name())
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(file(`{"pattern":"(?i)a(?<b>[^x]\\p{Alpha}{2,3}?)","condition":"${matchGroups.b == data.emailFrom}"}`, start)))
	f.Add([]byte(file(`{"pattern":"\\Qx\\E\\u00e9","matchOn":"body","automaticMail":"accept"}`,
		`{"payloadType":"ReceiveMessagePayload","name":"a","correlationKey":"${inReplyTo}","variables":{"v":{"type":"variable","value":"raw"},"w":[{"x":"${emailBody}"}]}}`)))
	f.Add([]byte(file(`{"pattern":"","filters":{"from":"a++@[a-z&&[^x]]\\R?","minSize":1,"maxSize":9999,"headers":{"X-Priority":"^\\p{IsDigit}"},"attachment":"\\.pdf$"}}`, start)))
	f.Add(eventFile("connector.till.SOLD", `{"pattern":"(?<a>x)","headers":{"a":["b",1]},"status":7,"echo":"${a}"}`, `{"source":"till.PRINT","payload":{"text":"${a.b}"}}`))
	f.Add(eventFile("connector.hook.INCOMING_WEBHOOK", `{"status":"201","body":{"a":"${body}"}}`, `{"source":"hook.POST","payload":{"url":"u"}}`))
	f.Add(eventFile("timer.orders.TIMER_FIRED", `{"cron":"0 8 * * mon-fri","timeZone":"UTC"}`, `{"source":"hook.POST","payload":{"url":"${scheduledTime}"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		trigger, err := Parse("t.json", data, Options{Definition: definitions})
		if err != nil {
			return
		}
		read, err := Read("t.json", data)
		require.NoError(t, err, "what is accepted can be read")
		require.Equal(t, trigger.Source, read.Source)
		groups, ok, err := trigger.Match(filtered())
		if !ok || err != nil {
			return
		}
		_, _ = trigger.Action(mail(), groups)
		_, _, _ = trigger.Answer(mail(), groups)
		_, _ = trigger.Echo(mail(), groups, false)
	})
}

// A bounce is automatic mail by nature: its triggers need not accept it.
func TestBounceFires(t *testing.T) {
	for event, fires := range map[string]bool{"EMAIL_BOUNCED": true, "EMAIL_AUTO_REPLY": true, "EMAIL_RECEIVED": false} {
		file := `{"name":"t","event":{"source":"connector.support.` + event + `","inputs":{"pattern":"","condition":"${originalMessageId == '<1@a>'}"}},
			"action":{"source":"command-consumer","payload":{"payloadType":"StartProcessPayload","processDefinitionKey":"p","name":"n"}}}`
		parsed, err := Parse("t.json", []byte(file), Options{})
		require.NoError(t, err)
		_, ok, err := parsed.Match(map[string]any{"emailSubject": "Undelivered", "automatic": true, "originalMessageId": "<1@a>"})
		require.NoError(t, err)
		require.Equal(t, fires, ok, event)
	}
}

// What happens to the account of a mailbox fires triggers of its own, which have outputs of their own.
func TestAccountEvents(t *testing.T) {
	parse := func(event, inputs string) (*Trigger, error) {
		return Parse("t.json", []byte(`{"name":"t","event":{"source":"connector.support.`+event+`","inputs":{`+inputs+`}},
			"action":{"source":"command-consumer","payload":{"payloadType":"StartProcessPayload","processDefinitionKey":"p","name":"n",
			"variables":{"text":"${address}: ${errorMessage} (${count})","host":"${matchGroups.host}"}}}}`), Options{})
	}
	event := map[string]any{
		"mailbox": "support", "address": "support@example.com", "errorClass": "auth", "errorMessage": "log in to imap.example.com: refused", "count": int64(9), "at": "2026-03-02T09:00:00Z",
	}
	for _, name := range []string{MailboxStopped, MailboxAvailable, TokenRefused} {
		parsed, err := parse(name, `"pattern":"log in to (?<host>[a-z.]+)","condition":"${errorClass == 'auth'}"`)
		require.NoError(t, err, name)
		groups, ok, err := parsed.Match(event)
		require.NoError(t, err)
		require.True(t, ok)
		action, err := parsed.Action(event, groups)
		require.NoError(t, err)
		require.Equal(t, map[string]any{"text": "support@example.com: log in to imap.example.com: refused (9)", "host": "imap.example.com"}, action.Variables)
	}
	parsed, err := parse(MailboxStopped, `"pattern":"(?<host>^tls$)","matchOn":"class"`)
	require.NoError(t, err)
	_, ok, err := parsed.Match(event)
	require.NoError(t, err)
	require.False(t, ok)
	for inputs, want := range map[string]string{
		`"pattern":"","matchOn":"subject"`:                  `matchOn: "subject" is unknown`,
		`"pattern":"","filters":{"from":"a"}`:               "filters: is of mail",
		`"pattern":"","automaticMail":"accept"`:             "automaticMail: is of mail",
		`"pattern":"","condition":"${emailSubject == 'a'}"`: `the event has no output "emailSubject"`,
	} {
		_, err := parse(MailboxStopped, inputs)
		require.ErrorContains(t, err, want, inputs)
	}
}
