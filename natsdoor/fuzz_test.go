package natsdoor

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/request"
)

// message is a micro request, and what the door sends for it. Answering through it is a panic: package micro reads it when the handler
// returns, which the door does before there is an answer.
type message struct {
	micro.Request
	subject, reply string
	header         micro.Headers
	data           []byte

	answers int
	to      string
	code    string
	body    []byte
}

// send takes what the door answers.
func (m *message) send(out *nats.Msg) error {
	m.answers++
	m.to, m.code, m.body = out.Subject, out.Header.Get(micro.ErrorCodeHeader), out.Data
	if (m.code == "") != (out.Header.Get(micro.ErrorHeader) == "") {
		return errors.New("half an error")
	}
	return nil
}

func (m *message) Data() []byte           { return m.data }
func (m *message) Headers() micro.Headers { return m.header }
func (m *message) Subject() string        { return m.subject }
func (m *message) Reply() string          { return m.reply }

// anyone is a directory in which everybody is a sender.
type anyone struct{ Directory }

func (anyone) Sender(id string) (directory.Sender, bool) { return directory.Sender{ID: id}, true }

// echo is an intake that parses and stores nothing.
type echo struct{ sender string }

func (e *echo) result(sender string) (intake.Result, error) {
	e.sender = sender
	return intake.Result{Receipt: request.Receipt{Reference: "7K4M-2QX9-D", Version: 1}, Seq: 1}, nil
}

func (e *echo) Raise(_ context.Context, sender, _ string, body []byte) (intake.Result, error) {
	if _, fields, err := request.ParseContent(body); err != nil {
		return intake.Result{}, err
	} else if len(fields) > 0 {
		return intake.Result{}, &intake.InvalidError{Fields: fields}
	}
	return e.result(sender)
}

func (e *echo) Show(_ context.Context, sender string, _ request.Ref) (request.Receipt, error) {
	r, err := e.result(sender)
	return r.Receipt, err
}

func (e *echo) Amend(_ context.Context, sender string, _ request.Ref, version int, _ []byte) (intake.Result, error) {
	if version < 0 {
		panic("a version below 0")
	}
	return e.result(sender)
}

func (e *echo) Withdraw(_ context.Context, sender string, _ request.Ref, _ string) (intake.Result, error) {
	return e.result(sender)
}

// FuzzMessages sends the door whatever can arrive: it answers once, in the sender's own inbox alone, with a whole status or a whole problem,
// and takes the sender from the subject alone.
func FuzzMessages(f *testing.F) {
	f.Add(uint8(0), "s1", "_INBOX.s1.x", "Idempotency-Key: k", []byte(`{"type":"preservation"}`))
	f.Add(uint8(0), "s1", "_INBOX.s2.x", "Content-Type: application/yaml", []byte("type: preservation\n"))
	f.Add(uint8(1), "s1", "_INBOX.s1.x", "dutyline-reference: 7K4M-2QX9-D\nIf-Match: W/\"1\"", []byte(`{"facts":null}`))
	f.Add(uint8(1), "s1", "_INBOX.s1.x", "Dutyline-Reference: 7K4M-2QX9-D\nIf-Match: 18446744073709551615", []byte(`{}`))
	f.Add(uint8(2), "s1", "requests.7K4M2QX9D", "Dutyline-Reference: 7k4m2qx9d", []byte(nil))
	f.Add(uint8(2), "s1", "_INBOX.s1.", "Dutyline-Position: -1", []byte(nil))
	f.Add(uint8(3), "s1", "_INBOX.s1.x.y", "Dutyline-Reference: 7K4M-2QX9-D", []byte(`{"reason":"x","sender":"s2"}`))
	f.Add(uint8(3), "s1", "_INBOX.s1.x", "Dutyline-Reference: 7K4M-2QX9-D\nContent-Type: text/yaml", []byte("reason: [\n"))
	in := &echo{}
	d := &Door{Options: Options{
		Intake: in, Directory: anyone{}, WaitFor: func(context.Context, uint64) error { return nil }, Now: time.Now, Logger: zap.NewNop(),
	}, bounds: newBounds()}
	d.work, d.abandon = context.WithCancel(context.Background())
	endpoints := d.endpoints()
	f.Fuzz(func(t *testing.T, which uint8, sender, reply, headers string, body []byte) {
		if sender == "" || strings.ContainsAny(sender, ". *>\t\r\n") {
			return // no token of a subject
		}
		e := endpoints[int(which)%len(endpoints)]
		m := &message{subject: prefix + sender + "." + e.name, reply: reply, header: micro.Headers{}, data: body}
		for line := range strings.Lines(headers) {
			name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
			m.header[name] = append(m.header[name], strings.TrimSpace(value))
		}
		in.sender, d.send = "", m.send
		d.take(e, m)
		d.calls.Wait()
		if m.answers > 0 && m.to != reply {
			t.Errorf("answered to %q, not to %q", m.to, reply)
		}
		if in.sender != "" && in.sender != sender {
			t.Errorf("%q speaks as %q", sender, in.sender)
		}
		if mine := strings.HasPrefix(reply, "_INBOX."+sender+".") && reply != "_INBOX."+sender+"."; (m.answers == 1) != mine || m.answers > 1 {
			t.Fatalf("%d answers to %q of %q", m.answers, reply, sender)
		}
		if m.answers == 0 {
			return
		}
		if m.code == "" {
			var receipt request.Receipt
			if err := json.Unmarshal(m.body, &receipt); err != nil || receipt.Reference == "" || in.sender == "" {
				t.Errorf("answer %s: %v", m.body, err)
			}
			return
		}
		var p door.Problem
		if err := json.Unmarshal(m.body, &p); err != nil || strconv.Itoa(p.Status) != m.code || p.Code == "" || p.Detail == "" || p.Status >= 500 {
			t.Errorf("problem %s %s: %v", m.code, m.body, err)
		}
		if in.sender != "" {
			t.Errorf("refused with %s and stored", m.code)
		}
	})
}
