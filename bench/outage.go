package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/events"
	elasticserver "github.com/waybill-io/waybill/testsuite/elasticsearch"
	"github.com/waybill-io/waybill/worker/app"
)

const (
	outageTasks     = 5
	outageInstances = 200 // of a round
	outageInterval  = 2   // of passes, in seconds
)

// outageReport is what processes notice of an Elasticsearch that is away.
type outageReport struct {
	Tasks int    `json:"tasks"`
	Up    spread `json:"up"` // instances a second, while they are indexed
	Down  spread `json:"down"`
	Ratio spread `json:"ratio"` // of down to up
	// Lag is from an event until its document can be found at the latest, with a pass every Interval seconds. Promised is Interval + 5.
	Lag       latency `json:"lag"`
	Documents int     `json:"documents"` // that it is of
	Interval  int     `json:"interval"`
}

// noting is an index that notes how long after its event each document was written first.
type noting struct {
	*analytics.Store
	mu   sync.Mutex
	lags map[string]lag
}

type lag struct {
	of   time.Time
	took time.Duration
}

// Write implements activities.Sink.
func (n *noting) Write(ctx context.Context, documents []events.Document) (analytics.Written, error) {
	written, err := n.Store.Write(ctx, documents)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range documents {
		key := fmt.Sprintf("%s %s %d", d.Index(), d.ID(), d.Version())
		if _, known := n.lags[key]; err == nil && !known {
			n.lags[key] = lag{d.Time, time.Since(d.Time)}
		}
	}
	return written, err
}

// between returns the lags of what happened in a time, until it can be found: that is when the index has been refreshed, a second later.
func (n *noting) between(from, to time.Time) (all []time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.lags {
		if l.of.After(from) && l.of.Before(to) {
			all = append(all, l.took+time.Second)
		}
	}
	return all
}

func measureOutage(ctx context.Context, rounds int, progress io.Writer) (report *outageReport, err error) {
	host := &program{}
	defer host.end()
	server := elasticserver.Start(host, elasticserver.Options{Thorough: true})
	store, err := analytics.Open(analytics.Config{Addresses: []string{server.URL}})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	sink := &noting{Store: store, lags: map[string]lag{}}
	p, err := newPlace(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	err = p.workNoop(ctx, app.Options{
		Roles: []app.Role{app.Indexer}, Indexing: &app.Indexing{Sink: sink, Settings: activities.IndexerSettings{Expression: fmt.Sprintf("0/%d * * * * ?", outageInterval)}},
	})
	if err != nil {
		return nil, err
	}
	contenders, err := p.contenders(ctx, outageTasks)
	if err != nil {
		return nil, err
	}
	process := contenders[0]
	var up, down, ratios []float64
	var lags []time.Duration
	for n := range rounds + 1 {
		var rates [2]float64
		for i := range rates {
			away := (i + n) % 2
			if away == 1 {
				server.Kill()
				if _, _, err := process.play(ctx, 1); err != nil { // else there is nothing to index, and nobody notices
					return nil, err
				}
				if err := p.indexer(ctx, func(s string) bool { return s != "" }); err != nil {
					return nil, err
				}
			}
			began := time.Now()
			r, _, err := process.play(ctx, outageInstances)
			if err != nil {
				return nil, err
			}
			if ended := time.Now(); away == 0 {
				if err := p.passes(ctx); err != nil {
					return nil, err
				}
				if n > 0 {
					lags = append(lags, sink.between(began, ended)...)
				}
			}
			rates[away] = r.perSecond
			if away == 1 {
				server.Run()
				if err := p.indexer(ctx, func(s string) bool { return s == "" }); err != nil {
					return nil, err
				}
			}
		}
		if n == 0 { // only warms up
			continue
		}
		fmt.Fprintf(progress, "outage: round %d of %d: %.1f instances a second, while Elasticsearch is away %.1f\n", n, rounds, rates[0], rates[1])
		up, down, ratios = append(up, rates[0]), append(down, rates[1]), append(ratios, rates[1]/rates[0])
	}
	return &outageReport{Tasks: outageTasks, Interval: outageInterval, Lag: latencyOf(lags), Documents: len(lags), Up: spreadOf(up), Down: spreadOf(down), Ratio: spreadOf(ratios)}, nil
}

// passes waits until passes of the indexer have read all that has happened.
func (p *place) passes(ctx context.Context) error {
	s, err := p.client.IndexerState(ctx)
	for number := s.Passes + 3; err == nil && (s.Last == nil || s.Last.Number < number); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		s, err = p.client.IndexerState(ctx)
	}
	return err
}

// indexer waits until the trouble of the indexer is as wanted; "" is none.
func (p *place) indexer(ctx context.Context, is func(trouble string) bool) error {
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for {
		s, err := p.client.IndexerStatus(ctx)
		if err == nil && is(s.Error) {
			return nil
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *outageReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## Processes while Elasticsearch is away\n\n")
	t := table{{"tasks", "instances/s, indexed", "instances/s, Elasticsearch away", "ratio"}}
	t = append(t, []string{fmt.Sprint(r.Tasks), fmt.Sprintf("%.1f", r.Up.Median), fmt.Sprintf("%.1f", r.Down.Median), r.Ratio.String()})
	t.print(w)
	fmt.Fprintf(w, "\nFrom an event until it can be found, with a pass every %d seconds (promised: %d s): %s; %d documents.\n", r.Interval, r.Interval+5, r.Lag.brief(), r.Documents)
}

var _ section = (*outageReport)(nil)
