package script

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/waybill-io/waybill/connectors"
)

//go:embed script.json
var definition []byte

// Codes of this connector's own, listed in its definition.
const (
	codeScript   = "SCRIPT_ERROR"
	codeTime     = "TIME_LIMIT"
	codeMemory   = "MEMORY_LIMIT"
	codeTooLarge = connectors.CodeTooLarge
	codeTimeout  = "TIMEOUT"
)

// Template is the connector as it is built in.
func Template() connectors.Template {
	return connectors.Template{Definition: connectors.MustParseDefinition("script.json", definition), New: fromSettings}
}

func fromSettings(i connectors.Instance) (connectors.Connector, error) {
	s := i.Settings
	c := &connector{
		definition: i.Definition,
		timeout:    s.Duration("SCRIPT_TIMEOUT", 5*time.Second),
		memory:     s.Int("SCRIPT_MAX_MEMORY", 64, 16, 4096),
		maxResult:  s.Int("SCRIPT_MAX_RESULT", 256<<10, 1<<10, connectors.MaxOutputs-maxLog-1<<10), // what is logged is an output, too
		slots:      make(chan struct{}, s.Int("SCRIPT_AT_ONCE", 4, 1, 100)),
		runner:     s.Text("SCRIPT_RUNNER"),
	}
	if c.timeout < 10*time.Millisecond || c.timeout > time.Hour {
		s.Errorf("SCRIPT_TIMEOUT", "%v is not from 10ms to 1h", c.timeout)
	}
	if c.runner == "" {
		c.runner = itself()
	}
	return c, nil
}

type connector struct {
	definition *connectors.Definition
	timeout    time.Duration
	memory     int // MiB
	maxResult  int
	slots      chan struct{}
	runner     string // "": there is none
}

// Definition implements connectors.Connector.
func (c *connector) Definition() *connectors.Definition { return c.definition }

// Call implements connectors.Connector: the action RUN.
func (c *connector) Call(ctx context.Context, call connectors.Call) (map[string]any, error) {
	if call.Action != "RUN" {
		return nil, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeUnknownAction, Public: fmt.Sprintf("%s has no action %q; it has RUN", c.definition.Name, call.Action)}
	}
	if c.runner == "" {
		return nil, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeNotConfigured, Public: "this program runs no scripts by itself: set SCRIPT_RUNNER to a worker program, then retry"}
	}
	variables, ok := call.Inputs["variables"].(map[string]any)
	if !ok && call.Inputs["variables"] != nil && call.Inputs["variables"] != "" {
		return nil, &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeInvalidInput, Public: "variables: an object is expected, of which each entry is a global of the script"}
	}
	source, _ := call.Inputs["script"].(string)
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, late(ctx)
	}
	a, err := c.run(ctx, request{Script: source, Variables: variables, Memory: c.memory, MaxResult: c.maxResult})
	if err != nil {
		return nil, err
	}
	return c.outputs(a)
}

func late(ctx context.Context) error {
	return &connectors.Error{Kind: connectors.Retryable, Code: codeTimeout, Public: "the call took too long; see CALL_TIMEOUT and SCRIPT_AT_ONCE", Err: ctx.Err()}
}

// outputs are those of an answer, or its error.
func (c *connector) outputs(a answer) (map[string]any, error) {
	if a.Code == "" {
		result, err := connectors.ReadJSON(a.Result)
		if err != nil {
			return nil, broken(err)
		}
		log := make([]any, len(a.Log))
		for i, line := range a.Log {
			log[i] = line
		}
		return map[string]any{"result": result, "log": log}, nil
	}
	public := a.Message
	switch a.Code {
	case codeMemory:
		public = fmt.Sprintf("the script took more than %d MiB of memory; see SCRIPT_MAX_MEMORY", c.memory)
	case codeTooLarge:
		public = fmt.Sprintf("the result takes more than %d bytes; see SCRIPT_MAX_RESULT", c.maxResult)
	case codeTime:
		public = fmt.Sprintf("the script ran longer than %v; see SCRIPT_TIMEOUT", c.timeout)
	}
	return nil, &connectors.Error{Kind: connectors.BPMN, Code: a.Code, Public: public}
}

func broken(err error) error {
	return &connectors.Error{Kind: connectors.Retryable, Code: connectors.CodeUnknown, Public: "the process that runs the script broke off", Err: err}
}

var _ connectors.Connector = (*connector)(nil)
