package node

import (
	"context"
	"crypto/subtle"
	"strings"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// mostCodes is how many codes of one text are looked at: a canary that comes back has one, and its reference no digits enough for another.
const mostCodes = 4

// flownBack reports whether a text is a canary that has come back, and notes it: one of a probe, or of a number of ours that sent it, with the
// code. A late one and a repetition change nothing, and are nobody's reply either. Guesses are not counted: whoever can forge a sender could
// silence the canaries by them, and to guess a code while it is of use takes a million texts within minutes.
func (n *Node) flownBack(ctx context.Context, from notifier.Phone, text string) bool {
	codes := codesIn(text)
	if len(codes) == 0 || !n.probes(from) {
		return false
	}
	found := n.canaryOf(from, codes)
	if found.page == "" { // another node sent it just now
		ctx, cancel := context.WithTimeout(ctx, foldPatience)
		defer cancel()
		if head, err := n.opts.Log.Head(ctx); err == nil && n.WaitFor(ctx, head) == nil {
			found = n.canaryOf(from, codes)
		}
	}
	if found.page == "" {
		return false
	}
	system := request.Actor{Kind: request.BySystem, ID: n.opts.Name}
	_, err := n.decide(ctx, found.ref, system, func(s *request.State) ([]request.Event, notifier.AnswerKind, string) {
		events, kind := dispatcher.Acknowledge(s, n.opts.Clock.Now(), request.CanaryProbe, found.page, request.ViaCode)
		return events, kind, ""
	})
	if err != nil {
		n.opts.Logger.Warn("a canary came back, and that is not stored", zap.Stringer("reference", found.ref), zap.Error(err))
	}
	return true
}

// probes reports whether canaries may come back from a number.
func (n *Node) probes(from notifier.Phone) bool {
	for _, p := range n.opts.Canaries.Probes {
		if p.Answers(from) {
			return true
		}
	}
	return false
}

// canaryOf finds the canary that has one of some codes. All are compared, whichever matches.
func (n *Node) canaryOf(from notifier.Phone, codes []string) (found matched) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.machine.Flying(from) {
		for i := range s.Pages {
			own := []byte(n.opts.Code(s.Ref, s.Pages[i].Page))
			for _, code := range codes {
				if subtle.ConstantTimeCompare(own, []byte(code)) == 1 {
					found = matched{s.Ref, s.Pages[i].Page}
				}
			}
		}
	}
	return found
}

// codesIn lists what stands in a text and could be a code: six digits that stand alone.
func codesIn(text string) (codes []string) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	for _, word := range words {
		if len(word) == codeLength && len(codes) < mostCodes {
			codes = append(codes, word)
		}
	}
	return codes
}

// codeLength is that of every code.
const codeLength = 6

// Probed says by its canaries how each provider is that has a probe, in the order of the options.
func (n *Node) Probed() []dispatcher.ProbeReport {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.machine.Probed()
}
