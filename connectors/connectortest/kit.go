// Package connectortest is the kit that every connector must pass: its definition is valid and its actions answer as
// defined, failures are classified, a call ends with its context, nothing secret is told, and the idempotency key is
// used. A connector's test fills in Kit and calls Run.
package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

// Kit is what the tests need of a connector.
type Kit struct {
	// Connector works against an other side that accepts.
	Connector connectors.Connector
	// Samples holds valid inputs for each action.
	Samples map[string]map[string]any
	// Stuck is the same connector against an other side that never answers. Each call sends on entered once it waits.
	Stuck func(t *testing.T) (stuck connectors.Connector, entered <-chan struct{})
	// Failures are what can go wrong, with how it must be classified. At least one of each kind that occurs.
	Failures []Failure
	// Secrets are the texts that no error and no log may hold.
	Secrets []string
	// Key tells how the other side recognises the last call to Connector as a repetition, such as a Message-ID.
	Key func() string
	// Keyless are the actions that change nothing, or come to the same however often they are done: nothing tells their repetitions.
	Keyless []string
}

// Failure is one way to fail.
type Failure struct {
	Name      string
	Connector connectors.Connector
	Call      connectors.Call // no idempotency key: the kit's own
	Kind      connectors.Kind
	Code      string
	After     time.Duration // at least
}

// patience bounds how long a call may take to notice that its context has ended.
const patience = 5 * time.Second

// Run tests the connector.
func Run(t *testing.T, k Kit) {
	logged := captureLog(t)
	t.Run("definition", k.definition)
	t.Run("actions answer", k.actions)
	t.Run("unknown action", k.unknownAction)
	t.Run("required inputs", k.requiredInputs)
	t.Run("failures", k.failures)
	t.Run("cancel", k.cancel)
	t.Run("deadline", k.deadline)
	t.Run("idempotency key", k.idempotencyKey)
	for _, secret := range k.Secrets {
		require.NotContains(t, logged.String(), secret, "a secret was logged")
	}
}

func (k Kit) definition(t *testing.T) {
	d := k.Connector.Definition()
	require.NotNil(t, d)
	require.Same(t, d, k.Connector.Definition(), "the definition is the same every time")
	require.True(t, connectors.ValidName(d.Name), "%q: %s", d.Name, connectors.NameRule)
	require.NotEmpty(t, d.Description)
	require.Positive(t, d.Policy.Timeout)
	require.Positive(t, d.Policy.Retry.Attempts, "retries end in an incident")
	require.Positive(t, d.Policy.Retry.Interval)
	require.GreaterOrEqual(t, d.Policy.Retry.Coefficient, 1.0)
	for _, feature := range append(slices.Clone(d.Actions), d.Events...) {
		require.NotEmpty(t, feature.Description, feature.Name)
		for _, p := range append(slices.Clone(feature.Inputs), feature.Outputs...) {
			require.NotEmpty(t, p.Description, "%s.%s", feature.Name, p.Name)
		}
	}
	for _, c := range d.Config {
		require.NotEmpty(t, c.Description, c.Name)
	}
	for _, action := range d.Actions {
		require.Contains(t, k.Samples, action.Name, "the kit has a sample for every action")
		require.NoError(t, d.CheckInputs(action.Name, k.Samples[action.Name]))
	}
	require.Len(t, k.Samples, len(d.Actions))
}

func (k Kit) actions(t *testing.T) {
	for _, action := range k.Connector.Definition().Actions {
		inputs, err := json.Marshal(k.Samples[action.Name])
		require.NoError(t, err)
		outputs, err := connectors.Do(t.Context(), k.Connector, k.call(action.Name))
		require.NoError(t, err)
		after, err := json.Marshal(k.Samples[action.Name])
		require.NoError(t, err)
		require.JSONEq(t, string(inputs), string(after), "inputs belong to the caller")
		for name, value := range outputs {
			i := slices.IndexFunc(action.Outputs, func(p connectors.Parameter) bool { return p.Name == name })
			require.GreaterOrEqual(t, i, 0, "%s returns %s, which its definition lacks", action.Name, name)
			if value != nil {
				require.NoError(t, action.Outputs[i].Type.Check(value), "output %s", name)
			}
		}
		_, err = json.Marshal(outputs)
		require.NoError(t, err)
	}
}

func (k Kit) unknownAction(t *testing.T) {
	_, err := k.Connector.Call(t.Context(), connectors.Call{Action: "NO_SUCH_ACTION", IdempotencyKey: "kit"})
	require.Error(t, err, "a connector refuses what it does not know even when nobody has checked before")
	require.Equal(t, connectors.Permanent, connectors.AsError(err).Kind)
	require.Contains(t, err.Error(), "NO_SUCH_ACTION")
}

func (k Kit) requiredInputs(t *testing.T) {
	d := k.Connector.Definition()
	for _, action := range d.Actions {
		for _, p := range action.Inputs {
			if !p.Required {
				continue
			}
			call := k.call(action.Name)
			call.Inputs = maps.Clone(call.Inputs)
			delete(call.Inputs, p.Name)
			err := d.CheckInputs(call.Action, call.Inputs)
			require.ErrorContains(t, err, p.Name, "a missing input is named")
			require.Equal(t, connectors.CodeMissingInput, connectors.AsError(err).Code)
		}
	}
}

func (k Kit) failures(t *testing.T) {
	require.NotEmpty(t, k.Failures)
	for _, f := range k.Failures {
		t.Run(f.Name, func(t *testing.T) {
			f.Call.IdempotencyKey = "kit"
			_, err := f.Connector.Call(t.Context(), f.Call)
			require.Error(t, err)
			failure := (*connectors.Error)(nil)
			require.True(t, errors.As(err, &failure), "the connector classifies its errors itself: %v", err)
			require.Equal(t, f.Kind.String()+" "+f.Code, failure.Kind.String()+" "+failure.Code, "%v", err)
			require.GreaterOrEqual(t, failure.After, f.After)
			require.NotEmpty(t, failure.Public)
			if failure.Kind == connectors.BPMN {
				require.True(t, f.Connector.Definition().Declares(f.Code), "%s is in the definition's errors", f.Code)
			}
			k.secretFree(t, err)
		})
	}
}

func (k Kit) cancel(t *testing.T) {
	for action := range k.Samples {
		stuck, entered := k.Stuck(t)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			_, err := stuck.Call(ctx, k.call(action))
			result <- err
		}()
		wait(t, entered, "the call reaches the other side")
		cancel()
		err := wait(t, result, "a cancelled call ends")
		require.ErrorIs(t, err, context.Canceled)
		k.secretFree(t, err)
	}
}

func (k Kit) deadline(t *testing.T) {
	for action := range k.Samples {
		stuck, _ := k.Stuck(t)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		result := make(chan error, 1)
		go func() {
			_, err := stuck.Call(ctx, k.call(action))
			result <- err
		}()
		err := wait(t, result, "a call past its deadline ends")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, connectors.Retryable, connectors.AsError(err).Kind, "slowness is worth a retry")
		k.secretFree(t, err)
	}
}

func (k Kit) idempotencyKey(t *testing.T) {
	seen := map[string]string{}
	for action := range k.Samples {
		if slices.Contains(k.Keyless, action) {
			continue
		}
		for _, key := range []string{"one", "two", "one"} {
			call := k.call(action)
			call.IdempotencyKey = key
			_, err := k.Connector.Call(t.Context(), call)
			require.NoError(t, err)
			now := k.Key()
			require.NotEmpty(t, now)
			if before, repeated := seen[action+key]; repeated {
				require.Equal(t, before, now, "a repetition is recognisable")
			}
			seen[action+key] = now
		}
		require.NotEqual(t, seen[action+"one"], seen[action+"two"], "different calls differ")
	}
}

func (k Kit) call(action string) connectors.Call {
	return connectors.Call{Action: action, IdempotencyKey: "kit", Inputs: k.Samples[action]}
}

func (k Kit) secretFree(t *testing.T, err error) {
	t.Helper()
	text := fmt.Sprintf("%v %+v %#v %s", err, err, err, connectors.AsError(err).Public)
	for _, secret := range k.Secrets {
		require.False(t, strings.Contains(text, secret), "an error tells a secret")
	}
}

func wait[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		require.FailNow(t, "not in time: "+what)
		panic("unreachable")
	}
}

// captureLog records what goes to the default logger while the kit runs.
func captureLog(t *testing.T) *bytes.Buffer {
	var logged bytes.Buffer // slog's handler locks its writes
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &logged
}
