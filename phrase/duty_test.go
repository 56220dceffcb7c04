package phrase

import (
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/phrase/phrasetest"
)

// fullest are the longest words that a text about duty may hold: a call sign of another script, more requests than are named, a zone
// without a name.
func fullest(sign string) Args {
	zone := time.FixedZone("+0545", 5*3600+45*60)
	day := time.Date(2026, 3, 9, 8, 0, 0, 0, zone)
	return Args{
		Reference: "7K4M-2QX9-U", Code: "123456", CallSign: sign, Roster: "national", From: Moment(day), Until: Moment(day.AddDate(0, 0, 1)), Open: 14,
		Requests: []string{"7K4M-2QX9-D", "2QX9-7K4M-H", "9QX2-M4K7-B", "8QX2-M4K7-B", "1QX2-M4K7-B"},
		Now:      []string{sign}, Next: []string{"HERON"},
		Digits: "01", Number: "+15005550006",
	}
}

func TestTextsAboutDutyFitTwoSegmentsAndHaveNoEmptyPlace(t *testing.T) {
	for _, l := range Languages {
		for _, key := range LongMessages {
			if !Has(key) {
				t.Errorf("%s is not in the files", key)
			}
			for _, sign := range []string{"KESTREL-1234", "СОКОЛ-123456"} {
				text := Text(l, key, fullest(sign))
				n, encoding := phrasetest.Segments(text)
				latin := l == English || l == French || l == Spanish
				most := 2
				if latin && sign != "KESTREL-1234" { // letters of another script in a text of the GSM alphabet make all of it longer
					most = 3
				}
				if n > most || strings.Contains(text, "{") {
					t.Errorf("%s %s takes %d segments of %s: %q", l, key, n, encoding, text)
				}
				if encoding == phrasetest.UCS2 && sign == "KESTREL-1234" && latin {
					t.Errorf("%s %s needs %s: %q", l, key, encoding, text)
				}
			}
		}
	}
}

func TestHandoversNameTheFirstRequestsAndCountTheRest(t *testing.T) {
	for _, l := range Languages {
		for _, key := range []Key{HandoverIn, HandoverOut} {
			text := Text(l, key, fullest("HERON"))
			for _, want := range []string{"7K4M-2QX9-U", "7K4M-2QX9-D, 2QX9-7K4M-H, 9QX2-M4K7-B, +2", "14", "HERON", "123456"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s %s: %q lacks %q", l, key, text, want)
				}
			}
		}
		soon := Text(l, ShiftSoon, fullest("HERON"))
		if !strings.Contains(soon, "2026-03-09 08:00 +0545") || !strings.Contains(soon, "2026-03-10 08:00 +0545") {
			t.Errorf("%s: %q", l, soon)
		}
	}
}
