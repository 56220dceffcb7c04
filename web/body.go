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

	"github.com/dutyline/dutyline/plainyaml"
	"github.com/dutyline/dutyline/request"
)

const (
	typeJSON  = "application/json"
	typeMerge = "application/merge-patch+json"
)

var yamlTypes = []string{"application/yaml", "application/x-yaml", "text/yaml"}

// readBody reads a body as [readRaw] does and gives it as JSON: YAML is translated.
func readBody(w http.ResponseWriter, r *http.Request, allowed ...string) ([]byte, error) {
	body, isYAML, err := readRaw(w, r, allowed...)
	if err != nil || !isYAML {
		return body, err
	}
	return fromYAML(body)
}

// readRaw reads a body of at most [request.MaxBody] bytes and says whether it is YAML. An absent Content-Type counts as the first of
// allowed, and one that is neither allowed nor YAML, which may stand for JSON, is turned away.
func readRaw(w http.ResponseWriter, r *http.Request, allowed ...string) (body []byte, isYAML bool, err error) {
	kind := allowed[0]
	if header := r.Header.Get("Content-Type"); header != "" {
		parsed, _, err := mime.ParseMediaType(header)
		if err != nil {
			return nil, false, newProblem(codeMediaType, "")
		}
		kind = parsed
	}
	isYAML = slices.Contains(yamlTypes, kind) && slices.Contains(allowed, typeJSON)
	if !isYAML && !slices.Contains(allowed, kind) {
		if allowed[0] == typeMerge {
			w.Header().Set("Accept-Patch", typeMerge)
			return nil, false, newProblem(codeMediaType, "Send "+typeMerge+".")
		}
		return nil, false, newProblem(codeMediaType, "")
	}
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, request.MaxBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return nil, false, err
		}
		return nil, false, newProblem(codeUnreadable, "The body ended too early.")
	}
	return body, isYAML, nil
}

// fromYAML translates a mapping. What is wrong is told by its place: the text around it may be anybody's.
func fromYAML(body []byte) ([]byte, error) {
	out, err := plainyaml.JSON(body)
	wrong, ok := errors.AsType[*plainyaml.Error](err)
	switch {
	case ok && wrong.Line > 0:
		return nil, newProblem(codeUnreadable, fmt.Sprintf("The body is not taken as YAML: line %d: %s.", wrong.Line, wrong.Reason))
	case ok:
		return nil, newProblem(codeUnreadable, "The body is not taken as YAML: "+wrong.Reason+".")
	case err != nil:
		return nil, err
	case out[0] != '{':
		return nil, newProblem(codeUnreadable, "The body is YAML, and no mapping: write members, as in type: preservation.")
	}
	return out, nil
}

// readInto reads a JSON or YAML body into v. No body leaves v alone. Members that v does not have are named in the answer: a misspelt
// member must not be lost silently.
func readInto(w http.ResponseWriter, r *http.Request, v any) error {
	body, isYAML, err := readRaw(w, r, typeJSON)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if isYAML {
		if body, err = fromYAML(body); err != nil {
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
func decodeProblem(err error) *problem {
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
	return newProblem(codeUnreadable, "A value in the body has the wrong form.")
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
