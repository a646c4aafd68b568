package activities

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/alerts"
	"github.com/waybill-io/waybill/client"
)

// rulesLast is how long rules are kept that were read.
const rulesLast = 5 * time.Second

// AlertSettings are what alerts need to know of where they are.
type AlertSettings struct {
	To        []string // addresses that are told of everything while there are no rules
	Namespace string   // of Temporal
	UIURL     string   // Temporal's Web UI, without a slash at its end; "": alerts have no link to it
	BaseURL   string   // email.base.url, without a slash at its end: begins links to incidents; "": there are none
}

// Alerter takes alerts: it finds the rules that take them, and hands them to their workflows, many at a time. It is safe for concurrent use.
type Alerter struct {
	client    *client.Client
	deliverer *Deliverer // fires the triggers of rules
	settings  AlertSettings
	logger    *slog.Logger
	taken     *prometheus.CounterVec // by outcome
	signals   prometheus.Counter
	linger    time.Duration

	reading sync.Mutex // of what follows
	rules   []*alerts.Rule
	read    time.Time

	mu     sync.Mutex
	queues map[string]*alertQueue // by rule
}

// NewAlerter returns the activities of alerts. It registers their metrics: a worker has it once.
func NewAlerter(d *Deliverer, s AlertSettings, r prometheus.Registerer, logger *slog.Logger) *Alerter {
	a := &Alerter{
		client: d.client, deliverer: d, settings: s, logger: logger, linger: alertLinger, queues: map[string]*alertQueue{},
		taken: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waybill_alerts_total", Help: "Alerts that this worker took, by outcome: taken by a rule, ignored by one, or unrouted: no rule takes them.",
		}, []string{"outcome"}),
		signals: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "waybill_alerts_signals_total", Help: "Batches of alerts that this worker handed to the workflows of rules.",
		}),
	}
	r.MustRegister(a.taken, a.signals)
	return a
}

// Alert finds the rules that take an alert and hands it to them. It may be repeated: an alert is known by its id.
func (a *Alerter) Alert(ctx context.Context, in contract.Alert) (contract.AlertResult, error) {
	rules, err := a.current(ctx, in.Test != nil)
	if err != nil {
		return contract.AlertResult{}, err
	}
	in = alerts.Bounded(in)
	if in.Test != nil {
		return a.try(ctx, rules, in)
	}
	routed := alerts.Route(rules, in)
	switch {
	case routed.Ignored != "":
		a.taken.WithLabelValues("ignored").Inc()
		return contract.AlertResult{Ignored: routed.Ignored}, nil
	case len(routed.Rules) == 0:
		a.taken.WithLabelValues("unrouted").Inc()
		a.logger.Warn("nobody is told of an alert: no rule takes it, see `starter alert rule` or set WAYBILL_ALERT_TO",
			"source", in.Source, "process", in.ProcessID, "name", in.ProcessName, "fault", in.FaultName)
		routed.Rules = []*alerts.Rule{alerts.Nobody()}
	default:
		a.taken.WithLabelValues("taken").Inc()
	}
	result := contract.AlertResult{}
	for _, r := range routed.Rules {
		if r.Name != alerts.Unrouted {
			result.Rules = append(result.Rules, r.Name)
		}
	}
	return result, a.hand(ctx, routed.Rules, in)
}

// try says what each rule makes of an alert, and has those act that are meant.
func (a *Alerter) try(ctx context.Context, rules []*alerts.Rule, in contract.Alert) (contract.AlertResult, error) {
	result := contract.AlertResult{Verdicts: alerts.Explain(rules, in)}
	routed := alerts.Route(rules, in)
	result.Ignored = routed.Ignored
	var acting []*alerts.Rule
	for _, r := range routed.Rules {
		if in.Test.Rule == "" || r.Name == in.Test.Rule {
			acting = append(acting, r)
			result.Rules = append(result.Rules, r.Name)
		}
	}
	if result.Ignored != "" {
		return result, nil
	}
	return result, a.hand(ctx, acting, in)
}

// hand gives an alert to the workflows of rules, and returns when they have it.
func (a *Alerter) hand(ctx context.Context, rules []*alerts.Rule, in contract.Alert) error {
	waiting := make([]chan error, 0, len(rules))
	for _, r := range rules {
		waiting = append(waiting, a.enqueue(ctx, r, in))
	}
	for _, accepted := range waiting {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-accepted:
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// current are the rules, which are read anew every few seconds, or now. One that cannot be read, of a later version, stops no other.
func (a *Alerter) current(ctx context.Context, now bool) ([]*alerts.Rule, error) {
	a.reading.Lock()
	defer a.reading.Unlock()
	if !now && time.Since(a.read) < rulesLast {
		return a.rules, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout) // everybody else waits for the answer
	defer cancel()
	entries, err := a.client.AlertRules(ctx)
	if err != nil {
		if a.rules != nil { // those of some moments ago are better than none
			a.read = time.Now()
			return a.rules, nil
		}
		return nil, err
	}
	rules := []*alerts.Rule{}
	for _, e := range entries {
		r, err := alerts.Read(e.ID, e.Value)
		if err != nil {
			a.logger.Error("a rule of alerts cannot be read and is left out; put it again with `starter alert rule put`", "rule", e.ID, "error", err)
			continue
		}
		rules = append(rules, r)
	}
	if len(entries) == 0 && len(a.settings.To) > 0 {
		rules = append(rules, alerts.ToAddresses(a.settings.To))
	}
	a.rules, a.read = rules, time.Now()
	return rules, nil
}

// rule finds a rule by its name; nil when there is none.
func (a *Alerter) rule(ctx context.Context, name string) (*alerts.Rule, error) {
	if name == alerts.Unrouted {
		return alerts.Nobody(), nil
	}
	for _, now := range []bool{false, true} { // one that is missing may be new
		rules, err := a.current(ctx, now)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(rules, func(r *alerts.Rule) bool { return r.Name == name }); i >= 0 {
			return rules[i], nil
		}
	}
	return nil, nil
}

// Announce tells the log once when nobody is told of alerts.
func (a *Alerter) Announce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	rules, err := a.current(ctx, true)
	switch {
	case ctx.Err() != nil && err != nil: // the workers only just start; they tell of what goes wrong
	case err != nil:
		a.logger.Warn("the rules of alerts cannot be read", "error", err)
	case len(rules) == 0:
		a.logger.Warn("nobody is told of alerts, such as processes that are suspended: put a rule with `starter alert rule put`, or set WAYBILL_ALERT_TO to addresses")
	default:
		a.logger.Info("alerts have rules", "rules", len(rules))
	}
}
