package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/connectors"
)

var acceptable = regexp.MustCompile(`^[3-5]([0-9]{2}|xx)$`)

// acceptance reads which statuses are results although they are not 2xx: 404, "4xx", "404, 5xx" or a list of those.
func acceptance(value any) (func(int) bool, error) {
	var entries []string
	list, isList := value.([]any)
	if !isList && value != nil {
		list = []any{value}
	}
	for _, item := range list {
		text, err := scalar(item)
		if err != nil {
			return nil, err
		}
		for entry := range strings.SplitSeq(text, ",") {
			entry = strings.ToLower(strings.TrimSpace(entry))
			if !acceptable.MatchString(entry) {
				return nil, fmt.Errorf("%q is no status such as 404, and none such as 4xx", entry)
			}
			entries = append(entries, entry)
		}
	}
	return func(status int) bool {
		text := strconv.Itoa(status)
		return status/100 == 2 || slices.Contains(entries, text) || slices.Contains(entries, text[:1]+"xx")
	}, nil
}

func text(inputs map[string]any, name string) string {
	s, _ := inputs[name].(string)
	return s
}

// whole is a number without a fraction, 0 for nothing.
func whole(value any) (int64, error) {
	switch v := value.(type) {
	case nil:
		return 0, nil
	case int:
		return int64(v), nil
	case int64:
		return v, nil
	case float64:
		if n := int64(v); float64(n) == v {
			return n, nil
		}
	case json.Number:
		return v.Int64()
	}
	return 0, errors.New("is no whole number")
}

// scalar is a text, a number or a truth value as text.
func scalar(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case json.Number:
		return v.String(), nil
	}
	return "", errors.New("text, a number, true or false is expected")
}

// object is a map, or the JSON text of one.
func object(value any) (map[string]any, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return v, nil
	case string:
		if v == "" {
			return nil, nil
		}
		if decoded, err := connectors.ReadJSON([]byte(v)); err == nil {
			if fields, ok := decoded.(map[string]any); ok {
				return fields, nil
			}
		}
	}
	return nil, errors.New(`an object such as {"name": "value"} is expected`)
}
