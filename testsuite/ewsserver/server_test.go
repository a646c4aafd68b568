package ewsserver

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// client keeps no connection, which a restart would cut.
var client = func() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Jar: jar}
}()

// post sends a body as basic-authenticated SOAP and returns the answer while it comes.
func post(t *testing.T, s *Server, body string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL(), strings.NewReader(
		`<s:Envelope xmlns:s="`+soapNS+`" xmlns="`+messagesNS+`" xmlns:t="`+typesNS+`"><s:Body>`+body+`</s:Body></s:Envelope>`))
	require.NoError(t, err)
	request.SetBasicAuth(support, password)
	request.Header.Set("X-AnchorMailbox", support)
	request.Header.Set("X-PreferServerAffinity", "true")
	response, err := client.Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func subscribe(t *testing.T, s *Server) string {
	t.Helper()
	answer, err := parse(post(t, s, `<Subscribe><StreamingSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="inbox"/></t:FolderIds>`+
		`<t:EventTypes><t:EventType>NewMailEvent</t:EventType><t:EventType>CreatedEvent</t:EventType></t:EventTypes></StreamingSubscriptionRequest></Subscribe>`).Body)
	require.NoError(t, err)
	id := answer.value("Body", "SubscribeResponse", "ResponseMessages", "SubscribeResponseMessage", "SubscriptionId")
	require.NotEmpty(t, id)
	return id
}

// listen opens a stream and returns the next envelope at each call.
func listen(t *testing.T, s *Server, id string) func() (*node, error) {
	t.Helper()
	response := post(t, s, `<GetStreamingEvents><SubscriptionIds><t:SubscriptionId>`+id+`</t:SubscriptionId></SubscriptionIds><ConnectionTimeout>1</ConnectionTimeout></GetStreamingEvents>`)
	require.Equal(t, http.StatusOK, response.StatusCode)
	bytes := bufio.NewReader(response.Body)
	return func() (*node, error) {
		var text strings.Builder
		for !strings.HasSuffix(text.String(), "</Envelope>") {
			b, err := bytes.ReadByte()
			if err != nil {
				return nil, err
			}
			text.WriteByte(b)
		}
		envelope, err := parse(strings.NewReader(text.String()))
		return envelope.at("Body", "GetStreamingEventsResponse", "ResponseMessages", "GetStreamingEventsResponseMessage"), err
	}
}

// What a real server was seen to do.
func TestStreams(t *testing.T) {
	s := start(t, Options{Minute: 3 * time.Second})
	id := subscribe(t, s)
	deliver := func() { s.Deliver(support, "inbox", Mail{Raw: []byte(first)}) }

	deliver() // of this nobody is told
	next := listen(t, s, id)
	got, err := next()
	require.NoError(t, err)
	assert.Equal(t, "OK", got.value("ConnectionStatus"), "the first envelope comes at once")
	deliver()
	for _, kind := range []string{"NewMailEvent", "CreatedEvent"} {
		got, err = next()
		require.NoError(t, err)
		notification := got.at("Notifications", "Notification")
		assert.Equal(t, id, notification.value("SubscriptionId"))
		require.NotNil(t, notification.at(kind))
		assert.Equal(t, s.Mails(support, "inbox")[1].ID, notification.at(kind, "ItemId").attr("Id"))
	}

	s.CutConnections()
	_, err = next()
	require.Error(t, err)
	deliver()
	next = listen(t, s, id) // is still good
	for _, want := range []string{"OK", "Closed"} {
		got, err = next()
		require.NoError(t, err)
		assert.Equal(t, want, got.value("ConnectionStatus"))
	}
	_, err = next()
	require.ErrorIs(t, err, io.EOF)

	first := listen(t, s, id)
	_, err = first()
	require.NoError(t, err)
	second := listen(t, s, id)
	got, err = first()
	require.NoError(t, err)
	assert.Equal(t, "ErrorNewEventStreamConnectionOpened", got.value("ResponseCode"))
	_, err = second()
	require.NoError(t, err)

	require.NoError(t, s.Restart(0))
	got, err = listen(t, s, id)()
	require.NoError(t, err)
	assert.Equal(t, "Error", got.attr("ResponseClass"))
	assert.Equal(t, "ErrorInvalidSubscription", got.value("ResponseCode"))
	assert.Equal(t, id, got.value("ErrorSubscriptionIds", "SubscriptionId"))
	assert.Equal(t, "Closed", got.value("ConnectionStatus"))
	assert.Len(t, s.Mails(support, "inbox"), 3, "mail outlives a restart")
}

// Without the cookie another server behind the proxy is asked, which does not know the subscription.
func TestSubscriptionsLiveOnOneServer(t *testing.T) {
	s := start(t, Options{Servers: 2})
	client.Jar, _ = cookiejar.New(nil) // cookies know no port: there may be one of another test
	id := subscribe(t, s)
	client.Jar, _ = cookiejar.New(nil)
	got, err := listen(t, s, id)()
	require.NoError(t, err)
	assert.Equal(t, "ErrorSubscriptionNotFound", got.value("ResponseCode"))
}

func TestRefusesDocumentTypes(t *testing.T) {
	s := start(t, Options{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL(), strings.NewReader(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`))
	require.NoError(t, err)
	request.SetBasicAuth(support, password)
	response, err := client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	assert.Equal(t, http.StatusBadRequest, response.StatusCode)
}
