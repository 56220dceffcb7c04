package request

import (
	"encoding/json"
	"strconv"
	"strings"
)

// An EventType names what happened (CONTRACT: EVENT).
type EventType string

// The event types that this version writes. Others are written by later versions and skipped by the fold.
const (
	Received         EventType = "received"
	Amended          EventType = "amended"
	Withdrawn        EventType = "withdrawn"
	Escalated        EventType = "escalated"
	PageOrdered      EventType = "page_ordered"
	PageCancelled    EventType = "page_cancelled"
	PageExpired      EventType = "page_expired"
	AttemptStarted   EventType = "attempt_started"
	AttemptTakenOver EventType = "attempt_taken_over"
	AttemptSent      EventType = "attempt_sent"
	AttemptDelivered EventType = "attempt_delivered"
	AttemptAnswered  EventType = "attempt_answered" // a call: somebody, or an answering machine, picked up
	AttemptFailed    EventType = "attempt_failed"
	Acknowledged     EventType = "acknowledged"
	Opened           EventType = "opened"
	Passed           EventType = "passed"
	AlarmRaised      EventType = "alarm_raised"
	AlarmCleared     EventType = "alarm_cleared"
	SenderNotified   EventType = "sender_notified" // a notice reached the sender; no status changes by it
	ContentErased    EventType = "content_erased"
	Closed           EventType = "closed"

	AcknowledgementUndone EventType = "acknowledgement_undone" // who has it took it by mistake, and says so in time
	AcknowledgementLapsed EventType = "acknowledgement_lapsed" // who has it did not read it in time
	UrgencyChanged        EventType = "urgency_changed"
)

// ReceivedBody is the body of received. Its sealed part is a [SealedContent].
type ReceivedBody struct {
	Sender          string   `json:"sender"`  // the directory's id
	OriginDigest    string   `json:"origin"`  // keyed digest of sender and idempotency key
	BodyDigest      string   `json:"body"`    // keyed digest of the canonical content
	Type            Type     `json:"type"`    // routing fields stay readable when the content is erased
	Urgency         Urgency  `json:"urgency"` // as judged
	UrgencyProposed Urgency  `json:"urgency_proposed,omitempty"`
	Language        string   `json:"language,omitempty"`
	Missing         []string `json:"missing"`  // pointers of the tables, no content
	Warnings        int      `json:"warnings"` // how many; their texts can quote the sender and are sealed
	Due             []Due    `json:"due"`
	Key             string   `json:"key,omitempty"` // scope of the key that seals what people write about the request; "": its reference
}

// AmendedBody is the body of amended: the routing fields after the change. Its sealed part is the whole content after it.
type AmendedBody struct {
	BodyDigest string   `json:"body"`
	Type       Type     `json:"type"`
	Language   string   `json:"language,omitempty"`
	Missing    []string `json:"missing"`
	Warnings   int      `json:"warnings"`
	Due        []Due    `json:"due"`
}

// SealedContent is what received and amended seal.
type SealedContent struct {
	Content  json.RawMessage `json:"content"`
	Warnings []Warning       `json:"warnings,omitempty"`
}

// SealedReason is what withdrawn, passed and urgency_changed seal.
type SealedReason struct {
	Reason string `json:"reason"`
}

// WithdrawnBody is the body of withdrawn; the reason is sealed.
type WithdrawnBody struct{}

// A Cause says why a step of the escalation was taken.
type Cause string

// The causes.
const (
	CauseReceived Cause = "received"       // the first step
	CauseSilence  Cause = "no_answer"      // the wait of the step before ran out
	CausePassed   Cause = "passed"         // everyone asked passed on
	CauseFailed   Cause = "unreachable"    // every page of the step before failed for good
	CauseNobody   Cause = "nobody"         // the step before resolved to nobody who can be paged
	CauseRoster   Cause = "roster_changed" // a shift or an edit changed the targets of the current step; the step is not a new one
	CauseUndone   Cause = "undone"         // who had it took the acknowledgement back
	CauseLapsed   Cause = "lapsed"         // who had it did not read it in time
	CauseOffered  Cause = "offered"        // a handover is offered to somebody else
)

// EscalatedBody is the body of escalated: one step of the escalation.
type EscalatedBody struct {
	Level          int      `json:"level"` // from 1; one more than the policy has levels is everyone
	Round          int      `json:"round"` // from 1
	Everyone       bool     `json:"everyone,omitempty"`
	Cause          Cause    `json:"cause"`
	RosterRevision uint64   `json:"roster_revision"`
	Targets        []Target `json:"targets"` // empty: the level resolved to nobody
}

// A Target is a person of a step and the chain of reasons for it.
type Target struct {
	Person string   `json:"person"`
	Why    []string `json:"why,omitempty"`
}

// A Purpose says what a page wants.
type Purpose string

// The purposes.
const (
	Ask    Purpose = "ask"    // somebody must acknowledge
	Notice Purpose = "notice" // somebody must know
)

// A Recipient says in which role a person is paged.
type Recipient string

// The recipients.
const (
	ToOfficer     Recipient = "officer"
	ToCoordinator Recipient = "coordinator"
	ToSender      Recipient = "sender"
	ToProbe       Recipient = "probe" // a telephone of the operator's that answers by itself
)

// AboutAsked is what a notice is about that tells somebody, beside their telephone, that they are being asked.
const AboutAsked = "asked"

// PageBody is the body of page_ordered, page_cancelled and page_expired: one person asked over one channel, with one code.
type PageBody struct {
	Page           string    `json:"page"` // p1, p2 … within the request
	Purpose        Purpose   `json:"purpose"`
	About          string    `json:"about,omitempty"` // notices: what they tell, e.g. withdrawn
	Recipient      Recipient `json:"recipient"`
	Person         string    `json:"person"`
	Level          int       `json:"level"`
	Round          int       `json:"round"`
	Channel        string    `json:"channel"`
	Contact        string    `json:"contact,omitempty"` // id of the person's contact, never the number
	RosterRevision uint64    `json:"roster_revision"`
	Provider       string    `json:"provider,omitempty"` // that takes it first, where there are several; "": the first of them
	Expires        Instant   `json:"expires,omitzero"`   // not sent after this
	Reason         string    `json:"reason,omitempty"`   // page_cancelled: why; page_ordered through a second provider: why ([PathFailed] …)
}

// Why a page goes through another provider than the first.
const (
	PathBoth      = "both"       // what is so urgent goes through both at once
	PathFailed    = "failed"     // the other one did not get it through
	PathNoReceipt = "no_receipt" // nobody says that a text arrived
	PathSilence   = "silence"    // nobody answers
)

// AttemptBody is the body of the attempt events: one hand-over of a page to a provider.
type AttemptBody struct {
	Page       string      `json:"page"`
	Attempt    string      `json:"attempt"` // p1a1 …
	Provider   string      `json:"provider"`
	ProviderID string      `json:"provider_id,omitempty"`
	Code       string      `json:"code,omitempty"`    // the provider's error code
	Failure    FailureKind `json:"failure,omitempty"` // attempt_failed
	RetryAt    Instant     `json:"retry_at,omitzero"` // attempt_failed, when it can be tried again
	Deadline   Instant     `json:"deadline,omitzero"` // attempt_started and attempt_taken_over: the call to the provider ends by then
	LookUp     bool        `json:"look_up,omitempty"` // attempt_started: an earlier attempt may have arrived, ask the provider first
	Earlier    string      `json:"earlier,omitempty"` // attempt_failed: it was not sent, because this earlier attempt had arrived
	Joint      string      `json:"joint,omitempty"`   // attempt_started: the text in which it goes with other requests, named by the first of them
}

// A FailureKind says what to do after a failed attempt.
type FailureKind string

// The kinds of failure.
const (
	FailedForGood   FailureKind = "permanent"     // this contact cannot be reached this way: next channel
	FailedForNow    FailureKind = "temporary"     // not processed: try again
	FailedUnknown   FailureKind = "ambiguous"     // perhaps processed: look it up, then try again
	FailedCarrier   FailureKind = "carrier"       // the carrier gave it up: next channel
	FailedExpired   FailureKind = "expired"       // its validity ran out at the provider
	FailedConfig    FailureKind = "configuration" // our own configuration: next channel, alarm
	FailedDuplicate FailureKind = "superseded"    // not sent: the look-up found an earlier attempt
	FailedNoKey     FailureKind = "unanswered"    // a call is over and nobody pressed a key: call again, go on
)

// Retryable reports whether the page is tried again over the same channel.
func (k FailureKind) Retryable() bool { return k == FailedForNow || k == FailedUnknown }

// Via says how somebody acknowledged or passed on.
type Via string

// The ways.
const (
	ViaCode Via = "code" // code in a text message
	ViaKey  Via = "key"  // key on a telephone
	ViaWeb  Via = "web"
	ViaAPI  Via = "api"
)

// AcknowledgedBody is the body of acknowledged.
type AcknowledgedBody struct {
	Page   string `json:"page,omitempty"`
	Person string `json:"person"`
	Via    Via    `json:"via"`
}

// PassedBody is the body of passed. A reason is sealed.
type PassedBody struct {
	Page   string `json:"page,omitempty"`
	Person string `json:"person"`
	Via    Via    `json:"via"`
	Busy   bool   `json:"busy,omitempty"` // and is not to be asked about this request again
}

// UndoneBody is the body of acknowledgement_undone.
type UndoneBody struct {
	Person string `json:"person"`
	Via    Via    `json:"via"`
}

// LapsedBody is the body of acknowledgement_lapsed.
type LapsedBody struct {
	Person string `json:"person"`
}

// UrgencyChangedBody is the body of urgency_changed. Due are all clocks as they run from then on: a fold does not know the tables of the
// version that wrote them. The reason is sealed.
type UrgencyChangedBody struct {
	From Urgency `json:"from"`
	To   Urgency `json:"to"`
	Due  []Due   `json:"due"`
}

// OpenedBody is the body of opened: an officer read the content.
type OpenedBody struct {
	Person string `json:"person"`
}

// An AlarmKind says what is wrong.
type AlarmKind string

// The alarms that a request's own log can carry.
const (
	AlarmUnanswered AlarmKind = "unanswered"        // every level, every round and everyone were paged, nobody acknowledged
	AlarmNobody     AlarmKind = "nobody_on_duty"    // a level resolved to nobody
	AlarmNoChannel  AlarmKind = "no_usable_channel" // somebody who should be paged has no channel that works
)

// AlarmBody is the body of alarm_raised and alarm_cleared. Cause names ids only.
type AlarmBody struct {
	Kind  AlarmKind `json:"kind"`
	Cause string    `json:"cause"`
	// Detail and Urgency stand in ops logs alone: what else is told of the alarm, ids and figures only, and whether an emergency is at stake.
	Detail  string  `json:"detail,omitempty"`
	Urgency Urgency `json:"urgency,omitempty"`
	// Due is when what an alarm of the roster is about begins; see [AlarmBody.PagesFrom].
	Due Instant `json:"due,omitzero"`
	// Failing is what is wrong with the contact that an alarm of kind contact_failing is about.
	Failing Failing `json:"failing,omitzero"`
}

// SenderNotifiedBody is the body of sender_notified.
type SenderNotifiedBody struct {
	Page  string `json:"page"`
	About string `json:"about"`
}

// ContentErasedBody is the body of content_erased.
type ContentErasedBody struct{}

// ClosedBody is the body of closed: nothing is left to do for the dispatcher.
type ClosedBody struct {
	Reason string `json:"reason"` // the status at its end
}

// AttemptID names the n-th attempt of a page: p3a1.
func AttemptID(page string, n int) string { return page + "a" + strconv.Itoa(n) }

// PageOfAttempt is the page that an attempt belongs to; ok is false for what is no attempt's name.
func PageOfAttempt(attempt string) (page string, ok bool) {
	page, n, ok := strings.Cut(attempt, "a")
	if !ok || len(attempt) > 24 || len(page) < 2 || page[0] != 'p' || !digits(page[1:]) || n == "" || !digits(n) {
		return "", false
	}
	return page, true
}

func digits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}
