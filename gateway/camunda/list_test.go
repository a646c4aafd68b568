package camunda_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite/externaltest"
)

// place is a gateway with a process of one external task, whose id is its topic.
type place struct {
	t *testing.T
	*externaltest.Place
	url, topic string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p, g := open(t)
	return newPlaceOn(t, &place{Place: p, url: g.URL() + api})
}

// newPlaceOn is another process on the same gateway.
func newPlaceOn(t *testing.T, other *place) *place {
	t.Helper()
	p := &place{t: t, Place: other.Place, url: other.url, topic: "t-" + strings.ToLower(rand.Text()[:8])}
	text := `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
		<process id="` + p.topic + `" name="The name" isExecutable="true" camunda:versionTag="v1"><startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="work"/>
		<serviceTask id="work" name="Do it" camunda:type="external" camunda:topic="` + p.topic + `" camunda:taskPriority="${priority}">
		<extensionElements><camunda:properties><camunda:property name="colour" value="red"/></camunda:properties>
		<camunda:inputOutput><camunda:inputParameter name="own">${n + 1}</camunda:inputParameter></camunda:inputOutput></extensionElements></serviceTask>
		<sequenceFlow id="b" sourceRef="work" targetRef="e"/><endEvent id="e"/></process></definitions>`
	p.Deploy(p.topic, text)
	return p
}

func (p *place) start(n, priority int) (instance string) {
	p.t.Helper()
	return p.Begin(client.StartOptions{
		Key: p.topic, BusinessKey: fmt.Sprint("K", n), Variables: map[string]any{"n": n, "priority": priority, "text": fmt.Sprint("no ", n)},
	})
}

// call sends a body as JSON, and reads the answer.
func (p *place) call(method, path string, body any) (int, any) {
	p.t.Helper()
	code, text, header := p.send(method, path, body)
	if header.Get("Content-Type") != "application/json" {
		return code, text
	}
	var answer any
	require.NoError(p.t, json.Unmarshal([]byte(text), &answer), text)
	return code, answer
}

func (p *place) send(method, path string, body any) (int, string, http.Header) {
	p.t.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		require.NoError(p.t, err)
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, content)
	require.NoError(p.t, err)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(p.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(p.t, err)
	return response.StatusCode, string(text), response.Header
}

// want calls and checks the answer: nil is no content.
func (p *place) want(code int, answer any, method, path string, body any) {
	p.t.Helper()
	got, content := p.call(method, path, body)
	if answer == nil {
		answer = ""
	}
	require.Equal(p.t, answer, content)
	require.Equal(p.t, code, got)
}

// refused is an answer of an error.
func (p *place) refused(code int, kind, message, method, path string, body any) {
	p.t.Helper()
	p.want(code, map[string]any{"type": kind, "message": message, "code": float64(0)}, method, path, body)
}

type object = map[string]any

// listed waits until a query finds so many: visibility is some moments behind.
func (p *place) listed(n int, query string) (tasks []object) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		code, content := p.call("GET", "/external-task?topicName="+p.topic+query, nil)
		require.Equal(p.t, 200, code, content)
		tasks = nil
		for _, task := range content.([]any) {
			tasks = append(tasks, task.(object))
		}
		return len(tasks) == n
	}, 20*time.Second, 50*time.Millisecond, "%d tasks are expected of %s", n, query)
	return tasks
}

func (p *place) fetch(worker string, lock time.Duration, topic object) []any {
	p.t.Helper()
	all := object{"topicName": p.topic, "lockDuration": lock.Milliseconds()}
	for name, v := range topic {
		all[name] = v
	}
	code, content := p.call("POST", "/external-task/fetchAndLock", object{"workerId": worker, "maxTasks": 10, "asyncResponseTimeout": 5000, "topics": []any{all}})
	require.Equal(p.t, 200, code, content)
	return content.([]any)
}

func (p *place) near(at time.Time, text any) {
	p.t.Helper()
	parsed, err := time.Parse("2006-01-02T15:04:05.000-0700", text.(string))
	require.NoError(p.t, err)
	require.WithinDuration(p.t, at, parsed, 10*time.Second)
}

func TestShownTask(t *testing.T) {
	p := newPlace(t)
	instance := p.start(1, 7)
	task := p.listed(1, "")[0]
	id := task["id"].(string)
	p.near(time.Now(), task["createTime"])
	shown := object{
		"id": id, "topicName": p.topic, "workerId": nil, "lockExpirationTime": nil, "createTime": task["createTime"], "processInstanceId": instance,
		"processDefinitionId": p.topic + ":1", "processDefinitionKey": p.topic, "processDefinitionVersionTag": "v1", "executionId": instance, "activityId": "work",
		"activityInstanceId": "work:" + id, "tenantId": nil, "retries": nil, "suspended": false, "errorMessage": nil, "priority": 7.0, "businessKey": "K1",
	}
	require.Equal(t, shown, task)
	p.want(200, shown, "GET", "/external-task/"+id, nil)
	p.want(200, []any{shown}, "POST", "/external-task", object{"topicName": p.topic})
	p.want(204, nil, "GET", "/external-task/"+id+"/errorDetails", nil)

	fetched := p.fetch("ann", time.Minute, object{"includeExtensionProperties": true, "variables": []string{"n", "own"}})[0].(object)
	p.near(time.Now().Add(time.Minute), fetched["lockExpirationTime"])
	want := object{"workerId": "ann", "lockExpirationTime": fetched["lockExpirationTime"], "errorDetails": nil, "extensionProperties": object{"colour": "red"}, "variables": object{
		"n":   object{"type": "Integer", "value": 1.0, "valueInfo": object{}},
		"own": object{"type": "Integer", "value": 2.0, "valueInfo": object{}},
	}}
	for name, v := range shown {
		if want[name] == nil {
			want[name] = v
		}
	}
	// What JSON gives back of what was left out of valueInfo.
	for _, v := range fetched["variables"].(object) {
		if v.(object)["valueInfo"] == nil {
			v.(object)["valueInfo"] = object{}
		}
	}
	require.Equal(t, want, fetched)
	task = p.listed(1, "&locked=true&workerId=ann")[0]
	p.near(time.Now().Add(time.Minute), task["lockExpirationTime"])

	p.want(204, nil, "POST", "/external-task/"+id+"/failure", object{"workerId": "ann", "errorMessage": "no luck", "errorDetails": "a\ntrace", "retries": 1, "retryTimeout": 60000})
	_, text, header := p.send("GET", "/external-task/"+id+"/errorDetails", nil)
	require.Equal(t, "a\ntrace", text)
	require.Equal(t, "text/plain; charset=utf-8", header.Get("Content-Type"))
	task = p.listed(1, "")[0]
	require.Equal(t, []any{"no luck", 1.0, "ann"}, []any{task["errorMessage"], task["retries"], task["workerId"]})
	p.near(time.Now().Add(time.Minute), task["lockExpirationTime"])
	require.NotContains(t, task, "errorDetails")

	for _, path := range []string{"", "/errorDetails"} {
		p.refused(404, "RestException", "External task with id nobody does not exist", "GET", "/external-task/nobody"+path, nil)
	}
}

func TestFilters(t *testing.T) {
	p := newPlace(t)
	var instances []string
	for n := range 3 {
		instances = append(instances, p.start(n+1, 10*n))
	}
	p.listed(3, "")
	held := p.fetch("ann", 10*time.Minute, object{"businessKey": "K1"})[0].(object)["id"].(string)
	late := url.QueryEscape(time.Now().Add(5 * time.Minute).Format("2006-01-02T15:04:05.000-0700"))
	for query, keys := range map[string]string{
		"":                                   "123",
		"&externalTaskId=" + held:            "1",
		"&externalTaskIdIn=x," + held:        "1",
		"&externalTaskId=x":                  "",
		"&activityId=work":                   "123",
		"&activityId=other":                  "",
		"&activityIdIn=other,work":           "123",
		"&locked=true":                       "1",
		"&locked=false":                      "123",
		"&notLocked=true":                    "23",
		"&workerId=ann":                      "1",
		"&lockExpirationAfter=" + late:       "1",
		"&lockExpirationBefore=" + late:      "",
		"&executionId=" + instances[1]:       "2",
		"&processInstanceId=" + instances[1]: "2",
		"&processInstanceIdIn=" + instances[1] + "," + instances[2]:           "23",
		"&processInstanceId=" + instances[0] + "&executionId=" + instances[1]: "",
		"&processDefinitionKey=" + p.topic:                                    "123",
		"&processDefinitionKeyIn=x":                                           "",
		"&processDefinitionId=" + p.topic + ":1":                              "123",
		"&processDefinitionId=" + p.topic + ":2":                              "",
		"&processDefinitionName=The%20name":                                   "123",
		"&processDefinitionName=x":                                            "",
		"&processDefinitionNameLike=The%25":                                   "123",
		"&active=true":                                                        "123",
		"&suspended=true":                                                     "",
		"&withRetriesLeft=true":                                               "123",
		"&noRetriesLeft=true":                                                 "",
		"&tenantIdIn=acme":                                                    "",
		"&priorityHigherThanOrEquals=10":                                      "23",
		"&priorityLowerThanOrEquals=10":                                       "12",
		"&processVariables=text_eq_no%202":                                    "2",
		"&processVariables=text_like_no%25,text_neq_no%202":                   "13",
		"&processVariables=n_eq_2":                                            "", // it is a number
		"&sortBy=taskPriority&sortOrder=desc":                                 "321",
		"&sortBy=createTime&sortOrder=asc&maxResults=2":                       "12",
		"&sortBy=createTime&sortOrder=asc&firstResult=2":                      "3",
		"&sortBy=createTime&sortOrder=asc&firstResult=1&maxResults=1":         "2",
		"&sortBy=lockExpirationTime&sortOrder=desc&maxResults=1":              "1",
		"&maxResults=0":                                                       "",
		"&firstResult=9":                                                      "",
	} {
		code, content := p.call("GET", "/external-task?topicName="+p.topic+query, nil)
		require.Equal(t, 200, code, "%s: %v", query, content)
		got := ""
		for _, task := range content.([]any) {
			got += strings.TrimPrefix(task.(object)["businessKey"].(string), "K")
		}
		if !strings.Contains(query, "sortBy") {
			require.ElementsMatch(t, strings.Split(keys, ""), strings.Split(got, ""), query)
		} else {
			require.Equal(t, keys, got, query)
		}
		if !strings.Contains(query, "Result") {
			p.want(200, object{"count": float64(len(keys))}, "GET", "/external-task/count?topicName="+p.topic+query, nil)
		}
	}
	require.Len(t, p.listed(2, "&maxResults=2"), 2)
	code, content := p.call("POST", "/external-task?maxResults=2", object{"topicName": p.topic, "processVariables": []any{object{"name": "n", "operator": "gteq", "value": 1}},
		"sorting": []any{object{"sortBy": "processDefinitionKey", "sortOrder": "asc"}, object{"sortBy": "taskPriority", "sortOrder": "desc"}}})
	require.Equal(t, 200, code)
	require.Equal(t, "K3", content.([]any)[0].(object)["businessKey"])
	require.Len(t, content, 2)
	p.want(200, object{"count": 1.0}, "POST", "/external-task/count", object{"topicName": p.topic, "processVariables": []any{object{"name": "n", "operator": "gt", "value": 2}}})

	for query, message := range map[string]string{
		"sortBy=x&sortOrder=asc":     "Cannot set query sortBy parameter to value x",
		"sortBy=id&sortOrder=up":     "Cannot set query sortOrder parameter to value up",
		"sortBy=id":                  "Only a single sorting parameter specified. sortBy and sortOrder required",
		"locked=maybe":               "Cannot set query parameter 'locked' to value 'maybe': Cannot convert value maybe to java type java.lang.Boolean",
		"firstResult=x":              "Cannot set query parameter 'firstResult' to value 'x': Cannot convert value x to java type java.lang.Integer",
		"priorityLowerThanOrEquals=": "Cannot set query parameter 'priorityLowerThanOrEquals' to value '': Cannot convert value  to java type java.lang.Integer",
		"processVariables=a_b":       "variable query parameter has to have format KEY_OPERATOR_VALUE.",
		"processVariables=a_is_b":    "Invalid process variable comparator specified: is",
		"lockExpirationAfter=today":  "Cannot convert value today to java type java.util.Date: a date such as 2013-01-23T14:42:45.000+0200 is expected",
	} {
		p.refused(400, "InvalidRequestException", message, "GET", "/external-task?"+query, nil)
	}
}

func TestTopicNames(t *testing.T) {
	p := newPlace(t)
	other := newPlaceOn(t, p)
	p.start(1, 0)
	p.listed(1, "")
	other.start(1, 0)
	other.listed(1, "")
	has := func(query string, topics ...string) {
		t.Helper()
		_, content := p.call("GET", "/external-task/topic-names"+query, nil)
		var ours []string
		for _, name := range content.([]any) {
			if name == p.topic || name == other.topic {
				ours = append(ours, name.(string))
			}
		}
		require.ElementsMatch(t, topics, ours, query)
	}
	has("", p.topic, other.topic)
	has("?withRetriesLeft=true", p.topic, other.topic)
	has("?withLockedTasks=true")
	p.fetch("ann", time.Minute, nil)
	has("?withLockedTasks=true", p.topic)
	has("?withUnlockedTasks=true", other.topic)
}
