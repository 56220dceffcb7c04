package request

import (
	"fmt"
	"slices"
	"time"
)

// Apply folds one stored commit: seq is its stream sequence and stored are its bytes. A commit at or below LastSeq is ignored, so that
// a commit may be applied once from its acknowledgement and again from the stream. Bytes that are no commit move the chain and
// nothing else, and are returned as an error that wraps [ErrCommit].
func (s *State) Apply(seq uint64, stored []byte) error {
	if seq <= s.LastSeq {
		return nil
	}
	return s.Fold(seq, Parse(stored))
}

// Fold is [State.Apply] for a commit that was read already.
func (s *State) Fold(seq uint64, p *Parsed) error {
	if seq <= s.LastSeq {
		return nil
	}
	s.LastSeq = seq
	s.Chain = s.Chain.Next(p.stored)
	if p.err != nil {
		return fmt.Errorf("fold %s at %d: %w", s.Ref, seq, p.err)
	}
	c := &p.commit
	if c.Request != s.Ref {
		return fmt.Errorf("fold %s at %d: %w: it names another request", s.Ref, seq, ErrCommit)
	}
	if !c.IsDecision() {
		if slices.Contains(s.seen, c.ID) {
			return nil
		}
		s.seen = append(s.seen, c.ID)
	}
	s.MinReader = max(s.MinReader, c.MinReader)
	s.LastTime = c.Time.Time
	before, owner := s.view(), s.Owner
	var failed error
	for _, e := range p.events {
		s.happened(c, e)
		if err := s.apply(c, e); err != nil && failed == nil {
			failed = fmt.Errorf("fold %s at %d: %s: %w: %w", s.Ref, seq, e.Type, ErrCommit, err)
		}
	}
	if s.view() != before {
		s.Version++
	}
	if owner != "" && s.Owner == "" {
		s.freed = c.Time.Time
	}
	return failed
}

// view is what the sender can see, for counting its changes.
type view struct {
	status       Status
	urgency      Urgency
	escalation   Escalation
	acknowledged time.Time
	content      string
}

func (s *State) view() view {
	return view{s.Status, s.Urgency, s.Escalation, s.AcknowledgedAt, s.Body}
}

func (s *State) apply(c *Commit, e happening) error {
	if s.Ref.IsOps() {
		if done, err := s.applyOps(c, e); done {
			return err
		}
	}
	switch e.Type {
	case Received:
		if s.Exists() {
			return nil // one log, one request: nobody else's can be put into it
		}
		return fold(e, func(b ReceivedBody) {
			s.Type, s.Sender, s.Origin, s.Body = shared(b.Type), shared(b.Sender), b.OriginDigest, b.BodyDigest
			s.Urgency, s.UrgencyProposed, s.Language = shared(b.Urgency), shared(b.UrgencyProposed), shared(b.Language)
			s.Missing, s.Warnings, s.Due = sharedList(b.Missing), b.Warnings, sharedDue(b.Due)
			s.Received, s.Status, s.Escalation, s.Key = c.Time.Time, StatusReceived, Running, b.Key
		})
	case Amended:
		return fold(e, func(b AmendedBody) {
			s.Type, s.Language, s.Body = shared(b.Type), shared(b.Language), b.BodyDigest
			s.Missing, s.Warnings, s.Due = sharedList(b.Missing), b.Warnings, sharedDue(b.Due)
		})
	case Withdrawn:
		s.Status, s.Escalation = StatusWithdrawn, Stopped
	case Escalated:
		return fold(e, func(b EscalatedBody) { s.escalated(c, b) })
	case PageOrdered:
		return fold(e, func(b PageBody) {
			if s.Page(b.Page) != nil {
				return // one name, one page: the second could never be moved on, and would be called off for ever
			}
			b.share()
			s.Pages = append(s.Pages, Page{PageBody: b, Ordered: c.Time.Time, Step: s.Step.Count, State: PageQueued})
			s.told(b)
		})
	case PageCancelled:
		return fold(e, func(b PageBody) { s.endPage(b.Page, PageCalledOff) })
	case PageExpired:
		return fold(e, func(b PageBody) { s.endPage(b.Page, PageLate) })
	case AttemptStarted, AttemptTakenOver, AttemptSent, AttemptDelivered, AttemptAnswered, AttemptFailed:
		return fold(e, func(b AttemptBody) { s.attempt(c, e.Type, b) })
	case Acknowledged:
		return fold(e, func(b AcknowledgedBody) {
			s.Owner, s.AcknowledgedAt, s.Since, s.Escalation = shared(b.Person), c.Time.Time, c.Time.Time, Stopped
			s.OwnerOpened, s.Returned, s.Undid = false, "", ""
			s.free(b.Person)
			if s.Status == StatusReceived {
				s.Status = StatusAcknowledged
			}
		})
	case Passed:
		return fold(e, func(b PassedBody) { s.passed(b) })
	case AcknowledgementUndone:
		return fold(e, func(b UndoneBody) {
			if s.returned(b.Person, CauseUndone) {
				s.Undid = b.Person
			}
		})
	case AcknowledgementLapsed:
		return fold(e, func(b LapsedBody) { s.returned(b.Person, CauseLapsed) })
	case HandoverConfirmed:
		return fold(e, func(b HandoverConfirmedBody) { s.handed(c, b) })
	case UrgencyChanged:
		return fold(e, func(b UrgencyChangedBody) { s.Urgency, s.Due, s.UrgencyChanged = b.To, b.Due, c.Time.Time })
	case Opened:
		return fold(e, func(b OpenedBody) {
			s.OwnerOpened = s.OwnerOpened || (s.Owner != "" && b.Person == s.Owner)
			if !slices.Contains(s.Opened, b.Person) {
				s.Opened = append(s.Opened, b.Person)
			}
		})
	case AlarmRaised:
		return fold(e, func(b AlarmBody) {
			if !slices.Contains(s.Alarms, b) {
				s.Alarms = append(s.Alarms, b)
			}
			if b.Kind == AlarmUnanswered && s.Escalation == Running {
				s.Escalation = Exhausted
			}
		})
	case AlarmCleared:
		return fold(e, func(b AlarmBody) {
			s.Alarms = slices.DeleteFunc(s.Alarms, func(a AlarmBody) bool { return a == b })
		})
	case MatterRaised, HandoverOffered, MatterEnded: // of logs of operations alone
	case SenderNotified: // what the page says already, for readers of the log
	case ContentErased:
		s.Erased = true
	case Closed:
		s.Closed = true
	}
	return nil // a type of a later version with a low min_reader is skipped
}

// fold hands a body on, or gives what kept it from being read.
func fold[B any](e happening, apply func(B)) error {
	body, ok := e.body.(*B)
	if !ok {
		return e.err
	}
	apply(*body)
	return nil
}

func (s *State) escalated(c *Commit, b EscalatedBody) {
	if b.Cause == CauseRoster { // the same step for more people
		for _, t := range b.Targets {
			if !slices.Contains(s.Step.Targets, t.Person) {
				s.Step.Targets = append(s.Step.Targets, t.Person)
			}
		}
		return
	}
	step := Step{Level: b.Level, Round: b.Round, Everyone: b.Everyone, Decided: c.Time.Time, Count: s.Step.Count + 1}
	for _, t := range b.Targets {
		step.Targets = append(step.Targets, shared(t.Person))
	}
	s.Step, s.Returned = step, ""
}

// passed takes the request from its owner, or takes one of those who are asked off the list. Asking goes on in both cases.
func (s *State) passed(b PassedBody) {
	if !slices.Contains(s.Passed, b.Person) {
		s.Passed = append(s.Passed, b.Person)
	}
	if b.Busy && !slices.Contains(s.Busy, b.Person) {
		s.Busy = append(s.Busy, b.Person)
	}
	if s.Owner == b.Person {
		s.release()
	}
}

// returned takes the request from its owner, who is asked again like anybody, also when they had passed before they took it.
func (s *State) returned(owner string, cause Cause) bool {
	if owner == "" || s.Owner != owner {
		return false
	}
	s.Passed = slices.DeleteFunc(s.Passed, func(person string) bool { return person == owner })
	s.Returned = cause
	s.release()
	return true
}

// release leaves the request to nobody: asking goes on.
func (s *State) release() {
	s.Owner, s.AcknowledgedAt, s.Since, s.OwnerOpened, s.Escalation = "", time.Time{}, time.Time{}, false, Running
	if s.Status == StatusAcknowledged {
		s.Status = StatusReceived
	}
}

func (s *State) endPage(id string, state PageState) {
	if p := s.Page(id); p != nil && p.State.Open() {
		p.State = state
	}
}

// attempt folds one event of an attempt. A fact can arrive before anything else is known of its attempt, in a log that was cut: it is
// then taken as it is, as far as its page exists.
func (s *State) attempt(c *Commit, t EventType, b AttemptBody) {
	p := s.Page(b.Page)
	if p == nil {
		return
	}
	i := slices.IndexFunc(p.Attempts, func(a Attempt) bool { return a.ID == b.Attempt })
	if i < 0 {
		i = len(p.Attempts)
		p.Attempts = append(p.Attempts, Attempt{ID: b.Attempt, Provider: b.Provider, Started: c.Time.Time})
	}
	a := &p.Attempts[i]
	switch t {
	case AttemptStarted:
		a.Rank, a.Node, a.Deadline, a.Joint = max(a.Rank, rankStarted), c.Node, b.Deadline.Time, b.Joint
		if s.Step.Sent.IsZero() && p.Purpose == Ask && p.Level == s.Step.Level && p.Round == s.Step.Round {
			s.Step.Sent = c.Time.Time
		}
	case AttemptTakenOver:
		if a.InFlight() {
			a.Node, a.Deadline = c.Node, b.Deadline.Time
		}
	case AttemptSent:
		a.raise(rankSent, b)
	case AttemptDelivered:
		a.raise(rankDelivered, b)
	case AttemptAnswered:
		a.raise(rankAnswered, b)
	case AttemptFailed:
		rank := rankFailedForGood
		if b.Failure.Retryable() || b.Failure == FailedDuplicate {
			rank = rankFailedForNow
		}
		a.raise(rank, b)
	default: // the caller passes events of attempts alone
	}
	a.share()
	p.settle()
}

// raise takes over what a fact says when its rank is higher than what is known.
func (a *Attempt) raise(rank int, b AttemptBody) {
	if b.ProviderID != "" && a.ProviderID == "" {
		a.ProviderID = b.ProviderID
	}
	if rank <= a.Rank {
		return
	}
	a.Rank, a.Failure, a.Code, a.RetryAt = rank, b.Failure, b.Code, b.RetryAt.Time
}

// settle derives the state of a page from its attempts: the best news counts, then the newest.
func (p *Page) settle() {
	best := 0
	inFlight := false
	for i := range p.Attempts {
		if a := &p.Attempts[i]; a.Rank == rankDelivered || a.Rank == rankAnswered || a.Rank == rankSent {
			best = max(best, a.Rank)
		}
		inFlight = inFlight || p.Attempts[i].InFlight()
	}
	last := p.Made()
	switch {
	case best == rankDelivered:
		p.State = PageDelivered
	case best == rankAnswered:
		p.State = PageAnswered
	case best == rankSent:
		p.State = PageSent
	case !p.State.Open() && p.State != PageSent && p.State != PageAnswered && p.State != PageDelivered:
		// cancelled, expired or failed: late bad news changes nothing
	case inFlight:
		p.State = PageSending
	case last == nil: // the log was cut
	case last.Rank == rankFailedForNow:
		p.State = PageRetrying
	case last.Rank == rankFailedForGood:
		p.State = PageFailed
	}
}

// free notes that who takes the request is not busy any more.
func (s *State) free(person string) {
	s.Busy = slices.DeleteFunc(s.Busy, func(busy string) bool { return busy == person })
}
