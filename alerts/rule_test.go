package alerts_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/alerts"
	"github.com/waybill-io/waybill/connectors"
)

var desk = connectors.MustParseDefinition("desk.json", []byte(`{"name":"desk","actions":{"1":{"id":"1","name":"CALL",
	"inputs":[{"id":"i","name":"text","type":"string","required":true}]}}}`))

func options() alerts.Options {
	return alerts.Options{
		Definition: func(name string) *connectors.Definition {
			if name == "desk" {
				return desk
			}
			return nil
		},
		Connectors: []string{"desk"}, Processes: []string{"on-call", "billing"}, Templates: []string{"alert", "pager"},
	}
}

func fault() contract.Alert {
	return contract.Alert{
		ID: "billing/1/7", Source: contract.AlertProcess, At: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), ProcessID: "billing/1", ProcessName: "Billing",
		ProcessKey: "billing", Status: "suspended", FaultName: "OUT_OF_STOCK", FaultDetails: contract.FaultDetails{Code: "OUT_OF_STOCK", Reason: "no paper"},
		Initiator: "ada", Incident: 7,
	}
}

func parse(t *testing.T, text string) *alerts.Rule {
	t.Helper()
	r, err := alerts.Parse("r.json", []byte(text), options())
	require.NoError(t, err)
	return r
}

func TestMatch(t *testing.T) {
	for name, tc := range map[string]struct{ match, why string }{
		"equals":           {`{"field":"processName","equals":"Billing"}`, ""},
		"not equal":        {`{"field":"processName","equals":"billing"}`, `match.equals: processName is "Billing"`},
		"one of several":   {`{"field":"faultName","equals":["X","OUT_OF_STOCK"]}`, ""},
		"matches":          {`{"field":"faultDetails.reason","matches":"(?i)^NO\\b"}`, ""},
		"contains":         {`{"field":"faultDetails.code","contains":"STOCK"}`, ""},
		"starts with":      {`{"field":"processId","starts-with":"billing/"}`, ""},
		"does not start":   {`{"field":"processId","starts-with":"illing"}`, `match.starts-with: processId is "billing/1"`},
		"severity":         {`{"field":"severity","equals":"error"}`, ""},
		"nothing there":    {`{"field":"tenant","equals":""}`, ""},
		"and":              {`{"and":[{"field":"source","equals":"process"},{"field":"status","equals":"suspended"}]}`, ""},
		"and, second not":  {`{"and":[{"field":"source","equals":"process"},{"field":"status","equals":"stopped"}]}`, `match.and[1].equals: status is "suspended"`},
		"or":               {`{"or":[{"field":"source","equals":"mailbox"},{"field":"status","equals":"suspended"}]}`, ""},
		"or, none":         {`{"or":[{"field":"source","equals":"mailbox"}]}`, "match.or: none of them holds"},
		"not":              {`{"not":{"field":"source","equals":"process"}}`, "match.not: what it negates holds"},
		"not, nested":      {`{"and":[{"not":{"or":[{"field":"source","equals":"mailbox"},{"field":"initiator","equals":"bob"}]}}]}`, ""},
		"not of what fits": {`{"not":{"not":{"field":"source","equals":"process"}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := parse(t, `{"name":"r","match":`+tc.match+`,"actions":[{"ignore":true}]}`)
			require.Equal(t, tc.why, r.Match(fault()))
		})
	}
}

func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct{ rule, want string }{
		"unknown field":       {`{"name":"r","actionz":[],"actions":[{"ignore":true}]}`, `actionz: unknown field; did you mean "actions"?`},
		"no name":             {`{"actions":[{"ignore":true}]}`, "name: is required"},
		"taken name":          {`{"name":"default","actions":[{"ignore":true}]}`, "taken by Waybill itself"},
		"bad name":            {`{"name":"A b","actions":[{"ignore":true}]}`, "is not the name of a rule"},
		"no action":           {`{"name":"r"}`, "actions: are required"},
		"unknown action":      {`{"name":"r","actions":[{"mails":{}}]}`, `actions[0].mails: is no action; did you mean "mail"?`},
		"two in one":          {`{"name":"r","actions":[{"mail":{"to":["a@b.c"]},"ignore":true}]}`, "one of mail, start, call and ignore is expected"},
		"ignore and mail":     {`{"name":"r","actions":[{"ignore":true},{"mail":{"to":["a@b.c"]}}]}`, "a rule that ignores has no other action"},
		"unknown operator":    {`{"name":"r","match":{"field":"source","startsWith":"x"},"actions":[{"ignore":true}]}`, `match.startsWith: is no operator; did you mean "starts-with"?`},
		"no such field":       {`{"name":"r","match":{"field":"procesName","equals":"x"},"actions":[{"ignore":true}]}`, `an alert has no field "procesName"; did you mean "processName"?`},
		"regexp":              {`{"name":"r","match":{"field":"source","matches":"("},"actions":[{"ignore":true}]}`, "match.matches: error parsing regexp"},
		"number":              {`{"name":"r","match":{"field":"source","equals":1},"actions":[{"ignore":true}]}`, "match.equals: a string is expected"},
		"two operators":       {`{"name":"r","match":{"field":"source","equals":"a","contains":"b"},"actions":[{"ignore":true}]}`, "match: one operator is expected"},
		"field of and":        {`{"name":"r","match":{"field":"source","and":[]},"actions":[{"ignore":true}]}`, "match.field: belongs into the conditions"},
		"severity":            {`{"name":"r","severity":"critcal","actions":[{"ignore":true}]}`, `did you mean "critical"?`},
		"window":              {`{"name":"r","window":"1 hour","actions":[{"ignore":true}]}`, `window: "1 hour" is no time`},
		"window zero":         {`{"name":"r","window":"0s","actions":[{"ignore":true}]}`, `window: "0s" is no time`},
		"days in a time":      {`{"name":"r","window":"90m1d","actions":[{"mail":{"to":["a@b.c"]}}]}`, `window: "90m1d" is no time`},
		"window empty":        {`{"name":"r","window":"","actions":[{"mail":{"to":["a@b.c"]}}]}`, `window: "" is no time`},
		"window number":       {`{"name":"r","window":30,"actions":[{"mail":{"to":["a@b.c"]}}]}`, `window: "30" is no time`},
		"window of years":     {`{"name":"r","window":"2562047d","actions":[{"mail":{"to":["a@b.c"]}}]}`, `window: "2562047d" is no time`},
		"match null":          {`{"name":"r","match":null,"actions":[{"mail":{"to":["a@b.c"]}}]}`, "match: is empty"},
		"ignore all":          {`{"name":"r","actions":[{"ignore":true}]}`, "match: is required in a rule that ignores"},
		"contains nothing":    {`{"name":"r","match":{"field":"status","contains":""},"actions":[{"ignore":true}]}`, "match.contains: is empty, which always holds"},
		"matches nothing":     {`{"name":"r","match":{"field":"status","matches":["a",""]},"actions":[{"ignore":true}]}`, "match.matches[1]: is empty, which always holds"},
		"source":              {`{"name":"r","match":{"field":"source","equals":"proces"},"actions":[{"ignore":true}]}`, `match.equals: source is never "proces"; did you mean "process"?`},
		"severity asked for":  {`{"name":"r","match":{"field":"severity","equals":["error","criticl"]},"actions":[{"ignore":true}]}`, `match.equals[1]: severity is never "criticl"; did you mean "critical"?`},
		"ignore, severity":    {`{"name":"r","severity":"info","match":{"field":"status","equals":"x"},"actions":[{"ignore":true}]}`, "severity: has no meaning in a rule that ignores"},
		"ignore, quiet hours": {`{"name":"r","quietHours":[],"match":{"field":"status","equals":"x"},"actions":[{"ignore":true}]}`, "quietHours: has no meaning in a rule that ignores"},
		"escalation at once":  {`{"name":"r","actions":[{"mail":{"to":["a@b.c"]}}],"escalation":[{"after":"","mail":{"to":["b@b.c"]}}]}`, `escalation[0].after: "" is no time`},
		"group":               {`{"name":"r","group":["process"],"actions":[{"ignore":true}]}`, `group[0]: an alert has no field "process"`},
		"max groups":          {`{"name":"r","maxGroups":1000,"actions":[{"ignore":true}]}`, "maxGroups: a number from 1 to 50 is expected"},
		"address":             {`{"name":"r","actions":[{"mail":{"to":["ops"]}}]}`, `actions[0].mail.to[0]: "ops" is no address`},
		"address with name":   {`{"name":"r","actions":[{"mail":{"to":["Ops <ops@example.com>"]}}]}`, `is no address; write it as in ops@example.com`},
		"nobody":              {`{"name":"r","actions":[{"mail":{"cc":["a@b.c"]}}]}`, "actions[0].mail.to: is required, or users or groups"},
		"template":            {`{"name":"r","actions":[{"mail":{"to":["a@b.c"],"template":"alrt"}}]}`, `there is no template "alrt"; did you mean "alert"?`},
		"subject":             {`{"name":"r","actions":[{"mail":{"to":["a@b.c"],"subject":"${proces}"}}]}`, `actions[0].mail.subject: the event has no output "proces"`},
		"process":             {`{"name":"r","actions":[{"start":{"process":"on-cal"}}]}`, `actions[0].start.process: no process "on-cal" is deployed; did you mean "on-call"?`},
		"variable":            {`{"name":"r","actions":[{"start":{"process":"on-call","variables":{"a":"${nope}"}}}]}`, `the event has no output "nope"`},
		"connector":           {`{"name":"r","actions":[{"call":{"action":"dessk.CALL"}}]}`, `connector "dessk" is not known; did you mean "desk"?`},
		"no such action":      {`{"name":"r","actions":[{"call":{"action":"desk.CAL","inputs":{"text":"x"}}}]}`, "CALL"},
		"input is missing":    {`{"name":"r","actions":[{"call":{"action":"desk.CALL"}}]}`, "is required by desk.CALL"},
		"time zone":           {`{"name":"r","quietHours":[{"timeZone":"Europe/Berln","from":"22:00","to":"06:00"}],"actions":[{"ignore":true}]}`, "is not in the time zone database"},
		"time of day":         {`{"name":"r","quietHours":[{"timeZone":"UTC","from":"25:00","to":"06:00"}],"actions":[{"ignore":true}]}`, `quietHours[0].from: "25:00" is no time of day`},
		"day":                 {`{"name":"r","quietHours":[{"timeZone":"UTC","from":"22:00","to":"06:00","days":["son"]}],"actions":[{"ignore":true}]}`, `quietHours[0].days[0]: "son" is no day`},
		"quiet for ever":      {`{"name":"r","quietHours":[{"timeZone":"UTC","from":"00:00","to":"00:00"}],"actions":[{"mail":{"to":["a@b.c"]}}]}`, "they never end"},
		"escalation, no time": {`{"name":"r","actions":[{"mail":{"to":["a@b.c"]}}],"escalation":[{"mail":{"to":["b@b.c"]}}]}`, "escalation[0].after: is required"},
		"escalation, order":   {`{"name":"r","actions":[{"mail":{"to":["a@b.c"]}}],"escalation":[{"after":"2h","mail":{"to":["b@b.c"]}},{"after":"1h","mail":{"to":["c@b.c"]}}]}`, "is not later than"},
		"deployed":            {`{"name":"r","deployed":{},"actions":[{"ignore":true}]}`, "deployed: unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := alerts.Parse("r.json", []byte(tc.rule), options())
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, "r.json: ")
		})
	}
}

const whole = `{"name":"billing","description":"d","match":{"field":"processKey","equals":"billing"},"severity":"critical","window":"30m",
"group":["processName","faultDetails.code"],"maxGroups":3,
"actions":[{"mail":{"to":["ops@example.com"],"users":["ada"],"groups":["operators"],"subject":"${processName} stands\r\nstill: ${faultDetails.code}, ${count}"}},
 {"start":{"process":"on-call","businessKey":"${processId}","variables":{"fault":"${faultDetails.reason}","n":"${count}"}}},
 {"call":{"action":"desk.CALL","inputs":{"text":"${faultName}"}}}],
"quietHours":[{"timeZone":"Europe/Berlin","from":"22:00","to":"06:00","exceptCritical":true}],
"escalation":[{"after":"2h","mail":{"to":["boss@example.com"]}},{"after":"1d","mail":{"to":["ceo@example.com"],"template":"pager"}}]}`

// What is deployed says the same as the file, whatever has become of what it names.
func TestWholeRuleIsStoredAndRead(t *testing.T) {
	r := parse(t, whole)
	require.Equal(t, []string{"desk"}, r.Calls())
	stored, err := r.Stored(map[string]contract.Binding{"desk": {TaskQueue: "connector-desk"}})
	require.NoError(t, err)
	r, err = alerts.Read("billing", stored)
	require.NoError(t, err)
	require.Equal(t, 30*time.Minute, r.Window)
	require.Equal(t, contract.AlertPolicy{WindowMS: 1_800_000, MaxGroups: 3, EscalateMS: []int64{7_200_000, 86_400_000}}, r.Policy())
	require.Equal(t, "processName=Billing, faultDetails.code=OUT_OF_STOCK", r.Group(fault()))
	outputs := alerts.Outputs(fault())
	outputs["count"] = int64(4)
	subject, err := r.Mails[0].Subject(outputs)
	require.NoError(t, err)
	require.Equal(t, "Billing stands still: OUT_OF_STOCK, 4", subject, "a subject has one line")
	start, err := r.Triggers[0].Action(outputs, nil)
	require.NoError(t, err)
	require.Equal(t, "on-call", start.ProcessDefinitionKey)
	require.Equal(t, "billing/1", start.BusinessKey)
	require.Equal(t, map[string]any{"fault": "no paper", "n": int64(4)}, start.Variables)
	call, err := r.Triggers[1].Action(outputs, nil)
	require.NoError(t, err)
	require.Equal(t, "desk.CALL", call.Implementation)
	var bound contract.Binding
	require.NoError(t, json.Unmarshal(r.Triggers[1].Deployment().Binding, &bound))
	require.Equal(t, "connector-desk", bound.TaskQueue)
	require.Equal(t, "pager", r.Steps[1].Mail.Template)
}

func TestWhatComesWithAFaultIsNoExpression(t *testing.T) {
	a := fault()
	a.FaultDetails.Reason = "${processId}"
	r := parse(t, `{"name":"r","actions":[{"mail":{"to":"a@b.c","subject":"${faultDetails.reason}"}}]}`)
	subject, err := r.Mails[0].Subject(alerts.Outputs(a))
	require.NoError(t, err)
	require.Equal(t, "${processId}", subject)
}

func TestIgnoreWins(t *testing.T) {
	mails := parse(t, `{"name":"a","actions":[{"mail":{"to":["a@b.c"]}}]}`)
	ignores := parse(t, `{"name":"b","match":{"field":"faultName","equals":"OUT_OF_STOCK"},"actions":[{"ignore":true}]}`)
	rules := []*alerts.Rule{mails, ignores}
	require.Equal(t, alerts.Routed{Ignored: "b"}, alerts.Route(rules, fault()))
	other := fault()
	other.FaultName = "X"
	require.Equal(t, []*alerts.Rule{mails}, alerts.Route(rules, other).Rules)
	verdicts := alerts.Explain(rules, other)
	require.True(t, verdicts[0].Matches)
	require.Equal(t, `match.equals: faultName is "X"`, verdicts[1].Why)
}

func TestUsualSeverity(t *testing.T) {
	for want, all := range map[string][]contract.Alert{
		"error":    {{Source: contract.AlertProcess}, {Source: contract.AlertMailbox}, {Source: contract.AlertCredential, Status: "broken"}},
		"warning":  {{Source: contract.AlertCredential, Status: "expiring"}, {Source: contract.AlertIndexer}},
		"critical": {{Source: contract.AlertCredential, Severity: "critical"}},
	} {
		for _, a := range all {
			require.Equal(t, want, alerts.Severity(a), a.Source)
		}
	}
}

func TestBatchHasOnePartAGroup(t *testing.T) {
	r := parse(t, `{"name":"a","severity":"critical","actions":[{"mail":{"to":["a@b.c"]}}]}`)
	var all []contract.Alert
	for i := range 50 {
		a := fault()
		a.ID, a.At = a.ID+string(rune('A'+i)), a.At.Add(time.Duration(i)*time.Second)
		if i%2 == 1 {
			a.FaultName = "OTHER"
		}
		all = append(all, a)
	}
	b := alerts.Batch(r, all)
	require.Len(t, b.Parts, 2)
	require.Len(t, b.Parts[0].Samples, contract.AlertSamples)
	require.Len(t, b.Parts[1].IDs, 25*contract.AlertHash)
	require.Equal(t, all[48].At, b.Parts[0].Last)
	require.Equal(t, "critical", b.Parts[0].Alert.Severity)
	test := fault()
	test.Test = &contract.AlertTest{}
	require.Equal(t, alerts.TestGroup(test.ID), alerts.Batch(r, []contract.Alert{test}).Parts[0].Group)
}

func FuzzRule(f *testing.F) {
	f.Add(whole)
	f.Add(`{"name":"r","match":{"not":{"or":[{"field":"source","matches":"^p"}]}},"actions":[{"ignore":true}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := alerts.Parse("r.json", []byte(text), options())
		if err != nil {
			return
		}
		r.Match(fault())
		require.NotEmpty(t, r.Name)
		stored, err := r.Stored(nil)
		require.NoError(t, err)
		again, err := alerts.Read(r.Name, stored)
		require.NoError(t, err, "what is taken at deployment can be read by a worker")
		require.Equal(t, r.Match(fault()), again.Match(fault()))
		require.Equal(t, r.Group(fault()), again.Group(fault()))
	})
}
