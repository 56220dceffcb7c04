package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// The marks of the part of a paper that figures are written into.
const (
	figuresBegin = "<!-- figures -->"
	figuresEnd   = "<!-- end of figures -->"
)

// UpdatePaper replaces what stands between two marks of a Markdown file with a table of the results, and draws their plot into a file of the
// same name that ends in .svg. The error wraps [ErrOption] when the file has no such marks.
func UpdatePaper(path string, results []Result) error {
	if err := CheckPaper(path); err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, _ := strings.Cut(string(text), figuresBegin)
	_, after, _ := strings.Cut(rest, figuresEnd)
	plot := strings.TrimSuffix(path, filepath.Ext(path)) + ".svg"
	var drawn bytes.Buffer
	if err := WritePlot(&drawn, results); err != nil {
		return err
	}
	return errors.Join(
		replaceFile(plot, drawn.String()),
		replaceFile(path, before+figuresBegin+"\n"+section(results, filepath.Base(plot), time.Now())+figuresEnd+after),
	)
}

// CheckPaper reports whether figures can be written into a file, before they are measured.
func CheckPaper(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOption, err)
	}
	_, rest, begins := strings.Cut(string(text), figuresBegin)
	if !begins || !strings.Contains(rest, figuresEnd) {
		return fmt.Errorf("%w: %s has no place for figures: write the lines %s and %s where they belong", ErrOption, path, figuresBegin, figuresEnd)
	}
	return nil
}

// section is what stands between the marks.
func section(results []Result, plot string, now time.Time) string {
	var out strings.Builder
	fmt.Fprintf(&out, "Measured on %s with %s on %s/%s, %d processors.\n\n", now.UTC().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	fmt.Fprintf(&out, "![Each limited figure as a share of its limit](%s)\n\n", plot)
	out.WriteString("| figure | what it is | value | baseline | ratio | limit | met |\n|---|---|---|---|---|---|---|\n")
	for _, r := range results {
		cells := r.cells()
		fmt.Fprintf(&out, "| `%s` | %s | %s |\n", cells[0], r.About, strings.Join(cells[1:], " | "))
	}
	return out.String()
}

// replaceFile puts a text in place of a file, whole or not at all.
func replaceFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".bench-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone when it was put in place
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
