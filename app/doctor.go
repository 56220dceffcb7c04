package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/doctor"
	"github.com/dutyline/dutyline/eventlog"
	"github.com/dutyline/dutyline/notifier/twilio"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/roster/served"
	"github.com/dutyline/dutyline/vault"
)

const (
	// doctorPatience is how long one check may take.
	doctorPatience = 10 * time.Second
	// clockFine is how far this machine's clock may be from the log's.
	clockFine = 2 * time.Second
	// readinessAhead is how far the roster is looked at.
	readinessAhead = 14 * 24 * time.Hour
)

// Doctor looks at everything that a node of this configuration would need, from this machine and without a node: it starts nothing, changes
// nothing, and sends nothing to anybody. The error says that the configuration is not valid.
func Doctor(ctx context.Context, o Options) (doctor.Report, error) {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	policy, err := policyOf(o.Config.Policy, 0)
	if err != nil {
		return doctor.Report{}, misconfigured(err)
	}
	policy.AlarmTo = o.Config.AlarmTo
	c := o.Config
	site := doctor.Site{URL: strings.TrimSuffix(c.PublicURL, "/"), LocalFine: c.Twilio.BaseURL != "" || c.Vonage.BaseURL != "", Now: time.Now}
	logs := &logExamination{url: c.NATS, replicas: c.NATS.Replicas}
	checks := []doctor.Check{
		{Name: "public address", Look: site.Address},
		{Name: "way in", Look: site.Answers},
		{Name: "nats", Look: func(ctx context.Context) []doctor.Line { return logs.look(ctx, o.Logger) }},
		{Name: "redis", Look: o.examineRedis},
		{Name: "deployment key", Look: o.examineKey},
		{Name: "roster", Look: func(ctx context.Context) []doctor.Line { return o.examineRoster(ctx, policy.AlarmTo) }},
	}
	checks = append(checks, o.canaryChecks()...)
	return doctor.Examine(ctx, doctorPatience, slices.Insert(checks, 2, o.telephoneChecks(site)...)), nil
}

// telephoneChecks look at each provider that is configured, or at the first, when none is.
func (o *Options) telephoneChecks(site doctor.Site) (checks []doctor.Check) {
	refuses := func(path string) func(context.Context) []doctor.Line {
		return func(ctx context.Context) []doctor.Line { return site.Refuses(ctx, path) }
	}
	if c := o.Config.Twilio; c.BaseURL != "" || c.AccountSID != "" || !o.Config.Vonage.Configured() {
		webhook, provider := "webhook of texts", "provider"
		if o.Config.Vonage.Configured() {
			webhook, provider = "webhook of texts, twilio", "provider twilio"
		}
		checks = append(checks, doctor.Check{Name: webhook, Look: refuses(twilio.InboundPath)}, doctor.Check{Name: provider, Look: o.examineProvider})
	}
	if o.Config.Vonage.Configured() {
		checks = append(checks, doctor.Check{Name: "webhook of texts, vonage", Look: refuses(vonage.InboundPath)}, doctor.Check{Name: "provider vonage", Look: o.examineVonage})
	}
	return checks
}

func (o *Options) examineVonage(ctx context.Context) []doctor.Line {
	client, err := o.newVonage(o.Config.Vonage, strings.TrimSuffix(o.Config.PublicURL, "/"))
	if err != nil {
		return one(doctor.Wrong, strings.ReplaceAll(err.Error(), "\n", "; "), "mend these keys of the configuration")
	}
	texts, calls := client.Account(ctx)
	lines := one(doctor.Fine, "the account's credentials are right, and texts can be looked up", "")
	if texts != nil {
		lines = one(doctor.Wrong, "texts cannot be looked up: "+texts.Code,
			"check vonage.api_key and vonage.api_secret, that the account may use the Reports API, its balance, and the way out to the provider")
	}
	line := doctor.Line{Name: "calls", State: doctor.Fine, Detail: "the application's key is right"}
	if calls != nil {
		line.State, line.Detail = doctor.Wrong, "calls cannot be looked up: "+calls.Code
		line.Fix = "check vonage.application_id, vonage.private_key and vonage.voice_url, and that the application may make calls"
	}
	return append(lines, line)
}

// one is a list of one line.
func one(state doctor.State, detail, fix string) []doctor.Line {
	return []doctor.Line{{State: state, Detail: detail, Fix: fix}}
}

func (o *Options) examineProvider(ctx context.Context) []doctor.Line {
	c := o.Config.Twilio
	client, err := twilio.New(twilio.Options{
		BaseURL: c.BaseURL, AccountSID: c.AccountSID, AuthToken: c.AuthToken.Reveal(), PreviousAuthToken: c.AuthTokenPrevious.Reveal(),
		Numbers: c.Numbers, PublicURL: strings.TrimSuffix(o.Config.PublicURL, "/"), Logger: o.Logger,
	})
	if err != nil {
		return one(doctor.Wrong, strings.ReplaceAll(err.Error(), "\n", "; "), "mend these keys of the configuration")
	}
	if failed := client.Account(ctx); failed != nil {
		return one(doctor.Wrong, "the account cannot be used: "+failed.Code,
			"check twilio.account_sid and twilio.auth_token, the state of the account and its balance, and the way out to the provider")
	}
	lines := one(doctor.Fine, "the credentials are right, and the account is active", "")
	numbers, err := client.Abilities(ctx)
	if err != nil {
		return append(lines, doctor.Line{Name: "numbers", State: doctor.Wrong, Detail: err.Error(), Fix: "look at the provider's status page, and try again"})
	}
	for i, n := range numbers {
		line := doctor.Line{Name: fmt.Sprintf("number %d of %d", i+1, len(numbers)), State: doctor.Fine, Detail: "texts and calls, and replies reach the nodes"}
		switch {
		case !n.Owned:
			line.State, line.Detail, line.Fix = doctor.Wrong, "the account does not have it", "buy it, or take it out of twilio.numbers"
		case !n.Texts:
			line.State, line.Detail, line.Fix = doctor.Wrong, "it cannot send texts", "put a number with texts and calls into twilio.numbers instead"
		case !n.Calls:
			line.State, line.Detail, line.Fix = doctor.Wrong, "it cannot make calls", "put a number with texts and calls into twilio.numbers instead"
		case !n.InboundOK:
			line.State, line.Detail = doctor.Wrong, "what people reply does not reach the nodes"
			line.Fix = "at the provider, set the number's webhook for messages to POST public_url" + twilio.InboundPath
		}
		lines = append(lines, line)
	}
	return lines
}

// logExamination looks at NATS.
type logExamination struct {
	url      config.NATS
	replicas int
}

func (l *logExamination) look(ctx context.Context, logger *zap.Logger) []doctor.Line {
	nc, err := eventlog.Connect(serverOf(l.url), logger)
	if err != nil {
		return one(doctor.Wrong, "no connection", "check nats.url, its credentials and certificates, and that the servers run")
	}
	defer nc.Close()
	lines := one(doctor.Fine, fmt.Sprintf("connected to %s, one of %d servers that are known", nc.ConnectedServerName(), len(nc.Servers())), "")
	for _, s := range []eventlog.Stream{eventlog.Requests, eventlog.Keys, eventlog.Roster, eventlog.Directory} {
		lines = append(lines, l.stream(ctx, nc, s)...)
	}
	return append(lines, disks(ctx, nc))
}

func (l *logExamination) stream(ctx context.Context, nc *nats.Conn, s eventlog.Stream) []doctor.Line {
	line := doctor.Line{Name: "stream " + strings.ToLower(s.Name), State: doctor.Fine}
	c, err := eventlog.Inspect(ctx, nc, s)
	switch {
	case err != nil:
		line.State, line.Detail, line.Fix = doctor.Wrong, "it cannot be read", "check that JetStream is on, that a majority of the servers runs, and what this user may do"
	case !c.Exists:
		line.State, line.Detail = doctor.Warning, "there is none yet"
		line.Fix = "the first node makes it; if nodes ran here before, this is another NATS than theirs"
	case c.Misfit != nil:
		line.State, line.Detail, line.Fix = doctor.Wrong, c.Misfit.Error(), "change the stream's setting before a node starts"
	case c.Current*2 <= c.Replicas:
		line.State, line.Detail = doctor.Wrong, fmt.Sprintf("%d of %d replicas are current: no majority", c.Current, c.Replicas)
		line.Fix = "bring the NATS servers that are away back: until then nothing is taken and nothing decided"
	case c.Current < c.Replicas:
		line.State, line.Detail, line.Fix = doctor.Warning, fmt.Sprintf("%d of %d replicas are current, %d entries behind at most", c.Current, c.Replicas, c.Lag), "bring the server back that is away"
	case l.replicas > 0 && c.Replicas != l.replicas:
		line.State, line.Detail = doctor.Warning, fmt.Sprintf("it has %d replicas, nats.replicas says %d", c.Replicas, l.replicas)
		line.Fix = fmt.Sprintf("nats stream update %s --replicas %d", s.Name, l.replicas)
	case c.Replicas < 3:
		line.State, line.Detail, line.Fix = doctor.Warning, "one replica: it dies with its server", "run three NATS servers and set nats.replicas to 3"
	default:
		line.Detail = fmt.Sprintf("%d replicas, all current", c.Replicas)
	}
	lines := []doctor.Line{line}
	if s.Name == eventlog.Requests.Name && c.Exists && !c.Time.IsZero() {
		lines = append(lines, clockLine(time.Until(c.Time)))
	}
	return lines
}

// clockLine says how far this machine's clock is behind the log's.
func clockLine(behind time.Duration) doctor.Line {
	line := doctor.Line{Name: "clock", State: doctor.Fine, Detail: fmt.Sprintf("%s from the log's", behind.Abs().Round(10*time.Millisecond))}
	if behind.Abs() > clockFine {
		line.State, line.Fix = doctor.Warning, "run a time service (NTP) on this machine and on those of NATS"
	}
	return line
}

// disksPatience is how long the servers are waited for.
const disksPatience = time.Second

func disks(ctx context.Context, nc *nats.Conn) doctor.Line {
	ctx, cancel := context.WithTimeout(ctx, disksPatience)
	defer cancel()
	line := doctor.Line{Name: "disks", State: doctor.Skipped, Detail: "the servers tell their settings to the system account alone", Fix: "make sure that each server has jetstream { sync_interval: always }"}
	list, err := eventlog.Disks(ctx, nc)
	if err != nil || len(list) == 0 {
		return line
	}
	var lazy []string
	for _, d := range list {
		if !d.Always {
			lazy = append(lazy, d.Server)
		}
	}
	if len(lazy) > 0 {
		slices.Sort(lazy)
		return doctor.Line{Name: "disks", State: doctor.Wrong, Detail: "what is acknowledged is not on the disk yet on " + strings.Join(lazy, ", "), Fix: "set jetstream { sync_interval: always } there"}
	}
	return doctor.Line{Name: "disks", State: doctor.Fine, Detail: fmt.Sprintf("all %d servers sync before they acknowledge", len(list))}
}

func (o *Options) examineRedis(ctx context.Context) []doctor.Line {
	options, err := served.ClientOptions(o.Config.Redis.URL.Reveal())
	if err != nil {
		return one(doctor.Wrong, err.Error(), "mend redis.url")
	}
	logging.Disable() // what the library would say of a Redis that is away stands in the line below
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	begin := time.Now()
	if err := client.Ping(ctx).Err(); err != nil {
		return one(doctor.Wrong, "no answer", "check redis.url, its password, and that Redis runs; pages go out without it, from the log")
	}
	took := time.Since(begin)
	if took > 50*time.Millisecond {
		return one(doctor.Warning, fmt.Sprintf("it takes %s to answer", took.Round(time.Millisecond)), "put it nearer: after 50 ms the nodes read the log instead")
	}
	return one(doctor.Fine, "answers", "")
}

// key reads the deployment's key, and makes none.
func (o *Options) key() (vault.Key, error) {
	if o.Config.DeploymentKey != "" {
		secret, err := config.DecodeKey(o.Config.DeploymentKey)
		if err != nil {
			return vault.Key{}, err
		}
		return vault.Key(secret), nil
	}
	return vault.Load(filepath.Join(o.Config.DataDir, "deployment.key"))
}

func (o *Options) examineKey(context.Context) []doctor.Line {
	switch _, err := o.key(); {
	case errors.Is(err, fs.ErrNotExist):
		return one(doctor.Warning, "this machine has none yet", "give every node the same: deployment_key, or deployment.key in data_dir; the first node makes one, keep a copy elsewhere")
	case err != nil:
		return one(doctor.Wrong, err.Error(), "give this machine the key of the other nodes")
	}
	return one(doctor.Fine, "readable; keep a copy apart from the backups", "")
}

func (o *Options) examineRoster(ctx context.Context, alarmTo []string) []doctor.Line {
	nc, err := eventlog.Connect(serverOf(o.Config.NATS), o.Logger)
	if err != nil {
		return one(doctor.Skipped, "NATS does not answer", "")
	}
	defer nc.Close()
	for _, s := range []eventlog.Stream{eventlog.Roster, eventlog.Keys} { // opening one that is absent would make it
		if c, err := eventlog.Inspect(ctx, nc, s); err != nil || !c.Exists {
			return one(doctor.Wrong, "there is none", "store one with dutyline roster apply")
		}
	}
	key, err := o.key()
	if err != nil {
		return one(doctor.Skipped, "it is sealed, and this machine has no deployment key", "")
	}
	book, err := readRoster(ctx, nc, key)
	if err != nil {
		return one(doctor.Wrong, err.Error(), "store one with dutyline roster apply, or give this machine the key of the other nodes")
	}
	return readiness(book, alarmTo, time.Now())
}

func readRoster(ctx context.Context, nc *nats.Conn, key vault.Key) (*roster.Compiled, error) {
	keys, err := eventlog.Open(ctx, nc, eventlog.Keys, 0)
	if err != nil {
		return nil, err
	}
	log, err := eventlog.Open(ctx, nc, eventlog.Roster, 0)
	if err != nil {
		return nil, err
	}
	nowhere := redis.NewClient(&redis.Options{Addr: "none.invalid:1", MaxRetries: -1})
	defer func() { _ = nowhere.Close() }()
	return served.New(served.Options{Redis: nowhere, Log: rosterLog{log}, Sealer: vault.New(key, keyLog{keys}), ErrErased: vault.ErrErased}).Current(ctx, 0)
}

// readiness says whether the roster has somebody, who can be reached, for the time to come.
func readiness(c *roster.Compiled, alarmTo []string, now time.Time) []doctor.Line {
	lines := one(doctor.Fine, fmt.Sprintf("revision %d, %d people", c.Revision(), len(c.Book().People)), "")
	for _, r := range c.Book().Rosters {
		line := doctor.Line{Name: "roster " + r.ID, State: doctor.Fine, Detail: fmt.Sprintf("somebody is on duty for the next %d days", int(readinessAhead.Hours()/24))}
		gaps := c.Gaps(r.ID, now, now.Add(readinessAhead))
		if len(gaps) > 0 {
			line.State, line.Detail, line.Fix = doctor.Warning, fmt.Sprintf("nobody is on duty from %s", gaps[0].From.UTC().Format("2006-01-02 15:04 UTC")), "dutyline roster gaps lists them all"
			if !gaps[0].From.After(now.Add(time.Hour)) {
				line.State = doctor.Wrong
			}
		}
		lines = append(lines, line)
	}
	reached := len(dispatcher.Planner{Roster: c, Policy: dispatcher.Policy{AlarmTo: alarmTo}}.AlarmTargets())
	alarms := doctor.Line{Name: "alarms", State: doctor.Fine, Detail: fmt.Sprintf("reach %d of the people", reached)}
	if reached == 0 {
		alarms.State, alarms.Detail, alarms.Fix = doctor.Wrong, "nobody can be paged for one", "name people in alarm_to, or make a team coordinators in the roster"
	}
	return append(lines, alarms)
}
