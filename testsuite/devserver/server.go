package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/common/testing/freeport"
	"go.temporal.io/server/temporal"
)

const clusterName = "active"

// serve runs the server and its UI until ctx ends, then stops them; what is in memory ends with the process.
func serve(ctx context.Context, o options, out io.Writer) error {
	if err := o.portsAreFree(); err != nil {
		return err
	}
	storage := o.storage()
	if err := prepare(storage, o.namespaces, o.searchAttributes); err != nil {
		return err
	}
	cfg, hosts := o.serverConfig(storage)
	logger := o.logger()
	server, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(logger),
		temporal.WithDynamicConfigClient(o.dynamicConfig),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
	)
	if err != nil {
		return fmt.Errorf("set up the Temporal server: %w", err)
	}
	began := time.Now()
	if err := server.Start(); err != nil {
		return fmt.Errorf("start the Temporal server: %w", err)
	}
	fmt.Fprintf(out, "Temporal server %s on %s after %.1f s\n", headers.ServerVersion, o.address(), time.Since(began).Seconds())

	if !o.headless {
		ui := uiserver.NewServer(uioptions.WithConfigProvider(o.uiConfig()))
		go ui.Start() //nolint:errcheck // it never returns an error: a port taken by now ends the process with a message
		defer ui.Stop()
		fmt.Fprintf(out, "Temporal Web UI on http://%s\n", o.uiAddress())
	}

	<-ctx.Done()
	if o.dbFile == "" {
		return nil // nothing is worth the second for which the server drains its connections
	}
	if err := server.Stop(); err != nil {
		return fmt.Errorf("stop the Temporal server: %w", err)
	}
	return nil
}

// portsAreFree names the flag of a port that is taken. The server itself would end the process with a stack trace.
func (o *options) portsAreFree() error {
	wanted := [][2]string{{"--port", o.address()}}
	if !o.headless {
		wanted = append(wanted, [2]string{"--ui-port", o.uiAddress()})
	}
	var errs []error
	for _, w := range wanted {
		flag, address := w[0], w[1]
		l, err := net.Listen("tcp", address)
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			errs = append(errs, fmt.Errorf("%s is taken: stop what listens there, or choose another with %s", address, flag))
		case err != nil:
			errs = append(errs, fmt.Errorf("listen on %s (%s): %w", address, flag, err))
		default:
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// serverConfig puts the four services of Temporal into this process. They find each other by a fixed list instead of
// gossip, and only the frontend leaves the loopback interface.
func (o *options) serverConfig(storage *config.SQL) (*config.Config, map[primitives.ServiceName]static.Hosts) {
	frontend := net.JoinHostPort(reachable(o.ip), strconv.Itoa(o.port))
	services := map[string]config.Service{
		string(primitives.FrontendService): {RPC: config.RPC{GRPCPort: o.port, BindOnIP: o.ip}},
	}
	hosts := map[primitives.ServiceName]static.Hosts{primitives.FrontendService: static.SingleLocalHost(frontend)}
	for _, name := range []primitives.ServiceName{primitives.HistoryService, primitives.MatchingService, primitives.WorkerService} {
		port := freeport.MustGetFreePort()
		services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnLocalHost: true}}
		hosts[name] = static.SingleLocalHost(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	return &config.Config{
		Global: config.Global{Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: "127.0.0.1"}},
		Persistence: config.Persistence{
			DefaultStore:     sqlite.PluginName,
			VisibilityStore:  sqlite.PluginName,
			NumHistoryShards: 1, // kept in a database file for good; one is enough for one SQLite connection
			DataStores:       map[string]config.DataStore{sqlite.PluginName: {SQL: storage}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		PublicClient:        config.PublicClient{HostPort: frontend},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchival{State: config.ArchivalDisabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: config.ArchivalDisabled},
		}},
	}, hosts
}

func (o *options) uiConfig() *uiconfig.Config {
	return &uiconfig.Config{
		TemporalGRPCAddress: net.JoinHostPort(reachable(o.ip), strconv.Itoa(o.port)),
		Host:                uiHost(o.uiIP),
		Port:                o.uiPort,
		EnableUI:            true,
		DefaultNamespace:    "default",
		Codec:               uiconfig.Codec{Endpoint: o.uiCodecEndpoint},
		CORS:                uiconfig.CORS{CookieInsecure: true}, // plain HTTP on this machine
		DisableNewsFetch:    true,                                // no calls home
		HideLogs:            true,
	}
}

// uiHost brackets an IPv6 address, since the UI joins host and port by a bare colon.
func uiHost(ip string) string {
	if a, err := netip.ParseAddr(ip); err == nil && a.Is6() {
		return "[" + ip + "]"
	}
	return ip
}

// reachable is the address by which this process reaches what listens on ip.
func reachable(ip string) string {
	switch ip {
	case "0.0.0.0":
		return "127.0.0.1"
	case "::":
		return "::1"
	}
	return ip
}

func (o *options) logger() log.Logger {
	c := log.Config{Level: o.logLevel, Format: "console"}
	if o.logFormat == "json" {
		c.Format = "json"
	}
	if o.logLevel == "never" {
		c.Level = "fatal" // the server ends itself through this logger, so it must hear of that
	}
	return log.NewZapLogger(log.BuildZapLogger(c))
}

var _ uiconfig.ConfigProvider = (*uiconfig.Config)(nil)
