package testsuite_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail/webhook"
	"github.com/waybill-io/waybill/testsuite"
)

// receiver is a program that is told of mail.
type receiver struct {
	*httptest.Server
	status atomic.Int64 // of its answers

	mu       sync.Mutex
	accepted []string            // subjects
	ids      map[string][]string // subjects by delivery id, of every try
	posted   []string            // bodies of what was accepted
	paths    map[string][]string // likewise, by path
	others   []string            // methods that deliver nothing
}

func receive(t *testing.T) *receiver {
	r := &receiver{ids: map[string][]string{}, paths: map[string][]string{}}
	r.status.Store(http.StatusOK)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var event struct {
			Data struct {
				Subject string `json:"emailSubject"`
			} `json:"data"`
		}
		body, _ := io.ReadAll(q.Body)
		_ = json.Unmarshal(body, &event)
		status := int(r.status.Load())
		if q.Method != http.MethodPost {
			r.mu.Lock()
			r.others = append(r.others, q.Method)
			r.mu.Unlock()
			w.WriteHeader(status)
			return
		}
		r.mu.Lock()
		id := q.Header.Get(webhook.HeaderID)
		r.ids[id] = append(r.ids[id], event.Data.Subject)
		if status == http.StatusOK {
			r.accepted, r.posted = append(r.accepted, event.Data.Subject), append(r.posted, string(body))
			r.paths[q.URL.Path] = append(r.paths[q.URL.Path], string(body))
		}
		r.mu.Unlock()
		w.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) subjects() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.accepted)
}

func (r *receiver) bodies() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.posted)
}

func (r *receiver) at(path string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.paths[path])
}

func (r *receiver) has(t *testing.T, n int) []string {
	t.Helper()
	require.Eventually(t, func() bool { return len(r.subjects()) >= n }, 60*time.Second, 20*time.Millisecond)
	return r.subjects()
}

func subscribe(t *testing.T, e *testsuite.Environment, s webhook.Subscription) {
	t.Helper()
	s.Unsigned = true
	require.NoError(t, s.Validate())
	document, err := json.Marshal(s)
	require.NoError(t, err)
	require.NoError(t, e.Client.PutWebhook(t.Context(), "support", s.Name, document))
}

// A webhook that is down holds neither mail nor other webhooks up; when it is back it gets everything, with the same delivery ids, and
// in order when it asked for that.
func TestWebhookDown(t *testing.T) {
	e := testsuite.Start(t)
	well, down, ordered := receive(t), receive(t), receive(t)
	subscribe(t, e, webhook.Subscription{Name: "well", URL: well.URL})
	subscribe(t, e, webhook.Subscription{Name: "down", URL: down.URL})
	subscribe(t, e, webhook.Subscription{Name: "ordered", URL: ordered.URL, Ordered: true})
	down.status.Store(http.StatusServiceUnavailable)
	ordered.status.Store(http.StatusInternalServerError)
	e.Watch("support", supportAddress)
	var all []string
	for n := range 8 {
		all = append(all, "mail "+string('a'+rune(n)))
		e.Send("anna@example.com", supportAddress, write("anna@example.com", all[n], "Hello"))
	}
	require.ElementsMatch(t, all, well.has(t, 8))
	m, err := e.Client.Mailbox(t.Context(), "support")
	require.NoError(t, err)
	require.NotEmpty(t, m.Pending)
	require.Empty(t, down.subjects())

	down.status.Store(http.StatusOK)
	ordered.status.Store(http.StatusOK)
	require.ElementsMatch(t, all, down.has(t, 8))
	require.Equal(t, all, ordered.has(t, 8))
	require.Eventually(t, func() bool {
		m, err := e.Client.Mailbox(t.Context(), "support")
		return err == nil && len(m.Pending) == 0
	}, 20*time.Second, 50*time.Millisecond)
	for id, subjects := range ordered.ids {
		require.Len(t, slices.Compact(subjects), 1, "one delivery id is one mail: %s", id)
	}
	require.Len(t, ordered.ids, 8)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}

// What a webhook does not accept until the policy ends is a dead letter, which an operator tries again.
func TestWebhookGivenUp(t *testing.T) {
	e := testsuite.Start(t)
	crm := receive(t)
	crm.status.Store(http.StatusNotFound)
	subscribe(t, e, webhook.Subscription{Name: "crm", URL: crm.URL, GiveUp: time.Nanosecond})
	e.Watch("support", supportAddress)
	e.Send("anna@example.com", supportAddress, write("anna@example.com", "Hello", "Hello"))
	dead := func() (m client.Mailbox) {
		require.Eventually(t, func() bool {
			var err error
			m, err = e.Client.Mailbox(t.Context(), "support")
			return err == nil && len(m.DeadLetters) == 1
		}, 30*time.Second, 50*time.Millisecond)
		return m
	}
	d := dead().DeadLetters[0]
	require.Contains(t, d.Reason, "webhook crm: answered 404 Not Found")
	require.Equal(t, "crm", d.Webhook)
	require.Equal(t, "Hello", d.Subject)

	crm.status.Store(http.StatusOK)
	answer, err := e.Client.DeadLetters(t.Context(), "support", contract.RetryDeadUpdate, contract.DeadLetterChoice{Numbers: []int64{d.N}})
	require.NoError(t, err)
	require.Equal(t, []int64{d.N}, answer.Done)
	require.Equal(t, []string{"Hello"}, crm.has(t, 1))
	require.Len(t, crm.ids, 1, "the same delivery")

	crm.status.Store(http.StatusNotFound)
	e.Send("anna@example.com", supportAddress, write("anna@example.com", "Again", "Hello"))
	d = dead().DeadLetters[0]
	answer, err = e.Client.DeadLetters(t.Context(), "support", contract.DropDeadUpdate, contract.DeadLetterChoice{All: true})
	require.NoError(t, err)
	require.Equal(t, []int64{d.N}, answer.Done)
	m, err := e.Client.Mailbox(t.Context(), "support")
	require.NoError(t, err)
	require.Empty(t, m.DeadLetters)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}

// Reading a mailbox again starts nothing twice.
func TestResync(t *testing.T) {
	e := testsuite.Start(t)
	e.Deploy("../examples/support-desk")
	crm := receive(t)
	subscribe(t, e, webhook.Subscription{Name: "crm", URL: crm.URL})
	e.Watch("support", supportAddress)
	begun := time.Now()
	e.Send("anna@example.com", supportAddress, write("anna@example.com", "Question", "Hello"))
	crm.has(t, 1)
	require.NoError(t, e.Client.Resync(t.Context(), "support", begun.Add(-time.Minute)))
	require.Equal(t, []string{"Question", "Question"}, crm.has(t, 2))
	require.Len(t, crm.ids, 1, "the same delivery")
	list, err := e.Client.List(t.Context(), client.Filter{Key: "support-desk"})
	require.NoError(t, err)
	require.LessOrEqual(t, len(list), 1)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}

const conversation = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:activiti="http://activiti.org/bpmn" targetNamespace="t">
<message id="reply" name="EMAIL_REPLY"/><message id="bounce" name="EMAIL_BOUNCE"/>
<process id="conversation" isExecutable="true">
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="ask"/>
<sendTask id="ask" activiti:type="mail"><extensionElements>
<activiti:field name="to"><activiti:expression>${customer}</activiti:expression></activiti:field>
<activiti:field name="from" stringValue="support@example.com"/>
<activiti:field name="subject" stringValue="Which colour?"/><activiti:field name="text" stringValue="Please answer."/>
</extensionElements></sendTask><sequenceFlow id="f2" sourceRef="ask" targetRef="either"/>
<eventBasedGateway id="either"/>
<sequenceFlow id="f3" sourceRef="either" targetRef="answered"/><sequenceFlow id="f4" sourceRef="either" targetRef="bounced"/>
<intermediateCatchEvent id="answered"><messageEventDefinition messageRef="reply"/></intermediateCatchEvent>
<intermediateCatchEvent id="bounced"><messageEventDefinition messageRef="bounce"/></intermediateCatchEvent>
<sequenceFlow id="f5" sourceRef="answered" targetRef="end"/><sequenceFlow id="f6" sourceRef="bounced" targetRef="end"/>
<endEvent id="end"/></process></definitions>`

// A mail that answers one which a process sent reaches that process, without any configuration; so does a bounce. It fires no trigger.
func TestAnswerReachesItsProcess(t *testing.T) {
	e := testsuite.Start(t)
	e.Deploy("../examples/support-desk", writeFile(t, "conversation.bpmn", conversation))
	e.Watch("support", supportAddress)
	ask := func(customer string) (instance, messageID string) {
		id, _, err := e.Client.Start(t.Context(), client.StartOptions{Key: "conversation", Variables: map[string]any{"customer": customer}})
		require.NoError(t, err)
		return id, inbox(t, e, customer, 1).MessageID
	}
	anna, askedAnna := ask("anna@example.com")
	bert, askedBert := ask("bert@example.com")
	carl, askedCarl := ask("carl@example.com")
	e.Send("bert@example.com", supportAddress, write("bert@example.com", "Re: Which colour?", "Red.", "In-Reply-To: "+askedBert))
	e.Send("anna@example.com", supportAddress, write("anna@example.com", "Re: Which colour?", "Blue.", "References: <x@example.com> "+strings.ToUpper(askedAnna)))
	e.Send("", supportAddress, write("MAILER-DAEMON@example.com", "Undelivered", "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\n"+
		"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; example.com\r\n\r\nFinal-Recipient: rfc822; carl@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n"+
		"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: "+askedCarl+"\r\n\r\n--b--", `Content-Type: multipart/report; report-type=delivery-status; boundary="b"`))
	for id, want := range map[string]string{anna: "Blue.", bert: "Red.", carl: "Sorry."} {
		result, err := e.Client.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, want, strings.TrimSpace(result.Variables["emailBody"].(string)))
	}
	list, err := e.Client.List(t.Context(), client.Filter{Key: "support-desk"})
	require.NoError(t, err)
	require.Empty(t, list, "no trigger fired")

	// The same answer again finds nobody who waits, and is a mail like any other.
	e.Send("bert@example.com", supportAddress, write("bert@example.com", "Re: Which colour?", "Green.", "In-Reply-To: "+askedBert))
	require.Eventually(t, func() bool {
		m, err := e.Client.Mailbox(t.Context(), "support")
		return err == nil && m.Started+m.Ignored == 4
	}, 30*time.Second, 50*time.Millisecond)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}

func writeFile(t *testing.T, name, content string) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// A resync reaches back before the moment from which the mailbox was watched.
func TestResyncReachesBack(t *testing.T) {
	e := testsuite.Start(t)
	crm := receive(t)
	subscribe(t, e, webhook.Subscription{Name: "crm", URL: crm.URL})
	e.Watch("support", supportAddress)
	require.NoError(t, e.Client.ChangeMailbox(t.Context(), "support", contract.PauseUpdate))
	m, err := e.Client.Mailbox(t.Context(), "support")
	require.NoError(t, err)
	begun := time.Now()
	e.Send("anna@example.com", supportAddress, write("anna@example.com", "Before", "Hello"))
	// From an hour ahead: nothing that is there is wanted.
	require.NoError(t, e.Client.Resync(t.Context(), "support", begun.Add(time.Hour)))
	require.NoError(t, e.Client.ChangeMailbox(t.Context(), "support", contract.ResumeUpdate))
	require.Eventually(t, func() bool {
		m, err = e.Client.Mailbox(t.Context(), "support")
		return err == nil && m.Connection == "connected" && len(m.Places) == 1
	}, 30*time.Second, 50*time.Millisecond)
	require.Empty(t, crm.subjects())
	require.NoError(t, e.Client.Resync(t.Context(), "support", begun.Add(-time.Minute)))
	e.Send("anna@example.com", supportAddress, write("anna@example.com", "After", "Hello")) // while the old watcher is still there
	require.ElementsMatch(t, []string{"Before", "After"}, crm.has(t, 2))
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}

// A mailbox that is removed and added again at once is watched.
func TestMailboxRemovedAndAdded(t *testing.T) {
	e := testsuite.Start(t)
	crm := receive(t)
	for n := range 3 {
		subscribe(t, e, webhook.Subscription{Name: "crm", URL: crm.URL})
		e.Watch("support", supportAddress)
		e.Send("anna@example.com", supportAddress, write("anna@example.com", "Hello", "Hello"))
		crm.has(t, n+1)
		require.NoError(t, e.Client.ChangeMailbox(t.Context(), "support", contract.RemoveMailboxUpdate))
		left, err := e.Client.Webhooks(t.Context(), "support")
		require.NoError(t, err)
		require.Empty(t, left, "nobody is told of the mail of a later mailbox of this name")
	}
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}

// What a webhook had not accepted when it was removed is dropped, also when one of the same name is added at once.
func TestWebhookRemovedAndAdded(t *testing.T) {
	e := testsuite.Start(t)
	before, after := receive(t), receive(t)
	before.status.Store(http.StatusNotFound)
	subscribe(t, e, webhook.Subscription{Name: "crm", URL: before.URL})
	e.Watch("support", supportAddress)
	e.Send("anna@example.com", supportAddress, write("anna@example.com", "Before", "Hello"))
	pending := func() int {
		m, err := e.Client.Mailbox(t.Context(), "support")
		require.NoError(t, err)
		return len(m.Pending)
	}
	require.Eventually(t, func() bool { return pending() == 1 }, 60*time.Second, 20*time.Millisecond)
	added := func() time.Time {
		all, err := e.Client.Webhooks(t.Context(), "support")
		require.NoError(t, err)
		return all[0].Added
	}
	first := added()
	subscribe(t, e, webhook.Subscription{Name: "crm", URL: before.URL + "/changed"})
	require.Equal(t, first, added(), "a change drops nothing")
	require.NoError(t, e.Client.RemoveWebhook(t.Context(), "support", "crm"))
	subscribe(t, e, webhook.Subscription{Name: "crm", URL: after.URL})
	e.Send("anna@example.com", supportAddress, write("anna@example.com", "After", "Hello"))
	require.Equal(t, []string{"After"}, after.has(t, 1))
	require.Eventually(t, func() bool { return pending() == 0 }, 60*time.Second, 20*time.Millisecond)
	require.Equal(t, []string{"After"}, after.subjects())
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}

// One mail that a webhook refuses holds no other back, and nothing goes out unsigned because a secret is missing.
func TestWebhookRefusesOneMail(t *testing.T) {
	e := testsuite.Start(t)
	var mu sync.Mutex
	subjects, signed := map[string]int{}, true
	picky := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		signed = signed && r.Header.Get(webhook.HeaderSignature) != ""
		for _, subject := range []string{"one", "poison", "two", "three"} {
			if strings.Contains(string(body), `"emailSubject":"`+subject+`"`) {
				subjects[subject]++
				if subject == "poison" {
					w.WriteHeader(http.StatusBadRequest)
				}
			}
		}
	}))
	defer picky.Close()
	document, err := json.Marshal(webhook.Subscription{Name: "picky", URL: picky.URL, Secrets: []string{"env:PICKY_SECRET"}})
	require.NoError(t, err)
	require.NoError(t, e.Client.PutWebhook(t.Context(), "support", "picky", document))
	e.Watch("support", supportAddress)
	for _, subject := range []string{"one", "poison"} {
		e.Send("anna@example.com", supportAddress, write("anna@example.com", subject, "Hello"))
	}
	require.Eventually(t, func() bool {
		m, err := e.Client.Mailbox(t.Context(), "support")
		return err == nil && len(m.Pending) == 2
	}, 30*time.Second, 50*time.Millisecond, "without the secret nothing goes out")
	require.Empty(t, subjects)
	t.Setenv("PICKY_SECRET", "hunter2")
	for _, subject := range []string{"two", "three"} {
		e.Send("anna@example.com", supportAddress, write("anna@example.com", subject, "Hello"))
	}
	heard := func(subject string) bool {
		mu.Lock()
		defer mu.Unlock()
		return subjects[subject] > 0
	}
	require.Eventually(t, func() bool { return heard("one") && heard("two") && heard("three") && heard("poison") }, 60*time.Second, 50*time.Millisecond)
	require.Eventually(t, func() bool {
		m, err := e.Client.Mailbox(t.Context(), "support")
		return err == nil && len(m.Pending) == 1
	}, 30*time.Second, 50*time.Millisecond)
	require.True(t, signed)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}
