package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	nodePattern        = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)
	sidPattern         = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	apiKeyPattern      = regexp.MustCompile(`^[0-9a-zA-Z]{8}$`)
	applicationPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

	phonePattern = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)
	plusPattern  = regexp.MustCompile(`^\+[1-9]\d{2,14}$`)
)

// Validate joins everything that is wrong with the values, each with its key and the fix. Production asks for every part that a standalone
// node would start by itself.
func (c Config) Validate(production bool) error {
	v := &validator{}
	v.node(c)
	v.nats(c.NATS)
	v.redis(c.Redis)
	v.twilio(c.Twilio, production && !c.alone())
	v.vonage(c.Vonage)
	v.mail(c.Mail)
	v.canary(c, production)
	v.contacts(c.Contacts)
	v.levels(c.Policy.Levels)
	v.alarmTo(c.AlarmTo)
	v.log(c.Log)
	if production {
		v.production(c)
	}
	return errors.Join(v.errs...)
}

type validator struct{ errs []error }

func (v *validator) add(path, format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf("%s: %w", path, fmt.Errorf(format, args...)))
}

func (v *validator) node(c Config) {
	if !isAddress(c.Listen) {
		v.add("listen", "%q is no address: write host and port, as in localhost:8080", c.Listen)
	}
	if c.PublicURL != "" {
		v.url("public_url", c.PublicURL, "http", "https")
	}
	if !nodePattern.MatchString(c.Node) {
		v.add("node", "%q is no name of a node: use at most 63 letters, digits, - and _", c.Node)
	}
	if c.DataDir == "" {
		v.add("data_dir", "no directory is given: write where the node keeps its data, as in /var/lib/dutyline")
	}
	if c.DeploymentKey != "" {
		if _, err := DecodeKey(c.DeploymentKey); err != nil {
			v.add("deployment_key", "%w", err)
		}
	}
}

// isAddress reports whether something can listen there; the port may be 0.
func isAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(host, "/ ") {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n <= 65535
}

// url checks an address that may be printed; its value is not quoted, since it could hold a password nonetheless.
func (v *validator) url(path, text string, schemes ...string) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || !slices.Contains(schemes, u.Scheme) {
		v.add(path, "this is no address: write %s://, the host and perhaps a port", strings.Join(schemes, ":// or "))
		return
	}
	if u.RawQuery != "" || u.Fragment != "" {
		v.add(path, "the address must end with its path: take out what follows ? or #")
	}
}

func (v *validator) nats(n NATS) {
	if n.Replicas != 0 && n.Replicas != 1 && n.Replicas != 3 && n.Replicas != 5 {
		v.add("nats.replicas", "%d replicas have no useful majority: use 1, 3 or 5", n.Replicas)
	}
	if (n.CertFile == "") != (n.KeyFile == "") {
		v.add("nats.cert_file", "a certificate and its key belong together: give nats.cert_file and nats.key_file, or neither")
	}
	if n.URL == "" {
		if n.CredentialsFile != "" || n.CAFile != "" || n.CertFile != "" {
			v.add("nats.url", "it is absent, and other keys of nats are given: give the address too, or take them out")
		}
		return
	}
	for _, server := range split(n.URL) {
		u, err := url.Parse(server)
		if err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			v.add("nats.url", "this is no address of NATS: write nats:// or tls://, the host and the port, several with commas in between")
			return
		}
	}
}

func (v *validator) redis(r Redis) {
	if r.URL == "" {
		return
	}
	u, err := url.Parse(r.URL.Reveal())
	if err != nil || (u.Scheme != "unix" && u.Hostname() == "") || !slices.Contains([]string{"redis", "rediss", "unix"}, u.Scheme) {
		v.add("redis.url", "this is no address of Redis: write redis:// or rediss://, the host and the port")
	}
}

// A canary that takes longer than this to come back is lost, so that slow must be less.
const canaryLife = 5 * time.Minute

func (v *validator) canary(c Config, production bool) {
	k := c.Canary
	if k.TwilioTo == "" && k.VonageTo == "" {
		if k != (Canary{}) {
			v.add("canary.twilio_to", "it is absent, and so is canary.vonage_to: give a telephone that answers by itself, or take out the other keys of canary")
		}
		return
	}
	for _, probe := range []struct {
		path, to string
		there    bool
		numbers  []string
	}{{"twilio", k.TwilioTo, !c.alone(), c.Twilio.Numbers}, {"vonage", k.VonageTo, c.Vonage.Configured() || (c.Simulated() && !production), c.Vonage.Numbers}} {
		path := "canary." + probe.path + "_to"
		switch {
		case probe.to == "":
		case !phonePattern.MatchString(probe.to):
			v.add(path, "%q is no telephone number: write it in E.164, as in +15005550006", probe.to)
		case !probe.there:
			v.add(path, "%s is not configured: there is nothing to test", probe.path)
		case slices.Contains(probe.numbers, probe.to):
			v.add(path, "this number is one of %s.numbers: name one at another provider, or a telephone that answers by itself", probe.path)
		}
	}
	if k.Every < time.Minute || k.Every > 24*time.Hour {
		v.add("canary.every", "%s is out of bounds: use from 1m to 24h", k.Every)
	} else if k.Slow >= min(canaryLife, k.Every) {
		v.add("canary.slow", "%s is too long: use less than canary.every and less than %s, after which a text is lost", k.Slow, canaryLife)
	}
}

func (v *validator) contacts(c Contacts) {
	for i, prefix := range c.Allow {
		if !plusPattern.MatchString(prefix) {
			v.add(fmt.Sprintf("contacts.allow[%d]", i), "%q begins no number: write + and at least three digits, as in +8816", prefix)
		}
	}
	for i, network := range c.WebhookNetworks {
		at := fmt.Sprintf("contacts.webhook_networks[%d]", i)
		switch prefix, err := netip.ParsePrefix(network); {
		case err != nil || prefix != prefix.Masked():
			v.add(at, "%q is no network: write its first address and the length of its prefix, as in 10.1.2.0/24", network)
		case prefix.Bits() == 0:
			v.add(at, "%q is every address there is: write the networks in which the webhooks are", network)
		}
	}
}

func (v *validator) twilio(t Twilio, production bool) {
	if t.BaseURL != "" {
		v.url("twilio.base_url", t.BaseURL, "http", "https")
	}
	if t.AccountSID != "" && !sidPattern.MatchString(t.AccountSID) {
		v.add("twilio.account_sid", "this is no account: it is AC and 32 hexadecimal digits, as the provider's console shows it")
	}
	v.numbers("twilio.numbers", t.Numbers)
	if t.BaseURL == "" && !production {
		return // the simulator brings its own account
	}
	where := "in production"
	if !production {
		where = "with twilio.base_url"
	}
	if t.AccountSID == "" {
		v.add("twilio.account_sid", "it is needed %s: write the account from the provider's console", where)
	}
	if t.AuthToken == "" {
		v.add("twilio.auth_token", "it is needed %s: give DUTYLINE_TWILIO_AUTH_TOKEN or DUTYLINE_TWILIO_AUTH_TOKEN_FILE", where)
	}
	if len(t.Numbers) == 0 {
		v.add("twilio.numbers", "at least one is needed %s: list the numbers that pages go out from", where)
	}
}

func (v *validator) mail(m Mail) {
	if m.Host == "" {
		if m != (Mail{}) {
			v.add("mail.host", "it is absent, and other keys of mail are given: give the name of the server too, or take them out")
		}
		return
	}
	if strings.ContainsAny(m.Host, ":/@ ") {
		v.add("mail.host", "this is no name of a server: write it alone, as in smtp.example.org, and the port into mail.port")
	}
	if m.Port < 0 || m.Port > 65535 {
		v.add("mail.port", "%d is no port: use a number from 1 to 65535, or leave it out", m.Port)
	}
	if (m.Username == "") != (m.Password == "") {
		v.add("mail.password", "a name and its password belong together: give mail.username and DUTYLINE_MAIL_PASSWORD_FILE, or neither")
	}
	if _, err := mail.ParseAddress(m.From); err != nil {
		v.add("mail.from", "an address is needed with mail.host: write who e-mails come from, as in Dutyline <dutyline@example.org>")
	}
	if !slices.Contains([]string{"", "starttls", "implicit"}, m.TLS) {
		v.add("mail.tls", "%q is no way to encrypt: use starttls (port 587) or implicit (port 465); nothing goes out without", m.TLS)
	}
}

// Simulated reports whether no telephone provider is configured: then a standalone node has both on a simulated network.
func (c Config) Simulated() bool {
	return c.Twilio.BaseURL == "" && c.Twilio.AccountSID == "" && !c.Vonage.Configured()
}

// alone reports whether the second telephone provider is the only one.
func (c Config) alone() bool {
	t := c.Twilio
	return c.Vonage.Configured() && t.BaseURL == "" && t.AccountSID == "" && t.AuthToken == "" && len(t.Numbers) == 0
}

func (v *validator) vonage(o Vonage) {
	if !o.Configured() {
		return
	}
	if o.BaseURL != "" {
		v.url("vonage.base_url", o.BaseURL, "http", "https")
	}
	if o.VoiceURL != "" {
		v.url("vonage.voice_url", o.VoiceURL, "http", "https")
	}
	switch {
	case o.APIKey == "":
		v.add("vonage.api_key", "it is needed with other keys of vonage: write the key from the provider's dashboard")
	case !apiKeyPattern.MatchString(o.APIKey):
		v.add("vonage.api_key", "this is no key of an account: it is 8 letters and digits, as the provider's dashboard shows it")
	}
	switch {
	case o.ApplicationID == "":
		v.add("vonage.application_id", "it is needed with other keys of vonage: make an application for calls at the provider, and write its id")
	case !applicationPattern.MatchString(o.ApplicationID):
		v.add("vonage.application_id", "this is no id of an application: it looks like 78d335fa-323d-0114-9c3d-d6f0d48968cf")
	}
	for _, secret := range []struct {
		path  string
		value Secret
	}{{"api_secret", o.APISecret}, {"private_key", o.PrivateKey}, {"signature_secret", o.SignatureSecret}} {
		if name := "DUTYLINE_VONAGE_" + strings.ToUpper(secret.path); secret.value == "" {
			v.add("vonage."+secret.path, "it is needed with other keys of vonage: give %s or %s_FILE", name, name)
		}
	}
	v.numbers("vonage.numbers", o.Numbers)
	if len(o.Numbers) == 0 {
		v.add("vonage.numbers", "at least one is needed with other keys of vonage: list the numbers that pages go out from")
	}
}

// numbers checks our own telephone numbers.
func (v *validator) numbers(path string, list []string) {
	for _, n := range list {
		if !phonePattern.MatchString(n) {
			v.add(path, "%q is no telephone number: write it in E.164, as in +15005550006", n)
		}
	}
}

func (v *validator) levels(levels [][]string) {
	for i, level := range levels {
		for _, target := range level {
			kind, id, named := strings.Cut(target, ":")
			known := slices.Contains([]string{"roster", "next", "team", "person"}, kind)
			if !known || (named && id == "") || (!named && (kind == "team" || kind == "person")) {
				v.add("policy.levels", "level %d: %q is no target: use roster, roster:<id>, next, next:<id>, team:<id> or person:<id>", i+1, target)
			}
		}
	}
}

func (v *validator) alarmTo(list []string) {
	for _, target := range list {
		kind, id, named := strings.Cut(target, ":")
		if target == "" || (named && (id == "" || (kind != "team" && kind != "person"))) {
			v.add("alarm_to", "%q names nobody: use the id of a person, person:<id> or team:<id>", target)
		}
	}
}

func (v *validator) log(l Log) {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.Level) {
		v.add("log.level", "%q is no level: use debug, info, warn or error", l.Level)
	}
	if !slices.Contains([]string{"auto", "console", "json"}, l.Format) {
		v.add("log.format", "%q is no format: use auto, console or json", l.Format)
	}
}

func (v *validator) production(c Config) {
	if c.NATS.URL == "" {
		v.add("nats.url", "it is needed in production: write the address of the NATS servers, as in tls://nats.example:4222")
	}
	if c.Redis.URL == "" {
		v.add("redis.url", "it is needed in production: give DUTYLINE_REDIS_URL or DUTYLINE_REDIS_URL_FILE")
	}
	u, err := url.Parse(c.PublicURL)
	switch {
	case c.PublicURL == "":
		v.add("public_url", "it is needed in production: write the https address under which senders and the provider reach this system")
	case err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()):
		v.add("public_url", "plain http leaves this machine: write https, and let a proxy end TLS in front of the node")
	}
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
