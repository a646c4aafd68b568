package events

import (
	"encoding/json"
	"strings"
	"time"
)

// TextType is the type of a text, in the words of Event.ValueType: date, with its moment, uuid or string.
func TextType(text string) (kind string, at time.Time) {
	switch {
	case len(text) == 36 && isUUID(text):
		return "uuid", at
	case len(text) >= len(time.DateOnly) && len(text) <= 40 && text[4] == '-' && text[7] == '-':
		for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
			if at, err := time.Parse(layout, text); err == nil {
				return "date", at
			}
		}
	}
	return "string", at
}

func isUUID(text string) bool {
	for i := range len(text) {
		switch i {
		case 8, 13, 18, 23:
			if text[i] != '-' {
				return false
			}
		default:
			if !strings.ContainsRune("0123456789abcdefABCDEF", rune(text[i])) {
				return false
			}
		}
	}
	return true
}

// spread puts the value of a variable into the fields that can hold it, as the original did: a small number is in all fields of numbers.
func (d *Document) spread() {
	value := d.Value
	d.Value = nil
	if d.Kind != KindVariable || value == nil {
		return
	}
	switch v := value.(type) {
	case bool:
		d.Boolean = &v
	case int64:
		d.number(v)
	case float64:
		d.Double = &v
	case json.Number: // read back
		if i, err := v.Int64(); err == nil && d.ValueType == "integer" {
			d.number(i)
		} else if f, err := v.Float64(); err == nil {
			d.Double = &f
		}
	case string:
		d.text(v)
	default:
		if text, err := json.Marshal(v); err == nil {
			s := string(text)
			d.JSON = &s
		}
	}
}

func (d *Document) number(v int64) {
	d.Long = &v
	f := float64(v)
	d.Double = &f
	if v == int64(int32(v)) {
		i := int32(v)
		d.Integer = &i
	}
	if v == int64(int16(v)) {
		i := int16(v)
		d.Short = &i
	}
}

func (d *Document) text(v string) {
	if d.ValueType == "json" { // cut off, so that it is none any more
		d.JSON = &v
		return
	}
	d.String = &v
	switch kind, at := TextType(v); kind {
	case "uuid":
		d.UUID = &v
	case "date":
		d.Date = &at
	}
}
