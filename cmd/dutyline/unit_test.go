package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/app"
	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// call runs one command line in memory.
func call(t *testing.T, environ []string, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	status = execute(t.Context(), args, &console{in: strings.NewReader(stdin), out: &out, err: &errs, environ: environ})
	return status, out.String(), errs.String()
}

func TestEveryAnswerHasItsExitStatus(t *testing.T) {
	for code, want := range map[int]int{
		200: exitDone, 400: exitRefused, 401: exitRefused, 403: exitRefused, 404: exitRefused, 409: exitRefused, 412: exitRefused, 413: exitRefused,
		415: exitRefused, 422: exitRefused, 428: exitRefused, 429: exitUnavailable, 500: exitFailed, 502: exitUnavailable, 503: exitUnavailable, 504: exitUnavailable,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"title":"Title","code":"some_code","detail":"Detail.","reference":"7K4M-2QX9-D","version":1}`)
		}))
		status, stdout, stderr := call(t, []string{"DUTYLINE_URL=" + server.URL, "DUTYLINE_TOKEN=dl_x"}, "", "request", "show", "7K4M-2QX9-D", "--json")
		server.Close()
		if status != want {
			t.Errorf("%d: exit status %d, want %d", code, status, want)
		}
		switch {
		case code == 200 && (!json.Valid([]byte(stdout)) || stderr != ""):
			t.Errorf("%d: %q, %q", code, stdout, stderr)
		case code != 200 && (stdout != "" || !strings.Contains(stderr, fmt.Sprintf("Title (%d some_code)\nDetail.", code))):
			t.Errorf("%d: %q, %q", code, stdout, stderr)
		}
	}
}

func TestStatusOf(t *testing.T) {
	refused := &url.Error{Op: "Get", URL: "http://x", Err: errors.New("connection refused")}
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"nothing":     {nil, exitDone},
		"any":         {errors.New("x"), exitFailed},
		"usage":       {fmt.Errorf("x: %w", usage("y")), exitUsage},
		"unreachable": {fmt.Errorf("call the server: %w", refused), exitUnavailable},
		"interrupted": {&url.Error{Op: "Get", URL: "http://x", Err: context.Canceled}, exitFailed},
		"not well":    {errNotHealthy, exitUnavailable},
		"refused":     {&hinted{&client.Problem{Status: 412}, "again"}, exitRefused},
		"wrong token": {&client.Problem{Status: 429, Code: "too_many_failed_sign_ins"}, exitRefused},
		"elsewhere":   {&client.Problem{Status: 302}, exitFailed},
		"no address":  {fmt.Errorf("x: %w", client.ErrAddress), exitUsage},
		"node config": {fmt.Errorf("x: %w", app.ErrConfiguration), exitUsage},
		"node waits":  {fmt.Errorf("x: %w", app.ErrUnavailable), exitUnavailable},
		"node stops":  {fmt.Errorf("x: %w: %w", app.ErrUnavailable, context.Canceled), exitFailed},
		"hinted":      {&hinted{&client.Problem{Status: 503}, "again"}, exitUnavailable},
		"time is up":  {fmt.Errorf("watch: %w", errTimeout), exitFailed},
	} {
		if got := statusOf(c.err); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestConnectPicksAddressAndToken(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another server was asked with %q", r.Header.Get("Authorization"))
	}))
	defer other.Close()
	file := fmt.Sprintf(`{"url":%q,"tokens":{"sender":"dl_s","officer":"dl_o","coordinator":"dl_c"}}`, server.URL)
	write("data/client.json", file)
	write("elsewhere/client.json", strings.ReplaceAll(file, "dl_", "dl_elsewhere_"))
	write("broken/client.json", "{")
	write("token", "dl_file\n")
	write("empty", "\n")
	write("two", "a\nb\n")
	for name, c := range map[string]struct {
		environ []string
		args    []string
		want    string // the token sent, or a part of the error
	}{
		"client file":              {nil, nil, "dl_s"},
		"elsewhere":                {[]string{"DUTYLINE_DATA_DIR=elsewhere"}, nil, "dl_elsewhere_s"},
		"variable":                 {[]string{"DUTYLINE_TOKEN=dl_v"}, nil, "dl_v"},
		"last of two lines":        {[]string{"DUTYLINE_TOKEN=dl_v", "DUTYLINE_TOKEN=dl_w"}, nil, "dl_w"},
		"file variable":            {[]string{"DUTYLINE_TOKEN_FILE=token"}, nil, "dl_file"},
		"flag wins":                {[]string{"DUTYLINE_TOKEN=dl_v"}, []string{"--token-file", "token"}, "dl_file"},
		"same address":             {nil, []string{"--url", server.URL + "/"}, "dl_s"},
		"both":                     {[]string{"DUTYLINE_TOKEN=dl_v", "DUTYLINE_TOKEN_FILE=token"}, nil, "keep one of them"},
		"no file":                  {[]string{"DUTYLINE_TOKEN_FILE=nowhere"}, nil, "no such file"},
		"empty file":               {[]string{"DUTYLINE_TOKEN_FILE=empty"}, nil, "empty is empty"},
		"two lines":                {[]string{"DUTYLINE_TOKEN_FILE=two"}, nil, "no token"},
		"no client file":           {[]string{"DUTYLINE_DATA_DIR=nowhere"}, nil, "Start one with dutyline run"},
		"broken client file":       {[]string{"DUTYLINE_DATA_DIR=broken"}, nil, "not readable"},
		"token for another server": {[]string{"DUTYLINE_URL=" + other.URL}, nil, "no token of a sender"},
		"no scheme":                {[]string{"DUTYLINE_URL=localhost:1", "DUTYLINE_TOKEN=x"}, nil, "no address of a server"},
	} {
		t.Run(name, func(t *testing.T) {
			asked = nil
			_, _, stderr := call(t, c.environ, "", append(c.args, "request", "show", "x")...)
			if len(asked) == 1 && asked[0] == "Bearer "+c.want {
				return
			}
			if len(asked) > 0 || !strings.Contains(stderr, c.want) {
				t.Errorf("asked with %q, said %q", asked, stderr)
			}
		})
	}
	asked = nil
	for _, args := range [][]string{{"roster", "now"}, {"health"}} {
		call(t, nil, "", args...)
	}
	if strings.Join(asked, ",") != "Bearer dl_c," {
		t.Errorf("asked with %q", asked)
	}
}

func TestDocumentsBecomeJSON(t *testing.T) {
	for in, want := range map[string]string{
		"a: 1.50\nb: +15005550100\nc: 0123\nd: 12345678901234567890123\ne: -7\nf: 0x10\ng: .inf\nh: 1_000": `{"a":1.50,"b":"+15005550100","c":"0123","d":12345678901234567890123,"e":-7,"f":"0x10","g":".inf","h":"1_000"}`,
		"a: ~\nb:\nc: null\nd: true\ne: yes\nf: 2026-01-02\ng: 08:00":                                      `{"a":null,"b":null,"c":null,"d":true,"e":"yes","f":"2026-01-02","g":"08:00"}`,
		"a: \"bell \\a \\x7f\"\nb: |\n  x\n  y\nc: 'it''s'":                                                `{"a":"bell \u0007 ` + "\x7f" + `","b":"x\ny\n","c":"it's"}`,
		"- {a: [1, b]}\n- []": `[{"a":[1,"b"]},[]]`,
		"1: x\ntrue: y":       `{"1":"x","true":"y"}`,
		`{"a": 1.50}`:         `{"a": 1.50}`,
		"a: &x 1\nb: *x":      "x:1: anchors, aliases",
		"a: !t 1":             "x:1: anchors",
		"<<: {a: 1}":          "x:1: anchors",
		"a: 1\n---\nb: 2":     "x:3: a second document begins",
		"a: b: c":             "x:1: this is not readable YAML: mapping value is not allowed",
		"a: 1\na: 2":          "x:2: the key stands a second time",
		"# nothing":           "x: there is no document",
	} {
		doc, err := (&console{in: strings.NewReader(in)}).readDocument("-")
		if err != nil {
			t.Fatal(err)
		}
		doc.name = "x"
		got, err := doc.json()
		if err != nil {
			got = []byte(err.Error())
		}
		if string(got) != want && (err == nil || !strings.Contains(string(got), want)) {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestReached(t *testing.T) {
	at := request.At(time.Unix(1, 0))
	for _, c := range []struct {
		until, status request.Status
		acknowledged  request.Instant
		want          bool
	}{
		{"received", "withdrawn", request.Instant{}, true},
		{"acknowledged", "received", request.Instant{}, false},
		{"acknowledged", "received", at, false}, // it was passed on
		{"acknowledged", "acknowledged", at, true},
		{"acknowledged", "in_progress", at, true},
		{"acknowledged", "withdrawn", request.Instant{}, false},
		{"withdrawn", "withdrawn", request.Instant{}, true},
		{"answered", "acknowledged", at, false},
	} {
		if got := reached(c.until, request.Receipt{Status: c.status, AcknowledgedAt: c.acknowledged}); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestPrintableTamesTerminals(t *testing.T) {
	if got := printable("a\x1b[2Jb\r\n\tc\u202ed é 請"); got != "a·[2Jb·  c·d é 請" {
		t.Errorf("%q", got)
	}
}

func TestColourOnATerminalOnly(t *testing.T) {
	for name, c := range map[string]struct {
		console *console
		want    bool
	}{
		"terminal": {&console{outTerminal: true}, true},
		"file":     {&console{}, false},
		"NO_COLOR": {&console{outTerminal: true, environ: []string{"NO_COLOR=1"}}, false},
		"dumb":     {&console{outTerminal: true, environ: []string{"TERM=dumb"}}, false},
	} {
		if got := strings.Contains(c.console.paint(alarming, "x"), "\x1b"); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Whatever book there is: export gives what apply reads, without a difference.
func TestExportRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "+15005550100", "08:00", "no", "~", "1e3", "0x10", "a: b", "# x", "- x", "2026-01-05", "'", "\"", "a\nb\n", " x ", "null", "{}", "*a", "&a", "!t", "%", "1_000", ".inf", "\ttab"}))
		list := rapid.SliceOfN(text, 0, 3)
		book := roster.Book{
			Schema: 1, Revision: rapid.Uint64().Draw(t, "revision"),
			People: []roster.Person{{
				ID: text.Draw(t, "id"), CallSign: text.Draw(t, "sign"), Name: text.Draw(t, "name"), Languages: roster.Languages(list.Draw(t, "languages")...),
				Contacts: []roster.Contact{{ID: text.Draw(t, "contact"), Channel: "sms", Address: text.Draw(t, "address"), Verified: rapid.Bool().Draw(t, "verified")}},
			}},
			Rosters: []roster.Roster{{
				ID: text.Draw(t, "roster"), TimeZone: text.Draw(t, "zone"),
				Layers: []roster.Layer{{ID: "l", Rotation: roster.Rotation{
					Turns: rapid.SliceOfN(list, 1, 3).Draw(t, "turns"), Unit: "week", Length: 1, Handover: text.Draw(t, "handover"), From: text.Draw(t, "from"),
				}}},
				Overrides: []roster.Override{{
					ID: "o", Kind: "add", People: list.Draw(t, "people"), Reason: text.Draw(t, "reason"),
					From: time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC(), Until: time.Unix(1<<33, 0).UTC(),
				}},
			}},
		}
		exported, err := bookYAML(book)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := (&console{in: bytes.NewReader(exported)}).readDocument("-")
		if err != nil {
			t.Fatal(err)
		}
		back, based, err := parseBook(doc)
		if err != nil || !based {
			t.Fatalf("%v, %v\n%s", based, err, exported)
		}
		before, _ := json.Marshal(book)
		after, _ := json.Marshal(back)
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("%s\nbecame\n%s\nby\n%s", before, after, exported)
		}
	})
}

const everything = `
revision: 3
people:
  - {id: ada, call_sign: KESTREL, languages: [en, {tag: fr, level: b2}], authorities: [preservation], contacts: [], time_zone: Europe/Paris, active_from: "2026-01-01"}
  - {id: erik, call_sign: MERLIN, languages: [en], contacts: []}
leave: [{id: l1, person: ada, from: 2026-03-01T00:00:00Z, until: 2026-03-08T00:00:00Z}]
calendars: [{id: public, days: ["2026-12-25"]}]
limits: {rest_hours: 0, max_hours: 60}
rosters:
  - id: national
    time_zone: Europe/Brussels
    layers:
      - id: nights
        rotation: {turns: [[ada], [erik]], unit: hour, length: 12, handover: "20:00", from: "2026-01-05", first: 1}
        restrictions: [{weekdays: [mon], from: "20:00", until: "08:00", calendar: public, holidays: except}]
        past: [{until: 2026-02-01T00:00:00Z, time_zone: UTC, rotation: {turns: [[erik]], unit: pattern, length: 1, handover: "", pattern: [{weekday: fri, at: "17:00"}], from: "2026-01-05"}}]
    covers: [{id: c1, person: ada, from: 2026-03-01T00:00:00Z, until: 2026-03-02T00:00:00Z, state: accepted, by: erik}]
    shadows: [{id: t1, person: erik, follows: ada, from: 2026-03-01T00:00:00Z, until: 2026-03-02T00:00:00Z, paged: never}]
    coverage: [{id: french, people: 1, languages: [{tag: fr, level: b1}]}]
    until: 2030-01-01T00:00:00Z
`

func TestAFileMayHaveEverythingThatARosterHas(t *testing.T) {
	read := func(text []byte) (roster.Book, error) {
		doc, err := (&console{in: bytes.NewReader(text)}).readDocument("-")
		if err != nil {
			t.Fatal(err)
		}
		book, _, err := parseBook(doc)
		return book, err
	}
	book, err := read([]byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	if err := book.Validate(); err != nil {
		t.Error(err)
	}
	exported, err := bookYAML(book)
	if err != nil {
		t.Fatal(err)
	}
	again, err := read(exported)
	if err != nil || !roster.Same(book, again) || exported[0] == '{' {
		t.Errorf("%v\n%s", err, exported)
	}
	for right, wrong := range map[string]string{"level: b2": "levl: b2", "until: 2030": "untl: 2030", "rest_hours: 0": "rest: 0"} {
		if _, err := read([]byte(strings.Replace(everything, right, wrong, 1))); err == nil {
			t.Errorf("%s is lost silently", wrong)
		}
	}
}

func TestBannerCanBeCopied(t *testing.T) {
	text := banner(app.Started{
		URL: "http://localhost:8080", SimURL: "http://localhost:8081", PhonesURL: "http://localhost:8081/phones", DataDir: "/a b/it's", Seeded: true,
		NATSURL: "nats://127.0.0.1:4222", Sender: "s1",
		Tokens: app.Tokens{Sender: "dl_sender", Officer: "dl_officer", Coordinator: "dl_coordinator"},
	}, "bin/dutyline")
	for _, part := range []string{
		"http://localhost:8080", "http://localhost:8081/phones", "dl_officer", "Authorization: Bearer dl_sender", `DUTYLINE_DATA_DIR='/a b/it'\''s' bin/dutyline request raise -f -`,
		"\nEND\n", "Ctrl-C", "example roster", "nats://127.0.0.1:4222, for the sender s1",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
	if strings.Contains(text, "dl_coordinator") {
		t.Error("the coordinator's token is printed")
	}
	if strings.Contains(firstRequest(app.Started{DataDir: config.DefaultDataDir}, "dutyline"), "DUTYLINE_DATA_DIR") {
		t.Error("the usual directory is named")
	}
	body := firstJSON
	if content, problems, err := request.ParseContent([]byte(body)); err != nil || len(problems) > 0 || content.Type() != request.ReadinessTest || strings.Contains(body, "'") {
		t.Errorf("%v %v %s", problems, err, body)
	}
	doc := document{name: "first", data: []byte(firstYAML), yaml: true}
	asJSON, err := doc.json()
	if err != nil {
		t.Fatal(err)
	}
	if _, problems, err := request.ParseContent(asJSON); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestLoggerHidesSecretsAndKeepsToItsForm(t *testing.T) {
	for name, c := range map[string]struct {
		settings config.Log
		terminal bool
		json     bool
	}{
		"program":        {config.Log{Level: "info", Format: "auto"}, false, true},
		"terminal":       {config.Log{Level: "info", Format: "auto"}, true, false},
		"console wanted": {config.Log{Level: "info", Format: "console"}, false, false},
		"json wanted":    {config.Log{Level: "info", Format: "json"}, true, true},
	} {
		var out strings.Builder
		log := newLogger(c.settings, &console{err: &out, errTerminal: c.terminal})
		log.Debug("quiet")
		log.Info("loud", zap.Any("token", config.Secret("sesame")), zap.Any("config", config.Config{DeploymentKey: "sesame"}))
		if strings.Contains(out.String(), "sesame") || strings.Contains(out.String(), "quiet") || json.Valid([]byte(out.String())) != c.json {
			t.Errorf("%s: %s", name, out.String())
		}
	}
}

func TestTwiliosimSaysWhatIsWrongWithItsCall(t *testing.T) {
	for flag, value := range map[string]string{"--account-sid": "AC1", "--inbound-url": "ftp://x.example"} {
		status, stdout, stderr := call(t, nil, "", "twiliosim", "--listen", "localhost:0", flag, value)
		if status != exitUsage || stdout != "" || stderr == "" {
			t.Errorf("%s: exit status %d, %q, %q", flag, status, stdout, stderr)
		}
	}
}

func TestTwiliosimServesUntilItIsInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		c := &console{in: strings.NewReader(""), out: in, err: io.Discard}
		ended <- execute(ctx, []string{"twiliosim", "--listen", "localhost:0", "--auth-token", "sesame", "--json"}, c)
		_ = in.Close()
	}()
	var d twiliosimDocument
	if err := json.NewDecoder(out).Decode(&d); err != nil || d.AuthToken != "sesame" || !strings.HasPrefix(d.AccountSID, "AC") {
		t.Fatal(d, err)
	}
	response, err := http.Get(d.PhonesURL)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	_ = response.Body.Close()
	interrupt()
	if status := <-ended; status != exitDone {
		t.Errorf("exit status %d", status)
	}
}
