package phrasetest

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSegmentsAgreeWithTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runes := rapid.SliceOfN(rapid.SampledFrom([]rune("a@€[é漢😀 ")), 0, 400).Draw(t, "text")
		if rapid.Bool().Draw(t, "gsm") {
			runes = slices.DeleteFunc(runes, func(r rune) bool { return strings.ContainsRune("漢😀", r) })
		}
		// The definition: write character by character into segments of their size.
		gsm := !slices.ContainsFunc(runes, func(r rune) bool { return !strings.ContainsRune(basic+extended, r) })
		sizes := make([]int, len(runes))
		total := 0
		for i, r := range runes {
			switch {
			case gsm && strings.ContainsRune(extended, r), !gsm && r > 0xFFFF:
				sizes[i] = 2
			default:
				sizes[i] = 1
			}
			total += sizes[i]
		}
		one, each := 70, 67
		if gsm {
			one, each = 160, 153
		}
		want := 1
		if total > one {
			room := each
			for _, size := range sizes {
				if size > room {
					want, room = want+1, each
				}
				room -= size
			}
		}
		n, encoding := Segments(string(runes))
		if n != want || (encoding == GSM7) != gsm {
			t.Fatalf("%d of %s, want %d (%t)", n, encoding, want, gsm)
		}
	})
}
