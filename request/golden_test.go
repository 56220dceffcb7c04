package request

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the folds of the golden logs anew")

// TestGoldenLogsFoldAsTheyAlwaysDid reads logs that earlier versions stored: each must decode, verify and fold to what it folded to then.
// Files are added with each version of the format and never changed: testdata/<version>/<reference>.log holds the commits as stored, one a
// line, .json beside it the fold.
func TestGoldenLogsFoldAsTheyAlwaysDid(t *testing.T) {
	logs, err := filepath.Glob("testdata/v*/*.log")
	if err != nil || len(logs) < 3 {
		t.Fatalf("%d golden logs, %v", len(logs), err)
	}
	for _, path := range logs {
		t.Run(path, func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			ref, err := ParseRef(strings.TrimSuffix(filepath.Base(path), ".log"))
			if err != nil {
				t.Fatal(err)
			}
			var history []Stored
			state := NewState(ref)
			for i, line := range bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
				stored := Stored{Seq: uint64(10 * (i + 1)), Data: line}
				history = append(history, stored)
				if err := state.Apply(stored.Seq, line); err != nil {
					t.Fatal(err)
				}
			}
			verified, err := Verify(ref, history)
			if err != nil {
				t.Fatal(err)
			}
			fold := map[string]any{
				"receipt": state.Receipt(nil), "owner": state.Owner, "passed": state.Passed, "opened": state.Opened, "alarms": state.Alarms,
				"closed": state.Closed, "level": state.Step.Level, "round": state.Step.Round, "pages": goldenPages(state.Pages), "commits": verified.Commits, "uncovered": verified.Uncovered,
				"chain": state.Chain.String(), "digests": []string{state.Origin, state.Body},
			}
			if state.Matter != nil {
				fold["matter"] = state.Matter
			}
			got, err := json.MarshalIndent(fold, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			golden := strings.TrimSuffix(path, ".log") + ".json"
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("it folds to\n%s\nand folded to\n%s", got, want)
			}
			// One byte changed before the last decision: the history must not verify.
			changed := bytes.Replace(history[0].Data, []byte(`"events":[{"type":"`), []byte(`"events":[{"type":"_`), 1)
			history[0].Data = changed
			if _, err := Verify(ref, history); err == nil {
				t.Error("a changed history verifies")
			}
		})
	}
}

// TestLogNamesTheKeyThatSealsIt holds where the sealed parts of earlier logs are: they could be read no more.
func TestLogNamesTheKeyThatSealsIt(t *testing.T) {
	for path, want := range map[string][2]string{
		"testdata/v2/E5H7MT1NM.log": {"E5H7MT1NM", "c1.0"},
		"testdata/v3/CXQPRS35E.log": {"6QXK2MVUZ7YH4T5BWN3CDRE2AF", "CXQPRS35E/c1.0"},
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		state := NewState(Ref(strings.TrimSuffix(filepath.Base(path), ".log")))
		for i, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
			if err := state.Apply(uint64(i+1), line); err != nil {
				t.Fatal(err)
			}
		}
		if got := [2]string{state.Scope(), state.Place("c1.0")}; got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

// goldenPages is what of the pages must stay as it was, without how the fold keeps it.
func goldenPages(pages []Page) []string {
	var list []string
	for _, p := range pages {
		line := strings.Join([]string{p.Page, string(p.Purpose), p.Person, p.Channel, string(p.State)}, " ")
		for _, a := range p.Attempts {
			line += " " + strings.Join([]string{a.ID, a.Provider, a.ProviderID, string(a.Failure), a.Code}, "/")
		}
		list = append(list, line)
	}
	return list
}
