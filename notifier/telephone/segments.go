package telephone

import (
	"strings"
	"unicode/utf16"

	"github.com/dutyline/dutyline/notifier"
)

// The alphabet that a text of 160 characters is written in, and its extension, of which each takes the room of two (3GPP TS 23.038, 6.2.1).
const (
	gsm7         = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsm7Extended = "\f^{}\\[~]|€"
)

// FitsGSM7 reports whether a text can travel in that alphabet. One that cannot goes in UCS-2, 70 units to a segment; some providers must be
// told.
func FitsGSM7(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(gsm7, r) && !strings.ContainsRune(gsm7Extended, r) })
}

// Segments is how many texts a text travels as, which is what a number's rate and the bill count. Of a longer one every part has room for
// fewer characters, and none is split between two.
func Segments(text string) int {
	one, each, room := 160, 153, func(r rune) int {
		if strings.ContainsRune(gsm7Extended, r) {
			return 2
		}
		return 1
	}
	if !FitsGSM7(text) {
		one, each, room = 70, 67, func(r rune) int { return max(1, utf16.RuneLen(r)) }
	}
	total, parts, used := 0, 1, 0
	for _, r := range text {
		total += room(r)
		if used += room(r); used > each {
			parts, used = parts+1, room(r)
		}
	}
	if total <= one {
		return 1
	}
	return parts
}

// anyCode stands for a code that is not known yet.
const anyCode = "000000"

// Cost is how many segments a message takes as a text, whatever its code will be.
func Cost(m notifier.Message) int {
	if m.About.Asks() && m.Code == "" {
		m.Code = anyCode
	}
	text, _ := Text(m)
	return Segments(text)
}
