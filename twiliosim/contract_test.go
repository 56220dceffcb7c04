package twiliosim_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/twiliosim"
)

// A description is the vendor's OpenAPI document; router is nil where it is absent.
type description struct {
	router routers.Router
	from   string
	err    error
}

var readDescription = sync.OnceValue(func() description {
	const file = "twilio_api_v2010.json"
	places := []string{filepath.Join("..", "..", "shared", "data", file)}
	if dir := os.Getenv("DUTYLINE_SHARED"); dir != "" {
		places = []string{filepath.Join(dir, "data", file), filepath.Join(dir, file)}
	}
	for _, place := range places {
		data, err := os.ReadFile(place)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return description{err: err}
		}
		router, err := route(data)
		return description{router: router, from: place, err: err}
	}
	return description{}
})

func route(data []byte) (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	doc.Servers = openapi3.Servers{{URL: "/"}}
	for path, item := range doc.Paths.Map() {
		item.Servers = nil // they name the vendor's host
		if !strings.Contains(path, "/Messages") && !strings.HasSuffix(path, "/Calls.json") && !strings.HasSuffix(path, "/Calls/{Sid}.json") && !strings.Contains(path, "/IncomingPhoneNumbers") && !strings.HasSuffix(path, "/Accounts/{Sid}.json") {
			doc.Paths.Delete(path)
		}
	}
	err = doc.Validate(context.Background(), openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation())
	if err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	return gorillamux.NewRouter(doc)
}

// described returns the vendor's description, or skips the test.
func described(t *testing.T) routers.Router {
	t.Helper()
	d := readDescription()
	if d.err != nil {
		t.Fatalf("the vendor's description: %v", d.err)
	}
	if d.router == nil {
		t.Skip("SKIPPED: twilio_api_v2010.json is neither in $DUTYLINE_SHARED nor in ../../shared/data")
	}
	return d.router
}

// exchange is one request to the simulator, judged by the description: whether it allows the request, and what is wrong with the answer.
func exchange(w *world, router routers.Router, method, path string, form url.Values) (allowed bool, got answer, err error) {
	input := func() (*openapi3filter.RequestValidationInput, error) {
		r := apiRequest(w.t.Context(), method, path, form)
		found, params, err := router.FindRoute(r)
		if err != nil {
			return nil, fmt.Errorf("no route of the description: %w", err)
		}
		return &openapi3filter.RequestValidationInput{
			Request: r, Route: found, PathParams: params,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		}, nil
	}
	in, err := input()
	if err != nil {
		return false, answer{}, err
	}
	allowed = openapi3filter.ValidateRequest(w.t.Context(), in) == nil
	got = w.api(method, path, form)
	if got.status >= 300 {
		return allowed, got, nil
	}
	if in, err = input(); err != nil {
		return allowed, got, err
	}
	err = openapi3filter.ValidateResponse(w.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: got.status, Header: got.header, Body: io.NopCloser(bytes.NewReader(got.body)),
	})
	if err != nil {
		return allowed, got, fmt.Errorf("the answer %s does not fit its description: %w", got.body, err)
	}
	return allowed, got, nil
}

// agree checks that the simulator takes what the description allows and refuses what it does not. mutated tells what the generator meant.
func agree(t *rapid.T, w *world, router routers.Router, method, path string, form url.Values, mutated bool) answer {
	allowed, got, err := exchange(w, router, method, path, form)
	switch {
	case err != nil:
		t.Fatalf("%s %s %v: %v", method, path, form, err)
	case allowed == mutated:
		t.Fatalf("%s %s %v: mutated %v, but the description allows it: %v", method, path, form, mutated, allowed)
	case allowed != (got.status < 300) || got.status >= 500:
		t.Fatalf("%s %s %v: allowed %v, but answered %d %s", method, path, form, allowed, got.status, got.body)
	}
	return got
}

// A parameter is one that the description knows: values that it allows and, where its type is narrower than a string, values that it does not.
type parameter struct{ right, wrong *rapid.Generator[string] }

var (
	anyString = rapid.StringN(0, 40, 160)
	phone     = rapid.StringMatching(`\+[1-9][0-9]{6,14}`)
	boolean   = parameter{rapid.SampledFrom([]string{"true", "false"}), rapid.SampledFrom([]string{"yes", "2", "truee", ""})}
	integer   = parameter{rapid.StringMatching(`-?[1-9][0-9]{0,8}`), rapid.SampledFrom([]string{"1.5", "one", "1e3", "0x1", "99999999999999999999", ""})}
	moment    = parameter{
		rapid.Map(rapid.Int64Range(0, 4e9), func(n int64) string { return time.Unix(n, 0).UTC().Format(time.RFC3339) }),
		rapid.SampledFrom([]string{"soon", "2026-13-01T00:00:00Z", "2026", "12:00"}),
	}
	address = rapid.StringMatching(`https?://[a-z]{1,10}\.example/[a-z0-9/]{0,20}(\?[a-z]=[0-9])?(#rc=[0-5])?`)
)

func sid(prefix string) parameter {
	return parameter{
		rapid.StringMatching(prefix + `[0-9a-fA-F]{32}`),
		rapid.OneOf(rapid.StringMatching(prefix+`[0-9a-f]{31}`), rapid.StringMatching(prefix+`[0-9a-f]{33}`),
			rapid.StringMatching(`XX[0-9a-f]{32}`), rapid.StringMatching(prefix+`[0-9a-f]{31}g`), rapid.Just("")),
	}
}

func among(values ...string) parameter {
	return parameter{rapid.SampledFrom(values), rapid.SampledFrom([]string{"other", strings.ToUpper(values[0]), ""})}
}

func free(g *rapid.Generator[string]) parameter { return parameter{right: g} }

var creation = map[string]parameter{
	"StatusCallback": free(address), "ApplicationSid": sid("AP"), "ProvideFeedback": boolean, "Attempt": integer,
	"MaxPrice":       {rapid.StringMatching(`[0-9]{1,4}(\.[0-9]{1,4})?`), rapid.SampledFrom([]string{"cheap", "1,5", "NaN", ""})},
	"ValidityPeriod": {rapid.Map(rapid.IntRange(1, 36000), func(n int) string { return fmt.Sprint(n) }), integer.wrong},
	"ForceDelivery":  boolean, "ContentRetention": among("retain", "discard"), "AddressRetention": among("retain", "obfuscate"),
	"SmartEncoded": boolean, "PersistentAction": free(rapid.StringN(1, 20, 80)), "TrafficType": among("free"), "ShortenUrls": boolean,
	"ScheduleType": among("fixed"), "SendAt": moment, "SendAsMms": boolean, "ContentVariables": free(anyString),
	"RiskCheck": among("enable", "disable"), "FallbackFrom": free(phone), "MessagingServiceSid": sid("MG"), "ContentSid": sid("HX"),
	"MediaUrl": free(address),
}

// fill draws some of the parameters, and makes one of them wrong where the draw says so.
func fill(t *rapid.T, into url.Values, from map[string]parameter) (mutated bool) {
	names := slices.Sorted(maps.Keys(from))
	for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID[string]).Draw(t, "parameters") {
		into.Set(name, from[name].right.Draw(t, name))
	}
	var narrow []string
	for _, name := range names {
		if from[name].wrong != nil {
			narrow = append(narrow, name)
		}
	}
	if mutated = rapid.Bool().Draw(t, "mutated"); mutated {
		name := rapid.SampledFrom(narrow).Draw(t, "wrong")
		into.Set(name, from[name].wrong.Draw(t, "wrong "+name))
	}
	return mutated
}

func TestContractOfCreateMessage(t *testing.T) {
	router := described(t)
	w := newWorld(t, twiliosim.Options{DeliveryDelay: time.Hour})
	rapid.Check(t, func(t *rapid.T) {
		form := url.Values{}
		mutated := fill(t, form, creation)
		form.Set("To", "+1202555"+rapid.StringMatching(`[0-9]{4}`).Draw(t, "To"))
		form.Set("From", sender)
		form.Set("Body", cmp.Or(anyString.Draw(t, "Body"), "x"))
		if rapid.IntRange(0, 9).Draw(t, "without To") == 0 {
			form.Del("To")
			mutated = true
		}
		agree(t, w, router, http.MethodPost, "/Messages.json", form, mutated)
	})
}

func TestContractOfListMessage(t *testing.T) {
	router := described(t)
	w := newWorld(t, twiliosim.Options{DeliveryDelay: time.Hour})
	for i := range 30 {
		w.send("To", fmt.Sprintf("+1202555012%d", i%3))
	}
	rapid.Check(t, func(t *rapid.T) {
		query := url.Values{}
		mutated := fill(t, query, map[string]parameter{
			"To": free(rapid.SampledFrom([]string{"+12025550120", "+12025550121", "+12025550199", "somebody"})), "From": free(rapid.Just(sender)),
			"DateSent": moment, "DateSent<": moment, "DateSent>": moment,
			"PageSize": {rapid.Map(rapid.IntRange(1, 1000), func(n int) string { return fmt.Sprint(n) }), rapid.SampledFrom([]string{"0", "1001", "-1", "x", "1.5"})},
			"Page":     {rapid.SampledFrom([]string{"0", "1", "2", "40"}), rapid.SampledFrom([]string{"-1", "x", "0.5"})},
		})
		agree(t, w, router, http.MethodGet, "/Messages.json?"+query.Encode(), nil, mutated)
	})
}

func TestContractOfFetchAndUpdateMessage(t *testing.T) {
	router := described(t)
	w := newWorld(t, twiliosim.Options{DeliveryDelay: time.Hour})
	rapid.Check(t, func(t *rapid.T) {
		text := w.send()
		if rapid.Bool().Draw(t, "fetch a wrong SID") {
			wrong := rapid.OneOf(sid("SM").wrong, rapid.Just(strings.Replace(text, "SM", "XM", 1))).
				Filter(func(s string) bool { return s != "" }).Draw(t, "SID")
			agree(t, w, router, http.MethodGet, "/Messages/"+wrong+".json", nil, true)
			return
		}
		agree(t, w, router, http.MethodGet, "/Messages/"+text+".json", nil, false)
		form, mutated := url.Values{}, false
		switch rapid.SampledFrom([]string{"cancel", "redact", "wrong"}).Draw(t, "update") {
		case "cancel":
			form.Set("Status", "canceled")
		case "redact":
			form.Set("Body", "")
			var err error
			if text, err = w.sim.Reply(officer, "123456"); err != nil { // one that waits no more
				t.Fatal(err)
			}
		default:
			form.Set("Status", rapid.SampledFrom([]string{"queued", "delivered", "Canceled", "cancelled", ""}).Draw(t, "status"))
			mutated = true
		}
		agree(t, w, router, http.MethodPost, "/Messages/"+text+".json", form, mutated)
	})
}

// TestContractOfEveryStatus validates what is said of texts that came to every end there is.
func TestContractOfEveryStatus(t *testing.T) {
	router := described(t)
	night(t, twiliosim.Options{LateDelay: 20 * time.Hour}, func(t *testing.T, w *world) {
		seen := map[string]bool{}
		look := func() {
			for _, m := range w.sim.Messages() {
				seen[string(m.Status)] = true
			}
			if _, got, err := exchange(w, router, http.MethodGet, "/Messages.json?PageSize=5", nil); err != nil || got.status != http.StatusOK {
				t.Errorf("%d: %v", got.status, err)
			}
		}
		for i, b := range twiliosim.Behaviours() {
			number := fmt.Sprintf("+1202555013%d", i)
			if b != twiliosim.OptedOut {
				w.send("To", number)
			}
			_ = w.sim.SetBehaviour(number, b)
		}
		service := "MG" + strings.Repeat("a", 32)
		w.send("From", "-", "MessagingServiceSid", service)
		w.send("MediaUrl", "https://x.example/a.png")
		w.send("ScheduleType", "fixed", "SendAt", time.Now().Add(time.Hour).Format(time.RFC3339))
		canceled := w.send()
		w.api(http.MethodPost, "/Messages/"+canceled+".json", url.Values{"Status": {"canceled"}})
		w.customer = func(_ int, out http.ResponseWriter, _ *http.Request) { // takes its time: what is being handed over can be seen
			time.Sleep(time.Second)
			out.WriteHeader(http.StatusNoContent)
		}
		_, _ = w.sim.Reply(officer, "123456")
		look()
		for range 40 {
			w.settle(10 * time.Millisecond)
			look()
		}
		w.settle(24 * time.Hour)
		look()
		for _, m := range w.sim.Messages() {
			if _, got, err := exchange(w, router, http.MethodGet, "/Messages/"+m.SID+".json", nil); err != nil || got.status != http.StatusOK {
				t.Errorf("%s: %d %v", m.SID, got.status, err)
			}
			if _, got, err := exchange(w, router, http.MethodDelete, "/Messages/"+m.SID+".json", nil); err != nil || got.status != http.StatusNoContent {
				t.Errorf("%s: %d %v", m.SID, got.status, err)
			}
		}
		want := []string{"accepted", "canceled", "delivered", "failed", "queued", "received", "receiving", "scheduled", "sent", "undelivered"}
		equal(t, "statuses seen", slices.Sorted(maps.Keys(seen)), want)
	})
}

func TestContractOfNumbersAndAccount(t *testing.T) {
	router := described(t)
	w := newWorld(t, twiliosim.Options{Numbers: []string{sender, "+15005550007"}})
	list := w.api(http.MethodGet, "/IncomingPhoneNumbers.json", nil).object(t, http.StatusOK)
	one := list["incoming_phone_numbers"].([]any)[0].(map[string]any)["uri"].(string)
	for _, c := range []struct {
		method, path string
		form         url.Values
	}{
		{http.MethodGet, "/IncomingPhoneNumbers.json?PageSize=1", nil},
		{http.MethodGet, one, nil},
		{http.MethodPost, one, url.Values{"SmsUrl": {"https://line.example/sms"}}},
		{http.MethodGet, ".json", nil},
	} {
		if allowed, got, err := exchange(w, router, c.method, c.path, c.form); err != nil || !allowed || got.status != http.StatusOK {
			t.Errorf("%s %s: %v %d %v", c.method, c.path, allowed, got.status, err)
		}
	}
}
