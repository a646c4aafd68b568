package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

const waitsForNews = `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="wait"/>
	<intermediateCatchEvent id="wait"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>
	<sequenceFlow id="b" sourceRef="wait" targetRef="end"/><endEvent id="end"/>`

const startsByNews = `<startEvent id="start"><messageEventDefinition messageRef="m"/></startEvent>
	<sequenceFlow id="a" sourceRef="start" targetRef="end"/><endEvent id="end"/>`

func news(key string, ttl time.Duration) contract.Message {
	return contract.Message{Name: "news-news", Key: key, TTL: ttl, Variables: map[string]any{"headline": "rain", "page": 2}}
}

func TestMessageReachesTheInstanceThatWaits(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "news", waitsForNews, ""))
	require.NoError(t, err)
	_, err = c.Publish(t.Context(), news("nobody@example.com", 0))
	require.ErrorContains(t, err, "nobody waits")

	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "news", BusinessKey: "anna@example.com"})
	require.NoError(t, err)
	message := news("anna@example.com", 0)
	message.ID = "edition-1"
	var published contract.PublishResult
	require.Eventually(t, func() bool {
		published, err = c.Publish(t.Context(), message)
		return err == nil
	}, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, id, published.Delivered)
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "rain", result.Variables["headline"])
	published, err = c.Publish(t.Context(), message)
	require.NoError(t, err)
	require.True(t, published.Duplicate, "a message id counts once")
}

func TestMessageIsKeptForItsTimeToLive(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "news", waitsForNews, ""))
	require.NoError(t, err)
	published, err := c.Publish(t.Context(), news("early", time.Hour))
	require.NoError(t, err)
	require.True(t, published.Kept)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "news", BusinessKey: "early"})
	require.NoError(t, err)
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "rain", result.Variables["headline"])
	entityEnds(t, c, "news-news", "early")
}

func TestCancelledInstanceWaitsNoMore(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "news", waitsForNews, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "news", BusinessKey: "gone"})
	require.NoError(t, err)
	require.NoError(t, c.Cancel(t.Context(), id))
	_, err = c.Wait(t.Context(), id)
	require.NoError(t, err)
	entityEnds(t, c, "news-news", "gone")
	_, err = c.Publish(t.Context(), news("gone", 0))
	require.ErrorContains(t, err, "nobody waits")
}

func TestMessageForOneInstance(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "goods", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="wait"/>
		<receiveTask id="wait"/><sequenceFlow id="b" sourceRef="wait" targetRef="news"/>
		<receiveTask id="news" messageRef="m"/><sequenceFlow id="c" sourceRef="news" targetRef="end"/><endEvent id="end"/>`, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "goods", BusinessKey: "one"})
	require.NoError(t, err)
	err = c.Catch(t.Context(), id, contract.CatchMessage{Name: "other"})
	require.ErrorContains(t, err, "waits at: wait")
	require.NoError(t, c.Catch(t.Context(), id, contract.CatchMessage{Element: "wait", Variables: map[string]any{"weight": 3}}))
	require.NoError(t, c.Catch(t.Context(), id, contract.CatchMessage{Name: "goods-news"}))
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.EqualValues(t, 3, result.Variables["weight"])
	require.Equal(t, []string{"start", "wait", "news", "end"}, result.Path)
	entityEnds(t, c, "goods-news", "one")
}

// entityEnds checks that the place where messages meet closes when nobody waits.
func entityEnds(t *testing.T, c *client.Client, name, key string) {
	t.Helper()
	require.Eventually(t, func() bool {
		d, err := c.Temporal.DescribeWorkflowExecution(t.Context(), contract.MessageID(name, key), "")
		return err == nil && d.GetWorkflowExecutionInfo().GetCloseTime() != nil
	}, 10*time.Second, 20*time.Millisecond)
}

func TestMessageStartsAProcessAndFollowsTheLatestVersion(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "reader", startsByNews, ""))
	require.NoError(t, err)
	message := contract.Message{ID: "n-1", Name: "reader-news", Variables: map[string]any{"headline": "sun"}}
	published, err := c.Publish(t.Context(), message)
	require.NoError(t, err)
	require.NotEmpty(t, published.Started)
	result, err := c.Wait(t.Context(), published.Started)
	require.NoError(t, err)
	require.Equal(t, "sun", result.Variables["headline"])
	require.Equal(t, 1, result.Definition.Version)

	_, err = c.Deploy(t.Context(), define(t, "reader", waitsForNews, ""))
	require.NoError(t, err)
	message.ID = "n-2"
	_, err = c.Publish(t.Context(), message)
	require.ErrorContains(t, err, "nobody waits", "version 2 has no message start event")
}

func TestTimerStartFollowsTheLatestVersion(t *testing.T) {
	c := startWorker(t, &desk{})
	ticking := `<startEvent id="start"><timerEventDefinition><timeCycle>R/PT1S</timeCycle></timerEventDefinition></startEvent>
		<sequenceFlow id="a" sourceRef="start" targetRef="end"/><endEvent id="end"/>`
	_, err := c.Deploy(t.Context(), define(t, "clock", ticking, ""))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		list, err := c.List(t.Context(), client.Filter{Key: "clock", State: contract.StateCompleted})
		return err == nil && len(list) >= 2
	}, 20*time.Second, 100*time.Millisecond)
	_, err = c.Deploy(t.Context(), define(t, "clock", waitsForNews, ""))
	require.NoError(t, err)
	_, err = c.Temporal.ScheduleClient().GetHandle(t.Context(), contract.ScheduleID("clock", "start")).Describe(t.Context())
	require.Error(t, err, "the schedule of version 1 is gone")
}

// What Temporal could not carry would end or block the workflow that asks for it.
func TestTooMuchIsRefused(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "news", startsByNews, ""))
	require.NoError(t, err)
	start := news("long", 0)
	start.BusinessKey = strings.Repeat("k", 3000)
	_, err = c.Publish(t.Context(), start)
	require.ErrorContains(t, err, "exceeds size limit", "and no retry for ever")

	_, err = c.Deploy(t.Context(), define(t, "asks", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="ask"/><userTask id="ask"/>`, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "asks"})
	require.NoError(t, err)
	task := openTask(t, c, client.TaskFilter{Instance: id})
	_, err = c.ClaimTask(t.Context(), task.ID, strings.Repeat("u", 3000))
	require.ErrorContains(t, err, "at most 2000 bytes")
	_, err = c.CompleteTask(t.Context(), task.ID, contract.CompleteTask{})
	require.NoError(t, err)
}

func TestTimerStartThatTemporalCannotKeepIsRefused(t *testing.T) {
	c := startWorker(t, &desk{})
	timer := func(definition string) string {
		return `<startEvent id="früh"><timerEventDefinition>` + definition + `</timerEventDefinition></startEvent>
			<sequenceFlow id="a" sourceRef="früh" targetRef="end"/><endEvent id="end"/>`
	}
	_, err := c.Deploy(t.Context(), define(t, "late", timer(`<timeDate>2150-01-01T00:00:00Z</timeDate>`), ""))
	require.ErrorContains(t, err, "Year Start is not in range")
	_, err = c.Deploy(t.Context(), define(t, "late", timer(`<timeDuration>PT1S</timeDuration>`), ""))
	require.NoError(t, err, "the next deployment is not held up")
	require.Eventually(t, func() bool {
		list, err := c.List(t.Context(), client.Filter{Key: "late", State: contract.StateCompleted})
		return err == nil && len(list) == 1
	}, 20*time.Second, 100*time.Millisecond)
}
