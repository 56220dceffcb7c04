package bench

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var plotted = []Result{
	Result{Name: "no_limit", Value: 3, Unit: "ms"}.judged(),
	Result{Name: "met", Value: 5, Unit: "ms", Limit: 20, About: "what is < its limit"}.judged(),
	Result{Name: "missed", Value: 9, Unit: "s", Baseline: 1, Limit: 3, About: "three times over"}.judged(),
	Result{Name: "rate", Value: 50, Unit: "requests/s", Baseline: 100, Limit: 0.6, About: "a rate"}.judged(),
}

// TestPlotSaysWhatItShows reads the plot as a browser would: it is well-formed, each limited figure has a bar as long as its share of the limit,
// and who does not see it is told the same.
func TestPlotSaysWhatItShows(t *testing.T) {
	var out bytes.Buffer
	if err := WritePlot(&out, plotted); err != nil {
		t.Fatal(err)
	}
	var bars []string // class and width
	decoder := xml.NewDecoder(bytes.NewReader(out.Bytes()))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			bar := map[string]string{}
			for _, a := range e.Attr {
				bar[a.Name.Local] = a.Value
			}
			if bar["class"] == "met" || bar["class"] == "missed" {
				bars = append(bars, bar["class"]+" "+bar["width"])
			}
		}
	}
	// A quarter of the limit, three times the limit (drawn up to the edge), and 1.2 times.
	if got, want := strings.Join(bars, ", "), "met 90.0, missed 720.0, missed 432.0"; got != want {
		t.Errorf("bars %s, want %s", got, want)
	}
	for _, want := range []string{
		`<title id="title">`, "what is &lt; its limit: 5.00 ms (≤ 20 ms), met.", "three times over: 9.00 s, 9.00 × (≤ 3 ×), missed.", "a rate: 50.0 requests/s, 0.500 × (≥ 0.6 ×), missed.",
		"prefers-color-scheme: dark",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in the plot", want)
		}
	}
	if strings.Contains(out.String(), "no_limit") {
		t.Error("a figure without a limit is drawn")
	}
}

func TestPaperIsReplacedBetweenItsMarksAlone(t *testing.T) {
	dir := t.TempDir()
	paper := filepath.Join(dir, "performance.md")
	if err := os.WriteFile(paper, []byte("before\n"+figuresBegin+"\nold\n"+figuresEnd+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what was written can be replaced again
		if err := UpdatePaper(paper, plotted); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(paper)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	for _, want := range []string{
		"before\n" + figuresBegin + "\nMeasured on ", "| `missed` | three times over | 9.00 s | 1.00 | 9.00 | ≤ 3 × | no |", "](performance.svg)", figuresEnd + "\nafter\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "old") || strings.Count(got, "| `met` |") != 1 {
		t.Errorf("the old figures are still there:\n%s", got)
	}
	if drawn, err := os.ReadFile(filepath.Join(dir, "performance.svg")); err != nil || !bytes.Contains(drawn, []byte("<svg")) {
		t.Errorf("plot: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}

func TestPaperWithoutAPlaceIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.md")
	if err := CheckPaper(path); !errors.Is(err, ErrOption) {
		t.Errorf("no file: %v", err)
	}
	for _, text := range []string{"nothing", figuresBegin, figuresEnd + "\n" + figuresBegin} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := UpdatePaper(path, plotted); !errors.Is(err, ErrOption) {
			t.Errorf("%q: %v", text, err)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != text {
			t.Errorf("%q was changed to %q (%v)", text, now, err)
		}
	}
}
