package vonage_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/notifiertest"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/phrase/phrasetest"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vonagesim"
)

func TestWhatATextIsSentWith(t *testing.T) {
	w := newWorld(t, nil, nil)
	now := time.Now()
	abouts := []notifier.About{
		notifier.AskToTake, notifier.TellWithdrawn, notifier.AskToLookAfter, notifier.TellAhead, notifier.TellShiftSoon, notifier.TellShiftNow, notifier.AskToHandOver,
		notifier.AskToTakeOver, notifier.TellHandedOver, notifier.TellNotSigned, notifier.AskToCover, notifier.TellCoverTaken, notifier.TellCoverExpired,
		notifier.TellContactAhead, notifier.TellOptedOut, notifier.TellTextsFail, notifier.TellCallsFail,
	}
	for i := range len(abouts) * len(request.Languages) {
		reader, about := request.Languages[i%len(request.Languages)], abouts[i/len(request.Languages)]
		m := page()
		m.Reader, m.About = reader, about
		m.Duty = notifier.Duty{Roster: "national", CallSign: "KESTREL", Open: 1, Requests: []request.Ref{"7K4M2QX9D"}, From: now, Until: now.Add(time.Hour)}
		if o, ok := w.Channel().Send(t.Context(), m).(notifier.Accepted); !ok {
			t.Fatalf("%s in %s: %#v", about, reader, o)
		}
		sent := w.sim.Texts()
		form := sent[len(sent)-1].Form
		form.Del("ttl") // another test's
		kind := "text"
		if _, encoding := phrasetest.Segments(form.Get("text")); encoding == phrasetest.UCS2 {
			kind = "unicode"
		}
		want := url.Values{
			"api_key": {apiKey}, "from": {strings.TrimPrefix(w.Channel().Lane(recipient), "+")}, "to": {"15005550123"}, "text": form["text"], "type": {kind},
			"callback": {w.public + "/webhooks/vonage/message-status/7K4M2QX9D/p1a1"}, "client-ref": {"7K4M2QX9D.p1a1"},
		}
		if !maps.EqualFunc(form, want, slices.Equal) {
			t.Errorf("%s in %s: %v, want %v", about, reader, form, want)
		}
	}
}

// trip is a transport in memory.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}
}

func TestATextExpiresWithItsPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var form url.Values
		o := options()
		o.Transport = trip(func(r *http.Request) (*http.Response, error) {
			if err := r.ParseForm(); err != nil {
				return nil, err
			}
			form = r.PostForm
			return response(http.StatusOK, `{"messages":[{"status":"0","message-id":"0A"}]}`), nil
		})
		for _, c := range []struct{ validity, left, want time.Duration }{
			{0, time.Hour, 5 * time.Minute},
			{0, 2 * time.Minute, 2 * time.Minute},
			{0, time.Second, 30 * time.Second}, // this machine's clock may be wrong
			{0, -time.Hour, 30 * time.Second},
			{20 * time.Second, time.Second, 20 * time.Second},
		} {
			o.Validity = c.validity
			m := page()
			m.Expires = time.Now().Add(c.left)
			newClient(t, o).SMS().Send(t.Context(), m)
			if got := form.Get("ttl"); got != fmt.Sprint(c.want.Milliseconds()) {
				t.Errorf("validity %v, page expires in %v: %s ms, want %v", c.validity, c.left, got, c.want)
			}
		}
	})
}

func TestEachInterfaceHasItsAddress(t *testing.T) {
	var hosts []string
	with := func(change func(*vonage.Options)) *vonage.Client {
		o := options()
		o.Transport = trip(func(r *http.Request) (*http.Response, error) {
			hosts = append(hosts, r.URL.Scheme+"://"+r.URL.Host+r.URL.Path)
			return response(http.StatusUnauthorized, ""), nil
		})
		change(&o)
		return newClient(t, o)
	}
	for name, c := range map[string]struct {
		change func(*vonage.Options)
		want   []string
	}{
		"the vendor": {func(*vonage.Options) {}, []string{
			"https://rest.nexmo.com/sms/json", "https://api.nexmo.com/v2/reports/records", "https://api.nexmo.com/v1/calls", "https://api.nexmo.com/v1/calls",
		}},
		"a region": {func(o *vonage.Options) { o.VoiceURL = "https://api-eu-3.vonage.com" }, []string{
			"https://rest.nexmo.com/sms/json", "https://api.nexmo.com/v2/reports/records", "https://api-eu-3.vonage.com/v1/calls", "https://api-eu-3.vonage.com/v1/calls",
		}},
		"a gateway": {func(o *vonage.Options) { o.BaseURL = "http://gateway.internal:8080/" }, []string{
			"http://gateway.internal:8080/sms/json", "http://gateway.internal:8080/v2/reports/records", "http://gateway.internal:8080/v1/calls", "http://gateway.internal:8080/v1/calls",
		}},
	} {
		hosts = nil
		client := with(c.change)
		for _, channel := range []notifier.Channel{client.SMS(), client.Voice()} {
			channel.Send(t.Context(), page())
			channel.Find(t.Context(), page())
		}
		if !slices.Equal(hosts, c.want) {
			t.Errorf("%s: %q, want %q", name, hosts, c.want)
		}
	}
}

func TestEveryStatusOfATextEndsInItsAction(t *testing.T) {
	w := newWorld(t, nil, nil)
	check := func(code string, want request.FailureKind) {
		w.sim.SetReply(func(rw http.ResponseWriter) {
			rw.Header().Set("Retry-After", "3")
			_, _ = fmt.Fprintf(rw, `{"message-count":"1","messages":[{"status":%q,"error-text":"refused +15005550123"}]}`, code)
		})
		wanted := notifier.Failed{Kind: want, Code: "sms_" + code}
		if want.Retryable() {
			wanted.RetryAfter = 3 * time.Second
		}
		if got := w.client.SMS().Send(t.Context(), page()); got != wanted {
			t.Errorf("status %s: %#v, want %#v", code, got, wanted)
		}
	}
	for kind, codes := range statuses {
		for _, code := range codes {
			check(code, kind)
		}
	}
	check("99", request.FailedConfig) // not in the table: what we sent was refused, somebody must look
}

func TestAnswersToTexts(t *testing.T) {
	failed := func(kind request.FailureKind, code string, after time.Duration) notifier.Outcome {
		return notifier.Failed{Kind: kind, Code: code, RetryAfter: after}
	}
	const taken = `{"messages":[{"status":"0","message-id":"0A"}]}`
	for name, c := range map[string]struct {
		status int
		body   string
		want   notifier.Outcome
	}{
		"taken":                        {200, taken, notifier.Accepted{ProviderID: "0A"}},
		"taken, without an id":         {200, `{"messages":[{"status":"0"}]}`, failed(request.FailedUnknown, "http_200", 4*time.Second)},
		"no status":                    {200, `{"messages":[{"message-id":"0A"}]}`, failed(request.FailedUnknown, "http_200", 4*time.Second)},
		"a status that is a text":      {200, `{"messages":[{"status":"call me","message-id":"0A"}]}`, failed(request.FailedUnknown, "http_200", 4*time.Second)},
		"taken, in two parts":          {200, `{"messages":[{"status":"0","message-id":"0A"},{"status":"0","message-id":"0B"}]}`, notifier.Accepted{ProviderID: "0A"}},
		"taken in part":                {200, `{"messages":[{"status":"0","message-id":"0A"},{"status":"9"}]}`, failed(request.FailedUnknown, "sms_9", 4*time.Second)},
		"taken in no part":             {200, `{"messages":[{"status":"7"},{"status":"7"}]}`, failed(request.FailedForGood, "sms_7", 0)},
		"no messages":                  {200, `{"messages":[]}`, failed(request.FailedUnknown, "http_200", 4*time.Second)},
		"nothing":                      {200, "", failed(request.FailedUnknown, "http_200", 4*time.Second)},
		"null":                         {200, "null", failed(request.FailedUnknown, "http_200", 4*time.Second)},
		"a page of a proxy":            {200, "<html>", failed(request.FailedUnknown, "http_200", 4*time.Second)},
		"success with a broken status": {500, taken, failed(request.FailedUnknown, "sms_0", 4*time.Second)},
		"a redirect":                   {302, "", failed(request.FailedConfig, "http_302", 0)},
		"not authorized":               {401, `{"messages":[{"status":"4"}]}`, failed(request.FailedConfig, "sms_4", 0)},
		"forbidden by a proxy":         {403, "<html>", failed(request.FailedConfig, "http_403", 0)},
		"too long on the way":          {408, "", failed(request.FailedUnknown, "http_408", 4*time.Second)},
		"too many":                     {429, "", failed(request.FailedForNow, "http_429", 4*time.Second)},
		"too many, with a barred one":  {429, `{"messages":[{"status":"7"}]}`, failed(request.FailedForNow, "sms_7", 4*time.Second)},
		"out of order":                 {503, "", failed(request.FailedUnknown, "http_503", 4*time.Second)},
		"out of order, with a refusal": {500, `{"messages":[{"status":"7"}]}`, failed(request.FailedUnknown, "sms_7", 4*time.Second)},
	} {
		o := options()
		o.Transport = trip(func(*http.Request) (*http.Response, error) {
			r := response(c.status, c.body)
			r.Header.Set("Retry-After", "4")
			return r, nil
		})
		if got := newClient(t, o).SMS().Send(t.Context(), page()); got != c.want {
			t.Errorf("%s: %#v, want %#v", name, got, c.want)
		}
	}
}

func TestAnswersToCalls(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   notifier.Outcome
	}{
		"placed":               {201, `{"uuid":"u1","status":"started"}`, notifier.Accepted{ProviderID: "u1"}},
		"placed, without id":   {201, `{"status":"started"}`, notifier.Failed{Kind: request.FailedUnknown, Code: "http_201"}},
		"nothing":              {201, "", notifier.Failed{Kind: request.FailedUnknown, Code: "http_201"}},
		"the number refused":   {400, `{"invalid_parameters":[{"name":"to[0].number","reason":"+15005550123 is none"}]}`, notifier.Failed{Kind: request.FailedForGood, Code: "invalid_to"}},
		"the number, as to":    {422, `{"invalid_parameters":[{"name":"to"}]}`, notifier.Failed{Kind: request.FailedForGood, Code: "invalid_to"}},
		"the number, as a ptr": {400, `{"invalid_parameters":[{"name":"/to/0/number"}]}`, notifier.Failed{Kind: request.FailedForGood, Code: "invalid_to"}},
		"another refused":      {400, `{"invalid_parameters":[{"name":"tone"},{"name":"from.number"}]}`, notifier.Failed{Kind: request.FailedConfig, Code: "http_400"}},
		"not authorized":       {401, `{"title":"Unauthorized"}`, notifier.Failed{Kind: request.FailedConfig, Code: "http_401"}},
		"no such region":       {404, "", notifier.Failed{Kind: request.FailedConfig, Code: "http_404"}},
		"too many":             {429, `{"invalid_parameters":[{"name":"to"}]}`, notifier.Failed{Kind: request.FailedForNow, Code: "http_429"}},
		"out of order":         {500, `{"invalid_parameters":[{"name":"to"}]}`, notifier.Failed{Kind: request.FailedUnknown, Code: "http_500"}},
	} {
		o := options()
		o.Transport = trip(func(*http.Request) (*http.Response, error) { return response(c.status, c.body), nil })
		if got := newClient(t, o).Voice().Send(t.Context(), page()); got != c.want {
			t.Errorf("%s: %#v, want %#v", name, got, c.want)
		}
	}
}

func TestAnAnswerWithoutAListIsNoEmptyList(t *testing.T) {
	for _, body := range []string{"", "null", "{}", "[]", `{"records":null,"_embedded":{"calls":null}}`, "<html>"} {
		o := options()
		o.Transport = trip(func(*http.Request) (*http.Response, error) { return response(http.StatusOK, body), nil })
		client := newClient(t, o)
		for _, channel := range []notifier.Channel{client.SMS(), client.Voice()} {
			if got := channel.Find(t.Context(), page()); got != (notifier.Failed{Kind: request.FailedUnknown, Code: "http_200"}) {
				t.Errorf("%s, %q: %#v", channel.Medium(), body, got)
			}
		}
	}
}

func TestATextThatDidNotArriveIsAsGoodAsNone(t *testing.T) {
	for status, found := range map[string]bool{
		"accepted": true, "buffered": true, "delivered": true, "unknown": true, "": true, "failed": false, "rejected": false, "expired": false, "deleted": false,
	} {
		w := newWorld(t, nil, nil)
		w.Channel().Send(t.Context(), page())
		w.sim.SetStatus(0, -1, status)
		got := w.Channel().Find(t.Context(), page())
		if _, accepted := got.(notifier.Accepted); accepted != found {
			t.Errorf("%q: %#v", status, got)
		}
	}
}

func TestAReportOfManyPagesIsReadToItsEnd(t *testing.T) {
	w := newWorld(t, nil, func(o *vonagesim.Options) { o.MaxRecords = 3 })
	first, ok := w.Channel().Send(t.Context(), page()).(notifier.Accepted)
	if !ok {
		t.Fatal("not accepted")
	}
	for n := range 10 {
		m := page()
		m.Page, m.Attempt = fmt.Sprint("p", n+2), fmt.Sprintf("p%da1", n+2)
		w.Channel().Send(t.Context(), m)
	}
	if got := w.Channel().Find(t.Context(), page()); got != first {
		t.Errorf("%#v, want %#v", got, first)
	}
}

// The vendor's clock is its own, and a report is asked for by it; so is what a token is good for.
func TestAClockThatDiffersFindsATextAndACall(t *testing.T) {
	for _, skew := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
		w := newWorld(t, nil, func(o *vonagesim.Options) { o.Skew = skew })
		w.Channel().Send(t.Context(), page()) // tells the vendor's time
		for _, voice := range []bool{false, true} {
			w.voice = voice
			w.Behave(notifiertest.LoseAnswer)
			w.Channel().Send(t.Context(), page())
			w.Behave(notifiertest.Accept)
			if _, ok := w.Channel().Find(t.Context(), page()).(notifier.Accepted); !ok {
				t.Errorf("%v, %s: not found", skew, w.Channel().Medium())
			}
		}
	}
}

func TestEveryOptionThatIsWrongIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*vonage.Options)
		want   string // "" is right
	}{
		"all right":            {func(*vonage.Options) {}, ""},
		"no previous secret":   {func(o *vonage.Options) { o.PreviousSignatureSecret = "" }, ""},
		"a PKCS1 key":          {func(o *vonage.Options) { o.PrivateKey = strings.TrimSpace(o.PrivateKey) }, ""},
		"a key of 7":           {func(o *vonage.Options) { o.APIKey = "hunter2" }, "vonage.api_key"},
		"no secret":            {func(o *vonage.Options) { o.APISecret = "" }, "vonage.api_secret"},
		"a secret with a line": {func(o *vonage.Options) { o.APISecret = "hunter2\n" }, "vonage.api_secret"},
		"no application":       {func(o *vonage.Options) { o.ApplicationID = "hunter2" }, "vonage.application_id"},
		"no private key":       {func(o *vonage.Options) { o.PrivateKey = "hunter2" }, "vonage.private_key"},
		"no signature secret":  {func(o *vonage.Options) { o.SignatureSecret = "" }, "vonage.signature_secret:"},
		"a short one":          {func(o *vonage.Options) { o.SignatureSecret = "hunter2" }, "vonage.signature_secret:"},
		"a short old one":      {func(o *vonage.Options) { o.PreviousSignatureSecret = "hunter2" }, "vonage.signature_secret_previous"},
		"no numbers":           {func(o *vonage.Options) { o.Numbers = nil }, "vonage.numbers"},
		"no number":            {func(o *vonage.Options) { o.Numbers = []string{"15005550006"} }, "vonage.numbers[0]"},
		"a number twice":       {func(o *vonage.Options) { o.Numbers = []string{"+15005550006", "+15005550006"} }, "vonage.numbers[1]"},
		"no public address":    {func(o *vonage.Options) { o.PublicURL = "" }, "public_url"},
		"no https":             {func(o *vonage.Options) { o.PublicURL = "http://line.example" }, "public_url"},
		"no https, a gateway":  {func(o *vonage.Options) { o.PublicURL, o.BaseURL = "http://line.example", "http://localhost:1" }, ""},
		"a base with a path":   {func(o *vonage.Options) { o.BaseURL = "https://gateway.internal/vonage" }, "vonage.base_url"},
		"a base with a secret": {func(o *vonage.Options) { o.BaseURL = "https://x:hunter2@gateway.internal" }, "vonage.base_url"},
		"a region's name":      {func(o *vonage.Options) { o.VoiceURL = "eu-3" }, "vonage.voice_url"},
		"a long validity":      {func(o *vonage.Options) { o.Validity = 8 * 24 * time.Hour }, "validity"},
		"a short validity":     {func(o *vonage.Options) { o.Validity = 19 * time.Second }, "validity"},
	} {
		o := options()
		c.change(&o)
		_, err := vonage.New(o)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want one about %s", name, err, c.want)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: the error quotes what was given: %v", name, err)
		}
	}
}

func TestSendingLogsNothingOfAPerson(t *testing.T) {
	logger, check := logged(t)
	w := newWorld(t, func(o *vonage.Options) { o.Logger = logger }, nil)
	for _, b := range []notifiertest.Behaviour{notifiertest.Accept, notifiertest.RefuseContact, notifiertest.Unavailable, notifiertest.LoseAnswer, notifiertest.Garble} {
		w.Behave(b)
		for _, channel := range []notifier.Channel{w.client.SMS(), w.client.Voice()} {
			channel.Send(t.Context(), page())
			channel.Find(t.Context(), page())
		}
	}
	check()
}

func TestWhatACallIsPlacedWith(t *testing.T) {
	w := newWorld(t, nil, nil)
	m := page()
	m.Reader, m.Language, m.Urgency = "fr-CA", "zho-Hans", request.Emergency
	if o, ok := w.client.Voice().Send(t.Context(), m).(notifier.Accepted); !ok {
		t.Fatalf("%#v", o)
	}
	order := w.sim.Calls()[0].Order
	for _, name := range []string{"answer_url", "event_url"} {
		address, err := url.Parse(order[name].([]any)[0].(string))
		if err != nil {
			t.Fatal(err)
		}
		path := map[string]string{"answer_url": "voice", "event_url": "call-status"}[name]
		query := address.Query()
		if mark := query.Get("mark"); len(mark) < 20 {
			t.Errorf("%s has the mark %q", name, mark)
		}
		query.Del("mark")
		if got, want := "http://"+address.Host+address.Path+"?"+query.Encode(), w.public+"/webhooks/vonage/"+path+"/7K4M2QX9D/p1a1?about=ask&language=zho&reader=fr&urgency=emergency"; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		delete(order, name)
	}
	got, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	from := strings.TrimPrefix(w.client.Lane(recipient), "+")
	if want := `{"answer_method":"POST","event_method":"POST","from":{"number":"` + from + `","type":"phone"},"length_timer":120,"machine_detection":"continue",` +
		`"ringing_timer":25,"to":[{"number":"15005550123","type":"phone"}]}`; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	if strings.Contains(string(got), m.Code) {
		t.Error("the code travels with a call")
	}
}

func TestNoFreeTextStandsInAnAddress(t *testing.T) {
	w := newWorld(t, nil, nil)
	m := page()
	m.Reader, m.Language, m.Urgency = "Mr Smith", "Smith of Example Street-x", "because 10.0.0.1"
	w.client.Voice().Send(t.Context(), m)
	got, _ := json.Marshal(w.sim.Calls()[0].Order)
	for _, part := range []string{"mith", "xample", "because", "10.0"} {
		if strings.Contains(strings.ToLower(string(got)), part) {
			t.Errorf("%s: %s", part, got)
		}
	}
}
