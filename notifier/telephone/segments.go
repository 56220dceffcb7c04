package telephone

import "strings"

// gsm7 is the alphabet that a text of 160 characters is written in, with its extension (3GPP TS 23.038, 6.2.1).
const gsm7 = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà" +
	"\f^{}\\[~]|€"

// FitsGSM7 reports whether a text can travel in that alphabet. One that cannot goes in UCS-2, 70 units to a segment; some providers must be
// told.
func FitsGSM7(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(gsm7, r) })
}
