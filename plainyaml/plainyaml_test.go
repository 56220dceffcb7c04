package plainyaml

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestJSON(t *testing.T) {
	for in, want := range map[string]string{
		"a: 1.50\nb: -7\nc: 0\nd: 1e3\ne: 1.0E+2\nf: -0\ng: 12345678901234567890123":               `{"a":1.50,"b":-7,"c":0,"d":1e3,"e":1.0E+2,"f":-0,"g":12345678901234567890123}`,
		"a: +15005550100\nb: 0123\nc: 0x10\nd: .inf\ne: 1_000\nf: .5\ng: 1.\nh: 0o17\ni: .nan":     `{"a":"+15005550100","b":"0123","c":"0x10","d":".inf","e":"1_000","f":".5","g":"1.","h":"0o17","i":".nan"}`,
		"a: '1'\nb: \"1\"\nc: |\n 1\nd: >-\n  1\ne: 1 2\nf: 1:30:00":                               `{"a":"1","b":"1","c":"1\n","d":"1","e":"1 2","f":"1:30:00"}`,
		"a: ~\nb:\nc: null\nd: true\ne: yes\nf: 2026-01-02\ng: 08:00\nh: False":                    `{"a":null,"b":null,"c":null,"d":true,"e":"yes","f":"2026-01-02","g":"08:00","h":false}`,
		"a: \"bell \\a \\x7f \\0\"\nb: |\n  x\n\n  y\nc: 'it''s'\nd: \"x\\\n  y\"\ne: \"\\u2028\"": `{"a":"bell \u0007 ` + "\x7f" + ` \u0000","b":"x\n\ny\n","c":"it's","d":"xy","e":"\u2028"}`,
		"z: <&>\na: 1\nm: {k: [x, {y: ~}]}":                                                        `{"z":"<&>","a":1,"m":{"k":["x",{"y":null}]}}`, // in order, and no longer than it was
		"- {a: [1, b]}\n- []\n- {}\n-\n- - 1":                                                      `[{"a":[1,"b"]},[],{},null,[1]]`,
		"1: x\ntrue: y\n'<<': z\n~: n":                                                             `{"1":"x","true":"y","<<":"z","~":"n"}`,
		"# before\n---\na: 1 # after\n...\n":                                                       `{"a":1}`,
		"\ufeffa: é":                                                                               `{"a":"é"}`,
		"text":                                                                                     `"text"`,
		`{"a": 1.50, "b": [null, "\u00e9"]}`:                                                       `{"a":1.50,"b":[null,"é"]}`,
	} {
		if got, err := JSON([]byte(in)); err != nil || string(got) != want {
			t.Errorf("%q: %s, %v, want %s", in, got, err, want)
		}
	}
}

func TestWhatIsNotTakenSaysWhereAndWhy(t *testing.T) {
	for in, want := range map[string]Error{
		"a: 1\nb: &x 1":             {2, reasonPlain, ""},
		"a: *x":                     {1, reasonPlain, ""},
		"a: !t 1":                   {1, reasonPlain, ""},
		"<<: {a: 1}":                {1, reasonPlain, ""},
		"%YAML 1.2\n---\na: 1":      {1, reasonPlain, ""},
		"? a\n: 1":                  {1, reasonKey, ""},
		"a: 1\nb: 2\n'a': 3":        {3, reasonTwice, ""},
		"1: x\n\"1\": y":            {2, reasonTwice, ""},
		"{a: {b: 1, b: 2}}":         {1, reasonTwice, ""},
		"a: 1\n---\nb: 2":           {3, reasonDocuments, ""},
		"":                          {0, reasonEmpty, ""},
		"# nothing\n---\n":          {0, reasonEmpty, ""},
		"a: é\nb: \xff":             {2, reasonEncoding, ""},
		"a: b: c":                   {1, reasonForm, "mapping value is not allowed in this context"},
		"\n\na: [1":                 {3, reasonForm, "sequence end token ']' not found"},
		"a: |\n x" + blank(500_000): {2, reasonBlank, ""},
	} {
		out, err := JSON([]byte(in))
		got, ok := errors.AsType[*Error](err)
		if !ok || out != nil {
			t.Errorf("%.40q: %.40s, %v", in, out, err)
			continue
		}
		if want.Reason == reasonBlank {
			got.Line = want.Line // somewhere among the blank ones
		}
		if *got != want {
			t.Errorf("%.40q: %+v, want %+v", in, *got, want)
		}
	}
	if text := (&Error{3, "why", "what"}).Error(); text != "line 3: why: what" {
		t.Error(text)
	}
}

func blank(n int) string { return strings.Repeat("\n", n) }

func TestNestingEndsAtItsBound(t *testing.T) {
	var indented strings.Builder
	for i := range MaxDepth {
		fmt.Fprintf(&indented, "%sa:\n", strings.Repeat(" ", i))
	}
	deepest := strings.Repeat(" ", MaxDepth) + "a: 1\n"
	// A sequence may stand at the column of its key: two levels, one column.
	var flush strings.Builder
	for i := range MaxDepth / 2 {
		fmt.Fprintf(&flush, "a:\n%s- ", strings.Repeat("  ", i))
	}
	for name, c := range map[string]struct {
		in   string
		fits bool
	}{
		"brackets":       {strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), true},
		"brackets more":  {strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), false},
		"braces":         {strings.Repeat("{a: ", MaxDepth) + strings.Repeat("}", MaxDepth), true},
		"braces more":    {strings.Repeat("{a: ", MaxDepth+1) + strings.Repeat("}", MaxDepth+1), false},
		"dashes":         {strings.Repeat("- ", MaxDepth) + "x", true},
		"dashes more":    {strings.Repeat("- ", MaxDepth+1) + "x", false},
		"indented":       {indented.String(), true},
		"indented more":  {indented.String() + deepest, false},
		"flush":          {flush.String() + "x", true},
		"flush more":     {flush.String() + "a: 1", false},
		"beside":         {"a:\n" + strings.Repeat("  - b:\n    - c\n", 1000), true}, // many, and not deep
		"within a text":  {"a: '" + strings.Repeat("[", 300) + "'\nb: |\n  " + strings.Repeat("- ", 300), true},
		"closed in turn": {"a: [" + strings.Repeat("[[]],", 1000) + "]", true},
	} {
		_, err := JSON([]byte(c.in))
		if deep, ok := errors.AsType[*Error](err); (err == nil) != c.fits || (ok && deep.Reason != reasonDeep) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNobodyOccupiesTheProcess sends 250 KB that would each take the parser minutes, gigabytes, or the process.
func TestNobodyOccupiesTheProcess(t *testing.T) {
	const size = 250_000
	fill := func(text string) string { return strings.Repeat(text, size/len(text)) }
	var keys, nested strings.Builder
	for i := 0; keys.Len() < size; i++ {
		fmt.Fprintf(&keys, "%d:\n", i)
	}
	for i := 0; nested.Len() < size; i++ {
		nested.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	for name, c := range map[string]struct{ in, reason string }{
		"brackets":      {"a: " + fill("["), reasonDeep},
		"braces":        {fill("{a: "), reasonDeep},
		"dashes":        {fill("- "), reasonDeep},
		"dashed lines":  {fill("-\n"), reasonKeys},
		"indentation":   {nested.String(), reasonDeep},
		"colons":        {fill("a: "), reasonDeep},
		"keys":          {keys.String(), reasonKeys},
		"bare keys":     {"{" + fill("a,") + "}", reasonKeys},
		"tags":          {fill("!a "), reasonPlain},
		"question":      {fill("? "), reasonKey},
		"blank lines":   {"a: |\n x" + fill("\n"), reasonBlank},
		"blank CR":      {"a: |\r x" + fill("\r"), reasonBlank},
		"blank CRLF":    {"a: |\r\n x" + fill(" \r\n"), reasonBlank},
		"long and lean": {"a: |\n " + fill("x") + blank(200), reasonBlank},
		"separators":    {fill("---\n"), reasonEmpty},
		"closing":       {fill("]"), reasonForm},
		"one text":      {fill("x"), ""},
		"one list":      {"[" + fill("1,") + "]", ""},
		"escapes":       {`"` + fill(`\a`) + `"`, ""},
	} {
		begin := time.Now()
		_, err := JSON([]byte(c.in))
		if took := time.Since(begin); took > 20*time.Second { // 0.3 s on a machine of 2026; unbounded, minutes
			t.Errorf("%s: %s", name, took)
		}
		got, _ := errors.AsType[*Error](err)
		if (c.reason == "") != (err == nil) || (got != nil && got.Reason != c.reason) {
			t.Errorf("%s: %v, want %q", name, err, c.reason)
		}
	}
}

// FuzzJSON translates any text. What is not taken is an [Error] that says why in words of its own. What is taken is one JSON document of valid
// UTF-8, no deeper than it may be, in which no member stands twice; and being JSON, it is read as the YAML that it is too, and gives itself.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		"a: 1\n- b", "a: |+\n x\n\n", "{a: [b, 'c', \"d\"]}", "? a", "a: !x &y *z", "%YAML 1.2\n---\n", "a: >-\n  x", "# c\na: b # d", "a: 0123\nb: 1.50",
		"\ufeff- \"\\ud83d\\ude00\"\r\n- ~", "a:\n- b\n- c: {d}\n", "--- |\n x\n...\n", "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := JSON(data)
		wrong, ok := errors.AsType[*Error](err)
		if (err != nil) != ok || (err == nil) != json.Valid(out) {
			t.Fatalf("%q: %q, %v", data, out, err)
		}
		if err != nil {
			if wrong.Reason == "" || wrong.Line < 0 || wrong.Line > strings.Count(string(data), "\n")+strings.Count(string(data), "\r")+1 {
				t.Fatalf("%q: line %d, %q", data, wrong.Line, wrong.Reason)
			}
			return
		}
		if !utf8.Valid(out) {
			t.Fatalf("%q is no UTF-8", out)
		}
		if depth, twice := look(t, out); depth > MaxDepth || twice != "" {
			t.Fatalf("%d levels, %q stands twice: %s", depth, twice, out)
		}
		if again, err := JSON(out); err != nil || string(again) != string(out) {
			t.Fatalf("%q gives %q, which gives %q, %v", data, out, again, err)
		}
	})
}

// look goes through JSON, for its depth and for a member that stands twice in its object.
func look(t *testing.T, data []byte) (depth int, twice string) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	var level func(int)
	level = func(at int) {
		token, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		delim, nested := token.(json.Delim)
		if !nested {
			return
		}
		depth = max(depth, at)
		names := map[string]bool{}
		for decoder.More() {
			if delim == '{' {
				name, err := decoder.Token()
				if err != nil {
					t.Fatal(err)
				}
				if names[name.(string)] {
					twice = name.(string)
				}
				names[name.(string)] = true
			}
			level(at + 1)
		}
		_, _ = decoder.Token()
	}
	level(1)
	return depth, twice
}
