package events

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fill gives every field of a struct a value that no other one has.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	for i := range v.NumField() {
		*n++
		switch f := v.Field(i); f.Interface().(type) {
		case time.Time:
			f.Set(reflect.ValueOf(time.UnixMilli(int64(*n) * 1e9).UTC()))
		case *int64:
			f.Set(reflect.ValueOf(new(int64(*n))))
		case []string:
			f.Set(reflect.ValueOf([]string{"a", string(rune('0' + *n)), "a"}))
		case map[string]any:
			f.Set(reflect.ValueOf(map[string]any{"n": json.Number("12345678901234567890")}))
		case bool:
			f.SetBool(true)
		default:
			switch f.Kind() {
			case reflect.String:
				f.SetString("text " + string(rune('0'+*n)))
			case reflect.Int, reflect.Int64:
				f.SetInt(int64(*n))
			case reflect.Interface:
				f.Set(reflect.ValueOf(any("value")))
			default:
				t.Fatalf("a field of kind %s", f.Kind())
			}
		}
	}
}

func TestEveryFieldIsKept(t *testing.T) {
	n := 0
	var b Batch
	fill(t, reflect.ValueOf(&b.Process).Elem(), &n)
	for range 3 {
		var e Event
		fill(t, reflect.ValueOf(&e).Elem(), &n)
		b.Events = append(b.Events, e, Event{}, e)
	}
	data, err := Encode(b)
	require.NoError(t, err)
	read, err := Decode(data)
	require.NoError(t, err)
	require.Equal(t, b, read)
}

func TestMoments(t *testing.T) {
	b := Batch{Process: Process{Began: time.Date(2026, 1, 1, 0, 0, 0, 1, time.UTC)}}
	for _, at := range []time.Time{
		time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 7, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 7, time.UTC),
		time.Date(-50_000_000, 1, 1, 0, 0, 0, 1e6, time.UTC), time.Date(200_000_000, 1, 1, 0, 0, 0, 5, time.UTC), time.Unix(0, 1).UTC(), time.Unix(0, 0).UTC(),
	} {
		b.Events = append(b.Events, Event{Time: at, Ref: "same"})
	}
	data, err := Encode(b)
	require.NoError(t, err)
	read, err := Decode(data)
	require.NoError(t, err)
	require.Equal(t, b, read)
}

// FuzzDecode has batches read that are damaged, or were never whole.
func FuzzDecode(f *testing.F) {
	for _, n := range []int{0, 1, 3, 200} {
		data, err := Encode(Batch{Process: Process{Instance: "a", Began: time.Unix(1e9, 0)}, Events: many(n)})
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Decode(data)
		if err != nil {
			return
		}
		n, err := Count(data)
		require.NoError(t, err)
		require.Len(t, b.Events, n)
		again, err := Encode(b)
		require.NoError(t, err)
		read, err := Decode(again)
		require.NoError(t, err)
		require.Equal(t, b, read)
	})
}
