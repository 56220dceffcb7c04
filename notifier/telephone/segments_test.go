package telephone_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/phrase/phrasetest"
)

func TestSegmentsAreThoseOfTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SampledFrom([]string{"aZ0 @", "aZ0 @€[é\n\f", "aZ0 @€[é漢😀\nЯسç`", "漢😀"}).Draw(t, "letters")
		text := string(rapid.SliceOfN(rapid.SampledFrom([]rune(letters)), 0, 500).Draw(t, "text"))
		if want, encoding := phrasetest.Segments(text); telephone.Segments(text) != want {
			t.Fatalf("%d segments, want %d of %s: %q", telephone.Segments(text), want, encoding, text)
		}
	})
}

// What the lane reckons with before it knows the code is what the text takes in the end.
func TestAMessageCostsTheSegmentsOfItsText(t *testing.T) {
	long := 0
	for a := range written {
		for _, l := range phrase.Languages {
			m := about(t, a)
			m.Reader = string(l)
			text, _ := telephone.Text(m)
			want, _ := phrasetest.Segments(text)
			if want > 1 {
				long++
			}
			m.Code = ""
			if got := telephone.Cost(m); got != want {
				t.Errorf("%s in %s costs %d, and takes %d segments: %q", a, l, got, want, text)
			}
		}
	}
	if long == 0 {
		t.Error("no text is longer than one segment")
	}
	m := message()
	m.About = notifier.About("of a later version")
	if got := telephone.Cost(m); got != 1 {
		t.Errorf("one that there are no words for costs %d", got)
	}
}
