package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
)

// Deploy makes a definition the latest version of its process, unless it equals the latest already. Its timer and
// message start events count when Deploy returns.
func (c *Client) Deploy(ctx context.Context, d contract.Definition) (contract.DeployResult, error) {
	var result contract.DeployResult
	err := c.updateWithStart(ctx, contract.DefinitionID(d.Key), contract.DefinitionWorkflow, contract.DeployUpdate,
		contract.DefinitionState{}, d, &result)
	if err != nil {
		return result, fmt.Errorf("deploy process %q: %w", d.Key, err)
	}
	return result, nil
}

// Definition returns a deployed version of a process; version 0 is the latest.
func (c *Client) Definition(ctx context.Context, key string, version int) (contract.Definition, error) {
	var d contract.Definition
	err := c.query(ctx, contract.DefinitionID(key), contract.DefinitionQuery, &d, version)
	switch {
	case errors.Is(err, ErrNotFound):
		return d, fmt.Errorf("process %q is not deployed (deploy its model with `starter deploy FILE`): %w", key, err)
	case err != nil:
		return d, fmt.Errorf("read definition of process %q: %w", key, err)
	case d.Key == "" && version == 0:
		return d, fmt.Errorf("process %q is not deployed any more (deploy its model with `starter deploy FILE`): %w", key, ErrNotFound)
	case d.Key == "":
		return d, fmt.Errorf("process %q has no version %d: %w", key, version, ErrNotFound)
	}
	return d, nil
}

// DefinitionFor returns what a start needs: a version of a process, the newest one with a tag, or, with neither, the latest.
func (c *Client) DefinitionFor(ctx context.Context, key string, version int, tag string) (contract.Definition, error) {
	if tag == "" {
		d, err := c.Definition(ctx, key, version)
		if err == nil {
			err = startable(d)
		}
		return d, err
	}
	list, err := c.Versions(ctx, key)
	if err != nil {
		return contract.Definition{}, err
	}
	for _, v := range slices.Backward(list) {
		if v.VersionTag == tag {
			return c.DefinitionFor(ctx, key, v.Version, "")
		}
	}
	return contract.Definition{}, fmt.Errorf("process %q has no version with the tag %q: %w", key, tag, ErrNotFound)
}

// Versions lists the deployed versions of a process, the oldest first.
func (c *Client) Versions(ctx context.Context, key string) ([]contract.VersionInfo, error) {
	var list []contract.VersionInfo
	err := c.query(ctx, contract.DefinitionID(key), contract.VersionsQuery, &list)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("process %q is not deployed (deploy its model with `starter deploy FILE`): %w", key, err)
	}
	if err != nil {
		return nil, fmt.Errorf("list the versions of process %q: %w", key, err)
	}
	return list, nil
}

// Undeploy removes a process: no instance starts any more, those that run go on.
func (c *Client) Undeploy(ctx context.Context, key string) error {
	if _, err := c.Definition(ctx, key, 0); err != nil {
		return err
	}
	if err := c.update(ctx, contract.DefinitionID(key), contract.UndeployUpdate, nil, nil); err != nil {
		return fmt.Errorf("undeploy process %q: %w", key, err)
	}
	return nil
}

// ProcessKeys are the processes that are deployed, as far as the visibility store knows.
func (c *Client) ProcessKeys(ctx context.Context) ([]string, error) {
	var keys []string
	query := "WorkflowType = " + Literal(contract.DefinitionWorkflow) + " AND ExecutionStatus = 'Running'"
	err := c.visit(ctx, query, 10_000, func(e *execution) bool {
		keys = append(keys, strings.TrimPrefix(e.GetExecution().GetWorkflowId(), contract.DefinitionID("")))
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("list the processes that are deployed: %w", err)
	}
	return keys, nil
}

// SuspendDefinition lets no instance of a process start, or lets them start again.
func (c *Client) SuspendDefinition(ctx context.Context, key string, suspended bool) error {
	if _, err := c.Definition(ctx, key, 0); err != nil {
		return err
	}
	if err := c.update(ctx, contract.DefinitionID(key), contract.SuspendDefinitionUpdate, suspended, nil); err != nil {
		return fmt.Errorf("suspend or resume process %q: %w", key, err)
	}
	return nil
}

// startable refuses a suspended definition.
func startable(d contract.Definition) error {
	if d.Suspended {
		return &Error{Type: "refused", Message: fmt.Sprintf("process %q is suspended: resume it with `starter definition resume %s`", d.Key, d.Key)}
	}
	return nil
}
