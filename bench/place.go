package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/testsuite/temporalserver"
	"github.com/waybill-io/waybill/worker/app"
)

// place is a Temporal server with workers in this process.
type place struct {
	address  string
	temporal temporal.Client
	client   *client.Client
	noop     *noop // of the workers
	ends     []func() error
}

// newPlace starts a Temporal server that keeps everything in memory.
func newPlace(ctx context.Context, progress io.Writer, settings ...string) (*place, error) {
	program, err := temporalserver.Find(ctx, temporalserver.FindOptions{Progress: progress})
	if err != nil {
		return nil, fmt.Errorf("find a Temporal server: %w", err)
	}
	server, err := temporalserver.Start(ctx, temporalserver.Options{Program: program, Settings: settings})
	if err != nil {
		return nil, err
	}
	p, err := connect(ctx, server.Address)
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	p.ends = append([]func() error{server.Stop}, p.ends...)
	return p, nil
}

// connect makes a place of a server that runs.
func connect(ctx context.Context, address string) (*place, error) {
	t, err := temporal.DialContext(ctx, temporal.Options{HostPort: address, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return nil, fmt.Errorf("connect to Temporal: %w", err)
	}
	p := &place{address: address, temporal: t, client: client.New(t)}
	p.atEnd(func() error { t.Close(); return nil })
	return p, nil
}

// workNoop runs a worker of processes and of a connector that does nothing, and of the roles that o has beside.
func (p *place) workNoop(ctx context.Context, o app.Options) (err error) {
	if p.noop, err = newNoop(); err != nil {
		return err
	}
	o.Roles, o.Connectors = append([]app.Role{app.Process, app.Connectors}, o.Roles...), []connectors.Connector{p.noop}
	return p.work(ctx, o)
}

// work runs a worker, with files of its own, until the place ends, and returns when its roles work.
func (p *place) work(ctx context.Context, o app.Options) error {
	o.Temporal, o.Namespace, o.Files = p.temporal, temporal.DefaultNamespace, memblob.OpenBucket(nil)
	p.atEnd(o.Files.Close)
	a, err := app.New(ctx, o)
	if err != nil {
		return err
	}
	// The worker outlives ctx, so that an interrupted measurement still stops it in order.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	started, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- a.Run(running, func() { close(started) }) }()
	p.atEnd(func() error { cancel(); return <-ended })
	select {
	case <-started:
		return nil
	case err := <-ended:
		ended <- err
		return err
	}
}

func (p *place) atEnd(fn func() error) { p.ends = append(p.ends, fn) }

// end stops what was started, the last first.
func (p *place) end() error {
	var errs []error
	for _, end := range slices.Backward(p.ends) {
		errs = append(errs, end())
	}
	p.ends = nil
	return errors.Join(errs...)
}
