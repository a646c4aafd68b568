package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuantile(t *testing.T) {
	for _, tc := range []struct {
		values []int
		share  float64
		want   int
	}{
		{nil, 0.5, 0},
		{[]int{7}, 0.95, 7},
		{[]int{3, 1, 2}, 0.5, 2},
		{[]int{1, 2, 3, 4}, 1, 4},
		{[]int{20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 0.95, 20},
	} {
		require.Equal(t, tc.want, quantile(tc.values, tc.share), "%v at %v", tc.values, tc.share)
	}
}

func TestTableAlignsItsColumns(t *testing.T) {
	var b strings.Builder
	table{{"what", "steps/s"}, {"a long name", "1"}}.print(&b)
	require.Equal(t, "| what        | steps/s |\n| ----------- | ------- |\n| a long name | 1       |\n", b.String())
}
