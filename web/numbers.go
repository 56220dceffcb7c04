package web

import (
	"context"
	"fmt"
	"slices"

	"github.com/dutyline/dutyline/roster"
)

// telephones are the channels whose addresses are telephone numbers.
var telephones = []string{"sms", "voice"}

// addressCheck is what looks at the addresses of a channel; nil: all can be contacts.
func (s *Server) addressCheck(channel string) func(string) (detail, fix string, ok bool) {
	switch {
	case slices.Contains(telephones, channel):
		return s.Number
	case channel == roster.Webhook:
		return s.Gateway
	default:
		return nil
	}
}

// checkAddresses refuses telephone numbers and webhooks that an edit brings in and that cannot be contacts. Those that stand are left alone: whoever
// has one must stay editable. The error is a [*roster.ValidationError], or that of reading the roster.
func (s *Server) checkAddresses(ctx context.Context, book roster.Book) error {
	current, err := s.Rosters.Current(ctx, 0)
	if err != nil {
		return err
	}
	var problems []roster.Problem
	for i, p := range book.People {
		before, _ := current.Person(p.ID)
		for j, c := range p.Contacts {
			had := func(old roster.Contact) bool { return old.Address == c.Address }
			check := s.addressCheck(c.Channel)
			if p.Erased || check == nil || slices.ContainsFunc(before.Contacts, had) {
				continue
			}
			if detail, fix, ok := check(c.Address); !ok {
				problems = append(problems, roster.Problem{Path: fmt.Sprintf("/people/%d/contacts/%d/address", i, j), Detail: detail, Fix: fix})
			}
		}
	}
	if len(problems) > 0 {
		return &roster.ValidationError{Problems: problems}
	}
	return nil
}
