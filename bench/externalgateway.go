package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"

	temporal "go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/gateway"
)

// externalGateway is the argument that makes this program a gateway, so that its CPU time and memory are its own.
const externalGateway = "external-gateway"

// benchGateway is a gateway in a process of its own.
type benchGateway struct {
	pid    int
	url    string
	counts string // where it tells how often it called Temporal
	http   *http.Client
}

// callCounts counts calls of Temporal by their methods.
type callCounts struct {
	mu sync.Mutex
	of map[string]int
}

func (c *callCounts) intercept(ctx context.Context, method string, in, out any, conn *grpc.ClientConn, call grpc.UnaryInvoker, o ...grpc.CallOption) error {
	c.mu.Lock()
	c.of[path.Base(method)]++
	c.mu.Unlock()
	return call(ctx, method, in, out, conn, o...)
}

func (c *callCounts) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = json.NewEncoder(w).Encode(c.of)
}

// runExternalGateway serves until its standard input ends.
func runExternalGateway(address string) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	calls := &callCounts{of: map[string]int{}}
	t, err := temporal.DialContext(ctx, temporal.Options{
		HostPort: address, ConnectionOptions: temporal.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(calls.intercept)}},
	})
	if err != nil {
		return err
	}
	defer t.Close()
	s, err := gateway.Listen(gateway.Options{
		Address: "127.0.0.1:0", Client: client.New(t), Namespace: temporal.DefaultNamespace, Ready: func(context.Context) error { return nil },
	})
	if err != nil {
		return err
	}
	counts := httptest.NewServer(calls)
	defer counts.Close()
	fmt.Println(s.URL(), counts.URL)
	return s.Serve(ctx)
}

func startBenchGateway(ctx context.Context, p *place, progress io.Writer) (*benchGateway, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(context.WithoutCancel(ctx), self, externalGateway, p.address)
	c.Stderr = progress
	in, err := c.StdinPipe() // ends with this program
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	p.atEnd(func() error { return errors.Join(in.Close(), c.Wait()) })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("start the gateway: %w", err)
	}
	g := &benchGateway{pid: c.Process.Pid, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}}
	g.url, g.counts, _ = strings.Cut(strings.TrimSpace(line), " ")
	return g, nil
}

// calls is how often the gateway has called Temporal.
func (g *benchGateway) calls() (all int, of map[string]int, err error) {
	answer, err := g.http.Get(g.counts)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(&of); err != nil {
		return 0, nil, err
	}
	for _, n := range of {
		all += n
	}
	return all, of, nil
}
