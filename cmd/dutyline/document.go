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

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
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

// json gives the document as JSON. Of YAML only what JSON can say is taken, and numbers keep their digits: 1.50 is an amount, and what no
// JSON number looks like (+15005550100, 0123, 0x10) is a text.
func (d document) json() (_ []byte, err error) {
	if !d.yaml {
		if !json.Valid(d.data) {
			return nil, usage("%s is not readable JSON%s", d.name, jsonPlace(d.data))
		}
		return d.data, nil
	}
	defer func() {
		if recover() != nil { // the parser is not ours
			err = usage("%s is not readable YAML", d.name)
		}
	}()
	file, err := parser.ParseBytes(d.data, 0)
	if err != nil {
		if syntax, ok := errors.AsType[yaml.Error](err); ok && syntax.GetToken() != nil {
			return nil, usage("%s:%d: this is not readable YAML: %s", d.name, syntax.GetToken().Position.Line, syntax.GetMessage())
		}
		return nil, usage("%s is not readable YAML", d.name)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, usage("%s must hold one YAML document", d.name)
	}
	value, err := d.plain(file.Docs[0].Body)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(value)
	if err != nil {
		return nil, usage("%s is not readable YAML: %w", d.name, err)
	}
	return out, nil
}

// plain gives a node as JSON has it.
func (d document) plain(n ast.Node) (any, error) {
	switch n := n.(type) {
	case *ast.MappingNode:
		object := map[string]any{}
		for _, member := range n.Values {
			name, ok := member.Key.(ast.ScalarNode)
			if !ok || name.Type() == ast.MergeKeyType {
				return nil, d.notTaken(member.Key)
			}
			value, err := d.plain(member.Value)
			if err != nil {
				return nil, err
			}
			object[textOf(name)] = value
		}
		return object, nil
	case *ast.SequenceNode:
		list := []any{}
		for _, item := range n.Values {
			value, err := d.plain(item)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case *ast.NullNode:
		return nil, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.IntegerNode, *ast.FloatNode:
		if text := n.GetToken().Value; json.Valid([]byte(text)) {
			return json.Number(text), nil
		}
		return n.GetToken().Value, nil
	case *ast.StringNode, *ast.LiteralNode, *ast.InfinityNode, *ast.NanNode:
		return textOf(n), nil
	default:
		return nil, d.notTaken(n)
	}
}

func textOf(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	default:
		return n.GetToken().Value
	}
}

func (d document) notTaken(n ast.Node) error {
	return usage("%s:%d: anchors, aliases, merges and tags are not taken: write the value out", d.name, n.GetToken().Position.Line)
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
