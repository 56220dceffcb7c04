package web_test

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/sheet"
	"github.com/dutyline/dutyline/vault"
	"github.com/dutyline/dutyline/web"
)

// A world is one node behind the HTTP face: real intake, directory and decisions over a log in memory.
type world struct {
	t        testing.TB
	now      time.Time
	editing  sync.Mutex // of book, history and versions
	log      *memoryLog
	dir      *directory.Directory
	book     roster.Book
	history  []web.RosterVersion
	versions map[uint64]roster.Book
	parts    []web.Part
	table    table
	redis    *miniredis.Miniredis
	logs     *observer.ObservedLogs
	web      *web.Server

	sender, other, officer, colleague, coordinator string // tokens
	officerToken                                   directory.Token
}

func newWorld(t testing.TB) *world {
	server := miniredis.RunT(t)
	w := newQuietWorld(t, server.Addr())
	w.redis = server
	return w
}

// newQuietWorld has no Redis of its own and can live in a bubble of testing/synctest.
func newQuietWorld(t testing.TB, address string) *world {
	now := time.Date(2026, 3, 4, 22, 5, 0, 0, time.UTC)
	w := &world{t: t, now: now, log: newMemoryLog(), parts: []web.Part{{Name: "log", OK: true}}}
	w.book = roster.Example("Europe/Paris", now)
	w.book.Revision = 1
	w.dir = directory.New(&memoryDirectory{})
	go func() { _ = w.dir.Run(t.Context()) }()
	client := redis.NewClient(&redis.Options{
		Addr: address, MaxRetries: -1, DialerRetries: 1, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = client.Close() })
	core, logs := observer.New(zap.DebugLevel)
	w.logs = logs
	var err error
	w.web, err = web.New(web.Options{
		Intake: intake.New(intake.Options{
			Log: w.log, Sealer: clearSealer{}, Deployment: vault.Key{1}, Node: "n1", Now: w.Now,
		}),
		Directory: w.dir, Officer: w, States: w, Rosters: w, Table: &w.table, Log: w.log, Health: w, UndoWindow: undoWindow,
		Sessions: web.NewRedisSessions(client, w.Now), SignIns: web.NewSignIns(client, w.Now),
		Webhooks:      http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNoContent) }),
		WebhookSecret: func(sender string) string { return "whsec_" + sender },
		Escalation:    sheet.Escalation{Levels: [][]string{{"roster"}, {"next"}}, Rounds: 3, Waits: []sheet.Wait{{Urgency: request.Critical, Time: 3 * time.Minute}}},
		PINDigest:     pinKey.PINDigest,
		Now:           w.Now, Logger: zap.New(core),
	})
	must(t, err)
	w.sender = w.newSender("Border Police", "FR")
	w.other = w.newSender("Somebody Else", "DE")
	w.officerToken, w.officer = w.newToken(directory.RoleOfficer, w.book.People[0].ID)
	_, w.colleague = w.newToken(directory.RoleOfficer, w.book.People[1].ID)
	_, w.coordinator = w.newToken(directory.RoleCoordinator, "coordinator")
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) newSender(name, state string) string {
	s, err := w.dir.AddSender(w.t.Context(), directory.NewSender{Name: name, State: state}, w.now)
	must(w.t, err)
	_, text := w.newToken(directory.RoleSender, s.ID)
	return text
}

func (w *world) newToken(role directory.Role, subject string) (directory.Token, string) {
	token, text, err := w.dir.AddToken(w.t.Context(), role, subject, 24*time.Hour, w.now)
	must(w.t, err)
	return token, text
}

// undoWindow is how long an acknowledgement can be taken back.
const undoWindow = time.Minute

func (w *world) Now() time.Time { return w.now }

// An answer is what came back from a call.
type answer struct {
	*http.Response
	text string
}

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.text), v); err != nil {
		t.Fatalf("answer %d is no such JSON: %v\n%s", a.StatusCode, err, a.text)
	}
}

// problem is the code of an error answer.
func (a answer) problem(t testing.TB) string {
	t.Helper()
	var p struct {
		Status int
		Code   string
		Type   string
		Title  string
		Detail string
	}
	a.into(t, &p)
	if a.Header.Get("Content-Type") != "application/problem+json" || p.Status != a.StatusCode || p.Type == "" || p.Title == "" || p.Detail == "" {
		t.Errorf("no whole problem document: %s %s", a.Header.Get("Content-Type"), a.text)
	}
	return p.Code
}

// call makes one call; headers are name, value pairs.
func (w *world) call(method, path, token, body string, headers ...string) answer {
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	w.web.ServeHTTP(recorder, r)
	response := recorder.Result()
	text, _ := io.ReadAll(response.Body)
	return answer{response, string(text)}
}

const secretFacts = "the account zebra-crossing moves funds tonight"

var preservation = `{"type":"preservation","instrument":"budapest_convention","urgency":"critical","language":"fr","facts":"` + secretFacts + `",
 "callback_person":{"name":"Jeanne Martin","phone":"+33 1 99 00 12 34"},"confidential":true,"details":{"data":["zebra-crossing","10.1.2.3"]},"colour":"blue"}`

// raised is a request that a sender raised.
func (w *world) raised() request.Receipt {
	w.t.Helper()
	a := w.call("POST", "/api/v1/requests", w.sender, preservation)
	if a.StatusCode != http.StatusAccepted {
		w.t.Fatalf("raise: %d %s", a.StatusCode, a.text)
	}
	var receipt request.Receipt
	a.into(w.t, &receipt)
	return receipt
}

// ask orders a page for a person, as the dispatcher does.
func (w *world) ask(reference, person string, alarms ...request.AlarmBody) {
	w.t.Helper()
	ref, err := request.ParseRef(reference)
	must(w.t, err)
	events := []request.Event{
		request.NewEvent(request.Escalated, request.EscalatedBody{Level: 1, Round: 1, Cause: request.CauseReceived, Targets: []request.Target{{Person: person}}}),
		request.NewEvent(request.PageOrdered, request.PageBody{Page: "p1", Purpose: request.Ask, Recipient: request.ToOfficer, Person: person, Level: 1, Round: 1, Channel: "sms"}),
	}
	for _, a := range alarms {
		events = append(events, request.NewEvent(request.AlarmRaised, a))
	}
	_, err = w.append(ref, request.Actor{Kind: request.BySystem, ID: "n1"}, events...)
	must(w.t, err)
}

func (w *world) append(ref request.Ref, actor request.Actor, events ...request.Event) (uint64, error) {
	state, err := w.State(w.t.Context(), ref)
	if err != nil {
		return 0, err
	}
	commit := state.Decide(w.now, "n1", actor, events...)
	data, err := commit.Encode()
	if err != nil {
		return 0, err
	}
	return w.log.Append(w.t.Context(), ref, commit.ID, data, state.LastSeq, commit.Closes())
}

// State folds the log.
func (w *world) State(ctx context.Context, ref request.Ref) (*request.State, error) {
	history, err := w.log.History(ctx, ref)
	if err != nil {
		return nil, web.ErrUnavailable
	}
	if len(history) == 0 {
		return nil, web.ErrNotFound
	}
	state := request.NewState(ref)
	for _, c := range history {
		if err := state.Apply(c.Seq, c.Data); err != nil {
			return nil, err
		}
	}
	return state, nil
}

func (w *world) WaitFor(ctx context.Context, position uint64) error {
	for {
		head, moved := w.log.head()
		if head >= position {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *world) Watch(ctx context.Context, ref request.Ref) (<-chan *request.State, func(), error) {
	if _, err := w.State(ctx, ref); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	states := make(chan *request.State)
	go func() {
		for {
			_, moved := w.log.head()
			state, err := w.State(ctx, ref)
			if err != nil {
				return
			}
			select {
			case states <- state:
			case <-ctx.Done():
				return
			}
			select {
			case <-moved:
			case <-ctx.Done():
				return
			}
		}
	}()
	return states, cancel, nil
}

func (w *world) Open() []*request.State {
	var open []*request.State
	for _, ref := range w.log.refs() {
		if state, err := w.State(w.t.Context(), ref); err == nil && !state.Closed && !ref.IsOps() {
			open = append(open, state)
		}
	}
	return open
}

func (w *world) Alarms() []*request.State { return w.ops(request.OpsAlarm) }

func (w *world) Handovers() []*request.State { return w.ops(request.OpsHandover) }

func (w *world) ops(kind request.OpsKind) []*request.State {
	var list []*request.State
	for _, ref := range w.log.refs() {
		if state, err := w.State(w.t.Context(), ref); err == nil && state.Kind() == kind {
			list = append(list, state)
		}
	}
	return list
}

func (w *world) Acknowledge(_ context.Context, ref request.Ref, person string, via request.Via) (web.Outcome, error) {
	return w.officerActs(ref, person, func(s *request.State) ([]request.Event, notifier.AnswerKind) {
		return dispatcher.Acknowledge(s, w.now, person, "", via)
	})
}

func (w *world) Pass(_ context.Context, ref request.Ref, person, reason string, via request.Via) (web.Outcome, error) {
	return w.officerActs(ref, person, func(s *request.State) ([]request.Event, notifier.AnswerKind) {
		events, kind := dispatcher.Pass(s, person, "", via)
		if len(events) > 0 {
			events[0].Sealed = []byte(reason)
		}
		return events, kind
	})
}

func (w *world) Undo(_ context.Context, ref request.Ref, person string, via request.Via) (web.Outcome, error) {
	return w.officerActs(ref, person, func(s *request.State) ([]request.Event, notifier.AnswerKind) {
		return dispatcher.Undo(s, w.now, undoWindow, person, via)
	})
}

func (w *world) ChangeUrgency(_ context.Context, ref request.Ref, actor request.Actor, to request.Urgency, reason string) (web.Outcome, error) {
	return w.acts(ref, actor, func(s *request.State) ([]request.Event, notifier.AnswerKind) {
		events, kind := dispatcher.ChangeUrgency(s, to, reason, s.ClocksAt(to))
		if len(events) > 0 {
			events[0].Sealed = []byte(reason)
		}
		return events, kind
	})
}

func (w *world) officerActs(ref request.Ref, person string, decide func(*request.State) ([]request.Event, notifier.AnswerKind)) (web.Outcome, error) {
	return w.acts(ref, request.Actor{Kind: request.ByOfficer, ID: person}, decide)
}

func (w *world) acts(ref request.Ref, actor request.Actor, decide func(*request.State) ([]request.Event, notifier.AnswerKind)) (web.Outcome, error) {
	state, err := w.State(w.t.Context(), ref)
	if err != nil {
		return web.Outcome{}, err
	}
	events, kind := decide(state)
	verdicts := map[notifier.AnswerKind]web.Verdict{
		notifier.Taken: web.Taken, notifier.AlarmTaken: web.Taken, notifier.AlarmOver: web.Ended, notifier.AlreadyYours: web.AlreadyYours, notifier.AlreadyTaken: web.AlreadyTaken,
		notifier.AlreadyEnded: web.Ended, notifier.PassedOn: web.PassedOn, notifier.CannotPass: web.CannotPass,
		notifier.Undone: web.Undone, notifier.UndoOver: web.UndoOver, notifier.NotYours: web.NotYours,
		notifier.UrgencyStands: web.UrgencyStands, notifier.ReasonNeeded: web.ReasonNeeded,
	}
	outcome := web.Outcome{Verdict: verdicts[kind]}
	if owner, err := roster.Compile(w.book); err == nil && kind == notifier.AlreadyTaken {
		p, _ := owner.Person(state.Owner)
		outcome.CallSign = p.CallSign
	}
	if len(events) > 0 {
		outcome.Position, err = w.append(ref, actor, events...)
	}
	return outcome, err
}

func (w *world) Opened(_ context.Context, ref request.Ref, person string) error {
	if w.log.isDown() {
		return web.ErrUnavailable
	}
	_, err := w.append(ref, request.Actor{Kind: request.ByOfficer, ID: person}, request.NewEvent(request.Opened, request.OpenedBody{Person: person}))
	return err
}

func (w *world) Current(context.Context, uint64) (*roster.Compiled, error) {
	w.editing.Lock()
	defer w.editing.Unlock()
	if w.book.Revision == 0 {
		return nil, web.ErrUnavailable
	}
	return roster.Compile(w.book)
}

func (w *world) Version(_ context.Context, revision uint64) (roster.Book, error) {
	if book, ok := w.versions[revision]; ok {
		return book, nil
	}
	return roster.Book{}, web.ErrNotFound
}

func (w *world) Apply(_ context.Context, edit roster.Edit) (roster.Book, error) {
	w.editing.Lock()
	defer w.editing.Unlock()
	if edit.Base != w.book.Revision {
		conflict := &web.RosterConflict{Current: w.book.Revision}
		if n := len(w.history); n > 0 {
			last := w.history[n-1]
			conflict.By, conflict.When, conflict.Reason = last.Actor.ID, last.Time.Time, last.Reason
		}
		return roster.Book{}, conflict
	}
	next, err := w.book.Next(w.book.KeepPINs(edit.Book, edit.PINOf), w.now)
	if err != nil {
		return roster.Book{}, err
	}
	edit.Book = next
	confirmed, err := w.book.Confirm(edit, w.now)
	if err != nil {
		return roster.Book{}, err
	}
	if roster.Same(next, w.book) {
		return w.book, nil
	}
	if w.versions == nil {
		w.versions = map[uint64]roster.Book{w.book.Revision: w.book}
	}
	w.book = next
	w.book.Revision = edit.Base + 1
	w.versions[w.book.Revision] = w.book
	w.history = append(w.history, web.RosterVersion{
		Revision: w.book.Revision, Time: request.At(w.now), Actor: request.Actor{Kind: request.ActorKind(cmp.Or(edit.ActorKind, roster.Coordinator)), ID: edit.Actor}, Reason: edit.Reason,
		ConfirmedUnverified: confirmed,
	})
	return w.book, nil
}

func (w *world) History(context.Context) ([]web.RosterVersion, error) {
	w.editing.Lock()
	defer w.editing.Unlock()
	return slices.Clone(w.history), nil
}

func (w *world) Parts(context.Context) []web.Part { return w.parts }
