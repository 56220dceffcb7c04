package natsdoor

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
)

// referenceHeader names the request that a call is about: HTTP has it in the address.
const referenceHeader = "Dutyline-Reference"

// A call is one message to the door.
type call struct {
	sender string
	reply  string // where the answer is wanted; "": nowhere
	header micro.Headers
	body   []byte
}

// size is what the call takes of the memory.
func (c call) size() int {
	size := len(c.body)
	for name, values := range c.header {
		size += len(name)
		for _, text := range values {
			size += len(text)
		}
	}
	return size
}

// An answer is a status, and the position of what was written for it (0: nothing was).
type answer struct {
	receipt  request.Receipt
	position uint64
}

// An endpoint is one kind of call.
type endpoint struct {
	name     string
	handle   func(context.Context, call) (answer, error)
	metadata map[string]string
}

func (d *Door) endpoints() []endpoint {
	describe := func(does, headers, body string) map[string]string {
		return map[string]string{"does": does, "headers": headers, "body": body, "answer": "STATUS as HTTP has it; " + door.TypeProblem + " with an error"}
	}
	return []endpoint{
		{"raise", d.raise, describe("stores a request", door.KeyHeader, "the request, JSON or YAML")},
		{"amend", d.amend, describe("supplies what was missing, or corrects", referenceHeader+", "+door.MatchHeader, "a merge patch (RFC 7396)")},
		{"show", d.show, describe("tells where a request stands", referenceHeader, "none")},
		{"withdraw", d.withdraw, describe("ends a request", referenceHeader, `{"reason": text}`)},
	}
}

// get gives a header however its name is written: NATS tells capitals apart, people who come from HTTP do not. Of several that differ in
// capitals alone it is always the same one: a call that is repeated must not find another key.
func (c call) get(name string) string {
	if text := c.header.Get(name); text != "" {
		return text
	}
	for _, key := range slices.Sorted(maps.Keys(c.header)) {
		if values := c.header[key]; strings.EqualFold(key, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// reference is the request that the call is about.
func (c call) reference() (request.Ref, error) {
	text := c.get(referenceHeader)
	if text == "" {
		return "", door.NewProblem(door.CodeUnreadable, "Name the request in the header "+referenceHeader+", as in 7K4M-2QX9-D.")
	}
	return request.ParseRef(text)
}

// json is the body as JSON: YAML is translated where JSON may stand.
func (c call) json(allowed ...string) ([]byte, error) {
	isYAML, err := door.IsYAML(c.get("Content-Type"), allowed...)
	if err != nil || !isYAML {
		return c.body, err
	}
	return door.FromYAML(c.body)
}

func (d *Door) raise(ctx context.Context, c call) (answer, error) {
	key, err := door.ParseKey(c.get(door.KeyHeader))
	if err != nil {
		return answer{}, err
	}
	body, err := c.json(door.TypeJSON)
	if err != nil {
		return answer{}, err
	}
	result, err := d.Intake.Raise(ctx, c.sender, key, body)
	return answer{result.Receipt, result.Seq}, err
}

func (d *Door) amend(ctx context.Context, c call) (answer, error) {
	ref, err := c.reference()
	if err != nil {
		return answer{}, err
	}
	version, err := door.ParseVersion(c.get(door.MatchHeader))
	if err != nil {
		return answer{}, err
	}
	patch, err := c.json(door.TypeMerge)
	if err != nil {
		return answer{}, err
	}
	result, err := d.Intake.Amend(ctx, c.sender, ref, int(version), patch) //nolint:gosec // ParseVersion takes 62 bits
	return answer{result.Receipt, result.Seq}, err
}

func (d *Door) show(ctx context.Context, c call) (answer, error) {
	ref, err := c.reference()
	if err != nil {
		return answer{}, err
	}
	receipt, err := d.Intake.Show(ctx, c.sender, ref)
	return answer{receipt: receipt}, err
}

func (d *Door) withdraw(ctx context.Context, c call) (answer, error) {
	ref, err := c.reference()
	if err != nil {
		return answer{}, err
	}
	isYAML, err := door.IsYAML(c.get("Content-Type"), door.TypeJSON)
	if err != nil {
		return answer{}, err
	}
	var body struct {
		Reason string `json:"reason"`
	}
	if err := door.Into(c.body, isYAML, &body); err != nil {
		return answer{}, err
	}
	result, err := d.Intake.Withdraw(ctx, c.sender, ref, body.Reason)
	return answer{result.Receipt, result.Seq}, err
}

// take serves one message on a goroutine of its own, so that a slow one holds up nobody. The answer does not go through r: that is package
// micro's own again as soon as take returns.
func (d *Door) take(e endpoint, r micro.Request) {
	c := call{senderOf(r.Subject()), r.Reply(), r.Headers(), r.Data()}
	size := c.size()
	if !d.bounds.enter(c.sender, size) {
		d.fail(e, c, door.NewProblem(door.CodeUnavailable, "Too many calls are under way. Repeat the same call with the same key in a few seconds."))
		return
	}
	d.calls.Go(func() {
		defer d.bounds.leave(c.sender, size)
		began := time.Now()
		out, err := d.serve(e, c)
		if err != nil {
			d.fail(e, c, err)
		} else {
			d.answer(c, out)
		}
		d.Logger.Debug("answered", zap.String("endpoint", e.name), zap.Bool("ok", err == nil), zap.Duration("took", time.Since(began)))
	})
}

// serve makes an answer or an error; a panic is an error.
func (d *Door) serve(e endpoint, c call) (out answer, err error) {
	defer func() {
		if trouble := recover(); trouble != nil {
			// The value of a panic can quote anything; its type and the stack do not.
			d.Logger.Error("panic while answering", zap.String("endpoint", e.name), zap.String("panic", fmt.Sprintf("%T", trouble)), zap.Stack("stack"))
			out, err = answer{}, door.NewProblem(door.CodeInternal, "")
		}
	}()
	if sender, known := d.Directory.Sender(c.sender); !known || sender.Revoked != nil {
		return answer{}, door.NewProblem(door.CodeUnauthorized, "This sender is not known, or was revoked. A coordinator can enter it anew.")
	}
	if len(c.body) > request.MaxBody {
		return answer{}, door.NewProblem(door.CodeTooLarge, "")
	}
	position, err := door.ParsePosition(c.get(door.PositionHeader))
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(d.work, patience)
	defer cancel()
	if position > 0 {
		if err := d.catchUp(ctx, position); err != nil {
			return answer{}, err
		}
	}
	return e.handle(ctx, c)
}

// catchUp waits until this node has read as far as the caller has.
func (d *Door) catchUp(ctx context.Context, position uint64) error {
	ctx, cancel := context.WithTimeout(ctx, door.CatchUp)
	defer cancel()
	return d.WaitFor(ctx, position)
}

// answerable reports whether the reply subject is the sender's own: the door may publish where the sender may not.
func answerable(c call) bool {
	rest, mine := strings.CutPrefix(c.reply, inbox(c.sender))
	return mine && rest != ""
}

func (d *Door) answer(c call, out answer) {
	h := nats.Header{
		"Content-Type": {door.TypeJSON}, door.VersionHeader: {door.FormatVersion(out.receipt.Version)}, referenceHeader: {out.receipt.Reference},
	}
	if out.position > 0 {
		h[door.PositionHeader] = []string{door.FormatPosition(out.position)}
	}
	d.respond(c, h, out.receipt)
}

func (d *Door) fail(e endpoint, c call, err error) {
	p := door.ProblemOf(err)
	if cause := p.Unwrap(); p.Code == door.CodeInternal && cause != nil {
		d.Logger.Error("call failed", zap.String("endpoint", e.name), zap.Error(cause))
	}
	h := nats.Header{"Content-Type": {door.TypeProblem}, micro.ErrorCodeHeader: {strconv.Itoa(p.Status)}, micro.ErrorHeader: {p.Title}}
	if p.Status == http.StatusServiceUnavailable {
		h["Retry-After"] = []string{strconv.Itoa(door.RetryAfter)}
	}
	d.respond(c, h, p)
}

// respond sends an answer, if its sender may have it where it is wanted.
func (d *Door) respond(c call, h nats.Header, document any) {
	if !answerable(c) {
		return
	}
	data, err := json.Marshal(document)
	if err == nil {
		err = d.send(&nats.Msg{Subject: c.reply, Header: h, Data: data})
	}
	if err != nil {
		d.Logger.Warn("an answer could not be sent", zap.Error(err))
	}
}
