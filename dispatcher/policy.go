package dispatcher

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// A Policy is how an escalation runs. It is data; the zero value is not valid, see [DefaultPolicy].
type Policy struct {
	// Levels are asked one after the other. Each lists targets: "roster" or "roster:<id>" (on duty now), "next" or "next:<id>" (next on
	// duty), "team:<id>", "person:<id>".
	Levels [][]string
	// AlarmTo lists who is paged for an alarm, all at once: "person:<id>", the id alone, or "team:<id>". Empty: the team coordinators.
	AlarmTo []string
	// Rounds is how often the levels are gone through before everyone is asked.
	Rounds int
	// Waits is the time from the first attempt of a step to the next step.
	Waits map[request.Urgency]time.Duration
	// Channels says over which channels a person is asked, and how long after the step's first attempt: by urgency, in order. A channel that
	// is not listed is used when all listed ones fail, or when the person has no other.
	Channels map[request.Urgency][]ChannelRule
	// Recalls is how often a call that nobody answered with a key is repeated at once within a step: the second of two calls within three
	// minutes rings through the silent hours of many phones.
	Recalls int
	// SecondPath is how long after a step's first attempt people who have not answered are asked through the second provider of a channel, too, by
	// urgency: 0 is at once, through both. An urgency that is missing goes through the second one only when the first does not get it through.
	SecondPath map[request.Urgency]time.Duration
	// Receipt is how long after a text was sent somebody must have said that it arrived: else it goes through the second provider, too.
	Receipt time.Duration
	// Repeat is the time between two rounds of everyone, once everyone was asked in vain.
	Repeat time.Duration
	// DayFrom and DayTo bound, in roster time since midnight, when a routine request is paged.
	DayFrom, DayTo time.Duration
	// Validity is the least time for which a page may still be sent.
	Validity time.Duration
	// FirstSend is the longest that a step waits for its first attempt before its own wait begins to run.
	FirstSend time.Duration
	// AckLapse is the time from an acknowledgement within which its owner must have read the content: else it lapses, and asking goes on. 0: never.
	AckLapse time.Duration
	// UndoWindow is the time from an acknowledgement within which its owner may take it back.
	UndoWindow time.Duration
}

// A ChannelRule is one channel of a step.
type ChannelRule struct {
	Channel string        // sms, voice
	After   time.Duration // since the step's first attempt; 0: at once
}

// DefaultPolicy is the policy when none is configured: who is on duty, then who is next, three times, then everyone.
func DefaultPolicy() Policy {
	return Policy{
		Levels: [][]string{{"roster"}, {"next"}},
		Rounds: 3,
		Waits: map[request.Urgency]time.Duration{
			request.Emergency: 2 * time.Minute, request.Critical: 3 * time.Minute, request.Urgent: 5 * time.Minute, request.Routine: 30 * time.Minute,
		},
		Channels: map[request.Urgency][]ChannelRule{
			request.Emergency: {{notifier.MediumSMS, 0}, {notifier.MediumVoice, 0}},
			request.Critical:  {{notifier.MediumSMS, 0}, {notifier.MediumVoice, time.Minute}},
			request.Urgent:    {{notifier.MediumSMS, 0}, {notifier.MediumVoice, 2 * time.Minute}},
			request.Routine:   {{notifier.MediumSMS, 0}},
		},
		SecondPath: map[request.Urgency]time.Duration{
			request.Emergency: 0, request.Critical: time.Minute, request.Urgent: 2 * time.Minute, request.Routine: 10 * time.Minute,
		},
		Receipt: 30 * time.Second,
		Recalls: 1,
		Repeat:  15 * time.Minute,
		DayFrom: 8 * time.Hour, DayTo: 20 * time.Hour,
		Validity:  5 * time.Minute,
		FirstSend: 30 * time.Second,

		UndoWindow: time.Minute,
	}
}

// SetWait sets the wait of an urgency. Where it gets shorter, the times within a step get shorter with it.
func (p *Policy) SetWait(u request.Urgency, wait time.Duration) {
	was := p.Waits[u]
	p.Waits[u] = wait
	if wait >= was {
		return
	}
	share := func(d time.Duration) time.Duration { return time.Duration(float64(d) / float64(was) * float64(wait)) }
	for i := range p.Channels[u] {
		p.Channels[u][i].After = share(p.Channels[u][i].After)
	}
	if after, ok := p.SecondPath[u]; ok {
		p.SecondPath[u] = share(after)
	}
}

// Faster is the policy with all its times divided, but for the hours of the day.
func (p Policy) Faster(speed float64) Policy {
	divide := func(d time.Duration) time.Duration { return time.Duration(float64(d) / speed) }
	waits, channels := map[request.Urgency]time.Duration{}, map[request.Urgency][]ChannelRule{}
	for u, wait := range p.Waits {
		waits[u] = divide(wait)
	}
	for u, rules := range p.Channels {
		for _, r := range rules {
			channels[u] = append(channels[u], ChannelRule{r.Channel, divide(r.After)})
		}
	}
	seconds := map[request.Urgency]time.Duration{}
	for u, after := range p.SecondPath {
		seconds[u] = divide(after)
	}
	p.Waits, p.Channels, p.SecondPath, p.Receipt = waits, channels, seconds, divide(p.Receipt)
	p.Repeat, p.Validity, p.FirstSend = divide(p.Repeat), divide(p.Validity), divide(p.FirstSend)
	p.AckLapse, p.UndoWindow = divide(p.AckLapse), divide(p.UndoWindow)
	return p
}

// What a policy may ask for. Levels that reach nobody are passed in one commit, all rounds of them: it must end, and fit a message of the log.
const (
	maxLevels = 20
	maxRounds = 20
)

// Validate reports everything that is wrong, each with the fix.
func (p Policy) Validate() error {
	var errs []error
	if len(p.Levels) == 0 {
		errs = append(errs, errors.New("policy.levels: no level: give at least one, as in [[roster], [next]]"))
	}
	if len(p.Levels) > maxLevels {
		errs = append(errs, fmt.Errorf("policy.levels: %d levels: at most %d, and more targets in each", len(p.Levels), maxLevels))
	}
	for i, level := range p.Levels {
		if len(level) == 0 {
			errs = append(errs, fmt.Errorf("policy.levels[%d]: no target: remove the level or name one", i))
		}
		for _, target := range level {
			kind, id, found := strings.Cut(target, ":")
			switch {
			case (kind == "roster" || kind == "next") && (!found || id != ""):
			case (kind == "team" || kind == "person") && id != "":
			default:
				errs = append(errs, fmt.Errorf("policy.levels[%d]: %q is no target: use roster, roster:<id>, next, next:<id>, team:<id> or person:<id>", i, target))
			}
		}
	}
	if p.Rounds < 1 || p.Rounds > maxRounds {
		errs = append(errs, fmt.Errorf("policy.rounds: from 1 to %d", maxRounds))
	}
	for _, u := range request.Urgencies {
		if p.Waits[u] <= 0 {
			errs = append(errs, fmt.Errorf("policy.waits.%s: a positive time is needed", u))
		}
	}
	for _, u := range request.Urgencies {
		for i, rule := range p.Channels[u] {
			if rule.Channel == "" || slices.Contains(beside, rule.Channel) || rule.After < 0 || rule.After >= p.Waits[u] {
				errs = append(errs, fmt.Errorf("policy.channels.%s[%d]: a channel that people answer over is needed, and a time within the wait of a step", u, i))
			}
		}
	}
	for _, u := range request.Urgencies {
		if after := p.SecondPath[u]; after < 0 || after >= p.Waits[u] {
			errs = append(errs, fmt.Errorf("policy.second_path.%s: a time within the wait of a step is needed; 0s for both providers at once, or never", u))
		}
	}
	if p.Recalls < 0 {
		errs = append(errs, errors.New("policy.recalls: not negative"))
	}
	if p.Repeat <= 0 || p.Validity <= 0 || p.FirstSend <= 0 || p.Receipt <= 0 || p.DayFrom < 0 || p.DayTo <= p.DayFrom {
		errs = append(errs, errors.New("policy: repeat, validity, first_send and the hours of the day must be positive and in order"))
	}
	if p.AckLapse < 0 || p.UndoWindow < 0 {
		errs = append(errs, errors.New("policy.ack_lapse, policy.undo_window: not negative"))
	}
	return errors.Join(errs...)
}

// wait is how long a step of this urgency waits for an answer.
func (p Policy) wait(u request.Urgency) time.Duration {
	if w, ok := p.Waits[u]; ok {
		return w
	}
	return p.Waits[request.Urgent]
}

// channels are the rules for an urgency.
func (p Policy) channels(u request.Urgency) []ChannelRule {
	if rules, ok := p.Channels[u]; ok {
		return rules
	}
	return p.Channels[request.Urgent]
}

// place is where the n-th step (from 0) stands.
func (p Policy) place(n int) (level, round int, everyone bool) {
	levels := len(p.Levels)
	if n < levels*p.Rounds {
		return n%levels + 1, n/levels + 1, false
	}
	return levels + 1, p.Rounds + 1 + n - levels*p.Rounds, true
}

// level lists the targets of a level. What a commit says of levels may be of another policy, or wrong: the nearest one counts.
func (p Policy) level(level int) []string { return p.Levels[max(1, min(level, len(p.Levels)))-1] }

// farRound is more rounds than any request sees.
const farRound = 1 << 30

// number is the inverse of place. Where the levels have changed since a step was taken, it is the nearest place that there is.
func (p Policy) number(level, round int) int {
	levels := len(p.Levels)
	level, round = max(1, level), max(1, min(round, farRound))
	if round > p.Rounds {
		return levels*p.Rounds + round - p.Rounds - 1
	}
	return (round-1)*levels + min(level, levels) - 1
}
