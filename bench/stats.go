package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// spread is the middle of some measurements and how far they lie apart.
type spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`  // lower quartile
	High   float64 `json:"high"` // upper quartile
}

func spreadOf(values []float64) spread {
	return spread{Median: quantile(values, 0.5), Low: quantile(values, 0.25), High: quantile(values, 0.75)}
}

func (s spread) String() string { return fmt.Sprintf("%.2f (%.2f to %.2f)", s.Median, s.Low, s.High) }

// quantile returns the value that a share of all values, 0 to 1, does not exceed: the nearest rank, so always one that was
// measured. Zero when there are none.
func quantile[T cmp.Ordered](values []T, share float64) T {
	if len(values) == 0 {
		var none T
		return none
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// latency is a distribution of durations.
type latency struct {
	Median time.Duration `json:"median"` // nanoseconds
	P95    time.Duration `json:"p95"`
	Max    time.Duration `json:"max"`
}

func latencyOf(values []time.Duration) latency {
	return latency{Median: quantile(values, 0.5), P95: quantile(values, 0.95), Max: quantile(values, 1)}
}

func (l latency) brief() string {
	return fmt.Sprintf("p50 %s, p95 %s, max %s", inMilliseconds(l.Median), inMilliseconds(l.P95), inMilliseconds(l.Max))
}

func inMilliseconds(d time.Duration) string { return fmt.Sprintf("%.0f ms", d.Seconds()*1000) }
