package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	temporal "go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
)

// AlertRules returns the rules of alerts that are deployed, in order of their names.
func (c *Client) AlertRules(ctx context.Context) ([]contract.RegistryEntry, error) {
	entries, err := c.Entries(ctx, contract.AlertRulesID)
	if err != nil {
		return nil, fmt.Errorf("read the rules of alerts: %w", err)
	}
	return entries, nil
}

// AlertRule returns a rule that is deployed.
func (c *Client) AlertRule(ctx context.Context, name string) (contract.RegistryEntry, error) {
	found, err := c.some(ctx, contract.AlertRulesID, name)
	switch {
	case err != nil:
		return contract.RegistryEntry{}, fmt.Errorf("read alert rule %q: %w", name, err)
	case len(found) == 0:
		return contract.RegistryEntry{}, fmt.Errorf("alert rule %q, see `starter alert rule list`: %w", name, ErrNotFound)
	}
	return found[0], nil
}

// PutAlertRule deploys a rule. It is of effect within seconds.
func (c *Client) PutAlertRule(ctx context.Context, name string, rule json.RawMessage) error {
	if err := c.Put(ctx, contract.AlertRulesID, name, rule); err != nil {
		return fmt.Errorf("deploy alert rule %q: %w", name, err)
	}
	return nil
}

// RemoveAlertRule removes a rule. What it has not told yet is told to nobody.
func (c *Client) RemoveAlertRule(ctx context.Context, name string) error {
	if _, err := c.AlertRule(ctx, name); err != nil {
		return err
	}
	if err := c.Remove(ctx, contract.AlertRulesID, name); err != nil {
		return fmt.Errorf("remove alert rule %q: %w", name, err)
	}
	return nil
}

// SendAlerts hands alerts to the workflow of their rule, which is started when there is none.
func (c *Client) SendAlerts(ctx context.Context, b contract.AlertBatch) error {
	id := contract.AlertsID(b.Rule)
	_, err := c.Temporal.SignalWithStartWorkflow(ctx, id, contract.AlertsSignal, b, temporal.StartWorkflowOptions{
		ID: id, TaskQueue: contract.ProcessQueue, StaticSummary: "alerts of the rule " + b.Rule,
	}, contract.AlertsWorkflow, contract.AlertsState{Rule: b.Rule, Policy: b.Policy})
	if err != nil {
		return fmt.Errorf("hand alerts to rule %q: %w", b.Rule, err)
	}
	return nil
}

// TryAlert has a worker take an alert as it takes every alert.
func (c *Client) TryAlert(ctx context.Context, a contract.Alert) (contract.AlertResult, error) {
	var result contract.AlertResult
	err := c.ask(ctx, temporal.StartActivityOptions{
		ID: "alert/" + rand.Text(), TaskQueue: contract.AlertQueue, ScheduleToCloseTimeout: time.Minute,
	}, contract.AlertActivity, &result, a)
	if err != nil {
		return result, fmt.Errorf("raise an alert (is a worker with the role process running?): %w", err)
	}
	return result, nil
}

// AlertGroups returns what the workflow of a rule holds; nothing when it has no open group.
func (c *Client) AlertGroups(ctx context.Context, rule string) (contract.AlertsState, error) {
	var state contract.AlertsState
	err := c.query(ctx, contract.AlertsID(rule), contract.AlertsQuery, &state)
	if errors.Is(err, ErrNotFound) {
		return contract.AlertsState{Rule: rule}, nil
	}
	if err != nil {
		return state, fmt.Errorf("read the alerts of rule %q: %w", rule, err)
	}
	return state, nil
}

// maxAlertRules bounds the rules whose groups are read.
const maxAlertRules = 1000

// OpenAlerts returns the open groups of all rules. It finds the rules through Temporal's visibility store, which is some moments behind.
func (c *Client) OpenAlerts(ctx context.Context) ([]contract.AlertsState, error) {
	var rules []string
	query := "WorkflowType = " + Literal(contract.AlertsWorkflow) + " AND ExecutionStatus = 'Running'"
	err := c.visit(ctx, query, maxAlertRules, func(e *execution) bool {
		rules = append(rules, strings.TrimPrefix(e.GetExecution().GetWorkflowId(), contract.AlertsID("")))
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("list the rules that have open alerts: %w", err)
	}
	slices.Sort(rules)
	rules = slices.Compact(rules)
	states := make([]contract.AlertsState, len(rules))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(askedAtOnce)
	for i, rule := range rules {
		group.Go(func() (err error) {
			states[i], err = c.AlertGroups(ctx, rule)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(states, func(s contract.AlertsState) bool { return len(s.Groups) == 0 }), nil
}

// AlertHealth says how alerting is: a broken mail server shows here.
type AlertHealth struct {
	Status  string    `json:"status"`           // ok; waiting: a message has waited for long; failing: somebody was not told of the last of a group; unknown
	Cause   string    `json:"cause,omitempty"`  // of a status that is not ok
	Groups  int       `json:"groups"`           // that are open
	Pending int       `json:"pending"`          // messages that are on their way
	Since   time.Time `json:"since,omitzero"`   // when the oldest of them began
	Held    int       `json:"held"`             // groups that wait for the end of quiet hours
	Failed  int64     `json:"failed"`           // messages that were given up, of the rules with open groups
	Untold  int       `json:"untold,omitempty"` // groups that no rule takes
}

// lateMessage is when a message on its way is late: a mail takes seconds.
const lateMessage = 2 * time.Minute

// AlertHealth asks the workflows of all rules with open groups.
func (c *Client) AlertHealth(ctx context.Context) AlertHealth {
	states, err := c.OpenAlerts(ctx)
	if err != nil {
		return AlertHealth{Status: "unknown", Cause: err.Error()}
	}
	return alertHealth(states, time.Now())
}

func alertHealth(states []contract.AlertsState, now time.Time) AlertHealth {
	h := AlertHealth{Status: "ok"}
	for _, s := range states {
		h.Groups += len(s.Groups)
		h.Failed += s.Failed
		for _, g := range s.Groups {
			if s.Policy.Silent && !g.Test {
				h.Untold++
			}
			if g.Held {
				h.Held++
			}
			if g.Sending != nil {
				h.Pending++
				if h.Since.IsZero() || g.Sending.Since.Before(h.Since) {
					h.Since = g.Sending.Since
				}
			}
			if g.Failed && !g.Test {
				h.Status, h.Cause = "failing", fmt.Sprintf("rule %s: %s", s.Rule, g.Result)
			}
		}
	}
	if !h.Since.IsZero() && now.Sub(h.Since) > lateMessage {
		h.Status, h.Cause = "waiting", fmt.Sprintf("a message has waited since %s: see the mail server with `starter email test`", h.Since.UTC().Format(time.RFC3339))
	}
	return h
}

// Stands tells whether what an alert is about still is so: of an incident, whether it is open, of a mailbox, whether it is stopped, of a
// credential, whether it is broken or ends soon, of the indexer, whether it is late or fails. Of what cannot be asked it is taken to be so.
func (c *Client) Stands(ctx context.Context, s contract.AlertSample) bool {
	switch s.Source {
	case contract.AlertProcess:
		if s.Incident == 0 {
			return true
		}
		r, err := c.Get(ctx, s.ProcessID)
		if err != nil {
			return !errors.Is(err, ErrNotFound)
		}
		return slices.ContainsFunc(r.Incidents, func(i contract.Incident) bool { return i.ID == s.Incident })
	case contract.AlertMailbox:
		var m contract.MailboxState
		if err := c.query(ctx, s.ProcessID, contract.MailboxQuery, &m); err != nil {
			return !errors.Is(err, ErrNotFound)
		}
		return m.Stopped != nil || m.Alarm != nil
	case contract.AlertIndexer:
		if s.ProcessID != contract.IndexerID { // the archive: it stands as long as the workflow that fails runs
			d, err := c.Temporal.DescribeWorkflowExecution(ctx, s.ProcessID, "")
			if err = readable(err); err != nil {
				return !errors.Is(err, ErrNotFound)
			}
			return d.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
		}
		r, err := c.IndexerState(ctx)
		if err != nil {
			return !errors.Is(err, ErrNotFound)
		}
		return r.Alarm != nil
	case contract.AlertCredential:
		r, err := c.Credential(ctx, strings.TrimPrefix(s.ProcessID, contract.CredentialID("")))
		if err != nil {
			return !errors.Is(err, ErrNotFound)
		}
		return r.State == CredentialBroken || r.ends(time.Now())
	}
	return true
}
