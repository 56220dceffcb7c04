package phonesim

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// DefaultTexts is how many texts of a phone are listed unless told otherwise.
const DefaultTexts = 50

// maxBody is the longest text that a phone sends, in characters.
const maxBody = 1600

// A Phone is what its holder sees, and a little more.
type Phone struct {
	Number    string    `json:"number"`
	Behaviour Behaviour `json:"behaviour"`
	Texts     []Text    `json:"texts"` // what the phone shows, newest last
	Call      *Call     `json:"call"`  // the one that rings or is spoken, else the last; nil where it never rang
	Total     int       `json:"total"` // texts on the phone, of which Texts may be the newest
	Lost      int       `json:"lost"`  // texts that never arrived
}

// A Status is where a text is, in the words of the operator that carries it.
type Status string

// A Direction says who sent a text, in the words of the first vendor: inbound is from the phone, all else to it.
type Direction string

// Inbound is the direction of a text that a phone sent.
const Inbound Direction = "inbound"

// A Text is one bubble on a phone: a text that arrived, or one that its holder sent (Inbound, as the vendor sees it).
type Text struct {
	SID       string    `json:"sid"`      // the operator's id
	Provider  string    `json:"provider"` // the name of the operator
	Direction Direction `json:"direction"`
	Body      string    `json:"body"`
	Status    Status    `json:"status"`
	At        time.Time `json:"at"`
	ErrorCode int       `json:"error_code,omitzero"`

	From string `json:"-"` // the number that a reply goes to; "" while it is not known
}

// A Handset is a phone as operators reach it: a number outside of their accounts. All of its methods are called with the lock held.
type Handset struct {
	number    string
	behaviour Behaviour
	before    Behaviour // to return to after StartTexts
	log       []*Text   // all texts to or from it, as they were accepted
	shown     []*Text   // those that it shows, as they appeared
	lost      int
	line      *Line // the last that rang, which may ring or be spoken still
}

// Handset returns the phone of a number; every number that is written to or called has one. The lock is held.
func (n *Network) Handset(number string) *Handset {
	h := n.phones[number]
	if h == nil {
		h = &Handset{number: number, behaviour: Answers, before: Answers}
		n.phones[number] = h
		n.order = append(n.order, h)
	}
	return h
}

// Behaviour is how the phone behaves now.
func (h *Handset) Behaviour() Behaviour { return h.behaviour }

// Log notes a text to or from the phone, which its operator keeps up to date from then on.
func (h *Handset) Log(t *Text) { h.log = append(h.log, t) }

// Show shows a text that arrived, or that its holder sent.
func (h *Handset) Show(t *Text) {
	t.At = time.Now().UTC()
	h.shown = append(h.shown, t)
}

// Lose counts a text that will never arrive.
func (h *Handset) Lose() { h.lost++ }

// StopTexts opts the phone out.
func (h *Handset) StopTexts() { h.behave(OptedOut) }

// StartTexts opts it in again: it behaves as before.
func (h *Handset) StartTexts() { h.behaviour = h.before }

func (h *Handset) behave(b Behaviour) {
	if b == OptedOut && h.behaviour != OptedOut {
		h.before = h.behaviour
	}
	h.behaviour = b
}

// view copies what the phone shows, at most the newest n texts; n ≤ 0 = all.
func (h *Handset) view(n int) Phone {
	shown := h.shown
	if n > 0 && len(shown) > n {
		shown = shown[len(shown)-n:]
	}
	v := Phone{Number: h.number, Behaviour: h.behaviour, Texts: make([]Text, 0, len(shown)), Total: len(h.shown), Lost: h.lost}
	if h.line != nil {
		call := h.line.View()
		v.Call = &call
	}
	for _, t := range shown {
		v.Texts = append(v.Texts, *t)
	}
	return v
}

// Phones returns all phones in the order in which they appeared, each with its newest DefaultTexts texts.
func (n *Network) Phones() []Phone {
	phones, _ := n.listPhones(DefaultTexts, 0, "")
	return phones
}

// Phone returns one phone with all its texts; false where the number was never written to, called nor configured.
func (n *Network) Phone(number string) (Phone, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.phones[number]
	if h == nil {
		return Phone{}, false
	}
	return h.view(0), true
}

// listPhones returns at most limit phones (0 = all) whose number contains a string, and how many there are.
func (n *Network) listPhones(texts, limit int, contains string) ([]Phone, int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	phones, total := []Phone{}, 0
	for _, h := range n.order {
		if !strings.Contains(h.number, contains) {
			continue
		}
		total++
		if limit <= 0 || len(phones) < limit {
			phones = append(phones, h.view(texts))
		}
	}
	return phones, total
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// errNoPhone refuses a number that no phone can have.
var errNoPhone = errors.New("that is no phone number: write it in E.164, as in +12025550123")

// list names what there is to choose from.
func list[T ~string](all []T) string {
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = string(one)
	}
	return strings.Join(names, ", ")
}

// SetBehaviour changes how a phone treats what is sent to it from now on. The number becomes a phone if it is none yet.
func (n *Network) SetBehaviour(number string, b Behaviour) error {
	if !e164.MatchString(number) {
		return fmt.Errorf("set behaviour: %w", errNoPhone)
	}
	if !slices.Contains(Behaviours(), b) {
		return fmt.Errorf("set behaviour: there is no behaviour %q: write one of %s", b, list(Behaviours()))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.Handset(number).behave(b)
	n.Changed()
	return nil
}

// Reply sends a text from a phone to the number that wrote to it last, through whichever operator that was, and returns its id.
func (n *Network) Reply(number, body string) (string, error) {
	id, err := n.reply(number, "", body)
	if err != nil {
		return "", fmt.Errorf("reply: %w", err)
	}
	return id, nil
}

func (n *Network) reply(number, to, body string) (string, error) {
	switch {
	case !e164.MatchString(number):
		return "", errNoPhone
	case strings.TrimSpace(body) == "":
		return "", errors.New("the text is empty")
	case utf8.RuneCountInString(body) > maxBody:
		return "", fmt.Errorf("the text is longer than %d characters", maxBody)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if to == "" {
		to = n.correspondent(number)
	}
	for _, o := range n.operators {
		if to == "" || o.Owns(to) {
			return o.Take(number, to, body), nil
		}
	}
	return "", errors.New("the recipient is not a number of the account")
}

// correspondent is the number that wrote to the phone last; "" where none did.
func (n *Network) correspondent(number string) string {
	if h := n.phones[number]; h != nil {
		for _, t := range slices.Backward(h.log) {
			if t.Direction != Inbound && t.From != "" {
				return t.From
			}
		}
	}
	return ""
}
