package juel_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/juel"
)

func TestEvalTypes(t *testing.T) {
	for src, want := range map[string]any{
		"":                            "",
		"text":                        "text",
		`\${x}`:                       "${x}",
		"${amount}":                   int64(150),
		"${price}":                    2.5,
		"${nul}":                      nil,
		"${list}":                     []any{"a", "b", int64(3)},
		"${amount}!":                  "150!",
		"${amount}${amount}":          "150150",
		" ${amount}":                  " 150",
		"${amount} #{status}":         "150 open",
		"x${list}":                    `x["a","b",3]`,
		"x${none}${nomap}":            "x[]{}",
		"x${customer}":                `x{"address":{"city":"London"},"age":36,"name":"Ada","nothing":null,"tags":["x","y"]}`,
		"${customer.tags.toString()}": `["x","y"]`,
		"x${-0.0}":                    "x-0.0",
		"x${123456789.5 * 1000}":      "x123456789500.0", // Java writes 1.234567895E11
		"x${0.0012}":                  "x0.0012",
	} {
		t.Run(src, func(t *testing.T) {
			e, err := juel.Parse(src)
			require.NoError(t, err)
			got, err := e.Eval(vars())
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, src, e.Source())
			require.Equal(t, !strings.Contains(src, "{") || strings.HasPrefix(src, `\`), e.IsLiteral())
		})
	}
}

// TestForeignNumbers: an Env may hold plain Go numbers and decoded JSON, at any depth.
func TestForeignNumbers(t *testing.T) {
	env := juel.Vars{
		"i": 5, "i32": int32(5), "f32": float32(0.5), "n": json.Number("5"), "r": json.Number("0.5"),
		"list": []any{1, int32(2), json.Number("3")}, "map": map[string]any{"a": 1, "b": []any{2}},
		"chan": make(chan int), "bad": []any{make(chan int)},
	}
	for src, want := range map[string]string{
		"${i}":                        "integer 5",
		"${i32 == 5 && n == i}":       "boolean true",
		"${i + n}":                    "integer 10",
		"${f32 + r}":                  "float 1.0",
		"${list[0] + list[1]}":        "integer 3",
		"${list.get(2) * 2}":          "integer 6",
		"${list.contains(3)}":         "boolean true",
		"${list.indexOf(2)}":          "integer 1",
		"${map.b[0]}":                 "integer 2",
		"${map.values()[0] + 1}":      "integer 2",
		"${map.get('a').equals(1)}":   "boolean true",
		"x${list}${map}":              `text x[1,2,3]{"a":1,"b":[2]}`,
		"${map == map}":               "boolean true",
		"${chan}":                     "error: chan: a chan int is no value of an expression; pass null, booleans, numbers, text (dates in ISO 8601), lists and maps",
		"x${bad}":                     "error: bad: element 0: a chan int is no value of an expression; pass null, booleans, numbers, text (dates in ISO 8601), lists and maps",
		"${execution.getVariable(i)}": "error: execution.getVariable(i): the name of the variable is a number, not text",
	} {
		require.Equal(t, want, answer(src, env), src)
	}
}

func TestEvalWithoutEnv(t *testing.T) {
	value, err := mustParse("${1 + 1}").Eval(nil)
	require.NoError(t, err)
	require.Equal(t, int64(2), value)
	_, err = mustParse("${x}").Eval(nil)
	require.EqualError(t, err, "evaluating ${x}: unknown variable x; where it may be missing, var:get(x) is null")
}

func TestUnknownVariable(t *testing.T) {
	_, err := mustParse("Dear ${client.name},").Eval(vars())
	var unknown *juel.UnknownVariableError
	require.True(t, errors.As(err, &unknown))
	require.Equal(t, "client", unknown.Name)
}

func TestDataIsNotEvaluated(t *testing.T) {
	env := juel.Vars{"evil": "${secret}", "secret": "s"}
	for _, src := range []string{"${evil}", "${evil.concat('')}", "${evil.toString()}"} {
		require.Equal(t, "text ${secret}", answer(src, env))
	}
	require.Equal(t, "text <${secret}>", answer("<${evil}>", env))
}

func TestErrorsHoldNoValues(t *testing.T) {
	env := juel.Vars{"card": "4111-1111", "map": map[string]any{"card": "4111-1111"}, "long": json.Number("411111111111111111111")}
	for _, src := range []string{
		"${card + 1}", "${card > 1}", "${-card}", "${card.x}", "${card.substring(99)}", "${map + 1}", "${map.card.x}",
		"${map > map}", "${card < map}", "${card.get(1)}", "${long}", "${card.split('')}", "${card ? map : map}${map ? 1 : 2}",
	} {
		got := answer(src, env)
		require.Contains(t, got, "error: ", src)
		require.NotContains(t, got, "4111", src)
	}
}

func TestVariables(t *testing.T) {
	for src, want := range map[string][]string{
		"text":                                   nil,
		"${1}":                                   nil,
		"${b + a}${a}":                           {"a", "b"},
		"${a.b.c[d].concat(f)}":                  {"a", "d", "f"},
		"${x ? y : z}":                           {"x", "y", "z"},
		"${execution.getVariable('x') == y}":     {"y"},
		"${execution.getVariable(x)}":            {"x"},
		"${execution.id}${task.name}":            nil,
		"${var:get(x)}${vars:exists('y')}":       nil,
		"${var:getOrDefault(x, x)}":              {"x"},
		"${var:eq(a, b) && c}":                   {"b", "c"},
		"${var:get(x.concat(y))}":                {"x", "y"},
		"${empty customer and not approved}":     {"approved", "customer"},
		"#{now()} ${name.equals(customer.name)}": {"customer", "name"},
	} {
		require.Equal(t, strings.Join(want, " "), strings.Join(mustParse(src).Variables(), " "), src)
	}
}

func TestEvalBool(t *testing.T) {
	for _, c := range []struct {
		src  string
		want bool
		fail string
	}{
		{src: "${approved}", want: true},
		{src: "${rejected}"},
		{src: "${amount > 100 && status == 'open'}", want: true},
		{src: "${nul}"},
		{src: "${empty1}"},
		{src: ""},
		{src: "true", want: true},
		{src: "${'TRUE'}", want: true},
		{src: "${'False'}"},
		{src: "${'yes'}", fail: "evaluating ${'yes'}: the result is text, not a boolean; a condition compares, as in ${status == 'open'}"},
		{src: "${1}", fail: "the result is a number, not a boolean"},
		{src: "${list}", fail: "the result is a list of 3, not a boolean"},
		{src: " ${approved}", fail: "the result is text, not a boolean"},
		{src: "${missing}", fail: "unknown variable missing"},
	} {
		got, err := juel.EvalBool(mustParse(c.src), vars())
		if c.fail != "" {
			require.ErrorContains(t, err, c.fail, c.src)
			continue
		}
		require.NoError(t, err, c.src)
		require.Equal(t, c.want, got, c.src)
	}
}

// TestConcurrent is for the race detector: one Expr serves many instances of a process.
func TestConcurrent(t *testing.T) {
	e := mustParse("${customer.tags.contains('x') ? customer.keySet().size() : 0}")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				value, err := e.Eval(vars())
				if err != nil || value != int64(5) {
					t.Errorf("got %v, %v", value, err)
				}
			}
		})
	}
	wg.Wait()
}
