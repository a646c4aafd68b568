package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/testing/freeport"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// asDevserver makes the test program behave as the devserver, so that tests can start and kill real processes.
const asDevserver = "TEST_AS_DEVSERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asDevserver) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestServerWithUI(t *testing.T) {
	port, uiPort := freeport.MustGetFreePort(), freeport.MustGetFreePort()
	s := start(t, port, "--ui-port", strconv.Itoa(uiPort), "--namespace", "orders", "--search-attribute", "Process=Keyword")
	namespace, err := workflowservice.NewWorkflowServiceClient(s.conn).
		DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "orders"})
	require.NoError(t, err)
	require.Equal(t, 30*24*time.Hour, namespace.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
	attributes, err := operatorservice.NewOperatorServiceClient(s.conn).
		ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: "orders"})
	require.NoError(t, err)
	require.Equal(t, enumspb.INDEXED_VALUE_TYPE_KEYWORD, attributes.GetCustomAttributes()["Process"])

	require.Eventually(t, func() bool {
		answer, err := http.Get("http://127.0.0.1:" + strconv.Itoa(uiPort) + "/namespaces")
		if err != nil {
			return false
		}
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode == http.StatusOK
	}, 10*time.Second, 20*time.Millisecond)

	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, s.cmd.Wait(), "a signal ends it with status 0")
}

func TestDatabaseFileSurvivesAKill(t *testing.T) {
	file := filepath.Join(t.TempDir(), "temporal.db")
	require.NoError(t, os.WriteFile(file, nil, 0o600)) // as a first start leaves it that was killed early
	first := start(t, freeport.MustGetFreePort(), "--headless", "--db-filename", file)
	run, err := workflowservice.NewWorkflowServiceClient(first.conn).StartWorkflowExecution(t.Context(), &workflowservice.StartWorkflowExecutionRequest{
		Namespace:    "default",
		WorkflowId:   "order-1",
		WorkflowType: &commonpb.WorkflowType{Name: "order"},
		TaskQueue:    &taskqueuepb.TaskQueue{Name: "orders"},
		RequestId:    "request-1",
	})
	require.NoError(t, err)

	out, err := devserver("--port", strconv.Itoa(freeport.MustGetFreePort()), "--headless", "--db-filename", file).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "another server uses it")

	require.NoError(t, first.cmd.Process.Kill())
	require.ErrorContains(t, first.cmd.Wait(), "killed")

	second := start(t, freeport.MustGetFreePort(), "--headless", "--db-filename", file, "--namespace", "new")
	kept, err := workflowservice.NewWorkflowServiceClient(second.conn).DescribeWorkflowExecution(t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: "default",
		Execution: &commonpb.WorkflowExecution{WorkflowId: "order-1"},
	})
	require.NoError(t, err)
	require.Equal(t, run.GetRunId(), kept.GetWorkflowExecutionInfo().GetExecution().GetRunId())
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, kept.GetWorkflowExecutionInfo().GetStatus())

	require.NoError(t, second.cmd.Process.Signal(os.Interrupt))
	require.NoError(t, second.cmd.Wait())
}

func TestATakenPortIsNamedWithItsFlag(t *testing.T) {
	for _, flag := range []string{"--port", "--ui-port"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		taken := l.Addr().(*net.TCPAddr).Port
		args := map[string]int{"--port": freeport.MustGetFreePort(), "--ui-port": freeport.MustGetFreePort(), flag: taken}
		out, err := devserver("--port", strconv.Itoa(args["--port"]), "--ui-port", strconv.Itoa(args["--ui-port"])).CombinedOutput()
		require.ErrorContains(t, err, "exit status 1")
		require.Equal(t, "devserver: 127.0.0.1:"+strconv.Itoa(taken)+" is taken: stop what listens there, or choose another with "+flag+"\n", string(out))
		require.NoError(t, l.Close())
	}
}

func TestVersion(t *testing.T) {
	require.Regexp(t, `\(Server \d+\.\d+\.\d+, UI \d+\.\d+\.\d+\)$`, version())
	require.ErrorContains(t, run(t.Context(), []string{"serve"}), "usage")
}

type started struct {
	cmd  *exec.Cmd
	conn *grpc.ClientConn
}

// start returns when the server answers; the end of the test kills it if nothing else did.
func start(t *testing.T, port int, args ...string) started {
	t.Helper()
	cmd := devserver(append([]string{"--port", strconv.Itoa(port)}, args...)...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			require.NoError(t, cmd.Process.Kill())
			require.Error(t, cmd.Wait())
		}
	})
	conn, err := grpc.NewClient("127.0.0.1:"+strconv.Itoa(port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	_, err = workflowservice.NewWorkflowServiceClient(conn).
		GetSystemInfo(t.Context(), &workflowservice.GetSystemInfoRequest{}, grpc.WaitForReady(true))
	require.NoError(t, err)
	return started{cmd, conn}
}

func devserver(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], append(strings.Fields("server start-dev"), args...)...)
	cmd.Env = append(os.Environ(), asDevserver+"=yes")
	return cmd
}
