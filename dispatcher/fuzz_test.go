package dispatcher_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

const (
	// largestCommit is what one message of the log can hold, with room for its headers.
	largestCommit = 1<<20 - 16<<10
	// busiest is how many commits a machine may want at one moment about one request: more, and it runs in a circle.
	busiest = 100
)

// A lonely machine is stepped over one log by itself: what it appends is in the log at once, providers take everything at once, and
// nobody answers. It holds what it writes to the promises.
type lonely struct {
	t       testing.TB
	machine *dispatcher.Machine
	policy  dispatcher.Policy
	now     time.Time
	wake    time.Time
	state   *request.State
	seq     uint64
	commits int // at this moment
	written []request.Event
}

func newLonely(t testing.TB, ref request.Ref, policy dispatcher.Policy, book *roster.Compiled, now time.Time) *lonely {
	lane := func(notifier.Phone) string { return "+15005550000" }
	l := &lonely{t: t, policy: policy, now: now, state: request.NewState(ref)}
	l.machine = dispatcher.NewMachine(dispatcher.Options{
		Node: "n1", Policy: policy, CallTimeout: timeout, Webhook: func(sender string) bool { return sender != "" },
		Providers: []dispatcher.Provider{
			{Name: "twilio", Medium: notifier.MediumSMS, Lane: lane},
			{Name: "twilio", Medium: notifier.MediumVoice, Lane: lane},
			{Name: "vonage", Medium: notifier.MediumSMS, Lane: lane},
			{Name: "vonage", Medium: notifier.MediumVoice, Lane: lane},
			{Name: "webhook", Medium: dispatcher.SenderMedium, Lane: lane},
		},
	})
	l.step(dispatcher.RosterChanged{Roster: book})
	return l
}

// read puts commits of others into the log. Bytes that cannot be folded are the log's own trouble.
func (l *lonely) read(commits ...[]byte) {
	for _, data := range commits {
		l.seq++
		_ = l.state.Apply(l.seq, data)
		l.step(dispatcher.Committed{Ref: l.state.Ref, Seq: l.seq, Data: data})
	}
}

func (l *lonely) step(in dispatcher.Input) {
	commands, wake, _ := l.machine.Step(l.now, in)
	l.wake = wake
	for _, command := range commands {
		switch c := command.(type) {
		case dispatcher.Append:
			l.append(c)
		case dispatcher.Call:
			var events []request.Event
			send := true
			if c.LookUp {
				events, send = c.AfterLookUp(notifier.NotFound{}, l.now)
			}
			if send {
				events = c.AfterSend(notifier.Accepted{ProviderID: "SM1", Delivered: c.Medium == dispatcher.SenderMedium}, l.now)
			}
			fact := request.Fact(c.Message.Ref, request.NewID(), l.now, "n1", request.Actor{Kind: request.ByProvider, ID: c.Provider}, events...)
			l.read(encode(l.t, fact))
			l.step(dispatcher.Returned{Ref: c.Message.Ref, Attempts: []string{c.Message.Attempt}})
		}
	}
}

// append holds a decision to what is promised, and puts it into the log.
func (l *lonely) append(c dispatcher.Append) {
	if c.Ref != l.state.Ref || c.Expect != l.state.LastSeq {
		l.step(dispatcher.Lost{Ref: c.Ref, ID: c.ID})
		return
	}
	if l.commits++; l.commits > busiest {
		l.t.Fatalf("%d commits at one moment; the last one: %s", l.commits, c.Data)
	}
	if len(c.Data) > largestCommit {
		l.t.Fatalf("a commit of %d bytes does not fit the log", len(c.Data))
	}
	commit, err := request.Decode(c.Data)
	if err != nil {
		l.t.Fatalf("a decision that nobody can read: %v", err)
	}
	for _, e := range commit.Events {
		l.written = append(l.written, e)
		l.judge(e)
	}
	l.seq++
	if err := l.state.Apply(l.seq, c.Data); err != nil {
		l.t.Fatalf("a decision that does not fold: %v: %s", err, c.Data)
	}
	l.step(dispatcher.Committed{Ref: c.Ref, Seq: l.seq, Data: c.Data})
}

// judge holds one event to the state before it.
func (l *lonely) judge(e request.Event) {
	switch e.Type {
	case request.AttemptStarted, request.AttemptTakenOver:
		var body request.AttemptBody
		if err := json.Unmarshal(e.Body, &body); err != nil {
			l.t.Fatal(err)
		}
		p := l.state.Page(body.Page)
		if p == nil {
			l.t.Fatalf("an attempt of page %q, which nobody ordered", body.Page)
		}
		if e.Type == request.AttemptStarted && p.Purpose == request.Ask && (l.state.Owner != "" || l.state.Status.Ended()) {
			l.t.Fatalf("page %s goes out after the end: owner %q, status %s", body.Page, l.state.Owner, l.state.Status)
		}
		if e.Type == request.AttemptStarted && l.state.Closed {
			l.t.Fatalf("page %s goes out though the request is closed", body.Page)
		}
	case request.Escalated, request.AcknowledgementLapsed:
		if grace := l.state.LastTime.Add(30 * time.Second); l.state.TooNew() && l.now.Before(grace) && !l.mends(e) {
			l.t.Fatalf("%s at %s, though a newer node has it until %s", e.Type, l.now, grace)
		}
	case request.Closed:
		if l.state.TooNew() {
			l.t.Fatal("closed what a newer node has to close")
		}
	default:
	}
}

// mends reports whether an escalated names more people for the current step: the shift has changed, and no step is taken.
func (l *lonely) mends(e request.Event) bool {
	var body request.EscalatedBody
	return json.Unmarshal(e.Body, &body) == nil && body.Cause == request.CauseRoster
}

// live lets time pass from wish to wish, until everyone was asked in vain.
func (l *lonely) live(span time.Duration, most int) {
	end := l.now.Add(span)
	for range most {
		if l.state.Escalation == request.Exhausted {
			return
		}
		if l.wake.IsZero() {
			if l.state.Exists() && !l.state.Closed && l.state.Owner == "" && !l.state.Status.Ended() {
				l.t.Fatalf("nobody has the request, and the machine wants nothing: status %s, step %+v", l.state.Status, l.state.Step)
			}
			return
		}
		if l.wake.After(end) {
			return
		}
		if l.wake.After(l.now) {
			l.now, l.commits = l.wake, 0
		}
		before := l.commits
		l.step(dispatcher.Tick{})
		if l.commits == before && !l.wake.IsZero() && !l.wake.After(l.now) {
			l.t.Fatalf("at %s the machine wants to be woken at %s, for nothing", l.now, l.wake)
		}
	}
}

// FuzzMachine puts one commit of somebody else's into the log of a request, or of an alarm, at any point of its story, and lets a machine go
// on alone for an hour and a half. Whatever the commit says:
//   - the machine neither panics nor runs in a circle, and what it appends can be decoded, folded and stored;
//   - no asking page goes out while somebody has the request or after its end, and nothing once it is closed;
//   - a commit that asks for a newer reader is left to newer nodes for 30 s, and such a request is never closed;
//   - as long as nobody has the request, the machine wants to be woken.
func FuzzMachine(f *testing.F) {
	stories, policy := stories(f)
	book := exampleBook(f)
	type body = map[string]any
	add := func(kind request.EventType, b any) {
		data, err := json.Marshal(b)
		if err != nil {
			f.Fatal(err)
		}
		for _, story := range []uint8{0, 1} {
			f.Add(story, uint8(1), string(kind), data, 1, int64(1), false)
			f.Add(story, uint8(2), string(kind), data, 1, int64(1), false)
			f.Add(story, uint8(3), string(kind), data, 1, int64(0), true)
			f.Add(story|2, uint8(0), string(kind), data, 1, int64(0), false)
			f.Add(story, uint8(9), string(kind), data, 7, int64(0), false)
		}
	}
	page := request.PageBody{Page: "p1", Purpose: request.Ask, Recipient: request.ToOfficer, Person: "ada", Level: 1, Round: 1, Channel: "sms", Contact: "mobile"}
	attempt := request.AttemptBody{Page: "p1", Attempt: "p1a1", Provider: "twilio", ProviderID: "SM1"}
	for _, kind := range []request.EventType{request.PageOrdered, request.PageCancelled, request.PageExpired} {
		add(kind, page)
	}
	for _, kind := range []request.EventType{
		request.AttemptStarted, request.AttemptTakenOver, request.AttemptSent, request.AttemptDelivered, request.AttemptAnswered, request.AttemptFailed,
	} {
		add(kind, attempt)
	}
	add(request.Received, request.ReceivedBody{Sender: "s2", Type: request.Preservation, Urgency: request.Routine, Missing: []string{"/facts"}})
	add(request.Amended, request.AmendedBody{BodyDigest: "x", Type: request.Preservation})
	add(request.Withdrawn, request.WithdrawnBody{})
	add(request.Escalated, request.EscalatedBody{Level: 2, Round: 1, Cause: request.CauseSilence, Targets: []request.Target{{Person: "bruno"}}})
	add(request.Acknowledged, request.AcknowledgedBody{Person: "ada", Page: "p1", Via: request.ViaCode})
	add(request.AcknowledgementUndone, request.UndoneBody{Person: "ada"})
	add(request.AcknowledgementLapsed, request.LapsedBody{Person: "ada"})
	add(request.Passed, request.PassedBody{Person: "ada"})
	add(request.Opened, request.OpenedBody{Person: "ada"})
	add(request.UrgencyChanged, request.UrgencyChangedBody{From: request.Critical, To: request.Routine})
	add(request.AlarmRaised, request.AlarmBody{Kind: request.AlarmUnanswered, Cause: "x"})
	for _, due := range []string{"2026-03-02T12:30:00.000Z", "2026-03-04T12:00:00.000Z", "9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00Z"} {
		add(request.AlarmRaised, body{"kind": "redis_away", "cause": "node n1", "due": due})
	}
	add(request.HandoverOffered, request.MatterBody{Kind: request.OpsHandover, Person: "ada", Asks: []string{"", "nobody", "ada"}, Roster: "elsewhere"})
	add(request.MatterRaised, request.MatterBody{Kind: request.OpsShift, Person: "ada", Tells: []string{"nobody", "ada"}, About: "pigeon"})
	add(request.HandoverConfirmed, request.HandoverConfirmedBody{Person: "carmen", From: "bruno", Handover: "x"})
	add(request.MatterEnded, request.MatterEndedBody{})
	add(request.AlarmCleared, request.AlarmBody{Kind: request.AlarmRedis, Cause: "node n1"})
	add(request.ContentErased, body{})
	add(request.Closed, request.ClosedBody{Reason: "withdrawn"})
	add("handover_offered", body{"to": "bruno", "colour": []int{1}})
	for _, level := range []any{0, -1, 99, int64(1) << 62, -1 << 63} {
		add(request.Escalated, body{"level": level, "round": level, "cause": "no_answer", "targets": []body{{"person": "ada"}, {"person": "nobody"}}})
	}
	add(request.PageOrdered, body{"page": "p2", "purpose": "ask", "person": "ada", "channel": "pigeon", "expires": "9999-12-31T23:59:59-23:59"})
	add(request.PageOrdered, body{"page": "p5", "purpose": "notice", "recipient": "sender", "person": "s1", "channel": "webhook"})
	add(request.PageOrdered, body{"page": "", "purpose": "ask", "person": "", "channel": "sms", "level": 1, "round": 1, "expires": "2027-01-01T00:00:00Z"})
	add(request.AttemptFailed, body{"page": "p1", "attempt": "p1a1", "failure": "temporary", "retry_at": nil})
	add(request.AttemptFailed, body{"page": "p1", "attempt": "", "failure": "unanswered"})
	f.Fuzz(func(t *testing.T, story, point uint8, kind string, body []byte, reader int, late int64, fact bool) {
		log := stories[int(story)%len(stories)]
		if !json.Valid(body) {
			t.Skip("FuzzFold reads what is no JSON")
		}
		at := 1 + int(point)%len(log)
		last, err := request.Decode(log[at-1].data)
		if err != nil {
			t.Fatal(err)
		}
		now := last.Time.Add(time.Second)
		c := request.Commit{
			V: 1, ID: "foreign", Request: log[0].ref, Time: request.At(now.Add(time.Duration(late) * time.Second)), Node: "n9",
			Actor: request.Actor{Kind: request.BySystem, ID: "n9"}, MinReader: reader,
			Events: []request.Event{{Type: request.EventType(kind), Body: body}},
		}
		if !fact {
			c.Prev = "0"
		}
		data, err := c.Encode()
		if err != nil {
			t.Skip("not a commit")
		}
		l := newLonely(t, log[0].ref, policy, book, now)
		for _, entry := range log[:at] {
			l.read(entry.data)
		}
		if story&2 != 0 { // it comes while the machine is at work
			l.step(dispatcher.Ready{})
		}
		l.read(data)
		l.step(dispatcher.Ready{})
		l.live(90*time.Minute, 150)
	})
}

var storyBegan = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func exampleBook(t testing.TB) *roster.Compiled {
	book := roster.Example("UTC", storyBegan)
	book.Revision = 1
	c, err := roster.Compile(book)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stories are the logs of a request that is acknowledged in the end, of an alarm that nobody looks after, and of a handover.
func stories(t testing.TB) ([][]stored, dispatcher.Policy) {
	w := newWorld(t)
	w.policy.AckLapse = 20 * time.Minute
	w.voice = true
	w.start("n1")
	ref := w.raise(1, request.Critical)
	w.run(4 * time.Minute)
	if answer := w.acknowledge(ref, "bruno"); answer != notifier.Taken {
		t.Fatalf("answer %s", answer)
	}
	w.run(time.Second)
	ops, ok := request.NewOpsRef([]byte("alarm"))
	if !ok {
		t.Fatal("no reference")
	}
	w.decide(request.NewState(ops), request.BySystem, request.NewEvent(request.AlarmRaised, request.AlarmBody{Kind: request.AlarmRedis, Cause: "node n1"}))
	handover := w.matter(request.MatterBody{
		Kind: request.OpsHandover, Cause: "dalia", Roster: "national", Person: "dalia", From: request.At(w.now), Asks: []string{"bruno"},
		Requests: []request.Handed{{Request: ref, Since: request.At(w.present(ref).Since)}},
	})
	w.run(time.Minute)
	logs := make([][]stored, 3)
	for _, entry := range w.log {
		i := slices.Index([]request.Ref{ref, ops, handover}, entry.ref)
		logs[i] = append(logs[i], entry)
	}
	return logs, w.policy
}

// FuzzPolicy runs one request under any policy that is let through, while nobody answers: no plan panics, every plan ends and fits the log,
// every step has at least its time, and after the last round an alarm stands. Levels stand apart by bars and their targets by spaces.
func FuzzPolicy(f *testing.F) {
	for _, levels := range []string{
		"roster|next", "team:coordinators", "person:ada person:nobody", "roster:national|next:national|roster:elsewhere", "roster:", "next", "team:", "", "|",
		" roster", "ROSTER", "person:ada:b", "roster\x00", "person:\u202eada", "team:coordinators team:coordinators|person:ada person:ada",
	} {
		for _, rounds := range []int{1, 3, 0, -1, 1 << 40} {
			f.Add(levels, rounds, int64(60), int64(900), int64(30), int64(0), 1, byte(0), false)
		}
	}
	f.Add("roster", 2, int64(1), int64(1), int64(1), int64(3600), 5, byte(1), true)
	f.Add("roster", 2, int64(1<<33), int64(1<<33), int64(1<<33), int64(1<<33), 0, byte(2), true)
	full, nobody := exampleBook(f), func() *roster.Compiled {
		c, err := roster.Compile(roster.Book{Schema: 1, Revision: 1})
		if err != nil {
			f.Fatal(err)
		}
		return c
	}()
	f.Fuzz(func(t *testing.T, levels string, rounds int, wait, repeat, first, lapse int64, recalls int, urgency byte, empty bool) {
		of := request.Urgencies[int(urgency)%len(request.Urgencies)]
		policy := fuzzedPolicy(levels, rounds, wait, repeat, first, lapse, recalls, of)
		if err := policy.Validate(); err != nil {
			if text := err.Error(); !strings.HasPrefix(text, "policy") || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
				t.Fatalf("what is refused says where, and prints: %q", text)
			}
			return
		}
		book := full
		if empty {
			book = nobody
		}
		w := &world{t: t, now: storyBegan}
		ref := w.raise(1, of)
		l := newLonely(t, ref, policy, book, storyBegan)
		l.read(w.log[0].data)
		l.step(dispatcher.Ready{})
		steps := len(policy.Levels)*rounds + 3
		l.live(100*365*24*time.Hour, 60*steps)
		if !empty && wait < 1<<20 && first < 1<<20 && repeat < 1<<20 && l.state.Escalation != request.Exhausted && !slices.ContainsFunc(l.state.Alarms, func(a request.AlarmBody) bool { return a.Kind == request.AlarmUnanswered }) {
			t.Fatalf("nobody answers, and no alarm stands: %+v, %s", l.state.Step, l.state.Escalation)
		}
		if empty && len(l.state.Alarms) == 0 {
			t.Fatal("nobody can be paged, and no alarm stands")
		}
	})
}

// fuzzedPolicy is the policy of the arguments of FuzzPolicy, its times in seconds.
func fuzzedPolicy(levels string, rounds int, wait, repeat, first, lapse int64, recalls int, of request.Urgency) dispatcher.Policy {
	const longest = 200 * 365 * 24 * 3600
	seconds := func(n int64) time.Duration { return time.Duration(min(max(n, -longest), longest)) * time.Second }
	policy := dispatcher.DefaultPolicy()
	policy.Levels = nil
	for level := range strings.SplitSeq(levels, "|") {
		policy.Levels = append(policy.Levels, strings.Fields(level))
	}
	policy.Rounds, policy.Repeat, policy.FirstSend, policy.AckLapse, policy.Recalls = rounds, seconds(repeat), seconds(first), seconds(lapse), recalls
	policy.Waits[of] = seconds(wait)
	return policy
}

// FuzzReply reads any text that somebody writes back. A code is six digits that stand in the text in this order, and a reference one that is
// valid; case, surrounding space, punctuation and the script of the digits make no difference; and what was read, written plainly, is read
// the same, in every language. What has no code and no command leads to nothing.
func FuzzReply(f *testing.F) {
	for _, text := range []string{
		"123456", " 123456 ", "123 456", "12-34-56", "PASS 123456", "pass 7K4M-2QX9-D 123456", "ACK 123456.", "ack123456", "١٢٣٤٥٦", "１２３４５６", "१२३४५६", "𝟙𝟚𝟛𝟜𝟝𝟞", "𝟬𝟭𝟮𝟯𝟰𝟱",
		"123456 654321", "call 112 at 03", "1234567", "12345", "", "\x00123456", "\u202e654321", "123\u200b456", "7K4M2QX9D", "OK", "«123456»", "123456\xff", "½23456", "Ⅵ12345", "12345²",
		"WHO", "menu", "Take", "TAKE 123456", "cover", "NO 123456", "123456 no", "busy 123 456", "ЗАНЯТ 123456", "接班123456", "忙123456", "\u200fمناوبة ١٢٣٤٥٦", "occupé: 123456", "ＴＡＫＥ １２３４５６",
		"1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣", "who knows 123456", "7K4M-2QX9-D TAKE 123456 pass654321",
	} {
		f.Add(text)
	}
	words := everyWord()
	f.Fuzz(func(t *testing.T, text string) {
		got := dispatcher.ParseReply(text, words)
		if got.Code != "" && (len(got.Code) != 6 || strings.Trim(got.Code, "0123456789") != "" || !strings.Contains(digitsOf(text), got.Code)) {
			t.Fatalf("%q: the code %q does not stand in it (%q)", text, got.Code, digitsOf(text))
		}
		if got.Ref != "" {
			if ref, err := request.ParseRef(got.Ref.String()); err != nil || ref != got.Ref {
				t.Fatalf("%q: %q is no reference", text, got.Ref)
			}
		}
		for _, same := range []string{" " + text + "\n", "(" + text + ")!", "\u00a0" + text, westernised(text)} {
			if again := dispatcher.ParseReply(same, words); again != got {
				t.Fatalf("%q is read as %+v, and %q as %+v", text, got, same, again)
			}
		}
		plain := strings.TrimSpace(string(got.Wish) + " " + got.Code)
		if got.Ref != "" {
			plain += " " + got.Ref.String()
		}
		got.Extra = 0
		if again := dispatcher.ParseReply(plain, words); again != got {
			t.Fatalf("%q is read as %+v, which written as %q is %+v", text, got, plain, again)
		}
	})
}

// everyWord are the words of all languages.
func everyWord() dispatcher.Words {
	lists := map[dispatcher.Wish][]string{}
	for name, words := range phrase.Commands() {
		lists[dispatcher.Wish(name)] = words
	}
	return dispatcher.NewWords(lists)
}

// digitsOf are the decimal digits of a text in the order in which they stand. The table of values is Unicode's: every block of decimal
// digits begins with a zero at a multiple that its first character gives.
func digitsOf(text string) string {
	var all strings.Builder
	for _, r := range text {
		if value, ok := valueOf(r); ok {
			fmt.Fprint(&all, value)
		}
	}
	return all.String()
}

// valueOf is the value of a decimal digit, found another way than the program does: by counting through the ranges of Unicode's table.
func valueOf(r rune) (int, bool) {
	for _, block := range unicode.Nd.R16 {
		if rune(block.Lo) <= r && r <= rune(block.Hi) {
			return int(r-rune(block.Lo)) % 10, true
		}
	}
	for _, block := range unicode.Nd.R32 {
		if rune(block.Lo) <= r && r <= rune(block.Hi) {
			return int(r-rune(block.Lo)) % 10, true
		}
	}
	return 0, false
}

// westernised is a text with its digits as 0 to 9.
func westernised(text string) string {
	if !utf8.ValidString(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if value, ok := valueOf(r); ok {
			return rune('0' + value)
		}
		return r
	}, text)
}
