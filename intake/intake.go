package intake

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vault"
)

// Options are what a service is made with; all but Keys are required.
type Options struct {
	Log        Log
	Sealer     Sealer
	Keys       Keys // nil: the key of each request is made when it is received, and goes by its reference
	Deployment vault.Key
	Node       string
	Now        func() time.Time
}

// A Service takes what senders say. It is safe for concurrent use.
type Service struct {
	Options
	reference, digest vault.Key
}

// New makes a service.
func New(o Options) *Service {
	return &Service{Options: o, reference: o.Deployment.Derive("reference"), digest: o.Deployment.Derive("digest")}
}

// A Result is a stored request: what its sender is told, and the position of the log up to which a reader must have read to see it.
type Result struct {
	Ref     request.Ref
	Receipt request.Receipt
	Seq     uint64
}

// maxCommit is the largest commit in bytes: a message of the log is at most 1 MiB, with its headers. A body of [request.MaxBody] can grow
// beyond it, by escapes and by a warning for each of thousands of unknown members, and amendments add up.
const maxCommit = 1<<20 - 16<<10

// tries bounds how often a decision is made anew because somebody else was faster.
const tries = 16

// Raise stores a request. The same sender, key and body give the first answer again. Errors: [request.ErrUnreadable], [*InvalidError],
// [ErrKeyReused], [ErrTooLarge], [ErrUnavailable].
func (s *Service) Raise(ctx context.Context, sender, key string, body []byte) (Result, error) {
	content, err := parse(body)
	if err != nil {
		return Result{}, err
	}
	if key == "" {
		key = request.NewID()
	}
	origin, digest := s.mac("origin", sender, key), s.mac("body", string(content.Canonical()))
	scope, giveBack, err := s.takeKey(ctx)
	if err != nil {
		return Result{}, err
	}
	for i := 0; ; i++ {
		ref, ok := request.NewRef(s.reference.MAC(sender, key, strconv.Itoa(i)))
		if !ok {
			continue
		}
		result, err := s.receive(ctx, sender, ref, scope, content, origin, digest)
		if !errors.Is(err, ErrConflict) {
			if errors.Is(err, ErrTooLarge) {
				giveBack()
			}
			return result, err
		}
		result, first, err := s.repeated(ctx, ref, content, origin, digest)
		if first == nil || first.Origin == origin {
			if first != nil && first.Key != scope { // another append was first, and this one stored nothing
				giveBack()
			}
			return result, err
		}
		// Somebody else's request has this reference: derive the next.
	}
}

// takeKey gives the scope of a key for one request, "" for the one that goes by its reference. Only who is sure that nothing was stored under
// it gives it back: after an append of which nobody knows, it may be in use.
func (s *Service) takeKey(ctx context.Context) (scope string, giveBack func(), err error) {
	if s.Keys == nil {
		return "", func() {}, nil
	}
	if scope, err = s.Keys.Take(ctx); err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return scope, func() { s.Keys.Return(scope) }, nil
}

func parse(body []byte) (request.Content, error) {
	content, fields, err := request.ParseContent(body)
	if err != nil {
		return request.Content{}, err
	}
	if len(fields) > 0 {
		return request.Content{}, &InvalidError{fields}
	}
	return content, nil
}

// mac is a keyed digest in 32 hexadecimal digits.
func (s *Service) mac(parts ...string) string {
	return hex.EncodeToString(s.digest.MAC(parts...)[:16])
}

func (s *Service) receive(ctx context.Context, sender string, ref request.Ref, scope string, content request.Content, origin, digest string) (Result, error) {
	now := s.Now()
	urgency := request.Judge(content.Type(), content.Urgency())
	warnings := content.Warnings()
	event := request.NewEvent(request.Received, request.ReceivedBody{
		Sender: sender, OriginDigest: origin, BodyDigest: digest, Type: content.Type(), Urgency: urgency, UrgencyProposed: content.Urgency(),
		Language: content.Language(), Missing: pointers(content), Warnings: len(warnings), Due: request.Clocks(content, urgency, now), Key: scope,
	})
	state := request.NewState(ref)
	state.Key = scope
	return s.decide(ctx, state, now, sender, warnings, sealedPart{event: &event, plain: request.SealedContent{Content: content.Canonical(), Warnings: warnings}})
}

func pointers(c request.Content) []string {
	list := []string{}
	for _, m := range c.Missing() {
		list = append(list, m.Field)
	}
	return list
}

// sealedPart is an event and what it seals.
type sealedPart struct {
	event *request.Event
	plain any
	// spare says that the event counts without what it seals: an erased request can still be withdrawn.
	spare bool
}

// decide seals, appends one event expecting the state's head, folds it, and gives the receipt.
func (s *Service) decide(ctx context.Context, state *request.State, now time.Time, sender string, warnings []request.Warning, part sealedPart) (Result, error) {
	commit := state.Decide(now, s.Node, request.Actor{Kind: request.BySender, ID: sender}, *part.event)
	if part.plain != nil {
		var plain bytes.Buffer
		encoder := json.NewEncoder(&plain)
		encoder.SetEscapeHTML(false) // it would grow sixfold, and nobody reads it as HTML
		if err := encoder.Encode(part.plain); err != nil {
			return Result{}, fmt.Errorf("encode content: %w", err)
		}
		sealed, err := s.Sealer.Seal(ctx, state.Scope(), state.Place(request.EventID(commit.ID, 0)), plain.Bytes())
		if err != nil && !(part.spare && errors.Is(err, vault.ErrErased)) {
			return Result{}, sealError(err)
		}
		commit.Events[0].Sealed = sealed
	}
	data, err := commit.Encode()
	if err != nil {
		return Result{}, err
	}
	if len(data) > maxCommit {
		return Result{}, ErrTooLarge
	}
	seq, err := s.Log.Append(ctx, state.Ref, commit.ID, data, state.LastSeq, commit.Closes())
	if err != nil {
		return Result{}, err
	}
	if err := state.Apply(seq, data); err != nil {
		return Result{}, err
	}
	return Result{state.Ref, state.Receipt(warnings), seq}, nil
}

// sealError keeps an erasure apart from a vault that cannot be reached.
func sealError(err error) error {
	if errors.Is(err, vault.ErrErased) {
		return fmt.Errorf("%w: %w", ErrErased, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// repeated looks at whose request already has the reference, and gives it as it was first; nil with an error when it cannot be read. The first
// answer is the fold of the first commit alone: what became of the request since is not what was answered then.
func (s *Service) repeated(ctx context.Context, ref request.Ref, content request.Content, origin, digest string) (result Result, first *request.State, err error) {
	log, err := s.Log.History(ctx, ref)
	if err != nil {
		return Result{}, nil, err
	}
	if len(log) == 0 {
		return Result{}, nil, fmt.Errorf("%w: the log of the request is not readable yet", ErrUnavailable)
	}
	first = request.NewState(ref)
	if err := first.Apply(log[0].Seq, log[0].Data); err != nil {
		return Result{}, nil, err
	}
	switch {
	case first.Origin != origin:
		return Result{}, first, nil
	case first.Body != digest:
		return Result{}, first, ErrKeyReused
	}
	return Result{ref, first.Receipt(content.Warnings()), log[0].Seq}, first, nil
}

// fold reads a sender's own request.
func (s *Service) fold(ctx context.Context, sender string, ref request.Ref) (*request.State, []request.Stored, error) {
	log, err := s.Log.History(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	state := request.NewState(ref)
	for _, c := range log {
		// A commit that this version cannot read moves the head and is otherwise passed over.
		if err := state.Apply(c.Seq, c.Data); err != nil && !errors.Is(err, request.ErrCommit) {
			return nil, nil, err
		}
	}
	if !state.Exists() || (sender != "" && state.Sender != sender) {
		return nil, nil, ErrNotFound
	}
	return state, log, nil
}

// Show gives a sender their request. Errors: [ErrNotFound], also for somebody else's; [ErrUnavailable].
func (s *Service) Show(ctx context.Context, sender string, ref request.Ref) (request.Receipt, error) {
	state, log, err := s.fold(ctx, sender, ref)
	if err != nil {
		return request.Receipt{}, err
	}
	warnings, err := s.warnings(ctx, state, log)
	if err != nil {
		return request.Receipt{}, err
	}
	return state.Receipt(warnings), nil
}

func (s *Service) warnings(ctx context.Context, state *request.State, log []request.Stored) ([]request.Warning, error) {
	if state.Warnings == 0 || state.Erased {
		return nil, nil
	}
	sealed, err := s.unseal(ctx, state, log)
	if errors.Is(err, ErrErased) {
		return nil, nil
	}
	return sealed.Warnings, err
}

// Content reads the newest content of a request, for an officer. Errors: [ErrNotFound], [ErrErased], [ErrUnavailable].
func (s *Service) Content(ctx context.Context, ref request.Ref) (request.SealedContent, error) {
	state, log, err := s.fold(ctx, "", ref)
	if err != nil {
		return request.SealedContent{}, err
	}
	return s.unseal(ctx, state, log)
}

// Clocks gives the clocks of a request at another urgency, from receipt. Of an erased one the legal clocks stay. Errors: [ErrNotFound],
// [ErrUnavailable].
func (s *Service) Clocks(ctx context.Context, state *request.State, to request.Urgency) ([]request.Due, error) {
	sealed, err := s.Content(ctx, state.Ref)
	if errors.Is(err, ErrErased) {
		return state.ClocksAt(to), nil
	}
	if err != nil {
		return nil, err
	}
	content, _, err := request.ParseContent(sealed.Content)
	if err != nil {
		return nil, fmt.Errorf("read the content for its clocks: %w", err)
	}
	return request.Clocks(content, to, state.Received), nil
}

func (s *Service) unseal(ctx context.Context, state *request.State, log []request.Stored) (request.SealedContent, error) {
	for _, stored := range slices.Backward(log) {
		c, err := request.Decode(stored.Data)
		if err != nil {
			continue
		}
		for n, e := range c.Events {
			if (e.Type != request.Received && e.Type != request.Amended) || e.Sealed == nil {
				continue
			}
			plain, err := s.Sealer.Open(ctx, state.Scope(), state.Place(request.EventID(c.ID, n)), e.Sealed)
			if err != nil {
				return request.SealedContent{}, sealError(err)
			}
			var content request.SealedContent
			if err := json.Unmarshal(plain, &content); err != nil {
				return request.SealedContent{}, fmt.Errorf("read the sealed content: %w", err)
			}
			return content, nil
		}
	}
	return request.SealedContent{}, ErrNotFound
}

// Amend changes the content by a merge patch (RFC 7396) made from a version of the status. Errors: those of Raise and Show, [ErrVersion],
// [ErrEnded], [ErrErased].
func (s *Service) Amend(ctx context.Context, sender string, ref request.Ref, version int, patch []byte) (Result, error) {
	for range tries {
		state, log, err := s.fold(ctx, sender, ref)
		switch {
		case err != nil:
			return Result{}, err
		case state.Status.Ended():
			return Result{}, ErrEnded
		case state.Version != version:
			return Result{}, ErrVersion
		}
		before, err := s.unseal(ctx, state, log)
		if err != nil {
			return Result{}, err
		}
		content, err := merge(before.Content, patch)
		if err != nil {
			return Result{}, err
		}
		digest := s.mac("body", string(content.Canonical()))
		warnings := content.Warnings()
		if digest == state.Body { // nothing changes: nothing is stored
			return Result{ref, state.Receipt(warnings), state.LastSeq}, nil
		}
		event := request.NewEvent(request.Amended, request.AmendedBody{
			BodyDigest: digest, Type: content.Type(), Language: content.Language(), Missing: pointers(content), Warnings: len(warnings),
			Due: request.Clocks(content, state.Urgency, state.Received),
		})
		result, err := s.decide(ctx, state, s.Now(), sender, warnings, sealedPart{event: &event, plain: request.SealedContent{Content: content.Canonical(), Warnings: warnings}})
		if !errors.Is(err, ErrConflict) {
			return result, err
		}
	}
	return Result{}, fmt.Errorf("amend: %w: others keep changing the request", ErrUnavailable)
}

// object reads a JSON object, numbers as they are written. The error wraps [request.ErrUnreadable].
func object(data []byte) (map[string]any, error) {
	value, err := request.ReadJSON(data)
	if err != nil {
		return nil, err
	}
	members, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: this is no JSON object", request.ErrUnreadable)
	}
	return members, nil
}

// mergePatch is the function of RFC 7396, section 2. It may change target.
func mergePatch(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	members, ok := target.(map[string]any)
	if !ok {
		members = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(members, name)
			continue
		}
		members[name] = mergePatch(members[name], value)
	}
	return members
}

// merge applies a patch. What routes a request is fixed once people have been paged for it.
func merge(before, patch []byte) (request.Content, error) {
	members, err := object(patch)
	if err != nil {
		return request.Content{}, err
	}
	var stored any // an earlier version may have taken what this one refuses
	decoder := json.NewDecoder(bytes.NewReader(before))
	decoder.UseNumber()
	if err := decoder.Decode(&stored); err != nil {
		return request.Content{}, fmt.Errorf("read the stored content: %w", err)
	}
	merged, err := json.Marshal(mergePatch(stored, members))
	if err != nil {
		return request.Content{}, fmt.Errorf("amend: %w", err)
	}
	content, err := parse(merged)
	if err != nil {
		return request.Content{}, err
	}
	old, err := parse(before)
	if err != nil {
		return request.Content{}, fmt.Errorf("read the stored content: %w", err)
	}
	var fields []request.FieldError
	if content.Type() != old.Type() {
		fields = append(fields, request.FieldError{
			Field: "/type", Code: "not_allowed", Detail: "The type of a request cannot be changed: officers were paged for it.", Fix: "Withdraw it and raise another.",
		})
	}
	if content.Urgency() != old.Urgency() {
		fields = append(fields, request.FieldError{
			Field: "/urgency", Code: "not_allowed", Detail: "The urgency cannot be changed by an amendment.", Fix: "Withdraw the request and raise another, or ask the officer who has it.",
		})
	}
	if len(fields) > 0 {
		return request.Content{}, &InvalidError{fields}
	}
	return content, nil
}

// Withdraw ends a request on behalf of its sender. Doing it twice is no error. Errors: [ErrNotFound], [ErrEnded], [ErrUnavailable].
func (s *Service) Withdraw(ctx context.Context, sender string, ref request.Ref, reason string) (Result, error) {
	for range tries {
		state, log, err := s.fold(ctx, sender, ref)
		if err != nil {
			return Result{}, err
		}
		warnings, err := s.warnings(ctx, state, log)
		switch {
		case err != nil:
			return Result{}, err
		case state.Status == request.StatusWithdrawn:
			return Result{ref, state.Receipt(warnings), state.LastSeq}, nil
		case state.Status.Ended():
			return Result{}, ErrEnded
		}
		event := request.NewEvent(request.Withdrawn, request.WithdrawnBody{})
		part := sealedPart{event: &event, spare: true}
		if reason != "" && !state.Erased {
			part.plain = request.SealedReason{Reason: reason}
		}
		result, err := s.decide(ctx, state, s.Now(), sender, warnings, part)
		if !errors.Is(err, ErrConflict) {
			return result, err
		}
	}
	return Result{}, fmt.Errorf("withdraw: %w: others keep changing the request", ErrUnavailable)
}
