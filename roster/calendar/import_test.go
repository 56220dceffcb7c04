package calendar_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/calendar"
)

// file is a calendar with events, each written as its lines.
func file(events ...string) []byte {
	text := "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n"
	for _, e := range events {
		text += "BEGIN:VEVENT\n" + strings.TrimSpace(e) + "\nEND:VEVENT\n"
	}
	return []byte(strings.ReplaceAll(text+"END:VCALENDAR\n", "\n", "\r\n"))
}

func example() roster.Book {
	b := roster.Example("Europe/Paris", now)
	b.Revision = 1
	b.Calendars = []roster.Calendar{{ID: "public", Days: []string{"2026-05-01"}}}
	return b
}

// stored is a book after an edit, as it would be stored.
func stored(t *testing.T, before, edit roster.Book, at time.Time) roster.Book {
	t.Helper()
	next, err := before.Next(edit, at)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// absences are the leave of ada as text.
func absences(b roster.Book) (list []string) {
	for _, l := range b.Leave {
		if l.Person == "ada" {
			list = append(list, l.From.UTC().Format("01-02T15:04")+"/"+l.Until.UTC().Format("01-02T15:04"))
		}
	}
	slices.Sort(list)
	return list
}

// Now is 2026-03-04 22:05 UTC, 23:05 in Paris; the clocks change there on 29 March and 25 October.
func TestLeaveIsTakenFromEventsOfEveryForm(t *testing.T) {
	for name, tc := range map[string]struct {
		event string
		want  []string
	}{
		"days": {"UID:a\nDTSTART;VALUE=DATE:20260401\nDTEND;VALUE=DATE:20260403", []string{"03-31T22:00/04-02T22:00"}},
		"a day without an end, over the change of the clocks": {"UID:a\nDTSTART;VALUE=DATE:20260329", []string{"03-28T23:00/03-29T22:00"}},
		"UTC":                                   {"UID:a\nDTSTART:20260401T080000Z\nDTEND:20260401T120000Z", []string{"04-01T08:00/04-01T12:00"}},
		"a zone":                                {"UID:a\nDTSTART;TZID=America/New_York:20260401T080000\nDTEND;TZID=America/New_York:20260401T120000", []string{"04-01T12:00/04-01T16:00"}},
		"a zone behind a registry":              {"UID:a\nDTSTART;TZID=/mozilla.org/20050126_1/America/New_York:20260401T080000\nDURATION:PT4H", []string{"04-01T12:00/04-01T16:00"}},
		"two zones":                             {"UID:a\nDTSTART;TZID=Europe/Paris:20260401T080000\nDTEND;TZID=Asia/Tokyo:20260402T080000", []string{"04-01T06:00/04-01T23:00"}},
		"floating":                              {"UID:a\nDTSTART:20260401T080000\nDTEND:20260401T120000", []string{"04-01T06:00/04-01T10:00"}},
		"a duration in days, over the clocks":   {"UID:a\nDTSTART:20260328T080000\nDURATION:P1DT2H", []string{"03-28T07:00/03-29T08:00"}},
		"a time that does not exist":            {"UID:a\nDTSTART:20260329T023000\nDTEND:20260329T040000", []string{"03-29T01:00/03-29T02:00"}},
		"every week, but once":                  {"UID:a\nDTSTART:20260323T080000\nDTEND:20260323T120000\nRRULE:FREQ=WEEKLY;COUNT=3\nEXDATE:20260330T080000", []string{"03-23T07:00/03-23T11:00", "04-06T06:00/04-06T10:00"}},
		"exceptions as a list, and as a date":   {"UID:a\nDTSTART:20260323T080000\nDTEND:20260323T120000\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260323T080000,20260324T080000\nEXDATE;VALUE=DATE:20260325", []string{"03-26T07:00/03-26T11:00"}},
		"exceptions in UTC":                     {"UID:a\nDTSTART;TZID=Europe/Paris:20260328T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20260329T060000Z", []string{"03-28T07:00/03-28T08:00"}},
		"until, in UTC":                         {"UID:a\nDTSTART;TZID=Europe/Paris:20260328T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260329T060000Z", []string{"03-28T07:00/03-28T08:00", "03-29T06:00/03-29T07:00"}},
		"until a day":                           {"UID:a\nDTSTART;VALUE=DATE:20260410\nRRULE:FREQ=DAILY;UNTIL=20260411", []string{"04-09T22:00/04-10T22:00", "04-10T22:00/04-11T22:00"}},
		"dates beside":                          {"UID:a\nDTSTART;VALUE=DATE:20260410\nRDATE;VALUE=DATE:20260412,20260412", []string{"04-09T22:00/04-10T22:00", "04-11T22:00/04-12T22:00"}},
		"what began before now, from now on":    {"UID:a\nDTSTART:20260301T080000Z\nDTEND:20260310T080000Z", []string{"03-04T22:05/03-10T08:00"}},
		"of a rule that began long ago":         {"UID:a\nDTSTART;VALUE=DATE:19990310\nRRULE:FREQ=YEARLY;UNTIL=20260401", []string{"03-09T23:00/03-10T23:00"}},
		"folded, in small letters, with a mark": {"uid:a\ndtstart;value=DATE:202604\n 01", []string{"03-31T22:00/04-01T22:00"}},
		"over":                                  {"UID:a\nDTSTART:20260301T080000Z\nDTEND:20260302T080000Z", nil},
		"cancelled":                             {"UID:a\nDTSTART;VALUE=DATE:20260401\nSTATUS:CANCELLED", nil},
		"no time":                               {"UID:a\nDTSTART:20260401T080000Z", nil},
		"too far off":                           {"UID:a\nDTSTART;VALUE=DATE:20300401", nil},
	} {
		t.Run(name, func(t *testing.T) {
			data := file(tc.event)
			if strings.HasPrefix(name, "folded") {
				data = append([]byte("\ufeff"), strings.ReplaceAll(string(data), "\r", "")...)
			}
			b := example()
			edit, report, err := calendar.ReadLeave(b, "ada", data, nil, now)
			if err != nil {
				t.Fatal(err)
			}
			after := stored(t, b, edit, now)
			if got := absences(after); !slices.Equal(got, tc.want) {
				t.Errorf("%q, want %q; %+v", got, tc.want, report)
			}
			if len(report.Taken) != len(tc.want) || len(b.Leave) != 0 {
				t.Errorf("%+v", report)
			}
			// The same file again changes nothing, also an hour later.
			for _, later := range []time.Duration{0, time.Hour} {
				again, report, err := calendar.ReadLeave(after, "ada", data, nil, now.Add(later))
				if err != nil || len(report.Taken)+len(report.Removed) > 0 || report.Unchanged != len(tc.want) {
					t.Errorf("again: %+v, %v", report, err)
				}
				if !roster.Same(stored(t, after, again, now.Add(later)), after) {
					t.Errorf("again: %q", absences(again))
				}
			}
		})
	}
}

func TestAnEventThatComesAgainReplacesWhatItBrought(t *testing.T) {
	b := example()
	at := now
	b.Leave = []roster.Leave{{ID: "by-hand", Person: "ada", From: now.AddDate(0, 0, 40), Until: now.AddDate(0, 0, 41)}}
	hand := absences(b)[0]
	step := func(event string, want ...string) calendar.Report {
		t.Helper()
		edit, report, err := calendar.ReadLeave(b, "ada", file(event), nil, at)
		if err != nil {
			t.Fatal(err)
		}
		b = stored(t, b, edit, at)
		want = append(want, hand)
		slices.Sort(want)
		if got := absences(b); !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
		return report
	}
	step("UID:a\nDTSTART:20260310T080000Z\nDTEND:20260320T080000Z", "03-10T08:00/03-20T08:00")
	step("UID:a\nSEQUENCE:1\nDTSTART:20260311T080000Z\nDTEND:20260320T080000Z", "03-11T08:00/03-20T08:00") // moved
	step("UID:b\nDTSTART:20260501T080000Z\nDTEND:20260502T080000Z", "03-11T08:00/03-20T08:00", "05-01T08:00/05-02T08:00")
	at = time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC)
	// It runs. Longer is the same leave; another begin changes nothing that is over.
	step("UID:a\nDTSTART:20260312T080000Z\nDTEND:20260325T080000Z", "03-11T08:00/03-25T08:00", "05-01T08:00/05-02T08:00")
	report := step("UID:a\nSTATUS:CANCELLED\nDTSTART:20260312T080000Z\nDTEND:20260325T080000Z", "03-11T08:00/03-15T00:00", "05-01T08:00/05-02T08:00")
	if len(report.Removed) != 1 || !report.Removed[0].From.Equal(at) {
		t.Errorf("%+v", report)
	}
	// Back again, from now on; and once more, which is nothing.
	at = at.Add(time.Hour)
	for range 2 {
		step("UID:a\nDTSTART:20260312T080000Z\nDTEND:20260325T080000Z", "03-11T08:00/03-15T00:00", "03-15T01:00/03-25T08:00", "05-01T08:00/05-02T08:00")
		at = at.Add(time.Hour)
	}
	// Somebody else's event of the same UID is another.
	edit, _, err := calendar.ReadLeave(b, "bruno", file("UID:a\nSTATUS:CANCELLED\nDTSTART:20260312T080000Z"), nil, at)
	if err != nil || !roster.Same(edit, b) {
		t.Errorf("bruno's file changed %q, %v", absences(edit), err)
	}
}

func TestSingleTimesOfARepeatedEventAreMovedAndCancelled(t *testing.T) {
	b := example()
	edit, report, err := calendar.ReadLeave(b, "ada", file(
		"UID:a\nSEQUENCE:1\nDTSTART;TZID=Europe/Paris:20260401T080000\nDURATION:PT2H\nRRULE:FREQ=DAILY;COUNT=3",
		"UID:a\nRECURRENCE-ID;TZID=Europe/Paris:20260402T080000\nDTSTART;TZID=Europe/Paris:20260405T080000\nDURATION:PT2H",
		"UID:a\nRECURRENCE-ID:20260403T060000Z\nSTATUS:CANCELLED\nDTSTART:20260403T060000Z",
		"UID:a\nSEQUENCE:0\nDTSTART;TZID=Europe/Paris:20270401T080000\nDURATION:PT2H",
	), nil, now)
	if want := []string{"04-01T06:00/04-01T08:00", "04-05T06:00/04-05T08:00"}; err != nil || !slices.Equal(absences(edit), want) {
		t.Errorf("%q, %v", absences(edit), err)
	}
	if len(report.Ignored) != 1 || !strings.Contains(report.Ignored[0].Why, "later version") {
		t.Errorf("%+v", report.Ignored)
	}
}

func TestHolidaysBecomeDaysAndHandWrittenOnesStay(t *testing.T) {
	b := example()
	step := func(want []string, events ...string) calendar.Report {
		t.Helper()
		edit, report, err := calendar.ReadHolidays(b, "public", file(events...), nil, now)
		if err != nil {
			t.Fatal(err)
		}
		b = stored(t, b, edit, now)
		if got := b.Calendars[0].Days; !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
		return report
	}
	july, may, christmas := "UID:july\nDTSTART;VALUE=DATE:20260714", "UID:may\nDTSTART;VALUE=DATE:20260501", "UID:c\nDTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261227"
	all := []string{"2026-05-01", "2026-07-14", "2026-12-25", "2026-12-26"}
	if r := step(all, july, may, christmas); len(r.Taken) != 3 || r.Unchanged != 1 {
		t.Errorf("%+v", r)
	}
	if r := step(all, july, may, christmas); len(r.Taken)+len(r.Removed)+len(r.Ignored) != 0 || r.Unchanged != 4 {
		t.Errorf("again: %+v", r)
	}
	// Cancelled by the file, but one was written by hand. Christmas moves; July is not in the file and stays.
	step([]string{"2026-05-01", "2026-07-14", "2026-12-26", "2026-12-27"}, may+"\nSTATUS:CANCELLED", "UID:c\nDTSTART;VALUE=DATE:20261226\nDTEND;VALUE=DATE:20261228")
	step([]string{"2026-05-01", "2026-12-26", "2026-12-27"}, july+"\nSTATUS:CANCELLED")
	// A day that two events name goes when neither names it.
	step([]string{"2026-05-01", "2026-12-26", "2026-12-27"}, "UID:c2\nDTSTART;VALUE=DATE:20261226")
	step([]string{"2026-05-01", "2026-12-26"}, "UID:c\nSTATUS:CANCELLED\nDTSTART;VALUE=DATE:20261226")
	step([]string{"2026-05-01"}, "UID:c2\nSTATUS:CANCELLED\nDTSTART;VALUE=DATE:20261226")
	if len(b.Calendars[0].Imported) != 0 {
		t.Errorf("%+v", b.Calendars[0].Imported)
	}
	// Today has begun in Paris; a time in UTC is of the days of Paris; a rule goes on behind what is looked at.
	report := step([]string{"2026-03-06", "2026-05-01", "2027-05-08"},
		"UID:t\nDTSTART;VALUE=DATE:20260303\nDTEND;VALUE=DATE:20260305", "UID:u\nDTSTART:20260305T230000Z\nDTEND:20260306T230000Z", "UID:y\nDTSTART;VALUE=DATE:20260508\nRRULE:FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=8\nEXDATE;VALUE=DATE:20260508")
	if len(report.Ignored) != 2 || !strings.Contains(report.Ignored[0].Why, "2 days have begun") || !strings.Contains(report.Ignored[1].Why, "too far off") {
		t.Errorf("%+v", report.Ignored)
	}
}

func TestWhatIsNotUnderstoodRefusesTheFileWithLineAndFix(t *testing.T) {
	fine := "UID:fine\nDTSTART;VALUE=DATE:20260401"
	event := func(lines string) string { return string(file(fine, lines)) }
	for name, tc := range map[string]struct {
		text string
		line int
		says string
	}{
		"nothing":              {"", 1, "This is no calendar"},
		"a page":               {"<!DOCTYPE html>\n<html>", 1, "This is no calendar"},
		"an address book":      {"BEGIN:VCARD\nEND:VCARD", 1, "This is no calendar"},
		"cut off":              {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:2026", 2, "has no end"},
		"ends crossed":         {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\nEND:VEVENT", 3, "did not begin"},
		"no UID":               {event("DTSTART;VALUE=DATE:20260401"), 8, "no UID"},
		"no start":             {event("UID:a"), 8, "no DTSTART"},
		"no such date":         {event("UID:a\nDTSTART;VALUE=DATE:20260230"), 10, "no date"},
		"no time":              {event("UID:a\nDTSTART:soon"), 10, "no time"},
		"a zone of Windows":    {event("UID:a\nDTSTART;TZID=W. Europe Standard Time:20260401T080000"), 10, "not of the IANA database"},
		"a zone of nobody":     {event("UID:a\nDTSTART;TZID=Local:20260401T080000"), 10, "not of the IANA database"},
		"before it begins":     {event("UID:a\nDTSTART:20260401T080000Z\nDTEND:20260401T070000Z"), 11, "ends before it begins"},
		"a day and a time":     {event("UID:a\nDTSTART;VALUE=DATE:20260401\nDTEND:20260401T070000Z"), 11, "the other is a time"},
		"no duration":          {event("UID:a\nDTSTART;VALUE=DATE:20260401\nDURATION:-P1D"), 11, "no duration"},
		"every hour":           {event("UID:a\nDTSTART:20260401T080000Z\nRRULE:FREQ=HOURLY"), 11, "is not taken"},
		"no rule":              {event("UID:a\nDTSTART:20260401T080000Z\nRRULE:every day"), 11, "cannot be read"},
		"a rule that panics":   {event("UID:a\nDTSTART:20260401T080000Z\nRRULE:FREQ=YEARLY;BYEASTER=-400"), 11, "is not taken"},
		"two rules":            {event("UID:a\nDTSTART:20260401T080000Z\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY"), 12, "several rules"},
		"rules of exception":   {event("UID:a\nDTSTART:20260401T080000Z\nEXRULE:FREQ=DAILY"), 11, "Rules of exception"},
		"periods":              {event("UID:a\nDTSTART:20260401T080000Z\nRDATE;VALUE=PERIOD:20260401T080000Z/PT1H"), 11, "Periods"},
		"a part of a series":   {event("UID:a\nDTSTART:20260401T080000Z\nRECURRENCE-ID:20260401T080000Z"), 8, "the event itself is not in the file"},
		"from one time on":     {string(file("UID:a\nDTSTART:20260401T080000Z\nRRULE:FREQ=DAILY", "UID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260402T080000Z\nDTSTART:20260402T090000Z")), 11, "from one time on"},
		"a parameter cut off":  {event("UID:a\nDTSTART;TZID=Europe"), 10, "cannot be read"},
		"a year of no clock":   {event("UID:a\nDTSTART;VALUE=DATE:00010101"), 10, "year"},
		"too many times":       {event("UID:a\nDTSTART;VALUE=DATE:20260401\nRRULE:FREQ=DAILY\nRDATE;VALUE=DATE:" + strings.Repeat("20260401,", 1000) + "20260401"), 12, "more than 1000 times"},
		"too long a time":      {event("UID:a\nDTSTART;VALUE=DATE:20260401\nDTEND;VALUE=DATE:20400401"), 8, "longer than 999 days"},
		"too large":            {strings.Repeat("x", calendar.MaxFile+1), 1, "larger than 1 MiB"},
		"too many repetitions": {string(file(slices.Collect(many(51, "RRULE:FREQ=YEARLY"))...)), 254, "are repeated"},
	} {
		_, _, err := calendar.ReadLeave(example(), "ada", []byte(tc.text), nil, now)
		wrong, ok := errors.AsType[*calendar.FileError](err)
		if !ok || wrong.Troubles[0].Line != tc.line || !strings.Contains(wrong.Troubles[0].Detail, tc.says) || wrong.Troubles[0].Fix == "" {
			t.Errorf("%s: %v, want line %d: %s", name, err, tc.line, tc.says)
		}
	}
	_, _, err := calendar.ReadLeave(example(), "ada", file("UID:a", "UID:b", fine), nil, now)
	if wrong, _ := errors.AsType[*calendar.FileError](err); wrong == nil || len(wrong.Troubles) != 2 {
		t.Errorf("two troubles: %v", err)
	}
	for _, err := range []error{
		func() error { _, _, err := calendar.ReadLeave(example(), "nobody", file(fine), nil, now); return err }(),
		func() error { _, _, err := calendar.ReadHolidays(example(), "none", file(fine), nil, now); return err }(),
	} {
		if !errors.Is(err, calendar.ErrUnknown) {
			t.Error(err)
		}
	}
}

func many(n int, lines string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for i := range n {
			if !yield(fmt.Sprintf("UID:u%d\nDTSTART;VALUE=DATE:20260401\n%s", i, lines)) {
				return
			}
		}
	}
}

// What somebody wrote about their absence goes nowhere, and neither does the UID, which may hold an address.
func TestNoWordOfAFileGetsIntoTheBookOrTheReport(t *testing.T) {
	event := "UID:jane.doe@clinic.example\nSUMMARY:zebra\nDESCRIPTION:zebra\n zebra\nATTENDEE;CN=zebra:mailto:zebra@x.example\nCATEGORIES:zebra\nDTSTART;VALUE=DATE:20260401\nBEGIN:VALARM\nUID:zebra\nDTSTART:zebra\nEND:VALARM"
	leave, one, err := calendar.ReadLeave(example(), "ada", file(event), nil, now)
	if err != nil {
		t.Fatal(err)
	}
	holidays, two, err := calendar.ReadHolidays(example(), "public", file(event), nil, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{leave, one, holidays, two} {
		if text := fmt.Sprintf("%+v", v); strings.Contains(text, "zebra") || strings.Contains(text, "clinic") || strings.Contains(text, "jane") {
			t.Errorf("%s", text)
		}
	}
}
