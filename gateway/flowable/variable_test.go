package flowable

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/juel"
)

func readVariable(t testing.TB, text string) variable {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v variable
	require.NoError(t, d.Decode(&v))
	return v
}

func TestVariablesComeIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		`{"name":"v","value":1}`:                                           int64(1),
		`{"name":"v","value":null}`:                                        nil,
		`{"name":"v","value":{"a":[9007199254740993,0.5]}}`:                map[string]any{"a": []any{int64(9007199254740993), 0.5}},
		`{"name":"v","type":"string","value":"ä"}`:                         "ä",
		`{"name":"v","type":"string","value":null}`:                        nil,
		`{"name":"v","type":"integer","value":-2147483648}`:                int64(-2147483648),
		`{"name":"v","type":"short","value":32767}`:                        int64(32767),
		`{"name":"v","type":"long","value":9223372036854775807}`:           int64(9223372036854775807),
		`{"name":"v","type":"long","value":-9223372036854775808}`:          int64(-9223372036854775808),
		`{"name":"v","type":"double","value":30.3}`:                        30.3,
		`{"name":"v","type":"double","value":3}`:                           3.0,
		`{"name":"v","type":"boolean","value":false}`:                      false,
		`{"name":"v","type":"bigInteger","value":"12345678901234567890"}`:  "12345678901234567890",
		`{"name":"v","type":"bigDecimal","value":1.5}`:                     1.5,
		`{"name":"v","type":"date","value":"2020-05-04T10:25:45Z"}`:        "2020-05-04T10:25:45Z",
		`{"name":"v","type":"date","value":"2020-05-04"}`:                  "2020-05-04",
		`{"name":"v","type":"instant","value":"2020-05-04T09:25:45.583Z"}`: "2020-05-04T09:25:45.583Z",
		`{"name":"v","type":"localDate","value":"2020-04-20"}`:             "2020-04-20",
		`{"name":"v","type":"localDateTime","value":"2020-04-20T12:53"}`:   "2020-04-20T12:53",
		`{"name":"v","type":"json","value":{"name":"Kermit"}}`:             map[string]any{"name": "Kermit"},
		`{"name":"v","type":"json","value":"text"}`:                        "text",
		`{"name":"v","type":"integer","value":null}`:                       nil,
	} {
		got, err := plain([]variable{readVariable(t, text)})
		require.NoError(t, err, text)
		require.Equal(t, map[string]any{"v": want}, got, text)
	}
}

func TestWrongVariables(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"value":1}`: "Variable name is required.",
		`{"name":"v","type":"serializable","value":1}`:           "Variable 'v' has unsupported type: 'serializable'.",
		`{"name":"v","type":"string","value":1}`:                 "Variable 'v': '1' is no string",
		`{"name":"v","type":"integer","value":2147483648}`:       "Variable 'v': '2147483648' is no integer",
		`{"name":"v","type":"integer","value":1.5}`:              "Variable 'v': '1.5' is no integer",
		`{"name":"v","type":"short","value":-32769}`:             "Variable 'v': '-32769' is no short",
		`{"name":"v","type":"long","value":"1"}`:                 "Variable 'v': '1' is no long",
		`{"name":"v","type":"double","value":1e400}`:             "Variable 'v': '1e400' is no double",
		`{"name":"v","type":"boolean","value":"true"}`:           "Variable 'v': 'true' is no boolean",
		`{"name":"v","type":"date","value":"soon"}`:              "Variable 'v': 'soon' is no date",
		`{"name":"v","type":"localDate","value":"2020-04-20T1"}`: "Variable 'v': '2020-04-20T1' is no localDate",
		`{"name":"v","type":"bigDecimal","value":"many"}`:        "Variable 'v': 'many' is no bigDecimal",
		`{"name":"v","type":"json","value":[1e400]}`:             "Variable 'v': element 0:",
	} {
		_, err := plain([]variable{readVariable(t, text)})
		require.ErrorContains(t, err, want, text)
	}
}

// What a worker may send is a variable of a process, or refused.
func FuzzVariable(f *testing.F) {
	f.Add(`{"name":"v","type":"long","value":9223372036854775807}`)
	f.Add(`{"name":"v","type":"json","value":{"a":[1,{"b":null}]}}`)
	f.Add(`{"name":"v","type":"date","value":"2020-05-04"}`)
	f.Fuzz(func(t *testing.T, text string) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var v variable
		if d.Decode(&v) != nil {
			return
		}
		all, err := plain([]variable{v})
		if err != nil {
			return
		}
		for _, value := range all {
			_, err := juel.Normalize(value)
			require.NoError(t, err)
			variablesOf(all)
		}
	})
}
