package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dutyline/dutyline/plainyaml"
	"github.com/dutyline/dutyline/request"
)

// maxDocument is the largest file that is sent, in bytes. The server's own bound is smaller and it says so.
const maxDocument = 16 << 20

// A document is a file that a command was given.
type document struct {
	name string
	data []byte
	yaml bool
}

// readDocument reads a file, or standard input for "-". What is JSON counts as JSON; what is not is YAML, unless its
// name promises JSON.
func (c *console) readDocument(path string) (document, error) {
	d := document{name: path}
	from := c.in
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return d, usage("read the file: %w", err)
		}
		defer func() { _ = file.Close() }()
		from = file
	} else {
		d.name = "standard input"
	}
	var err error
	if d.data, err = io.ReadAll(io.LimitReader(from, maxDocument+1)); err != nil {
		return d, usage("read the file: %w", err)
	}
	if len(d.data) > maxDocument {
		return d, usage("%s is larger than 16 MiB", d.name)
	}
	if len(bytes.TrimSpace(d.data)) == 0 {
		return d, usage("%s is empty", d.name)
	}
	d.yaml = !json.Valid(d.data) && strings.ToLower(filepath.Ext(path)) != ".json"
	return d, nil
}

// json gives the document as JSON.
func (d document) json() ([]byte, error) {
	if !d.yaml {
		if !json.Valid(d.data) {
			return nil, usage("%s is not readable JSON%s", d.name, jsonPlace(d.data))
		}
		if _, err := request.ReadJSON(d.data); err != nil { // as of YAML: nothing that is written twice
			return nil, usage("%s%s", d.name, strings.TrimPrefix(err.Error(), request.ErrUnreadable.Error()))
		}
		return d.data, nil
	}
	out, err := plainyaml.JSON(d.data)
	if wrong, ok := errors.AsType[*plainyaml.Error](err); ok && wrong.Line > 0 {
		where := fmt.Sprintf("%s:%d", d.name, wrong.Line)
		wrong.Line = 0
		return nil, usage("%s: %w", where, wrong)
	}
	if err != nil {
		return nil, usage("%s: %w", d.name, err)
	}
	return out, nil
}

// jsonPlace says where JSON breaks off.
func jsonPlace(data []byte) string {
	var v any
	syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(data, &v))
	if !ok {
		return ""
	}
	before := data[:min(int(syntax.Offset), len(data))]
	return fmt.Sprintf(": line %d, %s", 1+bytes.Count(before, []byte("\n")), syntax.Error())
}
