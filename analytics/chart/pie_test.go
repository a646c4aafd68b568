package chart

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/analytics/report"
)

// A report of many names has a slice of the rest, too: the picture has one for both, and it is the last.
func TestOnePieSliceIsOfTheRest(t *testing.T) {
	for _, test := range []struct {
		named  int
		others int // of the report, worth 1000 together
		rest   float64
		want   string // of the last slice
	}{
		{5, 0, 0, "name 5"},
		{maxSlices, 0, 0, "name 9"},
		{maxSlices + 1, 0, 92 + 91, "2 others"},
		{maxSlices - 1, 7, 1000, "7 others"},
		{maxSlices, 7, 1000 + 92, "8 others"},
		{19, 7, 1000 + 92 + 91 + 90 + 89 + 88 + 87 + 86 + 85 + 84 + 83 + 82, "18 others"},
	} {
		t.Run(test.want, func(t *testing.T) {
			var values []report.Value
			for i := range test.named {
				n := float64(100 - i)
				values = append(values, report.Value{Key: fmt.Sprint("name ", i+1), Y: &n})
			}
			if test.others > 0 {
				n := 1000.0
				values = append(values, report.Value{Key: fmt.Sprint(test.others, " others"), Y: &n, Others: test.others})
			}
			total := 0.0
			for _, v := range values {
				total += *v.Y
			}
			parts, sum := slicesOf(values)
			require.InDelta(t, total, sum, 0)
			require.Len(t, parts, min(len(values), maxSlices))
			for i, p := range parts[:len(parts)-1] {
				require.Equal(t, slice{fmt.Sprint("name ", i+1), float64(100 - i)}, p)
			}
			last := parts[len(parts)-1]
			require.Equal(t, test.want, last.name)
			if test.rest > 0 {
				require.InDelta(t, test.rest, last.value, 0)
			}
		})
	}
}
