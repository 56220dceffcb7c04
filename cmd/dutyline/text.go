package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dutyline/dutyline/request"
)

// printable takes out of somebody else's text what could move the cursor or change the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if !unicode.IsGraphic(r) {
			return '·'
		}
		return r
	}, text)
}

// printJSON writes one document on one line.
func (c *console) printJSON(v any) error {
	encoder := json.NewEncoder(c.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// print writes a result for people. That it cannot be written is an error: a result that nobody got is none.
func (c *console) print(format string, args ...any) error {
	_, err := fmt.Fprintf(c.out, format, args...)
	return err
}

// note tells the person at the console something that is no result.
func (c *console) note(format string, args ...any) {
	_, _ = fmt.Fprintf(c.err, format+"\n", args...)
}

// A table lays text out in columns.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write writes the table, each line after an indent. The last column is as long as it is.
func (t *table) write(w io.Writer, indent string) error {
	widths := make([]int, len(t.head))
	all := t.rows
	if len(t.head) > 0 && strings.Join(t.head, "") != "" {
		all = append([][]string{t.head}, t.rows...)
	}
	for i, row := range all {
		for j, cell := range row {
			all[i][j] = printable(cell)
			widths[j] = max(widths[j], utf8.RuneCountInString(all[i][j]))
		}
	}
	for _, row := range all {
		var line strings.Builder
		line.WriteString(indent)
		for j, cell := range row {
			line.WriteString(cell)
			if j < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell)+2))
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// columns makes a table without a head.
func columns(n int) *table { return &table{head: make([]string, n)} }

// moment writes a time for people: UTC, to the second; a dash for none.
func moment(t request.Instant) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// words joins a list, with a dash for an empty one.
func words(list []string) string {
	if len(list) == 0 {
		return "–"
	}
	return strings.Join(list, ", ")
}

// plural counts things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// The colours that are used, by what they mean.
const (
	plainText = ""
	alarming  = "\x1b[1;31m"
	pressing  = "\x1b[33m"
	settled   = "\x1b[32m"
	faint     = "\x1b[2m"
)

// paint colours a text where colour may be.
func (c *console) paint(colour, text string) string {
	if colour == plainText || !c.colour() {
		return text
	}
	return colour + text + "\x1b[0m"
}
