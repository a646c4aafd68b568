package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	sdk "go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/project"
)

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// shell runs one command line against a server that gives prepared answers.
type shell struct {
	*app
	out, err bytes.Buffer
}

func newShell(server *fakeTemporal) *shell {
	return &shell{app: &app{dial: server.dial, answerIn: time.Minute, poll: time.Millisecond}}
}

func (s *shell) run(ctx context.Context, args ...string) int {
	return run(ctx, s.app, args, strings.NewReader(`{"customer":"ada","n":12345678901234567890}`), &s.out, &s.err)
}

func instance() contract.ProcessResult {
	return contract.ProcessResult{
		ID: "order/1", Definition: contract.DefinitionRef{Key: "order", Version: 2}, BusinessKey: "K-1", State: contract.StateSuspended,
		Variables: map[string]any{"n": 1, "customer": "ada <a@b.c>"}, Path: []string{"start"}, Active: []string{"notify"},
		Incidents: []contract.Incident{{ID: 3, Element: "notify", Code: "SEND", Message: "mail was\nrefused", At: noon}},
	}
}

func userTask() contract.Task {
	due := noon.Add(time.Hour)
	return contract.Task{
		ID: "task/order/1/4", Name: "Check", Element: "check", Instance: "order/1", Definition: contract.DefinitionRef{Key: "order", Version: 2},
		BusinessKey: "K-1", State: contract.TaskOpen, CandidateUsers: []string{"ada"}, CandidateGroups: []string{"on-call"},
		Due: &due, Priority: 50, Description: "Look at it.", Created: noon, Variables: map[string]any{"n": 1},
	}
}

func mailbox() contract.MailboxState {
	return contract.MailboxState{
		Config: contract.MailboxConfig{
			Name: "support", Host: "imap.example.com", Port: 993, TLS: "implicit", Username: "support@example.com",
			Password: "env:SUPPORT_PASSWORD", Folder: "INBOX", MaxBytes: 50 << 20, PollMS: 60_000, LeaseMS: 30_000,
		},
		Places: []contract.Place{{Folder: "INBOX", Cursor: "7:12"}}, Started: 9, Ignored: 2, Dead: 1, LastMail: noon,
		DeadLetters: []contract.DeadLetter{{N: 1, Folder: "INBOX", ID: "7-11", From: "eve@example.com", Subject: "Bom\tb", Size: 60 << 20, Reason: "too large", At: noon}},
		LastError:   "connection reset", LastErrorAt: noon,
	}
}

// executions are what visibility finds: an instance, or whatever has this id and type.
func executions(t *testing.T, id, kind, state string) []*workflow.WorkflowExecutionInfo {
	return []*workflow.WorkflowExecutionInfo{{
		Execution: &common.WorkflowExecution{WorkflowId: id}, Type: &common.WorkflowType{Name: kind},
		StartTime: timestamppb.New(noon), Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		SearchAttributes: &common.SearchAttributes{IndexedFields: map[string]*common.Payload{
			contract.StateAttribute: payload(t, state), contract.BusinessKeyAttribute: payload(t, "K-1"),
		}},
	}}
}

func deadEvent() contract.EventState {
	return contract.EventState{
		Source: "connector.shop.SOLD", ID: "7", Tries: 2, At: noon, Fired: []contract.Firing{{Trigger: "case", Done: "case/event-1"}},
		Failed: []contract.EventFailure{{Trigger: "print", Reason: "shop.PRINT: paper\njam"}},
	}
}

// registered is a trigger as the registry answers it.
func registered(t *testing.T) []contract.RegistryEntry {
	p, err := project.Load([]string{"testdata/order-mail.json"}, project.Options{})
	require.NoError(t, err)
	return []contract.RegistryEntry{{ID: "order-mail", Value: p.Triggers[0].Raw}}
}

// deployedOrder is a definition as a worker answers it.
func deployedOrder(t *testing.T) contract.Definition {
	p, err := project.Load([]string{"testdata/order.bpmn"}, project.Options{})
	require.NoError(t, err)
	d := p.Definitions[0]
	d.Version = 2
	return d
}

func TestCommands(t *testing.T) {
	completed := instance()
	completed.State, completed.Incidents, completed.Active, completed.Path = contract.StateCompleted, nil, nil, []string{"start", "notify", "end"}
	cancelled := completed
	cancelled.State = contract.StateCancelled
	ended := func(r contract.ProcessResult) func(context.Context) (any, error) {
		return func(context.Context) (any, error) { return r, nil }
	}
	never := func(ctx context.Context) (any, error) { <-ctx.Done(); return nil, ctx.Err() }
	refusal := sdk.NewNonRetryableApplicationError("nobody waits for message \"paid\" with key \"K\"", contract.NobodyWaits, nil)

	tests := map[string]struct {
		server fakeTemporal
		args   string
	}{
		"list":                  {args: "list --key order --state active --business-key K-1 --limit 5", server: fakeTemporal{list: executions(t, "order/1", "order", "active")}},
		"list-none":             {args: "list"},
		"incident-skip":         {args: "incident skip order/1", server: fakeTemporal{answers: map[string]any{"order/1 incident": completed}}},
		"variables-set":         {args: "variables set order/1 --var n=2", server: fakeTemporal{answers: map[string]any{"order/1 variables": nil, "order/1 state": instance()}}},
		"variables-set-nothing": {args: "variables set order/1"},
		"instance-suspend":      {args: "instance suspend order/1", server: fakeTemporal{answers: map[string]any{"order/1 suspend": nil, "order/1 state": instance()}}},
		"instance-activate":     {args: "instance activate order/1 call", server: fakeTemporal{answers: map[string]any{"order/1 activate": nil, "order/1 state": instance()}}},
		"signal":                {args: "signal alarm --var n=1 --id x", server: fakeTemporal{answers: map[string]any{"signal/alarm broadcast": contract.BroadcastResult{Delivered: 2, Started: []string{"a/1"}}}}},
		"definition-list": {args: "definition list order", server: fakeTemporal{answers: map[string]any{
			"definition/order versions": []contract.VersionInfo{{Version: 1, Digest: "0123456789abcdef", VersionTag: "1.0"}, {Version: 2, Digest: "fedcba9876543210"}},
		}}},
		"definition-suspend":     {args: "definition suspend order", server: fakeTemporal{answers: map[string]any{"definition/order get": deployedOrder(t), "definition/order suspend": nil}}},
		"undeploy":               {args: "undeploy order", server: fakeTemporal{answers: map[string]any{"definition/order get": deployedOrder(t), "definition/order undeploy": nil}}},
		"task-delegate":          {args: "task delegate task/order/1/4 --user bob", server: fakeTemporal{answers: map[string]any{"task/order/1/4 delegate": userTask()}}},
		"task-resolve":           {args: "task resolve task/order/1/4 --var ok=true", server: fakeTemporal{answers: map[string]any{"task/order/1/4 resolve": userTask()}}},
		"task-fail":              {args: "task fail task/order/1/4 --code BAD --message broken", server: fakeTemporal{answers: map[string]any{"task/order/1/4 task": userTask(), "order/1 task-answer": nil}}},
		"task-fail-without-code": {args: "task fail task/order/1/4"},
		"task-list-filtered": {args: "task list --text nothing --due-before 2026-12-24 --unassigned --candidate a,b --skip 1", server: fakeTemporal{
			list: executions(t, "task/order/1/4", contract.TaskWorkflow, ""), answers: map[string]any{"task/order/1/4 task": userTask()},
		}},
		"list-refused": {args: "list --state sleeping"},
		"get":          {args: "get order/1", server: fakeTemporal{answers: map[string]any{"order/1 state": instance()}}},
		"get-missing":  {args: "get order/1"},
		"get-no-worker": {args: "get order/1", server: fakeTemporal{answers: map[string]any{
			"order/1 state": serviceerror.NewFailedPrecondition("no poller seen for task queue recently, worker may be down"),
		}}},
		"cancel": {args: "cancel order/1", server: fakeTemporal{answers: map[string]any{"order/1 cancel": nil}}},
		"start": {args: `start order --id order/1 --var n=1 --var s=text --var t="1" --var-file -`,
			server: fakeTemporal{answers: map[string]any{"definition/order get": deployedOrder(t)}}},
		"start-again": {args: "start order --id order/1", server: fakeTemporal{answers: map[string]any{
			"definition/order get": deployedOrder(t), "order/1 state": instance(),
			"order/1 start": serviceerror.NewWorkflowExecutionAlreadyStarted("started", "", ""),
		}}},
		"start-unknown": {args: "start order"},
		"start-wait": {args: "start order --id order/1 --wait", server: fakeTemporal{
			answers: map[string]any{"definition/order get": deployedOrder(t)}, result: ended(completed),
		}},
		"start-wait-cancelled": {args: "start order --id order/1 --wait", server: fakeTemporal{
			answers: map[string]any{"definition/order get": deployedOrder(t)}, result: ended(cancelled),
		}},
		"start-wait-terminated": {args: "start order --id order/1 --wait", server: fakeTemporal{
			answers: map[string]any{"definition/order get": deployedOrder(t)},
			result:  func(context.Context) (any, error) { return nil, &sdk.WorkflowExecutionError{} },
		}},
		"start-wait-timeout": {args: "start order --id order/1 --wait --timeout 300ms", server: fakeTemporal{
			answers: map[string]any{"definition/order get": deployedOrder(t), "order/1 state": instance()}, result: never,
		}},
		"message":         {args: "message paid --key K --var amount=250 --ttl 1h --id m1", server: fakeTemporal{answers: map[string]any{"message/paid/K publish": contract.PublishResult{Delivered: "order/1"}}}},
		"message-kept":    {args: "message paid --key K", server: fakeTemporal{answers: map[string]any{"message/paid/K publish": contract.PublishResult{Kept: true}}}},
		"message-refused": {args: "message paid --key K", server: fakeTemporal{answers: map[string]any{"message/paid/K publish": refusal}}},
		"task-list": {args: "task list --candidate on-call", server: fakeTemporal{
			list: executions(t, "task/order/1/4", contract.TaskWorkflow, ""), answers: map[string]any{"task/order/1/4 task": userTask()},
		}},
		"task-get":      {args: "task get task/order/1/4", server: fakeTemporal{answers: map[string]any{"task/order/1/4 task": userTask()}}},
		"task-claim":    {args: "task claim task/order/1/4 --user ada", server: fakeTemporal{answers: map[string]any{"task/order/1/4 claim": userTask()}}},
		"task-complete": {args: "task complete task/order/1/4 --user ada --var ok=true", server: fakeTemporal{answers: map[string]any{"task/order/1/4 complete": userTask()}}},
		"incident-list": {args: "incident list", server: fakeTemporal{
			list: executions(t, "order/1", "order", "suspended"), answers: map[string]any{"order/1 state": instance()},
		}},
		"incident-retry": {args: "incident retry order/1 --incident 3", server: fakeTemporal{answers: map[string]any{"order/1 incident": completed}}},
		"incident-resolve": {args: "incident resolve order/1 --element notify --var ok=true",
			server: fakeTemporal{answers: map[string]any{"order/1 incident": completed}}},
		"mailbox-add": {args: "mailbox add support --host imap.example.com --tls none --allow-plain --username support --password env:SUPPORT_PASSWORD --from all --max-size 25MB --poll 90s",
			server: fakeTemporal{answers: map[string]any{"mailbox/support configure": nil}}},
		"mailbox-list": {args: "mailbox list", server: fakeTemporal{
			list: executions(t, "mailbox/support", contract.MailboxWorkflow, ""), answers: map[string]any{"mailbox/support status": mailbox()},
		}},
		"mailbox-status": {args: "mailbox status support", server: fakeTemporal{
			answers: map[string]any{"mailbox/support status": mailbox()},
			pending: []*workflow.PendingActivityInfo{{
				ActivityType: &common.ActivityType{Name: contract.WatchGroupActivity},
				HeartbeatDetails: &common.Payloads{Payloads: []*common.Payload{payload(t, []contract.WatchStatus{
					{Mailbox: "orders", Connected: true, Worker: "w1"}, {Mailbox: "support", Cause: "login refused", Worker: "w1"},
				})}},
			}},
		}},
		"mailbox-missing":    {args: "mailbox status support"},
		"mailbox-removed":    {args: "mailbox status support", server: fakeTemporal{closed: true, answers: map[string]any{"mailbox/support status": mailbox()}}},
		"mailbox-pause":      {args: "mailbox pause support", server: fakeTemporal{answers: map[string]any{"mailbox/support pause": nil}}},
		"trigger-test":       {args: "trigger test testdata/order-mail.json --eml testdata/order.eml"},
		"trigger-test-none":  {args: "trigger test testdata/order-mail.json --eml testdata/other.eml"},
		"trigger-test-event": {args: "trigger test testdata/sold.json --event testdata/sold-event.json"},
		"trigger-test-usage": {args: "trigger test testdata/sold.json"},
		"trigger-list": {args: "trigger list", server: fakeTemporal{
			list:    executions(t, "triggers/connector.orders.EMAIL_RECEIVED", contract.RegistryWorkflow, ""),
			answers: map[string]any{"triggers/connector.orders.EMAIL_RECEIVED list": registered(t)},
		}},
		"trigger-show":    {args: "trigger show connector.orders.EMAIL_RECEIVED order-mail", server: fakeTemporal{answers: map[string]any{"triggers/connector.orders.EMAIL_RECEIVED list": registered(t)}}},
		"trigger-missing": {args: "trigger show connector.orders.EMAIL_RECEIVED other"},
		"trigger-delete": {args: "trigger delete connector.orders.EMAIL_RECEIVED order-mail", server: fakeTemporal{answers: map[string]any{
			"triggers/connector.orders.EMAIL_RECEIVED list": registered(t), "triggers/connector.orders.EMAIL_RECEIVED remove": nil,
		}}},
		"events-status":      {args: "events status", server: fakeTemporal{answers: map[string]any{"indexer state": indexerAway()}, pending: indexerFails()}},
		"events-status-none": {args: "events status"},
		"events-pause":       {args: "events pause", server: fakeTemporal{answers: map[string]any{"indexer pause": nil}}},
		"events-resume":      {args: "events resume", server: fakeTemporal{answers: map[string]any{"indexer resume": nil}}},
		"events-run":         {args: "events run", server: fakeTemporal{answers: map[string]any{"indexer run": 8}}},
		"events-run-paused":  {args: "events run", server: fakeTemporal{answers: map[string]any{"indexer run": sdk.NewApplicationError("it is paused; resume it first", "refused")}}},
		"events-run-wait":    {args: "events run --wait", server: fakeTemporal{answers: map[string]any{"indexer run": 6, "indexer state": indexerAway()}}},
		"events-run-timeout": {args: "events run --wait --timeout 50ms", server: fakeTemporal{answers: map[string]any{"indexer run": 9, "indexer state": indexerAway()}}},
		"events-show":        {args: "events show order/1", server: fakeTemporal{events: recordedHistory(t)}},
		"events-deadletters": {args: "events deadletters list --index variables --tenant -", server: fakeTemporal{answers: map[string]any{"waybill/index-letters": refusedDocuments()}}},
		"events-retry":       {args: "events deadletters retry --all", server: fakeTemporal{answers: map[string]any{"waybill/index-letters": refusedDocuments(), "waybill/retry-index-letters": contract.IndexCount{Written: 1}}}},
		"events-drop":        {args: "events deadletters drop a b", server: fakeTemporal{answers: map[string]any{"waybill/drop-index-letters": 1}}},
		"events-drop-usage":  {args: "events deadletters drop"},
		"deadletter-list-event": {args: "deadletter list shop", server: fakeTemporal{
			list: executions(t, "event/shop/SOLD/7", contract.EventWorkflow, contract.StateDead), answers: map[string]any{"event/shop/SOLD/7 event": deadEvent()},
		}},
		"deadletter-list-none":   {args: "deadletter list shop"},
		"deadletter-show-event":  {args: "deadletter show event/shop/SOLD/7", server: fakeTemporal{answers: map[string]any{"event/shop/SOLD/7 event": deadEvent()}}},
		"deadletter-retry-event": {args: "deadletter retry event/shop/SOLD/7 event/shop/SOLD/8", server: fakeTemporal{answers: map[string]any{"event/shop/SOLD/7 retry-dead-letters": nil}}},
		"deadletter-drop-events": {args: "deadletter drop shop --all", server: fakeTemporal{
			list: executions(t, "event/shop/SOLD/7", contract.EventWorkflow, contract.StateDead), answers: map[string]any{"event/shop/SOLD/7 event": deadEvent(), "event/shop/SOLD/7 drop-dead-letters": nil},
		}},
		"deploy": {args: "deploy testdata/order.bpmn testdata/order-mail.json", server: fakeTemporal{answers: map[string]any{
			"definition/order deploy":                      contract.DeployResult{Key: "order", Version: 3, Changed: true},
			"triggers/connector.orders.EMAIL_RECEIVED put": nil,
		}}},
		"deploy-unchanged": {args: "deploy testdata/order.bpmn", server: fakeTemporal{answers: map[string]any{
			"definition/order deploy": contract.DeployResult{Key: "order", Version: 3},
		}}},
		"deploy-dry-run": {args: "deploy testdata/order.bpmn testdata/order-mail.json --dry-run"},
		"deploy-refused": {args: "deploy testdata/wrong.bpmn testdata/order.bpmn"},
		"lint":           {args: "lint testdata/order.bpmn"},
		"test":           {args: "test testdata/order.yaml"},
		"test-failed":    {args: "test testdata/order.yaml testdata/failing.yaml"},
		"lint-wrong":     {args: "lint testdata/wrong.bpmn"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var golden bytes.Buffer
			for _, output := range []string{outputText, outputJSON} {
				server := test.server
				s := newShell(&server)
				code := s.run(t.Context(), append(strings.Fields(test.args), "--output", output)...)
				golden.WriteString("$ starter " + test.args + " --output " + output + "\n" + s.out.String())
				golden.WriteString("-- stderr\n" + s.err.String() + "-- exit " + string(rune('0'+code)) + "\n")
				for _, line := range append(server.queries, server.told...) {
					line, _, _ = strings.Cut(line, `,"model":`) // its compressed form may change with the version of Go
					golden.WriteString("-- server: " + line + "\n")
				}
			}
			path := filepath.Join("testdata", "golden", name+".txt")
			if *update {
				require.NoError(t, os.WriteFile(path, golden.Bytes(), 0o600))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), golden.String())
		})
	}
}

// A suspended instance must not keep somebody waiting who does not know why.
func TestWaitTellsIncidents(t *testing.T) {
	asked := make(chan struct{})
	n := 0
	server := &fakeTemporal{
		answers: map[string]any{
			"definition/order get": deployedOrder(t),
			"order/1 state": func() any {
				if n++; n == 3 {
					close(asked)
				}
				return instance()
			},
		},
		result: func(context.Context) (any, error) {
			<-asked
			r := instance()
			r.State, r.Incidents = contract.StateCompleted, nil
			return r, nil
		},
	}
	s := newShell(server)
	require.Equal(t, exitOK, s.run(t.Context(), "start", "order", "--id", "order/1", "--wait"))
	require.Equal(t, 1, strings.Count(s.err.String(), "incident 3 at notify: mail was refused\n"), s.err.String())
	require.Contains(t, s.err.String(), "starter incident retry order/1 --incident 3")
}

func TestInterruptedWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := &fakeTemporal{
		answers: map[string]any{"definition/order get": deployedOrder(t)},
		result:  func(ctx context.Context) (any, error) { cancel(); <-ctx.Done(); return nil, ctx.Err() },
	}
	s := newShell(server)
	require.Equal(t, exitRefused, s.run(ctx, "start", "order", "--id", "order/1", "--wait"))
	require.Equal(t, "", s.out.String())
	require.Contains(t, s.err.String(), "error: interrupted; instance order/1 goes on\n")
}

func TestEveryCommandHasHelp(t *testing.T) {
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		for _, child := range c.Commands() {
			check(child)
		}
		require.NotEmpty(t, c.Short, c.CommandPath())
		if !c.HasSubCommands() {
			require.Contains(t, c.Example, "starter "+strings.TrimPrefix(c.CommandPath(), "starter "), c.CommandPath())
		}
	}
	check(newRoot(newApp()))
}
