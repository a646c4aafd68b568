package flowable_test

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// call calls the API; body "" is a GET.
func (p *place) call(user, path, body string) (code int, answer string) {
	p.t.Helper()
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.gateway.URL()+"/external-job-api"+path, strings.NewReader(body))
	require.NoError(p.t, err)
	if user != "" {
		r.SetBasicAuth(user, "secret")
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(p.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(p.t, err)
	return response.StatusCode, strings.TrimSpace(string(text))
}

// job is an acquired one.
type job struct {
	ID, URL, LockOwner, ElementID, ElementName, ProcessInstanceID, ProcessDefinitionID, ExceptionMessage string

	LockExpirationTime, CreateTime time.Time
	Retries                        int
	ScopeType                      *string
	Variables                      []struct {
		Name  string
		Type  *string
		Value json.RawMessage
	}
}

// acquire asks until there is a job, or once when nothing is expected.
func (p *place) acquire(worker, topic, lock string) (j job) {
	p.t.Helper()
	var jobs []job
	require.Eventually(p.t, func() bool {
		code, answer := p.call("kermit", "/acquire/jobs", `{"topic":"`+topic+`","lockDuration":"`+lock+`","workerId":"`+worker+`"}`)
		return code == http.StatusOK && json.Unmarshal([]byte(answer), &jobs) == nil && len(jobs) == 1
	}, 20*time.Second, 20*time.Millisecond)
	return jobs[0]
}

func (p *place) nothing(worker, topic string) {
	p.t.Helper()
	code, answer := p.call("kermit", "/acquire/jobs", `{"topic":"`+topic+`","lockDuration":"PT1M","workerId":"`+worker+`","numberOfTasks":5}`)
	require.Equal(p.t, http.StatusOK, code, answer)
	require.Equal(p.t, "[]", answer)
}

func TestJobIsThatOfItsWorker(t *testing.T) {
	p := startPlace(t)
	p.deploy("locks")
	instance := p.begin("locks", map[string]any{"colour": "red", "n": 7, "large": int64(9007199254740993), "half": 0.5, "yes": true, "none": nil, "list": []any{1}})
	j := p.acquire("ann", "locks", "PT1M")
	require.Equal(t, []string{"ann", "work", "Do it", instance, "locks:1"}, []string{j.LockOwner, j.ElementID, j.ElementName, j.ProcessInstanceID, j.ProcessDefinitionID})
	require.Equal(t, 3, j.Retries)
	require.Nil(t, j.ScopeType)
	require.Equal(t, p.gateway.URL()+"/external-job-api/jobs/"+j.ID, j.URL)
	require.WithinDuration(t, time.Now().Add(time.Minute), j.LockExpirationTime, 10*time.Second)
	types := map[string]string{}
	for _, v := range j.Variables {
		kind := "null"
		if v.Type != nil {
			kind = *v.Type
		}
		types[v.Name] = kind + " " + string(v.Value)
	}
	require.Equal(t, map[string]string{
		"colour": `string "red"`, "n": "integer 7", "large": "long 9007199254740993", "half": "double 0.5", "yes": "boolean true", "none": "null null", "list": "json [1]",
	}, types)

	p.nothing("bob", "locks")
	for _, path := range []string{"complete", "bpmnError", "fail"} {
		code, answer := p.call("kermit", "/acquire/jobs/"+j.ID+"/"+path, `{"workerId":"bob"}`)
		require.Equal(t, http.StatusForbidden, code)
		require.JSONEq(t, `{"message":"Forbidden","exception":"bob does not hold a lock on the requested job"}`, answer)
	}
	code, _ := p.call("kermit", "/unacquire/jobs/"+j.ID, `{"workerId":"bob"}`)
	require.Equal(t, http.StatusForbidden, code)
	code, answer := p.call("kermit", "/unacquire/jobs/"+j.ID, `{"workerId":"ann"}`)
	require.Equal(t, http.StatusNoContent, code, answer)
	require.Empty(t, answer)
	code, _ = p.call("kermit", "/acquire/jobs/"+j.ID+"/complete", `{"workerId":"ann"}`)
	require.Equal(t, http.StatusForbidden, code, "it is nobody's")

	again := p.acquire("bob", "locks", "PT0.5S")
	require.Equal(t, j.ID, again.ID)
	third := p.acquire("cay", "locks", "PT0.5S") // when bob's lock has run out
	require.Equal(t, j.ID, third.ID)
	require.False(t, third.LockExpirationTime.Before(again.LockExpirationTime))
	code, _ = p.call("kermit", "/acquire/jobs/"+j.ID+"/complete", `{"workerId":"bob"}`)
	require.Equal(t, http.StatusForbidden, code)
	require.Eventually(t, func() bool { return time.Now().After(third.LockExpirationTime.Add(300 * time.Millisecond)) }, 10*time.Second, 20*time.Millisecond)
	code, answer = p.call("kermit", "/acquire/jobs/"+j.ID+"/complete", `{"workerId":"cay","variables":[{"name":"colour","value":"blue"}]}`)
	require.Equal(t, http.StatusNoContent, code, answer)
	require.Equal(t, "blue", p.Ended(instance).Variables["colour"])
	code, answer = p.call("kermit", "/acquire/jobs/"+j.ID+"/complete", `{"workerId":"cay"}`)
	require.Equal(t, http.StatusNotFound, code)
	require.JSONEq(t, `{"message":"Not found","exception":"Could not find external worker job with id '`+j.ID+`'."}`, answer)
}

// A BPMN error without a code is caught by events that catch every error, and here there is none.
func TestErrorWithoutCode(t *testing.T) {
	p := startPlace(t)
	p.deploy("codeless")
	instance := p.begin("codeless", nil)
	j := p.acquire("ann", "codeless", "PT1M")
	code, answer := p.call("kermit", "/acquire/jobs/"+j.ID+"/bpmnError", `{"workerId":"ann","errorCode":null}`)
	require.Equal(t, http.StatusNoContent, code, answer)
	require.Equal(t, "null", p.Incident(instance).Code)
}

// What no history can carry is refused, and the job stays that of its worker.
func TestTooLarge(t *testing.T) {
	p := startPlace(t)
	p.deploy("large")
	instance := p.begin("large", nil)
	j := p.acquire("ann", "large", "PT1M")
	code, answer := p.call("kermit", "/acquire/jobs/"+j.ID+"/complete", `{"workerId":"ann","variables":[{"name":"v","value":"`+strings.Repeat("x", 3<<20)+`"}]}`)
	require.Equal(t, http.StatusBadRequest, code, answer)
	require.Contains(t, answer, "fewer or smaller variables are expected")
	code, answer = p.call("kermit", "/acquire/jobs/"+j.ID+"/complete", `{"workerId":"ann"}`)
	require.Equal(t, http.StatusNoContent, code, answer)
	p.Ended(instance)
}

func TestWhatIsRefused(t *testing.T) {
	p := startPlace(t)
	const nobody = `"workerId":"ann"`
	for _, c := range []struct {
		user, path, body string
		code             int
		answer           string
	}{
		{"kermit", "/acquire/jobs", `{}`, 400, `{"message":"Bad request","exception":"topic is required"}`},
		{"kermit", "/acquire/jobs", `{"topic":"t"}`, 400, `{"message":"Bad request","exception":"lockDuration is required"}`},
		{"kermit", "/acquire/jobs", `{"topic":"t","lockDuration":"PT1M"}`, 400, `{"message":"Bad request","exception":"workerId is required"}`},
		{"kermit", "/acquire/jobs", `{"topic":"t","lockDuration":"1 minute",` + nobody + `}`, 400, "is not an ISO 8601 duration"},
		{"kermit", "/acquire/jobs", `{"topic":"t","lockDuration":"PT1M","scopeType":"cmmn",` + nobody + `}`, 200, `[]`},
		{"kermit", "/acquire/jobs", `{"topic":"t","lockDuration":"PT1M","numberOfTasks":0,` + nobody + `}`, 200, `[]`},
		{"kermit", "/acquire/jobs", `topic`, 400, "cannot read the request"},
		{"", "/acquire/jobs", `{"topic":"t","lockDuration":"PT1M",` + nobody + `}`, 401, "a token is expected"},
		{"limited", "/acquire/jobs", `{"topic":"t","lockDuration":"PT1M",` + nobody + `}`, 403, `is not for this topic`},
		{"limited", "/acquire/jobs", `{"topic":"mine","lockDuration":"PT1M",` + nobody + `}`, 200, `[]`},
		{"kermit", "/acquire/jobs/x/complete", `{}`, 400, `{"message":"Bad request","exception":"workerId is required"}`},
		{"kermit", "/acquire/jobs/x/bpmnError", `{}`, 400, `{"message":"Bad request","exception":"workerId is required"}`},
		{"kermit", "/acquire/jobs/x/fail", `{}`, 400, `{"message":"Bad request","exception":"workerId is required"}`},
		{"kermit", "/unacquire/jobs/x", `{}`, 400, `{"message":"Bad request","exception":"worker id is required"}`},
		{"kermit", "/acquire/jobs/x/complete", `{` + nobody + `}`, 404, `{"message":"Not found","exception":"Could not find external worker job with id 'x'."}`},
		{"kermit", "/unacquire/jobs/x", `{` + nobody + `}`, 404, `{"message":"Not found","exception":"Could not find external worker job with id 'x'."}`},
		{"kermit", "/acquire/jobs/x/complete", `{` + nobody + `,"variables":[{"value":1}]}`, 400, `{"message":"Bad request","exception":"Variable name is required."}`},
		{"kermit", "/acquire/jobs/x/complete", `{` + nobody + `,"variables":[{"name":"v","type":"thing","value":1}]}`, 400, `{"message":"Bad request","exception":"Variable 'v' has unsupported type: 'thing'."}`},
		{"kermit", "/acquire/jobs/x/fail", `{` + nobody + `,"retryTimeout":"soon"}`, 400, "is not an ISO 8601 duration"},
		{"kermit", "/jobs?id=x&tenantIdLike=%ff", "", 200, `{"data":[],"total":0,"start":0,"sort":"id","order":"asc","size":0}`}, // no text at all
	} {
		code, answer := p.call(c.user, c.path, c.body)
		require.Equal(t, c.code, code, "%s %s: %s", c.path, c.body, answer)
		if strings.HasPrefix(c.answer, "{") || strings.HasPrefix(c.answer, "[") {
			require.JSONEq(t, c.answer, answer)
		} else {
			require.Contains(t, answer, c.answer)
		}
	}
}

// jobs lists jobs, until there are as many: the list is some moments behind.
func (p *place) jobs(query string, total int) (page struct {
	Total, Start, Size int
	Sort, Order        string
	Data               []job
}) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		code, answer := p.call("kermit", "/jobs?"+query, "")
		page.Data = nil
		return code == http.StatusOK && json.Unmarshal([]byte(answer), &page) == nil && page.Total == total
	}, 20*time.Second, 50*time.Millisecond, query)
	return page
}

func TestJobsAreListed(t *testing.T) {
	p := startPlace(t)
	key := "listed-" + strings.ToLower(rand.Text()[:8]) // another in each run of the test
	p.deploy(key)
	instances := []string{p.begin(key, nil), p.begin(key, nil), p.begin(key, nil)}
	of := "processDefinitionId=" + key + ":1"
	all := p.jobs(of, 3)
	require.Equal(t, []any{3, 0, "id", "asc"}, []any{all.Size, all.Start, all.Sort, all.Order})
	require.Empty(t, all.Data[0].LockOwner)
	newest := p.jobs(of+"&sort=createTime&order=desc&start=1&size=1", 3)
	require.Equal(t, []any{1, 1}, []any{newest.Size, newest.Start})
	require.Equal(t, instances[1], newest.Data[0].ProcessInstanceID)
	p.jobs("processDefinitionId="+key+":2", 0)
	require.Equal(t, instances[2], p.jobs("processInstanceId="+instances[2], 1).Data[0].ProcessInstanceID)

	j := p.acquire("ann", key, "PT1M")
	require.Equal(t, j.ID, p.jobs(of+"&locked=true", 1).Data[0].ID)
	p.jobs(of+"&unlocked=true", 2)
	p.jobs(of+"&elementId=work&elementName=Do+it&withoutTenantId=true", 3)
	p.jobs(of+"&tenantIdLike=a%25", 0)
	p.jobs(of+"&tenantIdLike=%FF", 0)
	p.jobs(of+"&scopeType=cmmn", 0)
	code, answer := p.call("kermit", "/jobs/"+j.ID, "")
	require.Equal(t, http.StatusOK, code, answer)
	var one job
	require.NoError(t, json.Unmarshal([]byte(answer), &one))
	require.Equal(t, []any{"ann", 3, j.URL, j.LockExpirationTime.Unix()}, []any{one.LockOwner, one.Retries, one.URL, one.LockExpirationTime.Unix()})
	code, _ = p.call("limited", "/jobs/"+j.ID, "")
	require.Equal(t, http.StatusForbidden, code)

	code, answer = p.call("kermit", "/acquire/jobs/"+j.ID+"/cmmnTerminate", `{"workerId":"bob"}`)
	require.Equal(t, http.StatusForbidden, code, answer)
	code, answer = p.call("kermit", "/acquire/jobs/"+j.ID+"/cmmnTerminate", `{"workerId":"ann"}`)
	require.Equal(t, http.StatusBadRequest, code)
	require.JSONEq(t, `{"message":"Bad request","exception":"Can only terminate CMMN external job. Job with id '`+j.ID+`' is from scope 'null'"}`, answer)

	code, answer = p.call("kermit", "/unacquire/jobs", `{"workerId":"ann"}`)
	require.Equal(t, http.StatusNoContent, code, answer)
	p.jobs(of+"&unlocked=true", 3)
	again := p.acquire("bob", key, "PT1M")
	code, answer = p.call("kermit", "/acquire/jobs/"+again.ID+"/fail", `{"workerId":"bob","errorMessage":"no luck","retries":2}`)
	require.Equal(t, http.StatusNoContent, code, answer)
	failed := p.jobs(of+"&withException=true", 1).Data[0]
	require.Equal(t, []any{"no luck", 2}, []any{failed.ExceptionMessage, failed.Retries})
	require.Equal(t, failed.ID, p.jobs(of+"&exceptionMessage=no+luck&sort=retries", 1).Data[0].ID)

	// One that has failed for good is a dead letter job, and none of these.
	gone := p.acquire("cay", key, "PT1M")
	code, _ = p.call("kermit", "/acquire/jobs/"+gone.ID+"/fail", `{"workerId":"cay","errorMessage":"never","retries":0}`)
	require.Equal(t, http.StatusNoContent, code)
	p.jobs(of, 2)
	for _, c := range [][2]string{{"/jobs/" + gone.ID, ""}, {"/jobs/none", ""}, {"/acquire/jobs/" + gone.ID + "/cmmnTerminate", `{"workerId":"cay"}`}} {
		code, answer := p.call("kermit", c[0], c[1])
		require.Equal(t, http.StatusNotFound, code, answer)
	}
	for _, query := range []string{"sort=colour", "order=up", "size=many"} {
		code, answer := p.call("kermit", "/jobs?"+query, "")
		require.Equal(t, http.StatusBadRequest, code, answer)
	}
	code, _ = p.call("kermit", "/unacquire/jobs", `{}`)
	require.Equal(t, http.StatusBadRequest, code)
}
