package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/dutyline/dutyline/app"
	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/twiliosim"
)

// ErrUnanswered says that the night ended with nobody having acknowledged.
var ErrUnanswered = errors.New("nobody acknowledged: a standing alarm was raised")

// errDisagree says that what the log tells and what the telephones saw are not the same.
var errDisagree = errors.New("the log and the telephones tell different stories")

// Options are how a night is played.
type Options struct {
	JSON          bool
	Speed         float64 // by which the times of the policy are divided; 0: 60
	Seed          uint64  // of the simulator; 0: a random one
	NobodyAnswers bool
	Colour        bool
	Out           io.Writer // the story, or its events as JSON, and the result
	Err           io.Writer // what is no result
}

const (
	account   = "ACde30de30de30de30de30de30de30de30"
	password  = "demo"
	ourNumber = "+15005550006"
	// longestAlarm is how long the story waits for the alarm to reach a telephone.
	longestAlarm = 3 * time.Second
	// pickUpAfter is how long the officer who answers lets it ring, before it is divided.
	pickUpAfter = 8 * time.Second
)

// Run plays a night. Errors: [ErrUnanswered], or what kept it from being played.
func Run(ctx context.Context, o Options) (err error) {
	o.Speed = cmp.Or(o.Speed, 60)
	if o.Speed < 1 || o.Speed > 600 {
		return fmt.Errorf("demo: a speed of %g: use 1 to 600", o.Speed)
	}
	o.Seed = cmp.Or(o.Seed, 1+rand.Uint64N(1<<32)) //nolint:gosec // a seed to repeat a story by
	dir, err := os.MkdirTemp("", "dutyline-demo-*")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	sim := twiliosim.New(twiliosim.Options{
		AccountSID: account, AuthToken: password, Numbers: []string{ourNumber}, Seed: o.Seed,
		SpeechRate: 1, Speed: o.Speed, DeliveryDelay: o.divided(time.Second),
	})
	defer sim.Close()
	address, stop, err := serve(sim.Handler())
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer stop()

	ctx, cancel := context.WithCancel(ctx)
	ready, ended := make(chan app.Started, 1), make(chan error, 1)
	unlimited := 0.0
	go func() {
		ended <- app.Run(ctx, app.Options{
			Config: config.Config{
				Listen: "127.0.0.1:0", DataDir: dir, Node: "demo",
				Twilio: config.Twilio{
					BaseURL: address, AccountSID: account, AuthToken: password, Numbers: []string{ourNumber},
					TextsPerSecond: &unlimited, CallsPerSecond: &unlimited,
				},
			},
			Standalone: true, Speed: o.Speed, Ready: func(s app.Started) { ready <- s },
		})
	}()
	over := false
	defer func() {
		cancel()
		if !over {
			err = errors.Join(err, <-ended)
		}
	}()
	select {
	case started := <-ready:
		return o.play(ctx, sim, started)
	case err := <-ended:
		over = true
		return fmt.Errorf("demo: %w", err)
	}
}

func (o *Options) divided(d time.Duration) time.Duration {
	return time.Duration(float64(d) / o.Speed)
}

// serve opens the simulator to the node.
func serve(handler http.Handler) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

// night is one night that is being played.
type night struct {
	Options
	sim     *twiliosim.Simulator
	coord   *client.Client
	sender  *client.Client
	book    roster.Book
	hero    roster.Person // who answers the call
	story   *story
	receipt request.Receipt
	logs    []string // references of all logs that were seen: the request's, and those of alarms
}

// play raises the request and lets people do what they do, until somebody has it or everybody was asked in vain.
func (o *Options) play(ctx context.Context, sim *twiliosim.Simulator, started app.Started) error {
	n := &night{Options: *o, sim: sim, coord: client.New(started.URL, started.Tokens.Coordinator), sender: client.New(started.URL, started.Tokens.Sender)}
	var err error
	if n.book, err = n.coord.Roster(ctx); err != nil {
		return err
	}
	duty, err := n.coord.Duty(ctx, "", time.Time{})
	if err != nil {
		return err
	}
	if len(duty.OnDuty) == 0 || len(duty.Next) == 0 {
		return errors.New("demo: the example roster has nobody on duty")
	}
	n.hero = n.person(duty.Next[0].Person)
	for _, p := range n.book.People {
		behaviour := twiliosim.Voicemail
		if p.ID == n.hero.ID && !o.NobodyAnswers {
			behaviour = twiliosim.Answers
		}
		if err := sim.SetBehaviour(phoneOf(p), behaviour); err != nil {
			return err
		}
	}
	n.story = newStory(n)
	n.story.begin(duty)
	return n.run(ctx)
}

func (n *night) person(id string) roster.Person {
	for _, p := range n.book.People {
		if p.ID == id {
			return p
		}
	}
	return roster.Person{ID: id, CallSign: id}
}

// phoneOf is the first number of a person.
func phoneOf(p roster.Person) string {
	if len(p.Contacts) == 0 {
		return ""
	}
	return p.Contacts[0].Address
}

// errOver ends following the log.
var errOver = errors.New("the story is over")

// run raises the request and follows the log to the end of the story.
func (n *night) run(ctx context.Context) error {
	limit, cancel := context.WithTimeoutCause(ctx, n.longest(), errors.New("demo: the story did not end"))
	defer cancel()
	watched := make(chan request.Receipt, 64)
	begin := uint64(0)
	tail, stopTail := context.WithCancel(limit)
	defer stopTail()
	events, tailed := make(chan client.Event), make(chan error, 1)
	go func() {
		tailed <- n.coord.Tail(tail, &begin, func(e client.Event) error {
			select {
			case events <- e:
				return nil
			case <-tail.Done():
				return tail.Err()
			}
		})
	}()
	body := fmt.Appendf(nil, `{"type":"preservation","urgency":"critical","language":"en","instrument":"budapest_convention",
		"facts":"EXERCISE: the connection logs of a provider roll over tonight.","details":{"data":"connection logs"}}`)
	var err error
	if n.receipt, err = n.sender.Raise(limit, fmt.Sprintf("demo-%d", n.Seed), body, false); err != nil {
		return err
	}
	n.story.raised(n.receipt)
	go func() {
		_ = n.sender.Watch(tail, n.receipt.Reference, func(r request.Receipt) error {
			select {
			case watched <- r:
				return nil
			case <-tail.Done():
				return tail.Err()
			}
		})
	}()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	var stored bool // the acknowledgement stands in the log
	var alarm <-chan time.Time
	var told *request.Receipt
	for {
		if stored && told != nil {
			n.story.phones()
			n.story.told(*told)
			return n.finish(limit)
		}
		select {
		case <-limit.Done():
			return context.Cause(limit)
		case err := <-tailed:
			return cmp.Or(err, errOver)
		case e := <-events:
			if !slices.Contains(n.logs, e.Request) {
				n.logs = append(n.logs, e.Request)
			}
			n.story.phones()
			if err := n.story.event(e); err != nil {
				return err
			}
			stored = stored || e.Type == request.Acknowledged
			if e.Type == request.AlarmRaised && alarmOf(e) == request.AlarmUnanswered && e.Request == n.receipt.Reference {
				alarm = time.After(longestAlarm)
			}
		case r := <-watched:
			if r.Status == request.StatusAcknowledged {
				told = &r
			}
		case <-alarm: // nobody was paged for it: the story ends all the same
			return n.finish(limit)
		case <-look.C:
			n.story.phones()
			n.act()
			if alarm != nil && n.alarmReached() {
				return n.finish(limit)
			}
		}
	}
}

// longest is how long a story may take: everybody asked in vain, and as much again.
func (n *night) longest() time.Duration {
	return 20*time.Second + n.divided(time.Hour)
}

// alarmReached reports whether a telephone shows the text of an alarm.
func (n *night) alarmReached() bool {
	return slices.ContainsFunc(n.sim.Messages(), func(m twiliosim.Message) bool { return !m.ShownAt.IsZero() && isAlarm(m.Body) })
}

// act is what the officer does who answers: lets it ring, listens, presses 1.
func (n *night) act() {
	if n.NobodyAnswers {
		return
	}
	for _, c := range n.sim.Calls() {
		if c.To != phoneOf(n.hero) {
			continue
		}
		switch {
		case c.Status == twiliosim.CallRinging && time.Since(c.RangAt) > n.divided(pickUpAfter):
			_ = n.sim.Answer(c.To) // it has stopped ringing: the next look sees it
		case c.Status == twiliosim.CallInProgress && len(c.Said) > 0 && c.Pressed == "":
			_ = n.sim.Press(c.To, "1")
		}
	}
}
