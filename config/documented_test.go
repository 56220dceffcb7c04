package config

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheOperatorsPageListsEveryKeyAndNoOther compares the first column of the table of keys in docs/operations.md with the keys that there are.
func TestTheOperatorsPageListsEveryKeyAndNoOther(t *testing.T) {
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(page), "\n## Every key\n")
	if !found {
		t.Fatal("docs/operations.md has no section Every key")
	}
	section, _, _ := strings.Cut(after, "\n## ")
	listed := map[string]bool{}
	for line := range strings.Lines(section) {
		if column := strings.Split(line, "|"); len(column) > 2 {
			for _, name := range regexp.MustCompile("`([a-z_.]+)`").FindAllStringSubmatch(column[1], -1) {
				listed[name[1]] = true
			}
		}
	}
	for _, path := range paths {
		if !listed[path] && table[path].fileOf == "" { // that each secret can be a file stands above the table
			t.Errorf("%s is not listed", path)
		}
		delete(listed, path)
	}
	if len(listed) > 0 {
		t.Errorf("listed, and no keys: %v", slices.Sorted(maps.Keys(listed)))
	}
}
