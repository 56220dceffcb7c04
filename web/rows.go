package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/dutyline/dutyline/request"
)

// A rowView is one line of the content: the label of the field's table, or the name of a member that no table knows.
type rowView struct {
	Label string
	Value valueView
}

// A valueView is one value: pairs, items, a word of the page's language, or text.
type valueView struct {
	Pairs []rowView
	Items []valueView
	Word  string
	Text  string
	Lang  string // of the text, as far as it is known
}

// legible shows what would otherwise hide in a text: controls, and the overrides that make a number read backwards. Marks that Arabic and
// Hebrew need stay, and act on their own text only.
func legible(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r == '\r':
		case r == '\u2028', r == '\u2029':
			out.WriteRune('\n')
		case r == '\u202d', r == '\u202e', r != '\n' && r != '\t' && unicode.IsControl(r):
			fmt.Fprintf(&out, "[U+%04X]", r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// labelFor is the label of a field as an officer reads it. Those of the tables speak to the sender.
func labelFor(path, label string) string {
	if path == "/sender_reference" {
		return "Reference of the sender"
	}
	return label
}

// A personView is somebody to call.
type personView struct {
	Name, Phone string
	Tel         template.URL
}

// callBack lists whom the request names for confirmation.
func callBack(c request.Content) []personView {
	name, phone := legible(text(c, "/callback_person/name")), legible(text(c, "/callback_person/phone"))
	if name == "" && phone == "" {
		return nil
	}
	return []personView{{Name: name, Phone: phone, Tel: tel(phone)}}
}

func text(c request.Content, path string) string {
	value, _ := c.Get(path)
	s, _ := value.(string)
	return strings.TrimSpace(s)
}

// tel is the address that makes a telephone call; of what was written only the digits and a leading plus can reach it.
func tel(phone string) template.URL {
	var out strings.Builder
	for i, r := range strings.TrimSpace(phone) {
		switch {
		case r >= '0' && r <= '9', r == '+' && i == 0:
			out.WriteRune(r)
		case r == ' ', r == '-', r == '.', r == '(', r == ')', r == '/', r == '\u00a0':
		default:
			return "" // an extension, or words: people read it better
		}
	}
	if len(out.String()) < 5 || len(out.String()) > 16 {
		return ""
	}
	return template.URL("tel:" + out.String()) //nolint:gosec // digits only, see above
}

// rows lists the content in the order of the tables, then what the tables do not know.
func rows(c request.Content, language string) []rowView {
	var list []rowView
	known := map[string]bool{}
	for _, f := range c.Fields() {
		known[f.Path] = true
		value, ok := c.Get(f.Path)
		if !ok || f.Kind == request.Object {
			continue
		}
		row := rowView{labelFor(f.Path, f.Label), valueOf(value, language)}
		if s, isText := value.(string); isText {
			switch f.Path {
			case "/type":
				row.Value = valueView{Word: "type_" + s}
			case "/urgency":
				row.Value = valueView{Word: "urgency_" + s}
			case "/instrument":
				row.Value = valueView{Text: instrumentName(s), Lang: "en"}
			case "/language":
				row.Value = valueView{Text: cmp.Or(languageName(s), legible(s))}
			case "/callback_person/name", "/callback_person/phone":
				continue // in the card above
			}
		}
		list = append(list, row)
	}
	return append(list, unknownRows(c, known, language)...)
}

// unknownRows lists what no table knows: the sender wrote it, so the officer reads it.
func unknownRows(c request.Content, known map[string]bool, language string) []rowView {
	var members map[string]any
	decoder := json.NewDecoder(bytes.NewReader(c.Canonical()))
	decoder.UseNumber()
	if decoder.Decode(&members) != nil {
		return nil
	}
	var list []rowView
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !known["/"+name] {
			list = append(list, rowView{legible(name), valueOf(members[name], language)})
			continue
		}
		inner, ok := members[name].(map[string]any)
		if !ok || !isObject(c, "/"+name) {
			continue
		}
		for _, member := range slices.Sorted(maps.Keys(inner)) {
			if !known["/"+name+"/"+member] {
				list = append(list, rowView{legible(name + " / " + member), valueOf(inner[member], language)})
			}
		}
	}
	return list
}

func isObject(c request.Content, path string) bool {
	return slices.ContainsFunc(c.Fields(), func(f request.Field) bool { return f.Path == path && f.Kind == request.Object })
}

// valueOf prepares any JSON value for reading.
func valueOf(value any, language string) valueView {
	switch value := value.(type) {
	case string:
		return valueView{Text: legible(value), Lang: language}
	case bool:
		if value {
			return valueView{Word: "yes"}
		}
		return valueView{Word: "no"}
	case nil:
		return valueView{Text: "–"}
	case []any:
		view := valueView{Text: "–"}
		for _, item := range value {
			view.Items = append(view.Items, valueOf(item, language))
		}
		return view
	case map[string]any:
		view := valueView{Text: "–"}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			view.Pairs = append(view.Pairs, rowView{legible(strings.ReplaceAll(name, "_", " ")), valueOf(value[name], language)})
		}
		return view
	default:
		return valueView{Text: fmt.Sprint(value)}
	}
}

// instrumentNames are the titles of the instruments that the tables of package request know.
var instrumentNames = map[string]string{
	"un_cybercrime_convention": "United Nations Convention against Cybercrime",
	"budapest_convention":      "Budapest Convention on Cybercrime",
	"budapest_second_protocol": "Second Additional Protocol to the Budapest Convention",
	"eu_directive_2013_40":     "Directive 2013/40/EU",
	"eu_directive_2023_977":    "Directive (EU) 2023/977",
	"eu_regulation_2023_1543":  "Regulation (EU) 2023/1543",
}

func instrumentName(code string) string {
	if name, ok := instrumentNames[code]; ok {
		return name
	}
	return code
}
