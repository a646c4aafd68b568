package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	netmail "net/mail"
	"net/smtp"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/testsuite/mailserver"
	"github.com/waybill-io/waybill/worker/dev"
)

const (
	// mailTarget is the bar for the 95th percentile with an idle worker.
	mailTarget = time.Second
	// rest is what the worker gets after each reply to end the instance, acknowledge the mail and listen again.
	rest = 200 * time.Millisecond
	// pace is the distance of two mails of the stream.
	pace = 200 * time.Millisecond
	// patience bounds the wait for all replies after the last mail was sent.
	patience = time.Minute

	inbox          = "INBOX"
	supportAddress = "support@example.com"
)

// mailReport is the time from the customer's mail to the reply of the support desk, everything as `worker dev` starts it:
// files on disk and synced, IMAP with IDLE, SMTP both ways.
type mailReport struct {
	Target time.Duration `json:"target"` // of the 95th percentile, idle; nanoseconds
	Lines  []mailLine    `json:"lines"`
}

type mailLine struct {
	What    string  `json:"what"`
	Mails   int     `json:"mails"`
	Replies latency `json:"replies"` // from SMTP accept to the reply's SMTP accept
	Stages  []stage `json:"stages"`
}

// exchange is a customer's mail and its reply. Each customer writes once.
type exchange struct {
	customer string
	uid      uint32 // the folder is never renumbered, so the id of the mail ends with it
	accepted time.Time
	replied  time.Time
}

func (x *exchange) messageID() string { return "<question-of-" + x.customer + ">" }

func measureMail(ctx context.Context, idle, stream int, progress io.Writer) (report *mailReport, err error) {
	e, err := dev.Start(ctx, dev.Options{Example: true, Logger: slog.New(slog.DiscardHandler), Out: progress})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	report = &mailReport{Target: mailTarget}
	if _, err := oneByOne(ctx, e, "warm-up", 3); err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "mail: %d one after the other\n", idle)
	mails, err := oneByOne(ctx, e, "idle", idle)
	if err != nil {
		return nil, err
	}
	line, err := evaluate(ctx, e, fmt.Sprintf("%d one after the other, worker idle", idle), mails)
	if err != nil {
		return nil, err
	}
	report.Lines = append(report.Lines, line)
	if stream == 0 {
		return report, nil
	}
	fmt.Fprintf(progress, "mail: %d at 5 a second\n", stream)
	if mails, err = steadily(ctx, e, stream); err != nil {
		return nil, err
	}
	if line, err = evaluate(ctx, e, fmt.Sprintf("%d at 5 a second", stream), mails); err != nil {
		return nil, err
	}
	report.Lines = append(report.Lines, line)
	return report, nil
}

func customers(name string, n int) []*exchange {
	all := make([]*exchange, n)
	for i := range all {
		all[i] = &exchange{customer: fmt.Sprintf("%s-%d@example.com", name, i+1)}
	}
	return all
}

// oneByOne sends a mail when the one before has its reply.
func oneByOne(ctx context.Context, e *dev.Environment, name string, n int) ([]*exchange, error) {
	all := customers(name, n)
	for _, x := range all {
		if err := x.send(e.Mail.SMTPAddr()); err != nil {
			return nil, err
		}
		if err := awaitReplies(ctx, e.Mail, []*exchange{x}); err != nil {
			return nil, err
		}
		if err := pause(ctx, rest); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// steadily sends a mail every so often, whatever becomes of those before.
func steadily(ctx context.Context, e *dev.Environment, n int) ([]*exchange, error) {
	all := customers("stream", n)
	var sending errgroup.Group
	began := time.Now()
	for i, x := range all {
		if err := pause(ctx, time.Until(began.Add(time.Duration(i)*pace))); err != nil {
			return nil, errors.Join(err, sending.Wait())
		}
		sending.Go(func() error { return x.send(e.Mail.SMTPAddr()) })
	}
	if err := sending.Wait(); err != nil {
		return nil, err
	}
	return all, awaitReplies(ctx, e.Mail, all)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (x *exchange) send(address string) error {
	text := fmt.Appendf(nil, "From: %s\r\nTo: %s\r\nSubject: Question about order C-2041\r\nMessage-ID: %s\r\nDate: %s\r\n"+
		"Content-Type: text/plain; charset=utf-8\r\n\r\nHello,\r\n\r\nwhen will my order arrive?\r\n",
		x.customer, supportAddress, x.messageID(), time.Now().Format(time.RFC1123Z))
	if err := smtp.SendMail(address, nil, x.customer, []string{supportAddress}, text); err != nil {
		return fmt.Errorf("send the mail of %s: %w", x.customer, err)
	}
	return nil
}

// awaitReplies blocks until every customer has a reply and notes when the mail server took it.
func awaitReplies(ctx context.Context, server *mailserver.Server, all []*exchange) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, x := range all {
		replies, err := server.WaitFor(ctx, x.customer, 1)
		if err != nil {
			return err
		}
		if id, err := header(replies[0], "In-Reply-To"); err != nil || id != x.messageID() {
			return errors.Join(err, fmt.Errorf("%s got a reply to %q, not to %s", x.customer, id, x.messageID()))
		}
		x.replied = replies[0].Received
	}
	return nil
}

func header(m mailserver.Message, name string) (string, error) {
	parsed, err := netmail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return "", fmt.Errorf("read message %d: %w", m.UID, err)
	}
	return parsed.Header.Get(name), nil
}

// evaluate looks up when each mail was accepted, and where the time went.
func evaluate(ctx context.Context, e *dev.Environment, what string, all []*exchange) (mailLine, error) {
	line := mailLine{What: what, Mails: len(all)}
	messages, err := e.Mail.Messages(supportAddress, inbox)
	if err != nil {
		return line, err
	}
	sent := map[string]mailserver.Message{}
	for _, m := range messages {
		id, err := header(m, "Message-ID")
		if err != nil {
			return line, err
		}
		sent[id] = m
	}
	var took []time.Duration
	for _, x := range all {
		m, ok := sent[x.messageID()]
		if !ok {
			return line, fmt.Errorf("the mail of %s is not in the mailbox", x.customer)
		}
		x.uid, x.accepted = m.UID, m.Received
		took = append(took, x.replied.Sub(x.accepted))
	}
	line.Replies = latencyOf(took)
	line.Stages, err = stages(ctx, e.Client, all)
	return line, err
}

func (r *mailReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## Mail to reply, everything local (target: 95th percentile < %s with an idle worker)\n\n", r.Target)
	fmt.Fprint(w, "From the SMTP accept of the customer's mail to the SMTP accept of the reply; below, where the time goes, by the histories.\n\n")
	t := table{{"what", "median", "p95", "max"}}
	row := func(what string, l latency) {
		t = append(t, []string{what, inMilliseconds(l.Median), inMilliseconds(l.P95), inMilliseconds(l.Max)})
	}
	for _, l := range r.Lines {
		row(l.What, l.Replies)
		for _, s := range l.Stages {
			row("- "+s.What, s.Took)
		}
	}
	t.print(w)
}
