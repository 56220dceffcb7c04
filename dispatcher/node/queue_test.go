package node

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/request"
)

const (
	syncing = 200 * time.Microsecond // an append of the log, which takes one after the other
	folding = 100 * time.Microsecond // from an append's answer to what follows from it
	calling = 300 * time.Microsecond // a call to the provider
)

// workshop is an append queue with a log that takes its time, and requests that go through both: escalated, attempt_started, the call, its
// outcome, two reports of the provider.
type workshop struct {
	queue *appendQueue
	disk  chan struct{} // whoever is in it has the log; the others stand in line

	mu     sync.Mutex
	done   map[request.Ref]func()
	phones map[string]chan struct{} // one call at a time
	last   time.Time                // a text came
	rest   sync.WaitGroup
}

func newWorkshop() *workshop {
	w := &workshop{disk: make(chan struct{}, 1), done: map[request.Ref]func(){}, phones: map[string]chan struct{}{}}
	w.queue = newAppendQueue(func(a dispatcher.Append) {
		w.append()
		w.mu.Lock()
		done := w.done[a.Ref]
		w.mu.Unlock()
		go done()
	})
	return w
}

func (w *workshop) append() {
	w.disk <- struct{}{}
	time.Sleep(syncing)
	<-w.disk
	time.Sleep(folding)
}

func (w *workshop) phone(person string) chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.phones[person] == nil {
		w.phones[person] = make(chan struct{}, 1)
	}
	return w.phones[person]
}

// decide waits for a decision of a request to be in the log.
func (w *workshop) decide(ref request.Ref, urgency request.Urgency, person string, starts bool) {
	done := make(chan struct{})
	w.mu.Lock()
	w.done[ref] = func() { close(done) }
	w.mu.Unlock()
	w.queue.push(dispatcher.Append{Ref: ref, ID: fmt.Sprint(ref, starts), Urgency: urgency, For: person, Starts: starts})
	<-done
}

// page takes a request that was received to its text, and gives when the provider had it. The rest of it goes on. What is more urgent does not
// wait for the telephone here: how long that takes is the lane's affair.
func (w *workshop) page(ref request.Ref, urgency request.Urgency, person string) {
	w.decide(ref, urgency, person, false)
	phone := w.phone(person)
	if urgency != request.Urgent {
		phone = w.phone(person + " " + string(urgency))
	}
	phone <- struct{}{}
	w.decide(ref, urgency, person, true)
	w.mu.Lock()
	w.last = time.Now()
	w.mu.Unlock()
	w.rest.Go(func() {
		time.Sleep(calling)
		w.append()
		<-phone
		time.Sleep(50 * time.Millisecond)
		w.append()
		w.append()
	})
}

// storm receives n requests for each person from 64 senders at a time.
func (w *workshop) storm(n int, people ...string) *sync.WaitGroup {
	var all sync.WaitGroup
	senders := make(chan struct{}, 64)
	for i := range n {
		for _, person := range people {
			all.Go(func() {
				senders <- struct{}{}
				w.append()
				<-senders
				w.page(request.Ref(fmt.Sprint(person, "-", i)), request.Urgent, person)
			})
		}
	}
	return &all
}

// errands pages n requests for somebody, one after the other, and gives the median of the time from receipt to text.
func (w *workshop) errands(n int, urgency request.Urgency, person string) time.Duration {
	var took []time.Duration
	for i := range n {
		w.append() // received
		begin := time.Now()
		time.Sleep(folding)
		w.page(request.Ref(fmt.Sprint(person, "-", urgency, i)), urgency, person)
		took = append(took, time.Since(begin))
		time.Sleep(2 * time.Millisecond)
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// share is what a storm that began then has taken of the log until its last text: six appends a request.
func (w *workshop) share(n int, began time.Time) float64 {
	return float64(6*n) * syncing.Seconds() / w.last.Sub(began).Seconds()
}

// TestStormTakesTheLogWhileItIsAloneAndLeavesItToOthers runs in fake time: the log and the provider alone take any, so the figures are those of the
// queue.
func TestStormTakesTheLogWhileItIsAloneAndLeavesItToOthers(t *testing.T) {
	const storm = 4000
	synctest.Test(t, func(t *testing.T) {
		w := newWorkshop()
		idle := w.errands(40, request.Urgent, "bruno")
		time.Sleep(time.Minute)

		began := time.Now()
		w.storm(storm, "ada").Wait()
		if share := w.share(storm, began); share < 0.85 {
			t.Errorf("a storm for one person that is alone takes %.2f of the log", share)
		}
		w.rest.Wait()
		time.Sleep(time.Minute)

		var people []string
		for p := range 200 {
			people = append(people, fmt.Sprint("p", p))
		}
		began = time.Now()
		w.storm(storm/len(people), people...).Wait()
		if share := w.share(storm, began); share < 0.95 {
			t.Errorf("a storm for %d people takes %.2f of the log", len(people), share)
		}
		w.rest.Wait()
		time.Sleep(time.Minute)

		again := w.storm(storm, "ada again")
		time.Sleep(1500 * time.Millisecond) // all of it was received
		first, behind := w.errands(1, request.Urgent, "carla"), w.errands(40, request.Urgent, "bruno again")
		t.Logf("at rest it takes %s, behind a storm %s, the first of all %s", idle, behind, first)
		if behind > 2*idle || first > 3*idle {
			t.Error("others wait for the storm")
		}
		if w.phone("ada again"); len(w.phone("ada again")) == 0 {
			t.Error("the storm was over before it was measured")
		}
		again.Wait()
		w.rest.Wait()
	})
}

func TestAStormLeavesTheLogToAnEmergencyForTheSamePerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorkshop()
		idle := w.errands(40, request.Emergency, "bruno")
		time.Sleep(time.Minute)
		all := w.storm(4000, "ada")
		time.Sleep(1500 * time.Millisecond) // all of it was received
		behind := w.errands(40, request.Emergency, "ada")
		t.Logf("at rest an emergency takes %s, behind a storm for the same person %s", idle, behind)
		if behind > 2*idle {
			t.Error("it waits for the storm")
		}
		all.Wait()
		w.rest.Wait()
	})
}

// Decisions for the same person rest for those that are more urgent, few as they are, and for no others.
func TestWhatIsLessUrgentRests(t *testing.T) {
	const several = 10
	for urgency, rests := range map[request.Urgency]bool{request.Emergency: true, request.Critical: true, request.Urgent: false, request.Routine: false} {
		synctest.Test(t, func(t *testing.T) {
			var all sync.WaitGroup
			q := newAppendQueue(func(a dispatcher.Append) {
				time.Sleep(time.Millisecond)
				if a.ID == "1" {
					all.Done()
				}
			})
			q.last = "ada" // as ever
			q.push(dispatcher.Append{Ref: "first", ID: "0", Urgency: urgency, For: "ada"})
			began := time.Now()
			for n := range several {
				all.Add(1)
				q.push(dispatcher.Append{Ref: request.Ref(fmt.Sprint(n)), ID: "1", Urgency: request.Urgent, For: "ada"})
			}
			all.Wait()
			if took := time.Since(began); (took > 2*several*time.Millisecond) != rests {
				t.Errorf("beside one that is %s, %d of a millisecond took %s", urgency, several, took)
			}
			time.Sleep(time.Minute)
		})
	}
}

// Where several are busy alike nobody rests; what is most of all that waits does.
func TestOnlyAStormRests(t *testing.T) {
	const each = 20
	for _, c := range []struct {
		ada, bruno int
		rests      bool
	}{{each, each, false}, {each, 1, true}} {
		synctest.Test(t, func(t *testing.T) {
			var all sync.WaitGroup
			q := newAppendQueue(func(dispatcher.Append) {
				time.Sleep(time.Millisecond)
				all.Done()
			})
			push := func(person string, n int) {
				a := dispatcher.Append{Ref: request.Ref(fmt.Sprint(person, "-", n)), ID: "1", Urgency: request.Urgent, For: person}
				all.Add(1)
				q.push(a)
			}
			began := time.Now()
			for n := range max(c.ada, c.bruno) {
				if n < c.ada {
					push("ada", n)
				}
				if n < c.bruno {
					push("bruno", n)
				}
			}
			all.Wait()
			if took := time.Since(began); (took > 2*each*time.Millisecond) != c.rests {
				t.Errorf("%d and %d decisions of a millisecond took %s", c.ada, c.bruno, took)
			}
			time.Sleep(time.Minute)
		})
	}
}
