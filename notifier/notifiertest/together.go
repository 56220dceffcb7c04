package notifiertest

import (
	"strings"
	"testing"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase/phrasetest"
	"github.com/dutyline/dutyline/request"
)

// together checks that a text for several pages names each with its code, and that each of them is found by itself, as the other attempts of the
// same text are named, and nothing else is. Channels of other media never get one.
func (h Harness) together(t *testing.T) {
	p := h.New(t)
	if p.Channel().Medium() != notifier.MediumSMS {
		t.Skip("only texts hold several pages")
	}
	m := message(1)
	m.Joint = notifier.JointOf(m.Ref, m.Attempt)
	m.More = []notifier.Further{
		{Ref: "7K4M2QX9D", Page: "p4", Urgency: request.Urgent, Language: "pt", Code: "314159"},
		{Ref: "9QX2M4K7B", Page: "p1", Urgency: request.Routine, Language: "", Code: "271828"},
	}
	if h.NoLookUp {
		t.Skip("there is nothing to look up")
	}
	id := mustSend(t, p, m)
	got := only(t, p)
	if n, encoding := phrasetest.Segments(got.Text); n > 3 {
		t.Errorf("%d segments of %s: %q", n, encoding, got.Text)
	}
	for _, f := range append([]notifier.Further{{Ref: m.Ref, Page: m.Page, Code: m.Code}}, m.More...) {
		if !strings.Contains(got.Text, f.Ref.String()) || !strings.Contains(got.Text, f.Code) {
			t.Errorf("%s with its code is not in %q", f.Ref, got.Text)
		}
		one := m
		one.Ref, one.Page, one.Attempt, one.Code, one.More = f.Ref, f.Page, request.AttemptID(f.Page, 1), f.Code, nil
		if found := find(t, p, one); found != (notifier.Accepted{ProviderID: id}) {
			t.Errorf("%s of %s, which went in the text: %#v", f.Page, f.Ref, found)
		}
		one.Joint, one.Page, one.Attempt, one.Code = "", "p7", "p7a1", "161803"
		if found := find(t, p, one); found != (notifier.NotFound{}) {
			t.Errorf("another page of %s: %#v", f.Ref, found)
		}
	}
}
