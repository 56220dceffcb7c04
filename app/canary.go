package app

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/doctor"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/web"
)

// canariesOf is how the providers are tested.
func canariesOf(c config.Config) dispatcher.Canaries {
	canaries := dispatcher.Canaries{Every: c.Canary.Every, Slow: c.Canary.Slow}
	for _, p := range []struct {
		provider, to string
		numbers      []string
	}{{"twilio", c.Canary.TwilioTo, c.Twilio.Numbers}, {"vonage", c.Canary.VonageTo, c.Vonage.Numbers}} {
		if p.to == "" {
			continue
		}
		probe := dispatcher.Probe{Provider: p.provider, Medium: notifier.MediumSMS, To: notifier.Phone(p.to)}
		for _, number := range p.numbers {
			probe.From = append(probe.From, notifier.Phone(number))
		}
		canaries.Probes = append(canaries.Probes, probe)
	}
	return canaries
}

// canaries tells over the web what came of them.
type canaries struct {
	node *node.Node
	dispatcher.Canaries
}

var _ web.Canaries = canaries{}

// Canary tells how each provider is by them.
func (c canaries) Canary() web.CanaryReport {
	report := web.CanaryReport{EveryMS: c.Every.Milliseconds(), SlowMS: c.Slow.Milliseconds(), Probes: []web.ProbeReport{}}
	for _, p := range c.node.Probed() {
		probe := web.ProbeReport{Provider: p.Provider, Channel: p.Medium, State: string(p.State), Canaries: []web.Flight{}}
		for _, one := range p.Canaries {
			after := func(at time.Time) *int64 {
				took, ok := one.After(at)
				if !ok {
					return nil
				}
				ms := took.Milliseconds()
				return &ms
			}
			probe.Canaries = append(probe.Canaries, web.Flight{
				Reference: one.Ref.String(), Sent: request.At(one.Sent), State: one.State(), Code: one.Code,
				AcceptedMS: after(one.Accepted), DeliveredMS: after(one.Delivered), AcknowledgedMS: after(one.Acknowledged),
			})
		}
		report.Probes = append(report.Probes, probe)
	}
	return report
}

// canaryChecks look at what came of the last canaries, in the log itself: their references follow from the clock.
func (o *Options) canaryChecks() []doctor.Check {
	return []doctor.Check{{Name: "canary", Look: o.examineCanaries}}
}

// canariesBack is how many canaries of each provider are looked at, of which the newest may be on its way.
const canariesBack = 4

func (o *Options) examineCanaries(ctx context.Context) []doctor.Line {
	c := canariesOf(o.Config)
	if len(c.Probes) == 0 {
		return doctor.CanariesOff()
	}
	nc, err := eventlog.Connect(serverOf(o.Config.NATS), o.Logger)
	if err != nil {
		return one(doctor.Skipped, "NATS does not answer", "")
	}
	defer nc.Close()
	if found, err := eventlog.Inspect(ctx, nc, eventlog.Requests); err != nil || !found.Exists { // opening one that is absent would make it
		return one(doctor.Skipped, "there is no log of requests yet", "")
	}
	key, err := o.key()
	if err != nil {
		return one(doctor.Skipped, "this machine has no deployment key, from which their references follow", "")
	}
	log, err := eventlog.Open(ctx, nc, eventlog.Requests, 0)
	if err != nil {
		return one(doctor.Skipped, "the log cannot be read", "")
	}
	now := time.Now()
	lines := make([]doctor.Line, 0, len(c.Probes))
	for _, p := range c.Probes {
		list, err := lastCanaries(ctx, requestLog{log}, alarmReferences(key), c, p, now)
		if err != nil {
			o.Logger.Debug("read the canaries", zap.Error(err))
			lines = append(lines, doctor.Line{Name: "canary " + p.Provider, State: doctor.Skipped, Detail: "the log cannot be read"})
			continue
		}
		lines = append(lines, canaryLine(c, c.Judge(p, list), now))
	}
	return lines
}

// lastCanaries reads the newest canaries of a probe.
func lastCanaries(ctx context.Context, log node.Log, reference func(kind, cause string, i int) []byte, c dispatcher.Canaries, p dispatcher.Probe, now time.Time) (list []dispatcher.Canary, err error) {
	for i := range canariesBack {
		b := c.At(p, now.Add(-time.Duration(i)*c.Every))
		ref, ok := request.NewOpsRef(reference(string(b.Kind), b.Cause, 0))
		if !ok {
			continue
		}
		history, err := log.History(ctx, ref)
		if err != nil {
			return nil, err
		}
		s := request.NewState(ref)
		for _, stored := range history {
			_ = s.Apply(stored.Seq, stored.Data) // what cannot be read is the business of log verify
		}
		if s.Matter != nil && s.Matter.Same(b) {
			list = append(list, dispatcher.CanaryOf(s))
		}
	}
	return list, nil
}

// canaryLine says how a provider is by its canaries.
func canaryLine(c dispatcher.Canaries, r dispatcher.ProbeReport, now time.Time) doctor.Line {
	detail := fmt.Sprintf("none has come to its end within %s", (canariesBack-1)*c.Every)
	if last, ok := r.Last(); ok {
		detail = last.Say(now)
	}
	return doctor.Canary(r.Provider, string(r.State), detail)
}
