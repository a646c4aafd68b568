// Package app is the runtime of a Waybill worker: it hosts workflows, activities and the gateway in roles. The worker
// program runs it, and so do tests and Go programs that embed a worker.
//
// Mailbox watchers, calls to accounts, connector calls and workflow tasks have slots of their own and never wait for each
// other; see the task queues in activities/contract. Any number of workers with any roles may run, anywhere.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"gocloud.dev/blob"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/bridge"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/gateway"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/workflows"
)

// Role is a part of the work.
type Role string

// The roles.
const (
	Process    Role = "process"    // runs processes and turns mail into work
	Connectors Role = "connectors" // answers calls of the built-in connectors
	Mailbox    Role = "mailbox"    // watches mailboxes, and sends and fetches mail for applications
	Gateway    Role = "gateway"    // serves HTTP
	Indexer    Role = "indexer"    // writes events to the index and answers questions about it; only when there is an index
	Bridge     Role = "bridge"     // has connectors of Activiti Cloud answer calls over RabbitMQ; only when asked for
)

// Roles are all of them that need nothing set up.
func Roles() []Role { return []Role{Process, Connectors, Mailbox, Gateway} }

// ParseRoles reads a list as `--roles process,mailbox` gives it.
func ParseRoles(text string) ([]Role, error) {
	var roles []Role
	for name := range strings.SplitSeq(text, ",") {
		role := Role(strings.TrimSpace(name))
		if !slices.Contains(append(Roles(), Indexer, Bridge), role) {
			return nil, fmt.Errorf("unknown role %q; roles are process, connectors, mailbox, gateway, indexer and bridge", role)
		}
		if !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	return roles, nil
}

const (
	// stopTimeout is how long activities may take to end when the worker stops. Watchers hand over at once.
	stopTimeout = 10 * time.Second
	// watchers bounds the groups of mailboxes of one worker, unless it is told otherwise. It is more than there are groups, so that a
	// worker that is left alone takes all of them.
	watchers = 1000
	// accounts bounds the mails that a worker sends and fetches for applications, and its log-ins that are tried out.
	accounts = 200
	// credentials bounds the requests of a worker to OAuth servers.
	credentials = 20
	// notices bounds the mails of Waybill's own that a worker sends at once, so that a mail server is not flooded.
	notices = 20
	// emailAsked bounds how many ask a worker at once how it stands with the mail server.
	emailAsked = 20
	// webhooks bounds the webhooks that a worker waits for.
	webhooks = 200
	// alertSlots bounds the alerts that a worker takes at a time.
	alertSlots = 200
	// heartbeatThrottle bounds how late a cancellation reaches an activity, and how old the status of a mailbox is.
	heartbeatThrottle = 10 * time.Second
)

// Options say what a worker does and with what.
type Options struct {
	Temporal  temporal.Client // stays the caller's to close
	Namespace string          // of the Temporal client
	Roles     []Role          // nil: all
	Files     *blob.Bucket    // the blob store; stays the caller's to close
	// MailboxGroups is how many groups of mailboxes this worker holds at most, of role Mailbox; 0: as many as it is given. What all
	// workers together cannot hold is not watched.
	MailboxGroups int
	Unmarked      bool                     // of role Mailbox: handled mail gets neither flag nor keyword
	Connectors    []connectors.Connector   // those that are built in, which share a task queue with the processes
	Instances     []connectors.Connector   // others, each with a task queue of its own
	Mail          *service.Service         // sends Waybill's own mails and those of the connector email; nil: no mail server is set up
	Gateway       gateway.Options          // of role gateway; New adds what it knows itself
	Bridge        bridge.Config            // of role Bridge
	Alerts        activities.AlertSettings // of role Process; New adds the namespace
	Indexing      *Indexing                // of roles Indexer and Process; nil: events are not indexed
	Recording     workflows.Recording      // of role Process; New has the indexer told of what moves
	Logger        *slog.Logger             // nil: nothing is told
}

// App is a worker.
type App struct {
	options   Options
	workers   []worker.Worker
	client    *client.Client
	watcher   *activities.Watcher   // nil without the role Mailbox
	bridge    *bridge.Bridge        // nil without the role Bridge
	alerter   *activities.Alerter   // nil without the role Process
	indexer   *activities.Indexer   // nil without the role Indexer
	rebuilder *activities.Rebuilder // the same

	notebook *activities.Notebook // nil without the role Process, or an index

	listeners []connectors.Listener
	gateway   *gateway.Server
}

// New checks the options, creates missing search attributes and opens the gateway's port. Nothing runs yet.
func New(ctx context.Context, o Options) (*App, error) {
	if o.Roles == nil {
		o.Roles = Roles()
		if o.Indexing != nil && o.Indexing.Sink != nil {
			o.Roles = append(o.Roles, Indexer)
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Files == nil {
		return nil, errors.New("a worker needs a blob store")
	}
	if o.Mail == nil {
		o.Mail = service.New(service.Options{})
	}
	if o.MailboxGroups < 0 {
		return nil, fmt.Errorf("a worker cannot hold %d groups of mailboxes; 0 is no bound", o.MailboxGroups)
	}
	c := client.New(o.Temporal)
	a := &App{options: o, client: c}
	files := activities.NewFiles(o.Files)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics := activities.NewMetrics(registry)
	shared := a.addShared()
	for _, role := range o.Roles {
		switch role {
		case Process:
			if err := c.EnsureSearchAttributes(ctx, o.Namespace); err != nil {
				return nil, err
			}
			workflows.Register(shared, &definition.Cache{}, a.recording(registry))
			activities.RegisterScript(shared)
			w := a.add(contract.SteeringQueue, worker.Options{DisableWorkflowWorker: true, MaxConcurrentActivityTaskPollers: 4})
			deliverer := activities.NewDeliverer(c, files, metrics, answers())
			alerter := activities.NewAlerter(deliverer, o.alertSettings(), registry, o.Logger)
			activities.RegisterSteering(w, activities.NewSteering(c), deliverer)
			activities.RegisterAlerts(a.add(contract.AlertQueue, worker.Options{
				DisableWorkflowWorker: true, MaxConcurrentActivityExecutionSize: alertSlots, MaxConcurrentActivityTaskPollers: 8,
			}), alerter)
			a.alerter = alerter
			// Apart from the rest: programs that do not answer must not take the slots of what processes need.
			activities.RegisterWebhooks(a.add(contract.WebhookQueue, worker.Options{DisableWorkflowWorker: true, MaxConcurrentActivityExecutionSize: webhooks}), deliverer)
		case Connectors:
			for _, c := range o.Connectors {
				activities.RegisterConnector(shared, c, nil)
			}
			for _, instance := range o.Instances {
				a.addInstance(instance)
			}
			// Apart from the calls: Waybill's own mails wait for the mail server.
			own := a.add(contract.NoticeQueue, worker.Options{DisableWorkflowWorker: true, MaxConcurrentActivityExecutionSize: notices})
			activities.RegisterNotifier(own, activities.NewNotifier(a.client, o.Mail))
			// Apart from those: who asks how it stands with the mail server must not wait for it.
			activities.RegisterMails(a.add(contract.EmailQueue, worker.Options{
				DisableWorkflowWorker: true, MaxConcurrentActivityExecutionSize: emailAsked, MaxConcurrentActivityTaskPollers: 1,
			}), activities.NewMails(a.client, o.Mail, registry))
			a.warn()
			for _, c := range a.byName() {
				if l, ok := c.(connectors.Listener); ok {
					a.listeners = append(a.listeners, l)
				}
			}
		case Mailbox:
			a.watcher = activities.NewWatcher(c, files, o.Mail.Pool(), metrics)
			if o.Unmarked {
				a.watcher = a.watcher.WithoutMarks()
			}
			w := a.add(contract.MailboxQueue, worker.Options{
				DisableWorkflowWorker: true, Identity: a.watcher.Worker(),
				MaxConcurrentActivityExecutionSize: cmp.Or(o.MailboxGroups, watchers),
			})
			activities.RegisterWatcher(w, a.watcher)
			// Apart from the watchers: these hold their slots for good, and mail servers that do not answer must take none of theirs.
			activities.RegisterAccounts(a.add(contract.AccountQueue, worker.Options{DisableWorkflowWorker: true, MaxConcurrentActivityExecutionSize: accounts}), a.watcher)
			// Those wait for tokens, which must not wait for them.
			activities.RegisterCredentials(a.add(contract.CredentialQueue, worker.Options{DisableWorkflowWorker: true, MaxConcurrentActivityExecutionSize: credentials}))
		case Bridge:
			a.bridge = bridge.New(o.Bridge, o.Temporal, o.Namespace, registry, o.Logger)
			a.bridge.Register(func(queue string) worker.ActivityRegistry {
				return a.add(queue, worker.Options{DisableWorkflowWorker: true})
			})
		case Indexer:
			if err := a.addIndexer(ctx, registry); err != nil {
				return nil, err
			}
		case Gateway:
			if o.Indexing != nil {
				registry.MustRegister(activities.NewIndexCollector(c))
			}
			registry.MustRegister(activities.NewAlertCollector(c)) // here they are served, whatever worker takes the alerts
			g := o.Gateway
			g.Ready, g.Client, g.Namespace, g.Metrics, g.Receivers, g.Logger = a.ready, c, o.Namespace, registry, a.byName(), o.Logger
			g.Connectors = catalog.Definitions()
			var err error
			if a.gateway, err = gateway.Listen(g); err != nil {
				return nil, err
			}
		}
	}
	return a, nil
}

// alertSettings are those of alerts, with the namespace.
func (o Options) alertSettings() activities.AlertSettings {
	s := o.Alerts
	s.Namespace = o.Namespace
	return s
}

// addShared adds the worker of processes and connector calls, nil with neither role. A worker without role Connectors must not poll
// for calls, since it could not answer them.
func (a *App) addShared() worker.Worker {
	process, calls := slices.Contains(a.options.Roles, Process), slices.Contains(a.options.Roles, Connectors)
	if !process && !calls {
		return nil
	}
	return a.add(contract.ProcessQueue, worker.Options{
		DisableWorkflowWorker: !process, MaxConcurrentWorkflowTaskPollers: 8,
		LocalActivityWorkerOnly: !calls, MaxConcurrentActivityTaskPollers: 8,
	})
}

// addInstance adds a worker of the queue of an instance. With a rate, Temporal keeps the calls that wait, and the pacer spreads what
// Temporal lets through at once.
func (a *App) addInstance(instance connectors.Connector) {
	d := instance.Definition()
	options := worker.Options{DisableWorkflowWorker: true}
	var pacer *activities.Pacer
	if rate := d.Policy.PerSecond; rate > 0 {
		options.TaskQueueActivitiesPerSecond = rate
		pacer = activities.NewPacer(a.client, d.Name, rate)
	}
	activities.RegisterConnector(a.add(contract.CustomConnectorQueue(d.Name), options), instance, pacer)
}

func (a *App) add(queue string, o worker.Options) worker.Worker {
	o.WorkerStopTimeout = stopTimeout
	o.MaxHeartbeatThrottleInterval = heartbeatThrottle
	w := worker.New(a.options.Temporal, queue, o)
	a.workers = append(a.workers, w)
	return w
}

// byName are all connectors of this worker.
func (a *App) byName() map[string]connectors.Connector {
	all := map[string]connectors.Connector{}
	for _, c := range slices.Concat(a.options.Connectors, a.options.Instances) {
		all[c.Definition().Name] = c
	}
	return all
}

// answers say how events of the built-in connectors are answered.
func answers() map[string]activities.Answerer {
	all := map[string]activities.Answerer{}
	for _, t := range catalog.Templates() {
		if t.Answer != nil {
			all[t.Definition.Name] = t.Answer
		}
	}
	return all
}

// warn tells of settings that work and should not stay.
func (a *App) warn() {
	for _, c := range slices.Concat(a.options.Connectors, a.options.Instances) {
		if w, ok := c.(connectors.Warner); ok {
			for _, text := range w.Warnings() {
				a.options.Logger.Warn(text, "connector", c.Definition().Name)
			}
		}
	}
}

// ready tells whether Temporal answers.
func (a *App) ready(ctx context.Context) error {
	_, err := a.options.Temporal.CheckHealth(ctx, &temporal.CheckHealthRequest{})
	return err
}

// GatewayURL is where the gateway answers, "" without that role.
func (a *App) GatewayURL() string {
	if a.gateway == nil {
		return ""
	}
	return a.gateway.URL()
}

// Run works until ctx is done, then hands over what it can and ends. started, when not nil, is called when all roles work.
func (a *App) Run(ctx context.Context, started func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	if a.gateway != nil {
		go func() {
			err := a.gateway.Serve(ctx)
			cancel() // a worker without its gateway is not a worker
			served <- err
		}()
	} else {
		served <- nil
	}
	var failed error
	running := 0
	for _, w := range a.workers {
		if failed = w.Start(); failed != nil {
			failed = fmt.Errorf("start worker: %w", failed)
			cancel()
			break
		}
		running++
	}
	var beside sync.WaitGroup
	if a.watcher != nil {
		beside.Go(func() { a.watcher.Balance(ctx) })
	}
	if a.bridge != nil {
		beside.Go(func() { a.bridge.Run(ctx) })
	}
	if a.alerter != nil {
		beside.Go(func() { a.alerter.Announce(ctx) })
	}
	if a.indexer != nil {
		beside.Go(func() { a.indexer.Begin(ctx) })
		beside.Go(func() { a.rebuilder.Schedule(ctx) })
	}
	if a.notebook != nil {
		beside.Go(func() { a.notebook.Run(ctx) })
	}
	for _, l := range a.listeners {
		beside.Go(func() { activities.Listen(ctx, l, a.client, a.options.Logger) })
	}
	if failed == nil {
		if started != nil {
			started()
		}
		<-ctx.Done()
	}
	for _, w := range slices.Backward(a.workers[:running]) {
		w.Stop()
	}
	beside.Wait()
	if a.notebook != nil {
		a.notebook.Flush() // no workflow of this worker moves any more
	}
	if a.bridge != nil {
		failed = errors.Join(failed, a.bridge.Close())
	}
	return errors.Join(failed, <-served)
}
