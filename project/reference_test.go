package project

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

// These tables hold one example of every shape that the documents and schemas of Activiti Enterprise, its successor and Activiti Cloud
// show. Each deploys unchanged, or is refused with the reason.

// feature is an action or event as the modeling application writes it.
const feature = `{"id":"88296a50","name":"SEND_MESSAGE","description":"Sends a message.",
	"inputs":[{"id":"f7435a5c","name":"userId","description":"Internal user id.","type":"string"},{"id":"f7435a5d","name":"text","type":"string","required":true}],
	"outputs":[{"id":"c9daca61","name":"result","description":"What came of it.","type":"json"}]}`

func TestReferenceDefinitions(t *testing.T) {
	for name, test := range map[string]struct{ file, refused string }{
		"a name alone":                    {file: `{"name":"name-of-the-connector"}`},
		"actions alone":                   {file: `{"id":"connector-50991833","name":"slack-1","description":"Slack.","actions":{"88296a50":` + feature + `}}`},
		"actions and events":              {file: `{"name":"slack-1","actions":{"a":` + feature + `},"events":{"b":` + strings.Replace(feature, "SEND_MESSAGE", "MESSAGE_RECEIVED", 1) + `}}`},
		"events alone":                    {file: `{"name":"slack-1","events":{"b":` + feature + `}}`},
		"no inputs and outputs":           {file: `{"name":"movies","actions":{"a":{"id":"a","name":"getMovieDesc"}}}`},
		"a model of the outputs":          {file: `{"name":"x","actions":{"a":{"id":"a","name":"A","model":{"$schema":"https://json-schema.org/draft/2019-09/schema","type":"object"}}}}`},
		"a model of a parameter":          {file: `{"name":"x","actions":{"a":{"id":"a","name":"A","inputs":[{"id":"1","name":"p","type":"json","model":{"type":"object"}}]}}}`},
		"parameters with more properties": {file: `{"name":"x","actions":{"a":{"id":"a","name":"A","inputs":[{"id":"1","name":"p","type":"boolean","extendedProperties":["a","b"]}]}}}`},
		"every type": {file: `{"name":"x","actions":{"a":{"id":"a","name":"A","inputs":[{"id":"1","name":"a","type":"string"},{"id":"2","name":"b","type":"integer"},
			{"id":"3","name":"c","type":"boolean"},{"id":"4","name":"d","type":"date"},{"id":"5","name":"e","type":"datetime"},{"id":"6","name":"f","type":"json"},
			{"id":"7","name":"g","type":"file"},{"id":"8","name":"h","type":"array"}]}}}`},
		"names with a dot, a dash and digits": {file: `{"name":"x","actions":{"a":{"id":"a","name":"A","outputs":[{"id":"1","name":"email.error","type":"string"},{"id":"2","name":"output-variable-name-2","type":"string"}]}}}`},
		"settings":                            {file: `{"name":"x","actions":{},"config":[{"name":"HOST","description":"d","value":"h","required":true,"secure":false},{"name":"KEY","value":"","secure":true}]}`},
		"errors":                              {file: `{"name":"x","actions":{},"errors":[{"name":"error-sample","description":"error-desc","code":"E1"},{"name":"OTHER"}]}`},
		"a template that nobody knows":        {file: `{"name":"x","template":"acme","actions":{"a":{"id":"a","name":"A"}}}`},
		"a type of somebody's own":            {`{"name":"x","actions":{"a":{"id":"a","name":"A","inputs":[{"id":"1","name":"p","type":"my-custom-type"}]}}}`, `actions.a.inputs[0].type: unknown type "my-custom-type"; known: array, boolean`},
		"a secret":                            {`{"name":"x","actions":{},"config":[{"name":"KEY","value":"abc","secure":true}]}`, `config[0].value: a secret must not be written into a definition`},
		"an error with a value":               {`{"name":"x","errors":[{"name":"e","value":"v"}]}`, `errors[0].value: unknown field`},
		"a name in upper case":                {`{"name":"Name-Of-The-Connector"}`, `name: "Name-Of-The-Connector" is not a connector name`},
		"a name of the first examples":        {`{"name":"slackConnector"}`, `name: "slackConnector" is not a connector name: 1 to 26 lower-case letters`},
		"a name with an underscore":           {`{"name":"name_of_the_connector"}`, `is not a connector name`},
		"a name that is too long":             {`{"name":"a12345678901234567890123456"}`, `is not a connector name`},
		"an empty name":                       {`{"name":""}`, `name: is required`},
		"no name":                             {`{"actions":{}}`, `name: is required`},
		"an unknown field":                    {`{"name":"x","simpleProperty":1}`, `simpleProperty: unknown field`},
		"an action without a name":            {`{"name":"x","actions":{"a":{"id":"a"}}}`, `actions.a.name: is required`},
		"an action with an unknown field":     {`{"name":"x","actions":{"a":{"id":"a","name":"A","input":[]}}}`, `actions.a.input: unknown field; did you mean "inputs"?`},
		"a parameter without a type":          {`{"name":"x","actions":{"a":{"id":"a","name":"A","inputs":[{"id":"1","name":"p"}]}}}`, `actions.a.inputs[0].type: is required`},
		"no JSON":                             {`{"name":"x",}`, `line 1: `},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{"connectors/x.json": test.file})
			p, err := Load([]string{dir}, Options{})
			if test.refused != "" {
				require.ErrorContains(t, err, test.refused)
				return
			}
			require.NoError(t, err)
			require.Len(t, p.Connectors, 1)
			require.Empty(t, p.Warnings)
		})
	}
}

func TestReferenceImplementations(t *testing.T) {
	for implementation, want := range map[string]struct{ queue, warning, refused string }{
		"slack-1.SEND_MESSAGE":        {queue: "connector-slack-1"},
		"email.SEND":                  {queue: "waybill"},
		"mealsConnector":              {queue: "connector-mealsConnector", warning: `implementation "mealsConnector" has no definition: a worker of yours must answer activity type "mealsConnector"`},
		"updateApprovalConnector":     {queue: "connector-updateApprovalConnector", warning: `has no definition`},
		"emailConnector.SEND":         {queue: "connector-emailConnector", warning: `implementation "emailConnector.SEND" has a name of old, for which there can be no definition: a worker of yours must answer activity type "emailConnector.SEND" on task queue "connector-emailConnector"; the connector that is built in does the same as "email.SEND"`},
		"slackConnector.SEND_MESSAGE": {queue: "connector-slackConnector", warning: `implementation "slackConnector.SEND_MESSAGE" has a name of old`},
		"Variable Mapping Connector.variableMappingActionName": {queue: "connector-Variable Mapping Connector", warning: `has a name of old`},
		"eMail.SEND":                  {refused: `unknown connector "eMail"; did you mean "email"?`},
		"slack-2.SEND_MESSAGE":        {refused: `unknown connector "slack-2"; did you mean "slack-1"?`},
		"slack-1.SEND":                {refused: `connector slack-1 has no action "SEND"`},
		"script.EXECUTE":              {refused: `implementation "script.EXECUTE" is a script of the project: write it into a script task`},
		"dmn-connector.EXECUTE_TABLE": {refused: `is a decision table: write it as a script task`},
		"email-service.SEND":          {refused: `the original product's own mail service: call email.SEND`},
		"docgen-service.GENERATE":     {refused: `the original product's own documents`},
		"content-service.SELECT_FILE": {refused: `a content repository`},
		"${connector}":                {refused: `implementation "${connector}": expressions are not supported`},
		"##WebService":                {refused: `has no implementation: set implementation="connector.ACTION"`},
	} {
		t.Run(implementation, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{
				"order.bpmn": process("order", implementation), "connectors/script.json": `{"name":"script","actions":{"a":` + strings.Replace(feature, "SEND_MESSAGE", "RUN", 1) + `}}`,
				"connectors/slack-1.json": `{"name":"slack-1","actions":{"88296a50":` + feature + `}}`,
			})
			p, err := Load([]string{dir}, options(t))
			if want.refused != "" {
				require.ErrorContains(t, err, want.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, want.queue, p.Definitions[0].Connectors[implementation].TaskQueue)
			warnings := slices.DeleteFunc(p.Warnings, func(w string) bool { return noMapping(w) || strings.HasSuffix(w, "[legacy-name]") })
			if want.warning == "" {
				require.Empty(t, warnings)
				return
			}
			require.Len(t, warnings, 1)
			require.Contains(t, warnings[0], want.warning)
		})
	}
}

func TestReferenceExtensions(t *testing.T) {
	const properties = `"properties":{"17aa41f7":{"id":"17aa41f7","name":"string1","type":"string","required":false},
		"2147a4c2":{"id":"2147a4c2","name":"age","type":"integer","required":true,"value":25},"3147a4c2":{"id":"3147a4c2","name":"num1","type":"json","required":false}}`
	later := func(inside string) string {
		return `{"id":"process-98ff0720","type":"PROCESS","name":"RankMovie","extensions":{"order":{` + inside + `}}}`
	}
	mapping := func(m string) string { return later(properties + `,"mappings":{"notify":` + m + `}`) }
	for name, test := range map[string]struct{ file, refused string }{
		"the first generation":            {file: `{` + properties + `,"mappings":{"notify":{"inputs":{"text":{"type":"variable","value":"string1"}},"outputs":{"num1":{"type":"variable","value":"result"}}}}}`},
		"the later one":                   {file: mapping(`{"inputs":{"text":{"type":"variable","value":"string1"}},"outputs":{"num1":{"type":"variable","value":"result"}}}`)},
		"nothing is sent":                 {file: mapping(`{"inputs":{},"outputs":{}}`)},
		"all is sent":                     {file: mapping(`{"mappingType":"MAP_ALL"}`)},
		"all inputs":                      {file: mapping(`{"mappingType":"MAP_ALL_INPUTS","outputs":{"num1":{"type":"variable","value":"result"}}}`)},
		"all outputs":                     {file: mapping(`{"mappingType":"MAP_ALL_OUTPUTS","inputs":{"text":{"type":"value","value":"x"}}}`)},
		"a static value":                  {file: mapping(`{"inputs":{"text":{"type":"static_value","value":"Ice_cream"}}}`)},
		"an expression":                   {file: mapping(`{"inputs":{"text":{"type":"value","value":"${string1} is ${age}"}}}`)},
		"an output that is an expression": {file: mapping(`{"inputs":{"text":{"type":"value","value":"x"}},"outputs":{"num1":{"type":"value","value":"${result.ts}"}}}`)},
		"constants":                       {file: later(properties + `,"mappings":{},"constants":{"notify":{"text":{"value":"name2"},"userId":{"value":"U1"}}}`)},
		"no constants, assignments":       {file: later(properties + `,"constants":{},"mappings":{},"assignments":{}`)},
		"dates of the first generation":   {file: later(`"properties":{"a":{"id":"a","name":"a","type":"date","required":false,"value":"2020-04-22"},"b":{"id":"b","name":"b","type":"datetime","required":false,"value":"2020-09-10 22:30:00"}}`)},
		"dates of the later one":          {file: later(`"properties":{"b":{"id":"b","name":"b","type":"datetime","required":false,"value":"2020-09-10T22:30:00+01:00"}}`)},
		"a json, an array, a boolean":     {file: later(`"properties":{"a":{"id":"a","name":"a","type":"json","required":false,"value":{"foo":"bar"}},"b":{"id":"b","name":"b","type":"array","required":false,"value":[1]},"c":{"id":"c","name":"c","type":"boolean","required":false,"value":true},"d":{"id":"d","name":"d","type":"json","required":false,"value":[{"foo":"bar"}]}}`)},
		"a file and a folder":             {file: later(`"properties":{"a":{"id":"a","name":"a","type":"file","required":false,"value":{"name":"policy.docx","uri":"file:/policy.bin"}},"b":{"id":"b","name":"b","type":"folder","required":false,"value":{"name":"f"}},"c":{"id":"c","name":"c","type":"content","required":false}}`)},
		"shown and analysed variables":    {file: later(`"properties":{"a":{"id":"a","name":"a","type":"string","required":false,"display":true,"displayName":"A","analytics":true}}`)},
		"empty values":                    {file: later(`"properties":{"a":{"id":"a","name":"a","type":"integer","required":false,"value":""},"b":{"id":"b","name":"b","type":"date","required":false,"value":""}}`)},
		"a process that is not in it":     {file: `{"id":"x","extensions":{"Process_unknown":{}}}`, refused: `$.extensions.Process_unknown: the model has no process with this id`},
		"an unknown parameter":            {mapping(`{"inputs":{"txt":{"type":"variable","value":"string1"}}}`), `slack-1.SEND_MESSAGE has no input "txt"`},
		"an unknown output":               {mapping(`{"outputs":{"num1":{"type":"variable","value":"resultt"}}}`), `slack-1.SEND_MESSAGE has no output "resultt"; did you mean "result"?`},
		"an unknown mapping type":         {mapping(`{"mappingType":"MAP_SOME"}`), `unknown mapping type "MAP_SOME": want MAP_ALL, MAP_ALL_INPUTS or MAP_ALL_OUTPUTS`},
		"a patch of the later generation": {mapping(`{"outputs":{"num1":{"type":"jsonPatch","value":[{"op":"add","path":"/a","value":1}]}}}`), `jsonPatch is not supported: map the whole variable`},
		"an incomplete expression":        {mapping(`{"inputs":{"text":{"type":"value","value":"${string1"}}}`), `expression, offset`},
		"a wrong value":                   {later(`"properties":{"a":{"id":"a","name":"a","type":"integer","required":false,"value":"aloha"}}`), `type integer: this text is not an integer`},
		"an unknown type":                 {later(`"properties":{"a":{"id":"a","name":"a","type":"bigdecimal","required":false}}`), `unknown type "bigdecimal": want one of string, integer`},
		"mails of tasks":                  {later(`"templates":{"tasks":{},"default":{"assignee":{"from":"no-reply@example.com","subject":"s","type":"file","value":"classpath:email.html"}}}`), `templates.default.assignee: "classpath:email.html": there is no such file in`},
		"a reserved name":                 {later(`"properties":{"a":{"id":"a","name":"loopCounter","type":"integer","required":false}}`), `the name "loopCounter" is reserved`},
		"an example that is no JSON":      {`{"properties":{"a":{"id":"a","name":"a","type":"string","required":false,}}}`, `not JSON`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{
				"processes/order.bpmn20.xml": process("order", "slack-1.SEND_MESSAGE"), "processes/order-extensions.json": test.file,
				"connectors/slack-1.json": `{"name":"slack-1","actions":{"88296a50":` + feature + `}}`,
			})
			p, err := Load([]string{dir}, Options{})
			if test.refused != "" {
				require.ErrorContains(t, err, test.refused)
				return
			}
			require.NoError(t, err)
			require.Len(t, p.Definitions, 1)
		})
	}
}

func TestReferenceTriggers(t *testing.T) {
	trigger := func(event, payload string) string {
		return `{"id":"trigger-223f6953","name":"email-approval-trigger","description":"d","event":` + event + `,"action":{"source":"command-consumer","payload":` + payload + `}}`
	}
	const mail = `{"inputs":{"pattern":"","echo":"Email pattern matched. Starting a process instance.","echoError":"We hit a problem."},"source":"connector.email-connector-1.EMAIL_RECEIVED"}`
	const variables = `"variables":{"sender":"${emailFrom}","recipient":"${emailTo}","subject":"${emailSubject}"}`
	for name, test := range map[string]struct{ file, refused, warning string }{
		"a process is started": {file: trigger(mail, `{"payloadType":"StartProcessPayload","processDefinitionKey":"order",`+variables+`,"name":"approval-process","businessKey":"14240"}`)},
		"a signal":             {file: trigger(mail, `{"payloadType":"SignalPayload",`+variables+`,"name":"Signal_0n91cib"}`)},
		"a signal, as the example prints it": {
			file:    trigger(mail, `{"payloadType":"StartProcessPayload",`+variables+`,"name":"Signal_0n91cib"}`),
			warning: `StartProcessPayload without processDefinitionKey is taken for the signal "Signal_0n91cib", as an example of the original system prints it; write SignalPayload`,
		},
		"the example to the letter": {file: trigger(mail, `{"payloadType":"StartProcessPayload",`+variables+`,"name":"Signal_0n91cib",}`), refused: `line 1: `},
		"a message":                 {file: trigger(strings.Replace(mail, `"pattern":""`, `"pattern":"Order Number (?<order>.+)"`, 1), `{"payloadType":"ReceiveMessagePayload","name":"paid","correlationKey":"${matchGroups.order}","variables":{}}`)},
		"a start message":           {file: trigger(mail, `{"payloadType":"StartMessagePayload","name":"ordered","businessKey":"1","variables":{}}`)},
		"a name in upper case":      {file: strings.Replace(trigger(mail, `{"payloadType":"SignalPayload","name":"s"}`), "email-approval", "Email", 1), refused: `name: `},
		"an unknown payload":        {file: trigger(mail, `{"payloadType":"StartProcesPayload","name":"s","processDefinitionKey":"order"}`), refused: `payloadType: "StartProcesPayload" is unknown; did you mean "StartProcessPayload"?`},
		"a pattern that is none": {
			file:    trigger(strings.Replace(mail, `"pattern":""`, `"pattern":"Order ("`, 1), `{"payloadType":"SignalPayload","name":"s"}`),
			refused: `event.inputs.pattern: `,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{
				"processes/order.bpmn": process("order", "mealsConnector"), "triggers/t.json": test.file,
				"connectors/mail.json": `{"name":"email-connector-1","template":"email"}`,
			})
			p, err := Load([]string{dir}, Options{BuiltIn: []*connectors.Definition{email(t)}})
			if test.refused != "" {
				require.ErrorContains(t, err, test.refused)
				return
			}
			require.NoError(t, err)
			require.Len(t, p.Triggers, 1)
			warnings := slices.DeleteFunc(p.Warnings, func(w string) bool { return !strings.HasPrefix(w, dir+"/triggers/") })
			if test.warning == "" {
				require.Empty(t, warnings)
				return
			}
			require.Contains(t, strings.Join(warnings, "\n"), test.warning)
		})
	}
}
