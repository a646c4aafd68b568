package external_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
)

// listed waits until a list has so many tasks: visibility is some moments behind.
func (p *place) listed(f external.Filter, n int) []*external.Task {
	p.t.Helper()
	var l *external.Listing
	require.Eventually(p.t, func() bool {
		var err error
		l, err = p.Tasks.List(p.t.Context(), f)
		require.NoError(p.t, err)
		return len(l.Tasks) == n
	}, 20*time.Second, 50*time.Millisecond, "%d tasks are expected", n)
	require.False(p.t, l.Partial)
	return l.Tasks
}

func (p *place) shown(id string) *external.Task {
	p.t.Helper()
	task, err := p.Tasks.Get(p.t.Context(), id, external.Scope{})
	require.NoError(p.t, err)
	return task
}

func TestList(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	all := external.Filter{Topic: p.topic}
	task := p.listed(all, 1)[0]
	require.Equal(t, []string{p.topic, instance, "p-" + p.topic, "K", "work", "Do it"}, []string{
		task.Topic, task.Context.ProcessInstanceID, task.Context.ProcessDefinitionKey, task.Context.BusinessKey, task.Context.ElementID, task.Context.ElementName,
	})
	require.Equal(t, 1, task.Context.ProcessDefinitionVersion)
	require.WithinDuration(t, time.Now(), task.Created, time.Minute)
	require.Empty(t, task.Worker+task.ErrorMessage+task.ErrorDetails)
	require.Nil(t, task.Retries)
	require.Zero(t, task.Until)
	require.Empty(t, task.Variables)

	held := p.fetch("ann", time.Minute)
	require.Equal(t, task.ID, held.ID)
	task = p.shown(held.ID)
	require.Equal(t, "ann", task.Worker)
	require.WithinDuration(t, held.Until, task.Until, 5*time.Second)

	other := p.begin()
	require.Len(t, p.listed(all, 2), 2)
	require.Len(t, p.listed(external.Filter{Topic: p.topic, Limit: 1}, 1), 1)
	require.Equal(t, other, p.listed(external.Filter{Instances: []string{other}}, 1)[0].Context.ProcessInstanceID)
	require.Equal(t, held.ID, p.listed(external.Filter{IDs: []string{held.ID, "x"}}, 1)[0].ID)
	p.listed(external.Filter{IDs: []string{held.ID}, Instances: []string{other}}, 0)
	p.listed(external.Filter{IDs: []string{held.ID}, Topic: "another"}, 0)
	p.listed(external.Filter{IDs: []string{}}, 0)
	p.listed(external.Filter{Instances: []string{"none"}}, 0)
	p.listed(external.Filter{Topic: p.topic, Keys: []string{"p-" + p.topic}}, 2)
	p.listed(external.Filter{Topic: p.topic, Keys: []string{"another"}}, 0)
	p.listed(external.Filter{Topic: p.topic, Match: func(t *external.Task) bool { return t.Worker == "ann" }}, 1)
	red := func(v map[string]any) bool { return v["colour"] == "red" }
	p.listed(external.Filter{Topic: p.topic, Variables: red}, 2)
	p.listed(external.Filter{Topic: p.topic, Variables: func(v map[string]any) bool { return !red(v) }}, 0)
	p.listed(external.Filter{Topic: p.topic, Failed: true}, 0)

	require.NoError(t, p.Complete(t.Context(), held.ID, by("ann"), external.Result{}))
	p.Ended(instance)
	p.listed(all, 1)
	_, err := p.Tasks.Get(t.Context(), held.ID, external.Scope{})
	require.ErrorIs(t, err, external.ErrGone)
	for _, id := range []string{"x", "MiBub3Roaw"} {
		_, err = p.Tasks.Get(t.Context(), id, external.Scope{})
		require.ErrorIs(t, err, external.ErrNotFound)
	}
}

// A list says when it did not look at all.
func TestListIsBounded(t *testing.T) {
	p := startPlace(t)
	for range 3 {
		p.begin()
	}
	p.listed(external.Filter{Topic: p.topic}, 3)
	external.LookAt(p.Tasks, 2)
	l, err := p.Tasks.List(t.Context(), external.Filter{Topic: p.topic})
	require.NoError(t, err)
	require.True(t, l.Partial)
	require.Len(t, l.Tasks, 2)
}

func TestFailedTaskIsShown(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	task := p.fetch("ann", time.Minute)
	retries := 2
	fail := external.Failure{Message: "no luck", Details: "a trace", Retries: retries, After: time.Minute}
	require.NoError(t, p.Fail(t.Context(), task.ID, by("ann"), fail))
	shown := p.shown(task.ID)
	require.Equal(t, []string{"ann", "no luck", "a trace"}, []string{shown.Worker, shown.ErrorMessage, shown.ErrorDetails})
	require.Equal(t, &retries, shown.Retries)
	require.WithinDuration(t, time.Now().Add(time.Minute), shown.Until, 10*time.Second)

	require.NoError(t, p.SetRetries(t.Context(), task.ID, external.Scope{}, 3), "the rest stays")
	again := p.shown(task.ID)
	require.Equal(t, 3, *again.Retries)
	require.WithinDuration(t, shown.Until, again.Until, 2*time.Second)
	require.Equal(t, []string{"ann", "no luck", "a trace"}, []string{again.Worker, again.ErrorMessage, again.ErrorDetails})

	fail.Retries = 0
	require.NoError(t, p.Fail(t.Context(), task.ID, by("ann"), fail))
	require.Equal(t, "no luck", p.Incident(instance).Message)
	shown = p.listed(external.Filter{Topic: p.topic, Failed: true}, 1)[0]
	require.Equal(t, task.ID, shown.ID)
	require.Zero(t, *shown.Retries)
	require.Positive(t, shown.Incident)
	require.Equal(t, []string{"ann", "no luck", "a trace", p.topic, "work"}, []string{shown.Worker, shown.ErrorMessage, shown.ErrorDetails, shown.Topic, shown.Context.ElementID})
	require.NoError(t, p.Unlock(t.Context(), task.ID, external.Scope{}), "nobody has it")
}

// Topics that are expressions, those of called processes and those of a next run are found, too.
func TestListOfAnyInstance(t *testing.T) {
	p := startPlace(t)
	topic := p.topic
	called := p.deployKey("called-"+topic, one(topic))
	caller := p.deployKey("caller-"+topic, `<startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="call"/>
	<callActivity id="call" calledElement="`+called+`"/><sequenceFlow id="b" sourceRef="call" targetRef="e"/><endEvent id="e"/>`)
	varied := p.deployKey("varied-"+topic, one("${where}"))
	for key, variables := range map[string]map[string]any{caller: nil, varied: {"where": topic}} {
		p.Begin(client.StartOptions{Key: key, Variables: variables})
	}
	var keys []string
	for _, task := range p.listed(external.Filter{Topic: topic}, 2) {
		keys = append(keys, task.Context.ProcessDefinitionKey)
	}
	slices.Sort(keys)
	require.Equal(t, []string{called, varied}, keys)

	again := p.Begin(client.StartOptions{Key: varied, Variables: map[string]any{"where": topic}})
	p.listed(external.Filter{Topic: topic, Instances: []string{again}}, 1)
	before := p.upserts(again)
	require.Equal(t, 1, before)
	longest := topic + strings.Repeat("long", 80)
	long := p.Begin(client.StartOptions{Key: varied, Variables: map[string]any{"where": longest}})
	require.Equal(t, long, p.listed(external.Filter{Topic: longest}, 1)[0].Context.ProcessInstanceID)
}

// upserts are how often an instance has changed the topics that it is found by.
func (p *place) upserts(instance string) (n int) {
	p.t.Helper()
	for events := p.Client.Temporal.GetWorkflowHistory(p.t.Context(), instance, "", false, 0); events.HasNext(); {
		e, err := events.Next()
		require.NoError(p.t, err)
		if e.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes().GetIndexedFields()[contract.TopicsAttribute] != nil {
			n++
		}
	}
	return n
}

// What an instance starts with costs no event.
func TestConstantTopicIsNotSetAgain(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	task := p.fetch("ann", time.Minute)
	require.NoError(t, p.Complete(t.Context(), task.ID, by("ann"), external.Result{}))
	p.Ended(instance)
	require.Zero(t, p.upserts(instance))
}

// A caller sees its topics and its tenant.
func TestScopeOfLists(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	id := p.listed(external.Filter{Topic: p.topic}, 1)[0].ID
	acme, none := "acme", ""
	for what, c := range map[string]struct {
		scope external.Scope
		sees  bool
	}{
		"all":             {external.Scope{}, true},
		"its topic":       {external.Scope{Topics: []string{"x", p.topic}}, true},
		"another topic":   {external.Scope{Topics: []string{"x"}}, false},
		"no topic":        {external.Scope{Topics: []string{}}, false},
		"no tenant":       {external.Scope{Tenant: &none}, true},
		"a tenant":        {external.Scope{Tenant: &acme}, false},
		"tenant of topic": {external.Scope{Topics: []string{p.topic}, Tenant: &acme}, false},
	} {
		for name, f := range map[string]external.Filter{"topic": {Topic: p.topic}, "ids": {IDs: []string{id}}, "instances": {Instances: []string{instance}}} {
			f.Scope = c.scope
			l, err := p.Tasks.List(t.Context(), f)
			require.NoError(t, err)
			require.Equal(t, c.sees, len(l.Tasks) == 1, "%s, by %s", what, name)
		}
		calls := map[string]func() error{
			"get":      func() error { _, err := p.Tasks.Get(t.Context(), id, c.scope); return err },
			"retries":  func() error { return p.SetRetries(t.Context(), id, c.scope, 3) },
			"priority": func() error { return p.SetPriority(t.Context(), id, c.scope, 3) },
			"lock": func() error {
				return p.LockByID(t.Context(), id, external.By{Scope: c.scope, Worker: "ann"}, time.Minute)
			},
			"unlock": func() error { return p.Unlock(t.Context(), id, c.scope) },
		}
		for name, call := range calls {
			if c.sees {
				continue // elsewhere
			}
			require.ErrorIs(t, call(), external.ErrForbidden, "%s, %s", what, name)
		}
	}
	require.Nil(t, p.shown(id).Retries, "nothing was changed")
}

func TestListOfMany(t *testing.T) {
	p := startPlace(t)
	key := p.deploy(`<startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="work"/>
	<serviceTask id="work" camunda:type="external" camunda:topic="` + p.topic + `"><multiInstanceLoopCharacteristics><loopCardinality>20</loopCardinality></multiInstanceLoopCharacteristics></serviceTask>
	<sequenceFlow id="b" sourceRef="work" targetRef="e"/><endEvent id="e"/>`)
	for range 10 {
		p.Begin(client.StartOptions{Key: key})
	}
	began := time.Now()
	tasks := p.listed(external.Filter{Topic: p.topic}, 200)
	t.Logf("200 tasks of 10 instances in %s at most", time.Since(began))
	ids := map[string]bool{}
	for _, task := range tasks {
		ids[task.ID] = true
	}
	require.Len(t, ids, 200, "each once")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Tasks.List(ctx, external.Filter{Topic: p.topic})
	require.Error(t, err)
}
