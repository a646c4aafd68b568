package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/email"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
	"github.com/waybill-io/waybill/worker/app"
)

const (
	// sendingTarget is the bar for mails a second through the connector against a loop over go-mail with as many connections.
	sendingTarget = 0.6
	sendingMails  = 1000
	// sendingRounds is the most that are made with processes: a round of them takes long.
	sendingRounds = 3
	// sendingAtOnce is how many processes are under way: more than there are connections.
	sendingAtOnce = 32
	// sendingBatch is the mails of a process that sends many.
	sendingBatch = 50
	// sinkPause is what a mail server takes to put a mail into its queue: Postfix, with a disk that syncs in some milliseconds.
	sinkPause = 10 * time.Millisecond
)

// sendingReport is mails through email.SEND against a bare loop over go-mail, at a mail server in a process of its own.
type sendingReport struct {
	Target float64       `json:"target"`
	Mails  int           `json:"mails"` // a round
	Rounds int           `json:"rounds"`
	Lines  []sendingLine `json:"lines"`
}

type sendingLine struct {
	Connections int           `json:"connections"`
	Pause       time.Duration `json:"pause"` // of the server, for each mail
	Bare        sender        `json:"bare"`
	Connector   sender        `json:"connector"` // the call, as the activity makes it, without Temporal
	// Processes of one mail, and of sendingBatch mails at once, over Temporal.
	Processes *sender `json:"processes,omitempty"`
	Batches   *sender `json:"batches,omitempty"`
}

// sender is one way to send mails.
type sender struct {
	PerSecond spread  `json:"perSecond"`
	Rate      spread  `json:"rate"` // against the bare loop, by rounds
	Took      latency `json:"took"` // a mail; a process from its start to its end

	begin  func(ctx context.Context) (end func(), err error) // of a round; may be nil
	send   func(ctx context.Context, n int) error
	atOnce int
	batch  int // mails that send sends
	rates  []float64
	took   []time.Duration
}

func measureSending(ctx context.Context, rounds int, progress io.Writer) (report *sendingReport, err error) {
	report = &sendingReport{Target: sendingTarget, Mails: sendingMails, Rounds: rounds}
	for _, c := range []struct {
		connections int
		pause       time.Duration
		processes   bool
	}{{10, 0, false}, {10, sinkPause, true}, {1, sinkPause, true}} {
		if c.processes {
			rounds = min(rounds, sendingRounds)
		}
		fmt.Fprintf(progress, "sending: %d connections, the server takes %s for a mail\n", c.connections, c.pause)
		line, err := compareSenders(ctx, c.connections, c.pause, c.processes, rounds, progress)
		if err != nil {
			return nil, err
		}
		report.Lines = append(report.Lines, line)
	}
	return report, nil
}

func compareSenders(ctx context.Context, connections int, pause time.Duration, processes bool, rounds int, progress io.Writer) (line sendingLine, err error) {
	server, err := startSink(ctx, pause)
	if err != nil {
		return line, err
	}
	defer func() { err = errors.Join(err, server.end()) }()
	bare := bareSender(server, connections)
	connector, transport, err := mailConnector(server, connections)
	if err != nil {
		return line, err
	}
	defer func() { err = errors.Join(err, transport.Close()) }()
	ours := &sender{batch: 1, atOnce: connections, send: func(ctx context.Context, n int) error {
		_, err := connectors.Do(ctx, connector, connectors.Call{Action: "SEND", IdempotencyKey: fmt.Sprintf("bench/%d", n), Inputs: map[string]any{
			"to": recipient, "subject": sentSubject, "text": text,
		}})
		return err
	}}
	all := []*sender{bare, ours}
	if processes {
		p, err := newPlace(ctx, progress)
		if err != nil {
			return line, err
		}
		defer func() { err = errors.Join(err, p.end()) }()
		if err := p.workMails(ctx, connector); err != nil {
			return line, err
		}
		for _, batch := range []int{1, sendingBatch} {
			through, err := p.processSender(ctx, connector, batch)
			if err != nil {
				return line, err
			}
			all = append(all, through)
		}
	}
	for n := range rounds + 1 {
		fmt.Fprintf(progress, "sending: round %d of %d\n", n, rounds)
		for i := range all {
			if err := all[(i+n)%len(all)].round(ctx, n > 0); err != nil {
				return line, err
			}
		}
	}
	if got, want := server.mails(), len(all)*(rounds+1)*sendingMails; got != want {
		return line, fmt.Errorf("the server has got %d mails, not %d", got, want)
	}
	for _, s := range all {
		s.sum(bare.rates)
	}
	line = sendingLine{Connections: connections, Pause: pause, Bare: *bare, Connector: *ours}
	if processes {
		line.Processes, line.Batches = all[2], all[3]
	}
	return line, nil
}

// round sends all mails; the first round is not counted.
func (s *sender) round(ctx context.Context, counts bool) error {
	if s.begin != nil {
		end, err := s.begin(ctx)
		if err != nil {
			return err
		}
		defer end()
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.atOnce)
	var mu sync.Mutex
	begun := time.Now()
	for n := range sendingMails / s.batch {
		group.Go(func() error {
			started := time.Now()
			err := s.send(ctx, n)
			mu.Lock()
			defer mu.Unlock()
			if counts {
				s.took = append(s.took, time.Since(started))
			}
			return err
		})
	}
	err := group.Wait()
	if counts {
		s.rates = append(s.rates, sendingMails/time.Since(begun).Seconds())
	}
	return err
}

func (s *sender) sum(bare []float64) {
	var ratios []float64
	for n, rate := range s.rates {
		ratios = append(ratios, rate/bare[n])
	}
	s.PerSecond, s.Rate, s.Took = spreadOf(s.rates), spreadOf(ratios), latencyOf(s.took)
}

const (
	recipient   = "ann@example.com"
	sentFrom    = "desk@example.com"
	sentSubject = "Your order 2041"
)

// bareSender is the loop that somebody writes who has go-mail: clients that stay connected through a round.
func bareSender(server *mailServer, connections int) *sender {
	idle := make(chan *gomail.Client, connections)
	begin := func(ctx context.Context) (func(), error) {
		for range connections {
			c, err := gomail.NewClient(server.host, gomail.WithPort(server.port), gomail.WithTLSPolicy(gomail.NoTLS))
			if err != nil {
				return nil, err
			}
			if err := c.DialWithContext(ctx); err != nil {
				return nil, fmt.Errorf("connect go-mail: %w", err)
			}
			idle <- c
		}
		return func() {
			for range connections {
				_ = (<-idle).Close()
			}
		}, nil
	}
	return &sender{batch: 1, atOnce: connections, begin: begin, send: func(context.Context, int) error {
		m := gomail.NewMsg()
		if err := errors.Join(m.From(sentFrom), m.To(recipient)); err != nil {
			return err
		}
		m.Subject(sentSubject)
		m.SetBodyString(gomail.TypeTextPlain, text)
		c := <-idle
		defer func() { idle <- c }()
		return c.Send(m)
	}}
}

// mailConnector is the email connector as a worker makes it.
func mailConnector(server *mailServer, connections int) (*email.Connector, *smtp.Transport, error) {
	transport, err := smtp.New(smtp.Config{Host: server.host, Port: server.port, TLS: smtp.TLSNone, Connections: connections})
	if err != nil {
		return nil, nil, err
	}
	mails := service.New(service.Options{Accounts: map[string]service.Account{"": {Sender: transport, From: mail.Address{Address: sentFrom}}}})
	return email.New(email.Template().Definition, mails, nil), transport, nil
}

// workMails starts one worker.
func (p *place) workMails(ctx context.Context, c *email.Connector) error {
	return p.work(ctx, app.Options{Roles: []app.Role{app.Process, app.Connectors}, Connectors: []connectors.Connector{c}})
}

// processSender sends by processes of one task that sends a number of mails at once.
func (p *place) processSender(ctx context.Context, c *email.Connector, batch int) (*sender, error) {
	d, err := p.deploySending(ctx, c, batch)
	if err != nil {
		return nil, err
	}
	return &sender{batch: batch, atOnce: max(1, sendingAtOnce/batch), send: func(ctx context.Context, _ int) error {
		i, err := p.client.StartDefinition(ctx, d, client.StartOptions{Key: d.Key, Variables: map[string]any{"text": text}})
		if err == nil {
			_, err = p.client.WaitFor(ctx, i)
		}
		return err
	}}, nil
}

func (p *place) deploySending(ctx context.Context, c *email.Connector, batch int) (contract.Definition, error) {
	type object = map[string]any
	value := func(v string) object { return object{"type": "value", "value": v} }
	key := fmt.Sprintf("sending-%d", batch)
	extensions, err := json.Marshal(object{"id": key, "name": key, "type": "PROCESS", "extensions": object{key: object{
		"properties": object{"text": object{"id": "text", "name": "text", "type": "string", "value": ""}},
		"mappings": object{taskID(0): object{"inputs": object{
			"to": value(recipient), "subject": value(sentSubject), "text": object{"type": "variable", "value": "text"},
		}}},
	}}})
	if err != nil {
		return contract.Definition{}, err
	}
	inside := ""
	if batch > 1 {
		inside = fmt.Sprintf(`<multiInstanceLoopCharacteristics><loopCardinality>%d</loopCardinality></multiInstanceLoopCharacteristics>`, batch)
	}
	model := chain(1, func(d *drawing, i int, id string) {
		d.element(`<serviceTask id="%s" name="%s" implementation="email.SEND">%s</serviceTask>`, id, taskName(i), inside)
	})
	return p.deployModel(ctx, key, model, extensions, c.Definition())
}

func (r *sendingReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## %d mails through email.SEND against a loop over go-mail with as many connections (target: ratio >= %.1f)\n\n", r.Mails, r.Target)
	fmt.Fprintf(w, "One mail server in a process of its own, one worker, %d rounds in turn, with processes at most %d; median (quartiles) over the rounds. Processes are timed from start to end, %d mails at a time or a little more.\n\n", r.Rounds, sendingRounds, sendingAtOnce)
	t := table{{"connections", "server", "what", "mails/s", "ratio of rates", "median", "p95", "max"}}
	for _, l := range r.Lines {
		row := func(what string, s sender, rate string) {
			t = append(t, []string{
				strconv.Itoa(l.Connections), l.Pause.String() + " a mail", what, fmt.Sprintf("%.0f", s.PerSecond.Median), rate,
				fine(s.Took.Median), fine(s.Took.P95), fine(s.Took.Max),
			})
		}
		row("go-mail alone", l.Bare, "")
		row("the connector", l.Connector, l.Connector.Rate.String())
		if l.Processes != nil {
			row("processes of a mail", *l.Processes, l.Processes.Rate.String())
			row(fmt.Sprintf("processes of %d mails", sendingBatch), *l.Batches, l.Batches.Rate.String())
		}
	}
	t.print(w)
}

func fine(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }
