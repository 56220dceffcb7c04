package archtest

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	namedTest = regexp.MustCompile("`([\\w/]+): (Test\\w+)`")
	namedFuzz = regexp.MustCompile("`([\\w/]+): (Fuzz\\w+)`")
)

// painTroubles says what is wrong with the table of a page of pains: rows is how many it has. A row needs a test that exists, or the words
// "not yet" where its tests stand.
func painTroubles(page string, exists func(folder, test string) bool) (troubles []string, rows int) {
	for _, cells := range tableRows(page, "pain") {
		rows++
		if len(cells) != 3 {
			troubles = append(troubles, fmt.Sprintf("%q has %d columns, not three", cells[0], len(cells)))
			continue
		}
		named, wrong := testsNamed(cells[0], cells[2], "Test", namedTest, exists)
		if troubles = append(troubles, wrong...); named == 0 && !strings.Contains(cells[2], "not yet") {
			troubles = append(troubles, fmt.Sprintf("%q has no test and does not say that it is not yet there", cells[0]))
		}
	}
	return troubles, rows
}

// tableRows gives the cells of the rows of a page's tables, without those of the head that begins with a word.
func tableRows(page, head string) (rows [][]string) {
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| "+head+" |") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

// testsNamed counts the tests that a cell of a row names, and says what is wrong with them. All are written as pattern has them, and begin with prefix.
func testsNamed(row, cell, prefix string, pattern *regexp.Regexp, exists func(folder, test string) bool) (named int, troubles []string) {
	tests := pattern.FindAllStringSubmatch(cell, -1)
	if len(tests) != len(regexp.MustCompile(`\b`+prefix+`[A-Z]`).FindAllString(cell, -1)) || len(tests) != strings.Count(cell, "`")/2 {
		troubles = append(troubles, fmt.Sprintf("%q: a test is not written as `folder: %sName`", row, prefix))
	}
	for _, m := range tests {
		if !exists(m[1], m[2]) {
			troubles = append(troubles, fmt.Sprintf("%q: %s has no test %s", row, m[1], m[2]))
		}
	}
	return len(tests), troubles
}

// hasTest reports whether a folder has a test of that name.
func hasTest(t *testing.T) func(folder, test string) bool {
	all := packages(t)
	return func(folder, test string) bool {
		i := slices.IndexFunc(all, func(p pkg) bool { return p.path == folder })
		return i >= 0 && slices.ContainsFunc(all[i].testFiles, func(f file) bool {
			return slices.ContainsFunc(f.syntax.Decls, func(d ast.Decl) bool {
				fn, ok := d.(*ast.FuncDecl)
				return ok && fn.Recv == nil && fn.Name.Name == test
			})
		})
	}
}

func TestEveryPainNamesATestThatExists(t *testing.T) {
	troubles, rows := painTroubles(read(t, "docs/pains.md"), hasTest(t))
	for _, trouble := range troubles {
		t.Error("docs/pains.md: " + trouble)
	}
	if rows < 15 {
		t.Errorf("docs/pains.md: only %d rows were found", rows)
	}
}

func TestAPageOfPainsIsReadStrictly(t *testing.T) {
	const head = "| pain | what | tests |\n|---|---|---|\n"
	exists := hasTest(t)
	for row, fine := range map[string]bool{
		"| a | b | `dispatcher: TestTwoNodesMakeOneCall` |":                                           true,
		"| a | b | `dispatcher: TestTwoNodesMakeOneCall`, `dispatcher/node: TestReportsInAnyOrder` |": true,
		"| a | b | `dispatcher: TestTwoNodesMakeOneCall`; not yet: more |":                            true,
		"| a | b | not yet |":                                                true,
		"| a | b | |":                                                        false,
		"| a | not yet | |":                                                  false,
		"| a | b | `dispatcher: TestOfNothing` |":                            false,
		"| a | b | `dispatcher: TestOfNothing`; not yet |":                   false,
		"| a | b | `dispatcher/node: TestTwoNodesMakeOneCall` |":             false,
		"| a | b | `nowhere: TestTwoNodesMakeOneCall` |":                     false,
		"| a | b | TestTwoNodesMakeOneCall |":                                false,
		"| a | b | `dispatcher: TestTwoNodesMakeOneCall`, `TestOfNothing` |": false,
		"| a | `dispatcher: TestTwoNodesMakeOneCall` |":                      false,
	} {
		if troubles, rows := painTroubles(head+row+"\n", exists); (len(troubles) == 0) != fine || rows != 1 {
			t.Errorf("%s: %d rows, troubles %q", row, rows, troubles)
		}
	}
}
