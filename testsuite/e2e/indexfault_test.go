package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite/elasticsearch"
)

const paper = "paper" // the process

// outage is how long Elasticsearch is away, refuses and has no disk, once that is known to have been met: WAYBILL_INDEX_OUTAGE=5m in what is
// measured for releases.
func outage(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("WAYBILL_INDEX_OUTAGE")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err)
	return d
}

// howMany is a number of the environment: WAYBILL_INDEX_KILLS=20 kills of the indexer and WAYBILL_INDEX_DEFINITIONS=200 definitions of ten
// tenants in what is measured for releases.
func howMany(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// faulty is an installation whose index gets into trouble, with a worker that indexes and one that does all else.
type faulty struct {
	*installation
	elastic   *elasticsearch.Server
	store     *analytics.Store
	flags     []string // of all workers
	storm     *storm
	auditor   *auditor
	processes *worker
	indexer   *worker
	usual     float64 // instances a second while nothing is wrong
}

func installFaulty(t *testing.T) *faulty {
	t.Helper()
	f := &faulty{installation: installTemporal(t, options{}), elastic: elasticsearch.Start(t, elasticsearch.Options{Settings: map[string]string{
		"cluster.info.update.interval": "10s", // the least
	}})}
	f.startOutgoing("")
	refuse := func(recipient string) error {
		if strings.HasPrefix(recipient, "nobody-") {
			return fmt.Errorf("%s has moved", recipient)
		}
		return nil
	}
	f.refuse.Store(&refuse)
	f.storm = startStorm(t, f.elastic.URL)
	var err error
	f.store, err = analytics.Open(analytics.Config{Addresses: []string{f.elastic.URL}, SocketTimeout: time.Minute})
	require.NoError(t, err)
	t.Cleanup(f.store.Close)
	u, err := url.Parse(f.storm.URL)
	require.NoError(t, err)
	for name, value := range map[string]string{
		"elastic-search.server.type": "rest", "elastic-search.rest-client.address": u.Hostname(), "elastic-search.rest-client.port": u.Port(),
		"event.processing.cronExpression": "0/2 * * * * ?", "event.processing.sweep.interval": "3000", "event.processing.blocksize": "5",
	} {
		f.flags = append(f.flags, "--set", name+"="+value)
	}
	f.auditor = &auditor{t: t, client: f.client, store: f.store, tenants: []string{"", "acme"}}
	f.startProcesses()
	f.startIndexer()
	p := f.load("testdata/paper.bpmn")
	acme := f.load("testdata/parcel")
	for n := range acme.Definitions {
		acme.Definitions[n].Tenant = "acme"
	}
	p.Definitions = append(p.Definitions, acme.Definitions...)
	f.deployDefinitions(p)
	return f
}

func (f *faulty) startProcesses() {
	f.processes = f.startWorker(append([]string{"--roles", "process,connectors,gateway", "--set", "event.processing.enabled=false"}, f.flags...)...)
}

func (f *faulty) startIndexer() {
	f.indexer = f.startWorker(append([]string{"--roles", "indexer"}, f.flags...)...)
}

// during has something happen while processes run, and requires that the index is what the histories tell when it is over.
func (f *faulty) during(name string, what func()) {
	f.t.Helper()
	b := openBusiness(f.t, f.client, name, 2)
	what()
	rate, lasted := b.rate(), time.Since(b.begun)
	b.close()
	f.quiet()
	over := time.Now()
	all := f.auditor.agree()
	if f.usual == 0 {
		f.usual = rate
	}
	f.t.Logf("%s for %s: %d instances started, %.1f a second seen through, %.2f of what is usual; %s after its end all %d documents of %d events are indexed, none twice",
		name, lasted.Round(100*time.Millisecond), b.started.Load(), rate, rate/f.usual, time.Since(over).Round(100*time.Millisecond), len(all.documents), all.events)
}

// passes waits until a pass ends that begins from now on.
func (f *faulty) passes() {
	f.t.Helper()
	now := time.Now()
	f.eventually(func() string { return "no pass ends" }, func() bool {
		s, err := f.client.IndexerState(f.t.Context())
		return err == nil && s.Last != nil && s.Last.Began.After(now)
	})
}

// failing waits until the indexer says that it gets nowhere.
func (f *faulty) failing() {
	f.t.Helper()
	f.eventually(func() string { return "nobody says that the index is in trouble" }, func() bool {
		s, err := f.client.IndexerStatus(f.t.Context())
		return err == nil && s.State == client.IndexerFailing && s.Error != ""
	})
}

// atRandom waits for a part of a time.
func (f *faulty) atRandom(most time.Duration) {
	select {
	case <-time.After(rand.N(most)):
	case <-f.t.Context().Done():
	}
}

// TestIndexFaults has everything go wrong that stands between histories and the index while processes run: afterwards the index is exactly what the
// histories tell.
func TestIndexFaults(t *testing.T) {
	t.Parallel()
	f := installFaulty(t)
	long := outage(t)
	after := func(begun time.Time) {
		select {
		case <-time.After(time.Until(begun.Add(long))):
		case <-t.Context().Done():
		}
	}
	f.during("well", func() {
		begun := time.Now()
		f.passes()
		after(begun)
	})
	f.during("down", func() {
		f.elastic.Kill()
		begun := time.Now()
		f.failing()
		after(begun)
		f.elastic.Run()
	})
	f.during("storm", func() {
		f.storm.blows.Store(true)
		defer f.storm.blows.Store(false)
		begun := time.Now()
		f.eventually(f.storm.counts, func() bool { return f.storm.passed() })
		after(begun)
		t.Log("what bulk requests met: ", f.storm.counts())
	})
	all := howMany(t, "WAYBILL_INDEX_ALL", 0) > 0 // those below that take minutes
	if all {
		f.full(after)
	}
	f.during("killed", func() {
		for range howMany(t, "WAYBILL_INDEX_KILLS", 3) {
			f.atRandom(3 * time.Second)
			f.indexer.kill()
			f.startIndexer()
		}
	})
	if all {
		f.allKilled()
		f.restarted()
	}
	s, err := f.client.IndexerState(t.Context())
	require.NoError(t, err)
	require.Zero(t, s.Total.Dead, "what may pass is no reason for a dead letter")
	letters, err := f.client.IndexLetters(t.Context(), allLetters)
	require.NoError(t, err)
	require.Empty(t, letters.Letters)
	f.commands()

	f.poison()
}

// full has the server find its disk too full, and then free again.
func (f *faulty) full(after func(begun time.Time)) {
	f.during("full", func() {
		f.watermark("1pb")
		f.failing()
		after(time.Now())
		f.watermark("1b")
		f.passes() // the server takes the blocks away by itself
	})
}

// allKilled kills all workers, so that nobody knows what has moved: the sweep finds it.
func (f *faulty) allKilled() {
	f.during("all-killed", func() {
		f.passes()
		f.atRandom(2 * time.Second)
		f.indexer.kill()
		f.processes.kill()
		f.startProcesses()
		f.startIndexer()
	})
}

// restarted restarts Temporal.
func (f *faulty) restarted() {
	f.during("temporal", func() {
		f.passes()
		address := f.temporal.Address
		require.NoError(f.t, f.temporal.Stop())
		f.startTemporal(address)
		f.passes()
	})
}

// TestIndexTenants has many tenants run processes of their own.
func TestIndexTenants(t *testing.T) {
	t.Parallel()
	installFaulty(t).indexTenants()
}

// commands are those that people look after the index with.
func (f *faulty) commands() {
	f.t.Helper()
	s, err := f.client.IndexerStatus(f.t.Context())
	require.NoError(f.t, err)
	require.Equal(f.t, "0/2 * * * * ?", s.Schedules[0].Expression)
	require.NotEmpty(f.t, s.Schedules[0].Next)
	list, err := f.client.List(f.t.Context(), client.Filter{Limit: 1})
	require.NoError(f.t, err)
	require.Len(f.t, list, 1)
	dir, err := programs()
	require.NoError(f.t, err)
	for _, args := range [][]string{{"status"}, {"run", "--wait"}, {"pause"}, {"resume"}, {"show", list[0].ID}, {"deadletters", "list"}} {
		out, err := exec.Command(filepath.Join(dir, "starter"), append([]string{"--temporal-address", f.temporal.Address, "events"}, args...)...).CombinedOutput()
		require.NoError(f.t, err, "%s", out)
		f.t.Logf("starter events %v:\n%s", args, out)
	}
}

// passed tells whether all that a storm can do was done.
func (s *storm) passed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, what := range []string{"429", "503", "cut", "done and not answered", "some 429"} {
		if s.done[what] == 0 {
			return false
		}
	}
	return true
}

// watermark says how much of its disk the server wants to be free.
func (f *faulty) watermark(free string) {
	f.t.Helper()
	const disk = "cluster.routing.allocation.disk."
	body := fmt.Sprintf(`{"persistent":{"%sthreshold_enabled":true,"%[1]swatermark.low":"%[2]s","%[1]swatermark.high":"%[2]s","%[1]swatermark.flood_stage":"%[2]s"}}`, disk, free)
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, f.elastic.URL+"/_cluster/settings", strings.NewReader(body))
	require.NoError(f.t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(f.t, err)
	require.NoError(f.t, answer.Body.Close())
	require.Equal(f.t, http.StatusOK, answer.StatusCode)
}
