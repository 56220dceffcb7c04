package vonage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vonagesim"
)

// A description is one of the vendor's OpenAPI descriptions, which are not part of this project.
type description struct {
	doc    *openapi3.T
	router routers.Router
}

func load(name, server string) (d description, err error) {
	folder := os.Getenv("DUTYLINE_SHARED")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared")
	}
	if d.doc, err = openapi3.NewLoader().LoadFromFile(filepath.Join(folder, "data", name)); err != nil {
		return d, err
	}
	d.doc.Servers = openapi3.Servers{{URL: server}}
	// A telephone is described so that it is an address of SIP as well, of which no more is required: one of several, as it says, it never is.
	if base := d.doc.Components.Schemas["CreateCallRequestBase"]; base != nil {
		to := base.Value.Properties["to"].Value.Items.Value
		to.OneOf = to.OneOf[:1]
	}
	// A form is described by its members alone, and not as the object that they make.
	if form := d.doc.Components.Schemas["NewMessage"]; form != nil {
		form.Value.Type = &openapi3.Types{"object"}
	}
	d.router, err = gorillamux.NewRouter(d.doc)
	return d, err
}

var (
	texts = sync.OnceValues(func() (description, error) { return load("vonage_sms.yml", "/sms") })
	calls = sync.OnceValues(func() (description, error) { return load("vonage_voice.yml", "/v1/calls") })
)

// atHand skips a test visibly where the descriptions are not.
func atHand(t *testing.T) (sms, voice description) {
	t.Helper()
	sms, err := texts()
	voice, err2 := calls()
	if err := errors.Join(err, err2); err != nil {
		t.Skipf("NOT CHECKED: the vendor's OpenAPI descriptions are not at hand, set DUTYLINE_SHARED to the folder with data/vonage_sms.yml and data/vonage_voice.yml (%v)", err)
	}
	return sms, voice
}

// checkExchange holds a call, and what the simulator answers, to the description. The vendor has none at hand for its reports.
func checkExchange(t testing.TB, seen vonagesim.Seen) {
	r := seen.Request.Clone(context.Background())
	r.Body = io.NopCloser(bytes.NewReader(seen.Body))
	describe := texts
	switch {
	case strings.HasPrefix(r.URL.Path, "/v2/reports"):
		return
	case r.URL.Path == "/v1/calls":
		describe = calls
		r.URL.Path = "/v1/calls/" // as the description has it
	}
	d, err := describe()
	if err != nil {
		return // TestCallsFollowTheVendorsDescription says so
	}
	route, params, err := d.router.FindRoute(r)
	if err != nil {
		t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		return
	}
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{
		MultiError: true, AuthenticationFunc: func(_ context.Context, a *openapi3filter.AuthenticationInput) error {
			if !strings.HasPrefix(a.RequestValidationInput.Request.Header.Get("Authorization"), "Bearer ") {
				return errors.New("no token")
			}
			return nil
		},
	}}
	if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
		t.Errorf("%s %s does not follow the vendor's description: %v", r.Method, r.URL.Path, err)
	}
	known := map[string]bool{}
	for _, p := range route.Operation.Parameters {
		known[p.Value.Name] = true
	}
	for name := range r.URL.Query() {
		if !known[name] {
			t.Errorf("the vendor knows no parameter %q", name)
		}
	}
	if r.Method == http.MethodPost && r.URL.Path == "/sms/json" {
		r.Body = io.NopCloser(bytes.NewReader(seen.Body))
		_ = r.ParseForm()
		for name := range r.PostForm {
			if d.doc.Components.Schemas["NewMessage"].Value.Properties[name] == nil {
				t.Errorf("the vendor knows no parameter %q", name)
			}
		}
	}
	checkAnswer(t, d, route, seen)
}

// checkAnswer holds the simulator to the description, of success: it has none of errors but their numbers.
func checkAnswer(t testing.TB, d description, route *routers.Route, seen vonagesim.Seen) {
	if seen.Status < 200 || seen.Status > 299 {
		return
	}
	var document any
	if err := json.Unmarshal(seen.Answer, &document); err != nil {
		t.Errorf("the simulator answers %q", seen.Answer)
		return
	}
	if message := d.doc.Components.Schemas["Message"]; message != nil { // as a whole, an answer is one of two that are alike
		for _, one := range document.(map[string]any)["messages"].([]any) {
			if err := message.Value.VisitJSON(one); err != nil {
				t.Errorf("the simulator does not follow the vendor's description: %v", err)
			}
		}
		return
	}
	schema := route.Operation.Responses.Status(seen.Status)
	if schema == nil {
		t.Errorf("the vendor does not answer %d", seen.Status)
		return
	}
	if err := schema.Value.Content["application/json"].Schema.Value.VisitJSON(document); err != nil {
		t.Errorf("the simulator does not follow the vendor's description: %v", err)
	}
}

func TestCallsFollowTheVendorsDescription(t *testing.T) {
	atHand(t)
	for _, voice := range []bool{false, true} { // every call is checked
		w := newWorld(t, nil, nil)
		w.voice = voice
		for _, reader := range request.Languages {
			m := page()
			m.Reader = reader
			if o, ok := w.Channel().Send(t.Context(), m).(notifier.Accepted); !ok {
				t.Errorf("%#v", o)
			}
			if o, ok := w.Channel().Find(t.Context(), m).(notifier.Accepted); !ok {
				t.Errorf("%#v", o)
			}
		}
		w.Arrived()
	}
}

func TestEveryErrorOfTheDescriptionIsInTheTable(t *testing.T) {
	sms, _ := atHand(t)
	described, ok := sms.doc.Extensions["x-errors"].(map[string]any)
	if !ok || len(described) == 0 {
		t.Fatalf("%T", sms.doc.Extensions["x-errors"])
	}
	var known []string
	for _, codes := range statuses {
		known = append(known, codes...)
	}
	for code := range described {
		if !slices.Contains(known, code) {
			t.Errorf("status %s has no meaning here", code)
		}
	}
}

func TestEveryLanguageIsOneOfTheVendors(t *testing.T) {
	_, voice := atHand(t)
	for _, l := range phrase.Languages {
		if name := spokenIn[l]; !slices.Contains(voice.doc.Components.Schemas["language"].Value.Enum, any(name)) {
			t.Errorf("nobody speaks %q there", name)
		}
	}
}

// spokenIn are the vendor's names of the languages.
var spokenIn = map[phrase.Language]string{
	phrase.English: "en-GB", phrase.French: "fr-FR", phrase.Spanish: "es-ES", phrase.Russian: "ru-RU", phrase.Arabic: "ar", phrase.Chinese: "cmn-CN",
}

// statuses is the table of what to do after a status of a text that was not taken.
var statuses = map[request.FailureKind][]string{
	request.FailedForNow:  {"1", "10"},
	request.FailedConfig:  {"2", "3", "4", "8", "9", "11", "12", "14", "15", "22", "23", "29", "32"},
	request.FailedForGood: {"6", "7", "33"},
	request.FailedUnknown: {"5"},
}

// receiptCodes is the table of what to do after the error code of a delivery receipt.
var receiptCodes = map[request.FailureKind][]string{
	request.FailedForGood: {"3", "4", "9", "12", "13", "14"},
	request.FailedConfig:  {"10", "50", "51", "52", "53", "54"},
	request.FailedCarrier: {"1", "2", "5", "6", "7", "8", "11", "15", "99", "77"}, // and every other
}
