package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/dynamicconfig"
)

// options is the command line. Addresses are IP addresses ("localhost" is 127.0.0.1), never names.
type options struct {
	ip, uiIP         string
	port, uiPort     int
	headless         bool
	uiCodecEndpoint  string
	dbFile           string // "" keeps everything in memory
	namespaces       []string
	searchAttributes map[string]enumspb.IndexedValueType
	dynamicConfig    dynamicconfig.StaticClient
	logLevel         string
	logFormat        string
}

func parse(args []string, out io.Writer) (options, error) {
	o := options{
		namespaces:       []string{"default"},
		searchAttributes: map[string]enumspb.IndexedValueType{},
		dynamicConfig:    fastAndSmall(),
	}
	f := flag.NewFlagSet("devserver server start-dev", flag.ContinueOnError)
	f.SetOutput(io.Discard) // a mistake is told once, by the caller, without the list of all flags
	f.StringVar(&o.ip, "ip", "localhost", "address the server listens on; 0.0.0.0 opens it to the network, without any access control")
	f.IntVar(&o.port, "port", 7233, "port of the server (gRPC)")
	f.BoolVar(&o.headless, "headless", false, "no Web UI")
	f.StringVar(&o.uiIP, "ui-ip", "", "address the Web UI listens on (default: --ip)")
	f.IntVar(&o.uiPort, "ui-port", 0, "port of the Web UI (default: --port + 1000)")
	f.StringVar(&o.uiCodecEndpoint, "ui-codec-endpoint", "", "URL by which the Web UI has payloads decoded")
	f.StringVar(&o.dbFile, "db-filename", "", "SQLite file that keeps everything; its folder must exist (default: memory)")
	f.Func("namespace", "a namespace to create if it is missing, beside \"default\"; may be repeated", func(s string) error {
		if s == "" {
			return errors.New("a namespace needs a name")
		}
		if s != "default" {
			o.namespaces = append(o.namespaces, s)
		}
		return nil
	})
	f.Func("search-attribute", "name=type, for namespaces that are created now; may be repeated", o.addSearchAttribute)
	f.Func("dynamic-config-value", "key=JSON; may be repeated", o.addDynamicConfig)
	f.StringVar(&o.logLevel, "log-level", "error", "debug, info, warn, error or never")
	f.StringVar(&o.logFormat, "log-format", "pretty", "pretty (or text), or json")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			f.SetOutput(out)
			f.Usage()
		}
		return options{}, err
	}
	if f.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q: flags only", f.Arg(0))
	}
	return o, o.complete()
}

// complete fills in what depends on other flags and rejects what cannot work.
func (o *options) complete() error {
	if o.uiIP == "" {
		o.uiIP = o.ip
	}
	if o.uiPort == 0 {
		o.uiPort = o.port + 1000
	}
	var errs []error
	for _, a := range []struct {
		flag string
		ip   *string
	}{{"--ip", &o.ip}, {"--ui-ip", &o.uiIP}} {
		if *a.ip == "localhost" {
			*a.ip = "127.0.0.1"
		}
		if _, err := netip.ParseAddr(*a.ip); err != nil {
			errs = append(errs, fmt.Errorf("%s %q: want an IP address or localhost", a.flag, *a.ip))
		}
	}
	for _, p := range []struct {
		flag string
		port int
	}{{"--port", o.port}, {"--ui-port", o.uiPort}} {
		if p.port < 1 || p.port > 65535 {
			errs = append(errs, fmt.Errorf("%s %d: want 1 to 65535", p.flag, p.port))
		}
	}
	if !strings.Contains(" debug info warn error never ", " "+o.logLevel+" ") {
		errs = append(errs, fmt.Errorf("--log-level %q: want debug, info, warn, error or never", o.logLevel))
	}
	if !strings.Contains(" pretty text json ", " "+o.logFormat+" ") {
		errs = append(errs, fmt.Errorf("--log-format %q: want pretty, text or json", o.logFormat))
	}
	return errors.Join(errs...)
}

func (o *options) addSearchAttribute(s string) error {
	name, kind, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return errors.New("want name=type, as in ProcessKey=Keyword")
	}
	t, err := enumspb.IndexedValueTypeFromString(kind)
	if err != nil {
		return fmt.Errorf("type %q: want Text, Keyword, Int, Double, Bool, Datetime or KeywordList", kind)
	}
	o.searchAttributes[name] = t
	return nil
}

func (o *options) address() string   { return net.JoinHostPort(o.ip, strconv.Itoa(o.port)) }
func (o *options) uiAddress() string { return net.JoinHostPort(o.uiIP, strconv.Itoa(o.uiPort)) }
