package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	activitypb "go.temporal.io/api/activity/v1"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	temporalclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/rabbitmq/broker"
)

// pending is an instance with one activity that waits.
func pending(workflow, queue, activity, id string, state enums.PendingActivityState) *workflowservice.DescribeWorkflowExecutionResponse {
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Type: &commonpb.WorkflowType{Name: workflow}},
		PendingActivities: []*workflowpb.PendingActivityInfo{{
			ActivityId: id, ActivityType: &commonpb.ActivityType{Name: activity}, State: state,
			ActivityOptions: &activitypb.ActivityOptions{TaskQueue: &taskqueuepb.TaskQueue{Name: queue}},
		}},
	}
}

func TestAnswers(t *testing.T) {
	const started, scheduled = enums.PENDING_ACTIVITY_STATE_STARTED, enums.PENDING_ACTIVITY_STATE_SCHEDULED
	ordinary := pending("order", "connector-orders", "orders.CREATE", "12", started)
	gone := serviceerror.NewNotFound("gone")
	body := func(more string) string {
		return fmt.Sprintf(`{"integrationContext":{"id":%q,"outBoundVariables":{"order":"O-1","n":9007199254740993}}%s}`, waits.id(), more)
	}
	const bpmn = `,"errorClassName":"org.activiti.cloud.api.process.model.CloudBpmnError"`
	for name, tc := range map[string]struct {
		error    bool // an integrationError
		body     string
		found    *workflowservice.DescribeWorkflowExecutionResponse
		lost     error  // of the search
		refused  error  // of the completion
		want     string // what the activity is told; "": nothing
		outcome  string // that is counted; "": none, since it is tried again
		poisoned bool
	}{
		"result":                     {body: body(""), found: ordinary, want: `{"order":"O-1","n":9007199254740993}`, outcome: "completed"},
		"between attempts":           {body: body(""), found: pending("order", "connector-orders", "orders.CREATE", "12", scheduled), want: `{"order":"O-1","n":9007199254740993}`, outcome: "completed"},
		"error":                      {error: true, body: body(`,"errorClassName":"a.B","errorMessage":"broken"`), found: ordinary, want: "a.B: broken", outcome: "error"},
		"error without a text":       {error: true, body: body(`,"errorClassName":"a.B"`), found: ordinary, want: "a.B: the connector failed: a.B", outcome: "error"},
		"error without anything":     {error: true, body: body(``), found: ordinary, want: "INTEGRATION_ERROR: the connector failed: INTEGRATION_ERROR", outcome: "error"},
		"error between attempts":     {error: true, body: body(`,"errorMessage":"broken"`), found: pending("order", "connector-orders", "orders.CREATE", "12", scheduled)},
		"BPMN error":                 {error: true, body: body(bpmn + `,"errorCode":"SOLD_OUT","errorMessage":"no pens"`), found: ordinary, want: "bpmn:SOLD_OUT: no pens", outcome: "error"},
		"BPMN error by message":      {error: true, body: body(bpmn + `,"errorCode":null,"errorMessage":"SOLD_OUT"`), found: ordinary, want: "bpmn:SOLD_OUT: SOLD_OUT", outcome: "error"},
		"BPMN error without a code":  {error: true, body: body(bpmn), found: ordinary, want: bpmnError + ": the connector failed: " + bpmnError, outcome: "error"},
		"code of no BPMN error":      {error: true, body: body(`,"errorClassName":"a.B","errorCode":"SOLD_OUT","errorMessage":"m"`), found: ordinary, want: "a.B: m", outcome: "error"},
		"duplicate":                  {body: body(""), found: &workflowservice.DescribeWorkflowExecutionResponse{}, outcome: "dropped"},
		"faster duplicate":           {body: body(""), found: ordinary, refused: gone, want: `{"order":"O-1","n":9007199254740993}`, outcome: "dropped"},
		"unknown instance":           {body: body(""), lost: gone, outcome: "dropped"},
		"impossible run":             {body: body(""), lost: serviceerror.NewInvalidArgument("no uuid"), outcome: "dropped"},
		"other activity":             {body: body(""), found: pending("order", "connector-orders", "orders.CREATE", "13", started), outcome: "dropped"},
		"built-in connector":         {body: body(""), found: pending("order", "waybill", "email.SEND", "12", started), outcome: "dropped"},
		"queue of another connector": {body: body(""), found: pending("order", "connector-billing", "orders.CREATE", "12", started), outcome: "dropped"},
		"no instance":                {body: body(""), found: pending("waybill/mailbox", "connector-orders", "orders.CREATE", "12", started), outcome: "dropped"},
		"foreign id":                 {body: `{"integrationContext":{"id":"5b3c1f9e-8c1d-4a53-9d0a-0a2f5d1b7c11"}}`, outcome: "dropped"},
		"other namespace":            {body: fmt.Sprintf(`{"integrationContext":{"id":%q}}`, address{"prod", "order/7", "r", "12"}.id()), outcome: "dropped"},
		"no id":                      {body: `{}`, outcome: "dropped"},
		"no JSON":                    {body: `<result/>`, outcome: "unreadable", poisoned: true},
		"Temporal away":              {body: body(""), lost: serviceerror.NewUnavailable("away")},
		"Temporal goes":              {body: body(""), found: ordinary, refused: serviceerror.NewUnavailable("away"), want: `{"order":"O-1","n":9007199254740993}`},
		"too large": {
			body:  fmt.Sprintf(`{"integrationContext":{"id":%q,"outBoundVariables":{"x":%q}}}`, waits.id(), strings.Repeat("x", connectors.MaxOutputs)),
			found: ordinary, want: "RESULT_TOO_LARGE: the connector returned 1572872 bytes, at most 1572864 are possible", outcome: "error",
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := mocks.NewClient(t)
			if tc.found != nil || tc.lost != nil {
				client.On("DescribeWorkflowExecution", mock.Anything, waits.workflow, waits.run).Return(tc.found, tc.lost).Once()
			}
			if tc.want != "" {
				client.On("CompleteActivityByIDWithOptions", mock.Anything, mock.MatchedBy(func(o temporalclient.CompleteActivityByIDOptions) bool {
					return o.Namespace == "default" && o.WorkflowID == waits.workflow && o.RunID == waits.run && o.ActivityID == "12" && told(t, o) == tc.want
				})).Return(tc.refused).Once()
			}
			registry := prometheus.NewRegistry()
			b := New(config, client, "default", registry, slog.New(slog.DiscardHandler))
			handle := b.result
			if tc.error {
				handle = b.failure
			}
			err := handle(t.Context(), amqp.Delivery{Body: []byte(tc.body)})
			require.Equal(t, tc.poisoned, errors.Is(err, broker.ErrPoison))
			require.Equal(t, strings.Fields(tc.outcome), counted(t, registry))
			again := tc.outcome == "" || tc.poisoned
			require.Equal(t, again, err != nil, "%v: it is acknowledged or not", err)
		})
	}
}

// counted are the outcomes, each as often as it was counted.
func counted(t *testing.T, registry *prometheus.Registry) []string {
	families, err := registry.Gather()
	require.NoError(t, err)
	all := []string{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for range int(m.GetCounter().GetValue()) {
				all = append(all, m.GetLabel()[0].GetValue())
			}
		}
	}
	return all
}

// told is what the activity is completed with.
func told(t *testing.T, o temporalclient.CompleteActivityByIDOptions) string {
	if o.Err == nil {
		text, err := json.Marshal(o.Result.(contract.ConnectorResult).Outputs)
		require.NoError(t, err)
		var object struct {
			Order string      `json:"order"`
			N     json.Number `json:"n"`
		}
		require.NoError(t, json.Unmarshal(text, &object))
		text, err = json.Marshal(object)
		require.NoError(t, err)
		return string(text)
	}
	application, ok := errors.AsType[*temporal.ApplicationError](o.Err)
	require.True(t, ok)
	require.True(t, application.NonRetryable())
	return application.Type() + ": " + application.Message()
}
