package request

import (
	"bytes"
	"os"
	"testing"
)

// BenchmarkFold folds a stored log of 25 commits, as a start does with every open request.
func BenchmarkFold(b *testing.B) {
	data, err := os.ReadFile("testdata/v1/V7E2XPSJB.log")
	if err != nil {
		b.Fatal(err)
	}
	commits := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	b.ReportAllocs()
	for b.Loop() {
		state := NewState("V7E2XPSJB")
		for i, c := range commits {
			if err := state.Apply(uint64(i+1), c); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(commits)), "ns/commit")
}
