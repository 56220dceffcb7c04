package app

import (
	"fmt"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/roster"
)

// findingsOf says how much is wrong with the roster that a node decides with. Alarms tell what; it is no reason to take the node out of service.
func findingsOf(n *node.Node) string {
	count := map[roster.FindingKind]int{}
	people := map[string]bool{}
	for _, f := range n.Findings() {
		if f.Kind == roster.FoundUnverified {
			people[f.People[0]] = true
			continue
		}
		count[f.Kind]++
	}
	text := ""
	add := func(n int, one, many string) {
		switch n {
		case 0:
		case 1:
			text += "; 1 " + one
		default:
			text += fmt.Sprintf("; %d %s", n, many)
		}
	}
	add(count[roster.FoundGap], "gap", "gaps")
	add(count[roster.FoundUncovered], "broken coverage rule", "broken coverage rules")
	add(len(people), "person on duty without a verified telephone", "people on duty without a verified telephone")
	return text
}
