package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile is the largest file that is read, in bytes.
const maxFile = 1 << 20

// Load reads a configuration: the file at path ("": none), then the environment (as [os.Environ] has it), which wins. The error joins
// everything that is wrong. What was read is not checked for its meaning, see [Config.Validate].
func Load(path string, environ []string) (Config, error) {
	var data []byte
	if path != "" {
		var err error
		if data, err = readFile(path); err != nil {
			return Config{}, fmt.Errorf("read the configuration: %w", err)
		}
	}
	return load(path, data, environ)
}

func load(name string, data []byte, environ []string) (Config, error) {
	environment, found := fromEnvironment(environ)
	values := maps.Clone(environment)
	if len(data) > 0 {
		file, more := fromYAML(name, data)
		found = append(found, more...)
		for path, s := range file {
			if !overridden(environment, path) {
				values[path] = s
			}
		}
	}
	var c Config
	for _, path := range paths {
		s, ok := values[path]
		if !ok {
			continue
		}
		k := table[path]
		if other, both := values[k.fileOf]; both {
			found = append(found, fault{s.line, fmt.Errorf("%s: %s is given too: keep one of them", s.at, other.at)})
			continue
		}
		if err := k.set(&c, s.value); err != nil {
			found = append(found, fault{s.line, fmt.Errorf("%s: %w", s.at, err)})
		}
	}
	if err := join(found); err != nil {
		return Config{}, err
	}
	c.Listen, c.DataDir = cmp.Or(c.Listen, DefaultListen), cmp.Or(c.DataDir, DefaultDataDir)
	c.Log.Level, c.Log.Format = cmp.Or(c.Log.Level, "info"), cmp.Or(c.Log.Format, "auto")
	if c.Canary.TwilioTo != "" || c.Canary.VonageTo != "" {
		c.Canary.Every = cmp.Or(c.Canary.Every, DefaultCanaryEvery)
		c.Canary.Slow = cmp.Or(c.Canary.Slow, min(DefaultCanarySlow, c.Canary.Every/2))
	}
	if c.Node == "" {
		c.Node = hostname()
	}
	return c, nil
}

// A fault is an error and the line of the file where it stands; 0 for the environment.
type fault struct {
	line int
	err  error
}

// join puts faults in order: by line, then those of the environment (line 0 less 1 is the greatest number) by name.
func join(found []fault) error {
	slices.SortFunc(found, func(a, b fault) int {
		return cmp.Or(cmp.Compare(uint(a.line)-1, uint(b.line)-1), strings.Compare(a.err.Error(), b.err.Error()))
	})
	errs := make([]error, len(found))
	for i, f := range found {
		errs[i] = f.err
	}
	return errors.Join(errs...)
}

// overridden reports whether the environment gives a key, itself or as a file.
func overridden(environment map[string]setting, path string) bool {
	_, same := environment[path]
	_, file := environment[path+fileSuffix]
	_, plain := environment[table[path].fileOf]
	return same || (file && table[path].secret) || plain
}

// hostname is the host's name as the name of a node: a dot would part the subjects that carry it.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "node"
	}
	return strings.ReplaceAll(name, ".", "-")
}

// A setting is a value and where it stands.
type setting struct {
	value value
	at    string
	line  int // 0: in the environment
}

func fromEnvironment(environ []string) (map[string]setting, []fault) {
	names := map[string]string{}
	for _, path := range paths {
		names[table[path].variable()] = path
	}
	values := map[string]setting{}
	var found []fault
	for _, line := range environ {
		name, content, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, prefix) || slices.Contains(foreign, name) || strings.HasPrefix(name, foreignPrefix) {
			continue
		}
		if content == "" {
			continue
		}
		path, known := names[name]
		switch {
		case !known:
			found = append(found, fault{0, fmt.Errorf("%s: this variable is not known%s", plain(name), suggest(name, names))})
		default:
			values[path] = setting{value{text: content}, name, 0}
		}
	}
	return values, found
}

func suggest(name string, names map[string]string) string {
	var candidates []string
	for known := range names {
		candidates = append(candidates, known)
	}
	slices.Sort(candidates)
	if near := nearest(name, candidates); near != "" {
		return ": did you mean " + near + "?"
	}
	return ": unset it, or name it as the documentation of the configuration does"
}

// readFile reads a file that is not unreasonably large.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s is a directory or larger than 1 MiB: name a file", path)
	}
	return os.ReadFile(path)
}

// readSecret reads a file that holds one secret; one newline at its end is no part of it.
func readSecret(path string) (string, error) {
	data, err := readFile(path)
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return "", fmt.Errorf("read the secret: %s is empty: write the value into it", path)
	}
	return text, nil
}

// parseYAML reads one document; nil for an empty one. Aliases are refused: a few bytes of them can stand for gigabytes.
func parseYAML(data []byte) (_ ast.Node, err error) {
	defer func() {
		if recover() != nil { // the parser is not ours
			err = errors.New("this is not readable YAML: check its form")
		}
	}()
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		if syntax, ok := errors.AsType[yaml.Error](err); ok { // its own text would quote the lines around it
			return nil, &placed{syntax.GetToken().Position.Line, fmt.Errorf("this is not readable YAML: %s", syntax.GetMessage())}
		}
		return nil, errors.New("this is not readable YAML: check its form")
	}
	var body ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case body != nil:
			return nil, &placed{lineOf(doc.Body), errors.New("a second document begins: keep one")}
		default:
			body = doc.Body
		}
	}
	if body == nil {
		return nil, nil
	}
	var find finder
	ast.Walk(&find, body)
	if find.refused != nil {
		return nil, &placed{lineOf(find.refused), errors.New("anchors, aliases, merges and tags are not taken: write the value out")}
	}
	return body, nil
}

// placed is an error at a line.
type placed struct {
	line int
	err  error
}

func (p *placed) Error() string { return fmt.Sprintf("line %d: %v", p.line, p.err) }

// Unwrap gives the error without its place.
func (p *placed) Unwrap() error { return p.err }

type finder struct{ refused ast.Node }

// Visit notes the first node that is not taken.
func (f *finder) Visit(n ast.Node) ast.Visitor {
	switch n.Type() {
	case ast.AliasType, ast.AnchorType, ast.MergeKeyType, ast.TagType:
		if f.refused == nil {
			f.refused = n
		}
		return nil
	}
	return f
}

func lineOf(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

func fromYAML(name string, data []byte) (map[string]setting, []fault) {
	node, err := parseYAML(data)
	if err != nil {
		if at, ok := errors.AsType[*placed](err); ok {
			return nil, []fault{{at.line, fmt.Errorf("%s:%d: %w", name, at.line, at.err)}}
		}
		return nil, []fault{{1, fmt.Errorf("%s: %w", name, err)}}
	}
	w := walk{name: name, values: map[string]setting{}}
	if node != nil {
		w.mapping("", node)
	}
	return w.values, w.faults
}

// A walk goes through a document.
type walk struct {
	name   string
	values map[string]setting
	faults []fault
}

func (w *walk) fail(n ast.Node, path, format string, args ...any) {
	place := fmt.Sprintf("%s:%d: ", w.name, lineOf(n))
	if path != "" {
		place += plain(path) + ": "
	}
	w.faults = append(w.faults, fault{lineOf(n), fmt.Errorf("%s%w", place, fmt.Errorf(format, args...))})
}

// plain makes a name that somebody else wrote printable.
func plain(name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == "" && len(name) <= 80 {
		return name
	}
	return strconv.Quote(name[:min(len(name), 80)])
}

func (w *walk) mapping(at string, n ast.Node) {
	var members []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		members = n.Values
	case *ast.MappingValueNode:
		members = []*ast.MappingValueNode{n}
	case *ast.NullNode:
		return
	default:
		w.fail(n, at, "keys with values are expected: write key: value")
		return
	}
	for _, m := range members {
		label, ok := m.Key.(*ast.StringNode)
		if !ok {
			w.fail(m.Key, at, "a key must be a plain word")
			continue
		}
		path := label.Value
		if at != "" {
			path = at + "." + path
		}
		switch {
		case strings.Contains(label.Value, "."):
			w.fail(label, path, "this key is not known: write what stands behind the dot one line below, indented")
		case isGroup(path):
			w.mapping(path, m.Value)
		default:
			w.leaf(path, label, m.Value)
		}
	}
}

func (w *walk) leaf(path string, label, n ast.Node) {
	if _, known := table[path]; !known {
		hint := ": take it out, or spell it as the documentation of the configuration does"
		if near := nearest(path, paths, groups...); near != "" {
			hint = ": did you mean " + near + "?"
		}
		w.fail(label, path, "this key is not known%s", hint)
		return
	}
	if n.Type() == ast.NullType {
		return
	}
	v, err := valueOf(n)
	if err != nil {
		w.fail(n, path, "%w", err)
		return
	}
	w.values[path] = setting{v, fmt.Sprintf("%s:%d: %s", w.name, lineOf(label), path), lineOf(label)}
}

// groups are the keys that have keys below them.
var groups = []string{"canary", "contacts", "log", "mail", "nats", "policy", "policy.second_path", "policy.waits", "redis", "twilio", "vonage"}

func isGroup(path string) bool { return slices.Contains(groups, path) }

// valueOf reads a scalar, a list of scalars or a list of lists. A scalar is its text as written: a number with a plus in front is a telephone's.
func valueOf(n ast.Node) (value, error) {
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		text, err := scalarOf(n)
		return value{text: text}, err
	}
	v := value{shape: flat}
	for i, item := range sequence.Values {
		inner, ok := item.(*ast.SequenceNode)
		if !ok {
			text, err := scalarOf(item)
			if err != nil || v.shape == nestedList {
				return value{}, errors.New("a list holds texts or lists of texts, not both: write [a, b] or [[a], [b]]")
			}
			v.list = append(v.list, text)
			continue
		}
		if i > 0 && v.shape == flat {
			return value{}, errors.New("a list holds texts or lists of texts, not both: write [a, b] or [[a], [b]]")
		}
		v.shape = nestedList
		level := []string{}
		for _, item := range inner.Values {
			text, err := scalarOf(item)
			if err != nil {
				return value{}, err
			}
			level = append(level, text)
		}
		v.nested = append(v.nested, level)
	}
	return v, nil
}

func scalarOf(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, nil
	default:
		return "", errors.New("a single value or a list is expected here")
	}
}
