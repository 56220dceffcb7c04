// Package doctor looks at a deployment before people rely on it: it asks everything at once, with patience, and says of each what is wrong and
// how to mend it. What is asked comes from outside; nothing here knows a provider or a log.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A State is how good something is.
type State string

// The states, from good to bad. Skipped says that it was not looked at, and Detail why.
const (
	Fine    State = "ok"
	Skipped State = "skipped"
	Warning State = "warning" // it works, and will hurt
	Wrong   State = "wrong"   // somebody would not be reached, or something be lost
)

// A Line is what was found out about one thing. It holds no secret, no name and no number of a person.
type Line struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"` // what to do; "" when nothing is to be done
}

// A Check looks at one thing and gives one line or more. The name of a line that has none is the check's.
type Check struct {
	Name string
	Look func(ctx context.Context) []Line
}

// A Report is what a doctor says. OK is false when a line is wrong.
type Report struct {
	OK    bool   `json:"ok"`
	Lines []Line `json:"checks"`
}

// Examine makes all checks at once and gives their lines in the order of the checks. A check that takes longer than patience, or panics, is a
// line that is wrong: nothing keeps the others from being told.
func Examine(ctx context.Context, patience time.Duration, checks []Check) Report {
	lines := make([][]Line, len(checks))
	var looking sync.WaitGroup
	for i, c := range checks {
		looking.Go(func() { lines[i] = look(ctx, patience, c) })
	}
	looking.Wait()
	report := Report{Lines: slices.Concat(lines...)}
	report.OK = !slices.ContainsFunc(report.Lines, func(l Line) bool { return l.State == Wrong })
	return report
}

func look(ctx context.Context, patience time.Duration, c Check) []Line {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer := make(chan []Line, 1)
	go func() {
		defer func() {
			if trouble := recover(); trouble != nil {
				answer <- []Line{{State: Wrong, Detail: fmt.Sprintf("the check itself failed (%T)", trouble), Fix: "report this as a defect of the program"}}
			}
		}()
		answer <- c.Look(ctx)
	}()
	var lines []Line
	select {
	case lines = <-answer:
	case <-ctx.Done():
		lines = []Line{{State: Wrong, Detail: fmt.Sprintf("no answer within %s", patience), Fix: "look at the network between this machine and it, and whether it runs"}}
	}
	for i := range lines {
		if lines[i].Name == "" {
			lines[i].Name = c.Name
		}
	}
	return lines
}
