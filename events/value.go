package events

import (
	"encoding/json"
	"regexp"
	"time"
)

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

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
	if uuid.MatchString(v) {
		d.UUID = &v
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if at, err := time.Parse(layout, v); err == nil {
			d.Date = &at
			return
		}
	}
}
