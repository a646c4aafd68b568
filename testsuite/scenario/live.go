package scenario

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/workflows"
)

// Dial connects to a Temporal server; "" is the namespace that commands use without saying so.
type Dial func(ctx context.Context, namespace string) (temporal.Client, error)

// live is a Temporal server with a worker of its own: a namespace that no other worker serves, since the connectors of a
// scenario are stubs. Instances in it have clocks that stand still (contract.ProcessInput.Clock), and timer start events
// are the runner's, so that time is the scenario's here, too.
type live struct {
	temporal temporal.Client
	client   *client.Client
	workers  []worker.Worker
	queues   []string // that are served

	namespace string

	mu        sync.Mutex
	now       time.Time
	instances []execution // processes in the order in which they began, with runs of earlier cases
	others    []execution // tasks, places of messages and signals, definitions, registries
	stub      func(contract.ConnectorCall) (contract.ConnectorResult, error)
}

// execution is a workflow that the worker has seen.
type execution struct{ id, kind string }

// goLive makes a namespace and serves it.
func goLive(ctx context.Context, dial Dial) (*live, error) {
	namespace := "waybill-test-" + strings.ToLower(rand.Text()[:12])
	admin, err := dial(ctx, "")
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	_, err = admin.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour), Description: "a run of scenario files",
	})
	if err != nil {
		return nil, fmt.Errorf("make a namespace for the run: %w", err)
	}
	l := &live{namespace: namespace}
	if l.temporal, err = dial(ctx, namespace); err != nil {
		return nil, err
	}
	l.client = client.New(l.temporal)
	if err := l.ready(ctx, namespace); err != nil {
		l.temporal.Close()
		return nil, err
	}
	w := l.add(contract.ProcessQueue, false)
	workflows.Register(w, &definition.Cache{}, workflows.Recording{})
	activities.RegisterScript(w)
	steering := worker.New(l.temporal, contract.SteeringQueue, worker.Options{DisableWorkflowWorker: true})
	activities.RegisterSteering(steering, activities.NewSteering(l.client).ForTests(l.clock), nil)
	l.workers = append(l.workers, steering)
	for _, w := range l.workers {
		if err := w.Start(); err != nil {
			return nil, errors.Join(fmt.Errorf("start the worker of the run: %w", err), l.close())
		}
	}
	return l, nil
}

// ready waits until a new namespace is known everywhere.
func (l *live) ready(ctx context.Context, namespace string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := l.client.EnsureSearchAttributes(ctx, namespace)
		if err == nil {
			_, err = l.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
				Query: contract.StateAttribute + " IS NOT NULL AND " + contract.InstanceAttribute + " IS NOT NULL", PageSize: 1,
			})
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the namespace of the run: %w", err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// add adds the worker of a queue whose calls the stubs answer.
func (l *live) add(queue string, activitiesOnly bool) worker.Worker {
	w := worker.New(l.temporal, queue, worker.Options{
		DisableWorkflowWorker: activitiesOnly, Interceptors: []interceptor.WorkerInterceptor{&witness{live: l}},
	})
	w.RegisterDynamicActivity(l.call, dynamicActivity)
	l.workers, l.queues = append(l.workers, w), append(l.queues, queue)
	return w
}

// serve has the queues of a definition's connectors served.
func (l *live) serve(d contract.Definition) error {
	for _, b := range d.Connectors {
		if slices.Contains(l.queues, b.TaskQueue) {
			continue
		}
		if err := l.add(b.TaskQueue, true).Start(); err != nil {
			return fmt.Errorf("serve the queue %s: %w", b.TaskQueue, err)
		}
	}
	return nil
}

func (l *live) close() error {
	for _, w := range slices.Backward(l.workers) {
		w.Stop()
	}
	l.temporal.Close()
	return nil
}

func (l *live) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *live) saw(e execution) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := &l.instances
	if strings.HasPrefix(e.kind, "waybill/") {
		list = &l.others
	}
	if !slices.Contains(*list, e) {
		*list = append(*list, e)
	}
}

func (l *live) seen() (instances, others []execution) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.instances), slices.Clone(l.others)
}

// witness tells a live stage of every workflow that begins.
type witness struct {
	interceptor.WorkerInterceptorBase
	live *live
}

// InterceptWorkflow implements interceptor.WorkerInterceptor.
func (w *witness) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &witnessed{WorkflowInboundInterceptorBase: interceptor.WorkflowInboundInterceptorBase{Next: next}, live: w.live}
}

type witnessed struct {
	interceptor.WorkflowInboundInterceptorBase
	live *live
}

// ExecuteWorkflow implements interceptor.WorkflowInboundInterceptor.
func (w *witnessed) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	info := workflow.GetInfo(ctx)
	w.live.saw(execution{info.WorkflowExecution.ID, info.WorkflowType.Name})
	return w.Next.ExecuteWorkflow(ctx, in)
}
