package telephone_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
)

// written is what texts are about, and what each names of a duty.
var written = map[notifier.About][]string{
	notifier.AskToTake: nil, notifier.TellWithdrawn: nil, notifier.AskToLookAfter: nil,
	notifier.TellAhead:     {"2026-03-28 20:00 EET"},
	notifier.TellShiftSoon: {"national", "2026-03-28 20:00 EET", "2026-03-29 08:00 EEST"},
	notifier.TellShiftNow:  {"national", "2026-03-29 08:00 EEST", "14"},
	notifier.AskToHandOver: {"KESTREL", "14", "9QX2-M4K7-B"}, notifier.AskToTakeOver: {"KESTREL", "14", "9QX2-M4K7-B"},
	notifier.TellHandedOver: {"KESTREL"}, notifier.TellNotSigned: {"KESTREL"},
	notifier.AskToCover:       {"KESTREL", "national", "2026-03-28 20:00 EET", "2026-03-29 08:00 EEST"},
	notifier.TellCoverTaken:   {"KESTREL", "national", "2026-03-28 20:00 EET", "2026-03-29 08:00 EEST"},
	notifier.TellCoverExpired: {"KESTREL", "national", "2026-03-28 20:00 EET", "2026-03-29 08:00 EEST"},
	notifier.TellContactAhead: {"KESTREL"}, notifier.TellOptedOut: {"01", "+15005550006"}, notifier.TellTextsFail: {"01"}, notifier.TellCallsFail: {"01"},
}

// about is a message about something, with all that a duty says.
func about(t *testing.T, a notifier.About) notifier.Message {
	t.Helper()
	riga, err := time.LoadLocation("Europe/Riga")
	if err != nil {
		t.Fatal(err)
	}
	m := message()
	m.About, m.Alarm = a, request.AlarmGap
	m.Duty = notifier.Duty{
		Roster: "national", CallSign: "KESTREL", Open: 14, Requests: []request.Ref{"9QX2M4K7B"},
		From: time.Date(2026, 3, 28, 20, 0, 0, 0, riga), Until: time.Date(2026, 3, 29, 8, 0, 0, 0, riga),
		Digits: "01", Number: "+15005550006",
	}
	if !a.Asks() {
		m.Code = ""
	}
	return m
}

func TestATextSaysAllOfADutyInEveryLanguageAndIsRecognised(t *testing.T) {
	for a, names := range written {
		m, none := about(t, a), about(t, a)
		none.Duty = notifier.Duty{}
		other := m
		other.Ref, other.Code, other.Duty.Roster = "2QX97K4MH", "131313", "second"
		for _, l := range phrase.Languages {
			m.Reader, none.Reader, other.Reader = string(l), string(l), string(l)
			text, ok := telephone.Text(m)
			if !ok || strings.ContainsAny(text, "{}") || strings.Contains(text, "  ") || !strings.Contains(text, m.Code) {
				t.Errorf("%s in %s: %t, %q", a, l, ok, text)
			}
			for _, name := range names {
				if !strings.Contains(text, name) {
					t.Errorf("%s in %s lacks %s: %q", a, l, name, text)
				}
			}
			if bare, _ := telephone.Text(none); strings.Contains(bare, "0001-01-01") {
				t.Errorf("%s in %s: %q", a, l, bare)
			}
			changed := m
			changed.Reader, changed.Urgency = "en", request.Routine
			if !telephone.Recognise(changed)("Sent from a trial account - " + text) {
				t.Errorf("%s in %s is not recognised: %q", a, l, text)
			}
			if foreign, _ := telephone.Text(other); telephone.Recognise(m)(foreign) {
				t.Errorf("%s in %s is taken for another's: %q", a, l, foreign)
			}
		}
	}
	if _, ok := telephone.Text(about(t, "a_later_versions")); ok {
		t.Error("there are words for what nobody knows")
	}
}

// texts answers every text, and notes it.
type texts struct {
	notifier.Sink

	got []string
}

func (s *texts) Reply(_ context.Context, _ notifier.Phone, _, text string) notifier.Answer {
	s.got = append(s.got, text)
	return notifier.Answer{Kind: notifier.ShowMenu, Language: "en"}
}

func TestWhatCarriersKeepIsNotAnsweredAndWhatTheyHandOnIs(t *testing.T) {
	s := &texts{}
	for _, text := range []string{"STOP", " stop\n", "START", "yes", "Cancel"} {
		if got := telephone.Reply(t.Context(), s, message().To, "id", text, zap.NewNop()); got != "" {
			t.Errorf("%q is answered with %q", text, got)
		}
	}
	for _, text := range []string{"HELP", "info", "MENU", "stop it"} {
		if got := telephone.Reply(t.Context(), s, message().To, "id", text, zap.NewNop()); got != phrase.Text(phrase.English, phrase.Menu, phrase.Args{}) {
			t.Errorf("%q is answered with %q", text, got)
		}
	}
	if want := []string{"HELP", "info", "MENU", "stop it"}; !slices.Equal(s.got, want) {
		t.Errorf("the sink is told %q, want %q", s.got, want)
	}
}

// obeys is a sink that hears of the words that providers obey.
type obeys struct {
	texts

	heard []string
}

func (o *obeys) OptedOut(_ context.Context, from notifier.Phone, out bool) {
	o.heard = append(o.heard, fmt.Sprint(string(from), out))
}

func TestWhoListensHearsOfAnOptOutAndItIsNoCommand(t *testing.T) {
	o := &obeys{}
	for _, text := range []string{"STOP", " unsubscribe\n", "424242", "Start", "stop it"} {
		telephone.Reply(t.Context(), o, "+15005550101", "id", text, zap.NewNop())
	}
	if want := []string{"+15005550101true", "+15005550101true", "+15005550101false"}; !slices.Equal(o.heard, want) || !slices.Equal(o.got, []string{"424242", "stop it"}) {
		t.Errorf("heard %q, commands %q", o.heard, o.got)
	}
}
