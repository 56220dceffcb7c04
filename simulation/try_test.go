package simulation

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

func TestTry(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("NIGHTS"))
	from, _ := strconv.Atoi(os.Getenv("FROM"))
	kinds := map[string]int{}
	began := time.Now()
	req, com, tech, dup, lost, alarms := 0, 0, 0, 0, 0, 0
	for i := range n {
		w := play(uint64(from+i), nil, tamper{}, os.Getenv("TELL") != "")
		req += w.sum.Requests
		com += int(w.log.end())
		tech += w.sum.Technical
		dup += w.sum.Duplicates
		lost += w.sum.Lost
		if w.sum.Lost > 300 || w.log.end() > 3000 {
			fmt.Println("night", w.seed, "lost", w.sum.Lost, "commits", w.log.end(), "tasks", w.order, w.sum.Faults)
		}
		alarms += w.sum.Alarms
		if w.failed != nil {
			kinds[w.failed.Invariant]++
			if kinds[w.failed.Invariant] <= 4 {
				fmt.Println(w.seed, w.failed.Invariant, w.failed.Ref, w.failed.At, w.failed.What)
			}
		}
		if w.story != nil {
			for _, l := range w.story.lines {
				if r := os.Getenv("REF"); r == "" || r == string(l.Ref) || l.Ref == "" && os.Getenv("ALL") != "" {
					fmt.Println(clockOf(w.start.Add(l.At)), l.At, l.Who, l.Ref, l.What)
				}
			}
		}
	}
	fmt.Println(kinds, req, com, "technical", tech, "dup", dup, "lost", lost, "alarms", alarms, time.Since(began)/time.Duration(max(n, 1)))
}
