package request

import (
	"encoding/binary"
	"errors"
	"strings"
)

// alphabet is Crockford's base 32: no I, L, O, U.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// referenceLength is eight characters that carry 40 bits and one check character.
const referenceLength = 9

// ErrReference says that a text is no reference: wrong length, a character outside the alphabet, or a check character that does not
// match, which catches every single wrong character and every exchange of two neighbours.
var ErrReference = errors.New("not a reference: eight characters and a check character are needed, as in 7K4M-2QX9-D")

// A Ref names one request, or one log that belongs to no request ([Ref.IsOps]): eight characters of Crockford's base 32 and the check character of his scheme (the value modulo 37), without
// hyphens, as in 7K4M2QX9D. It is the key of the request's log and what people read to each other on the phone; it authorises nothing.
type Ref string

// NewRef derives a reference from the first five bytes of mac, a keyed digest. Not every value can be used: Crockford's check has 37
// symbols, and the five that are not letters of the alphabet could stand neither in a subject nor on a telephone keypad, so ok is
// false for those and the caller derives the next.
func NewRef(mac []byte) (ref Ref, ok bool) {
	if len(mac) < 5 {
		return "", false
	}
	var wide [8]byte
	copy(wide[3:], mac[:5])
	value := binary.BigEndian.Uint64(wide[:])
	check := value % 37
	if check >= 32 {
		return "", false
	}
	return written(value, alphabet[check]), true
}

// ParseRef reads a reference as people write it: hyphens, spaces and case are forgiven, O is read as 0, I and L as 1.
// The error is [ErrReference].
func ParseRef(text string) (Ref, error) {
	out := make([]byte, 0, referenceLength)
	var value uint64
	for _, r := range strings.ToUpper(text) {
		switch r {
		case '-', ' ':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		digit := strings.IndexRune(alphabet, r)
		if r == opsCheck && len(out) == referenceLength-1 {
			if value%37 != 36 {
				return "", ErrReference
			}
			out = append(out, opsCheck)
			continue
		}
		if digit < 0 || len(out) == referenceLength {
			return "", ErrReference
		}
		if len(out) == 8 && value%37 != uint64(digit) {
			return "", ErrReference
		}
		value = value<<5 | uint64(digit)
		out = append(out, alphabet[digit])
	}
	if len(out) != referenceLength {
		return "", ErrReference
	}
	return Ref(out), nil
}

// String is the form for people: 7K4M-2QX9-D.
func (r Ref) String() string {
	if len(r) != referenceLength {
		return string(r)
	}
	return string(r[:4] + "-" + r[4:8] + "-" + r[8:])
}

// Subject is the subject of the log in the stream REQUESTS.
func (r Ref) Subject() string {
	if r.IsOps() {
		return opsSubjects + string(r)
	}
	return requestSubjects + string(r)
}

// RefOfSubject is the reverse of [Ref.Subject].
func RefOfSubject(subject string) (Ref, bool) {
	if ref, ok := refOfOpsSubject(subject); ok {
		return ref, true
	}
	text, ok := strings.CutPrefix(subject, requestSubjects)
	return Ref(text), ok && len(text) == referenceLength && !Ref(text).IsOps()
}
