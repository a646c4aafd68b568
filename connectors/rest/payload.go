package rest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/waybill-io/waybill/connectors"
)

const form = "application/x-www-form-urlencoded"

// setBody writes the payload: text as it is, an object as a form when Content-Type says so, everything else as JSON.
func (r *request) setBody(payload any) error {
	if payload == nil || payload == "" {
		return nil
	}
	if r.method == http.MethodHead || r.method == http.MethodTrace {
		return fmt.Errorf("%s has none (RFC 9110, section 9.3)", r.method)
	}
	mediaType := "application/json"
	fields, isObject := payload.(map[string]any)
	given, _, _ := mime.ParseMediaType(r.header.Get("Content-Type"))
	switch text, isText := payload.(string); {
	case isText:
		if r.body = []byte(text); !json.Valid(r.body) {
			mediaType = "text/plain; charset=utf-8"
		}
	case isObject && given == form:
		u := url.URL{}
		if err := addParams(&u, fields); err != nil {
			return err
		}
		r.body = []byte(u.RawQuery)
	default:
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(payload); err != nil {
			return err
		}
		r.body = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	}
	if len(r.body) > maxBody {
		return fmt.Errorf("has more than %d bytes", maxBody)
	}
	if r.header != nil {
		setOnce(r.header, "Content-Type", mediaType)
	}
	return nil
}

// readBody is a body as a value of a process: what its media type calls JSON as that value, a form as an object, other text as text, what is not
// text in base64, and nil for nothing. A body without a media type that is JSON is read as such.
func readBody(body []byte, contentType string, textOnly bool) any {
	if len(body) == 0 {
		return nil
	}
	mediaType, params, err := mime.ParseMediaType(contentType)
	isJSON := mediaType == "application/json" || strings.HasSuffix(mediaType, "+json") || err != nil && contentType == ""
	if isJSON && !textOnly {
		if value, err := connectors.ReadJSON(body); err == nil {
			return value
		}
	}
	if encoding, err := htmlindex.Get(params["charset"]); err == nil && params["charset"] != "" {
		if decoded, err := encoding.NewDecoder().Bytes(body); err == nil && len(decoded) <= 2*len(body) {
			body = decoded
		}
	}
	if !utf8.Valid(body) {
		return base64.StdEncoding.EncodeToString(body)
	}
	return string(body)
}

// readForm is a form as an object, whose values are text or lists of it.
func readForm(body []byte) (map[string]any, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("the form cannot be read")
	}
	return flat(values), nil
}

// flat makes an object of values: text for one, a list for several.
func flat(values map[string][]string) map[string]any {
	object := make(map[string]any, len(values))
	for name, list := range values {
		if len(list) == 1 {
			object[name] = list[0]
			continue
		}
		all := make([]any, len(list))
		for i := range list {
			all[i] = list[i]
		}
		object[name] = all
	}
	return object
}

// plainHeaders are headers with names in lower case, as HTTP/2 has them, so that an expression finds them whatever the protocol was. Those that
// hold credentials are left out.
func plainHeaders(h http.Header) map[string]any {
	object := make(map[string]any, len(h))
	for name, values := range h {
		switch name {
		case "Set-Cookie", "Cookie", "Authorization", "Proxy-Authorization":
			continue
		}
		text := strings.Join(values, ", ")
		if !utf8.ValidString(text) {
			text = strings.ToValidUTF8(text, "\uFFFD")
		}
		object[strings.ToLower(name)] = text
	}
	return object
}
