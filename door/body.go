package door

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"

	"github.com/dutyline/dutyline/plainyaml"
	"github.com/dutyline/dutyline/request"
)

// Media types of bodies.
const (
	TypeJSON    = "application/json"
	TypeMerge   = "application/merge-patch+json"
	TypeProblem = "application/problem+json"
)

var yamlTypes = []string{"application/yaml", "application/x-yaml", "text/yaml"}

// IsYAML says whether a body of a media type is YAML, which may stand for JSON. An absent type ("") counts as the first of allowed, and one
// that is neither allowed nor YAML is turned away.
func IsYAML(kind string, allowed ...string) (bool, error) {
	parsed := allowed[0]
	if kind != "" {
		var err error
		if parsed, _, err = mime.ParseMediaType(kind); err != nil {
			return false, NewProblem(CodeMediaType, "")
		}
	}
	switch {
	case slices.Contains(yamlTypes, parsed) && slices.Contains(allowed, TypeJSON):
		return true, nil
	case slices.Contains(allowed, parsed):
		return false, nil
	case allowed[0] == TypeMerge:
		return false, NewProblem(CodeMediaType, "Send "+TypeMerge+".")
	default:
		return false, NewProblem(CodeMediaType, "")
	}
}

// FromYAML translates a mapping into JSON. What is wrong is told by its place: the text around it may be anybody's.
func FromYAML(body []byte) ([]byte, error) {
	out, err := plainyaml.JSON(body)
	wrong, ok := errors.AsType[*plainyaml.Error](err)
	switch {
	case ok && wrong.Line > 0:
		return nil, NewProblem(CodeUnreadable, fmt.Sprintf("The body is not taken as YAML: line %d: %s.", wrong.Line, wrong.Reason))
	case ok:
		return nil, NewProblem(CodeUnreadable, "The body is not taken as YAML: "+wrong.Reason+".")
	case err != nil:
		return nil, err
	case out[0] != '{':
		return nil, NewProblem(CodeUnreadable, "The body is YAML, and no mapping: write members, as in type: preservation.")
	}
	return out, nil
}

// Into reads a JSON or YAML body into v. No body leaves v alone. Members that v does not have are named in the problem: a misspelt member
// must not be lost silently.
func Into(body []byte, isYAML bool, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if isYAML {
		var err error
		if body, err = FromYAML(body); err != nil {
			return err
		}
	}
	if _, err := request.ReadJSON(body); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return decodeProblem(err)
	}
	return nil
}

// decodeProblem says what is wrong with a body by its place: the text around it may be anybody's.
func decodeProblem(err error) *Problem {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return NewProblem(CodeInvalid, "", request.FieldError{
			Field: "/" + strings.ReplaceAll(wrong.Field, ".", "/"), Code: "wrong_type",
			Detail: "This member has the wrong JSON type.", Fix: "Send a " + jsonName(wrong.Type.Kind().String()) + ".",
		})
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return NewProblem(CodeInvalid, "", request.FieldError{
			Field: "/" + strings.Trim(name, `"`), Code: "unknown_member",
			Detail: "This member is not known here.", Fix: "Check its spelling, or leave it out.",
		})
	}
	return NewProblem(CodeUnreadable, "A value in the body has the wrong form.")
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
