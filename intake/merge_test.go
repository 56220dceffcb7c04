package intake

import (
	"encoding/json"
	"testing"
)

// The examples of RFC 7396, appendix A, whose target and patch are objects, and those that a library is known to have got wrong.
func TestMergePatchIsThatOfTheRFC(t *testing.T) {
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"a":1}`, `{"a":{"b":null,"c":[null]}}`, `{"a":{"c":[null]}}`},
		{`{"n":12345678901234567890.10}`, `{}`, `{"n":12345678901234567890.10}`},
	} {
		target, err := object([]byte(c[0]))
		if err != nil {
			t.Fatal(err)
		}
		patch, err := object([]byte(c[1]))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(mergePatch(target, patch)); err != nil || string(got) != c[2] {
			t.Errorf("%s with %s: %s, want %s (%v)", c[0], c[1], got, c[2], err)
		}
	}
	for _, text := range []string{``, `null`, `[]`, `"a"`, `{} {}`, `{"a":}`} {
		if _, err := object([]byte(text)); err == nil {
			t.Errorf("%s counts as an object", text)
		}
	}
}
