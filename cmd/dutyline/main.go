// Command dutyline runs a national 24/7 point of contact, and is the way to it from a terminal.
//
// `dutyline run` is everything in one process; `dutyline serve` is a node of a production deployment. The other commands speak the HTTP
// interface. Results go to standard output, everything else to standard error; the exit status says whether something is wrong with the
// call (2), with what was asked (3), or with the moment (4).
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // a roster's zones must be there on every machine

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from the first signal on, a second one kills
	os.Exit(execute(ctx, os.Args[1:], &console{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(),
		outTerminal: isTerminal(os.Stdout), errTerminal: isTerminal(os.Stderr), program: os.Args[0],
	}))
}

func isTerminal(f *os.File) bool { return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd()) }

// A console is what a command may touch of the world around it.
type console struct {
	in                       io.Reader
	out, err                 io.Writer
	environ                  []string
	outTerminal, errTerminal bool
	flags                    globals
	program                  string // as it was called; "" is dutyline
}

// called is how somebody can call this program again.
func (c *console) called() string { return shellQuoted(cmp.Or(c.program, "dutyline")) }

// getenv reads the environment; the last of several lines counts, as for the shell.
func (c *console) getenv(name string) string {
	value := ""
	for _, line := range c.environ {
		if key, v, ok := strings.Cut(line, "="); ok && key == name {
			value = v
		}
	}
	return value
}

// colour reports whether the output may carry colour.
func (c *console) colour() bool {
	return c.outTerminal && c.getenv("NO_COLOR") == "" && c.getenv("TERM") != "dumb"
}

// execute runs one command line and gives its exit status.
func execute(ctx context.Context, args []string, c *console) int {
	var g grammar
	parser, err := kong.New(&g, kong.Name("dutyline"),
		kong.Description("The line that is always answered: takes urgent requests, pages the officer on duty, and does not stop before somebody has it."),
		kong.Writers(c.out, c.err), kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(c),
	)
	if err != nil {
		_, _ = fmt.Fprintln(c.err, "dutyline:", err)
		return exitUsage
	}
	call, err := parser.Parse(args)
	if err != nil {
		parser.Stdout = c.err // help that nobody asked for is no result
		if wrong, ok := errors.AsType[*kong.ParseError](err); ok && wrong.Context != nil {
			_ = wrong.Context.PrintUsage(false)
			_, _ = fmt.Fprintln(c.err)
		}
		_, _ = fmt.Fprintln(c.err, "dutyline:", err)
		return exitUsage
	}
	c.flags = g.globals
	return c.finish(call.Run())
}
