package notifier

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/request"
)

func TestPhonesAreMasked(t *testing.T) {
	for phone, want := range map[Phone]string{
		"+15005550100": "+1…00", "+4412345": "+4…45", "+123456": "…", "": "…", "12345": "…", "KESTREL-1": "…", "+1500555010x": "…",
		"whatsapp:+15005550100": "…", "١٢٣٤٥٦٧٨٩": "…",
	} {
		if got := phone.Masked(); got != want {
			t.Errorf("%q is masked as %q, want %q", string(phone), got, want)
		}
	}
}

func TestNoWayOfPrintingShowsANumber(t *testing.T) {
	const number = "+15005550123"
	m := Message{To: number, Code: "424242", Ref: "7K4M2QX9D", Page: "p1", Attempt: "p1a1", About: AskToTake, Urgency: request.Critical}
	var text, lines bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&text, verb+"\n", m.To)
		fmt.Fprintf(&text, verb+"\n", struct{ To Phone }{m.To})
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&lines, nil), slog.NewJSONHandler(&lines, nil)} {
		slog.New(handler).Info("sent", "to", m.To, "message", m)
	}
	for _, out := range []string{text.String(), lines.String()} {
		if strings.Contains(out, "5005550") || strings.Contains(out, fmt.Sprintf("%x", number)[4:12]) {
			t.Errorf("a number is printed:\n%s", out)
		}
		if !strings.Contains(out, "…23") {
			t.Errorf("no masked number is printed:\n%s", out)
		}
	}
	if out := lines.String(); strings.Contains(out, m.Code) || !strings.Contains(out, "p1a1") {
		t.Errorf("a line shows the code, or not which message it is:\n%s", out)
	}
}

func TestAMaskKeepsFourCharactersAtMost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		phone := Phone(rapid.OneOf(rapid.String(), rapid.StringMatching(`\+[0-9]{1,16}`)).Draw(t, "phone"))
		masked := phone.Masked()
		if !utf8.ValidString(masked) || utf8.RuneCountInString(masked) > 5 || (len(phone) > 0 && masked == string(phone) && phone != "…") {
			t.Fatalf("%q is masked as %q", string(phone), masked)
		}
	})
}

// The number itself must survive where it is data and no print: a journal that kept the mask would page nobody.
func TestAPhoneIsWholeAsData(t *testing.T) {
	data, err := json.Marshal(Phone("+15005550100"))
	if err != nil || string(data) != `"+15005550100"` {
		t.Errorf("%s, %v", data, err)
	}
}
