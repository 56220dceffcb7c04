package archtest

import (
	"fmt"
	"testing"
)

// doorTroubles says what is wrong with the table of a page of doors: rows is how many it has. A row needs tests and a fuzz target, which exist.
func doorTroubles(page string, exists func(folder, test string) bool) (troubles []string, rows int) {
	for _, cells := range tableRows(page, "door") {
		rows++
		if len(cells) != 4 {
			troubles = append(troubles, fmt.Sprintf("%q has %d columns, not four", cells[0], len(cells)))
			continue
		}
		tests, wrong := testsNamed(cells[0], cells[2], "Test", namedTest, exists)
		targets, wrongToo := testsNamed(cells[0], cells[3], "Fuzz", namedFuzz, exists)
		if troubles = append(append(troubles, wrong...), wrongToo...); tests == 0 || targets == 0 {
			troubles = append(troubles, fmt.Sprintf("%q has %d tests and %d fuzz targets", cells[0], tests, targets))
		}
	}
	return troubles, rows
}

func TestEveryDoorNamesTestsAndAFuzzTargetThatExist(t *testing.T) {
	troubles, rows := doorTroubles(read(t, "docs/doors.md"), hasTest(t))
	for _, trouble := range troubles {
		t.Error("docs/doors.md: " + trouble)
	}
	if rows < 15 {
		t.Errorf("docs/doors.md: only %d rows were found", rows)
	}
}

func TestAPageOfDoorsIsReadStrictly(t *testing.T) {
	const head = "| door | who | tests | fuzz |\n|---|---|---|---|\n"
	exists := hasTest(t)
	for row, fine := range map[string]bool{
		"| a | b | `dispatcher: TestTwoNodesMakeOneCall` | `dispatcher: FuzzReply` |":     true,
		"| a | b | `dispatcher: TestTwoNodesMakeOneCall` | |":                             false,
		"| a | b | | `dispatcher: FuzzReply` |":                                           false,
		"| a | b | `dispatcher: TestTwoNodesMakeOneCall` | `dispatcher: FuzzOfNothing` |": false,
		"| a | b | `dispatcher: TestOfNothing` | `dispatcher: FuzzReply` |":               false,
		"| a | b | TestTwoNodesMakeOneCall | `dispatcher: FuzzReply` |":                   false,
		"| a | `dispatcher: TestTwoNodesMakeOneCall` | `dispatcher: FuzzReply` |":         false,
	} {
		if troubles, rows := doorTroubles(head+row+"\n", exists); (len(troubles) == 0) != fine || rows != 1 {
			t.Errorf("%s: %d rows, troubles %q", row, rows, troubles)
		}
	}
}
