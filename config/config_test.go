package config

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden reads every testdata/*.txt: a configuration, an environment, perhaps further files, and what comes of it: every value that is
// set, or every error. The word production in the comment asks for the checks of production.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			name, err := filepath.Abs(name)
			if err != nil {
				t.Fatal(err)
			}
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := outcome(t, archive)
			last := len(archive.Files) - 1
			if archive.Files[last].Name != "want" {
				t.Fatal("the last file must be want")
			}
			if string(archive.Files[last].Data) == got {
				return
			}
			if *update {
				archive.Files[last].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("got:\n%s\nwant:\n%s", got, archive.Files[last].Data)
		})
	}
}

func outcome(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	t.Chdir(t.TempDir())
	path, environ := "", []string{"HOME=/nowhere"}
	for _, f := range archive.Files {
		switch f.Name {
		case "want":
		case "env":
			environ = append(environ, strings.Split(strings.TrimSpace(string(f.Data)), "\n")...)
		case "config.yaml":
			path = f.Name
			fallthrough
		default:
			if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	c, err := Load(path, environ)
	if err == nil {
		err = c.Validate(strings.Contains(string(archive.Comment), "production"))
	}
	if err != nil {
		return "error:\n" + err.Error() + "\n"
	}
	return describe(c)
}

// describe lists what is set, and the length of what is secret.
func describe(c Config) string {
	var out strings.Builder
	if c.Node == hostname() {
		c.Node = "<hostname>"
	}
	line := func(path string, v any) {
		if s := fmt.Sprint(v); s != "" && s != "[]" && s != "0" && s != "0s" {
			fmt.Fprintf(&out, "%s = %v\n", path, v)
		}
	}
	hidden := func(path string, s Secret) {
		if s != "" {
			line(path, fmt.Sprintf("%v (%d bytes)", s, len(s.Reveal())))
		}
	}
	line("listen", c.Listen)
	line("public_url", c.PublicURL)
	line("node", c.Node)
	line("data_dir", c.DataDir)
	line("alarm_to", c.AlarmTo)
	hidden("deployment_key", c.DeploymentKey)
	line("nats.url", c.NATS.URL)
	line("nats.replicas", c.NATS.Replicas)
	line("nats.credentials_file", c.NATS.CredentialsFile)
	line("nats.ca_file", c.NATS.CAFile)
	line("nats.cert_file", c.NATS.CertFile)
	line("nats.key_file", c.NATS.KeyFile)
	hidden("redis.url", c.Redis.URL)
	line("twilio.base_url", c.Twilio.BaseURL)
	line("twilio.account_sid", c.Twilio.AccountSID)
	hidden("twilio.auth_token", c.Twilio.AuthToken)
	hidden("twilio.auth_token_previous", c.Twilio.AuthTokenPrevious)
	line("twilio.numbers", c.Twilio.Numbers)
	if f := c.Twilio.TextsPerSecond; f != nil {
		fmt.Fprintf(&out, "twilio.texts_per_second = %g\n", *f)
	}
	if f := c.Twilio.CallsPerSecond; f != nil {
		fmt.Fprintf(&out, "twilio.calls_per_second = %g\n", *f)
	}
	line("mail.host", c.Mail.Host)
	line("mail.port", c.Mail.Port)
	line("mail.username", c.Mail.Username)
	hidden("mail.password", c.Mail.Password)
	line("mail.from", c.Mail.From)
	line("mail.tls", c.Mail.TLS)
	line("mail.ca_file", c.Mail.CAFile)
	line("vonage.base_url", c.Vonage.BaseURL)
	line("vonage.voice_url", c.Vonage.VoiceURL)
	line("vonage.api_key", c.Vonage.APIKey)
	hidden("vonage.api_secret", c.Vonage.APISecret)
	line("vonage.application_id", c.Vonage.ApplicationID)
	hidden("vonage.private_key", c.Vonage.PrivateKey)
	hidden("vonage.signature_secret", c.Vonage.SignatureSecret)
	hidden("vonage.signature_secret_previous", c.Vonage.SignatureSecretPrevious)
	line("vonage.numbers", c.Vonage.Numbers)
	if f := c.Vonage.TextsPerSecond; f != nil {
		fmt.Fprintf(&out, "vonage.texts_per_second = %g\n", *f)
	}
	if f := c.Vonage.CallsPerSecond; f != nil {
		fmt.Fprintf(&out, "vonage.calls_per_second = %g\n", *f)
	}
	line("contacts.allow", c.Contacts.Allow)
	line("policy.ack_lapse", c.Policy.AckLapse)
	line("policy.undo_window", c.Policy.UndoWindow)
	if c.Policy.Levels != nil {
		line("policy.levels", fmt.Sprintf("%q", c.Policy.Levels))
	}
	for _, u := range slices.Sorted(maps.Keys(c.Policy.Waits)) {
		line("policy.waits."+u, c.Policy.Waits[u])
	}
	for _, u := range slices.Sorted(maps.Keys(c.Policy.SecondPath)) {
		line("policy.second_path."+u, c.Policy.SecondPath[u])
	}
	line("log.level", c.Log.Level)
	line("log.format", c.Log.Format)
	return out.String()
}

func TestSecretIsNeverPrinted(t *testing.T) {
	const plain = "tongue-twister"
	type holder struct {
		Token Secret
		Deep  []Secret
		Map   map[string]Secret
	}
	h := holder{plain, []Secret{plain}, map[string]Secret{"k": plain}}
	var printed []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%10.3s", "%U", "%e"} {
		printed = append(printed, fmt.Sprintf(verb, Secret(plain)), fmt.Sprintf(verb, h), fmt.Sprintf(verb, &h))
	}
	asJSON, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	printed = append(printed, string(asJSON), fmt.Sprint(errors.New(fmt.Sprint(h))), Secret(plain).String(), Secret(plain).GoString())
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "token", Secret(plain), "all", h)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "token", Secret(plain), "all", h)
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&logged), zap.DebugLevel)
	zap.New(core).Sugar().Infow("x", "token", Secret(plain), "all", h)
	zap.New(core).Info("x", zap.Any("token", Secret(plain)), zap.Reflect("all", h), zap.Stringer("s", Secret(plain)))
	for _, text := range append(printed, logged.String()) {
		if strings.Contains(text, plain) || strings.Contains(strings.ToLower(text), "746f6e67") {
			t.Errorf("printed: %s", text)
		}
	}
	if Secret(plain).Reveal() != plain {
		t.Error("the value is lost")
	}
}

func TestEveryKeyHasItsVariable(t *testing.T) {
	seen := map[string]string{}
	for path, k := range table {
		if other, twice := seen[k.variable()]; twice {
			t.Errorf("%s and %s are both %s", path, other, k.variable())
		}
		seen[k.variable()] = path
		if slices.Contains(foreign, k.variable()) || strings.HasPrefix(k.variable(), foreignPrefix) {
			t.Errorf("%s is a variable of the command line", k.variable())
		}
		if at := strings.LastIndexByte(path, '.'); at > 0 && !isGroup(path[:at]) {
			t.Errorf("%s stands in no group", path)
		}
	}
}

func TestDecodeKey(t *testing.T) {
	for text, ok := range map[string]bool{
		strings.Repeat("0f", 32):                           true,
		" " + strings.Repeat("0F", 32) + "\n":              true,
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=":     true,
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA":      true,
		"__________________________________________8":      true,
		strings.Repeat("0f", 31):                           false,
		"":                                                 false,
		"correct horse battery staple correct horse batte": false,
	} {
		key, err := DecodeKey(Secret(text))
		if (err == nil) != ok || (ok && len(key) != 32) {
			t.Errorf("%q: %d bytes, %v", text, len(key), err)
		}
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"nats.ulr": "nats.url", "natsurl": "nats.url", "redis.uri": "redis.url", "twilio.auth_tokn": "twilio.auth_token",
		"listn": "listen", "completely_else": "", "": "", strings.Repeat("x", 5000): "",
	} {
		if got := nearest(name, paths, groups...); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// FuzzLoad: whatever is in file and environment, the answer is a configuration or errors that name their place, and what stood at a secret's
// key is in neither. The environment wins, the file counts where the environment is silent, reading twice gives the same, and what is
// positive or finite by its description is.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("twilio:\n  auth_token: sesame-opens\nnats: {url: 'nats://x:1'}\n"), "DUTYLINE_LISTEN=:1\nDUTYLINE_POLICY_LEVELS=[[roster],[next]]")
	f.Add([]byte("a: &a [*a]\n"), "DUTYLINE_X=1")
	f.Add([]byte("policy: {waits: {urgent: 5m}, levels: [[a], b]}\nlog: [x]\n"), "DUTYLINE_TWILIO_NUMBERS=+15005550006,,")
	f.Add([]byte("policy: {ack_lapse: 9223372036854775807ns, undo_window: 1e9h}\ntwilio: {texts_per_second: 1e400, calls_per_second: .inf}\n"), "DUTYLINE_TWILIO_TEXTS_PER_SECOND=NaN\nDUTYLINE_POLICY_WAITS_URGENT=-5m")
	f.Add([]byte("node: &n x\nnode: *n\n\"\\0\": 1\n\u202elog: {level: debug}\n? [a]\n: b\n<<: {listen: ':1'}\n"), "DUTYLINE_=x\nDUTYLINE_NODE=\x00\nDUTYLINE_NATS_REPLICAS=99999999999999999999")
	f.Add([]byte("redis:\n  url: |\n    x\n  url_file: /etc/passwd\n---\n- 1"), "DUTYLINE_POLICY_LEVELS={")
	f.Fuzz(func(t *testing.T, data []byte, environ string) {
		const marker = "MARKED-AS-SECRET"
		lines := append(strings.Split(strings.ReplaceAll(environ, "_FILE", "_FIL"), "\n"), "DUTYLINE_REDIS_URL="+marker)
		c, err := load("fuzz.yaml", []byte(strings.ReplaceAll(string(data), "_file", "_fil")), lines) // no file of this machine is read
		if err != nil {
			if strings.Contains(err.Error(), marker) || strings.TrimSpace(err.Error()) == "" || !strings.Contains(err.Error(), ":") {
				t.Errorf("error: %q", err)
			}
			return
		}
		if c.Redis.URL.Reveal() != marker {
			t.Errorf("the environment did not win: %q", c.Redis.URL.Reveal())
		}
		again, err := load("fuzz.yaml", []byte(strings.ReplaceAll(string(data), "_file", "_fil")), lines)
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("read again: %+v after %+v, %v", again, c, err)
		}
		for urgency, wait := range c.Policy.Waits {
			if wait <= 0 || !slices.Contains([]string{"emergency", "critical", "urgent", "routine"}, urgency) {
				t.Errorf("the wait of %q is %s", urgency, wait)
			}
		}
		for urgency, after := range c.Policy.SecondPath {
			if (after < 0 && after != Never) || !slices.Contains([]string{"emergency", "critical", "urgent", "routine"}, urgency) {
				t.Errorf("the second path of %q is after %s", urgency, after)
			}
		}
		for _, r := range []*float64{c.Twilio.TextsPerSecond, c.Twilio.CallsPerSecond, c.Vonage.TextsPerSecond, c.Vonage.CallsPerSecond} {
			if r != nil && !(*r >= 0 && *r <= math.MaxFloat64) {
				t.Errorf("a rate of %g", *r)
			}
		}
		if slices.ContainsFunc(c.Policy.Levels, func(level []string) bool { return len(level) == 0 || slices.Contains(level, "") }) || c.Policy.AckLapse < 0 || c.Policy.UndoWindow < 0 {
			t.Errorf("policy %+v", c.Policy)
		}
		moved, err := load("fuzz.yaml", []byte(strings.ReplaceAll(string(data), "_file", "_fil")), append(lines, "DUTYLINE_NODE=moved", "DUTYLINE_POLICY_LEVELS=[[person:x], [next]]"))
		if err != nil || moved.Node != "moved" || !reflect.DeepEqual(moved.Policy.Levels, [][]string{{"person:x"}, {"next"}}) {
			t.Errorf("the environment did not win: %+v, %v", moved, err)
		}
		if c.Listen == "" || c.DataDir == "" || c.Node == "" || c.Log.Level == "" || c.Log.Format == "" {
			t.Errorf("a default is missing: %+v", c)
		}
		for _, production := range []bool{false, true} {
			if err := c.Validate(production); err != nil && strings.Contains(err.Error(), marker) {
				t.Errorf("error: %q", err)
			}
		}
		if strings.Contains(fmt.Sprintf("%+v", c), marker) {
			t.Error("printed")
		}
	})
}
