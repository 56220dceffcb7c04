package phrase

import (
	"strings"
	"testing"

	"github.com/dutyline/dutyline/phrase/phrasetest"
)

var alarmKinds = []string{
	"unanswered", "nobody_on_duty", "no_usable_channel", "provider_failing", "redis_away", "log_was_away", "clock_offset", "page_late",
	"roster_gap", "unverified_on_duty", "coverage_broken", "contact_failing",
	"handover_unconfirmed", "canary_lost", "canary_slow",
}

func TestAlarmsFitOneSegmentAndSayWhatIsWrong(t *testing.T) {
	for _, l := range Languages {
		for _, kind := range alarmKinds {
			what := words[l][Key("alarm_"+kind)]
			text := Text(l, Alarm, Args{Reference: "7K4M-2QX9-U", Code: "123456", Alarm: kind})
			n, encoding := phrasetest.Segments(text)
			if n != 1 || (encoding == phrasetest.UCS2 && (l == English || l == French || l == Spanish)) {
				t.Errorf("%s %s takes %d segments of %s: %q", l, kind, n, encoding, text)
			}
			for _, want := range []string{"7K4M-2QX9-U", "123456", what} {
				if want == "" || !strings.Contains(text, want) {
					t.Errorf("%s %s: %q lacks %q", l, kind, text, want)
				}
			}
			const when = "2026-11-30 20:00 AEDT"
			ahead := Text(l, AlarmAhead, Args{Reference: "7K4M-2QX9-U", Alarm: kind, From: when})
			n, encoding = phrasetest.Segments(ahead)
			if strings.Contains("roster_gap unverified_on_duty coverage_broken", kind) && (n > 2 || !strings.Contains(ahead, what) || !strings.Contains(ahead, when)) {
				t.Errorf("%s %s ahead takes %d segments of %s: %q", l, kind, n, encoding, ahead)
			}
			spoken := Spoken(l, VoiceAlarm, Args{Reference: "7K4M-2QX9-U", Code: "123456", Alarm: kind})
			if !strings.Contains(spoken, what) || strings.Contains(spoken, "123456") || !strings.Contains(spoken, "9; U") {
				t.Errorf("%s %s is spoken as %q", l, kind, spoken)
			}
		}
	}
}
