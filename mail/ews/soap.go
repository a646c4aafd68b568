package ews

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/waybill-io/waybill/mail"
)

// serverVersion is the schema that is asked for: the oldest that can suppress read receipts. Exchange 2013 SP1 and
// everything after it know it.
const serverVersion = "Exchange2013_SP1"

type envelope struct {
	XMLName  xml.Name `xml:"s:Envelope"`
	SOAP     string   `xml:"xmlns:s,attr"`
	Messages string   `xml:"xmlns:m,attr"`
	Types    string   `xml:"xmlns:t,attr"`
	Header   struct {
		Version struct {
			Version string `xml:"Version,attr"`
		} `xml:"t:RequestServerVersion"`
		Impersonate *string `xml:"t:ExchangeImpersonation>t:ConnectingSID>t:PrimarySmtpAddress"` // nil: no such element
	} `xml:"s:Header"`
	Body struct{ Request any } `xml:"s:Body"`
}

func (a *Account) envelope(request any) ([]byte, error) {
	e := envelope{
		SOAP:     "http://schemas.xmlsoap.org/soap/envelope/",
		Messages: "http://schemas.microsoft.com/exchange/services/2006/messages",
		Types:    "http://schemas.microsoft.com/exchange/services/2006/types",
	}
	e.Header.Version.Version = serverVersion
	if a.cfg.Impersonate {
		e.Header.Impersonate = &a.cfg.Mailbox
	}
	e.Body.Request = request
	var b bytes.Buffer
	b.WriteString(xml.Header)
	err := xml.NewEncoder(&b).Encode(e)
	return b.Bytes(), err
}

// status is what every response message begins with.
type status struct {
	Class  string  `xml:"ResponseClass,attr"`
	Text   string  `xml:"MessageText"`
	Code   string  `xml:"ResponseCode"`
	Values []value `xml:"MessageXml>Value"`
}

type value struct {
	Name string `xml:"Name,attr"`
	Text string `xml:",chardata"`
}

// failure returns the Error that the message tells, or nil.
func (s status) failure(op string) *Error {
	if s.Class != "Error" && (s.Code == noError || s.Class == "Warning") {
		return nil
	}
	return refused(op, s.Code, s.Text, backOff(s.Values))
}

// fault is the answer to a request that failed as a whole.
type fault struct {
	String  string  `xml:"faultstring"`
	Code    string  `xml:"detail>ResponseCode"`
	Message string  `xml:"detail>Message"`
	Values  []value `xml:"detail>MessageXml>Value"`
}

func (f *fault) failure(op string) *Error {
	if f.Message == "" {
		f.Message = f.String
	}
	return refused(op, f.Code, f.Message, backOff(f.Values))
}

func backOff(values []value) time.Duration {
	for _, v := range values {
		if ms, err := strconv.Atoi(v.Text); err == nil && v.Name == "BackOffMilliseconds" {
			return time.Duration(max(0, min(ms, 1<<30))) * time.Millisecond
		}
	}
	return 0
}

// reply is an answer whose messages are of type M, whatever the operation is called.
type reply[M any] struct {
	Body struct {
		Fault    *fault `xml:"Fault"`
		Response struct {
			Messages struct {
				Each []M `xml:",any"`
			} `xml:"ResponseMessages"`
		} `xml:",any"`
	} `xml:"Body"`
}

// ask runs one operation and returns its response messages. A message may tell an error of its own.
func ask[M interface{ failure(op string) *Error }](ctx context.Context, a *Account, op string, request any) ([]M, error) {
	answer, err := a.post(ctx, a.requests, op, request, a.cfg.RequestTimeout)
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	var r reply[M]
	if err := newSource(answer, maxAnswerBytes).decoder().Decode(&r); err != nil {
		return nil, answer.broken(op, fmt.Errorf("read the answer: %w", err))
	}
	_, _ = io.CopyN(io.Discard, answer, 64<<10)
	a.alive.Store(time.Now().UnixNano())
	if r.Body.Fault != nil {
		return nil, a.refusal(r.Body.Fault.failure(op))
	}
	messages := r.Body.Response.Messages.Each
	if len(messages) == 0 {
		return nil, &Error{Kind: mail.KindProtocol, Op: op, Err: errors.New("the answer holds no message")}
	}
	return messages, nil
}

// askOne is for operations on one thing, where an error of the message is the error of the call.
func askOne[M interface{ failure(op string) *Error }](ctx context.Context, a *Account, op string, request any) (M, error) {
	messages, err := ask[M](ctx, a, op, request)
	if err != nil {
		var none M
		return none, err
	}
	if failure := messages[0].failure(op); failure != nil {
		return messages[0], a.refusal(failure)
	}
	return messages[0], nil
}
