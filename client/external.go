package client

import (
	"context"
	"fmt"
	"strings"

	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

// ExternalTasks asks an instance for its external tasks, those that are incidents among them.
func (c *Client) ExternalTasks(ctx context.Context, instance string) (list []contract.OpenExternalTask, err error) {
	if err := c.query(ctx, instance, contract.ExternalTasksQuery, &list); err != nil {
		return nil, fmt.Errorf("ask instance %q for its external tasks: %w", instance, err)
	}
	return list, nil
}

// ExternalFilter narrows where external tasks are looked for. Empty fields do not.
type ExternalFilter struct {
	Topics []string // nil: all; none: nothing is found
	Keys   []string // of processes
	Failed bool     // only instances that have an incident
}

// ExternalInstances calls fn with the instances that run and may have external tasks, the newest first, at most limit of them, until it gives
// false. It reads Temporal's visibility store, which is some moments behind.
func (c *Client) ExternalInstances(ctx context.Context, f ExternalFilter, limit int, fn func(id string) bool) error {
	query := "ExecutionStatus = 'Running' AND " + contract.TopicsAttribute
	switch {
	case f.Topics == nil:
		query += " IS NOT NULL"
	case len(f.Topics) == 0:
		return nil
	default:
		query += " IN (" + literals(append(contract.ShownTopics(f.Topics), contract.AnyTopic)) + ")"
	}
	if len(f.Keys) > 0 {
		query += " AND WorkflowType IN (" + literals(f.Keys) + ")"
	}
	if f.Failed { // one that is suspended by an operator may have incidents, too
		query += " AND " + contract.StateAttribute + " IN (" + literals([]string{contract.StateSuspended, contract.StatePaused}) + ")"
	}
	err := c.visit(ctx, query, limit, func(e *execution) bool { return fn(e.GetExecution().GetWorkflowId()) })
	if err != nil {
		return fmt.Errorf("look for instances with external tasks: %w", err)
	}
	return nil
}

func literals(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = Literal(s)
	}
	return strings.Join(quoted, ", ")
}

// topics is the attribute that an instance of a definition starts with, when it may have external tasks: those whose topics are expressions, it
// adds itself.
func (c *Client) topics(d contract.Definition) ([]sdk.SearchAttributeUpdate, error) {
	p, err := c.models.Process(d, engine.Version)
	if err != nil {
		return nil, err
	}
	shown := contract.ShownTopics(p.Topics())
	if len(shown) == 0 {
		return nil, nil
	}
	return []sdk.SearchAttributeUpdate{sdk.NewSearchAttributeKeyKeywordList(contract.TopicsAttribute).ValueSet(shown)}, nil
}
