package simulation

import (
	"time"

	"github.com/dutyline/dutyline/request"
)

// A Line is one line of a story.
type Line struct {
	At   time.Duration // since the start of the night
	Who  string
	Ref  request.Ref // what it is about; "" when it is about no request
	What string
}

// story is what is told of a night.
type story struct{ lines []Line }

func (s *story) add(at time.Duration, who string, ref request.Ref, what string) {
	s.lines = append(s.lines, Line{at, who, ref, what})
}
