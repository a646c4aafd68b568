package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/analytics"
	elasticserver "github.com/waybill-io/waybill/testsuite/elasticsearch"
	"github.com/waybill-io/waybill/worker/app"
)

const (
	outageTasks     = 5
	outageInstances = 200 // of a round
)

// outageReport is what processes notice of an Elasticsearch that is away.
type outageReport struct {
	Tasks int    `json:"tasks"`
	Up    spread `json:"up"` // instances a second, while they are indexed
	Down  spread `json:"down"`
	Ratio spread `json:"ratio"` // of down to up
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
	p, err := newPlace(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	err = p.workNoop(ctx, app.Options{
		Roles: []app.Role{app.Indexer}, Indexing: &app.Indexing{Sink: store, Settings: activities.IndexerSettings{Expression: "0/2 * * * * ?"}},
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
	for n := range rounds + 1 {
		var rates [2]float64
		for i := range rates {
			away := (i + n) % 2
			if away == 1 {
				server.Kill()
				if err := p.indexer(ctx, func(s string) bool { return s != "" }); err != nil {
					return nil, err
				}
			}
			r, _, err := process.play(ctx, outageInstances)
			if err != nil {
				return nil, err
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
	return &outageReport{Tasks: outageTasks, Up: spreadOf(up), Down: spreadOf(down), Ratio: spreadOf(ratios)}, nil
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
}

var _ section = (*outageReport)(nil)
