package temporalserver

import (
	"context"
	"net"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// answerTimeout bounds one question to a server on this machine.
const answerTimeout = 2 * time.Second

// Listening reports whether a Temporal server without TLS answers at address (host:port) within two seconds. Another
// program that listens there is not one.
func Listening(ctx context.Context, address string) bool {
	return ask(ctx, address, func(ctx context.Context, c workflowservice.WorkflowServiceClient) error {
		_, err := c.GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{})
		return err
	}) == nil
}

// serves returns nil when the server at address has the namespace.
func serves(ctx context.Context, address, namespace string) error {
	return ask(ctx, address, func(ctx context.Context, c workflowservice.WorkflowServiceClient) error {
		_, err := c.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
		return err
	})
}

func ask(ctx context.Context, address string, question func(context.Context, workflowservice.WorkflowServiceClient) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	return question(ctx, workflowservice.NewWorkflowServiceClient(conn))
}

// accepts returns nil when something takes connections at address.
func accepts(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}
