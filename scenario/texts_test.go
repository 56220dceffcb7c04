package scenario_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/request"
)

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// newest is the newest text of ours on a phone that contains a word, "" when there is none.
func (l *line) newest(number, word string) string {
	found := ""
	phone, _ := l.sim.Phone(number)
	for _, text := range phone.Texts {
		if strings.HasPrefix(string(text.Direction), "outbound") && strings.Contains(text.Body, word) {
			found = text.Body
		}
	}
	return found
}

// says sends a text from a phone and waits for the answer, which contains a word.
func (l *line) says(number, text, word string) string {
	l.t.Helper()
	before := strings.Count(l.phone(number), word)
	if _, err := l.sim.Reply(number, text); err != nil {
		l.t.Fatal(err)
	}
	l.until("the answer "+word+" to "+text, func() bool { return strings.Count(l.phone(number), word) > before })
	return l.newest(number, word)
}

// easternDigits are the digits of an Arabic keyboard.
var easternDigits = strings.NewReplacer("0", "٠", "1", "١", "2", "٢", "3", "٣", "4", "٤", "5", "٥", "6", "٦", "7", "٧", "8", "٨", "9", "٩")

// An officer who writes Arabic takes the duty from a telephone, passes a request on for good, and finds somebody to cover the duty. All of it
// goes through the provider's webhooks, the roster as it is served, and its history.
func TestAnOfficerWritesArabicFromTakingTheDutyToGivingItToACover(t *testing.T) {
	const dalia, carmen = "+15005550104", "+15005550103"
	l := startLine(t, func(c *config.Config) { c.Policy.Levels = [][]string{{"roster"}, {"next"}} })
	l.until("the node is ready", func() bool { // before it has a roster it asks whoever writes to write again
		status, _ := l.call(http.MethodGet, "/readyz", "", nil)
		return status == http.StatusOK
	})
	onDuty := func() string {
		_, data := l.call(http.MethodGet, "/api/v1/duty", l.officer("erik"), nil)
		var duty struct {
			OnDuty []struct {
				CallSign string `json:"call_sign"`
			} `json:"on_duty"`
		}
		if err := json.Unmarshal(data, &duty); err != nil || len(duty.OnDuty) != 1 {
			t.Fatalf("duty %s", data)
		}
		return duty.OnDuty[0].CallSign
	}
	before := onDuty()
	if before == "SWIFT" {
		t.Fatal("the example has dalia on duty in its first week")
	}
	if who := l.says(dalia, "المناوب؟", "national:"); !strings.Contains(who, before+" حتى 20") || !strings.Contains(who, " ثم ") {
		t.Errorf("who: %q", who)
	}
	if menu := l.says(dalia, "قائمة", "بديل"); !strings.Contains(menu, "مشغول") {
		t.Errorf("menu: %q", menu)
	}

	ref := l.raise(map[string]any{"type": request.Preservation, "urgency": request.Critical, "language": "ar"})
	offer := l.says(dalia, "مناوبة", "خلال 10 دقائق")
	if !strings.Contains(offer, before) || onDuty() != before {
		t.Errorf("offer %q, %s on duty", offer, onDuty())
	}
	l.says(dalia, "\u200f مُناوبه  "+easternDigits.Replace(sixDigits.FindString(offer)), "أنت في المناوبة")
	if onDuty() != "SWIFT" {
		t.Fatalf("%s on duty", onDuty())
	}
	l.until("the page of the new officer", func() bool { return l.newest(dalia, ref.String()) != "" })
	code := sixDigits.FindString(l.newest(dalia, "للاستلام"))
	l.says(dalia, "مشغولة "+easternDigits.Replace(code), "ولن نسألك عنه")
	if events := l.eventsOf(ref); !strings.Contains(events, `"busy":true`) {
		t.Errorf("log %s", events)
	}

	offer = l.says(dalia, "بديل", "لطلب بديل")
	l.says(dalia, "بديل "+sixDigits.FindString(offer), "نطلب بديلا")
	l.until("carmen is asked in Spanish", func() bool { return l.newest(carmen, "SWIFT pide relevo") != "" })
	l.says(carmen, sixDigits.FindString(strings.SplitAfter(l.newest(carmen, "SWIFT pide relevo"), "Responda")[1]), "es suyo")
	if onDuty() != "OSPREY" {
		t.Errorf("%s on duty", onDuty())
	}
	l.until("dalia hears who has it", func() bool { return l.newest(dalia, "تولى OSPREY مناوبتك") != "" })
	l.until("bruno is asked in French", func() bool { return l.newest(bruno, "SWIFT cherche un relais") != "" })
	l.says(bruno, strings.Fields(strings.SplitAfter(l.newest(bruno, "SWIFT cherche un relais"), "NON ")[1])[0], "OSPREY")

	_, history := l.call(http.MethodGet, "/api/v1/roster/history", l.started.Tokens.Coordinator, nil)
	for _, want := range []string{`"kind":"officer","id":"dalia"`, `"kind":"officer","id":"carmen"`, "taken over by text", "cover asked for by text", "cover accepted"} {
		if !strings.Contains(string(history), want) {
			t.Errorf("history lacks %s: %s", want, history)
		}
	}
	if leaked := leaks("logs", l.logs.String(), []secret{secretOf("a number", dalia[1:]), secretOf("a name", "Dalia Example")}); len(leaked) != 0 {
		t.Error(leaked)
	}
}
