package telephone_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/phrase/phrasetest"
	"github.com/dutyline/dutyline/request"
)

// further is the n-th page that goes with another.
func further(n int) notifier.Further {
	return notifier.Further{Ref: "9QX2M4K7B", Page: "p1", Urgency: request.Urgencies[n%4], Language: "pt-BR", Code: fmt.Sprint(200000 + n)}
}

func TestATextForSeveralNamesEachWithItsCodeAndFitsThreeSegments(t *testing.T) {
	for _, l := range phrase.Languages {
		m := message()
		m.Reader = string(l)
		alone, _ := telephone.Text(m)
		if !telephone.FitTogether(m) {
			t.Errorf("%s: one page does not fit", l)
		}
		for n := 0; ; n++ {
			more := m
			more.More = append(slices.Clip(more.More), further(n))
			if !telephone.FitTogether(more) {
				break
			}
			m = more
		}
		text, ok := telephone.Text(m)
		segments, _ := phrasetest.Segments(text)
		if !ok || segments > 3 || len(m.More) < 3 || strings.ContainsAny(text, "{}") {
			t.Errorf("%s: %d pages in %d segments: %q", l, 1+len(m.More), segments, text)
		}
		for _, f := range append(m.More, notifier.Further{Ref: m.Ref, Urgency: m.Urgency, Code: m.Code}) {
			urgency := strings.ToUpper(phrase.Text(l, phrase.Key("urgency_"+string(f.Urgency)), phrase.Args{}))
			if want := urgency + " " + f.Ref.String(); !strings.Contains(text, want) || !strings.Contains(text, f.Code) {
				t.Errorf("%s: %q with %s is missing in %q", l, want, f.Code, text)
			}
		}
		t.Logf("%s: %d pages: %q", l, 1+len(m.More), text)
		m.More = nil
		if again, _ := telephone.Text(m); again != alone {
			t.Errorf("%s: a text for one changed: %q", l, again)
		}
	}
}
