package request

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestWhoHasARequestAndWhatItsSenderSeesAgree folds any order of what officers, coordinators and the system can decide, also what no
// decision would allow, and compares the fold with what a few lines say of it.
func TestWhoHasARequestAndWhatItsSenderSeesAgree(t *testing.T) {
	people := []string{"ada", "bruno"}
	rapid.Check(t, func(t *rapid.T) {
		ref, _ := ParseRef("7K4M-2QX9-D")
		s := NewState(ref)
		at := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
		seq := uint64(0)
		put := func(e Event) {
			seq++
			at = at.Add(time.Second)
			data, err := s.Decide(at, "n1", Actor{BySystem, "n1"}, e).Encode()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Apply(seq, data); err != nil {
				t.Fatal(err)
			}
		}
		put(NewEvent(Received, ReceivedBody{Sender: "s1", Type: Preservation, Urgency: Critical, UrgencyProposed: Critical, BodyDigest: "d", Due: (&State{Received: at.Add(time.Second)}).ClocksAt(Critical)}))
		owner, opened, urgency := "", false, Critical
		busy := map[string]bool{}
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			before, passed := s.Receipt(nil), slices.Clone(s.Passed)
			person := rapid.SampledFrom(people).Draw(t, "person")
			what := rapid.SampledFrom([]EventType{Acknowledged, AcknowledgementUndone, AcknowledgementLapsed, Passed, Opened, UrgencyChanged, Escalated}).Draw(t, "event")
			switch what {
			case Acknowledged:
				put(NewEvent(what, AcknowledgedBody{Person: person, Via: ViaWeb}))
				owner, opened = person, false
				delete(busy, person)
			case AcknowledgementUndone, AcknowledgementLapsed:
				put(NewEvent(what, UndoneBody{Person: person, Via: ViaWeb}))
				if person == owner {
					owner, opened = "", false
					if slices.Contains(s.Passed, person) || s.Returned == "" {
						t.Fatalf("passed %v, returned %q", s.Passed, s.Returned)
					}
				} else if !slices.Equal(passed, s.Passed) {
					t.Fatal("what is not theirs changes who is asked")
				}
			case Passed:
				forGood := rapid.Bool().Draw(t, "busy")
				put(NewEvent(what, PassedBody{Person: person, Busy: forGood}))
				busy[person] = busy[person] || forGood
				if person == owner {
					owner, opened = "", false
				}
			case Opened:
				put(NewEvent(what, OpenedBody{Person: person}))
				opened = opened || person == owner
			case UrgencyChanged:
				to := rapid.SampledFrom(Urgencies).Draw(t, "urgency")
				put(NewEvent(what, UrgencyChangedBody{From: urgency, To: to, Due: s.ClocksAt(to)}))
				urgency = to
			default:
				put(NewEvent(Escalated, EscalatedBody{Level: 1, Round: 1, Cause: CauseSilence}))
				if s.Returned != "" {
					t.Fatal("the step was taken, and is due again")
				}
			}
			if s.Owner != owner || s.OwnerOpened != opened || s.Urgency != urgency {
				t.Fatalf("after %s by %s: owner %q, opened %t, urgency %s; want %q, %t, %s", what, person, s.Owner, s.OwnerOpened, s.Urgency, owner, opened, urgency)
			}
			for _, person := range people {
				if slices.Contains(s.Busy, person) != busy[person] || (busy[person] && !slices.Contains(s.Passed, person) && s.Returned == "") {
					t.Fatalf("after %s by %s: busy %v, passed %v, want %v", what, person, s.Busy, s.Passed, busy)
				}
			}
			has := owner != ""
			if (s.Status == StatusAcknowledged) != has || (s.Escalation == Stopped) != has || s.AcknowledgedAt.IsZero() == has {
				t.Fatalf("after %s: owner %q, status %s, escalation %s, acknowledged %s", what, s.Owner, s.Status, s.Escalation, s.AcknowledgedAt)
			}
			if s.UrgencyProposed != Critical || len(s.Due) != len(s.ClocksAt(urgency)) {
				t.Fatalf("proposed %s, due %v", s.UrgencyProposed, s.Due)
			}
			after := s.Receipt(nil)
			after.Version = before.Version
			want := before.Version
			if !reflect.DeepEqual(before, after) {
				want++
			}
			if s.Version != want {
				t.Fatalf("after %s: version %d, want %d: %+v, was %+v", what, s.Version, want, after, before)
			}
		}
	})
}

func TestVersionCountsWhatTheSenderSees(t *testing.T) {
	log, s := night(t)
	seq := log[len(log)-1].Seq
	for _, tc := range []struct {
		event   Event
		version int
	}{
		{NewEvent(AcknowledgementUndone, UndoneBody{Person: "ada", Via: ViaWeb}), 3},
		{NewEvent(AcknowledgementUndone, UndoneBody{Person: "ada", Via: ViaWeb}), 3}, // nobody has it
		{NewEvent(UrgencyChanged, UrgencyChangedBody{From: Critical, To: Routine, Due: []Due{}}), 4},
		{NewEvent(Acknowledged, AcknowledgedBody{Person: "bruno", Via: ViaWeb}), 5},
		{NewEvent(AcknowledgementLapsed, LapsedBody{Person: "ada"}), 5}, // bruno has it
		{NewEvent(AcknowledgementLapsed, LapsedBody{Person: "bruno"}), 6},
	} {
		seq++
		c := s.Decide(time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC), "n1", Actor{BySystem, "n1"}, tc.event)
		data, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(seq, data); err != nil {
			t.Fatal(err)
		}
		if s.Version != tc.version || c.MinReader > 2 || (c.MinReader == 2) != (tc.event.Type != Acknowledged) {
			t.Errorf("%s: version %d, want %d; reader %d", tc.event.Type, s.Version, tc.version, c.MinReader)
		}
	}
	if r := s.Receipt(nil); r.Urgency != Routine || len(r.Due) != 0 || r.Status != StatusReceived || s.TooNew() {
		t.Errorf("%+v", r)
	}
}

func TestClocksAtAnotherUrgencyRunFromReceipt(t *testing.T) {
	received := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	provide := Due{"provide", At(received.Add(8 * time.Hour)), "Directive (EU) 2023/977 Art. 5, v0"}
	s := &State{Received: received, Due: []Due{{"acknowledge", At(received.Add(time.Hour)), "policy v0"}, provide}}
	got := s.ClocksAt(Emergency)
	if len(got) != 2 || !got[0].At.Equal(received.Add(10*time.Minute)) || got[0].Rule == "policy v0" || got[1] != provide {
		t.Errorf("clocks %v", got)
	}
	if got := s.ClocksAt(Routine); len(got) != 1 || got[0] != provide {
		t.Errorf("routine: %v", got)
	}
}
