package bridge

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

var (
	config = Config{AppName: "default-app", AppVersion: "1", ServiceName: "waybill", ServiceVersion: "2", Separator: "_"}
	waits  = address{namespace: "default", workflow: "order/7", run: "0198-run", activity: "12"}
	call   = contract.ConnectorCall{
		IdempotencyKey: "order/7/3", Implementation: "orders.CREATE", Inputs: contract.Variables{"item": "pen", "count": int64(3)},
		Context: contract.CallContext{
			ProcessInstanceID: "order/7", ProcessDefinitionKey: "order", ProcessDefinitionVersion: 2, BusinessKey: "K 1.5", ElementID: "create", ElementName: "Create it",
			ParentProcessInstanceID: "shop/2", RootProcessInstanceID: "mall/1",
		},
	}
)

// The fields of Activiti Cloud's classes, as the reference lists them.
const (
	requestFields = "appName appVersion errorDestination integrationContext resultDestination serviceFullName serviceName serviceType serviceVersion"
	contextFields = "appVersion businessKey clientId clientName clientType connectorType ephemeralVariables executionId id inBoundVariables outBoundVariables " +
		"parentProcessInstanceId processDefinitionId processDefinitionKey processDefinitionVersion processInstanceId rootProcessInstanceId"
	headerNames = "appName appVersion businessKey connectorType contentType executionId integrationContextId parentProcessInstanceId processDefinitionId " +
		"processDefinitionKey processDefinitionVersion processInstanceId rootProcessInstanceId serviceFullName serviceName serviceVersion"
)

func fields[V any](object map[string]V) string {
	var names []string
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestRequest(t *testing.T) {
	m, err := config.request(call, waits)
	require.NoError(t, err)
	golden, err := os.ReadFile("testdata/request.json")
	require.NoError(t, err)
	require.JSONEq(t, string(golden), string(m.Body))

	var request map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(m.Body, &request))
	require.Equal(t, requestFields, fields(request))
	var context map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(request["integrationContext"], &context))
	require.Equal(t, contextFields, fields(context))
	require.Equal(t, headerNames, fields(m.Headers))
	require.Equal(t, waits.id(), m.Headers["integrationContextId"])

	require.Equal(t, "orders.CREATE", m.Exchange)
	require.Equal(t, "integrationContext.waybill.default-app.orders-CREATE.order/7.K-1-5", m.RoutingKey)
	require.True(t, m.Mandatory)
	require.Equal(t, uint8(amqp.Persistent), m.DeliveryMode)
	require.NoError(t, m.Headers.Validate())

	again, err := config.request(call, waits)
	require.NoError(t, err)
	require.Equal(t, m, again, "a repetition is the same")
}

// TestRequestOfLittle is of a process without anything that is optional: fields are null, headers are missing.
func TestRequestOfLittle(t *testing.T) {
	m, err := config.request(contract.ConnectorCall{
		IdempotencyKey: "k", Implementation: "mealsConnector", Context: contract.CallContext{ProcessInstanceID: "p", ProcessDefinitionKey: "d", ElementID: "e"},
	}, waits)
	require.NoError(t, err)
	require.Equal(t, "integrationContext.waybill.default-app.mealsConnector.p._", m.RoutingKey)
	var request struct {
		IntegrationContext map[string]any
	}
	require.NoError(t, json.Unmarshal(m.Body, &request))
	context := request.IntegrationContext
	require.Equal(t, contextFields, fields(context))
	require.Equal(t, map[string]any{}, context["inBoundVariables"])
	require.Equal(t, "p", context["rootProcessInstanceId"])
	for _, name := range []string{"businessKey", "parentProcessInstanceId", "clientName"} {
		require.Nil(t, context[name], name)
		require.NotContains(t, m.Headers, name)
	}
	long, err := config.request(contract.ConnectorCall{Implementation: "x", Context: contract.CallContext{BusinessKey: strings.Repeat("ü", 300)}}, waits)
	require.NoError(t, err)
	require.LessOrEqual(t, len(long.RoutingKey), maxShort)
	require.True(t, strings.HasSuffix(long.RoutingKey, "ü"))
}

func TestAddress(t *testing.T) {
	a, err := parseID(waits.id())
	require.NoError(t, err)
	require.Equal(t, waits, a)
	for _, id := range []string{
		"", "5b3c1f9e-8c1d-4a53-9d0a-0a2f5d1b7c11", prefix, prefix + "!", waits.id() + "=", waits.id() + "x",
		address{"n", "w", "r", ""}.id(), address{"n", "w", "", "1"}.id(), address{"", "w", "r", "1"}.id(), address{"n", "w\nw", "r", "1"}.id(),
	} {
		_, err := parseID(id)
		require.Error(t, err, id)
	}
}

func TestServes(t *testing.T) {
	for kind, want := range map[string]bool{"orders.CREATE": true, "orders": true, "orders.sub.CREATE": true, "billing.orders": false, "ordersX.CREATE": false, "": false} {
		require.Equal(t, want, serves("connector-orders", kind), kind)
	}
	require.True(t, serves("connector-orders.sub", "orders.sub.CREATE"))
	require.False(t, serves("waybill", "email.SEND"), "a built-in connector answers itself")
}

func TestConfig(t *testing.T) {
	read := func(names []string, pairs ...string) (Config, error) {
		return Read(names, func(name string) (string, error) {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1], nil
				}
			}
			return "", nil
		})
	}
	c, err := read([]string{"orders", "billing", "orders"}, "BRIDGE_RABBITMQ_HOST", "h", "BRIDGE_RABBITMQ_USERNAME", "u", "BRIDGE_SERVICE_NAME", "rb-orders")
	require.NoError(t, err)
	require.Equal(t, []string{"billing", "orders"}, c.Connectors)
	require.Equal(t, "integrationResult_rb-orders integrationError_rb-orders default-app 20", strings.Join([]string{c.resultDestination(), c.errorDestination(), c.AppName, "20"}, " "))
	require.Equal(t, 20, c.Prefetch)

	for name, tc := range map[string]struct {
		names []string
		pairs []string
		want  string
	}{
		"no broker":  {[]string{"orders"}, nil, "BRIDGE_RABBITMQ_URL or BRIDGE_RABBITMQ_HOST is not set"},
		"no name":    {nil, []string{"BRIDGE_RABBITMQ_HOST", "h", "BRIDGE_RABBITMQ_USERNAME", "u"}, "--bridge orders"},
		"password":   {[]string{"orders"}, []string{"BRIDGE_RABBITMQ_URL", "amqp://u:s3cret@h"}, "put it into BRIDGE_RABBITMQ_PASSWORD"},
		"long":       {[]string{"orders"}, []string{"BRIDGE_RABBITMQ_HOST", "h", "BRIDGE_RABBITMQ_USERNAME", "u", "BRIDGE_SERVICE_NAME", strings.Repeat("s", 130)}, "at most 255"},
		"no account": {[]string{"orders"}, []string{"BRIDGE_RABBITMQ_HOST", "h"}, "BRIDGE_RABBITMQ_USERNAME is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(tc.names, tc.pairs...)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}
