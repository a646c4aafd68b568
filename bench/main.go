package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// report is what one run has measured; sections that were not asked for are nil.
type report struct {
	Machine machine       `json:"machine"`
	Engine  *engineReport `json:"engine,omitempty"`
	Host    *hostReport   `json:"host,omitempty"`
	Events  *eventsReport `json:"events,omitempty"`
	Calls   *callsReport  `json:"calls,omitempty"`
	Rate    *rateReport   `json:"rate,omitempty"`
	Mail    *mailReport   `json:"mail,omitempty"`

	Connectors *connectorsReport `json:"connectors,omitempty"`

	Mailboxes *mailboxesReport `json:"mailboxes,omitempty"`
	Memory    *memoryReport    `json:"memory,omitempty"`
	Webhooks  *webhooksReport  `json:"webhooks,omitempty"`
	Sending   *sendingReport   `json:"sending,omitempty"`
	Alerts    *alertsReport    `json:"alerts,omitempty"`
	Indexing  *indexingReport  `json:"indexing,omitempty"`
	Rebuild   *rebuildReport   `json:"rebuild,omitempty"`
	Indexer   *indexerReport   `json:"indexer,omitempty"`
	Outage    *outageReport    `json:"outage,omitempty"`
	External  *externalReport  `json:"external,omitempty"`
}

// section is a part of a report as a person reads it.
type section interface{ print(w io.Writer) }

// options say what to measure and how long.
type options struct {
	only   []string
	output string
	rounds int
	tasks  []int
	idle   int // mails sent one after the other
	stream int // mails sent at a steady rate

	mailboxes int // idle ones
	hold      time.Duration

	rebuild int // documents of the archive of a rebuild
}

var sections = []string{"engine", "host", "events", "calls", "rate", "connectors", "mail", "mailboxes", "memory", "webhooks", "sending", "alerts", "indexing", "indexer", "outage", "external"}

// rebuildSection is measured only when it is asked for: it takes many minutes.
const rebuildSection = "rebuild"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if args := os.Args[1:]; len(args) == 5 && args[0] == bareClients {
		fmt.Fprintln(os.Stderr, "bench:", holdClients(args[1], args[2], args[3], args[4]))
		os.Exit(1)
	}
	if args := os.Args[1:]; len(args) == 2 && args[0] == mailSink {
		if err := runSink(args[1]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if args := os.Args[1:]; len(args) == 2 && args[0] == externalGateway {
		if err := runExternalGateway(args[1]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if args := os.Args[1:]; len(args) == 2 && args[0] == rebuildWorker {
		if err := runRebuildWorker(args[1]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string, progress io.Writer) (options, error) {
	var o options
	var only, tasks string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(progress)
	f.StringVar(&only, "only", strings.Join(sections, ","), "what to measure")
	f.StringVar(&o.output, "output", "text", "text or json")
	f.IntVar(&o.rounds, "rounds", 8, "rounds of the process host")
	f.StringVar(&tasks, "tasks", "1,5,20", "service tasks of the processes of the process host")
	f.IntVar(&o.idle, "mails", 50, "mails sent one after the other")
	f.IntVar(&o.mailboxes, "mailboxes", 200, "idle mailboxes on one worker")
	f.DurationVar(&o.hold, "hold", time.Minute, "how long they are left at rest")
	f.IntVar(&o.rebuild, "rebuild", 1_000_000, "with --only rebuild: documents of the archive; a tenth as many events are in histories")
	f.IntVar(&o.stream, "stream", 200, "mails sent at 5 a second")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	for name := range strings.SplitSeq(only, ",") {
		if !slices.Contains(sections, name) && name != rebuildSection {
			return o, fmt.Errorf("--only %q: %s and %s are known", name, strings.Join(sections, ", "), rebuildSection)
		}
		o.only = append(o.only, name)
	}
	for text := range strings.SplitSeq(tasks, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			return o, fmt.Errorf("--tasks %q: numbers from 1 to 100 are expected, as in 1,5,20", tasks)
		}
		o.tasks = append(o.tasks, n)
	}
	if o.output != "text" && o.output != "json" {
		return o, fmt.Errorf("--output %q: text or json is expected", o.output)
	}
	if o.rounds < 1 || o.idle < 1 || o.stream < 0 {
		return o, errors.New("--rounds and --mails must be at least 1, --stream at least 0")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	o, err := parse(args, progress)
	if err != nil {
		return err
	}
	r := report{Machine: thisMachine()}
	printed := []section{r.Machine}
	if slices.Contains(o.only, "engine") {
		fmt.Fprintln(progress, "engine ...")
		if r.Engine, err = measureEngine(ctx); err != nil {
			return fmt.Errorf("engine: %w", err)
		}
		printed = append(printed, r.Engine)
	}
	if slices.Contains(o.only, "host") {
		if r.Host, err = measureHost(ctx, o.tasks, o.rounds, progress); err != nil {
			return fmt.Errorf("process host: %w", err)
		}
		printed = append(printed, r.Host)
	}
	if slices.Contains(o.only, "events") {
		if r.Events, err = measureEvents(ctx, o.tasks, o.rounds, progress); err != nil {
			return fmt.Errorf("events: %w", err)
		}
		printed = append(printed, r.Events)
	}
	if slices.Contains(o.only, "calls") {
		if r.Calls, err = measureCalls(ctx, o.rounds, progress); err != nil {
			return fmt.Errorf("connector calls: %w", err)
		}
		printed = append(printed, r.Calls)
	}
	if slices.Contains(o.only, "rate") {
		if r.Rate, err = measureRate(ctx, progress); err != nil {
			return fmt.Errorf("rate: %w", err)
		}
		printed = append(printed, r.Rate)
	}
	if slices.Contains(o.only, "connectors") {
		if r.Connectors, err = measureConnectors(ctx, o.rounds, progress); err != nil {
			return fmt.Errorf("connectors: %w", err)
		}
		printed = append(printed, r.Connectors)
	}
	if slices.Contains(o.only, "mail") {
		if r.Mail, err = measureMail(ctx, o.idle, o.stream, progress); err != nil {
			return fmt.Errorf("mail: %w", err)
		}
		printed = append(printed, r.Mail)
	}
	if slices.Contains(o.only, "mailboxes") {
		if r.Mailboxes, err = measureMailboxes(ctx, o.mailboxes, o.hold, progress); err != nil {
			return fmt.Errorf("mailboxes: %w", err)
		}
		printed = append(printed, r.Mailboxes)
	}
	if slices.Contains(o.only, "memory") {
		if r.Memory, err = measureMemory(ctx, progress); err != nil {
			return fmt.Errorf("memory: %w", err)
		}
		printed = append(printed, r.Memory)
	}
	if slices.Contains(o.only, "webhooks") {
		if r.Webhooks, err = measureWebhooks(ctx, progress); err != nil {
			return fmt.Errorf("webhooks: %w", err)
		}
		printed = append(printed, r.Webhooks)
	}
	if slices.Contains(o.only, "sending") {
		if r.Sending, err = measureSending(ctx, o.rounds, progress); err != nil {
			return fmt.Errorf("sending: %w", err)
		}
		printed = append(printed, r.Sending)
	}
	if slices.Contains(o.only, "alerts") {
		if r.Alerts, err = measureAlerts(ctx, progress); err != nil {
			return fmt.Errorf("alerts: %w", err)
		}
		printed = append(printed, r.Alerts)
	}
	if slices.Contains(o.only, rebuildSection) {
		if r.Rebuild, err = measureRebuild(ctx, o.rebuild, progress); err != nil {
			return fmt.Errorf("rebuild: %w", err)
		}
		printed = append(printed, r.Rebuild)
	}
	if slices.Contains(o.only, "indexing") {
		if r.Indexing, err = measureIndexing(ctx, o.rounds, progress); err != nil {
			return fmt.Errorf("indexing: %w", err)
		}
		printed = append(printed, r.Indexing)
	}
	if slices.Contains(o.only, "indexer") {
		if r.Indexer, err = measureIndexer(ctx, o.rounds, progress); err != nil {
			return fmt.Errorf("indexer: %w", err)
		}
		printed = append(printed, r.Indexer)
	}
	if slices.Contains(o.only, "outage") {
		if r.Outage, err = measureOutage(ctx, o.rounds, progress); err != nil {
			return fmt.Errorf("outage: %w", err)
		}
		printed = append(printed, r.Outage)
	}
	if slices.Contains(o.only, "external") {
		if r.External, err = measureExternal(ctx, o.rounds, progress); err != nil {
			return fmt.Errorf("external tasks: %w", err)
		}
		printed = append(printed, r.External)
	}
	if o.output == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	for _, s := range printed {
		s.print(out)
	}
	return nil
}

var (
	_ section = machine{}
	_ section = (*engineReport)(nil)
	_ section = (*hostReport)(nil)
	_ section = (*eventsReport)(nil)
	_ section = (*callsReport)(nil)
	_ section = (*rateReport)(nil)
	_ section = (*connectorsReport)(nil)
	_ section = (*mailReport)(nil)
	_ section = (*mailboxesReport)(nil)
	_ section = (*memoryReport)(nil)
	_ section = (*webhooksReport)(nil)
	_ section = (*sendingReport)(nil)
	_ section = (*alertsReport)(nil)
	_ section = (*externalReport)(nil)
)
