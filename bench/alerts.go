package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/alerts"
)

const (
	// alertsRaised is how many alerts come at once.
	alertsRaised = 10_000
	// alertsRaising is how many are under way.
	alertsRaising = 200
	// alertProcesses is of how many processes they are: more than a rule tells of by themselves.
	alertProcesses = 30
	alertsTo       = "ops@example.com"
)

// alertsReport is a storm of alerts on one worker.
type alertsReport struct {
	Alerts    int           `json:"alerts"`
	Processes int           `json:"processes"`
	Took      time.Duration `json:"took"` // until the last was accepted
	PerSecond float64       `json:"perSecond"`
	Signals   int           `json:"signals"`
	Mails     int           `json:"mails"` // within the minute in which groups that are too many gather, and some seconds
	Counted   int64         `json:"counted"`
	Events    int           `json:"events"` // of the longest history
	Bytes     int           `json:"bytes"`
	Before    int64         `json:"bytesBefore"` // memory of the worker
	After     int64         `json:"bytesAfter"`
}

func measureAlerts(ctx context.Context, progress io.Writer) (report *alertsReport, err error) {
	r, err := newRig(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.end()) }()
	if err := r.startMail(); err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(r.mail.SMTPAddr())
	if err != nil {
		return nil, err
	}
	if err := r.startWorker("EMAIL_HOST="+host, "EMAIL_PORT="+port, "EMAIL_FROM=waybill@example.com"); err != nil {
		return nil, err
	}
	report = &alertsReport{Alerts: alertsRaised, Processes: alertProcesses}
	return report, r.storm(ctx, report)
}

func (r *rig) storm(ctx context.Context, report *alertsReport) error {
	rule, err := alerts.Parse("storm.json", []byte(`{"name":"storm","actions":[{"mail":{"to":["`+alertsTo+`"]}}]}`), alerts.Options{Templates: []string{contract.TemplateAlert}})
	if err != nil {
		return err
	}
	stored, err := rule.Stored(nil)
	if err != nil {
		return err
	}
	if err := r.client.PutAlertRule(ctx, rule.Name, stored); err != nil {
		return err
	}
	// It has the worker read its rules, and so is the end of its start, too.
	if _, err := r.client.TryAlert(ctx, contract.Alert{ID: "none", Test: &contract.AlertTest{Rule: "none"}}); err != nil {
		return err
	}
	report.Before, _ = memoryOf(r.worker.Process.Pid)
	var next atomic.Int64
	group, raising := errgroup.WithContext(ctx)
	begun := time.Now()
	for range alertsRaising {
		group.Go(func() error {
			for n := next.Add(1); n <= alertsRaised; n = next.Add(1) {
				process := fmt.Sprintf("p%d", n%alertProcesses)
				_, err := r.client.TryAlert(raising, contract.Alert{
					ID: fmt.Sprintf("%s/%d/1", process, n), Source: contract.AlertProcess, At: time.Now(), ProcessID: fmt.Sprintf("%s/%d", process, n),
					ProcessName: process, ProcessKey: process, Status: contract.StateSuspended, FaultName: "FAULT",
					FaultDetails: contract.FaultDetails{Reason: strings.Repeat("the other side does not answer ", 10)},
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	report.Took = time.Since(begun)
	report.PerSecond = alertsRaised / report.Took.Seconds()
	fmt.Fprintf(r.progress, "alerts: %.0f a second\n", report.PerSecond)
	time.Sleep(time.Minute + 15*time.Second)
	report.After, _ = memoryOf(r.worker.Process.Pid)
	return r.weigh(ctx, rule.Name, report)
}

// weigh reads what the storm left.
func (r *rig) weigh(ctx context.Context, rule string, report *alertsReport) error {
	state, err := r.client.AlertGroups(ctx, rule)
	if err != nil {
		return err
	}
	for _, g := range state.Groups {
		report.Counted += g.Count
	}
	messages, err := r.mail.Messages(alertsTo, "INBOX")
	if err != nil {
		return err
	}
	report.Mails = len(messages)
	h, err := r.client.History(ctx, contract.AlertsID(rule), "")
	if err != nil {
		return err
	}
	report.Events = len(h.GetEvents())
	for _, e := range h.GetEvents() {
		report.Bytes += e.Size()
	}
	report.Signals, err = r.signals(ctx)
	return err
}

// signals reads how many signals the worker has sent.
func (r *rig) signals(ctx context.Context) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.gateway+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "waybill_alerts_signals_total "); ok {
			return strconv.Atoi(strings.TrimSpace(value))
		}
	}
	return 0, errors.New("the worker has no metric of signals")
}

func (r *alertsReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## %d alerts of %d processes at once (target: at most one mail a group and window, groups above 10 in one)\n\n", r.Alerts, r.Processes)
	table{
		{"accepted within", "alerts/s", "signals", "mails", "counted", "events of the longest history", "its bytes", "worker before", "worker after"},
		{
			r.Took.Round(time.Millisecond).String(), fmt.Sprintf("%.0f", r.PerSecond), strconv.Itoa(r.Signals), strconv.Itoa(r.Mails), strconv.FormatInt(r.Counted, 10),
			strconv.Itoa(r.Events), strconv.Itoa(r.Bytes), mib(r.Before), mib(r.After),
		},
	}.print(w)
}
