package phonesim

import (
	"strings"
	"unicode/utf16"
)

// The GSM 03.38 default alphabet without its escape character, and the extension table, whose characters take two septets each.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "\f^{}\\[~]|€"
)

// Segments returns how many segments a text takes: 160 septets in one or 153 in each of several where the GSM alphabet suffices, else 70 or
// 67 UTF-16 code units. Neither an escaped character nor a surrogate pair is divided between segments. An empty text takes one.
func Segments(text string) int {
	width, single, part := septets, 160, 153
	if strings.ContainsFunc(text, func(r rune) bool { return septets(r) == 0 }) {
		width, single, part = codeUnits, 70, 67
	}
	total, segments, used := 0, 1, 0
	for _, r := range text {
		w := width(r)
		total += w
		if used+w > part {
			segments, used = segments+1, 0
		}
		used += w
	}
	if total <= single {
		return 1
	}
	return segments
}

// septets returns 0 for what the GSM alphabet does not have.
func septets(r rune) int {
	switch {
	case strings.ContainsRune(gsmBasic, r):
		return 1
	case strings.ContainsRune(gsmExtended, r):
		return 2
	default:
		return 0
	}
}

func codeUnits(r rune) int {
	return max(1, utf16.RuneLen(r)) // RuneLen is -1 for what is no rune; it is sent as U+FFFD
}
