package web

import (
	"context"
	"fmt"
	"slices"

	"github.com/dutyline/dutyline/roster"
)

// telephones are the channels whose addresses are telephone numbers.
var telephones = []string{"sms", "voice"}

// checkNumbers refuses telephone numbers that an edit brings in and that cannot be contacts. Those that stand are left alone: whoever has one must
// stay editable. The error is a [*roster.ValidationError], or that of reading the roster.
func (s *Server) checkNumbers(ctx context.Context, book roster.Book) error {
	if s.Number == nil {
		return nil
	}
	current, err := s.Rosters.Current(ctx, 0)
	if err != nil {
		return err
	}
	var problems []roster.Problem
	for i, p := range book.People {
		before, _ := current.Person(p.ID)
		for j, c := range p.Contacts {
			had := func(old roster.Contact) bool { return old.Address == c.Address }
			if p.Erased || !slices.Contains(telephones, c.Channel) || slices.ContainsFunc(before.Contacts, had) {
				continue
			}
			if detail, fix, ok := s.Number(c.Address); !ok {
				problems = append(problems, roster.Problem{Path: fmt.Sprintf("/people/%d/contacts/%d/address", i, j), Detail: detail, Fix: fix})
			}
		}
	}
	if len(problems) > 0 {
		return &roster.ValidationError{Problems: problems}
	}
	return nil
}
