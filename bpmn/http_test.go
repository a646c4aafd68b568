package bpmn

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHTTPTasksCallRest(t *testing.T) {
	field := func(name, value string) string {
		return `<activiti:field name="` + name + `" stringValue="` + value + `"/>`
	}
	for name, test := range map[string]struct {
		fields         string
		implementation string
		constants      map[string]any
		result         string
	}{
		"what it is without fields": {field("requestUrl", "https://a.example/"), "rest.GET",
			map[string]any{"restUrl": "https://a.example/", "acceptedStatus": "4xx,5xx", "restResultAs": "text"}, ""},
		"all that there is": {
			field("requestMethod", "post") + field("requestUrl", "https://a.example/") + field("requestHeaders", "Accept: text/csv") + field("requestBody", "told") +
				field("requestTimeout", "5000") + field("disallowRedirects", "true") + field("saveResponseVariableAsJson", "true") + field("responseVariableName", "answer"),
			"rest.POST", map[string]any{
				"restUrl": "https://a.example/", "requestHeaders": "Accept: text/csv", "requestPayload": "told", "timeout": int64(5000),
				"acceptedStatus": "3xx,4xx,5xx", "restResultAs": "json",
			}, "answer",
		},
		"what is off": {field("requestUrl", "u") + field("disallowRedirects", "false") + field("saveResponseVariableAsJson", ""), "rest.GET",
			map[string]any{"restUrl": "u", "acceptedStatus": "4xx,5xx", "restResultAs": "text"}, ""},
	} {
		m, err := Parse("m.bpmn", between(`<serviceTask id="e" activiti:type="http"><extensionElements>`+test.fields+`</extensionElements></serviceTask>`), Options{})
		require.NoError(t, err, name)
		n := m.Processes[0].Node("e")
		require.Equal(t, test.implementation, n.Implementation, name)
		constants := map[string]any{}
		for _, c := range n.Mapping.Constants {
			constants[c.Name] = c.Value
		}
		require.Equal(t, test.constants, constants, name)
		require.Equal(t, test.result, n.Result, name)
		require.Equal(t, "restResult", n.ResultNames["result"], name)
	}
}
