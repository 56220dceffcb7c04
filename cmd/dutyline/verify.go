package main

import (
	"context"
	"errors"

	"github.com/dutyline/dutyline/app"
	"github.com/dutyline/dutyline/request"
)

type verifyCommand struct {
	direct
}

// Validate asks for the log.
func (v *verifyCommand) Validate() error {
	if v.Config == "" && v.Data == "" {
		return errors.New("say which log: --config FILE of a node, or --data DIR of a standalone node that is not running")
	}
	return nil
}

// A verification says what a check of the whole log found.
type verification struct {
	Requests  int       `json:"requests"`
	Commits   int       `json:"commits"`
	Uncovered int       `json:"uncovered"` // facts after the last decision of their request, which no hash covers yet
	Failures  []failure `json:"failures"`
}

type failure struct {
	Reference string `json:"reference"`
	Detail    string `json:"detail"`
}

// errTampered says that a log does not verify; the result has said which.
var errTampered = errors.New("the log does not verify: keep it as it is, and compare it with a backup")

// Run checks the hashes of every request's log. It needs no key: what was erased verifies.
func (v *verifyCommand) Run(ctx context.Context, c *console) error {
	o, _, err := v.options(c)
	if err != nil {
		return err
	}
	found := verification{Failures: []failure{}}
	err = app.VerifyLog(ctx, o, func(ref request.Ref, v request.Verification, err error) error {
		found.Requests++
		found.Commits += v.Commits
		found.Uncovered += len(v.Uncovered)
		if err != nil {
			found.Failures = append(found.Failures, failure{ref.String(), err.Error()})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if c.flags.JSON {
		err = c.printJSON(found)
	} else {
		err = c.printVerification(found)
	}
	if err == nil && len(found.Failures) > 0 {
		err = errTampered
	}
	return err
}

func (c *console) printVerification(v verification) error {
	for _, f := range v.Failures {
		if err := c.print("%s  %s\n", f.Reference, f.Detail); err != nil {
			return err
		}
	}
	return c.print("%s in %s: %d do not verify; %s at their ends are covered by no hash yet\n",
		plural(v.Commits, "commit", "commits"), plural(v.Requests, "request", "requests"), len(v.Failures), plural(v.Uncovered, "fact", "facts"))
}
