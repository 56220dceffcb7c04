// Package plainyaml reads YAML from anybody, as far as JSON can say it, and gives JSON.
//
// It takes one document of mappings, sequences and scalars. What makes a short text stand for a long one, or for something that is not
// written where it stands, is refused: anchors, aliases, merge keys, tags, directives, keys that are no scalars, and a key used twice.
//
// Numbers keep their digits, since 1.50 is an amount, and a plain scalar that is no number of JSON (+15005550100, 0123, 0x10, .inf, 1_000)
// is a text. So are dates. true, false, null, ~ and nothing are what they are in YAML 1.2; yes and no are texts.
//
// The parser below (goccy/go-yaml) needs memory with the square of the nesting, recurses from each key of a mapping to the next and copies
// what it has, and cuts blank lines off a text one by one. A body of 250 KB that is written to that end would occupy it for minutes, or end
// the process. So what is nested more than [MaxDepth] deep, has more than [MaxKeys] keys, or very many blank lines in a row, is turned away
// before, while the text is being cut into words.
package plainyaml

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/scanner"
	"github.com/goccy/go-yaml/token"
)

// MaxDepth is how deep mappings and sequences may be nested; the document itself is the first level.
const MaxDepth = 100

// MaxKeys is how many keys a document may have in all of its mappings, and empty items in its sequences.
const MaxKeys = 10_000

// A run of blank lines costs its length times that of the text before it. Up to fewBlank lines are always taken, and more while the product
// is at most blankCost: in a document of 250 KB, 100 lines.
const (
	fewBlank  = 64
	blankCost = 25 << 20
)

// An Error says why a document was not taken. It is the only kind of error of [JSON].
type Error struct {
	Line   int    // from 1; 0: of the document as a whole
	Reason string // in words of this package: it quotes nothing
	Quote  string // what the parser says, "" mostly; it may quote the document
}

// Error gives everything, the words of the parser too: it may quote the document.
func (e *Error) Error() string {
	text := e.Reason
	if e.Quote != "" {
		text += ": " + e.Quote
	}
	if e.Line == 0 {
		return text
	}
	return fmt.Sprintf("line %d: %s", e.Line, text)
}

// The reasons of an [Error].
const (
	reasonForm      = "this is not readable YAML"
	reasonEncoding  = "the text is not UTF-8"
	reasonEmpty     = "there is no document"
	reasonDocuments = "a second document begins: keep one"
	reasonDeep      = "the nesting is deeper than 100 levels"
	reasonKeys      = "there are more than 10 000 keys and empty items"
	reasonBlank     = "there are too many blank lines in a row"
	reasonPlain     = "anchors, aliases, merge keys, tags and directives are not taken: write the value out"
	reasonKey       = "a key must be a single word or text"
	reasonTwice     = "the key stands a second time in its mapping"
)

// JSON translates a document. Members keep their order. It needs time and memory in proportion to the length of data, which the caller
// bounds. The error is an [*Error].
func JSON(data []byte) (out []byte, err error) {
	defer func() {
		if recover() != nil { // the parser is not ours, and the text is anybody's
			out, err = nil, &Error{Reason: reasonForm}
		}
	}()
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if line := notUTF8(data); line > 0 {
		return nil, &Error{Line: line, Reason: reasonEncoding}
	}
	if line := tooBlank(data); line > 0 {
		return nil, &Error{Line: line, Reason: reasonBlank}
	}
	tokens, err := tokenize(string(data))
	if err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // duplicates are found below, in texts as JSON has them
	if err != nil {
		failed := &Error{Reason: reasonForm}
		if syntax, ok := errors.AsType[yaml.Error](err); ok { // its Error would quote the lines around it
			failed.Line, failed.Quote = lineOf(syntax.GetToken()), syntax.GetMessage()
		}
		return nil, failed
	}
	body, err := onlyBody(file)
	if err != nil {
		return nil, err
	}
	var w writer
	if err := w.value(body, 1); err != nil {
		return nil, err
	}
	return w.out.Bytes(), nil
}

// notUTF8 is the first line that is not UTF-8, 0 when all are.
func notUTF8(data []byte) int {
	if utf8.Valid(data) {
		return 0
	}
	line := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		data = data[size:]
	}
	return line
}

// tooBlank is the first line at which a run of blank lines is too long, 0 when none is.
func tooBlank(data []byte) int {
	most := max(fewBlank, blankCost/(len(data)+1))
	line, run, blank := 1, 0, true
	for i, c := range data {
		switch {
		case c == '\n', c == '\r' && (i+1 == len(data) || data[i+1] != '\n'):
			if run++; !blank {
				run = 0
			}
			if run > most {
				return line
			}
			line, blank = line+1, true
		case c != ' ' && c != '\t' && c != '\r':
			blank = false
		}
	}
	return 0
}

// tokenize cuts a text into words until one of them, or the nesting that they make, is not taken.
func tokenize(text string) (token.Tokens, error) {
	var s scanner.Scanner
	s.Init(text)
	var tokens token.Tokens
	var shape shape
	for {
		words, err := s.Scan()
		if errors.Is(err, io.EOF) {
			return tokens, nil
		}
		for _, t := range words {
			switch t.Type {
			case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType, token.DirectiveType:
				return nil, &Error{Line: lineOf(t), Reason: reasonPlain}
			case token.MappingKeyType:
				return nil, &Error{Line: lineOf(t), Reason: reasonKey}
			}
			switch deep, keys := shape.add(t); {
			case deep > MaxDepth:
				return nil, &Error{Line: lineOf(t), Reason: reasonDeep}
			case keys > MaxKeys:
				return nil, &Error{Line: lineOf(t), Reason: reasonKeys}
			}
		}
		tokens.Add(words...)
		if err != nil { // the last word carries it, and the parser tells
			return tokens, nil
		}
	}
}

// shape follows how deep the words of a document lie, and how many keys there are. The depth is never more than the real one, and at least
// half of it; the exact depth is known once there is a tree, which is safe to make then.
type shape struct {
	brackets []token.Type // that are open
	columns  []int        // of the dashes and the keys outside of brackets that are open
	keys     int          // and empty items, which cost as much
	last     *token.Token // the word before
}

func (s *shape) add(t *token.Token) (depth, keys int) {
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		s.brackets = append(s.brackets, t.Type)
	case token.SequenceEndType, token.MappingEndType:
		s.brackets = s.brackets[:max(0, len(s.brackets)-1)]
	case token.CollectEntryType: // {a, b} has keys without a colon
		if open := len(s.brackets); open > 0 && s.brackets[open-1] == token.MappingStartType {
			s.keys++
		}
	case token.SequenceEntryType:
		if s.last != nil && s.last.Type == token.SequenceEntryType {
			s.keys++
		}
		s.open(t)
	case token.MappingValueType:
		s.keys++
		if s.last != nil {
			s.open(s.last)
		}
	}
	s.last = t
	return len(s.brackets) + len(s.columns), s.keys
}

// open notes a dash or a key: it ends what stands at its column or further in.
func (s *shape) open(t *token.Token) {
	if len(s.brackets) > 0 || t.Position == nil {
		return
	}
	open := len(s.columns)
	for open > 0 && s.columns[open-1] >= t.Position.Column {
		open--
	}
	s.columns = append(s.columns[:open], t.Position.Column)
}

// onlyBody is what stands in the one document of a file.
func onlyBody(file *ast.File) (ast.Node, error) {
	var body ast.Node
	for _, d := range file.Docs {
		switch {
		case d.Body == nil:
		case body != nil:
			return nil, &Error{Line: lineOf(d.Body.GetToken()), Reason: reasonDocuments}
		default:
			body = d.Body
		}
	}
	if body == nil {
		return nil, &Error{Reason: reasonEmpty}
	}
	return body, nil
}

// writer writes nodes as JSON.
type writer struct{ out bytes.Buffer }

func (w *writer) value(n ast.Node, depth int) error {
	switch n := n.(type) {
	case *ast.MappingNode:
		return w.mapping(n, depth)
	case *ast.SequenceNode:
		return w.sequence(n, depth)
	case *ast.NullNode:
		w.out.WriteString("null")
	case *ast.BoolNode:
		fmt.Fprint(&w.out, n.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode, *ast.StringNode, *ast.LiteralNode:
		text, plain := textOf(n)
		if plain && number.MatchString(text) {
			w.out.WriteString(text)
			return nil
		}
		return w.text(text)
	default:
		return &Error{Line: lineOfNode(n), Reason: reasonForm}
	}
	return nil
}

func (w *writer) mapping(n *ast.MappingNode, depth int) error {
	if depth > MaxDepth {
		return &Error{Line: lineOfNode(n), Reason: reasonDeep}
	}
	seen := make(map[string]bool, len(n.Values))
	w.out.WriteByte('{')
	for i, member := range n.Values {
		name, ok := member.Key.(ast.ScalarNode)
		if !ok {
			return &Error{Line: lineOfNode(member), Reason: reasonKey}
		}
		key, _ := textOf(name)
		if seen[key] {
			return &Error{Line: lineOfNode(name), Reason: reasonTwice}
		}
		seen[key] = true
		if i > 0 {
			w.out.WriteByte(',')
		}
		if err := w.text(key); err != nil {
			return err
		}
		w.out.WriteByte(':')
		if err := w.value(member.Value, depth+1); err != nil {
			return err
		}
	}
	w.out.WriteByte('}')
	return nil
}

func (w *writer) sequence(n *ast.SequenceNode, depth int) error {
	if depth > MaxDepth {
		return &Error{Line: lineOfNode(n), Reason: reasonDeep}
	}
	w.out.WriteByte('[')
	for i, item := range n.Values {
		if i > 0 {
			w.out.WriteByte(',')
		}
		if err := w.value(item, depth+1); err != nil {
			return err
		}
	}
	w.out.WriteByte(']')
	return nil
}

// text writes a string of JSON, and < and & as they are: escaped, a text would be six times as long.
func (w *writer) text(text string) error {
	encoder := json.NewEncoder(&w.out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return &Error{Reason: reasonForm}
	}
	w.out.Truncate(w.out.Len() - 1) // the line feed
	return nil
}

// number is a number as JSON writes it (RFC 8259, section 6).
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// textOf is the text of a scalar as it was written, and whether it was written without quotes.
func textOf(n ast.Node) (text string, plain bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		kind := n.GetToken().Type
		return n.Value, kind != token.SingleQuoteType && kind != token.DoubleQuoteType
	case *ast.LiteralNode:
		return n.Value.Value, false
	default:
		return strings.TrimSpace(n.GetToken().Value), true
	}
}

func lineOfNode(n ast.Node) int {
	if n == nil {
		return 0
	}
	return lineOf(n.GetToken())
}

func lineOf(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 0
	}
	return t.Position.Line
}
