package twiliosim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// DefaultTexts is how many texts of a phone are listed unless told otherwise.
const DefaultTexts = 50

// A Phone is what its holder sees, and a little more.
type Phone struct {
	Number    string    `json:"number"`
	Behaviour Behaviour `json:"behaviour"`
	Texts     []Text    `json:"texts"` // what the phone shows, newest last
	Call      *Call     `json:"call"`  // the one that rings or is spoken, else the last; nil where it never rang
	Total     int       `json:"total"` // texts on the phone, of which Texts may be the newest
	Lost      int       `json:"lost"`  // texts that never arrived
}

// A Text is one bubble on a phone: a text that arrived, or one that its holder sent (Inbound, as the vendor sees it).
type Text struct {
	SID       string    `json:"sid"`
	Direction Direction `json:"direction"`
	Body      string    `json:"body"`
	Status    Status    `json:"status"`
	At        time.Time `json:"at"`
	ErrorCode int       `json:"error_code,omitzero"`
}

// A phone is a number outside of the account.
type phone struct {
	number    string
	behaviour Behaviour
	before    Behaviour  // to return to after START
	log       []*message // all texts to or from it, as they were accepted
	shown     []*message // those that it shows, as they appeared
	lost      int
	call      *call // the last that rang, which may ring or be spoken still
}

// phone returns the phone of a number; every number that is written to or called has one.
func (s *Simulator) phone(number string) *phone {
	p := s.phones[number]
	if p == nil {
		p = &phone{number: number, behaviour: Answers, before: Answers}
		s.phones[number] = p
		s.order = append(s.order, p)
	}
	return p
}

// view copies what the phone shows, at most the newest n texts; n ≤ 0 = all.
func (p *phone) view(n int) Phone {
	shown := p.shown
	if n > 0 && len(shown) > n {
		shown = shown[len(shown)-n:]
	}
	v := Phone{Number: p.number, Behaviour: p.behaviour, Texts: make([]Text, 0, len(shown)), Total: len(p.shown), Lost: p.lost}
	if p.call != nil {
		call := p.call.view()
		v.Call = &call
	}
	for _, m := range shown {
		v.Texts = append(v.Texts, Text{
			SID: m.SID, Direction: m.Direction, Body: m.said, Status: m.Status, At: m.ShownAt, ErrorCode: m.ErrorCode,
		})
	}
	return v
}

// Phones returns all phones in the order in which they appeared, each with its newest DefaultTexts texts.
func (s *Simulator) Phones() []Phone {
	phones, _ := s.listPhones(DefaultTexts, 0, "")
	return phones
}

// Phone returns one phone with all its texts; false where the number was never written to, called nor configured.
func (s *Simulator) Phone(number string) (Phone, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.phones[number]
	if p == nil {
		return Phone{}, false
	}
	return p.view(0), true
}

// listPhones returns at most limit phones (0 = all) whose number contains a string, and how many there are.
func (s *Simulator) listPhones(texts, limit int, contains string) ([]Phone, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	phones, total := []Phone{}, 0
	for _, p := range s.order {
		if !strings.Contains(p.number, contains) {
			continue
		}
		total++
		if limit <= 0 || len(phones) < limit {
			phones = append(phones, p.view(texts))
		}
	}
	return phones, total
}

// errNoPhone refuses a number that no phone can have.
var errNoPhone = errors.New("that is no phone number: write it in E.164, as in +12025550123")

// SetBehaviour changes how a phone treats what is sent to it from now on. The number becomes a phone if it is none yet.
func (s *Simulator) SetBehaviour(number string, b Behaviour) error {
	if !e164.MatchString(number) {
		return fmt.Errorf("set behaviour: %w", errNoPhone)
	}
	if !slices.Contains(Behaviours(), b) {
		return fmt.Errorf("set behaviour: unknown behaviour %q", b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phone(number).behave(b)
	s.changed()
	return nil
}

func (p *phone) behave(b Behaviour) {
	if b == OptedOut && p.behaviour != OptedOut {
		p.before = p.behaviour
	}
	p.behaviour = b
}
