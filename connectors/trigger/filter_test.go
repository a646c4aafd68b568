package trigger

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// filtered is mail with the outputs that filters ask for.
func filtered() map[string]any {
	m := mail()
	m["emailCc"] = "boss@example.org"
	m["emailReplyTo"] = "ann@example.com"
	m["size"] = int64(2048)
	m["headers"] = []any{
		map[string]any{"key": "X-Priority", "value": "1 (Highest)"},
		map[string]any{"key": "Received", "value": "by a"},
		map[string]any{"key": "Received", "value": "by b"},
	}
	m["attachments"] = []any{map[string]any{"name": "logo.png"}, map[string]any{"name": "Order.PDF"}}
	return m
}

func TestFilters(t *testing.T) {
	for filters, want := range map[string]bool{
		`{}`:                                                 true,
		`{"from":"@example\\.com$"}`:                         true,
		`{"from":"@EXAMPLE"}`:                                false,
		`{"from":"(?i)@EXAMPLE"}`:                            true,
		`{"to":"^support@"}`:                                 true,
		`{"to":"^boss@"}`:                                    false,
		`{"cc":"^boss@"}`:                                    true,
		`{"replyTo":"^ann@"}`:                                true,
		`{"subject":"Number \\d++$"}`:                        true,
		`{"body":"urgently"}`:                                true,
		`{"body":"ur.*later"}`:                               false,
		`{"minSize":2048}`:                                   true,
		`{"minSize":2049}`:                                   false,
		`{"maxSize":2048}`:                                   true,
		`{"maxSize":2047}`:                                   false,
		`{"minSize":0,"maxSize":5000}`:                       true,
		`{"headers":{"x-priority":"^[12]\\b"}}`:              true,
		`{"headers":{"X-Priority":"^3"}}`:                    false,
		`{"headers":{"X-Priority":""}}`:                      true,
		`{"headers":{"X-Other":""}}`:                         false,
		`{"headers":{"Received":"b$"}}`:                      true,
		`{"headers":{"Received":"b$","X-Priority":"3"}}`:     false,
		`{"headers":{}}`:                                     true,
		`{"attachment":"(?i)\\.pdf$"}`:                       true,
		`{"attachment":"\\.docx$"}`:                          false,
		`{"attachment":""}`:                                  true,
		`{"from":"@example\\.com$","attachment":"\\.docx$"}`: false,
		`{"from":"ann","subject":"Order","maxSize":5000,"cc":"b"}`: true,
	} {
		_, ok, err := parse(t, `{"pattern":"Order","filters":`+filters+`}`, start).Match(filtered())
		require.NoError(t, err, filters)
		require.Equal(t, want, ok, filters)
	}
}

func TestFiltersAddToPatternAndCondition(t *testing.T) {
	match := func(inputs string) (map[string]any, bool) {
		groups, ok, err := parse(t, inputs, start).Match(filtered())
		require.NoError(t, err)
		return groups, ok
	}
	groups, ok := match(`{"pattern":"(?<no>\\d+)","filters":{"from":"(?<who>ann)"}}`)
	require.True(t, ok)
	require.Equal(t, map[string]any{"no": "42"}, groups, "groups are of the pattern")
	_, ok = match(`{"pattern":"x","filters":{"from":"ann"}}`)
	require.False(t, ok)
	_, ok = match(`{"pattern":"","filters":{"from":"ann"},"condition":"${size > 5000}"}`)
	require.False(t, ok)
	_, ok = match(`{"pattern":"","filters":{"from":"ann"},"condition":"${headers[0].value.startsWith('1') && size == 2048}"}`)
	require.True(t, ok)
}

func TestFiltersWantTheirOutputs(t *testing.T) {
	for filters, want := range map[string]string{
		`{"minSize":1}`:        "trigger orders: filters: the event's size is <nil>, not a number",
		`{"headers":{"a":""}}`: "trigger orders: filters: the event's headers is <nil>, not a list",
	} {
		_, ok, err := parse(t, `{"pattern":"","filters":`+filters+`}`, start).Match(mail())
		require.EqualError(t, err, want)
		require.False(t, ok)
	}
	event := filtered()
	for _, size := range []any{2048, int64(2048), float64(2048)} {
		event["size"] = size
		_, ok, err := parse(t, `{"pattern":"","filters":{"maxSize":2048,"minSize":2048}}`, start).Match(event)
		require.NoError(t, err)
		require.True(t, ok)
	}
}

func TestFiltersRefuse(t *testing.T) {
	for filters, want := range map[string]string{
		`{"fron":"x"}`:              `t.json: event.inputs.filters.fron: unknown field; did you mean "from"?`,
		`{"from":"a(?=b)"}`:         "event.inputs.filters.from: at character 2: the look-ahead",
		`{"from":""}`:               "event.inputs.filters.from: matches every mail; leave it out",
		`{"from":1}`:                "event.inputs.filters.from: is a number; a string is expected",
		`{"minSize":"1"}`:           "event.inputs.filters.minSize: a number of bytes is expected",
		`{"minSize":1.5}`:           "event.inputs.filters.minSize: a number of bytes is expected",
		`{"maxSize":-1}`:            "event.inputs.filters.maxSize: a number of bytes is expected",
		`{"minSize":2,"maxSize":1}`: "event.inputs.filters.minSize: 2 is more than maxSize, 1",
		`{"headers":[]}`:            "event.inputs.filters.headers: is a list; an object is expected",
		`{"headers":{"A:":"x"}}`:    `"A:" is no name of a field`,
		`{"headers":{"X-A":"["}}`:   "event.inputs.filters.headers.X-A: at character 1: the class does not end",
		`{"headers":{"X-A":1}}`:     "event.inputs.filters.headers.X-A: is a number",
		`{"attachment":"(a)\\1"}`:   "event.inputs.filters.attachment: at character 4: the back-reference",
		`{"attachment":[".pdf"]}`:   "event.inputs.filters.attachment: is a list",
		`[]`:                        "event.inputs.filters: is a list; an object is expected",
		`{"to":"x","to":"y"}`:       "event.inputs.filters.to: given twice",
	} {
		_, err := Parse("t.json", []byte(file(`{"pattern":"","filters":`+filters+`}`, start)), Options{})
		require.ErrorContains(t, err, want, filters)
	}
}
