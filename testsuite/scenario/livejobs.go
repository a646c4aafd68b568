package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

// pollFor is how long the queue of a topic is asked for a task: a server answers "none" a second before a poll ends.
const pollFor = 2100 * time.Millisecond

// fetch takes the external tasks of the topics from their queues, as the gateway does, and hands them out as in memory: locks run by
// the scenario's clock, so they are the runner's.
func (s *liveCase) fetch(a *fetchStep) error {
	w := s.world
	w.now = s.clock()
	w.jobs = slices.DeleteFunc(w.jobs, func(j *job) bool { return !s.open(j) })
	var found []*job
	for _, t := range a.topics {
		for {
			j, err := s.poll(t.name)
			if err != nil {
				return err
			}
			if j == nil {
				break
			}
			found = append(found, j)
		}
	}
	slices.SortStableFunc(found, func(a, b *job) int { return a.offered.Compare(b.offered) })
	w.jobs = append(w.jobs, found...)
	return a.do(w)
}

// poll takes one task of a topic; nil when there is none.
func (s *liveCase) poll(topic string) (*job, error) {
	ctx, cancel := context.WithTimeout(s.ctx, pollFor)
	defer cancel()
	p, err := s.temporal.WorkflowService().PollActivityTaskQueue(ctx, &workflowservice.PollActivityTaskQueueRequest{
		Namespace: s.namespace, TaskQueue: &taskqueue.TaskQueue{Name: contract.TopicQueue(topic)}, Identity: "scenario",
	})
	if err != nil {
		return nil, brokenf("poll topic %q: %w", topic, err)
	}
	if len(p.GetTaskToken()) == 0 {
		return nil, nil
	}
	var task contract.ExternalTask
	if err := converter.GetDefaultDataConverter().FromPayloads(p.GetInput(), &task); err != nil {
		return nil, brokenf("read an external task: %w", err)
	}
	return &job{
		OfferTask: engine.OfferTask{Element: task.Context.ElementID, Topic: task.Topic, Priority: task.Priority, Inputs: engine.Variables(task.Variables)},
		token:     p.GetTaskToken(), offered: p.GetScheduledTime().AsTime(), owner: task.Context.ProcessInstanceID,
	}, nil
}

// open tells whether the process still waits for a task. It also keeps the task, whose real lock is short.
func (s *liveCase) open(j *job) bool {
	_, err := s.temporal.WorkflowService().RecordActivityTaskHeartbeat(s.ctx, &workflowservice.RecordActivityTaskHeartbeatRequest{
		Namespace: s.namespace, TaskToken: j.token, Identity: "scenario",
	})
	return err == nil
}

// answerJob gives the result of an external task to its process.
func (s *liveCase) answerJob(j *job, event engine.Event) error {
	var err error
	switch e := event.(type) {
	case engine.Completed:
		var result *common.Payloads
		if result, err = converter.GetDefaultDataConverter().ToPayloads(contract.ConnectorResult{Outputs: contract.Variables(e.Outputs)}); err == nil {
			_, err = s.temporal.WorkflowService().RespondActivityTaskCompleted(s.ctx, &workflowservice.RespondActivityTaskCompletedRequest{
				Namespace: s.namespace, TaskToken: j.token, Result: result, Identity: "scenario",
			})
		}
	case engine.Failed:
		kind := "failure"
		if e.Failure.Code != "" {
			kind = contract.BPMNErrorPrefix + e.Failure.Code
		}
		var details *common.Payloads
		if details, err = converter.GetDefaultDataConverter().ToPayloads(contract.ConnectorResult{Outputs: contract.Variables(e.Variables)}); err == nil {
			_, err = s.temporal.WorkflowService().RespondActivityTaskFailed(s.ctx, &workflowservice.RespondActivityTaskFailedRequest{
				Namespace: s.namespace, TaskToken: j.token, Identity: "scenario",
				Failure: &failure.Failure{Message: e.Failure.Message, FailureInfo: &failure.Failure_ApplicationFailureInfo{
					ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: kind, NonRetryable: true, Details: details},
				}},
			})
		}
	case engine.IncidentAnswered:
		_, err = s.client.AnswerIncident(s.ctx, j.owner, contract.IncidentAnswer{Element: j.Element, Action: string(e.Action)})
	}
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return fmt.Errorf("external task of %q does not exist any more", j.Element)
	}
	return err
}
