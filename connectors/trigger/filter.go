package trigger

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/connectors/jsonfile"
)

// filter is one test of an event, under the name that it has in the file.
type filter struct {
	name    string
	matches test
}

// test is what a filter does. The error is of an event that lacks what the test is of.
type test func(event map[string]any) (bool, error)

// texts are the filters that search an output, which is text.
var texts = map[string]string{
	"from": "emailFrom", "to": "emailTo", "cc": "emailCc", "replyTo": "emailReplyTo", "subject": "emailSubject", "body": "emailBody",
}

// parseFilters reads the field filters of the inputs. All filters must match, each a pattern or a bound; the named groups
// of their patterns are not used.
func parseFilters(o jsonfile.Object) []filter {
	var filters []filter
	for _, field := range slices.Sorted(maps.Keys(texts)) {
		source, given := o.Any(field)
		p := readPattern(o, field, o.String(field))
		if source == "" {
			o.Errorf(field, "matches every mail; leave it out")
		}
		if given && p != nil {
			filters = append(filters, filter{field, textFilter(texts[field], p)})
		}
	}
	filters = append(filters, sizeFilters(o)...)
	headers := o.Object("headers")
	for _, name := range headers.Keys() {
		if strings.ContainsAny(name, ": \t\r\n") || name == "" {
			headers.Errorf(name, "%q is no name of a field; write it without a colon, such as X-Priority", name)
		}
		if p := readPattern(headers, name, headers.String(name)); p != nil {
			filters = append(filters, filter{"headers." + name, headerFilter(name, p)})
		}
	}
	if _, given := o.Any("attachment"); given {
		if p := readPattern(o, "attachment", o.String("attachment")); p != nil {
			filters = append(filters, filter{"attachment", attachmentFilter(p)})
		}
	}
	o.Done()
	return filters
}

// readPattern is nil after an error, which has been recorded.
func readPattern(o jsonfile.Object, field, source string) *pattern {
	p, err := compile(source)
	if err != nil {
		o.Errorf(field, "%w", err)
		return nil
	}
	return p
}

func textFilter(output string, p *pattern) test {
	return func(event map[string]any) (bool, error) {
		text, _ := event[output].(string)
		_, ok := p.find(text)
		return ok, nil
	}
}

// sizeFilters bound the size of the raw mail in bytes; the bounds themselves match.
func sizeFilters(o jsonfile.Object) []filter {
	var filters []filter
	bound := func(field string) (int64, bool) {
		raw, given := o.Any(field)
		size, whole := raw.(int64)
		if given && (!whole || size < 0) {
			o.Errorf(field, "a number of bytes is expected, such as 1048576")
		}
		return size, given && whole && size >= 0
	}
	least, hasLeast := bound("minSize")
	most, hasMost := bound("maxSize")
	if hasLeast && hasMost && least > most {
		o.Errorf("minSize", "%d is more than maxSize, %d: no mail matches", least, most)
	}
	if hasLeast || hasMost {
		filters = append(filters, filter{"minSize, maxSize", func(event map[string]any) (bool, error) {
			size, err := number(event, "size")
			return (!hasLeast || size >= least) && (!hasMost || size <= most), err
		}})
	}
	return filters
}

// headerFilter matches when one of the fields of that name does. The pattern "" asks for the field alone.
func headerFilter(name string, p *pattern) test {
	return func(event map[string]any) (bool, error) {
		return some(event, "headers", func(header map[string]any) bool {
			key, _ := header["key"].(string)
			value, _ := header["value"].(string)
			if !strings.EqualFold(key, name) {
				return false
			}
			_, ok := p.find(value)
			return ok
		})
	}
}

// attachmentFilter matches when the name of one attachment does. The pattern "" asks for any attachment.
func attachmentFilter(p *pattern) test {
	return func(event map[string]any) (bool, error) {
		return some(event, "attachments", func(attachment map[string]any) bool {
			name, _ := attachment["name"].(string)
			_, ok := p.find(name)
			return ok
		})
	}
}

// some reports whether one object of a list does. An event without the list is not taken for one with an empty list:
// mail would be passed over without a word.
func some(event map[string]any, output string, does func(map[string]any) bool) (bool, error) {
	list, ok := event[output].([]any)
	if !ok {
		return false, fmt.Errorf("the event's %s is %T, not a list", output, event[output])
	}
	for _, item := range list {
		if object, ok := item.(map[string]any); ok && does(object) {
			return true, nil
		}
	}
	return false, nil
}

func number(event map[string]any, output string) (int64, error) {
	switch n := event[output].(type) {
	case int64:
		return n, nil
	case int:
		return int64(n), nil
	case float64:
		return int64(n), nil
	}
	return 0, fmt.Errorf("the event's %s is %T, not a number", output, event[output])
}
