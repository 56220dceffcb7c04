package simulation

import "testing"

// BenchmarkNight plays one night after the other.
func BenchmarkNight(b *testing.B) {
	seed, commits := uint64(0), 0
	for b.Loop() {
		seed++
		w := play(seed, nil, tamper{}, false)
		if w.failed != nil {
			b.Fatalf("seed %d: %s", seed, w.failed.What)
		}
		commits += int(w.log.end())
	}
	b.ReportMetric(float64(commits)/float64(b.N), "commits/op")
}
