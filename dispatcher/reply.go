package dispatcher

import (
	"strings"
	"unicode"

	"github.com/dutyline/dutyline/request"
)

// A Wish is a command that somebody gives by text. Its own name is the English word for it, and always counts.
type Wish string

// The commands. With a code the first four and WishDecline are about what the code was sent for; the code alone is WishAcknowledge.
const (
	WishAcknowledge Wish = "ack"
	WishPass        Wish = "pass"  // the next is asked
	WishBusy        Wish = "busy"  // the same, and whoever writes is not asked about it again
	WishTake        Wish = "take"  // the duty, from now on
	WishCover       Wish = "cover" // somebody else is to take my duty
	WishDecline     Wish = "no"
	WishWho         Wish = "who"  // is on duty
	WishMenu        Wish = "menu" // which commands there are
)

// Wishes lists them. Do not modify.
var Wishes = []Wish{
	WishAcknowledge, WishPass, WishBusy, WishTake, WishCover, WishDecline, WishWho, WishMenu,
}

// Words are what people may write for the commands, besides the English words.
type Words map[string]Wish

// NewWords makes words of lists by the names of commands. Case, accents and the forms of letters do not matter.
func NewWords(lists map[Wish][]string) Words {
	words := Words{}
	for command, list := range lists {
		for _, word := range list {
			words[plain(word)] = command
		}
	}
	return words
}

// english are the words that always count. Carriers answer HELP and INFO themselves on some routes: they are taken where they arrive, and
// nobody is told to send them.
var english = func() Words {
	words := Words{"HELP": WishMenu, "INFO": WishMenu}
	for _, c := range Wishes {
		words[strings.ToUpper(string(c))] = c
	}
	return words
}()

func (w Words) command(word string) Wish {
	word = plain(word)
	if c, ok := english[word]; ok {
		return c
	}
	return w[word]
}

// A Reply is what somebody wrote back.
type Reply struct {
	Wish  Wish
	Code  string      // six ASCII digits, "" when there is none
	Ref   request.Ref // "" when there is none
	Extra int         // words that are none of these: a few are polite, many are a sentence, or our own text sent back by a machine
}

// separators end a word besides white space.
const separators = ",.;:!?\"'()[]<>«»،؛؟，。；：！？、（）「」『』【】《》“”„‘’¿¡"

// ParseReply reads a text message: a code alone, or a command, with the code of what it is about, with a reference where the code alone is not
// enough. Case, accents, spaces, hyphens, the script of the digits and the marks of direction are forgiven. PASS and BUSY count wherever they
// stand, since whoever cannot must not be taken for somebody who will; every other command begins the text.
func ParseReply(text string, words Words) Reply {
	var reply Reply
	var glued Reply // ACK123456, as it is written where words are not kept apart
	fields := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(separators, r) })
	for i, field := range fields {
		fields[i] = strings.Map(written, field)
		switch field := fields[i]; {
		case field == "":
		case isCode(field):
			if reply.Code == "" {
				reply.Code = field
			}
		case words.command(field) != "":
			reply.wish(words.command(field))
		case isRef(field):
			if reply.Ref == "" {
				reply.Ref, _ = request.ParseRef(field)
			}
		case digits(field): // perhaps a group of a code
		default:
			command, code := unglued(field, words)
			if code == "" {
				reply.Extra += size(field)
			} else if glued.Code == "" {
				glued = Reply{Code: code, Extra: reply.Extra}
				glued.wish(command)
			}
		}
	}
	if reply.Code == "" {
		reply.Code = spaced(fields)
	}
	if reply.Code == "" && glued.Code != "" {
		reply.Code = glued.Code
		if reply.Wish == "" || glued.Wish.refuses() {
			reply.Wish = glued.Wish
		}
	}
	return reply
}

// quoting is how many words besides a command, a code and a reference the shortest of our texts has that asks for something and does not
// say PASS.
const quoting = 4

// Quoted reports whether a text may be one of ours that came back: from a machine that repeats what it gets, or from a telephone on which
// somebody liked it. It names the request, and has as many words as ours. Such a text must not take anything; one that says PASS passes on.
func (r Reply) Quoted() bool { return r.Ref != "" && r.Extra >= quoting }

// wish notes a command.
func (r *Reply) wish(c Wish) {
	switch {
	case c == WishBusy, c == WishPass && r.Wish != WishBusy:
		r.Wish = c
	case r.Wish == "" && r.Extra == 0:
		r.Wish = c
	default:
		r.Extra++
	}
}

// refuses reports whether a command counts wherever it stands.
func (c Wish) refuses() bool { return c == WishPass || c == WishBusy }

// Refuses reports whether a command says no to what its code was sent for.
func (c Wish) Refuses() bool { return c.refuses() || c == WishDecline }

// written leaves out of a word what people do not see or do not mean, and writes digits as 0 to 9.
func written(r rune) rune {
	if value, ok := digit(r); ok {
		return rune('0' + value)
	}
	switch {
	case unicode.Is(unicode.Pd, r), unicode.Is(unicode.Bidi_Control, r), unicode.Is(unicode.Join_Control, r), unicode.Is(unicode.Variation_Selector, r):
		return -1
	}
	return r
}

// letters are the plain forms of letters that people write in several ways.
var letters = func() map[rune]rune {
	table := map[rune]rune{'\u0640': -1} // the tatweel only stretches
	for plain, forms := range map[rune]string{
		'A': "ÀÁÂÃÄÅ", 'C': "Ç", 'E': "ÈÉÊË", 'I': "ÌÍÎÏ", 'N': "Ñ", 'O': "ÒÓÔÕÖ", 'U': "ÙÚÛÜ", 'Е': "Ё", 'И': "Й", 'ا': "أإآٱ", 'ه': "ة", 'ي': "ىی", 'ك': "ک",
	} {
		for _, r := range forms {
			table[r] = plain
		}
	}
	return table
}()

// plain is a word as it is compared: in capitals, without accents and vowel signs, and of the usual width.
func plain(word string) string {
	return strings.Map(func(r rune) rune {
		if '！' <= r && r <= '～' { // full width
			r -= '！' - '!'
		}
		r = unicode.ToUpper(written(r))
		if unicode.Is(unicode.M, r) {
			return -1
		}
		if p, ok := letters[r]; ok {
			return p
		}
		return r
	}, word)
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func isCode(s string) bool { return len(s) == 6 && digits(s) }

func isRef(s string) bool {
	_, err := request.ParseRef(s)
	return err == nil
}

// unglued parts a command from the code that follows it, or stands before it, without a space. code is "" when a word is nothing of the kind.
func unglued(word string, words Words) (command Wish, code string) {
	if n := len(word) - 6; n > 0 {
		if command = words.command(word[:n]); command != "" && isCode(word[n:]) {
			return command, word[n:]
		}
		if command = words.command(word[6:]); command != "" && isCode(word[:6]) {
			return command, word[:6]
		}
	}
	return "", ""
}

// size counts words: of a script that does not part them, characters.
func size(field string) int {
	han := 0
	for _, r := range field {
		if unicode.Is(unicode.Han, r) {
			han++
		}
	}
	return max(1, han)
}

// spaced finds a code written in groups: 123 456. Only neighbours make one: the numbers of a sentence are no code.
func spaced(fields []string) string {
	var run strings.Builder
	for _, field := range append(fields, "-") {
		if field == "" {
			continue
		}
		group := digits(field)
		if !group && run.Len() == 6 {
			return run.String()
		}
		if !group {
			run.Reset()
			continue
		}
		run.WriteString(field)
	}
	return ""
}

// digit gives the value of a decimal digit of any script. Unicode keeps the ten digits of a script together, in order, and where blocks of
// digits touch (the mathematical ones), the first of them begins with a zero.
func digit(r rune) (byte, bool) {
	if !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	first := r
	for unicode.Is(unicode.Nd, first-1) {
		first--
	}
	return byte((r - first) % 10), true //nolint:gosec // a digit
}
