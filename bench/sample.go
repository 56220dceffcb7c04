package bench

import (
	"slices"
	"time"
)

// A sample is a list of durations.
type sample []time.Duration

// p is a percentile in milliseconds; 0 of an empty sample.
func (s sample) p(percent int) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	i := min(len(sorted)*percent/100, len(sorted)-1)
	return milliseconds(sorted[i])
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// perSecond is how many of n came a second.
func perSecond(n int, took time.Duration) float64 {
	return float64(n) / max(took, time.Nanosecond).Seconds()
}
