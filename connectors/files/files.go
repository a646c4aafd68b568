package files

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"gocloud.dev/gcerrors"

	"github.com/waybill-io/waybill/connectors"
)

//go:embed files.json
var definition []byte

// Codes of this connector's own, listed in its definition.
const (
	codeExists    = "ALREADY_EXISTS"
	codeTooLarge  = "TOO_LARGE"
	codeForbidden = "FORBIDDEN"
	codeTimeout   = "TIMEOUT"
)

// Template is the connector as it is built in.
func Template() connectors.Template {
	return connectors.Template{Definition: connectors.MustParseDefinition("files.json", definition), New: fromSettings}
}

func fromSettings(i connectors.Instance) (connectors.Connector, error) {
	return &connector{definition: i.Definition, store: open(i.Settings), files: i.Files}, nil
}

type connector struct {
	definition *connectors.Definition
	store
	files connectors.Files // the worker's blob store
}

// Definition implements connectors.Connector.
func (c *connector) Definition() *connectors.Definition { return c.definition }

// Call implements connectors.Connector.
func (c *connector) Call(ctx context.Context, call connectors.Call) (map[string]any, error) {
	actions := map[string]func(context.Context, connectors.Call) (map[string]any, error){
		"PUT": c.put, "GET": c.get, "LIST": c.list, "DELETE": c.remove, "PRESIGN": c.presign,
	}
	action, ok := actions[call.Action]
	if !ok {
		return nil, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeUnknownAction,
			Public: fmt.Sprintf("%s has no action %q; it has PUT, GET, LIST, DELETE and PRESIGN", c.definition.Name, call.Action)}
	}
	if call.Action != "LIST" {
		key, _ := call.Inputs["key"].(string)
		if err := checkKey(key); err != nil {
			return nil, invalid("key: it %v", err)
		}
		if err := c.within(c.prefix + key); err != nil {
			return nil, err
		}
	}
	outputs, err := action(ctx, call)
	if err != nil {
		return nil, classify(ctx, err)
	}
	return outputs, nil
}

func invalid(format string, args ...any) *connectors.Error {
	return &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeInvalidInput, Public: fmt.Sprintf(format, args...)}
}

// classify turns a failure of a store into the connector's error.
func classify(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &connectors.Error{Kind: connectors.Retryable, Code: codeTimeout, Public: "the store did not answer in time; see CALL_TIMEOUT", Err: ctx.Err()}
	}
	if known := (*connectors.Error)(nil); errors.As(err, &known) {
		return known
	}
	failure := &connectors.Error{Kind: connectors.Retryable, Code: connectors.CodeUnknown, Public: "the store failed", Err: err}
	switch code := gcerrors.Code(err); {
	case code == gcerrors.NotFound:
		failure.Kind, failure.Code, failure.Public, failure.Err = connectors.BPMN, connectors.CodeNotFound, "there is no such file", nil
	case code == gcerrors.PermissionDenied, errors.Is(err, fs.ErrPermission):
		failure.Kind, failure.Code, failure.Public = connectors.Permanent, codeForbidden, "the worker may not do this there"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, fs.ErrExist):
		failure.Kind, failure.Code, failure.Public = connectors.BPMN, connectors.CodeInvalidInput, "key: a part of it is a file, or it is a folder"
	}
	return failure
}

var (
	_ connectors.Connector = (*connector)(nil)
	_ connectors.Receiver  = (*connector)(nil)
)
