package camunda

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

func readValue(t testing.TB, text string) value {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v value
	require.NoError(t, d.Decode(&v), text)
	return v
}

// stored is a variable after it has been in a history.
func stored(t testing.TB, v any) any {
	t.Helper()
	text, err := json.Marshal(contract.Variables{"v": v})
	require.NoError(t, err)
	var all contract.Variables
	require.NoError(t, json.Unmarshal(text, &all))
	return all["v"]
}

// What a worker sends, what the process has, and what the next worker gets.
func TestValues(t *testing.T) {
	t.Parallel()
	const big = `12345678901234567890`
	for _, c := range []struct {
		in   string
		has  any
		back string
	}{
		{`{"value":true,"type":"Boolean"}`, true, `{"type":"Boolean","value":true}`},
		{`{"value":"false","type":"boolean"}`, false, `{"type":"Boolean","value":false}`},
		{`{"value":null,"type":"Boolean"}`, nil, `{"type":"Null","value":null}`},
		{`{"value":7,"type":"Short"}`, int64(7), `{"type":"Integer","value":7}`},
		{`{"value":-2147483648,"type":"Integer"}`, int64(-2147483648), `{"type":"Integer","value":-2147483648}`},
		{`{"value":"42","type":"integer"}`, int64(42), `{"type":"Integer","value":42}`},
		{`{"value":9223372036854775807,"type":"Long"}`, int64(9223372036854775807), `{"type":"Long","value":9223372036854775807}`},
		{`{"value":9007199254740993,"type":"long"}`, int64(9007199254740993), `{"type":"Long","value":9007199254740993}`},
		{`{"value":42,"type":"Long"}`, int64(42), `{"type":"Integer","value":42}`},
		{`{"value":30.3,"type":"Double"}`, 30.3, `{"type":"Double","value":30.3}`},
		{`{"value":"1e-7","type":"double"}`, 1e-7, `{"type":"Double","value":1e-7}`},
		{`{"value":3.0,"type":"Double"}`, int64(3), `{"type":"Integer","value":3}`},
		{`{"value":"ä","type":"String"}`, "ä", `{"type":"String","value":"ä"}`},
		{`{"value":"","type":"String"}`, "", `{"type":"String","value":""}`},
		{`{"value":42,"type":"String"}`, "42", `{"type":"String","value":"42"}`},
		{`{"value":"2013-01-23T13:42:42.000+0200","type":"Date"}`, "2013-01-23T13:42:42.000+0200", `{"type":"Date","value":"2013-01-23T13:42:42.000+0200"}`},
		{`{"value":"1970-01-01T00:00:00.000+0000","type":"date"}`, "1970-01-01T00:00:00.000+0000", `{"type":"Date","value":"1970-01-01T00:00:00.000+0000"}`},
		{`{"value":"2013-01-23T13:42:42Z","type":"String"}`, "2013-01-23T13:42:42Z", `{"type":"String","value":"2013-01-23T13:42:42Z"}`},
		{`{"value":"AP8=","type":"Bytes"}`, map[string]any{"mediaType": octets, "data": "AP8="}, `{"type":"Bytes","value":"AP8="}`},
		{
			`{"value":"aGVsbG8=","type":"File","valueInfo":{"filename":"a.txt","mimeType":"text/plain","encoding":"UTF-8"}}`,
			map[string]any{"name": "a.txt", "mediaType": "text/plain", "encoding": "UTF-8", "text": "hello"},
			`{"type":"File","value":null,"valueInfo":{"filename":"a.txt","mimeType":"text/plain","encoding":"UTF-8"}}`,
		},
		{
			`{"value":"/wA=","type":"file","valueInfo":{"filename":"a.bin","mimetype":"image/x"}}`,
			map[string]any{"name": "a.bin", "mediaType": "image/x", "data": "/wA="},
			`{"type":"File","value":null,"valueInfo":{"filename":"a.bin","mimeType":"image/x"}}`,
		},
		{
			`{"value":null,"type":"File","valueInfo":{"filename":"empty"}}`,
			map[string]any{"name": "empty", "mediaType": octets, "text": ""}, `{"type":"File","value":null,"valueInfo":{"filename":"empty","mimeType":"application/octet-stream"}}`,
		},
		{
			`{"value":"{\"a\":[1,9007199254740993,0.5]}","type":"Object","valueInfo":{"objectTypeName":"com.example.Order","serializationDataFormat":"application/json"}}`,
			map[string]any{"a": []any{int64(1), int64(9007199254740993), 0.5}}, `{"type":"Json","value":"{\"a\":[1,9007199254740993,0.5]}"}`,
		},
		{
			`{"value":"<a/>","type":"Object","valueInfo":{"objectTypeName":"com.example.Order","serializationDataFormat":"application/xml"}}`,
			map[string]any{objectTypeName: "com.example.Order", dataFormat: "application/xml", serialized: "<a/>"},
			`{"type":"Object","value":"<a/>","valueInfo":{"objectTypeName":"com.example.Order","serializationDataFormat":"application/xml"}}`,
		},
		{`{"value":null,"type":"Object"}`, nil, `{"type":"Null","value":null}`},
		{`{"value":"{\"a\":{\"b\":null}}","type":"json"}`, map[string]any{"a": map[string]any{"b": nil}}, `{"type":"Json","value":"{\"a\":{\"b\":null}}"}`},
		{`{"value":"[1,2]","type":"Json"}`, []any{int64(1), int64(2)}, `{"type":"Json","value":"[1,2]"}`},
		{`{"value":"3","type":"Json"}`, int64(3), `{"type":"Integer","value":3}`},
		{`{"value":"<a b=\"1\"/>","type":"Xml"}`, `<a b="1"/>`, `{"type":"String","value":"<a b=\"1\"/>"}`},
		{`{"value":null,"type":"Null"}`, nil, `{"type":"Null","value":null}`},
		{`{"value":null}`, nil, `{"type":"Null","value":null}`},
		{`{"value":7}`, int64(7), `{"type":"Integer","value":7}`},
		{`{"value":{"a":1},"type":null}`, map[string]any{"a": int64(1)}, `{"type":"Json","value":"{\"a\":1}"}`},
		{`{"value":"` + big + `"}`, big, `{"type":"String","value":"` + big + `"}`},
	} {
		has, err := readValue(t, c.in).plain()
		require.NoError(t, err, c.in)
		require.Equal(t, c.has, has, c.in)
		has = stored(t, has)
		require.Equal(t, c.has, has, c.in)
		back, err := json.Marshal(typed(has, false))
		require.NoError(t, err)
		require.JSONEq(t, c.back, string(back), c.in)

		again, err := readValue(t, string(back)).plain()
		if _, file := has.(map[string]any); err == nil && (!file || !strings.Contains(c.back, `"File"`)) { // the content of a file does not come with it
			require.Equal(t, c.has, again, "what it got, sent back: %s", back)
		}
	}
}

// Large numbers keep their digits on the wire, which JSONEq does not look at.
func TestLargeNumbersAreExact(t *testing.T) {
	t.Parallel()
	has, err := readValue(t, `{"value":9007199254740993,"type":"Long"}`).plain()
	require.NoError(t, err)
	text, err := json.Marshal(typed(stored(t, has), false))
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"Long","value":9007199254740993}`, string(text))
	require.Contains(t, string(text), `"value":9007199254740993`)
}

func TestValuesAreDeserialized(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":1}`: `{"type":"Object","value":{"a":1},"valueInfo":{"objectTypeName":"java.util.LinkedHashMap","serializationDataFormat":"application/json"}}`,
		`[1]`:     `{"type":"Object","value":[1],"valueInfo":{"objectTypeName":"java.util.ArrayList","serializationDataFormat":"application/json"}}`,
		`1`:       `{"type":"Integer","value":1}`,
	} {
		var v any
		require.NoError(t, json.Unmarshal([]byte(in), &v))
		back, err := json.Marshal(typed(v, true))
		require.NoError(t, err)
		require.JSONEq(t, want, string(back))
	}
}

// What looks like a content, and is none.
func TestContents(t *testing.T) {
	t.Parallel()
	for _, v := range []map[string]any{
		{}, {"name": "a"}, {"name": "a", "text": "b"}, {"name": "a", "mediaType": "text/plain", "text": "b", "size": "1"}, {"name": "a", "mediaType": "text/plain", "text": nil},
		{"name": "a", "mediaType": "text/plain", "data": "no base64"}, {"mediaType": "image/png", "data": "AA=="}, {"mediaType": octets, "data": "AA==", "encoding": "x"},
		{"name": "a", "mediaType": "text/plain", "uri": "file:a"}, {objectTypeName: "a", dataFormat: "b"},
	} {
		require.Equal(t, "Json", typed(v, false).Type, v)
	}
}

func TestWrongValues(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"value":"abc","type":"Integer"}`:              "Cannot convert value 'abc' of type 'Integer' to java type java.lang.Integer",
		`{"value":2147483648,"type":"integer"}`:         "Cannot convert value '2147483648' of type 'integer' to java type java.lang.Integer",
		`{"value":1.5,"type":"Long"}`:                   "Cannot convert value '1.5' of type 'Long' to java type java.lang.Long",
		`{"value":32768,"type":"Short"}`:                "Cannot convert value '32768' of type 'Short' to java type java.lang.Short",
		`{"value":1e400,"type":"Double"}`:               "Cannot convert value '1e400' of type 'Double' to java type java.lang.Double",
		`{"value":"NaN","type":"Double"}`:               "Cannot convert value 'NaN' of type 'Double' to java type java.lang.Double",
		`{"value":1,"type":"Boolean"}`:                  "Cannot convert value '1' of type 'Boolean' to java type java.lang.Boolean",
		`{"value":"tomorrow","type":"Date"}`:            "Cannot convert value 'tomorrow' of type 'Date' to java type java.util.Date",
		`{"value":"2013-01-23T13:42:42","type":"Date"}`: "Cannot convert value '2013-01-23T13:42:42' of type 'Date' to java type java.util.Date",
		`{"value":["a"],"type":"String"}`:               "Cannot convert value '[a]' of type 'String' to java type java.lang.String",
		`{"value":"?","type":"Bytes"}`:                  "Cannot convert value '?' of type 'Bytes' to java type [B",
		`{"value":"{","type":"Json"}`:                   "Cannot convert value '{' of type 'Json' to java type org.camunda.spin.json.SpinJsonNode",
		`{"value":"{} {}","type":"Json"}`:               "Cannot convert value '{} {}' of type 'Json' to java type org.camunda.spin.json.SpinJsonNode",
		`{"value":{"a":1},"type":"Json"}`:               "Must provide 'null' or String value for value of SerializableValue type 'Json'.",
		`{"value":[1],"type":"Object","valueInfo":{"serializationDataFormat":"application/json"}}`: "Must provide 'null' or String value for value of SerializableValue type 'Object'.",
		`{"value":1,"type":"Xml"}`:                                 "Must provide 'null' or String value for value of SerializableValue type 'Xml'.",
		`{"value":"aGVsbG8=","type":"File"}`:                       "Cannot create file without filename! Please set a name into ValueInfo with key filename",
		`{"value":"?","type":"File","valueInfo":{"filename":"a"}}`: "Cannot convert value '?' of type 'File' to java type [B",
		`{"value":1,"type":"File","valueInfo":{"filename":"a"}}`:   "Cannot convert value '1' of type 'File' to java type [B",
		`{"value":1,"type":"Thing"}`:                               "Unsupported value type 'Thing'",
		`{"value":[1e400]}`:                                        "Cannot convert value '[1e400]' of type '' to java type java.lang.Object",
		`{"value":"[` + strings.Repeat("9", 30) + `]","type":"Json","valueInfo":{"serializationDataFormat":1}}`: "Cannot convert value '[" + strings.Repeat("9", 30) + "]' of type 'Json' to java type org.camunda.spin.json.SpinJsonNode",
	} {
		_, err := plain(map[string]value{"v": readValue(t, in)})
		require.EqualError(t, err, want, in)
		var p *problem
		require.ErrorAs(t, err, &p)
		require.Equal(t, 400, p.status)
	}
}

// Whatever a worker sends becomes a variable that the next can be given, or is refused.
func FuzzPlain(f *testing.F) {
	for _, seed := range []string{
		`{"value":"{\"a\":[1,null]}","type":"Json"}`, `{"value":"AP8=","type":"File","valueInfo":{"filename":"a","encoding":"x"}}`, `{"value":"42","type":"long"}`,
		`{"value":{"name":"a","mediaType":"b","text":"c"}}`, `{"value":"1970-01-01T00:00:00.000+0000","type":"date"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var v value
		if d.Decode(&v) != nil {
			return
		}
		has, err := v.plain()
		if err != nil {
			return
		}
		has = stored(t, has)
		back := typed(has, false)
		if back.Type == "File" {
			return // its content does not come with it
		}
		sent, err := json.Marshal(back)
		require.NoError(t, err)
		again, err := readValue(t, string(sent)).plain()
		require.NoError(t, err, string(sent))
		require.Equal(t, has, stored(t, again))
	})
}
