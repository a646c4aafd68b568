package external_test

import (
	"context"
	"log/slog"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/testsuite/temporalserver"
)

// line is the connection of a gateway with Temporal, to which things happen.
type line struct {
	mu      sync.Mutex
	failing string        // the method whose calls fail, unheard
	skew    time.Duration // how much Temporal's clock is ahead of the gateway's
}

// otherGateway is a gateway beside the first, over a line.
func (p *place) otherGateway(l *line) *external.Tasks {
	p.t.Helper()
	c, err := temporal.DialContext(p.t.Context(), temporal.Options{
		HostPort: server.Address(p.t), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		ConnectionOptions: temporal.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(l.intercept)}},
	})
	require.NoError(p.t, err)
	p.t.Cleanup(c.Close)
	return external.New(client.New(c), "default")
}

func (l *line) set(failing string, skew time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failing, l.skew = failing, skew
}

func (l *line) intercept(ctx context.Context, method string, in, out any, c *grpc.ClientConn, call grpc.UnaryInvoker, o ...grpc.CallOption) error {
	l.mu.Lock()
	failing, skew := l.failing, l.skew
	l.mu.Unlock()
	if path.Base(method) == failing {
		return status.Error(codes.Unavailable, "the line is cut")
	}
	err := call(ctx, method, in, out, c, o...)
	if d, ok := out.(*workflowservice.DescribeWorkflowExecutionResponse); ok && err == nil {
		for _, a := range d.GetPendingActivities() {
			for _, at := range []*timestamppb.Timestamp{a.GetLastHeartbeatTime(), a.GetLastStartedTime(), a.GetScheduledTime(), a.GetNextAttemptScheduleTime()} {
				if at != nil {
					at.Seconds += int64(skew.Seconds())
				}
			}
		}
	}
	return err
}

// lockOf is how long the lock of a task is as Temporal has it.
func (p *place) lockOf(instance string) time.Duration {
	p.t.Helper()
	d, err := p.Temporal.DescribeWorkflowExecution(p.t.Context(), instance, "")
	require.NoError(p.t, err)
	require.Len(p.t, d.GetPendingActivities(), 1)
	return d.GetPendingActivities()[0].GetActivityOptions().GetHeartbeatTimeout().AsDuration()
}

// What one gateway remembers of a lock does not count when another has changed it.
func TestLockIsExtendedByTwoGateways(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	other := p.otherGateway(&line{})
	task := p.fetch("ann", time.Minute)
	require.NoError(t, other.Extend(t.Context(), task.ID, by("ann"), 5*time.Second))
	require.Equal(t, 5*time.Second, p.lockOf(instance))
	require.NoError(t, p.Extend(t.Context(), task.ID, by("ann"), time.Minute))
	require.Equal(t, time.Minute, p.lockOf(instance))
}

// A gateway that dies while it locks a task leaves nothing behind that makes the next lock another than was asked for.
func TestGatewayDiesWhileItLocks(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	p.fetch("ann", external.MinLock)
	l := &line{}
	other := p.otherGateway(l)
	l.set("UpdateActivityExecutionOptions", 0)
	_, err := other.Lock(t.Context(), p.poll(), "bob", time.Minute)
	require.ErrorContains(t, err, "the line is cut")
	p.fetch("cay", time.Minute)
	require.Equal(t, time.Minute, p.lockOf(instance))
}

func (p *place) poll() *external.Offered {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	o, err := p.Poll(ctx, p.topic)
	require.NoError(p.t, err)
	require.NotNil(p.t, o)
	return o
}

// Whether a lock has run out is Temporal's to say, whose clock need not be the gateway's.
func TestClocksDiffer(t *testing.T) {
	p := startPlace(t)
	p.begin()
	l := &line{}
	other := p.otherGateway(l) // which has to look, since it did not give the task away
	for _, skew := range []time.Duration{-time.Minute, time.Minute} {
		task := p.fetch("ann", 2*time.Second)
		l.set("", skew)
		require.NoError(t, other.Extend(t.Context(), task.ID, by("ann"), 500*time.Millisecond))
		refusedTo(t, other.Extend(t.Context(), task.ID, by("bob"), time.Second), "ann")
		refusedTo(t, other.Complete(t.Context(), task.ID, by("bob"), external.Result{}), "ann")
		p.runOut(task)
		require.ErrorIs(t, other.Extend(t.Context(), task.ID, by("ann"), time.Second), external.ErrExpired)
	}
	require.NoError(t, other.Complete(t.Context(), p.fetch("cay", time.Minute).ID, by("cay"), external.Result{}))
}

// What an operator changes of a task leaves its worker the lock that it has, whatever the clock of the gateway says.
func TestOperatorsClockDiffers(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	l := &line{}
	other := p.otherGateway(l)
	task := p.fetch("ann", 30*time.Second)
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		l.set("", skew)
		require.NoError(t, other.SetRetries(t.Context(), task.ID, external.Scope{}, 5))
		require.NoError(t, other.SetPriority(t.Context(), task.ID, external.Scope{}, 7))
		require.Less(t, p.lockOf(instance), 30*time.Second)
		require.Greater(t, p.lockOf(instance), 20*time.Second)
	}
	require.NoError(t, p.Complete(t.Context(), task.ID, by("ann"), external.Result{}))
	p.Ended(instance)
}

// Who has too long a name gets nothing, and takes nothing away.
func TestWorkerWithALongName(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	long := strings.Repeat("w", 3<<20)
	o := p.poll()
	_, err := p.Lock(t.Context(), o, long, time.Minute)
	require.ErrorContains(t, err, "at most 255 bytes")
	require.Less(t, len(err.Error()), 1000)
	require.NoError(t, p.Release(t.Context(), o))
	require.ErrorContains(t, p.LockByID(t.Context(), o.String(), by(long), time.Minute), "at most 255 bytes")
	task := p.fetch("ann", time.Minute)
	require.NoError(t, p.Complete(t.Context(), task.ID, by("ann"), external.Result{}))
	p.Ended(instance)
}

// runOut waits until Temporal offers a task again.
func (p *place) runOut(task *external.Task) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		d, err := p.Temporal.DescribeWorkflowExecution(p.t.Context(), task.Context.ProcessInstanceID, "")
		return err == nil && len(d.GetPendingActivities()) == 1 && d.GetPendingActivities()[0].GetAttempt() > task.Attempt
	}, 10*time.Second, 20*time.Millisecond)
}

// An answer that Temporal would not take is refused, and the worker has its task still. Temporal would end the task, and say that all is well.
func TestAnswerIsTooLarge(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	large := external.Result{Variables: map[string]any{"text": strings.Repeat("x", 3<<20)}}
	refused := func(err error) {
		t.Helper()
		require.ErrorIs(t, err, external.ErrTooLarge)
		require.ErrorContains(t, err, "at most 750000 are possible")
		require.NotContains(t, err.Error(), "xxx")
	}
	id := ""
	for _, lock := range []time.Duration{external.MinLock, time.Minute} {
		task := p.fetch("ann", lock)
		id = task.ID
		if lock == external.MinLock {
			p.runOut(task) // and the answer comes late
		}
		refused(p.Complete(t.Context(), task.ID, by("ann"), large))
		refused(p.BPMNError(t.Context(), task.ID, by("ann"), "BAD", "so", large.Variables))
		refused(p.Fail(t.Context(), task.ID, by("ann"), external.Failure{Message: "no luck", Result: large}))
	}
	require.NoError(t, p.Fail(t.Context(), id, by("ann"), external.Failure{Message: strings.Repeat("m", 3<<20), Details: strings.Repeat("ö", 3<<20), Retries: 1}), "what people read is cut")
	again := p.fetch("bob", time.Minute)
	require.Less(t, len(again.ErrorMessage)+len(again.ErrorDetails), 200<<10)
	require.Greater(t, len(again.ErrorDetails), 1<<10)
	require.NoError(t, p.Complete(t.Context(), again.ID, by("bob"), external.Result{Variables: map[string]any{"text": strings.Repeat("x", 700_000)}}))
	p.Ended(instance)
}

// A lock may be longer than anybody waits.
func TestLockForYears(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	const years = 5 * 365 * 24 * time.Hour
	task := p.fetch("ann", years)
	require.WithinDuration(t, time.Now().Add(years), task.Until, time.Minute)
	require.Equal(t, years, p.lockOf(instance))
	require.NoError(t, p.Extend(t.Context(), task.ID, by("ann"), 1<<63-1))
	require.Equal(t, external.MaxLock, p.lockOf(instance))
	require.NoError(t, p.Unlock(t.Context(), task.ID, external.Scope{}))
	require.Equal(t, external.MaxLock, time.Until(p.fetch("bob", 1<<63-1).Until).Round(time.Minute))
	require.NoError(t, p.Unlock(t.Context(), task.ID, external.Scope{}))
	p.fetch("cay", time.Nanosecond)
	require.Equal(t, external.MinLock, p.lockOf(instance))
}

// Who died with a task that it had polled for nobody has it as long as the lock before was: it can be unlocked.
func TestUnlockOfWhatNobodyGot(t *testing.T) {
	p := startPlace(t)
	p.begin()
	task := p.fetch("ann", time.Hour)
	require.NoError(t, p.Unlock(t.Context(), task.ID, external.Scope{}))
	lost := p.poll()
	refusedTo(t, p.Complete(t.Context(), task.ID, by("ann"), external.Result{}), "")
	require.NoError(t, p.Unlock(t.Context(), task.ID, external.Scope{}))
	p.fetch("bob", time.Minute)
	_, err := p.Lock(t.Context(), lost, "cay", time.Minute)
	require.ErrorIs(t, err, external.ErrGone)
	require.NoError(t, p.Complete(t.Context(), task.ID, by("bob"), external.Result{}))
}

// An instance that ends takes the task with it, whoever is about to get it.
func TestInstanceEndsWhileATaskIsLocked(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	o := p.poll()
	require.NoError(t, p.Cancel(t.Context(), instance))
	p.closed(instance)
	_, err := p.Lock(t.Context(), o, "ann", time.Minute)
	require.ErrorIs(t, err, external.ErrGone)
	require.Error(t, p.Release(t.Context(), o))
}

func (p *place) closed(instance string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	_, err := p.Wait(ctx, instance)
	require.NoError(p.t, err)
}

// When Temporal cannot be reached a worker hears that, and not that it has lost the task; nothing is done, and it may answer again.
func TestTemporalIsAwayForAnswers(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	l := &line{}
	other := p.otherGateway(l)
	task := p.fetch("ann", time.Minute)
	for _, failing := range []string{"DescribeWorkflowExecution", "RespondActivityTaskCompleted"} {
		l.set(failing, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // the client asks again by itself for longer
		err := other.Complete(ctx, task.ID, by("ann"), external.Result{})
		cancel()
		require.Error(t, err)
		require.NotErrorIs(t, err, external.ErrGone)
		require.NotErrorIs(t, err, external.ErrNotFound)
	}
	l.set("", 0)
	require.NoError(t, other.Complete(t.Context(), task.ID, by("ann"), external.Result{}))
	p.Ended(instance)
}

func TestIDsThatAreNone(t *testing.T) {
	p := startPlace(t)
	for _, id := range []string{strings.Repeat("A", 1<<20), external.IDOf(strings.Repeat("x", 1001), 1), external.IDOf("no such instance", 1), external.IDOf("a\x00b", 1), external.IDOf("ä", 1), "%2F", "..", "MSA"} {
		require.ErrorIs(t, p.Complete(t.Context(), id, by("ann"), external.Result{}), external.ErrNotFound, "%.50s", id)
		require.ErrorIs(t, p.Unlock(t.Context(), id, external.Scope{}), external.ErrNotFound, "%.50s", id)
	}
}

// A run that follows offers the tasks of the one before again: who had one has it no more, and nothing is lost.
func TestTokenOfAnEarlierRun(t *testing.T) {
	program, err := temporalserver.Find(t.Context(), temporalserver.FindOptions{NoBuild: true})
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	require.NoError(t, err)
	s, err := temporalserver.Start(t.Context(), temporalserver.Options{Program: program, Settings: []string{"limit.historyCount.suggestContinueAsNew=20"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	c, err := temporal.DialContext(t.Context(), temporal.Options{HostPort: s.Address, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	p := startPlaceAt(t, c)
	key := p.deploy(`<startEvent id="s"/><parallelGateway id="fork"/><parallelGateway id="join"/><endEvent id="e"/>
		<serviceTask id="work" camunda:type="external" camunda:topic="` + p.topic + `"/>
		<subProcess id="busy"><multiInstanceLoopCharacteristics isSequential="true"><loopCardinality>30</loopCardinality></multiInstanceLoopCharacteristics>
			<startEvent id="bs"/><sequenceFlow id="b1" sourceRef="bs" targetRef="nap"/>
			<intermediateCatchEvent id="nap"><timerEventDefinition><timeDuration>PT0.05S</timeDuration></timerEventDefinition></intermediateCatchEvent>
			<sequenceFlow id="b2" sourceRef="nap" targetRef="be"/><endEvent id="be"/></subProcess>
		<sequenceFlow id="f1" sourceRef="s" targetRef="fork"/><sequenceFlow id="f2" sourceRef="fork" targetRef="work"/><sequenceFlow id="f3" sourceRef="fork" targetRef="busy"/>
		<sequenceFlow id="f4" sourceRef="work" targetRef="join"/><sequenceFlow id="f5" sourceRef="busy" targetRef="join"/><sequenceFlow id="f6" sourceRef="join" targetRef="e"/>`)
	instance := p.Begin(client.StartOptions{Key: key})
	run := func() string {
		d, err := p.Temporal.DescribeWorkflowExecution(t.Context(), instance, "")
		require.NoError(t, err)
		return d.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	}
	first, task := run(), p.fetch("ann", time.Hour)
	require.Eventually(t, func() bool { return run() != first }, 30*time.Second, 20*time.Millisecond)
	again := p.fetch("bob", time.Hour)
	require.Equal(t, task.ID, again.ID)
	require.Equal(t, task.ID, p.listed(external.Filter{Topic: p.topic}, 1)[0].ID, "in whatever run")
	refusedTo(t, p.Extend(t.Context(), task.ID, by("ann"), time.Minute), "bob")
	refusedTo(t, p.Complete(t.Context(), task.ID, by("ann"), external.Result{Variables: map[string]any{"by": "ann"}}), "bob")
	for {
		err := p.Complete(t.Context(), task.ID, by("bob"), external.Result{Variables: map[string]any{"by": "bob"}})
		if err == nil {
			break
		}
		refusedTo(t, err, "") // the next run has come in between
		p.fetch("bob", time.Hour)
	}
	require.Equal(t, "bob", p.Ended(instance).Variables["by"])
}
