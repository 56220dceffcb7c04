package telephone

import (
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
)

func TestAnswersAboutTheDutyAreTexts(t *testing.T) {
	riga, err := time.LoadLocation("Europe/Riga")
	if err != nil {
		t.Fatal(err)
	}
	from, until := time.Date(2026, 3, 28, 20, 0, 0, 0, riga), time.Date(2026, 3, 29, 8, 0, 0, 0, riga)
	ada, next := []string{"KESTREL"}, []string{"HERON", "SWIFT"}
	for want, a := range map[string]notifier.Answer{
		"national: KESTREL until 2026-03-29 08:00 EEST, then HERON, SWIFT.\nsecond: nobody until 2026-03-29 08:00 EEST, then HERON, SWIFT.\nthird: nobody is on duty.": {
			Kind: notifier.WhoIsOn, Shifts: []notifier.Shift{{Roster: "national", Until: until, OnDuty: ada, Next: next}, {Roster: "second", Until: until, Next: next}, {Roster: "third"}},
		},
		"national: KESTREL until 2026-03-29 08:00 EEST.\nsecond: KESTREL.": {
			Kind: notifier.WhoIsOn, Shifts: []notifier.Shift{{Roster: "national", Until: until, OnDuty: ada}, {Roster: "second", OnDuty: ada}},
		},
		"Reply TAKE 123456 within 10 minutes to take the duty national from KESTREL, from now until 2026-03-29 08:00 EEST.": {
			Kind: notifier.TakeOffer, Shifts: []notifier.Shift{{Roster: "national", From: from, Until: until, OnDuty: ada, Code: "123456"}},
		},
		"Reply TAKE 123456 within 10 minutes to take the duty national, which nobody has, from now until 2026-03-29 08:00 EEST.": {
			Kind: notifier.TakeOffer, Shifts: []notifier.Shift{{Roster: "national", From: from, Until: until, Code: "123456"}},
		},
		"You are on duty already: national until 2026-03-29 08:00 EEST. For a request, reply with its 6 digits.": {
			Kind: notifier.OnDuty, Shifts: []notifier.Shift{{Roster: "national", Until: until, OnDuty: ada}},
		},
		"national: KESTREL.": {Kind: notifier.OnDuty, Shifts: []notifier.Shift{{Roster: "national", OnDuty: ada}}},
		"7K4M-2QX9-U is yours: you have the duty national, 2026-03-28 20:00 EET to 2026-03-29 08:00 EEST.": {
			Kind: notifier.CoverIsYours, Ref: "7K4M2QX9U", Shifts: []notifier.Shift{{Roster: "national", From: from, Until: until}},
		},
		"7K4M-2QX9-D is passed on. You are not asked about it again.": {Kind: notifier.Spared, Ref: "7K4M2QX9D"},
		"7K4M-2QX9-U is already taken by HERON.":                      {Kind: notifier.AlreadyTaken, Ref: "7K4M2QX9U", CallSign: "HERON"},
		"You have no duty in the next 60 days.":                       {Kind: notifier.NoDuty},
		"":                                                            {Kind: notifier.NoAnswer},
	} {
		if got := render(a); got != want {
			t.Errorf("%s:\n got %q\nwant %q", a.Kind, got, want)
		}
	}
}

func TestEveryAnswerHasWordsInEveryLanguageAndNoEmptyPlace(t *testing.T) {
	until := time.Date(2026, 3, 29, 8, 0, 0, 0, time.UTC)
	shift := notifier.Shift{Roster: "national", From: until.Add(-time.Hour), Until: until, OnDuty: []string{"KESTREL"}, Next: []string{"HERON"}, Code: "123456"}
	for kind, key := range answers {
		if !phrase.Has(key) {
			t.Errorf("%s has no words", kind)
		}
		for _, l := range phrase.Languages {
			text := render(notifier.Answer{Kind: kind, Ref: "7K4M2QX9D", CallSign: "KESTREL", Language: string(l), Shifts: []notifier.Shift{shift}})
			if text == "" || strings.ContainsAny(text, "{}") || strings.Contains(text, "  ") {
				t.Errorf("%s in %s: %q", kind, l, text)
			}
		}
	}
}
