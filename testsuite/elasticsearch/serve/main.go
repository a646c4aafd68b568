// Serve runs an Elasticsearch for development on this machine, from Maven Central: it needs a JDK of 17 or newer, and Maven.
//
//	go run ./testsuite/elasticsearch/serve
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/waybill-io/waybill/testsuite/elasticsearch"
)

func main() {
	port := flag.Int("port", 9200, "port of 127.0.0.1")
	data := flag.String("data", ".waybill/elasticsearch", "folder that keeps the indexes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *port, *data); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, port int, data string) error {
	i, err := elasticsearch.Prepare(ctx, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Printf("Elasticsearch on http://127.0.0.1:%d in some seconds; Ctrl-C ends it\n", port)
	return i.Serve(ctx, data, port, os.Stderr)
}
