package connectors

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scripted is a connector that answers as told.
type scripted struct {
	definition *Definition
	outputs    map[string]any
	err        error
}

func (s *scripted) Definition() *Definition { return s.definition }

func (s *scripted) Call(context.Context, Call) (map[string]any, error) { return s.outputs, s.err }

func define(t *testing.T, file string) *Definition {
	t.Helper()
	d, err := ParseDefinition("x.json", []byte(file))
	require.NoError(t, err)
	return d
}

const firstGeneration = `{"name":"old","actions":{"a":{"id":"1","name":"SEND",
	"inputs":[{"id":"1","name":"to","type":"string","required":true}],
	"outputs":[{"id":"1","name":"email.error","type":"string"}]}}}`

func TestDoPassesOutputsAndErrors(t *testing.T) {
	call := Call{Action: "CREATE", IdempotencyKey: "k", Inputs: map[string]any{"item": "pen"}}
	c := &scripted{definition: define(t, orders), outputs: map[string]any{"number": "7"}}
	outputs, err := Do(t.Context(), c, call)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"number": "7"}, outputs)

	c.outputs = map[string]any{"number": 7.0, "unlisted": true}
	_, err = Do(t.Context(), c, call)
	require.EqualError(t, err, "INVALID_OUTPUT: orders.CREATE: output number: text is expected, not this number")
	require.Equal(t, Permanent, AsError(err).Kind)

	c.outputs = map[string]any{"number": strings.Repeat("7", MaxOutputs)}
	_, err = Do(t.Context(), c, call)
	require.ErrorContains(t, err, "RESULT_TOO_LARGE: orders.CREATE: the outputs take more than 1572864 bytes")
	require.Equal(t, Permanent, AsError(err).Kind, "it has had its effect, and would be as large another time")

	for name, tc := range map[string]struct {
		err  error
		want Error
	}{
		"bpmn":    {&Error{Kind: BPMN, Code: "SOLD_OUT", Public: "p"}, Error{Kind: BPMN, Code: "SOLD_OUT", Public: "p"}},
		"unknown": {context.DeadlineExceeded, Error{Kind: Retryable, Code: CodeUnknown, Public: "the connector failed for a reason it does not know", Err: context.DeadlineExceeded}},
	} {
		t.Run(name, func(t *testing.T) {
			c.err = tc.err
			_, err := Do(t.Context(), c, call)
			var failure *Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, tc.want, *failure)
		})
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.err = &Error{Kind: Retryable, Code: "X", Err: errors.New("broken pipe")}
	_, err = Do(ctx, c, call)
	require.ErrorIs(t, err, context.Canceled, "who gave up gets that told, whatever broke because of it")
}

func TestDoRefusesBadCalls(t *testing.T) {
	c := &scripted{definition: define(t, orders)}
	for name, tc := range map[string]struct {
		call Call
		want Error
	}{
		"action": {Call{Action: "CREAT", IdempotencyKey: "k"},
			Error{Kind: Permanent, Code: "UNKNOWN_ACTION", Public: `connector orders has no action "CREAT"; did you mean "CREATE"?`}},
		"key": {Call{Action: "CREATE", Inputs: map[string]any{"item": "x"}},
			Error{Kind: Permanent, Code: CodeInvalidInput, Public: "the call has no idempotency key"}},
		"missing, undeclared": {Call{Action: "CREATE", IdempotencyKey: "k", Inputs: map[string]any{"item": ""}},
			Error{Kind: Permanent, Code: CodeMissingInput, Public: "orders.CREATE: input item is required"}},
		"wrong type, declared": {Call{Action: "CREATE", IdempotencyKey: "k", Inputs: map[string]any{"item": 3.0, "count": "secret text"}},
			Error{Kind: BPMN, Code: CodeInvalidInput, Public: "orders.CREATE: input item: text is expected, not this number\ninput count: a value of type integer is expected, not this text"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Do(t.Context(), c, tc.call)
			var failure *Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, tc.want, *failure)
		})
	}
}

func TestDoInOutputMode(t *testing.T) {
	c := &scripted{definition: define(t, firstGeneration)}
	call := Call{Action: "SEND", IdempotencyKey: "k", Inputs: map[string]any{"to": "ann@example.com"}}
	outputs, err := Do(t.Context(), c, call)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"email.error": nil}, outputs)

	c.err = &Error{Kind: BPMN, Code: "EMAIL_SEND_ERROR", Public: "no such mailbox", Err: errors.New("550")}
	outputs, err = Do(t.Context(), c, call)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"email.error": "no such mailbox"}, outputs)

	outputs, err = Do(t.Context(), c, Call{Action: "SEND", IdempotencyKey: "k"})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"email.error": "old.SEND: input to is required"}, outputs)

	c.err = &Error{Kind: Retryable, Code: "EMAIL_CONNECTION_ERROR"}
	_, err = Do(t.Context(), c, call)
	require.Error(t, err, "retries come before an output")
}

func TestError(t *testing.T) {
	cause := errors.New("dial tcp: refused")
	err := error(&Error{Kind: Retryable, Code: "X", Public: "no connection", Err: cause, After: time.Second})
	require.EqualError(t, err, "X: no connection: dial tcp: refused")
	require.ErrorIs(t, err, cause)
	require.EqualError(t, &Error{Code: "X", Public: "p"}, "X: p")
	require.Nil(t, AsError(nil))
	require.Same(t, err, AsError(errors.Join(errors.New("while sending"), err)))
	require.Equal(t, "retryable bpmn permanent", Retryable.String()+" "+BPMN.String()+" "+Permanent.String())
}

func TestSplitImplementation(t *testing.T) {
	for implementation, want := range map[string][2]string{
		"email.SEND":                  {"email", "SEND"},
		"Variable Mapping.some.Name":  {"Variable Mapping.some", "Name"},
		"mealsConnector":              {"", "mealsConnector"},
		".SEND":                       {"", ".SEND"},
		"email.":                      {"", "email."},
		"":                            {"", ""},
		"email-connector-1.SEND_MAIL": {"email-connector-1", "SEND_MAIL"},
	} {
		connector, action := SplitImplementation(implementation)
		require.Equal(t, want, [2]string{connector, action}, implementation)
	}
}
