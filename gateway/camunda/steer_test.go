package camunda_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetriesAndPriority(t *testing.T) {
	p := newPlace(t)
	instance := p.start(1, 0)
	id := p.listed(1, "")[0]["id"].(string)
	path := "/external-task/" + id
	p.refused(400, "InvalidRequestException", "The number of retries cannot be null.", "PUT", path+"/retries", object{})
	p.refused(400, "BadUserRequestException", "The number of retries cannot be negative: retries is not greater than or equal to 0", "PUT", path+"/retries", object{"retries": -1})
	p.refused(400, "InvalidRequestException", "The priority cannot be null.", "PUT", path+"/priority", object{})
	for _, what := range []string{"retries", "priority"} {
		p.refused(404, "RestException", "External task with id nobody does not exist", "PUT", "/external-task/nobody/"+what, object{what: 1})
	}
	p.want(204, nil, "PUT", path+"/priority", object{"priority": 50})
	p.want(204, nil, "PUT", path+"/retries", object{"retries": 3})
	_, task := p.call("GET", path, nil)
	require.Equal(t, []any{50.0, 3.0}, []any{task.(object)["priority"], task.(object)["retries"]})

	p.want(204, nil, "PUT", path+"/retries", object{"retries": 0})
	require.Eventually(t, func() bool {
		state, err := p.Client.Get(t.Context(), instance)
		return err == nil && len(state.Incidents) == 1
	}, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, 0.0, p.listed(1, "&noRetriesLeft=true")[0]["retries"])
	p.refused(400, "RestException", "External task "+id+" has no retries left: set its retries first", "PUT", path+"/priority", object{"priority": 1})
	p.want(204, nil, "PUT", path+"/retries", object{"retries": 2})
	fetched := p.fetch("ann", time.Minute, nil)[0].(object)
	require.Equal(t, []any{id, 2.0}, []any{fetched["id"], fetched["retries"]})
	state, err := p.Client.Get(t.Context(), instance)
	require.NoError(t, err)
	require.Empty(t, state.Incidents)
}

func TestRetriesOfMany(t *testing.T) {
	p := newPlace(t)
	for i := range 3 {
		p.start(i, 0)
	}
	var ids, instances []string // in the order of the tasks, which need not be that of the starts
	for _, task := range p.listed(3, "&sortBy=createTime&sortOrder=asc") {
		ids, instances = append(ids, task["id"].(string)), append(instances, task["processInstanceId"].(string))
	}
	retries := func() (all []any) {
		for _, task := range p.listed(3, "&sortBy=createTime&sortOrder=asc") {
			all = append(all, task["retries"])
		}
		return all
	}
	for message, body := range map[string]object{
		"The number of retries cannot be null.":                                               {"externalTaskIds": ids},
		"The number of retries cannot be negative: retries is not greater than or equal to 0": {"externalTaskIds": ids, "retries": -1},
		"externalTaskIds is empty":                                                            {"retries": 1},
		"Cannot set query sortBy parameter to value x":                                        {"retries": 1, "externalTaskQuery": object{"sorting": []any{object{"sortBy": "x", "sortOrder": "asc"}}}},
		"Queries of process instances are not supported here: name the tasks by externalTaskIds, processInstanceIds or an externalTaskQuery": {"retries": 1, "processInstanceQuery": object{}},
	} {
		p.refused(400, "InvalidRequestException", message, "PUT", "/external-task/retries", body)
		p.refused(400, "InvalidRequestException", message, "POST", "/external-task/retries-async", body)
	}
	p.refused(404, "InvalidRequestException", "Cannot find external task with id nobody", "PUT", "/external-task/retries", object{"retries": 1, "externalTaskIds": []string{ids[0], "nobody"}})
	require.Equal(t, []any{nil, nil, nil}, retries(), "none was set")
	p.want(204, nil, "PUT", "/external-task/retries", object{"retries": 4, "externalTaskIds": ids[:1], "processInstanceIds": instances[1:2]})
	require.Equal(t, []any{4.0, 4.0, nil}, retries())
	code, batch := p.call("POST", "/external-task/retries-async", object{"retries": 6, "externalTaskQuery": object{"topicName": p.topic}})
	require.Equal(t, 200, code)
	require.Equal(t, []any{"set-external-task-retries", 3.0, false}, []any{batch.(object)["type"], batch.(object)["totalJobs"], batch.(object)["suspended"]})
	require.NotEmpty(t, batch.(object)["id"])
	require.Equal(t, []any{6.0, 6.0, 6.0}, retries())
}

func TestLockOfOne(t *testing.T) {
	p := newPlace(t)
	p.start(1, 0)
	p.start(2, 0)
	tasks := p.listed(2, "&sortBy=createTime&sortOrder=desc")
	id := tasks[0]["id"].(string)
	path := "/external-task/" + id
	p.refused(500, "NullValueException", "workerId is null", "POST", path+"/lock", object{"lockDuration": 1})
	p.refused(400, "RestException", "lockDuration is not greater than 0", "POST", path+"/lock", object{"workerId": "ann"})
	p.refused(404, "RestException", "External task with id nobody does not exist", "POST", "/external-task/nobody/lock", object{"workerId": "ann", "lockDuration": 60000})
	p.want(204, nil, "POST", path+"/lock", object{"workerId": "ann", "lockDuration": 60000})
	require.Equal(t, id, p.listed(1, "&workerId=ann&locked=true")[0]["id"])
	p.refused(400, "RestException", "External Task "+id+" cannot be locked by worker 'bob'. It is locked by worker 'ann'.", "POST", path+"/lock", object{"workerId": "bob", "lockDuration": 60000})
	p.want(204, nil, "POST", path+"/lock", object{"workerId": "ann", "lockDuration": 600000})
	p.near(time.Now().Add(10*time.Minute), p.listed(1, "&workerId=ann")[0]["lockExpirationTime"])
	p.want(204, nil, "POST", path+"/complete", object{"workerId": "ann"})
	other := p.fetch("bob", time.Minute, nil)
	require.Len(t, other, 1)
	require.Equal(t, tasks[1]["id"], other[0].(object)["id"])
}

// What a worker is told that has not got a task, or asks what cannot be.
func TestRefusedAnswers(t *testing.T) {
	p := newPlace(t)
	p.start(1, 0)
	id := p.fetch("ann", time.Minute, nil)[0].(object)["id"].(string)
	path := "/external-task/" + id
	for call, c := range map[string]struct {
		body    object
		message string
	}{
		"complete":   {object{}, "External Task " + id + " cannot be completed by worker 'bob'. It is locked by worker 'ann'."},
		"failure":    {object{"retries": 1}, "Failure of External Task " + id + " cannot be reported by worker 'bob'. It is locked by worker 'ann'."},
		"bpmnError":  {object{"errorCode": "E"}, "Bpmn error of External Task " + id + " cannot be reported by worker 'bob'. It is locked by worker 'ann'."},
		"extendLock": {object{"newDuration": 1000}, "The lock of the External Task " + id + " cannot be extended by worker 'bob'. It is locked by worker 'ann'."},
	} {
		p.refused(500, "NullValueException", "workerId is null", "POST", path+"/"+call, c.body)
		c.body["workerId"] = "bob"
		p.refused(400, "RestException", c.message, "POST", path+"/"+call, c.body)
		p.refused(404, "RestException", "External task with id nobody does not exist", "POST", "/external-task/nobody/"+call, c.body)
	}
	p.refused(404, "RestException", "External task with id nobody does not exist", "POST", "/external-task/nobody/unlock", nil)
	for message, body := range map[string]object{
		"retries is not greater than or equal to 0":       {"retries": -1},
		"retryDuration is not greater than or equal to 0": {"retries": 1, "retryTimeout": -1},
	} {
		body["workerId"] = "ann"
		p.refused(500, "ProcessEngineException", message, "POST", path+"/failure", body)
	}
	p.refused(500, "NullValueException", "errorCode is null", "POST", path+"/bpmnError", object{"workerId": "ann"})
	p.refused(400, "RestException", "lockTime is not greater than 0", "POST", path+"/extendLock", object{"workerId": "ann"})
	p.want(204, nil, "POST", path+"/unlock", nil)
	p.refused(400, "RestException", "External Task "+id+" cannot be completed by worker 'ann'. It is locked by worker 'null'.", "POST", path+"/complete", object{"workerId": "ann"})
}

func TestRefusedFetches(t *testing.T) {
	p := newPlace(t)
	for _, c := range []struct {
		code          int
		kind, message string
		change        object
	}{
		{500, "NullValueException", "workerId is null", object{"workerId": nil}},
		{500, "ProcessEngineException", "maxResults is not greater than or equal to 0", object{"maxTasks": -1}},
		{500, "NullValueException", "topicName is null", object{"topics": []any{object{"lockDuration": 1}}}},
		{500, "ProcessEngineException", "lockTime is not greater than 0", object{"topics": []any{object{"topicName": "x", "lockDuration": 0}}}},
		{400, "InvalidRequestException", "The asynchronous response timeout cannot be set to a value greater than 1800000 milliseconds", object{"asyncResponseTimeout": 1_800_001}},
		{400, "InvalidRequestException", "Cannot set query sortBy parameter to value id", object{"sorting": []any{object{"sortBy": "id", "sortOrder": "asc"}}}},
		{400, "InvalidRequestException", "Cannot set query sortOrder parameter to value up", object{"sorting": []any{object{"sortBy": "createTime", "sortOrder": "up"}}}},
	} {
		body := object{"workerId": "ann", "maxTasks": 1, "topics": []any{object{"topicName": p.topic, "lockDuration": 1000}}}
		for name, v := range c.change {
			body[name] = v
		}
		p.refused(c.code, c.kind, c.message, "POST", "/external-task/fetchAndLock", body)
	}
	p.want(200, []any{}, "POST", "/external-task/fetchAndLock", object{"workerId": "ann", "maxTasks": 0, "topics": []any{object{"topicName": p.topic, "lockDuration": 1000}}})
}

// What the filters of a topic let through, and what is told of the variables.
func TestFetchOfSome(t *testing.T) {
	p := newPlace(t)
	p.start(1, 10)
	p.start(2, 20)
	p.listed(2, "")
	for _, none := range []object{
		{"businessKey": "K3"}, {"processDefinitionVersionTag": "v2"}, {"processDefinitionId": p.topic + ":2"}, {"processDefinitionKeyIn": []string{"x"}},
		{"tenantIdIn": []string{"acme"}}, {"processVariables": object{"n": "1"}}, {"processVariables": object{"missing": nil}},
	} {
		code, content := p.call("POST", "/external-task/fetchAndLock", object{"workerId": "ann", "maxTasks": 10, "topics": []any{with(object{"topicName": p.topic, "lockDuration": 60000}, none)}})
		require.Equal(t, 200, code, content)
		require.Empty(t, content, none)
	}
	fetched := p.fetch("ann", time.Minute, object{"processDefinitionVersionTag": "v1", "processVariables": object{"n": 2}, "withoutTenantId": true, "localVariables": true})
	require.Len(t, fetched, 1)
	task := fetched[0].(object)
	require.Equal(t, "K2", task["businessKey"])
	require.Equal(t, object{}, task["extensionProperties"])
	variables := task["variables"].(object)
	require.Len(t, variables, 1)
	require.Equal(t, 3.0, variables["own"].(object)["value"])
}

func with(all ...object) object {
	out := object{}
	for _, one := range all {
		for name, v := range one {
			out[name] = v
		}
	}
	return out
}

// Tasks of a suspended instance are shown as such, and are given to nobody.
func TestSuspendedTask(t *testing.T) {
	p := newPlace(t)
	instance := p.start(1, 0)
	id := p.listed(1, "&active=true")[0]["id"].(string)
	require.NoError(t, p.Suspend(t.Context(), instance))
	require.Equal(t, true, p.listed(1, "&suspended=true")[0]["suspended"])
	p.want(200, []any{}, "POST", "/external-task/fetchAndLock", object{"workerId": "ann", "maxTasks": 1, "topics": []any{object{"topicName": p.topic, "lockDuration": 1000}}})
	p.refused(500, "SuspendedEntityInteractionException", "External task "+id+" is suspended", "POST", "/external-task/"+id+"/lock", object{"workerId": "ann", "lockDuration": 1000})
	require.NoError(t, p.Resume(t.Context(), instance))
	require.Equal(t, id, p.fetch("ann", time.Minute, nil)[0].(object)["id"])
}
