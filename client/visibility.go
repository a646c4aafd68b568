package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
)

type execution = workflow.WorkflowExecutionInfo

// keyword reads a Keyword search attribute; "" when it is not set.
func keyword(e *execution, name string) string {
	var value string
	if p := e.GetSearchAttributes().GetIndexedFields()[name]; p != nil {
		_ = converter.GetDefaultDataConverter().FromPayload(p, &value) // another type reads as not set
	}
	return value
}

// attributesKnown is how long a server may take to know of new search attributes: its hosts ask for them once a minute.
const attributesKnown = 2 * time.Minute

// Literal makes a string literal of Temporal's list filter.
func Literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// EnsureSearchAttributes creates the search attributes that are missing in a namespace, and returns when the server takes them: its parts learn of
// them one after the other, some seconds later.
func (c *Client) EnsureSearchAttributes(ctx context.Context, namespace string) error {
	operator := c.Temporal.OperatorService()
	have, err := operator.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("list search attributes of namespace %q: %w", namespace, err)
	}
	missing := map[string]enums.IndexedValueType{}
	for _, name := range contract.KeywordAttributes() {
		missing[name] = enums.INDEXED_VALUE_TYPE_KEYWORD
	}
	for _, name := range contract.KeywordListAttributes() {
		missing[name] = enums.INDEXED_VALUE_TYPE_KEYWORD_LIST
	}
	maps.DeleteFunc(missing, func(name string, _ enums.IndexedValueType) bool {
		_, ok := have.GetCustomAttributes()[name]
		return ok
	})
	if len(missing) == 0 {
		return nil
	}
	_, err = operator.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing})
	if err != nil {
		return fmt.Errorf("create search attributes in namespace %q: %w\nan administrator can create them with\n%s",
			namespace, err, createCommand(namespace, missing))
	}
	return c.untilKnown(ctx, namespace, slices.Sorted(maps.Keys(missing)))
}

// untilKnown waits until a server can be asked for search attributes: it refuses a question with one that it does not know.
func (c *Client) untilKnown(ctx context.Context, namespace string, names []string) error {
	ctx, cancel := context.WithTimeout(ctx, attributesKnown)
	defer cancel()
	request := &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: strings.Join(names, " IS NULL AND ") + " IS NULL"}
	for {
		_, err := c.Temporal.CountWorkflow(ctx, request)
		if err == nil {
			return nil
		}
		if _, refused := errors.AsType[*serviceerror.InvalidArgument](err); !refused && ctx.Err() == nil {
			return fmt.Errorf("ask for the search attributes that were created in namespace %q: %w", namespace, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the search attributes that were created in namespace %q are not known after %s: %w", namespace, attributesKnown, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func createCommand(namespace string, missing map[string]enums.IndexedValueType) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  temporal operator search-attribute create --namespace %s", namespace)
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		fmt.Fprintf(&b, " --name %s --type %s", name, missing[name])
	}
	return b.String()
}
