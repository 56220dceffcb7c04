package request

import (
	"fmt"
	"time"
)

// InstantLayout is how every time is written: RFC 3339, UTC, milliseconds.
const InstantLayout = "2006-01-02T15:04:05.000Z"

// An Instant is a time as it stands in the log and in answers: UTC, whole milliseconds. The zero value is written as null.
type Instant struct{ time.Time }

// At is the instant of t, cut to milliseconds.
func At(t time.Time) Instant {
	if t.IsZero() {
		return Instant{}
	}
	return Instant{t.UTC().Truncate(time.Millisecond)}
}

// String is the form of the log.
func (i Instant) String() string { return i.UTC().Format(InstantLayout) }

// MarshalJSON writes the instant in [InstantLayout], the zero value as null.
func (i Instant) MarshalJSON() ([]byte, error) {
	if i.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + i.String() + `"`), nil
}

// UnmarshalJSON reads any RFC 3339 time, and null as the zero value.
func (i *Instant) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*i = Instant{}
		return nil
	}
	if n := len(data); n > 2 && data[0] == '"' && data[n-1] == '"' {
		if plain, ok := plainInstant(data[1 : n-1]); ok {
			*i = plain
			return nil
		}
	}
	t, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(data))
	if err != nil {
		return fmt.Errorf("read instant: %w", err)
	}
	if year := t.UTC().Year(); year < 0 || year > 9999 { // by its offset from UTC: it could be read, and not written
		return fmt.Errorf("read instant: the year %d is none of RFC 3339", year)
	}
	*i = At(t)
	return nil
}
