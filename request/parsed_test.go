package request_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/dutyline/dutyline/request"
)

// TestACommitThatWasReadOnceFoldsAsItsBytesDo folds one log in both ways, and one reading into two states.
func TestACommitThatWasReadOnceFoldsAsItsBytesDo(t *testing.T) {
	ref := request.Ref("7K4M2QX9D")
	bytes, once, twice := request.NewState(ref), request.NewState(ref), request.NewState(ref)
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	put := func(c request.Commit) *request.Parsed {
		data, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		read := request.Parse(data)
		seq := bytes.LastSeq + 1
		if err := errors.Join(bytes.Apply(seq, data), once.Fold(seq, read), twice.Fold(seq, read), twice.Fold(seq, read)); err != nil {
			t.Fatal(err)
		}
		return read
	}
	actor := request.Actor{Kind: request.BySystem, ID: "n1"}
	put(bytes.Decide(at, "n1", actor, request.NewEvent(request.Received, request.ReceivedBody{Sender: "s1", Urgency: request.Urgent, Missing: []string{"/facts"}})))
	read := put(bytes.Decide(at, "n1", actor,
		request.NewEvent(request.Escalated, request.EscalatedBody{Level: 1, Round: 1, Targets: []request.Target{{Person: "ada"}}}),
		request.NewEvent(request.PageOrdered, request.PageBody{Page: "p1", Purpose: request.Ask, Person: "ada", Level: 1, Round: 1}),
		request.NewEvent("of_a_later_version", map[string]int{"n": 1})))
	put(request.Fact(ref, "f1", at, "n1", actor, request.NewEvent(request.AttemptSent, request.AttemptBody{Page: "p1", Attempt: "p1a1"})))
	put(bytes.Decide(at, "n1", actor, request.NewEvent(request.Acknowledged, request.AcknowledgedBody{Person: "ada"})))
	put(bytes.Decide(at, "n1", actor, request.NewEvent(request.AcknowledgementUndone, request.UndoneBody{Person: "ada"})))
	if !reflect.DeepEqual(bytes, once) || !reflect.DeepEqual(once, twice) {
		t.Errorf("the states differ:\n%+v\n%+v\n%+v", bytes, once, twice)
	}
	if len(bytes.News) != 2 || bytes.News[1].About != request.NewsUndone || len(bytes.Pages) != 1 || bytes.Pages[0].State != request.PageSent {
		t.Errorf("state %+v", bytes)
	}
	once.Step.Targets[0] = "bruno" // what is folded is nobody else's
	if step, ok := request.Body[request.EscalatedBody](read, 0); !ok || step.Targets[0].Person != "ada" {
		t.Errorf("body %+v", step)
	}
	if _, ok := request.Body[request.EscalatedBody](read, 1); ok {
		t.Error("a page is an escalation")
	}
	if _, ok := request.Body[request.PageBody](read, 3); ok {
		t.Error("there is an event after the last")
	}
}

func TestBytesThatAreNoCommitMoveTheChainAlone(t *testing.T) {
	s := request.NewState("7K4M2QX9D")
	chain := s.Chain.Next([]byte("nonsense"))
	read := request.Parse([]byte("nonsense"))
	if err := s.Fold(1, read); !errors.Is(err, request.ErrCommit) || !errors.Is(read.Err(), request.ErrCommit) || s.Chain != chain || s.LastSeq != 1 {
		t.Errorf("error %v, at %d", err, s.LastSeq)
	}
	broken := `{"v":1,"id":"x","request":"7K4M2QX9D","time":"2026-03-02T12:00:00.000Z","events":[{"type":"acknowledged","body":7}]}`
	if err := s.Apply(2, []byte(broken)); !errors.Is(err, request.ErrCommit) || s.LastSeq != 2 || s.Owner != "" {
		t.Errorf("a body that cannot be read: error %v, owner %q", err, s.Owner)
	}
}
