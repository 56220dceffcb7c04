package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxBody is the largest request body in bytes. Attachments are not accepted yet, and text beyond this is not a short summary.
const MaxBody = 256 << 10

// ErrUnreadable says that a body is not JSON at all.
var ErrUnreadable = errors.New("the body is not readable JSON")

// A Content is what the sender wrote: a JSON object with the members of CONTRACT.md, unknown ones kept. It is sealed before it is stored.
type Content struct{ members map[string]any }

// A FieldError says why a request cannot be understood, and what to do.
type FieldError struct {
	Field  string `json:"field"` // RFC 6901 pointer
	Code   string `json:"code"`  // required, wrong_type, not_allowed
	Detail string `json:"detail"`
	Fix    string `json:"fix"`
}

// A MissingField is a field that the sender still has to supply.
type MissingField struct {
	Field  string `json:"field"`
	Label  string `json:"label"`
	Source string `json:"source"`
}

// A Warning tells the sender of something that was kept but not understood.
type Warning struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// ParseContent reads a body. The error is [ErrUnreadable] (wrapped) for what is not JSON; what is JSON but cannot be understood
// comes back as field errors, all of them at once. Numbers keep their digits.
func ParseContent(body []byte) (Content, []FieldError, error) {
	value, err := ReadJSON(body)
	if err != nil {
		return Content{}, nil, err
	}
	members, ok := value.(map[string]any)
	if !ok {
		return Content{}, []FieldError{{Field: "", Code: "wrong_type", Detail: "The request must be a JSON object.", Fix: `Send an object: {"type": "preservation", …}.`}}, nil
	}
	c := Content{members: members}
	return c, c.check(), nil
}

// MaxDepth is how deep arrays and objects may be nested; the document itself is the first level. What is stored wraps it once more, and
// encoding/json gives up at ten thousand.
const MaxDepth = 1000

// ReadJSON reads one JSON document, numbers as they are written. It refuses what would not be stored as it was sent: a member that stands
// twice in its object, of which only the last would be left, and bytes that are no UTF-8 (RFC 8259, sections 4 and 8.1). The error wraps
// [ErrUnreadable] and quotes nothing of the document.
func ReadJSON(data []byte) (any, error) {
	if at := notUTF8(data); at >= 0 {
		return nil, fmt.Errorf("%w: byte %d is not UTF-8", ErrUnreadable, at)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrUnreadable, jsonTrouble(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows the JSON document", ErrUnreadable)
	}
	return value, unambiguous(data)
}

// notUTF8 is the place of the first byte that is not UTF-8, -1 when all are.
func notUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for at := 0; ; {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
}

// unambiguous looks for members that stand twice, and for too many levels, in what is known to be JSON.
func unambiguous(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	type level struct {
		members map[string]bool // nil in an array
		value   bool            // the next token is the value of a member
	}
	levels := []level{{}}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %s", ErrUnreadable, jsonTrouble(err))
		}
		at := &levels[len(levels)-1]
		switch token {
		case json.Delim('}'), json.Delim(']'):
			levels = levels[:len(levels)-1]
			continue
		}
		if name, ok := token.(string); ok && at.members != nil && !at.value {
			if at.members[name] {
				return fmt.Errorf("%w: a member stands twice in its object, the second time before byte %d", ErrUnreadable, decoder.InputOffset())
			}
			at.members[name], at.value = true, true
			continue
		}
		at.value = false
		switch token {
		case json.Delim('{'):
			levels = append(levels, level{members: map[string]bool{}})
		case json.Delim('['):
			levels = append(levels, level{})
		}
		if len(levels)-1 > MaxDepth {
			return fmt.Errorf("%w: it is nested more than %d levels deep", ErrUnreadable, MaxDepth)
		}
	}
}

// jsonTrouble describes a decoding error by its place alone: the text around it is case content.
func jsonTrouble(err error) string {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("syntax error at byte %d", syntax.Offset)
	}
	return "it ends too early"
}

// Canonical is the content as JSON with sorted keys: the same content gives the same bytes. Nothing is escaped that need not be.
func (c Content) Canonical() []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(c.members); err != nil { // only values that came from JSON are in there
		panic("request: content does not encode: " + err.Error())
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// MarshalJSON writes the canonical form.
func (c Content) MarshalJSON() ([]byte, error) { return c.Canonical(), nil }

// Type is the request type, "" when absent.
func (c Content) Type() Type { return Type(c.text("/type")) }

// Urgency is what the sender proposed, "" when absent.
func (c Content) Urgency() Urgency { return Urgency(c.text("/urgency")) }

// languageTag is the form of a BCP 47 tag.
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`)

// Language is the language in which the request is written, "" when absent or when what stands there is no BCP 47 tag: it routes the
// request and stands in clear in the log, where free text must not.
func (c Content) Language() string {
	if tag := c.text("/language"); languageTag.MatchString(tag) {
		return tag
	}
	return ""
}

// Get returns the value at an RFC 6901 pointer of plain member names, and whether it is there. A null counts as absent.
func (c Content) Get(path string) (any, bool) {
	var value any = c.members
	for name := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		if value, ok = object[name]; !ok || value == nil {
			return nil, false
		}
	}
	return value, true
}

func (c Content) text(path string) string {
	value, _ := c.Get(path)
	text, _ := value.(string)
	return strings.TrimSpace(text)
}

// Fields lists the rows of the tables that apply to the content's type.
func (c Content) Fields() []Field { return slices.Concat(Common, Details[c.Type()]) }

// Missing lists the required fields that are absent or empty, in the order of the tables. A person who is absent altogether is one entry.
func (c Content) Missing() []MissingField {
	missing := []MissingField{}
	for _, f := range c.Fields() {
		if f.Optional || slices.Contains(f.NotFor, c.Type()) || c.present(f.Path) {
			continue
		}
		if parent := f.Path[:strings.LastIndexByte(f.Path, '/')]; parent != "" && parent != "/details" && !c.present(parent) {
			continue // its parent is listed
		}
		missing = append(missing, MissingField{Field: f.Path, Label: f.Label, Source: f.Source})
	}
	return missing
}

func (c Content) present(path string) bool {
	value, ok := c.Get(path)
	if !ok {
		return false
	}
	switch value := value.(type) {
	case string:
		return strings.TrimSpace(value) != ""
	case map[string]any:
		return len(value) > 0
	case []any:
		return len(value) > 0
	default:
		return true
	}
}

// Warnings lists what was kept but not understood: unknown members, an unknown instrument, a language no officer is addressed in.
func (c Content) Warnings() []Warning {
	known := map[string]bool{}
	for _, f := range c.Fields() {
		known[f.Path] = true
	}
	warnings := []Warning{}
	for _, path := range c.paths() {
		if known[path] {
			continue
		}
		detail := "This member is not known here. It was kept and the officer sees it."
		if last := path[strings.LastIndexByte(path, '/')+1:]; last == "attachments" || last == "attachment" {
			detail = "Attachments are not accepted yet. What stands here was kept as text; say in the facts how the file can be obtained."
		}
		warnings = append(warnings, Warning{Field: path, Detail: detail})
	}
	if instrument := c.text("/instrument"); instrument != "" && !slices.Contains(Instruments, instrument) {
		warnings = append(warnings, Warning{Field: "/instrument", Detail: "This instrument is not in our table (" + strings.Join(Instruments, ", ") + "). No legal clock was started for it."})
	}
	switch language := c.Language(); {
	case language == "" && c.present("/language"):
		warnings = append(warnings, Warning{Field: "/language", Detail: "This is no language tag (BCP 47), as in en or pt-BR. It was kept; officers are told no language."})
	case language != "" && !slices.Contains(Languages, baseLanguage(language)):
		warnings = append(warnings, Warning{Field: "/language", Detail: "Officers read " + strings.Join(Languages, ", ") + ". A translation may be needed."})
	}
	return warnings
}

func baseLanguage(tag string) string {
	base, _, _ := strings.Cut(strings.ToLower(tag), "-")
	return base
}

// paths lists the pointers of the members and of the members of the objects that the tables describe, sorted.
func (c Content) paths() []string {
	var paths []string
	for name, value := range c.members {
		path := "/" + escape(name)
		paths = append(paths, path)
		if object, ok := value.(map[string]any); ok && slices.ContainsFunc(Common, func(f Field) bool { return f.Path == path && f.Kind == Object }) {
			for inner := range object {
				paths = append(paths, path+"/"+escape(inner))
			}
		}
	}
	slices.Sort(paths)
	return paths
}

func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// withArticle is the kind in a sentence.
func (k Kind) withArticle() string {
	if k == Object {
		return "an " + string(k)
	}
	return "a " + string(k)
}

// check lists what makes the content impossible to understand.
func (c Content) check() []FieldError {
	var problems []FieldError
	if !c.present("/type") {
		problems = append(problems, FieldError{
			Field: "/type", Code: "required", Detail: "The type of request is absent.",
			Fix: "Set type to one of: " + strings.Join(names(Types), ", ") + ".",
		})
	}
	for _, f := range c.Fields() {
		value, ok := c.Get(f.Path)
		if !ok || value == "" {
			continue
		}
		if !f.Kind.matches(value) {
			problems = append(problems, FieldError{
				Field: f.Path, Code: "wrong_type", Detail: f.Label + " must be " + f.Kind.withArticle() + ".",
				Fix: "Send a JSON " + string(f.Kind) + ", or leave it out: you can supply it later.",
			})
			continue
		}
		if f.Enum != nil && !slices.Contains(f.Enum, value.(string)) {
			problems = append(problems, FieldError{
				Field: f.Path, Code: "not_allowed", Detail: f.Label + " has a value that is not in the list.",
				Fix: "Use one of: " + strings.Join(f.Enum, ", ") + ".",
			})
		}
	}
	return problems
}

func (k Kind) matches(value any) bool {
	switch k {
	case Text:
		_, ok := value.(string)
		return ok
	case Boolean:
		_, ok := value.(bool)
		return ok
	case Object:
		_, ok := value.(map[string]any)
		return ok
	default:
		return true
	}
}
