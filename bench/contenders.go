package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"go.temporal.io/sdk/activity"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/project"
	"github.com/waybill-io/waybill/worker/app"
	"github.com/waybill-io/waybill/workflows"
)

// byHandQueue is where the workflow by hand runs, and its activities too for the rival that keeps all on one queue: Temporal
// then hands the first attempt of an activity over with the answer to the workflow task (eager execution), which spares
// the server a round through the queue. The other rival calls over callsQueue, as it must when other workers answer.
const (
	byHandQueue = "by-hand"
	callsQueue  = "by-hand-calls"
)

// text is what every instance is started with and every call is given.
const text = "Please call me back about order 2041."

// workBoth starts a worker as Waybill runs it and one for the workflow by hand, with the same connector.
func (p *place) workBoth(ctx context.Context) error {
	// A workflow by hand records no events, either; the section events tells what they cost.
	if err := p.workNoop(ctx, app.Options{Recording: workflows.Recording{Off: true}}); err != nil {
		return err
	}
	// With as many pollers as Waybill's own workers.
	w := worker.New(p.temporal, byHandQueue, worker.Options{MaxConcurrentWorkflowTaskPollers: 8, MaxConcurrentActivityTaskPollers: 8})
	w.RegisterWorkflowWithOptions(byHand, workflow.RegisterOptions{Name: byHandType})
	calls := worker.New(p.temporal, callsQueue, worker.Options{DisableWorkflowWorker: true, MaxConcurrentActivityTaskPollers: 8})
	for _, w := range []worker.Worker{w, calls} {
		activities.RegisterConnector(w, p.noop, nil)
		w.RegisterActivityWithOptions(bare, activity.RegisterOptions{Name: bareCall})
		if err := w.Start(); err != nil {
			return fmt.Errorf("start the worker of the workflow by hand: %w", err)
		}
		p.atEnd(func() error { w.Stop(); return nil })
	}
	return nil
}

// contenders are the process and its two rivals.
func (p *place) contenders(ctx context.Context, tasks int) ([]*contender, error) {
	d, err := p.deploy(ctx, tasks)
	if err != nil {
		return nil, err
	}
	process := &contender{Name: "process"}
	process.run = func(ctx context.Context) (string, error) {
		i, err := p.client.StartDefinition(ctx, d, client.StartOptions{Key: d.Key, Variables: map[string]any{"text": text}})
		if err != nil {
			return "", err
		}
		result, err := p.client.WaitFor(ctx, i)
		if err == nil && result.Variables["said"] != text {
			err = fmt.Errorf("instance %s ended with %v", i.ID, result.Variables)
		}
		return i.ID, err
	}
	return []*contender{
		process,
		p.rivalOn(byHandQueue, noopCall, "by hand, one task queue", tasks),
		p.rivalOn(callsQueue, noopCall, "by hand, calls on their own task queue", tasks),
	}, nil
}

func (p *place) rivalOn(queue, call, name string, tasks int) *contender {
	var started atomic.Int64
	return &contender{Name: name, run: func(ctx context.Context) (string, error) {
		options := temporal.StartWorkflowOptions{
			ID: fmt.Sprintf("by-hand/%s-%s-%d-%06d", queue, call, tasks, started.Add(1)), TaskQueue: byHandQueue,
		}
		run, err := p.temporal.ExecuteWorkflow(ctx, options, byHandType, order{Tasks: tasks, Text: text, Queue: queue, Call: call})
		if err != nil {
			return "", err
		}
		var result map[string]any
		err = run.Get(ctx, &result)
		if err == nil && result["said"] != text {
			err = fmt.Errorf("workflow %s ended with %v", run.GetID(), result)
		}
		return run.GetID(), err
	}}
}

// deploy deploys a model of some service tasks.
func (p *place) deploy(ctx context.Context, tasks int) (d contract.Definition, err error) {
	key := fmt.Sprintf("tasks-%d", tasks)
	extensions, err := extensionsOf(key, tasks)
	if err != nil {
		return d, err
	}
	return p.deployModel(ctx, key, chain(tasks, serviceTask), extensions, p.noop.Definition())
}

// deployModel loads a model as the command line does, deploys it and returns what is deployed.
func (p *place) deployModel(ctx context.Context, key string, model *drawing, extensions []byte, known *connectors.Definition) (d contract.Definition, err error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for name, content := range map[string][]byte{".bpmn": model.xml(key), "-extensions.json": extensions} {
		if err := os.WriteFile(filepath.Join(dir, key+name), content, 0o600); err != nil {
			return d, err
		}
	}
	loaded, err := project.Load([]string{dir}, project.Options{BuiltIn: []*connectors.Definition{known}})
	if err != nil {
		return d, err
	}
	if len(loaded.Warnings) > 0 {
		return d, errors.New(strings.Join(loaded.Warnings, "\n"))
	}
	if _, err := p.client.Deploy(ctx, loaded.Definitions[0]); err != nil {
		return d, err
	}
	return p.client.Definition(ctx, key, 0)
}

// extensionsOf declares the two variables and maps them to each task and back.
func extensionsOf(key string, tasks int) ([]byte, error) {
	type object = map[string]any
	property := func(name string) object { return object{"id": name, "name": name, "type": "string", "value": ""} }
	variable := func(name string) object { return object{name: object{"type": "variable", "value": name}} }
	mappings := object{}
	for i := range tasks {
		mappings[taskID(i)] = object{"inputs": variable("text"), "outputs": variable("said")}
	}
	return json.Marshal(object{"id": key, "name": key, "type": "PROCESS", "extensions": object{key: object{
		"properties": object{"text": property("text"), "said": property("said")}, "mappings": mappings,
	}}})
}
