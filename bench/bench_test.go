package bench

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

func TestRunMeasuresEveryFigure(t *testing.T) {
	var out, progress bytes.Buffer
	if err := Run(t.Context(), Options{JSON: true, Out: &out, Err: &progress, Requests: 5, Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for decoder := json.NewDecoder(&out); decoder.More(); seen++ {
		var r Result
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		if r.Name == "" || r.Unit != "ms" || r.Value < 0 {
			t.Errorf("%+v", r)
		}
	}
	if seen != 7 || progress.Len() == 0 {
		t.Errorf("%d figures, progress %q", seen, progress.String())
	}
}

func TestLimitsAreAboutTheRatioWhereThereIsABaseline(t *testing.T) {
	for _, c := range []struct {
		result Result
		ratio  float64
		met    bool
	}{
		{Result{Value: 6, Baseline: 2, Limit: 3}, 3, true},
		{Result{Value: 7, Baseline: 2, Limit: 3}, 3.5, false},
		{Result{Value: 24, Limit: 25}, 0, true},
		{Result{Value: 26, Limit: 25}, 0, false},
		{Result{Value: 26, Baseline: 2}, 13, true},
	} {
		var out bytes.Buffer
		if err := write(Options{JSON: true, Out: &out}, []Result{c.result}); err != nil {
			t.Fatal(err)
		}
		var got Result
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.Ratio != c.ratio || got.Met != c.met {
			t.Errorf("%+v: ratio %v, met %t", c.result, got.Ratio, got.Met)
		}
	}
}

func TestPercentiles(t *testing.T) {
	var s sample
	for i := range 100 {
		s = append(s, time.Duration(100-i)*time.Millisecond)
	}
	if s.p(50) != 51 || s.p(99) != 100 || sample(nil).p(50) != 0 {
		t.Errorf("p50 %v, p99 %v", s.p(50), s.p(99))
	}
}
