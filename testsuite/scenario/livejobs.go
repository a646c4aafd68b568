package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

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
	for _, j := range w.jobs {
		s.open(j) // it takes a while until all topics have been polled
	}
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
	for _, j := range found {
		w.offered(j)
	}
	w.jobs = slices.DeleteFunc(w.jobs, func(j *job) bool { return !s.open(j) })
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
	report := engine.Report{Message: task.Failed.Message, Details: task.Failed.Details, Retries: task.Failed.Retries, Worker: task.Failed.Worker}
	return &job{
		command: command{id: contract.ExternalTaskNumber(p.GetActivityId())}, judged: task.Judged,
		OfferTask: engine.OfferTask{
			Element: task.Context.ElementID, Topic: task.Topic, Priority: task.Priority, Inputs: engine.Variables(task.Variables), Payload: task.Payload,
			Leases: task.Leases, Report: report,
		},
		token: p.GetTaskToken(), offered: p.GetScheduledTime().AsTime(), owner: task.Context.ProcessInstanceID,
	}, nil
}

// open tells whether the process still waits for a task. It also keeps the task, whose real lock is short.
func (s *liveCase) open(j *job) bool {
	_, err := s.temporal.WorkflowService().RecordActivityTaskHeartbeat(s.ctx, &workflowservice.RecordActivityTaskHeartbeatRequest{
		Namespace: s.namespace, TaskToken: j.token, Identity: "scenario",
	})
	return err == nil
}

// answerJob gives the result of an external task to its process, as the gateway does.
func (s *liveCase) answerJob(j *job, event engine.Event) error {
	var err error
	switch e := event.(type) {
	case engine.Completed:
		err = s.completeJob(j, contract.ExternalResult{Outputs: contract.Variables(e.Outputs), Token: encoded(e.By.Token)}, *e.By)
	case engine.Failed:
		err = s.failedJob(j, e)
	case engine.IncidentAnswered:
		_, err = s.client.AnswerIncident(s.ctx, j.owner, contract.IncidentAnswer{Element: j.Element, Action: string(e.Action), Retries: e.Retries})
	}
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return fmt.Errorf("external task of %q does not exist any more", j.Element)
	}
	return err
}

func (s *liveCase) failedJob(j *job, e engine.Failed) error {
	r := contract.ExternalResult{Outputs: contract.Variables(e.Variables)}
	if e.Failure.Code == "" || e.Catchable {
		f := &contract.ExternalFailure{
			Code: e.Failure.Code, Message: e.Failure.Message, Details: e.Failure.Details, Catchable: e.Catchable, Worker: e.Worker, Retries: new(int),
		}
		if e.Again != nil {
			f.Retries = e.Again.Retries
		}
		r.Failure = f
		return s.completeJob(j, r, e.By)
	}
	r.Worker, r.Leases = e.Worker, leasesOf(e.By)
	details, err := converter.GetDefaultDataConverter().ToPayloads(r)
	if err != nil {
		return err
	}
	_, err = s.temporal.WorkflowService().RespondActivityTaskFailed(s.ctx, &workflowservice.RespondActivityTaskFailedRequest{
		Namespace: s.namespace, TaskToken: j.token, Identity: "scenario",
		Failure: &failure.Failure{Message: e.Failure.Message, FailureInfo: &failure.Failure_ApplicationFailureInfo{
			ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: contract.BPMNErrorPrefix + e.Failure.Code, NonRetryable: true, Details: details},
		}},
	})
	return err
}

func (s *liveCase) completeJob(j *job, r contract.ExternalResult, by engine.By) error {
	r.Worker, r.Leases = by.Worker, leasesOf(by)
	result, err := converter.GetDefaultDataConverter().ToPayloads(r)
	if err != nil {
		return err
	}
	_, err = s.temporal.WorkflowService().RespondActivityTaskCompleted(s.ctx, &workflowservice.RespondActivityTaskCompletedRequest{
		Namespace: s.namespace, TaskToken: j.token, Result: result, Identity: "scenario",
	})
	return err
}

func leasesOf(by engine.By) (leases []contract.Lease) {
	for _, l := range by.Leases {
		leases = append(leases, contract.Lease{Number: l.Number, Worker: l.Worker, At: l.At, Until: l.Until})
	}
	return leases
}

// encoded is a value of a scenario file, which JSON always has; nil: there is none.
func encoded(value any) json.RawMessage {
	if value == nil {
		return nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("encode a value of a scenario: %v", err))
	}
	return text
}
