package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/dutyline/dutyline/client"
)

type pinCommand struct {
	Person   string `arg:"" help:"Id of the person. An officer's token is for themselves."`
	Remove   bool   `help:"Take the PIN away: a key takes requests without one again."`
	Reason   string `placeholder:"R" help:"Why, for the history. It must name nobody."`
	Revision uint64 `placeholder:"N" help:"Only if this revision of the roster stands, which you have seen."`
}

// Run sets or removes a PIN.
func (p *pinCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	edit, change := client.PINEdit{Reason: p.Reason}, line.RemovePIN
	if p.Revision != 0 {
		edit.Base = &p.Revision
	}
	if !p.Remove {
		change = line.SetPIN
		if edit.PIN, err = c.readPIN(ctx); err != nil {
			return err
		}
	}
	edited, err := change(ctx, p.Person, edit)
	if err != nil {
		return staleEdit(err)
	}
	if c.flags.JSON {
		return c.printJSON(edited)
	}
	who := (&previewer{c: c, signs: edited.Effect.CallSigns}).who(p.Person)
	switch {
	case !edited.Changed:
		return c.print("nothing changed: revision %d stands as it is, and %s has no PIN\n", edited.Revision, printable(who))
	case p.Remove:
		return c.print("revision %d stands: %s has no PIN any more\n", edited.Revision, printable(who))
	}
	return c.print("revision %d stands: %s has a PIN, which calls ask for before key 1 takes anything\n", edited.Revision, printable(who))
}

// longestLine bounds what is read for a PIN, in bytes: more is none.
const longestLine = 1 << 10

// readPIN reads a PIN: asked for twice on a terminal, where nobody sees it, and one line of standard input otherwise.
func (c *console) readPIN(ctx context.Context) (string, error) {
	if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		first, err := c.askHidden(ctx, f, "PIN (4 to 8 digits): ")
		if err != nil {
			return "", err
		}
		again, err := c.askHidden(ctx, f, "The same again: ")
		if err == nil && first != again {
			err = usage("the two are not the same: nothing was changed")
		}
		return first, err
	}
	text, err := bufio.NewReader(io.LimitReader(c.in, longestLine)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", usage("read the PIN: %w", err)
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", usage("no PIN came on standard input: nothing was changed")
	}
	return text, nil
}

// askHidden asks for a line on a terminal without showing it. When ctx ends, the terminal is as before.
func (c *console) askHidden(ctx context.Context, f *os.File, prompt string) (string, error) {
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", usage("read the PIN: %w", err)
	}
	_, _ = fmt.Fprint(c.err, prompt)
	type read struct {
		text []byte
		err  error
	}
	answered := make(chan read, 1)
	go func() {
		text, err := term.ReadPassword(int(f.Fd()))
		answered <- read{text, err}
	}()
	select {
	case r := <-answered:
		_, _ = fmt.Fprintln(c.err)
		if r.err != nil {
			return "", usage("read the PIN: %w", r.err)
		}
		return strings.TrimSpace(string(r.text)), nil
	case <-ctx.Done():
		_ = term.Restore(int(f.Fd()), before)
		_, _ = fmt.Fprintln(c.err)
		return "", ctx.Err()
	}
}
