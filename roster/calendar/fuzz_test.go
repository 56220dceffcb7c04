package calendar_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/internal/fuzztest"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/calendar"
)

// What the fuzz target keeps, and with what it is refused.
func TestKeptInputsAreRefused(t *testing.T) {
	fuzztest.Refused(t, "FuzzFile", map[string]string{
		"cut_within_a_parameter": "This line cannot be read.", "rule_of_seconds": "This rule of repetition is not taken.", "end_without_begin": "Something ends here that did not begin.",
		"event_of_nowhere": "This time zone is not of the IANA database.",
	}, func(args []string) string {
		_, _, err := calendar.ReadLeave(example(), "ada", []byte(args[0]), nil, now)
		if wrong, ok := errors.AsType[*calendar.FileError](err); ok {
			return wrong.Troubles[0].Detail
		}
		return ""
	})
}

// FuzzFile reads any file as leave and as holidays. Nothing panics. What is refused says where and what to do, and changes nothing. What is
// taken makes a valid book with nothing but what was asked for, and the same file again changes nothing.
func FuzzFile(f *testing.F) {
	f.Add(file("UID:a\nDTSTART;VALUE=DATE:20260401\nDTEND;VALUE=DATE:20260403\nRRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO,TU\nEXDATE;VALUE=DATE:20260407"))
	f.Add(file("UID:a\nDTSTART;TZID=Europe/Paris:20260329T023000\nDURATION:P1DT2H\nRDATE:20260501T080000Z\nSTATUS:CONFIRMED\nSEQUENCE:2"))
	f.Add(file("UID:a\nDTSTART:20260201T080000Z\nDTEND:20260401T080000Z", "UID:a\nRECURRENCE-ID:20260201T080000Z\nSTATUS:CANCELLED\nDTSTART:20260201T080000Z"))
	f.Add(file("UID:a\nDTSTART;VALUE=DATE:20260401\nRRULE:FREQ=YEARLY;BYWEEKNO=53;BYSETPOS=-1;WKST=SU;UNTIL=20290101T000000Z"))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := example()
		for kind, read := range map[string]func(b roster.Book, at time.Time) (roster.Book, calendar.Report, error){
			"leave": func(b roster.Book, at time.Time) (roster.Book, calendar.Report, error) {
				return calendar.ReadLeave(b, "ada", data, nil, at)
			},
			"holidays": func(b roster.Book, at time.Time) (roster.Book, calendar.Report, error) {
				return calendar.ReadHolidays(b, "public", data, nil, at)
			},
		} {
			edit, report, err := read(before, now)
			if err != nil {
				wrong, ok := errors.AsType[*calendar.FileError](err)
				if !ok || len(wrong.Troubles) == 0 || !roster.Same(edit, before) {
					t.Fatalf("%s: %v", kind, err)
				}
				for _, trouble := range wrong.Troubles {
					if trouble.Line < 1 || trouble.Detail == "" || trouble.Fix == "" {
						t.Fatalf("%s: %+v", kind, trouble)
					}
				}
				continue
			}
			after, err := before.Next(edit, now)
			if _, invalid := errors.AsType[*roster.ValidationError](err); invalid {
				continue // more than a book may have, or a day that was worked
			}
			if err != nil {
				t.Fatal(err)
			}
			if kind == "leave" && len(after.Leave) != len(report.Taken) {
				t.Fatalf("%d absences of %+v", len(after.Leave), report)
			}
			for _, l := range after.Leave {
				if l.Person != "ada" || l.From.Before(now) || !strings.HasPrefix(l.ID, "ics-") {
					t.Fatalf("%+v", l)
				}
			}
			at := now.Add(time.Minute)
			again, report, err := read(after, at)
			if err != nil {
				t.Fatalf("%s, a minute later: %v", kind, err)
			}
			for _, item := range report.Taken { // the horizon moves on, too
				if item.Day == "" && item.From.Before(now.Add(calendar.Horizon)) || item.Day != "" && item.Day < now.Add(calendar.Horizon).AddDate(0, 0, -2).Format(time.DateOnly) {
					t.Fatalf("%s, a minute later: %+v", kind, report)
				}
			}
			if len(report.Taken)+len(report.Removed) == 0 && !roster.Same(again, after) {
				t.Fatalf("%s, a minute later, is another book", kind)
			}
		}
	})
}
