package roster

import (
	"encoding/json"
	"time"
)

// stamp is how every time is written in answers: RFC 3339, UTC, milliseconds; the zero time is null.
type stamp time.Time

func (s stamp) MarshalJSON() ([]byte, error) {
	t := time.Time(s)
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(t.UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

// MarshalJSON writes the duty as CONTRACT.md has it.
func (d Duty) MarshalJSON() ([]byte, error) {
	type plain Duty
	return json.Marshal(struct {
		At stamp `json:"at"`
		plain
	}{stamp(d.At), plain(d)})
}

// MarshalJSON writes the assignment as CONTRACT.md has it.
func (a Assignment) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Person    string   `json:"person"`
		CallSign  string   `json:"call_sign"`
		Layer     string   `json:"layer"`
		Since     stamp    `json:"since"`
		Until     stamp    `json:"until"`
		Languages []string `json:"languages"`
		Why       []string `json:"why"`
	}{a.Person, a.CallSign, a.Layer, stamp(a.Since), stamp(a.Until), a.Languages, a.Why})
}
