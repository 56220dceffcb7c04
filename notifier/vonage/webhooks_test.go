package vonage_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/vonage"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/phrase/phrasetest"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vonagesim"
)

const (
	receiptPath = "/webhooks/vonage/message-status/7K4M2QX9D/p1a1"
	anID        = "63f61863-4a51-4f6b-86e1-46edebcf9356"
)

// post brings a body to the webhooks. Its Host is a proxy's: the public one is configured.
func post(h http.Handler, target, token, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://node-3.internal:8080"+target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// claims are what the vendor says in the token of a body.
func claims(body string, change func(map[string]any)) map[string]any {
	sum := sha256.Sum256([]byte(body))
	c := map[string]any{
		"iat": time.Now().Unix(), "jti": strconv.Itoa(rand.Int()), "iss": "Vonage", "payload_hash": hex.EncodeToString(sum[:]), "api_key": apiKey, "application_id": applicationID,
	}
	if change != nil {
		change(c)
	}
	return c
}

func token(body string) string { return vonagesim.Token(signSecret, claims(body, nil)) }

// addresses are what a call about a page is given: where it is asked, and where its progress goes. Each is path and query.
func addresses(t testing.TB, o vonage.Options, m notifier.Message) (voice, status string) {
	t.Helper()
	o.BaseURL = ""
	o.Transport = trip(func(r *http.Request) (*http.Response, error) {
		var order struct {
			AnswerURL []string `json:"answer_url"`
			EventURL  []string `json:"event_url"`
		}
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &order); err != nil {
			return nil, err
		}
		voice, status = strings.TrimPrefix(order.AnswerURL[0], o.PublicURL), strings.TrimPrefix(order.EventURL[0], o.PublicURL)
		return response(http.StatusCreated, `{"uuid":"`+anID+`"}`), nil
	})
	newClient(t, o).Voice().Send(t.Context(), m)
	return voice, status
}

// input is where a key goes, as the question says.
func input(t testing.TB, h http.Handler, voice string) string {
	t.Helper()
	body := event("", nil)
	var ncco []struct {
		EventURL []string `json:"eventUrl"`
	}
	w := post(h, voice, token(body), body)
	if err := json.Unmarshal(w.Body.Bytes(), &ncco); err != nil || len(ncco) == 0 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return strings.TrimPrefix(ncco[len(ncco)-1].EventURL[0], public)
}

// event is what the vendor says of a call.
func event(status string, more map[string]any) string {
	e := map[string]any{"uuid": anID, "conversation_uuid": "CON-1", "from": "15005550006", "to": "15005550123", "direction": "outbound"}
	if status != "" {
		e["status"] = status
	}
	maps.Copy(e, more)
	data, _ := json.Marshal(e)
	return string(data)
}

func pressed(key string) string {
	return event("", map[string]any{"dtmf": map[string]any{"digits": key, "timed_out": key == ""}})
}

func TestEveryStatusOfACall(t *testing.T) {
	lost := func(kind request.FailureKind, code string) notifier.Report {
		return notifier.Report{Progress: notifier.Lost, Kind: kind, Code: code}
	}
	with := func(status, detail string) string { return event(status, map[string]any{"detail": detail}) }
	sent, answered := notifier.Report{Progress: notifier.Sent}, notifier.Report{Progress: notifier.Answered}
	for _, c := range []struct {
		body string
		want notifier.Report
	}{
		{event("started", nil), sent},
		{event("ringing", nil), sent},
		{event("answered", nil), answered},
		{event("human", map[string]any{"uuid": "", "call_uuid": anID}), notifier.Report{Progress: notifier.Answered, Code: "human"}},
		{event("machine", map[string]any{"uuid": "", "call_uuid": anID}), notifier.Report{Progress: notifier.Answered, Code: "machine"}},
		{event("completed", map[string]any{"duration": "41", "detail": "ok"}), notifier.Report{Progress: notifier.Ended}},
		{event("busy", nil), lost(request.FailedNoKey, "busy")},
		{event("timeout", nil), lost(request.FailedNoKey, "no_answer")},
		{with("unanswered", "unavailable"), lost(request.FailedNoKey, "no_answer")},
		{with("unanswered", "timeout"), lost(request.FailedNoKey, "no_answer")},
		{event("cancelled", nil), lost(request.FailedCarrier, "canceled")},
		{with("rejected", "invalid_number"), lost(request.FailedForGood, "invalid_number")},
		{with("rejected", "restricted"), lost(request.FailedCarrier, "restricted")},
		{with("rejected", "declined"), lost(request.FailedNoKey, "declined")},
		{with("rejected", "whole text"), lost(request.FailedCarrier, "rejected")},
		{event("rejected", nil), lost(request.FailedCarrier, "rejected")},
		{with("failed", "cannot_route"), lost(request.FailedForGood, "cannot_route")},
		{with("failed", "number_out_of_service"), lost(request.FailedForGood, "number_out_of_service")},
		{with("failed", "internal_error"), lost(request.FailedCarrier, "internal_error")},
		{event("failed", nil), lost(request.FailedCarrier, "failed")},
		{event("record", nil), notifier.Report{}},
		{event("a_later_status", nil), notifier.Report{}},
		{event("", map[string]any{"reason": "Syntax error in NCCO"}), notifier.Report{}},
		{"null", notifier.Report{}},
	} {
		s := &sink{}
		_, status := addresses(t, options(), page())
		w := post(newClient(t, options()).Webhooks(s), status, token(c.body), c.body)
		if w.Code != http.StatusNoContent || w.Body.Len() > 0 {
			t.Errorf("%s: %d %q, want 204", c.body, w.Code, w.Body)
		}
		var want []notifier.Report
		if c.want != (notifier.Report{}) {
			c.want.Ref, c.want.Attempt, c.want.Provider, c.want.ProviderID = "7K4M2QX9D", "p1a1", "vonage", anID
			want = append(want, c.want)
		}
		if !slices.Equal(s.reports, want) || len(s.keys) > 0 {
			t.Errorf("%s: %+v, want %+v", c.body, s.reports, want)
		}
	}
}

func TestEveryDeliveryReceiptEndsInItsAction(t *testing.T) {
	type row struct {
		status, code string
		want         notifier.Report
	}
	lost := func(kind request.FailureKind, code string) notifier.Report {
		return notifier.Report{Progress: notifier.Lost, Kind: kind, Code: code}
	}
	cases := []row{
		{"accepted", "0", notifier.Report{Progress: notifier.Sent}},
		{"buffered", "0", notifier.Report{Progress: notifier.Sent}},
		{"delivered", "0", notifier.Report{Progress: notifier.Delivered}},
		{"unknown", "1", notifier.Report{}},
		{"a_later_status", "0", notifier.Report{}},
		{"", "", notifier.Report{}},
		{"expired", "0", lost(request.FailedExpired, "expired")},
		{"expired", "3", lost(request.FailedExpired, "dlr_3")},
		{"failed", "", lost(request.FailedCarrier, "failed")},
		{"rejected", "0", lost(request.FailedCarrier, "rejected")},
		{"failed", "whole text", lost(request.FailedCarrier, "failed")},
		{"failed", "+15005550123", lost(request.FailedCarrier, "failed")},
	}
	for kind, codes := range receiptCodes {
		for _, code := range codes {
			cases = append(cases, row{"failed", code, lost(kind, "dlr_"+code)}, row{"rejected", code, lost(kind, "dlr_"+code)})
		}
	}
	w := newWorld(t, nil, nil)
	w.Channel().Send(t.Context(), page())
	id := w.sim.Texts()[0].ID
	for _, c := range cases {
		w.sink.reports = nil
		if status, err := w.sim.Receipt(id, c.status, c.code); err != nil || status != http.StatusNoContent {
			t.Errorf("%s %s: %d %v", c.status, c.code, status, err)
		}
		var want []notifier.Report
		if c.want != (notifier.Report{}) {
			c.want.Ref, c.want.Attempt, c.want.Provider, c.want.ProviderID = "7K4M2QX9D", "p1a1", "vonage", id
			want = append(want, c.want)
		}
		if !slices.Equal(w.sink.reports, want) {
			t.Errorf("%s %s: %+v, want %+v", c.status, c.code, w.sink.reports, want)
		}
	}
}

func TestWhatIsNotStoredIsAskedForAgain(t *testing.T) {
	s := &sink{fails: errors.New("no quorum")}
	h := newClient(t, options()).Webhooks(s)
	_, status := addresses(t, options(), page())
	body := event("answered", nil)
	call := token(body)
	receipt := text(map[string]string{"client-ref": "7K4M2QX9D.p1a1", "status": "delivered"}, signSecret)
	for _, want := range []int{http.StatusServiceUnavailable, http.StatusNoContent} { // the same webhook, repeated
		if w := post(h, status, call, body); w.Code != want {
			t.Errorf("a call: %d, want %d", w.Code, want)
		}
		if w := post(h, receiptPath, "", receipt); w.Code != want {
			t.Errorf("a text: %d, want %d", w.Code, want)
		}
		s.fails = nil
	}
	if len(s.reports) != 2 {
		t.Errorf("%+v", s.reports)
	}
}

// text is a webhook about a text, signed.
func text(params map[string]string, secret string) string {
	for name, value := range map[string]string{"api-key": apiKey, "timestamp": strconv.FormatInt(time.Now().Unix(), 10), "messageId": "0A", "nonce": strconv.Itoa(rand.Int())} {
		if _, set := params[name]; !set {
			params[name] = value
		}
	}
	body, _ := json.Marshal(vonagesim.Sign(secret, params))
	return string(body)
}

func TestOnlyWhatTheVendorSignedAboutACallIsBelieved(t *testing.T) {
	voice, status := addresses(t, options(), page())
	key := input(t, newClient(t, options()).Webhooks(&sink{}), voice)
	other := page()
	other.Page, other.Attempt = "p2", "p2a1"
	otherVoice, otherStatus := addresses(t, options(), other)
	plainHash := func(body string) string { sum := sha256.Sum256([]byte(body)); return hex.EncodeToString(sum[:]) }
	for _, target := range []struct{ address, other, body string }{{voice, otherVoice, event("", nil)}, {key, otherVoice, pressed("1")}, {status, otherStatus, event("answered", nil)}} {
		signed := func(change func(map[string]any)) string {
			return vonagesim.Token(signSecret, claims(target.body, change))
		}
		set := func(name string, value any) string { return signed(func(c map[string]any) { c[name] = value }) }
		drop := func(name string) string { return signed(func(c map[string]any) { delete(c, name) }) }
		ago := func(d time.Duration) string { return set("iat", time.Now().Add(-d).Unix()) }
		genuine := signed(nil)
		spaced := strings.ReplaceAll(target.body, `":`, `" : `)
		for name, c := range map[string]struct {
			token, address, body string // "" are those that fit
			ok                   bool
		}{
			"genuine":                          {genuine, "", "", true},
			"with the old secret":              {vonagesim.Token(oldSecret, claims(target.body, nil)), "", "", true},
			"four minutes old":                 {ago(4 * time.Minute), "", "", true},
			"of no application":                {drop("application_id"), "", "", true},
			"hashed without its blanks":        {set("payload_hash", plainHash(target.body)), "", spaced, true},
			"none":                             {"", "", "", false},
			"nonsense":                         {"nonsense", "", "", false},
			"with another's secret":            {vonagesim.Token("another secret of 32 characters..", claims(target.body, nil)), "", "", false},
			"with no secret":                   {vonagesim.Token("", claims(target.body, nil)), "", "", false},
			"without a signature":              {genuine[:strings.LastIndex(genuine, ".")+1], "", "", false},
			"with the algorithm none":          {"eyJhbGciOiJub25lIn0" + genuine[strings.Index(genuine, "."):strings.LastIndex(genuine, ".")+1], "", "", false},
			"six minutes old":                  {ago(6 * time.Minute), "", "", false},
			"from the future":                  {ago(-6 * time.Minute), "", "", false},
			"of no time":                       {drop("iat"), "", "", false},
			"expired":                          {set("exp", time.Now().Add(-time.Second).Unix()), "", "", false},
			"of another account":               {set("api_key", "zyxw9876"), "", "", false},
			"of no account":                    {drop("api_key"), "", "", false},
			"of another application":           {set("application_id", "00000000-323d-0114-9c3d-d6f0d48968cf"), "", "", false},
			"of another body":                  {genuine, "", strings.Replace(target.body, "15005550123", "15005550124", 1), false},
			"of no body":                       {genuine, "", "", true}, // fits; replaced below
			"without a hash":                   {drop("payload_hash"), "", "", false},
			"with a short hash":                {set("payload_hash", plainHash(target.body)[:20]), "", "", false},
			"at another attempt":               {genuine, strings.Replace(target.address, "p1a1", "p2a1", 1), "", false},
			"at another request":               {genuine, strings.Replace(target.address, "7K4M2QX9D", "7JD001R9R", 1), "", false},
			"with another question":            {genuine, strings.Replace(target.address, "critical", "routine", 1), "", false},
			"with more of a question":          {genuine, target.address + "&repeats=1", "", false},
			"without a mark":                   {genuine, target.address[:strings.Index(target.address, "?")], "", false},
			"with another mark":                {genuine, strings.Replace(target.address, "mark=", "mark=A", 1), "", false},
			"with the mark of another":         {genuine, strings.Replace(target.other, "p2a1", "p1a1", 1), "", false},
			"with a mark of its own, and ours": {genuine, target.address + "&mark=x", "", true}, // the first counts
		} {
			address, body := c.address, c.body
			if address == "" {
				address = target.address
			}
			if body == "" {
				body = target.body
			}
			if name == "of no body" {
				body, c.ok = " ", false
			}
			s := &sink{answer: notifier.Answer{Kind: notifier.Taken}}
			w := post(newClient(t, options()).Webhooks(s), address, c.token, body)
			if believed := w.Code < 300; believed != c.ok || (!c.ok && w.Code != http.StatusForbidden) {
				t.Errorf("%s, %s: %d %s", target.address, name, w.Code, w.Body)
			}
			if s.reached() > 0 && !c.ok {
				t.Errorf("%s, %s: the sink was reached", target.address, name)
			}
		}
	}
}

// A webhook that comes again as it was gets the answer of the first time, and reaches nobody; what was signed is good for one address.
func TestWhatIsReplayedStoresNothing(t *testing.T) {
	s := &sink{answer: notifier.Answer{Kind: notifier.Taken}}
	c := newClient(t, options())
	h := c.Webhooks(s)
	voice, status := addresses(t, options(), page())
	key := input(t, h, voice)
	other := page()
	other.Page, other.Attempt = "p2", "p2a1"
	_, otherStatus := addresses(t, options(), other)
	receipt := text(map[string]string{"client-ref": "7K4M2QX9D.p1a1", "status": "delivered"}, signSecret)
	for _, webhook := range []struct{ address, token, body string }{
		{key, token(pressed("1")), pressed("1")}, {status, token(event("busy", nil)), event("busy", nil)}, {receiptPath, "", receipt},
	} {
		first := post(h, webhook.address, webhook.token, webhook.body)
		before := s.reached()
		for range 3 {
			again := post(h, webhook.address, webhook.token, webhook.body)
			if again.Code != first.Code || again.Body.String() != first.Body.String() {
				t.Errorf("%s: %d %s, then %d %s", webhook.address, first.Code, first.Body, again.Code, again.Body)
			}
		}
		if moved := post(h, otherStatus, webhook.token, webhook.body); moved.Code != http.StatusForbidden {
			t.Errorf("%s, brought to the address of another page: %d", webhook.address, moved.Code)
		}
		if before == 0 || s.reached() != before {
			t.Errorf("%s: the sink was reached %d times, then %d", webhook.address, before, s.reached())
		}
	}
}

func TestVeryManyWebhooksAreForgotten(t *testing.T) {
	s := &sink{}
	h := newClient(t, options()).Webhooks(s)
	_, status := addresses(t, options(), page())
	body := event("busy", nil)
	first := token(body)
	post(h, status, first, body)
	for range 1024 {
		post(h, status, token(body), body)
	}
	post(h, status, first, body)
	if len(s.reports) != 1026 {
		t.Errorf("%d reports, want 1026: the first was forgotten, and does no harm", len(s.reports))
	}
}

func TestOnlyWhatTheVendorSignedAboutATextIsBelieved(t *testing.T) {
	for path, params := range map[string]map[string]string{
		receiptPath:        {"client-ref": "7K4M2QX9D.p1a1", "status": "delivered", "msisdn": "15005550123"},
		vonage.InboundPath: {"msisdn": "15005550123", "to": "15005550006", "text": "ACK 424242 & x=y", "type": "text"},
	} {
		with := func(name, value string) string {
			changed := maps.Clone(params)
			changed[name] = value
			return text(changed, signSecret)
		}
		at := func(d time.Duration) string {
			return with("timestamp", strconv.FormatInt(time.Now().Add(d).Unix(), 10))
		}
		genuine := text(maps.Clone(params), signSecret)
		for name, c := range map[string]struct {
			body string
			ok   bool
		}{
			"genuine":                 {genuine, true},
			"with the old secret":     {text(maps.Clone(params), oldSecret), true},
			"with a number in it":     {strings.Replace(with("price", "3"), `"price":"3"`, `"price":3`, 1), true},
			"repeated for hours":      {at(-23 * time.Hour), true},
			"with another's secret":   {text(maps.Clone(params), "another secret of 32 characters.."), false},
			"with no secret":          {text(maps.Clone(params), ""), false},
			"older than a day":        {at(-25 * time.Hour), false},
			"from the future":         {at(6 * time.Minute), false},
			"of no time":              {with("timestamp", ""), false},
			"of another account":      {with("api-key", "zyxw9876"), false},
			"of no account":           {with("api-key", ""), false},
			"with another member":     {strings.Replace(genuine, "{", `{"more":"1",`, 1), false},
			"with another value":      {strings.Replace(genuine, "15005550123", "15005550124", 1), false},
			"without a signature":     {strings.Replace(genuine, `"sig"`, `"gis"`, 1), false},
			"with an empty signature": {`{"sig":"","api-key":"` + apiKey + `"}`, false},
			"with an object in it":    {strings.Replace(genuine, "{", `{"more":{},`, 1), false},
			"of a form":               {url.Values{"api-key": {apiKey}}.Encode(), false},
			"of a list":               {"[]", false},
			"of null":                 {"null", false},
			"of nothing":              {"", false},
		} {
			s := &sink{}
			w := post(newClient(t, options()).Webhooks(s), path, "", c.body)
			if believed := w.Code == http.StatusNoContent; believed != c.ok || (!c.ok && w.Code != http.StatusForbidden) {
				t.Errorf("%s, %s: %d %s", path, name, w.Code, w.Body)
			}
			if reached := s.reached() > 0; reached != c.ok {
				t.Errorf("%s, %s: reached the sink: %t", path, name, reached)
			}
		}
		if path == receiptPath {
			for _, ref := range []string{"7K4M2QX9D.p1a2", "7JD001R9R.p1a1", ""} {
				s := &sink{}
				if w := post(newClient(t, options()).Webhooks(s), path, "", with("client-ref", ref)); w.Code != http.StatusForbidden || s.reached() > 0 {
					t.Errorf("a receipt of %q: %d", ref, w.Code)
				}
			}
		}
	}
}

func TestTheFallbackBelievesNoMore(t *testing.T) {
	voice, status := addresses(t, options(), page())
	for name, c := range map[string]struct {
		asked string
		want  int
	}{
		"our question":               {public + voice, 200},
		"our progress":               {public + status, 404},
		"another mark":               {public + strings.Replace(voice, "mark=", "mark=A", 1), 403},
		"another's address":          {"https://elsewhere.example" + voice, 404},
		"an address that begins so":  {public + ".elsewhere.example" + voice, 404},
		"no address":                 {"", 404},
		"an address that is none":    {public + "/webhooks/vonage/voice/%zz", 404},
		"a fallback to the fallback": {public + vonage.FallbackPath, 404},
	} {
		body := event("", map[string]any{"reason": "Connection closed.", "original_request": map[string]string{"url": c.asked, "type": "answer"}})
		s := &sink{}
		if w := post(newClient(t, options()).Webhooks(s), vonage.FallbackPath, token(body), body); w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.want)
		}
		if w := post(newClient(t, options()).Webhooks(s), vonage.FallbackPath, "forged", body); w.Code != http.StatusForbidden || s.reached() > 0 {
			t.Errorf("%s, forged: %d", name, w.Code)
		}
	}
}

func TestACallOfALaterVersionIsToldSo(t *testing.T) {
	// Marks are right here: another version of this program made the address.
	m := page()
	m.Ref = "7K4M2QX9E" // no reference: its check character is wrong
	m.Reader = "es"
	voice, _ := addresses(t, options(), m)
	s := &sink{answer: notifier.Answer{Kind: notifier.Taken}}
	body := event("", nil)
	w := post(newClient(t, options()).Webhooks(s), voice, token(body), body)
	if want := phrase.Spoken(phrase.Spanish, phrase.VoiceUnknown, phrase.Args{}); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "input") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	s := &sink{}
	h := newClient(t, options()).Webhooks(s)
	if w := post(h, vonage.InboundPath, "", text(map[string]string{"text": strings.Repeat("x", 65<<10)}, signSecret)); w.Code != http.StatusRequestEntityTooLarge || s.reached() > 0 {
		t.Errorf("%d, want 413", w.Code)
	}
	r := httptest.NewRequest(http.MethodPost, vonage.InboundPath, io.MultiReader(strings.NewReader("{"), broken{}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest {
		t.Errorf("%d, want 400", w.Code)
	}
	for path, want := range map[string]int{receiptPath: 405, vonage.InboundPath: 405, vonage.FallbackPath: 405, "/webhooks/vonage/": 404} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		if w.Code != want {
			t.Errorf("GET %s: %d, want %d", path, w.Code, want)
		}
	}
}

// broken is a connection that has died.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAReplyIsAnsweredByATextFromTheNumberThatWasWrittenTo(t *testing.T) {
	w := newWorld(t, nil, nil)
	w.sink.answer = notifier.Answer{Kind: notifier.AlreadyTaken, Ref: "7K4M2QX9D", CallSign: "KESTREL", Language: "ru"}
	for n, c := range []struct{ to, from string }{
		{"15005550006", "15005550006"}, {"15005550007", "15005550007"}, {"15005550099", strings.TrimPrefix(w.client.Lane(recipient), "+")}, // one that we had
	} {
		id := "0B" + strconv.Itoa(n)
		if status, err := w.sim.Write(w.public+vonage.InboundPath, id, "15005550123", c.to, " ACK 424242 "); err != nil || status != http.StatusNoContent {
			t.Fatalf("%d %v", status, err)
		}
		answer := w.sim.Texts()[n]
		want := phrase.Text(phrase.Russian, phrase.AlreadyTaken, phrase.Args{Reference: "7K4M-2QX9-D", CallSign: "KESTREL"})
		if answer.Body != want || answer.To != "15005550123" || answer.From != c.from || answer.Form.Get("type") != "unicode" {
			t.Errorf("to %s: %+v, want %q from %s", c.to, answer, want, c.from)
		}
		if n, _ := phrasetest.Segments(answer.Body); n != 1 {
			t.Errorf("%d segments", n)
		}
		if got := w.sink.replies[n]; got != string(recipient)+" "+id+"  ACK 424242 " {
			t.Errorf("the sink is told %q", got)
		}
	}
}

// An answer of many segments goes out whole, in the alphabet that it needs, and with the lists of what it speaks of.
func TestLongAnswersGoOutWholeInEveryLanguage(t *testing.T) {
	logger, logs := observer.New(zap.WarnLevel)
	w := newWorld(t, func(o *vonage.Options) { o.Logger = zap.New(logger) }, nil)
	until := time.Date(2026, 3, 29, 8, 0, 0, 0, time.UTC)
	most := 0
	for _, kind := range []notifier.AnswerKind{notifier.ShowMenu, notifier.WhoIsOn, notifier.TakeOffer, notifier.CoverAsked} {
		for _, l := range phrase.Languages {
			w.sink.answer = notifier.Answer{Kind: kind, Language: string(l)}
			for _, roster := range []string{"national", "second", "on-call-at-sea", "fourth", "fifth"} {
				w.sink.answer.Shifts = append(w.sink.answer.Shifts, notifier.Shift{
					Roster: roster, From: until.Add(-12 * time.Hour), Until: until, OnDuty: []string{"KESTREL"}, Next: []string{"HERON"}, Code: "131313",
				})
			}
			if kind == notifier.ShowMenu {
				w.sink.answer.Shifts = nil
			}
			before := len(w.sim.Texts())
			if status, err := w.sim.Write(w.public+vonage.InboundPath, string(kind)+string(l), "15005550123", "15005550006", "WHO"); err != nil || status != http.StatusNoContent {
				t.Fatalf("%d %v", status, err)
			}
			sent := w.sim.Texts()[before:]
			if len(sent) != 1 {
				t.Fatalf("%s in %s: %d texts", kind, l, len(sent))
			}
			segments, encoding := phrasetest.Segments(sent[0].Body)
			most = max(most, segments)
			if unicode := sent[0].Form.Get("type") == "unicode"; unicode != (encoding == phrasetest.UCS2) {
				t.Errorf("%s in %s needs %s, sent as %s", kind, l, encoding, sent[0].Form.Get("type"))
			}
			if lines := strings.Count(sent[0].Body, "\n") + 1; lines != max(1, len(w.sink.answer.Shifts)) && kind != notifier.ShowMenu {
				t.Errorf("%s in %s has %d lines: %q", kind, l, lines, sent[0].Body)
			}
		}
	}
	if most < 3 || logs.Len() > 0 {
		t.Errorf("%d segments at most, log %+v", most, logs.All())
	}
}

func TestSilenceIsNoText(t *testing.T) {
	w := newWorld(t, nil, nil)
	w.sink.answer = notifier.Answer{Kind: notifier.NoAnswer, Language: "en"}
	write := func(from, text string) {
		t.Helper()
		if status, err := w.sim.Write(w.public+vonage.InboundPath, "0B", from, "15005550006", text); err != nil || status != http.StatusNoContent {
			t.Errorf("%d %v", status, err)
		}
	}
	write("15005550123", "424242") // an unknown number
	if len(w.sink.replies) != 1 {
		t.Errorf("%q", w.sink.replies)
	}
	w.sink.answer.Kind = notifier.NoCode
	for _, word := range []string{"STOP", " stop\n", "START"} {
		write("15005550123", word)
	}
	write("Vonage", "we have news") // nobody to write to
	if texts := w.sim.Texts(); len(texts) > 0 || len(w.sink.replies) != 2 {
		t.Errorf("texts %+v, replies %q", texts, w.sink.replies)
	}
}

// What was decided stands, although the answer does not go out; the vendor need not repeat the reply.
func TestAnAnswerThatCannotBeSentHarmsNothing(t *testing.T) {
	logger, check := logged(t)
	w := newWorld(t, func(o *vonage.Options) { o.Logger = logger }, nil)
	w.sink.answer = notifier.Answer{Kind: notifier.Taken, Ref: "7K4M2QX9D"}
	w.sim.SetFault(vonagesim.Unavailable)
	if status, err := w.sim.Write(w.public+vonage.InboundPath, "0B", "15005550123", "15005550006", "whole text 424242"); err != nil || status != http.StatusNoContent {
		t.Errorf("%d %v", status, err)
	}
	w.sink.panics = "whole text 424242 of " + string(recipient)
	if status, err := w.sim.Write(w.public+vonage.InboundPath, "0C", "15005550123", "15005550006", "whole text 424242"); err != nil || status != http.StatusNoContent {
		t.Errorf("%d %v", status, err)
	}
	check()
}

func TestWebhooksLogNothingOfAPerson(t *testing.T) {
	logger, check := logged(t)
	o := options()
	o.Logger = logger
	s := &sink{fails: errors.New("no quorum")}
	h := newClient(t, o).Webhooks(s)
	voice, status := addresses(t, options(), page())
	for _, address := range []string{voice, status, vonage.FallbackPath} {
		body := event("", map[string]any{"reason": "whole text of 15005550123", "original_request": map[string]string{"url": public + voice}})
		post(h, address, token(body), body)
		post(h, address, "forged", body)
	}
	body := event("busy", nil)
	post(h, status, token(body), body)
	post(h, receiptPath, "", text(map[string]string{"client-ref": "7K4M2QX9D.p1a1", "status": "delivered", "msisdn": "15005550123"}, signSecret))
	post(h, vonage.InboundPath, "", text(map[string]string{"text": "whole text 424242", "msisdn": "15005550123"}, "another secret of 32 characters.."))
	check()
}

// What the vendor repeats, or says late or in another order, is the same to whoever stores it: every status has one report, which depends on
// nothing that came before.
func TestTheOrderOfStatusesChangesNothing(t *testing.T) {
	statuses := []string{"started", "ringing", "answered", "completed"}
	_, address := addresses(t, options(), page())
	set := func(order []int) map[notifier.Report]bool {
		s := &sink{}
		h := newClient(t, options()).Webhooks(s)
		for _, n := range order {
			body := event(statuses[n], nil)
			post(h, address, token(body), body)
		}
		reports := map[notifier.Report]bool{}
		for _, r := range s.reports {
			reports[r] = true
		}
		return reports
	}
	want := set([]int{0, 1, 2, 3})
	if len(want) != 3 {
		t.Fatalf("%+v, want sent, answered and ended", want)
	}
	for range 20 {
		order := append(rand.Perm(4), rand.Perm(4)...)
		if got := set(order); !maps.Equal(got, want) {
			t.Fatalf("in the order %v: %+v, want %+v", order, got, want)
		}
	}
}

// A webhook says whose call it is, more surely than any conclusion.
func TestAWebhookSaysWhoseCallItIs(t *testing.T) {
	w := newWorld(t, nil, nil)
	w.rings(page())
	other := page()
	other.Page, other.Attempt = "p2", "p2a1"
	w.rings(other)
	o := options()
	o.BaseURL, o.PublicURL = w.simURL, w.public
	c := newClient(t, o)
	calls := w.sim.Calls()
	if got := c.Voice().Find(t.Context(), page()); got != (notifier.NotFound{}) {
		t.Fatalf("%#v: nobody can know which", got)
	}
	address := calls[0].Order["event_url"].([]any)[0].(string)
	body := event("ringing", map[string]any{"uuid": calls[0].UUID})
	if r := post(c.Webhooks(&sink{}), strings.TrimPrefix(address, w.public), token(body), body); r.Code != http.StatusNoContent {
		t.Fatal(r.Code)
	}
	if got := c.Voice().Find(t.Context(), page()); got != (notifier.Accepted{ProviderID: calls[0].UUID}) {
		t.Errorf("%#v", got)
	}
	if got := c.Voice().Find(t.Context(), other); got != (notifier.Accepted{ProviderID: calls[1].UUID}) {
		t.Errorf("the other: %#v", got)
	}
}
