package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/analytics/ndjson"
	"github.com/waybill-io/waybill/configuration"
	"github.com/waybill-io/waybill/worker/app"
)

// closers end what was opened.
type closers []func() error

func (c closers) Close() error {
	var errs []error
	for _, end := range slices.Backward(c) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

// indexing opens where events are indexed; nil when nowhere. Without event.processing.enabled there is no sink: the others index.
func (s *settings) indexing() (*app.Indexing, io.Closer, error) {
	var end closers
	in := &app.Indexing{Settings: activities.IndexerSettings{
		Expression: s.Text("event.processing.cronExpression"), BlockSize: s.Int("event.processing.blocksize"),
		LockTime: time.Duration(s.Int("event.processing.max.locktime")) * time.Millisecond,
		Sweep:    time.Duration(s.Int("event.processing.sweep.interval")) * time.Millisecond,
	}, Rebuilds: activities.RebuildSettings{
		Keep:       strings.EqualFold(s.Text("event.processing.processed.events.action"), "move"),
		Expression: s.Text("event.processing.processed.action.cronExpression"),
	}}
	switch {
	case s.analytics.Elasticsearch != nil:
		store, err := analytics.Open(*s.analytics.Elasticsearch)
		if err != nil {
			return nil, end, misconfigured{fmt.Errorf("elastic-search: %w", err)}
		}
		in.Sink = store
		end = append(end, func() error { store.Close(); return nil })
	case s.analytics.Files != nil:
		files, err := ndjson.Open(*s.analytics.Files)
		if err != nil {
			return nil, end, err
		}
		in.Sink = files
		end = append(end, files.Close)
	case !slices.Contains([]string{"rest", "file"}, strings.ToLower(s.Text("elastic-search.server.type"))):
		return nil, end, nil
	}
	return in, end, nil
}

// checkExpressions tells which of the expressions of Quartz is wrong.
func checkExpressions(s *configuration.Settings) error {
	var errs []error
	for _, name := range []string{"event.processing.cronExpression", "event.processing.processed.action.cronExpression"} {
		if err := activities.CheckExpression(s.Text(name)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", s.From(name), name, err))
		}
	}
	return errors.Join(errs...)
}

// indexes adds the role indexer where there is an index and roles were not chosen, and takes it away where there is none.
func indexes(roles []app.Role, chosen bool, in *app.Indexing, logger *slog.Logger) []app.Role {
	has, can := slices.Contains(roles, app.Indexer), in != nil && in.Sink != nil
	switch {
	case !has && can && !chosen:
		return append(roles, app.Indexer)
	case has && !can:
		logger.Info("the role indexer is left out: elastic-search.server.type is neither rest nor file, or event.processing.enabled is false")
		return slices.DeleteFunc(roles, func(r app.Role) bool { return r == app.Indexer })
	}
	return roles
}
