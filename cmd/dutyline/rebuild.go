package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dutyline/dutyline/client"
)

type rebuildCommand struct{}

// Run writes Redis anew.
func (rebuildCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	rebuilt, err := line.RebuildRoster(ctx)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(rebuilt)
	}
	return c.print("redis held   %s\nredis holds  %s\n", redisText(rebuilt.Before), redisText(rebuilt.After))
}

func redisText(r client.RedisRoster) string {
	document, table := "no document", "no duty table"
	if r.Document > 0 {
		document = fmt.Sprintf("revision %d", r.Document)
		if !r.Same {
			document += " (not as the log has it)"
		}
	}
	if r.Table > 0 {
		table = fmt.Sprintf("a duty table of revision %d, %s until %s", r.Table, plural(r.Tiles, "shift", "shifts"), minute(r.TableUntil.Time))
	}
	return document + "; " + table
}

// oldText warns of a roster that this node cannot compare with anything; "" when it is fresh.
func oldText(seconds int64) string {
	if seconds <= 0 {
		return ""
	}
	age := plural(int(seconds), "second", "seconds")
	if seconds >= 120 {
		age = plural(int(time.Duration(seconds)*time.Second/time.Minute), "minute", "minutes")
	}
	return "the roster is " + age + " old: neither Redis nor the log answers, and edits since then do not show"
}
