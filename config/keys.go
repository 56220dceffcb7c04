package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// prefix begins every variable of ours.
const prefix = "DUTYLINE_"

// fileSuffix names, behind a secret's key, the file that holds it.
const fileSuffix = "_file"

// foreign are variables with our prefix that are no configuration of a node: the command line's own, and those that scripts and tests use.
var foreign = []string{"DUTYLINE_URL", "DUTYLINE_TOKEN", "DUTYLINE_TOKEN_FILE", "DUTYLINE_SHARED"}

// foreignPrefix begins the variables that tests use.
const foreignPrefix = "DUTYLINE_TEST_"

// A key is one row of the table.
type key struct {
	path   string
	secret bool
	fileOf string // the key's value is the path of a file with the value of that key
	set    func(*Config, value) error
}

// variable is the key's name in the environment.
func (k key) variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(k.path, ".", "_"))
}

// A value is what stands at a key: one text, a list of texts, or a list of lists. An error of a set function says what is expected and
// does not quote the value.
type value struct {
	text   string
	list   []string
	nested [][]string
	shape  shape
}

type shape int

const (
	scalar shape = iota
	flat
	nestedList
)

var table = buildTable()

func buildTable() map[string]key {
	rows := []key{
		text("listen", func(c *Config) *string { return &c.Listen }),
		text("public_url", func(c *Config) *string { return &c.PublicURL }),
		text("node", func(c *Config) *string { return &c.Node }),
		text("data_dir", func(c *Config) *string { return &c.DataDir }),
		list("alarm_to", func(c *Config) *[]string { return &c.AlarmTo }),
		secret("deployment_key", func(c *Config) *Secret { return &c.DeploymentKey }),
		text("nats.url", func(c *Config) *string { return &c.NATS.URL }),
		number("nats.replicas", func(c *Config) *int { return &c.NATS.Replicas }),
		text("nats.credentials_file", func(c *Config) *string { return &c.NATS.CredentialsFile }),
		text("nats.ca_file", func(c *Config) *string { return &c.NATS.CAFile }),
		text("nats.cert_file", func(c *Config) *string { return &c.NATS.CertFile }),
		text("nats.key_file", func(c *Config) *string { return &c.NATS.KeyFile }),
		secret("redis.url", func(c *Config) *Secret { return &c.Redis.URL }),
		text("twilio.base_url", func(c *Config) *string { return &c.Twilio.BaseURL }),
		text("twilio.account_sid", func(c *Config) *string { return &c.Twilio.AccountSID }),
		secret("twilio.auth_token", func(c *Config) *Secret { return &c.Twilio.AuthToken }),
		secret("twilio.auth_token_previous", func(c *Config) *Secret { return &c.Twilio.AuthTokenPrevious }),
		list("twilio.numbers", func(c *Config) *[]string { return &c.Twilio.Numbers }),
		rate("twilio.texts_per_second", func(c *Config) **float64 { return &c.Twilio.TextsPerSecond }),
		rate("twilio.calls_per_second", func(c *Config) **float64 { return &c.Twilio.CallsPerSecond }),
		text("mail.host", func(c *Config) *string { return &c.Mail.Host }),
		number("mail.port", func(c *Config) *int { return &c.Mail.Port }),
		text("mail.username", func(c *Config) *string { return &c.Mail.Username }),
		secret("mail.password", func(c *Config) *Secret { return &c.Mail.Password }),
		text("mail.from", func(c *Config) *string { return &c.Mail.From }),
		text("mail.tls", func(c *Config) *string { return &c.Mail.TLS }),
		text("mail.ca_file", func(c *Config) *string { return &c.Mail.CAFile }),
		text("vonage.base_url", func(c *Config) *string { return &c.Vonage.BaseURL }),
		text("vonage.voice_url", func(c *Config) *string { return &c.Vonage.VoiceURL }),
		text("vonage.api_key", func(c *Config) *string { return &c.Vonage.APIKey }),
		secret("vonage.api_secret", func(c *Config) *Secret { return &c.Vonage.APISecret }),
		text("vonage.application_id", func(c *Config) *string { return &c.Vonage.ApplicationID }),
		secret("vonage.private_key", func(c *Config) *Secret { return &c.Vonage.PrivateKey }),
		secret("vonage.signature_secret", func(c *Config) *Secret { return &c.Vonage.SignatureSecret }),
		secret("vonage.signature_secret_previous", func(c *Config) *Secret { return &c.Vonage.SignatureSecretPrevious }),
		list("vonage.numbers", func(c *Config) *[]string { return &c.Vonage.Numbers }),
		rate("vonage.texts_per_second", func(c *Config) **float64 { return &c.Vonage.TextsPerSecond }),
		rate("vonage.calls_per_second", func(c *Config) **float64 { return &c.Vonage.CallsPerSecond }),
		list("contacts.allow", func(c *Config) *[]string { return &c.Contacts.Allow }),
		duration("policy.ack_lapse", func(c *Config, d time.Duration) { c.Policy.AckLapse = d }),
		duration("policy.undo_window", func(c *Config, d time.Duration) { c.Policy.UndoWindow = d }),
		{path: "policy.levels", set: setLevels},
		text("log.level", func(c *Config) *string { return &c.Log.Level }),
		text("log.format", func(c *Config) *string { return &c.Log.Format }),
	}
	for _, urgency := range []string{"emergency", "critical", "urgent", "routine"} {
		rows = append(rows, duration("policy.waits."+urgency, func(c *Config, d time.Duration) {
			if c.Policy.Waits == nil {
				c.Policy.Waits = map[string]time.Duration{}
			}
			c.Policy.Waits[urgency] = d
		}), key{path: "policy.second_path." + urgency, set: func(c *Config, v value) error {
			d, err := time.ParseDuration(v.text)
			if v.text == "never" {
				d, err = Never, nil
			}
			if v.shape != scalar || err != nil || (d < 0 && d != Never) {
				return errors.New("a time is expected, as in 60s; 0s is both providers at once, never is only when one fails")
			}
			if c.Policy.SecondPath == nil {
				c.Policy.SecondPath = map[string]time.Duration{}
			}
			c.Policy.SecondPath[urgency] = d
			return nil
		}})
	}
	byPath := map[string]key{}
	for _, k := range rows {
		byPath[k.path] = k
		if k.secret {
			byPath[k.path+fileSuffix] = fromFile(k)
		}
	}
	return byPath
}

// paths lists the keys in order.
var paths = slices.Sorted(maps.Keys(table))

func text(path string, field func(*Config) *string) key {
	return key{path: path, set: func(c *Config, v value) error {
		if v.shape != scalar {
			return errors.New("one text is expected: write a single value")
		}
		*field(c) = v.text
		return nil
	}}
}

func secret(path string, field func(*Config) *Secret) key {
	return key{path: path, secret: true, set: func(c *Config, v value) error {
		if v.shape != scalar {
			return errors.New("one text is expected: write a single value")
		}
		*field(c) = Secret(v.text)
		return nil
	}}
}

// fromFile is the row of the file that holds a secret.
func fromFile(k key) key {
	return key{path: k.path + fileSuffix, fileOf: k.path, set: func(c *Config, v value) error {
		if v.shape != scalar {
			return errors.New("the path of a file is expected: write a single value")
		}
		content, err := readSecret(v.text)
		if err != nil {
			return err
		}
		return k.set(c, value{text: content})
	}}
}

func list(path string, field func(*Config) *[]string) key {
	return key{path: path, set: func(c *Config, v value) error {
		switch v.shape {
		case scalar:
			*field(c) = split(v.text)
		case flat:
			*field(c) = v.list
		default:
			return errors.New("a list of texts is expected: write [a, b]")
		}
		if slices.Contains(*field(c), "") {
			return errors.New("an entry of the list is empty: take it out")
		}
		return nil
	}}
}

// split takes a list apart at its commas.
func split(text string) []string {
	items := strings.Split(text, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

func number(path string, field func(*Config) *int) key {
	return key{path: path, set: func(c *Config, v value) error {
		n, err := strconv.Atoi(v.text)
		if v.shape != scalar || err != nil {
			return errors.New("a whole number is expected: write digits, as in 3")
		}
		*field(c) = n
		return nil
	}}
}

func rate(path string, field func(*Config) **float64) key {
	return key{path: path, set: func(c *Config, v value) error {
		f, err := strconv.ParseFloat(v.text, 64)
		if v.shape != scalar || err != nil || math.IsNaN(f) || math.IsInf(f, 0) || f < 0 {
			return errors.New("a number from 0 is expected: write how many go out in a second, as in 1 or 0.5; 0 is unlimited")
		}
		*field(c) = &f
		return nil
	}}
}

func duration(path string, set func(*Config, time.Duration)) key {
	return key{path: path, set: func(c *Config, v value) error {
		d, err := time.ParseDuration(v.text)
		if v.shape != scalar || err != nil || d <= 0 {
			return errors.New("a positive time is expected: write it with its unit, as in 90s or 8h")
		}
		set(c, d)
		return nil
	}}
}

func setLevels(c *Config, v value) error {
	trouble := errors.New("a list of levels is expected, each a list of targets: write [[roster], [next]]")
	if v.shape == scalar { // a variable
		node, err := parseYAML([]byte(v.text))
		if err != nil {
			return trouble
		}
		if v, err = valueOf(node); err != nil || v.shape == scalar {
			return trouble
		}
	}
	levels := v.nested
	if v.shape != nestedList || len(levels) == 0 {
		return trouble
	}
	for i, level := range levels {
		if len(level) == 0 || slices.Contains(level, "") {
			return fmt.Errorf("level %d has no target, or an empty one: take it out or name one, as in roster", i+1)
		}
	}
	c.Policy.Levels = levels
	return nil
}
