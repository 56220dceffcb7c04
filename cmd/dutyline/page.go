package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dutyline/dutyline/client"
)

type pageCommand struct {
	Test testPageCommand `cmd:"" help:"Send a test page to each telephone of a person; whoever answers it has verified that telephone."`
}

type testPageCommand struct {
	Person string        `arg:"" help:"Id of the person. An officer tests their own telephones."`
	Call   bool          `help:"Call the telephones that take text messages, too."`
	Now    bool          `help:"Send it even between 22:00 and 07:00 where they live."`
	Wait   time.Duration `placeholder:"5m" help:"Wait as long until each telephone was answered over; without it the command ends when the test is stored."`
}

// Validate refuses a time that is none.
func (p *testPageCommand) Validate() error {
	if p.Wait < 0 {
		return errors.New("--wait: write a positive time, as in 5m")
	}
	return nil
}

// testPoll is how often a test page is looked at.
const testPoll = time.Second

// errUnanswered says that a wait was in vain.
var errUnanswered = errors.New("not every telephone was answered over; what is not acknowledged is not verified by this test")

// Run sends a test page, and follows it if it is to.
func (p *testPageCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	page, err := line.TestPage(ctx, p.Person, client.TestOrder{Calls: p.Call, Night: p.Now})
	if err != nil {
		return err
	}
	failed := error(nil)
	if p.Wait > 0 {
		page, failed = p.follow(ctx, c, line, page)
	}
	if c.flags.JSON {
		return errors.Join(c.printJSON(page), failed)
	}
	t := table{head: []string{"CONTACT", "CHANNEL", "STATE", "ACKNOWLEDGED", "VIA"}}
	for _, one := range page.Contacts {
		t.add(one.Contact, dash(one.Channel), one.State, moment(one.AcknowledgedAt), dash(string(one.Via)))
	}
	if err := c.print("test page %s to %s, %s, until %s\n", page.Reference, printable(page.Person), page.State, moment(page.ExpiresAt)); err != nil {
		return err
	}
	return errors.Join(t.write(c.out, ""), failed)
}

// follow waits until each telephone was answered over, and tells what becomes of them meanwhile.
func (p *testPageCommand) follow(ctx context.Context, c *console, line *client.Client, page client.TestPage) (client.TestPage, error) {
	waiting, cancel := context.WithTimeout(ctx, p.Wait)
	defer cancel()
	known := map[string]string{}
	for {
		open := page.State == "open"
		for _, one := range page.Contacts {
			if known[one.Contact] != one.State {
				known[one.Contact] = one.State
				_, _ = fmt.Fprintf(c.err, "%s: %s\n", printable(one.Contact), printable(one.State))
			}
		}
		switch {
		case !slices.ContainsFunc(page.Contacts, func(one client.TestedContact) bool { return one.State != "acknowledged" }):
			return page, nil
		case !open:
			return page, errUnanswered
		}
		select {
		case <-waiting.Done():
			if ctx.Err() != nil {
				return page, errInterrupted
			}
			return page, errUnanswered
		case <-time.After(testPoll):
		}
		if next, err := line.ShowTestPage(waiting, page.Person, page.Reference); err == nil {
			page = next
		} else if !client.Unavailable(err) && waiting.Err() == nil {
			return page, err
		}
	}
}
