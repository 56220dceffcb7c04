// Package phrasetest counts the segments of text messages, for tests that hold each text to one.
package phrasetest

import "unicode/utf16"

// An Encoding is how a text travels.
type Encoding string

// The encodings.
const (
	GSM7 Encoding = "GSM-7" // 160 septets in one segment, 153 in each of several
	UCS2 Encoding = "UCS-2" // 70 units in one segment, 67 in each of several
)

const (
	basic    = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	extended = "\f^{}\\[~]|€" // two septets each
)

var septets = func() map[rune]int {
	table := map[rune]int{}
	for _, r := range basic {
		table[r] = 1
	}
	for _, r := range extended {
		table[r] = 2
	}
	return table
}()

// Segments counts what carriers charge and send for a text (3GPP TS 23.038). Characters are not split between segments: neither an
// extended septet pair nor a surrogate pair.
func Segments(s string) (n int, encoding Encoding) {
	total, gsm := 0, true
	for _, r := range s {
		size, ok := septets[r]
		gsm = gsm && ok
		total += size
	}
	if gsm {
		return count(s, total, 160, 153, func(r rune) int { return septets[r] }), GSM7
	}
	total = 0
	for _, r := range s {
		total += units(r)
	}
	return count(s, total, 70, 67, units), UCS2
}

func units(r rune) int { return max(1, utf16.RuneLen(r)) }

func count(s string, total, one, each int, size func(rune) int) int {
	if total <= one {
		return 1
	}
	n, used := 1, 0
	for _, r := range s {
		if used+size(r) > each {
			n, used = n+1, 0
		}
		used += size(r)
	}
	return n
}
