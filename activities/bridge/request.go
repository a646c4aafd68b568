package bridge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors/rabbitmq/broker"
)

// service says who sends: the fields of CloudRuntimeEntity.
type service struct {
	AppName         string `json:"appName"`
	AppVersion      string `json:"appVersion"`
	ServiceName     string `json:"serviceName"`
	ServiceFullName string `json:"serviceFullName"`
	ServiceType     string `json:"serviceType"`
	ServiceVersion  string `json:"serviceVersion"`
}

// integrationRequest is what a connector gets: IntegrationRequestImpl of Activiti Cloud, whose fields are all there, null or not.
type integrationRequest struct {
	service
	IntegrationContext integrationContext `json:"integrationContext"`
	ResultDestination  string             `json:"resultDestination"`
	ErrorDestination   string             `json:"errorDestination"`
}

// integrationContext is IntegrationContextImpl.
type integrationContext struct {
	ID                       string             `json:"id"`
	InBoundVariables         contract.Variables `json:"inBoundVariables"`
	OutBoundVariables        contract.Variables `json:"outBoundVariables"`
	ProcessInstanceID        string             `json:"processInstanceId"`
	ParentProcessInstanceID  *string            `json:"parentProcessInstanceId"`
	RootProcessInstanceID    string             `json:"rootProcessInstanceId"`
	ProcessDefinitionID      string             `json:"processDefinitionId"`
	ProcessDefinitionKey     string             `json:"processDefinitionKey"`
	ProcessDefinitionVersion int                `json:"processDefinitionVersion"`
	BusinessKey              *string            `json:"businessKey"`
	ExecutionID              string             `json:"executionId"`
	ClientID                 string             `json:"clientId"`
	ClientName               *string            `json:"clientName"`
	ClientType               string             `json:"clientType"`
	ConnectorType            string             `json:"connectorType"`
	AppVersion               string             `json:"appVersion"`
	EphemeralVariables       bool               `json:"ephemeralVariables"`
}

// request makes the message of a call. a is the activity that waits for the answer.
func (c Config) request(in contract.ConnectorCall, a address) (broker.Message, error) {
	on := in.Context
	r := integrationRequest{
		service: service{
			AppName: c.AppName, AppVersion: c.AppVersion, ServiceName: c.ServiceName, ServiceFullName: c.ServiceName,
			ServiceType: c.ServiceType, ServiceVersion: c.ServiceVersion,
		},
		IntegrationContext: integrationContext{
			ID: a.id(), InBoundVariables: in.Inputs, OutBoundVariables: contract.Variables{},
			ProcessInstanceID: on.ProcessInstanceID, ParentProcessInstanceID: orNull(on.ParentProcessInstanceID), RootProcessInstanceID: on.RootProcessInstanceID,
			ProcessDefinitionID:  on.ProcessDefinitionID(),
			ProcessDefinitionKey: on.ProcessDefinitionKey, ProcessDefinitionVersion: on.ProcessDefinitionVersion,
			BusinessKey: orNull(on.BusinessKey), ExecutionID: in.IdempotencyKey,
			ClientID: on.ElementID, ClientName: orNull(on.ElementName), ClientType: "ServiceTask", ConnectorType: in.Implementation,
			AppVersion: c.AppVersion,
		},
		ResultDestination: c.resultDestination(), ErrorDestination: c.errorDestination(),
	}
	context := &r.IntegrationContext
	if context.InBoundVariables == nil {
		context.InBoundVariables = contract.Variables{}
	}
	if context.RootProcessInstanceID == "" {
		context.RootProcessInstanceID = on.ProcessInstanceID
	}
	body, err := json.Marshal(r)
	if err != nil {
		return broker.Message{}, fmt.Errorf("write the request as JSON: %w", err)
	}
	digest := sha256.Sum256([]byte(context.ID))
	return broker.Message{
		Exchange: in.Implementation, RoutingKey: routingKey(c.ServiceName, c.AppName, context.ConnectorType, context.ProcessInstanceID, on.BusinessKey),
		Mandatory: true, // else a request that no connector is there for would be lost without a word
		Publishing: amqp.Publishing{
			Headers: headers(r), ContentType: "application/json", DeliveryMode: amqp.Persistent, MessageId: hex.EncodeToString(digest[:16]), Body: body,
		},
	}, nil
}

// headers are those of Activiti's IntegrationContextMessageHeaders and RuntimeBundleInfoMessageHeaders. Like Spring, it leaves out what is not there.
func headers(r integrationRequest) amqp.Table {
	context := r.IntegrationContext
	all := amqp.Table{
		"connectorType": context.ConnectorType, "integrationContextId": context.ID, "executionId": context.ExecutionID,
		"processInstanceId": context.ProcessInstanceID, "rootProcessInstanceId": context.RootProcessInstanceID,
		"processDefinitionId": context.ProcessDefinitionID, "processDefinitionKey": context.ProcessDefinitionKey,
		"processDefinitionVersion": int32(context.ProcessDefinitionVersion), "contentType": "application/json",
	}
	for name, value := range map[string]*string{
		"businessKey": context.BusinessKey, "parentProcessInstanceId": context.ParentProcessInstanceID, "appVersion": orNull(r.AppVersion),
		"appName": orNull(r.AppName), "serviceName": orNull(r.ServiceName), "serviceFullName": orNull(r.ServiceFullName),
		"serviceType": orNull(r.ServiceType), "serviceVersion": orNull(r.ServiceVersion),
	} {
		if value != nil {
			all[name] = *value
		}
	}
	return all
}

var illegal = regexp.MustCompile(`[\s.*#:]`)

// routingKey is integrationContext.<serviceName>.<appName>.<connectorType>.<processInstanceId>.<businessKey>, each without what has a
// meaning in a topic, cut where AMQP ends. Connectors bind with #, so that it matters to who looks on.
func routingKey(parts ...string) string {
	key := "integrationContext"
	for _, part := range parts {
		if part == "" {
			part = "_"
		}
		key += "." + illegal.ReplaceAllString(part, "-")
	}
	return strings.ToValidUTF8(key[:min(len(key), maxShort)], "")
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
