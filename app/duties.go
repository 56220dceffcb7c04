package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
	"github.com/dutyline/dutyline/vault"
)

// races is how often an officer's edit is made again of a newer book: each time is somebody else's success.
const races = 64

// duties is the roster as officers change it by text.
type duties struct {
	service *served.Service
	clock   *node.Clock
}

var _ node.Duties = duties{}

// Edit makes a change of the newest book, and makes it again when somebody else was faster: what officers ask for stays what it is.
func (d duties) Edit(ctx context.Context, person, reason string, change func(roster.Book, time.Time) (roster.Book, error)) (roster.Book, error) {
	current, err := d.service.Current(ctx, 0)
	if err != nil {
		return roster.Book{}, fmt.Errorf("%w: %w", node.ErrUnavailable, err)
	}
	book := current.Book()
	for range races {
		edited, err := change(book, d.clock.Now())
		if err != nil {
			return roster.Book{}, err
		}
		stored, err := d.service.Apply(ctx, roster.Edit{Base: book.Revision, Book: edited, Actor: person, ActorKind: roster.Officer, Reason: reason})
		if moved, ok := errors.AsType[*served.Conflict](err); ok {
			book = moved.Book
			continue
		}
		if invalid, ok := errors.AsType[*roster.ValidationError](err); ok {
			return roster.Book{}, invalid
		}
		if err != nil {
			return roster.Book{}, fmt.Errorf("%w: %w", node.ErrUnavailable, err)
		}
		return stored, nil
	}
	return roster.Book{}, fmt.Errorf("%w: others keep editing the roster", node.ErrUnavailable)
}

// offerCodes makes the codes by which officers confirm a change of the duty.
func offerCodes(key vault.Key) func(person, terms string, slot int64) string {
	codes := key.Derive("offer")
	return func(person, terms string, slot int64) string {
		return sixDigits(codes.MAC(person, terms, strconv.FormatInt(slot, 10)))
	}
}

// words are what officers may write, in every language.
func words() dispatcher.Words {
	lists := map[dispatcher.Wish][]string{}
	for name, list := range phrase.Commands() {
		lists[dispatcher.Wish(name)] = list
	}
	return dispatcher.NewWords(lists)
}
