package rabbitmq

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime"
	"strings"
	"time"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/rabbitmq/broker"
)

const (
	// maxMessage bounds a message that is read at all, in bytes. Whoever stores events has a bound of its own, and keeps what is over it as a dead letter.
	maxMessage = 1 << 20
	// maxHeaders bounds the headers of a message, in bytes of JSON. They travel in one frame of 128 KB, and a larger one ends the connection.
	maxHeaders = 64 << 10
	// maxShort bounds the texts of AMQP's own fields and the names of headers, in bytes (short strings, AMQP 0-9-1 section 4.2.5.3).
	maxShort = 255

	plainText = "text/plain"
	jsonText  = "application/json"
)

// compose makes the message of a call. The error says which input is wrong.
func compose(call connectors.Call) (broker.Message, error) {
	text := func(name string) string { s, _ := call.Inputs[name].(string); return s }
	yes := func(name string) bool { b, given := call.Inputs[name].(bool); return b || !given }
	m := broker.Message{Exchange: text("exchange"), RoutingKey: text("routingKey"), Mandatory: yes("mandatory")}
	m.ContentType, m.DeliveryMode, m.MessageId = text("contentType"), amqp.Transient, messageID(call.IdempotencyKey)
	if yes("persistent") {
		m.DeliveryMode = amqp.Persistent
	}
	var errs []error
	for _, name := range []string{"exchange", "routingKey", "contentType"} {
		if n := len(text(name)); n > maxShort {
			errs = append(errs, fmt.Errorf("input %s: %d bytes, at most %d are allowed", name, n, maxShort))
		}
	}
	if err := setBody(&m, call.Inputs["message"]); err != nil {
		errs = append(errs, fmt.Errorf("input message: %w", err))
	}
	headers, err := table(call.Inputs["headers"])
	if err != nil {
		errs = append(errs, fmt.Errorf("input headers: %w", err))
	}
	m.Headers = headers
	return m, errors.Join(errs...)
}

// setBody makes the body, and the content type when the call gives none.
func setBody(m *broker.Message, value any) error {
	if s, ok := value.(string); ok {
		if m.ContentType == "" {
			m.ContentType = plainText
		}
		if isJSON(m.ContentType) && !json.Valid([]byte(s)) {
			return fmt.Errorf("the content type is %s, and the text is not; give the value itself or another contentType", m.ContentType)
		}
		m.Body = []byte(s)
		return nil
	}
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("cannot be written as JSON: %w", err)
	}
	if m.ContentType == "" {
		m.ContentType = jsonText
	}
	m.Body = body
	return nil
}

// messageID is the idempotency key, or its digest when it is longer than a message id may be.
func messageID(key string) string {
	if len(key) <= maxShort {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// table makes headers of an input.
func table(value any) (amqp.Table, error) {
	if value == nil || value == "" {
		return nil, nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New(`an object such as {"priority":"high"} is expected`)
	}
	size, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("cannot be written as JSON: %w", err)
	}
	if len(size) > maxHeaders {
		return nil, fmt.Errorf("%d bytes of JSON, at most %d are allowed", len(size), maxHeaders)
	}
	return tableOf(object)
}

func tableOf(object map[string]any) (amqp.Table, error) {
	t := amqp.Table{}
	for name, value := range object {
		if len(name) > maxShort {
			return nil, fmt.Errorf("the name %.20q... has %d bytes, at most %d are allowed", name, len(name), maxShort)
		}
		field, err := fieldOf(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		t[name] = field
	}
	return t, nil
}

// fieldOf makes a field of a JSON value.
func fieldOf(value any) (any, error) {
	switch v := value.(type) {
	case nil, bool, string, int64:
		return v, nil
	case int:
		return int64(v), nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), nil
		}
		return v, nil
	case map[string]any:
		return tableOf(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			var err error
			if list[i], err = fieldOf(v[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("a %T is no header", value)
}

// event makes the event of a message. The error wraps broker.ErrPoison.
func event(d amqp.Delivery) (connectors.Event, error) {
	if len(d.Body) > maxMessage {
		return connectors.Event{}, fmt.Errorf("%w: it has %d bytes, at most %d are taken", broker.ErrPoison, len(d.Body), maxMessage)
	}
	message, err := read(d.ContentType, d.Body)
	if err != nil {
		return connectors.Event{}, fmt.Errorf("%w: %w", broker.ErrPoison, err)
	}
	e := connectors.Event{
		Name: "MESSAGE_RECEIVED", ID: d.MessageId, Time: d.Timestamp,
		Outputs: map[string]any{
			"message": message, "headers": valueOf(d.Headers), "routingKey": d.RoutingKey, "exchange": d.Exchange,
			"messageId": d.MessageId, "redelivered": d.Redelivered,
		},
	}
	if e.ID == "" {
		e.ID = "delivery-" + rand.Text() // see the package comment
	}
	return e, nil
}

// read reads a body: JSON when it says so; when it does not say what it is, JSON if it can be read as that; else text.
func read(contentType string, body []byte) (any, error) {
	unsaid := contentType == "" || contentType == "application/octet-stream" // what clients set by default
	if unsaid || isJSON(contentType) {
		value, err := connectors.ReadJSON(body)
		if err == nil {
			return value, nil
		}
		if !unsaid {
			return nil, fmt.Errorf("its content type is %s, and it cannot be read as that", contentType)
		}
	}
	if !utf8.Valid(body) {
		return nil, errors.New("it is neither JSON nor text in UTF-8")
	}
	return string(body), nil
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == jsonText || strings.HasSuffix(kind, "+json"))
}

// valueOf makes a JSON value of a field that came with a message.
func valueOf(field any) any {
	switch f := field.(type) {
	case amqp.Table:
		object := make(map[string]any, len(f))
		for name, value := range f {
			object[name] = valueOf(value)
		}
		return object
	case []any:
		list := make([]any, len(f))
		for i := range f {
			list[i] = valueOf(f[i])
		}
		return list
	case time.Time:
		return f.UTC().Format(time.RFC3339)
	case []byte:
		if utf8.Valid(f) {
			return string(f)
		}
		return base64.StdEncoding.EncodeToString(f)
	case amqp.Decimal:
		return float64(f.Value) / math.Pow10(int(f.Scale))
	case float32:
		return number(float64(f))
	case float64:
		return number(f)
	case byte, int8, int16, int32, int, uint16, uint32:
		n, _ := json.Number(fmt.Sprint(f)).Int64()
		return n
	}
	return field // nil, bool, string, int64
}

// number is nil for what JSON has no number for.
func number(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return f
}
