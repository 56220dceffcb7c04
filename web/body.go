package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/dutyline/dutyline/request"
)

const (
	typeJSON  = "application/json"
	typeMerge = "application/merge-patch+json"
)

var yamlTypes = []string{"application/yaml", "application/x-yaml", "text/yaml"}

// readBody reads a body of at most [request.MaxBody] bytes and gives it as JSON: YAML is translated, an absent Content-Type counts as
// the first of allowed, and one that is neither allowed nor YAML is turned away.
func readBody(w http.ResponseWriter, r *http.Request, allowed ...string) ([]byte, error) {
	kind := allowed[0]
	if header := r.Header.Get("Content-Type"); header != "" {
		parsed, _, err := mime.ParseMediaType(header)
		if err != nil {
			return nil, newProblem(codeMediaType, "")
		}
		kind = parsed
	}
	isYAML := slices.Contains(yamlTypes, kind) && slices.Contains(allowed, typeJSON)
	if !isYAML && !slices.Contains(allowed, kind) {
		if allowed[0] == typeMerge {
			w.Header().Set("Accept-Patch", typeMerge)
			return nil, newProblem(codeMediaType, "Send "+typeMerge+".")
		}
		return nil, newProblem(codeMediaType, "")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, request.MaxBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return nil, err
		}
		return nil, newProblem(codeUnreadable, "The body ended too early.")
	}
	if isYAML {
		return yamlToJSON(body)
	}
	return body, nil
}

// errYAML is the answer to YAML that cannot be taken. The parser's own message would quote the text.
var errYAML = newProblem(codeUnreadable, "The body is not readable YAML: one document is expected, without anchors, aliases and tags, and nested at most 100 deep.")

// maxNesting is how deep the brackets of a YAML body, and the dashes of one of its lines, may be nested.
const maxNesting = 100

// yamlToJSON translates one document. Aliases are refused: a few hundred bytes of them can stand for gigabytes. So is deep nesting: the
// parser needs memory with the square of it, and 250 KB of opening brackets would end the process.
func yamlToJSON(body []byte) (_ []byte, err error) {
	defer func() {
		if recover() != nil { // the parser is not ours, and the text is anybody's
			err = errYAML
		}
	}()
	tokens := lexer.Tokenize(string(body))
	if tooDeep(tokens) {
		return nil, errYAML
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil || len(file.Docs) != 1 {
		return nil, errYAML
	}
	var find finder
	ast.Walk(&find, file.Docs[0])
	if find.refused {
		return nil, errYAML
	}
	out, err := yaml.YAMLToJSON(body)
	if err != nil {
		return nil, errYAML
	}
	return out, nil
}

// tooDeep looks at the words of a document before they are parsed. Nesting by indentation alone is bounded by the size of a body: each
// level is a line that is longer than the one before.
func tooDeep(tokens token.Tokens) bool {
	brackets, dashes, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, dashes = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType:
			dashes++
		}
		if brackets > maxNesting || dashes > maxNesting {
			return true
		}
	}
	return false
}

type finder struct{ refused bool }

// Visit notes the nodes that are not taken.
func (f *finder) Visit(n ast.Node) ast.Visitor {
	switch n.Type() {
	case ast.AliasType, ast.AnchorType, ast.MergeKeyType, ast.TagType:
		f.refused = true
		return nil
	}
	return f
}

// readInto reads a JSON or YAML body into v. No body leaves v alone. Members that v does not have are named in the answer: a misspelt
// member must not be lost silently.
func readInto(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := readBody(w, r, typeJSON)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return decodeProblem(err)
	}
	if decoder.More() {
		return newProblem(codeUnreadable, "Something follows the JSON object.")
	}
	return nil
}

// decodeProblem says what is wrong with a body by its place: the text around it may be anybody's.
func decodeProblem(err error) *problem {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return newProblem(codeUnreadable, fmt.Sprintf("The body is not readable JSON: syntax error at byte %d.", syntax.Offset))
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return newProblem(codeInvalid, "", request.FieldError{
			Field: "/" + strings.ReplaceAll(wrong.Field, ".", "/"), Code: "wrong_type",
			Detail: "This member has the wrong JSON type.", Fix: "Send a " + jsonName(wrong.Type.Kind().String()) + ".",
		})
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return newProblem(codeInvalid, "", request.FieldError{
			Field: "/" + strings.Trim(name, `"`), Code: "unknown_member",
			Detail: "This member is not known here.", Fix: "Check its spelling, or leave it out.",
		})
	}
	return newProblem(codeUnreadable, "The body is not readable JSON, or a value in it has the wrong form.")
}

func jsonName(kind string) string {
	switch {
	case kind == "string":
		return "JSON string"
	case kind == "bool":
		return "JSON boolean"
	case kind == "slice":
		return "JSON array"
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"), strings.HasPrefix(kind, "float"):
		return "JSON number"
	default:
		return "JSON object"
	}
}
