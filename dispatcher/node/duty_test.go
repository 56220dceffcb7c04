package node_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

const dalia = notifier.Phone("+15005550104")

// answered is an answer in short: its kind, and the shifts with call signs and times of day.
func answered(a notifier.Answer) string {
	text := string(a.Kind)
	for _, s := range a.Shifts {
		text += fmt.Sprintf(" %s[%s|%s>%s|%s]", s.Roster, strings.Join(s.OnDuty, ","), stamp(s.From), stamp(s.Until), strings.Join(s.Next, ","))
	}
	return text
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("01-02 15:04 MST")
}

// onDuty is who is on duty now by the newest roster.
func (w *world) onDuty() string {
	w.t.Helper()
	c, err := w.rosters.Current(w.t.Context(), 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(c.Who("", time.Now()), ",")
}

func (w *world) history() string {
	w.rosters.mu.Lock()
	defer w.rosters.mu.Unlock()
	return strings.Join(w.rosters.history, "; ")
}

// texted lists what a telephone got since a moment, as what it is about.
func (w *world) texted(to notifier.Phone, since time.Time) (list []taken) {
	for _, t := range w.phones.got("") {
		if t.To == to && !t.at.Before(since) {
			list = append(list, t)
		}
	}
	return list
}

func abouts(list []taken) string {
	var words []string
	for _, t := range list {
		words = append(words, string(t.About))
	}
	return strings.Join(words, " ")
}

func TestWhoAndMenuAreAnsweredAndCountAsTextsThatLeadToNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		say := conversation(w, w.start("n1"))
		if got := answered(say(carmen, "WHO")); got != "who national[KESTREL|>01-03 08:00 UTC|HERON]" {
			t.Errorf("answer %s", got)
		}
		if a := say(carmen, "help"); a.Kind != notifier.ShowMenu || a.Language != "es" {
			t.Errorf("answer %+v", a)
		}
		w.rosters.edit(func(b *roster.Book) {
			b.Rosters[0].Layers[0].Rotation.Until = "1999-12-31"
			b.Rosters[0].TimeZone = "Europe/Paris"
		})
		w.pass(time.Second)
		if got := answered(say(carmen, "who?")); got != "who national[|>|]" {
			t.Errorf("answer %s", got)
		}
		for range 9 {
			say(carmen, "WHO")
		}
		if a := say(carmen, "WHO"); a.Kind != notifier.NoAnswer {
			t.Errorf("a machine that sends our words back is answered for ever: %+v", a)
		}
		if a := say(stranger, "WHO"); a.Kind != notifier.NoAnswer {
			t.Errorf("a stranger learns %+v", a)
		}
	})
}

func TestTheDutyIsTakenFromATelephoneAndTheNewOfficerIsPagedAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		say := conversation(w, n)
		ref := w.raise(request.Urgent)
		w.pass(30 * time.Second)
		offer := say(carmen, "take")
		if got := answered(offer); got != "take_offer national[KESTREL|01-01 00:00 UTC>01-03 08:00 UTC|]" {
			t.Fatalf("answer %s", got)
		}
		if w.onDuty() != "ada" || w.history() != "" {
			t.Fatalf("an offer alone puts %s on duty", w.onDuty())
		}
		began := time.Now()
		text := "TAKE " + offer.Shifts[0].Code
		if got := answered(say(carmen, text)); got != "took_over national[KESTREL|01-01 00:00 UTC>01-03 08:00 UTC|]" {
			t.Errorf("answer %s", got)
		}
		w.pass(time.Second)
		if got := abouts(w.texted(carmen, began)); w.onDuty() != "carmen" || got != "ask" {
			t.Errorf("%s on duty, and carmen got %q", w.onDuty(), got)
		}
		if w.history() != "carmen: taken over by text" {
			t.Errorf("history %q", w.history())
		}
		if got := answered(say(carmen, text)); got != "on_duty national[|01-01 00:00 UTC>01-03 08:00 UTC|]" {
			t.Errorf("the same code again: %s", got)
		}
		if got := w.guesses.Count(t.Context(), carmen); got != 0 {
			t.Errorf("%d guesses", got)
		}
		// Whoever was asked before may still take the request.
		if a := say(ada, w.code(ref, "p1")); a.Kind != notifier.Taken {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestTheCodeOfAnOfferIsGoodForTenMinutesForOnePersonAndForWhatWasTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		say := conversation(w, w.start("n1"))
		code := say(carmen, "TAKE").Shifts[0].Code
		for who, text := range map[notifier.Phone]string{bruno: "TAKE " + code, dalia: code} {
			if a := say(who, text); (a.Kind != notifier.CodeOver && a.Kind != notifier.WrongCode) || w.onDuty() != "ada" {
				t.Errorf("the code of somebody else: %+v", a)
			}
		}
		if got := w.guesses.Count(t.Context(), bruno); got != 1 {
			t.Errorf("%d guesses", got)
		}
		if a := say(carmen, "You wrote to me: Reply TAKE "+code+" within 10 minutes to take the duty"); a.Kind != notifier.WrongCode || w.onDuty() != "ada" {
			t.Errorf("our own text sent back: %+v", a)
		}
		w.pass(10 * time.Minute)
		if a := say(carmen, "NO "+code); a.Kind != notifier.Declined || w.onDuty() != "ada" {
			t.Errorf("declined: %+v", a)
		}
		w.pass(5*time.Minute + time.Second)
		if a := say(carmen, "TAKE "+code); a.Kind != notifier.CodeOver || w.onDuty() != "ada" {
			t.Errorf("after a quarter of an hour: %+v", a)
		}
		code = say(carmen, "TAKE").Shifts[0].Code
		w.rosters.edit(func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Turns[0] = []string{"dalia"} })
		w.pass(time.Second)
		if a := say(carmen, "TAKE "+code); a.Kind != notifier.CodeOver || w.onDuty() != "dalia" {
			t.Errorf("somebody else came on duty meanwhile: %+v, %s on duty", a, w.onDuty())
		}
	})
}

func TestWhoHasTheDutyOrIsAwayTakesNone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		now := time.Now()
		w.rosters.edit(func(b *roster.Book) {
			b.Leave = []roster.Leave{{ID: "l1", Person: "carmen", From: now.Add(-time.Hour), Until: now.Add(24 * time.Hour)}}
		})
		say := conversation(w, w.start("n1"))
		for who, want := range map[notifier.Phone]string{ada: "on_duty national[KESTREL|12-27 08:00 UTC>01-03 08:00 UTC|]", carmen: "cannot_take"} {
			if got := answered(say(who, "TAKE")); got != want {
				t.Errorf("%s: %s, want %s", who, got, want)
			}
		}
	})
}

func TestATakeoverThatIsNotStoredIsToldSoAndDoneByTheSameCodeLater(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		code := n.Reply(t.Context(), carmen, "in1", "TAKE").Shifts[0].Code
		w.rosters.mu.Lock()
		w.rosters.unsaved = 1
		w.rosters.mu.Unlock()
		if a := n.Reply(t.Context(), carmen, "in2", code); a.Kind != notifier.TryAgain || w.onDuty() != "ada" {
			t.Errorf("answer %+v, %s on duty", a, w.onDuty())
		}
		for range 2 { // the provider repeats the text, and once more after it was done
			if a := n.Reply(t.Context(), carmen, "in2", code); a.Kind != notifier.TookOver || w.onDuty() != "carmen" {
				t.Errorf("answer %+v, %s on duty", a, w.onDuty())
			}
		}
		if w.history() != "carmen: taken over by text" {
			t.Errorf("history %q", w.history())
		}
	})
}

func TestACodeThatFitsAPageAndAnOfferNeedsTheWord(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.rosters.edit(func(b *roster.Book) { b.Rosters[0].Layers[0].Rotation.Turns[0] = []string{"bruno"} })
		ref := w.raise(request.Urgent)
		page := ""
		w.code = func(request.Ref, string) string { return page }
		n := w.start("n1")
		w.pass(6 * time.Minute) // carmen is asked as the next
		say := conversation(w, n)
		page = say(carmen, "TAKE").Shifts[0].Code
		if a := say(carmen, page); a.Kind != notifier.SeveralMatches || w.onDuty() != "bruno" || w.state(ref).Owner != "" {
			t.Errorf("answer %+v", a)
		}
		if a := say(carmen, "TAKE "+page); a.Kind != notifier.TookOver || w.onDuty() != "carmen" || w.state(ref).Owner != "" {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestWhoIsBusyIsNotAskedAgainWhileOthersAre(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		say := conversation(w, n)
		ref := w.raise(request.Urgent)
		w.pass(time.Second)
		began := time.Now()
		if a := say(ada, "sorry, BUSY "+w.code(ref, "p1")); a.Kind != notifier.Spared || a.Ref != ref {
			t.Errorf("answer %+v", a)
		}
		w.pass(6 * time.Hour) // every level, every round, and everyone many times
		asked := map[string]int{}
		for _, p := range w.state(ref).Pages {
			asked[p.Person]++
		}
		if asked["ada"] != 1 || asked["carmen"] < 5 || w.state(ref).Escalation != request.Exhausted {
			t.Errorf("asked %v", asked)
		}
		if got := abouts(w.texted(ada, began)); got != "" {
			t.Errorf("ada got %q", got)
		}
		// Whoever is busy may change their mind, and is asked like anybody when they give it back.
		if a := say(ada, w.code(ref, "p1")); a.Kind != notifier.Taken {
			t.Errorf("answer %+v", a)
		}
		if a := say(ada, "PASS "+w.code(ref, "p1")); a.Kind != notifier.PassedOn {
			t.Errorf("answer %+v", a)
		}
		w.pass(time.Hour)
		if got := abouts(w.texted(ada, began)); !strings.HasPrefix(got, "ask") {
			t.Errorf("ada got %q", got)
		}
	})
}

func TestWhenEverybodyIsBusyEverybodyIsAskedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.start("n1")
		ref := w.raise(request.Urgent)
		w.pass(2 * time.Hour)
		for _, p := range w.state(ref).Pages {
			if _, err := n.Busy(t.Context(), ref, p.Person, p.Page, request.ViaCode); err != nil {
				t.Fatal(err)
			}
		}
		if busy := w.state(ref).Busy; len(busy) != 5 {
			t.Fatalf("busy %v", busy)
		}
		began := time.Now()
		w.pass(time.Hour)
		for _, phone := range []notifier.Phone{ada, bruno, carmen, dalia, erik} {
			if len(w.texted(phone, began)) == 0 {
				t.Errorf("%s is not asked, and neither is anybody else", phone)
			}
		}
	})
}

// covering has ada ask for cover of the duty that she has.
func covering(w *world) (n *life, say func(notifier.Phone, string) notifier.Answer, began time.Time) {
	w.alarms.Reference = func(kind, cause string, i int) []byte { return []byte(request.FactID(kind, cause, fmt.Sprint(i))) }
	n = w.start("n1")
	w.pass(time.Second)
	say, began = conversation(w, n), time.Now()
	offer := say(ada, "COVER")
	if got := answered(offer); got != "cover_offer national[|01-01 00:00 UTC>01-03 08:00 UTC|]" {
		w.t.Fatalf("answer %s", got)
	}
	w.pass(time.Minute)
	if len(w.texted(bruno, began)) != 0 {
		w.t.Fatal("an offer alone asks others")
	}
	if got := answered(say(ada, "cover "+offer.Shifts[0].Code)); got != "cover_asked national[|01-01 00:01 UTC>01-03 08:00 UTC|]" {
		w.t.Fatalf("answer %s", got)
	}
	w.pass(time.Second)
	for _, phone := range []notifier.Phone{bruno, carmen, dalia, erik} {
		if got := w.texted(phone, began); abouts(got) != "cover" || got[0].Code == "" || got[0].Duty.CallSign != "KESTREL" || got[0].Duty.Roster != "national" {
			w.t.Fatalf("%s got %+v", phone, got)
		}
	}
	if got := w.texted(ada, began); len(got) != 0 {
		w.t.Fatalf("who asks is asked: %+v", got)
	}
	if a := say(ada, "COVER "+offer.Shifts[0].Code); a.Kind != notifier.CoverOpen {
		w.t.Errorf("the same code again: %+v", a)
	}
	return n, say, began
}

func (w *world) codeFor(phone notifier.Phone, about notifier.About) string {
	w.t.Helper()
	for _, t := range w.phones.got("") {
		if t.To == phone && t.About == about {
			return t.Code
		}
	}
	w.t.Fatalf("%s got no %s", phone, about)
	return ""
}

func TestTwoWhoAcceptACoverAtOnceHaveOneWinner(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, say, began := covering(w)
		w.rosters.saving = 10 * time.Millisecond
		answers := make([]notifier.Answer, 2)
		var both sync.WaitGroup
		for i, phone := range []notifier.Phone{bruno, carmen} {
			both.Go(func() { answers[i] = n.Reply(t.Context(), phone, fmt.Sprint("at once", i), w.codeFor(phone, "cover")) })
		}
		both.Wait()
		synctest.Wait()
		winner, loser := 0, 1
		if answers[1].Kind == notifier.CoverIsYours {
			winner, loser = 1, 0
		}
		who, sign := []string{"bruno", "carmen"}[winner], []string{"HERON", "OSPREY"}[winner]
		if answers[winner].Kind != notifier.CoverIsYours || answers[loser].Kind != notifier.AlreadyTaken || answers[loser].CallSign != sign || w.onDuty() != who {
			t.Errorf("answers %+v, %s on duty", answers, w.onDuty())
		}
		w.pass(10 * time.Second)
		if got := w.texted(ada, began); abouts(got) != "cover_taken" || got[0].Duty.CallSign != sign {
			t.Errorf("ada got %+v", got)
		}
		if a := say(dalia, w.codeFor(dalia, "cover")); a.Kind != notifier.AlreadyTaken || a.CallSign != sign {
			t.Errorf("a later one hears %+v", a)
		}
		if got := answered(say([]notifier.Phone{bruno, carmen}[winner], w.codeFor([]notifier.Phone{bruno, carmen}[winner], "cover"))); !strings.HasPrefix(got, "cover_yours national[") {
			t.Errorf("the winner again: %s", got)
		}
		for _, s := range n.Matters(request.OpsCover) {
			if !s.Status.Ended() {
				t.Errorf("%s of %s is not over", s.Ref, s.Matter.Cause)
			}
		}
		if !strings.HasSuffix(w.history(), who+": cover accepted") || strings.Count(w.history(), "accepted") != 1 {
			t.Errorf("history %q", w.history())
		}
	})
}

func TestACoverThatNobodyTakesIsToldToWhoAskedAndToTheCoordinators(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, say, began := covering(w)
		for phone, word := range map[notifier.Phone]string{bruno: "NO ", carmen: "BUSY ", dalia: "pass "} {
			if a := say(phone, word+w.codeFor(phone, "cover")); a.Kind != notifier.Declined {
				t.Errorf("answer %+v", a)
			}
		}
		w.pass(61 * time.Minute)
		for phone, want := range map[notifier.Phone]string{ada: "cover_expired", erik: "cover cover_expired", bruno: "cover"} {
			if got := abouts(w.texted(phone, began)); got != want {
				t.Errorf("%s got %q, want %q", phone, got, want)
			}
		}
		if a := say(erik, w.codeFor(erik, "cover")); a.Kind != notifier.CoverOver || w.onDuty() != "ada" {
			t.Errorf("answer %+v, %s on duty", a, w.onDuty())
		}
		w.pass(3 * time.Hour)
		if got := abouts(w.texted(ada, began)); got != "cover_expired" {
			t.Errorf("ada got %q", got)
		}
	})
}

func TestACoverAskedForElsewhereIsToldOnceByTwoNodesAndCalledOffWithItsEntry(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.alarms.Reference = func(kind, cause string, i int) []byte { return []byte(request.FactID(kind, cause, fmt.Sprint(i))) }
		w.start("n1")
		w.start("n2")
		w.pass(time.Second)
		began, from := time.Now(), time.Now().Add(72*time.Hour)
		cover := roster.Cover{ID: "c1", Person: "bruno", From: from, Until: from.Add(8 * time.Hour), To: []string{"dalia", "erik"}, State: roster.CoverOpen}
		w.rosters.edit(func(b *roster.Book) { b.Rosters[0].Covers = []roster.Cover{cover} })
		w.pass(time.Minute)
		for phone, want := range map[notifier.Phone]string{ada: "", bruno: "", carmen: "", dalia: "cover", erik: "cover"} {
			if got := abouts(w.texted(phone, began)); got != want {
				t.Errorf("%s got %q, want %q", phone, got, want)
			}
		}
		w.rosters.edit(func(b *roster.Book) { b.Rosters[0].Covers = nil })
		w.pass(time.Minute)
		if got := abouts(w.texted(bruno, began)); got != "" {
			t.Errorf("bruno got %q of what a coordinator took out", got)
		}
		// Nobody who could take it is left: nobody waits for an answer.
		cover.ID, cover.To = "c2", []string{"dalia"}
		w.rosters.edit(func(b *roster.Book) {
			b.Rosters[0].Covers = []roster.Cover{cover}
			b.Leave = []roster.Leave{{ID: "l1", Person: "dalia", From: from, Until: from.Add(time.Hour)}}
		})
		w.pass(time.Minute)
		if got := abouts(w.texted(bruno, began)); got != "cover_expired" {
			t.Errorf("bruno got %q", got)
		}
	})
}

func TestANodeThatDiesAfterAnAcceptanceLeavesTheNewsToTheNext(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _, began := covering(w)
		n.stop()
		w.rosters.edit(func(b *roster.Book) { // the roster has it, and nobody was told
			changed, err := b.AcceptCover("national", b.Rosters[0].Covers[0].ID, "dalia", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			revision := b.Revision
			*b = changed
			b.Revision = revision
		})
		w.start("n2")
		w.pass(10 * time.Second)
		if got := w.texted(ada, began); abouts(got) != "cover_taken" || got[0].Duty.CallSign != "SWIFT" {
			t.Errorf("ada got %+v", got)
		}
	})
}
