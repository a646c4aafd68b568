package e2e_test

import (
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/project"
	"github.com/waybill-io/waybill/testsuite/elasticsearch"
)

// indexed is an installation whose events are indexed.
type indexed struct {
	*installation
	elastic *elasticsearch.Server
	store   *analytics.Store
	flags   []string
	ids     []string // of instances
}

const paper = "paper" // the process

func installIndex(t *testing.T) *indexed {
	t.Helper()
	i := &indexed{installation: installTemporal(t, options{}), elastic: elasticsearch.Start(t, elasticsearch.Options{})}
	u, err := url.Parse(i.elastic.URL)
	require.NoError(t, err)
	i.store, err = analytics.Open(analytics.Config{Addresses: []string{i.elastic.URL}})
	require.NoError(t, err)
	t.Cleanup(i.store.Close)
	for name, value := range map[string]string{
		"elastic-search.server.type": "rest", "elastic-search.rest-client.address": u.Hostname(), "elastic-search.rest-client.port": u.Port(),
		"event.processing.cronExpression": "0/2 * * * * ?", "event.processing.sweep.interval": "3000", "event.processing.blocksize": "5",
	} {
		i.flags = append(i.flags, "--set", name+"="+value)
	}
	return i
}

func (i *indexed) start(n int) {
	i.t.Helper()
	var starting errgroup.Group
	starting.SetLimit(8)
	for range n {
		id := fmt.Sprintf("paper/%d", len(i.ids))
		i.ids = append(i.ids, id)
		starting.Go(func() error {
			_, _, err := i.client.Start(i.t.Context(), client.StartOptions{Key: paper, ID: id, Variables: map[string]any{"number": 41}})
			return err
		})
	}
	require.NoError(i.t, starting.Wait())
}

// check has people claim and complete the tasks of instances.
func (i *indexed) check(ids []string) {
	i.t.Helper()
	for _, id := range ids {
		task := ""
		i.eventually(func() string { return id + " has no task" }, func() bool {
			tasks, err := i.client.Tasks(i.t.Context(), client.TaskFilter{Instance: id})
			require.NoError(i.t, err)
			if len(tasks) == 1 {
				task = tasks[0].ID
			}
			return task != ""
		})
		_, err := i.client.ClaimTask(i.t.Context(), task, "ann")
		require.NoError(i.t, err)
		_, err = i.client.CompleteTask(i.t.Context(), task, contract.CompleteTask{User: "ann", Variables: map[string]any{"fine": true}})
		require.NoError(i.t, err)
	}
}

// histories are the documents that the index should hold, by index and id, and their versions.
func (i *indexed) histories() map[string]int64 {
	i.t.Helper()
	want := map[string]int64{}
	for _, id := range i.ids {
		log, err := i.client.EventLog(i.t.Context(), id)
		require.NoError(i.t, err)
		for _, d := range log {
			key := d.Index() + " " + analytics.ID(&d)
			want[key] = max(want[key], d.Version())
		}
	}
	return want
}

// documents are those that the index holds.
func (i *indexed) documents() (map[string]int64, error) {
	have := map[string]int64{}
	for _, index := range events.Indexes() {
		err := i.store.Each(i.t.Context(), analytics.Selection{Index: index}, func(h analytics.Hit) error {
			have[index+" "+h.ID] = h.Version
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return have, nil
}

// agree waits until the index equals the histories, which do not change meanwhile.
func (i *indexed) agree() {
	i.t.Helper()
	want := i.histories()
	var have map[string]int64
	var err error
	i.eventually(func() string {
		status, failed := i.client.IndexerStatus(i.t.Context())
		return fmt.Sprintf("the index has %d documents, the histories %d; %v; %+v, %v", len(have), len(want), err, status, failed)
	}, func() bool {
		have, err = i.documents()
		if err != nil || len(have) != len(want) {
			return false
		}
		for key, version := range want {
			if have[key] != version {
				return false
			}
		}
		return true
	})
}

// settled waits until all instances wait for people, or have ended.
func (i *indexed) settled(ended int) {
	i.t.Helper()
	i.eventually(func() string { return "instances are under way" }, func() bool {
		done, waiting := 0, 0
		for _, id := range i.ids {
			r, err := i.client.Get(i.t.Context(), id)
			if err != nil {
				return false
			}
			if r.State == contract.StateCompleted {
				done++
			} else if len(r.Active) == 1 && r.Active[0] == "check" {
				waiting++
			}
		}
		return done == ended && done+waiting == len(i.ids)
	})
}

// TestEventsAreIndexed has processes run while the worker that indexes is killed, and while Elasticsearch is away: afterwards the index equals the
// histories, and no process has waited.
func TestEventsAreIndexed(t *testing.T) {
	i := installIndex(t)
	w := i.startWorker(i.flags...)
	p, err := project.Load([]string{"testdata/paper.bpmn"}, project.Options{BuiltIn: catalog.Definitions()})
	require.NoError(t, err)
	i.eventually(func() string { return "the process is not deployed" }, func() bool {
		_, err := i.client.Deploy(t.Context(), p.Definitions[0])
		return err == nil
	})

	i.start(20)
	i.settled(0)
	begun := time.Now()
	i.agree()
	t.Logf("what 20 instances began with was searchable %s later", time.Since(begun).Round(10*time.Millisecond))

	i.check(i.ids[:10])
	i.settled(10)
	begun = time.Now()
	i.agree()
	t.Logf("what 10 instances did was searchable %s later", time.Since(begun).Round(10*time.Millisecond))

	for range 3 { // with what it had noted, and in the middle of a pass
		i.start(10)
		w.kill()
		w = i.startWorker(i.flags...)
		i.settled(10)
	}
	i.agree()

	i.elastic.Kill()
	begun = time.Now()
	i.start(10)
	i.check(i.ids[10:20])
	i.settled(20)
	t.Logf("10 instances began and 10 ended within %s while Elasticsearch was away", time.Since(begun).Round(10*time.Millisecond))
	i.eventually(func() string { return "nobody says that the index is away" }, func() bool {
		s, err := i.client.IndexerStatus(t.Context())
		return err == nil && s.State == client.IndexerFailing && s.Error != ""
	})
	i.elastic.Run()
	i.agree()

	s, err := i.client.IndexerStatus(t.Context())
	require.NoError(t, err)
	require.Zero(t, s.Total.Dead)
	require.Equal(t, "0/2 * * * * ?", s.Schedules[0].Expression)
	require.NotEmpty(t, s.Schedules[0].Next)

	dir, err := programs()
	require.NoError(t, err)
	for _, args := range [][]string{{"status"}, {"run", "--wait"}, {"pause"}, {"resume"}, {"show", i.ids[0]}, {"deadletters", "list"}} {
		out, err := exec.Command(filepath.Join(dir, "starter"), append([]string{"--temporal-address", i.temporal.Address, "events"}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		t.Logf("starter events %v:\n%s", args, out)
	}
	i.agree()
}
