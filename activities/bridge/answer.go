package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/rabbitmq/broker"
)

const (
	// bpmnError is the one class of errors that is for the process.
	bpmnError = "org.activiti.cloud.api.process.model.CloudBpmnError"
	// maxText bounds what an error says, in bytes.
	maxText = 2000
	// answerTimeout bounds how long Temporal may take to take an answer.
	answerTimeout = 10 * time.Second
)

// answer is what counts in an IntegrationResult or IntegrationError. What else is in them says who answers.
type answer struct {
	IntegrationContext struct {
		ID                string          `json:"id"`
		OutBoundVariables json.RawMessage `json:"outBoundVariables"`
	} `json:"integrationContext"`
	ErrorCode      string `json:"errorCode"`
	ErrorMessage   string `json:"errorMessage"`
	ErrorClassName string `json:"errorClassName"`
}

// result completes a call. A call whose outputs do not fit fails: it must not wait for an answer that has come.
func (b *Bridge) result(ctx context.Context, d amqp.Delivery) error {
	return b.settle(ctx, d, func(an answer) (contract.ConnectorResult, error) {
		var outputs contract.Variables
		raw := an.IntegrationContext.OutBoundVariables
		if len(raw) > connectors.MaxOutputs {
			return contract.ConnectorResult{}, temporal.NewNonRetryableApplicationError(
				fmt.Sprintf("the connector returned %d bytes, at most %d are possible", len(raw), connectors.MaxOutputs), connectors.CodeTooLarge, nil)
		}
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &outputs); err != nil {
				return contract.ConnectorResult{}, temporal.NewNonRetryableApplicationError("the connector's outBoundVariables are no object", "INVALID_RESULT", nil)
			}
		}
		return contract.ConnectorResult{Outputs: outputs}, nil
	})
}

// failure fails a call: for the process when the connector says so, else for an operator.
func (b *Bridge) failure(ctx context.Context, d amqp.Delivery) error {
	return b.settle(ctx, d, func(an answer) (contract.ConnectorResult, error) {
		message, code := clip(an.ErrorMessage), cmp.Or(an.ErrorCode, an.ErrorMessage)
		if an.ErrorClassName == bpmnError && code != "" {
			return contract.ConnectorResult{}, temporal.NewNonRetryableApplicationError(message, contract.BPMNErrorPrefix+clip(code), nil)
		}
		class := cmp.Or(clip(an.ErrorClassName), "INTEGRATION_ERROR")
		return contract.ConnectorResult{}, temporal.NewNonRetryableApplicationError(cmp.Or(message, "the connector failed: "+class), class, nil)
	})
}

// settle gives an answer to the activity that waits for it. It returns an error when that may work later, or for what is no answer.
func (b *Bridge) settle(ctx context.Context, d amqp.Delivery, verdict func(answer) (contract.ConnectorResult, error)) error {
	var an answer
	if err := json.Unmarshal(d.Body, &an); err != nil {
		b.answers.WithLabelValues("unreadable").Inc()
		return fmt.Errorf("%w: it is no JSON of an integration result or error", broker.ErrPoison)
	}
	id := an.IntegrationContext.ID
	a, err := parseID(id)
	if err != nil {
		b.drop(id, err.Error())
		return nil
	}
	if a.namespace != b.namespace {
		b.drop(id, "it is for namespace "+a.namespace+": bridges of two namespaces need a BRIDGE_SERVICE_NAME each")
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	w, err := b.find(ctx, a)
	if err != nil {
		return err
	}
	if w == nil {
		b.drop(id, "nothing waits for it (any more)")
		return nil
	}
	result, failed := verdict(an)
	if failed != nil && w.between {
		return errors.New("the call is between two attempts, and Temporal lets it fail only while one runs")
	}
	err = b.complete(ctx, a, *w, result, failed)
	var gone *serviceerror.NotFound
	switch {
	case errors.As(err, &gone):
		b.drop(id, "another answer was faster")
	case err != nil:
		return fmt.Errorf("complete %s of %s: %w", w.kind, cmp.Or(a.workflow, a.activity), err)
	case failed != nil:
		b.answers.WithLabelValues("error").Inc()
	default:
		b.answers.WithLabelValues("completed").Inc()
	}
	return nil
}

func (b *Bridge) drop(id, reason string) {
	b.answers.WithLabelValues("dropped").Inc()
	b.log.Info("an answer is dropped", "integrationContextId", id[:min(len(id), maxText)], "reason", reason)
}

func clip(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxText)], "") }
