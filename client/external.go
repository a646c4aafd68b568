package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/api/serviceerror"
	sdk "go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

// ExternalTasks asks an instance for its external tasks, those that are incidents among them.
func (c *Client) ExternalTasks(ctx context.Context, instance string) (list []contract.OpenExternalTask, err error) {
	err = c.query(ctx, instance, contract.ExternalTasksQuery, &list)
	if failed, ok := errors.AsType[*serviceerror.QueryFailed](err); ok && strings.Contains(failed.Message, "unknown queryType") { // in the words of Temporal's SDK
		err = fmt.Errorf("%w: it is no instance of a process", ErrNotFound)
	}
	if err != nil {
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

// DeployedTopics are those of the external tasks of deployed processes, in their latest versions, as far as they are no expressions, by name. of
// tells whether a tenant counts. It asks for each process, lookAtOnce at a time.
func (c *Client) DeployedTopics(ctx context.Context, of func(tenant string) bool) ([]string, error) {
	keys, err := c.ProcessKeys(ctx)
	if err != nil {
		return nil, err
	}
	found := make([][]string, len(keys))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookAtOnce)
	for i, key := range keys {
		g.Go(func() error {
			d, err := c.Definition(ctx, key, 0)
			if errors.Is(err, ErrNotFound) || err == nil && !of(d.Tenant) {
				return nil // undeployed since, or another's
			}
			if err != nil {
				return err
			}
			if p, err := c.models.Process(d, engine.Version); err == nil { // else none of its instances could start
				found[i] = p.Topics()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	topics := slices.Concat(found...)
	slices.Sort(topics)
	return slices.Compact(topics), nil
}

// lookAtOnce is how many processes are asked at a time.
const lookAtOnce = 16

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
