package main

import (
	"reflect"
	"testing"

	"github.com/dutyline/dutyline/roster"
)

func TestHoursAreReadAsPeopleWriteThem(t *testing.T) {
	working := []roster.Weekday{"mon", "tue", "wed", "thu", "fri"}
	for text, want := range map[string]*roster.Restriction{
		"08:00-20:00":                      {From: "08:00", Until: "20:00"},
		" mon-fri  18:00-08:00":            {Weekdays: working, From: "18:00", Until: "08:00"},
		"Fri 17:00-Mon 08:00":              {Weekdays: []roster.Weekday{"fri"}, From: "17:00", Until: "08:00", UntilDay: "mon"},
		"mon,wed,sat-sun 08:00-20:00":      {Weekdays: []roster.Weekday{"mon", "wed", "sat", "sun"}, From: "08:00", Until: "20:00"},
		"sun-mon 00:00-00:00":              {Weekdays: []roster.Weekday{"sun", "mon"}, From: "00:00", Until: "00:00"},
		"08:00-20:00 only public":          {From: "08:00", Until: "20:00", Calendar: "public", Holidays: roster.OnlyHolidays},
		"sat 08:00-sun 08:00 except eu-27": {Weekdays: []roster.Weekday{"sat"}, From: "08:00", Until: "08:00", UntilDay: "sun", Calendar: "eu-27", Holidays: roster.NotHolidays},
		"":                                 nil,
		"8-20":                             nil,
		"08:00":                            nil,
		"monday 08:00-20:00":               nil,
		"mon- 08:00-20:00":                 nil,
		"08:00-20:00 only":                 nil,
		"08:00-20:00 never public":         nil,
	} {
		got, err := parseWindow(text)
		if (err == nil) != (want != nil) {
			t.Errorf("%q: %v", text, err)
		}
		if want != nil && !reflect.DeepEqual(got, *want) {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
