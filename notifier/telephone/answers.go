package telephone

import (
	"strings"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
)

// answers says what each kind of answer is told with.
var answers = map[notifier.AnswerKind]phrase.Key{
	notifier.Taken: phrase.Taken, notifier.AlreadyYours: phrase.AlreadyYours, notifier.AlreadyTaken: phrase.AlreadyTaken,
	notifier.AlreadyEnded: phrase.AlreadyEnded, notifier.PassedOn: phrase.PassedOn, notifier.Spared: phrase.Spared, notifier.CannotPass: phrase.CannotPass,
	notifier.WrongCode: phrase.WrongCode, notifier.NoCode: phrase.NoCode, notifier.SeveralMatches: phrase.SeveralMatches,
	notifier.TooManyGuesses: phrase.TooManyGuesses, notifier.TryAgain: phrase.TryAgain,
	notifier.AlarmTaken: phrase.AlarmTaken, notifier.AlarmOver: phrase.AlarmOver,
	notifier.Signed: phrase.Signed, notifier.TakenOver: phrase.TakenOver, notifier.AlreadyConfirmed: phrase.AlreadyConfirmed,
	notifier.HandoverOver: phrase.HandoverOver,
	notifier.ShowMenu:     phrase.Menu, notifier.WhoIsOn: phrase.Who, notifier.TakeOffer: phrase.TakeOffer, notifier.TookOver: phrase.TookOver,
	notifier.OnDuty: phrase.OnDuty, notifier.CannotTake: phrase.CannotTake, notifier.CoverOffer: phrase.CoverOffer, notifier.CoverAsked: phrase.CoverAsked,
	notifier.CoverOpen: phrase.CoverOpen, notifier.NoDuty: phrase.NoDuty, notifier.CodeOver: phrase.CodeOver, notifier.CoverIsYours: phrase.CoverIsYours,
	notifier.CoverOver: phrase.CoverOver, notifier.Declined: phrase.Declined,
	notifier.TestPassed: phrase.TestPassed, notifier.TestOver: phrase.TestOver,
}

// render is an answer in its reader's language, a line for each shift that it speaks of; "" says nothing.
func render(a notifier.Answer) string {
	key, ok := answers[a.Kind]
	if !ok {
		return ""
	}
	language, args := phrase.Pick(a.Language), phrase.Args{Reference: a.Ref.String(), CallSign: a.CallSign}
	if len(a.Shifts) == 0 {
		return phrase.Text(language, key, args)
	}
	lines := make([]string, len(a.Shifts))
	for i, s := range a.Shifts {
		args.Roster, args.Code, args.Now, args.Next = s.Roster, s.Code, s.OnDuty, s.Next
		args.From, args.Until = moment(s.From), moment(s.Until)
		lines[i] = phrase.Text(language, lineOf(key, s), args)
	}
	return strings.Join(lines, "\n")
}

// lineOf is the text that leaves out what is not known of a shift.
func lineOf(key phrase.Key, s notifier.Shift) phrase.Key {
	nobody, open := len(s.OnDuty) == 0, len(s.Next) == 0
	switch {
	case key == phrase.TakeOffer && nobody:
		return phrase.TakeGap
	case key == phrase.OnDuty && s.Until.IsZero():
		return phrase.WhoAlways
	case key != phrase.Who:
		return key
	case s.Until.IsZero() && nobody:
		return phrase.WhoNobody
	case s.Until.IsZero():
		return phrase.WhoAlways
	case nobody:
		return phrase.WhoGap
	case open:
		return phrase.WhoLast
	}
	return key
}
