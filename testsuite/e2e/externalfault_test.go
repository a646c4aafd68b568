package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite/process"
)

// leased is an installation whose tasks workers outside take, over gateways that are killed all the time.
type leased struct {
	*installation
	addresses []string
	gateways  []*worker
	processes *worker
	kills     int
	instances []string
}

const tasksEach = 10 // of an instance

// TestExternalFaults has gateways killed every three seconds, the worker of the processes killed, and Temporal restarted, while workers outside take
// tasks, some of which never answer, or late. Every task is completed once, by one who had it: WAYBILL_EXTERNAL_TASKS=5000 in what is measured for
// releases.
func TestExternalFaults(t *testing.T) {
	l := &leased{installation: installTemporal(t, options{})}
	for _, port := range process.Ports(t, 2) {
		l.addresses = append(l.addresses, address("127.0.0.1", port))
		l.gateways = append(l.gateways, nil)
	}
	for n := range l.gateways {
		l.startGateway(n)
	}
	l.startProcesses()
	l.deployDefinitions(l.load("testdata/external"))
	begun := time.Now()
	b := newBooks()
	const workers, lock = 20, 2 * time.Second
	working, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for n := range workers {
		h := usual[n%len(usual)]
		o := &outside{habit: h, id: fmt.Sprintf("%s-%d", h.name, n), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10}}, books: b, lock: lock}
		for _, a := range l.addresses {
			o.bases = append(o.bases, "http://"+a)
		}
		all.Go(func() { o.work(working) })
	}
	t.Cleanup(func() { stop(); all.Wait() })
	for n := range howMany(t, "WAYBILL_EXTERNAL_TASKS", 400) / tasksEach {
		l.instances = append(l.instances, fmt.Sprintf("leases/%d", n))
	}
	all.Go(func() { l.begin(working) })
	l.breakThings(b)
	stop()
	all.Wait()
	took := time.Since(begun)

	kept, offers := map[string]bool{}, 0
	for _, id := range l.instances {
		offers += l.read(id, kept)
	}
	t.Logf("%d tasks in %s, %d gateways killed, tasks were offered again %d times; the workers saw:\n%s", len(l.instances)*tasksEach, took.Round(time.Second), l.kills, offers-len(kept), b)
	require.Len(t, kept, len(l.instances)*tasksEach, "each task has an answer of its own")
	require.Empty(t, b.check(kept))
}

func (l *leased) startGateway(n int) {
	l.gateways[n] = l.startWorker("--roles", "gateway", "--gateway", l.addresses[n])
}

func (l *leased) startProcesses() {
	l.processes = l.startWorker("--roles", "process")
}

// begin starts instances, whatever is down meanwhile.
func (l *leased) begin(ctx context.Context) {
	for _, id := range l.instances {
		for ctx.Err() == nil {
			if _, _, err := l.client.Start(ctx, client.StartOptions{Key: "leases", ID: id}); err == nil {
				break
			}
			pause(ctx, tick)
		}
	}
}

// breakThings kills and restarts until all instances have ended.
func (l *leased) breakThings(b *books) {
	l.t.Helper()
	every := time.NewTicker(tick)
	defer every.Stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, id := range l.instances {
			l.ended(id)
		}
	}()
	all := len(l.instances) * tasksEach
	var killed, restarted bool
	seen, still, last := 0, time.Now(), time.Now()
	for {
		select {
		case <-ended:
			require.True(l.t, killed && restarted, "there were too few tasks for all that was to be broken")
			return
		case <-every.C:
		}
		done := b.accepted()
		switch {
		case done > all/4 && !killed:
			killed = true
			l.processes.kill()
			l.startProcesses()
		case done > all/2 && !restarted:
			restarted = true
			l.restartTemporal()
		case time.Since(last) >= 3*time.Second:
			last = time.Now()
			l.killGateway()
		}
		if done > seen {
			seen, still = done, time.Now()
		}
		if time.Since(still) > patience {
			l.t.Fatalf("nothing goes on; the workers saw:\n%s", b)
		}
	}
}

// killGateway kills one of the gateways in turn.
func (l *leased) killGateway() {
	l.t.Helper()
	n := l.kills % len(l.gateways)
	l.gateways[n].kill()
	l.startGateway(n)
	l.kills++
}

// restartTemporal restarts Temporal when nothing is just starting, which wants it to be there.
func (l *leased) restartTemporal() {
	l.t.Helper()
	for _, a := range l.addresses {
		l.eventually(func() string { return "no gateway at " + a }, func() bool {
			answer, err := http.Get("http://" + a + "/healthz")
			if err != nil {
				return false
			}
			_ = answer.Body.Close()
			return answer.StatusCode == http.StatusOK
		})
	}
	address := l.temporal.Address
	require.NoError(l.t, l.temporal.Stop())
	l.startTemporal(address)
}

// ended waits until an instance has ended, whatever is down meanwhile.
func (l *leased) ended(id string) {
	ctx, cancel := context.WithTimeout(l.t.Context(), 2*patience)
	defer cancel()
	for ctx.Err() == nil {
		r, err := l.client.Wait(ctx, id)
		if err == nil && r.State == contract.StateCompleted {
			return
		}
		pause(ctx, tick)
	}
	l.t.Errorf("instance %s has not ended", id)
}

// read keeps the answers that an instance has of its tasks, and counts how often they were offered.
func (l *leased) read(id string, kept map[string]bool) (offers int) {
	l.t.Helper()
	h, err := l.client.History(l.t.Context(), id, "")
	require.NoError(l.t, err)
	tasks := map[int64]string{}
	for _, e := range h.GetEvents() {
		switch e.GetEventType() {
		case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			if a := e.GetActivityTaskScheduledEventAttributes(); strings.HasPrefix(a.GetTaskQueue().GetName(), "waybill-topic/") {
				tasks[e.GetEventId()] = a.GetActivityId()
			}
		case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			offers += int(e.GetActivityTaskStartedEventAttributes().GetAttempt())
		case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			a := e.GetActivityTaskCompletedEventAttributes()
			require.Contains(l.t, tasks, a.GetScheduledEventId())
			var r contract.ExternalResult
			require.NoError(l.t, converter.GetDefaultDataConverter().FromPayloads(a.GetResult(), &r))
			if r.Failure != nil { // of one whose lock had run out: it is offered again
				continue
			}
			value, _ := r.Outputs["answer"].(string)
			require.NotEmpty(l.t, value)
			require.False(l.t, kept[value], "%s is the answer of two tasks", value)
			kept[value] = true
		}
	}
	return offers
}
