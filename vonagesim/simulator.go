package vonagesim

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dutyline/dutyline/phonesim"
)

// Options are the account that a simulator is.
type Options struct {
	APIKey          string
	APISecret       string
	ApplicationID   string
	PublicKey       *rsa.PublicKey // of the application
	SignatureSecret string
	FallbackURL     string        // of the application; "" is none
	Skew            time.Duration // of the simulator's clock
	MaxRecords      int           // of one answer of the reports; 0: as many as the vendor gives
	Check           func(Seen)    // sees each exchange; nil: nobody

	// Network has the phones that texts arrive at and calls ring on. nil: there are none. Then a call is picked up at once, and whoever made
	// the simulator presses its keys, writes its texts and posts its receipts.
	Network       *phonesim.Network
	Numbers       []string      // of the account, E.164, the only ones that may send and call. None: any may
	InboundURL    string        // webhook for texts that phones send; "" is none
	DeliveryDelay time.Duration // between two statuses of a text. 0 = 50 ms, negative = none
	Client        *http.Client  // carries webhooks; nil: one that waits for 15 s
}

// Seen is one exchange.
type Seen struct {
	Request *http.Request
	Body    []byte
	Status  int // of the answer; 0: none was given
	Answer  []byte
}

// A Fault is what a simulator does with every call that comes after it was told so.
type Fault string

// The faults.
const (
	None          Fault = ""
	RefuseContact Fault = "refuse_contact" // refuses the telephone
	RefuseAccount Fault = "refuse_account" // refuses the account
	TooMany       Fault = "too_many"       // HTTP 429, and 7 s to wait
	Unavailable   Fault = "unavailable"    // HTTP 503, a page of a proxy
	LoseAnswer    Fault = "lose_answer"    // takes it, and breaks the connection
	Garble        Fault = "garble"         // takes it, and answers 200 or 201 with nothing
	Hang          Fault = "hang"           // never answers
)

// A Text is one that was sent.
type Text struct {
	ID       string
	From, To string // digits
	Body     string
	Form     url.Values // all that it was sent with
	Status   string     // of the reports: buffered, delivered, failed, …
}

// A Call is one that was placed.
type Call struct {
	UUID     string
	From, To string // digits
	Order    map[string]any
	Status   string
	Started  time.Time
	Said     []string // all of it
	Turn     []string // since the last key
	Language string   // of the last words
	InputURL string   // where a key goes; "" when the call is over
	// MaxDigits is how many keys end the input without the hash key.
	MaxDigits int
	Trouble   string // what it could not do
}

// Simulator is one account at the vendor. It is safe for concurrent use.
type Simulator struct {
	opts   Options
	hung   chan struct{}
	net    *phonesim.Network // nil: none
	faults *phonesim.Faults  // of the network's doors
	client *http.Client
	ctx    context.Context // ends with the network
	series string          // in ids, so that those of another simulator are others

	mu    sync.Locker // the network's, where there is one
	fault Fault
	reply func(http.ResponseWriter) // instead of all else
	texts []*Text
	calls []*Call
	count int // of ids that were given
	epoch int // counts Forgets: what was under way before one changes nothing after it
}

// New makes a simulator; it is an [http.Handler] for all of the vendor's interfaces.
func New(o Options) *Simulator {
	if o.MaxRecords == 0 {
		o.MaxRecords = 1000
	}
	s := &Simulator{opts: o, hung: make(chan struct{}, 1000), net: o.Network, client: o.Client, ctx: context.Background(), mu: new(sync.Mutex)}
	series := make([]byte, 4)
	_, _ = rand.Read(series) // never fails, by its documentation
	s.series = hex.EncodeToString(series)
	if s.client == nil {
		s.client = &http.Client{Timeout: 15 * time.Second}
	}
	if s.net != nil {
		s.join()
	}
	return s
}

// id numbers what the account takes. The lock is held.
func (s *Simulator) id() int {
	s.count++
	return s.count
}

// SetFault sets what happens from the next call on.
func (s *Simulator) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// SetReply answers every call alike; nil ends that.
func (s *Simulator) SetReply(reply func(http.ResponseWriter)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = reply
}

// Hung gives a value for each call that hangs. It need not be read.
func (s *Simulator) Hung() <-chan struct{} { return s.hung }

// Texts are those that were taken, oldest first.
func (s *Simulator) Texts() []Text {
	s.mu.Lock()
	defer s.mu.Unlock()
	return copies(s.texts)
}

// Calls are those that were taken, oldest first.
func (s *Simulator) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return copies(s.calls)
}

func copies[T any](all []*T) []T {
	var list []T
	for _, one := range all {
		list = append(list, *one)
	}
	return list
}

// SetStatus sets what the lists say of a text or a call, by its number from 0 on.
func (s *Simulator) SetStatus(text, call int, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text >= 0 {
		s.texts[text].Status = status
	}
	if call >= 0 {
		s.calls[call].Status = status
	}
}

// Backdate makes a call older.
func (s *Simulator) Backdate(call int, age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[call].Started = s.calls[call].Started.Add(-age)
}

// recorder keeps an answer until it is known whether it is given.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(data []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	r.body = append(r.body, data...)
	return len(data), nil
}

// maxRequest bounds the body of a request, in bytes.
const maxRequest = 1 << 20

// ServeHTTP is the vendor.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return
	}
	s.mu.Lock()
	fault, reply := s.fault, s.reply
	s.mu.Unlock()
	answer := &recorder{header: http.Header{"Date": {s.now().Format(http.TimeFormat)}}}
	seen := Seen{Request: r, Body: body}
	given := true
	switch {
	case reply != nil:
		answer.header.Del("Date")
		reply(answer)
	case fault == RefuseContact:
		s.refuse(answer, r, "7", http.StatusBadRequest, "to[0].number")
	case fault == RefuseAccount:
		s.refuse(answer, r, "4", http.StatusUnauthorized, "")
	case fault == TooMany:
		answer.header.Set("Retry-After", "7")
		answer.WriteHeader(http.StatusTooManyRequests)
	case fault == Unavailable:
		answer.WriteHeader(http.StatusServiceUnavailable)
		_, _ = answer.Write([]byte("<html>upstream connect error</html>"))
	case fault == Hang:
		select {
		case s.hung <- struct{}{}:
		default:
		}
		<-r.Context().Done()
		return
	default:
		s.serve(answer, r, body)
		seen.Status, seen.Answer = answer.status, answer.body
		given = fault != LoseAnswer
		if fault == Garble {
			answer.body = nil
		}
	}
	if s.opts.Check != nil {
		s.opts.Check(seen)
	}
	if !given {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.header)
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body)
}

func (s *Simulator) now() time.Time { return time.Now().Add(s.opts.Skew).UTC() }

// refuse answers in the way of the interface that was called: texts by a status in an answer of 200, all else by HTTP.
func (s *Simulator) refuse(w http.ResponseWriter, r *http.Request, status string, code int, parameter string) {
	if r.URL.Path == "/sms/json" {
		write(w, http.StatusOK, map[string]any{"message-count": "1", "messages": []any{map[string]string{"status": status, "error-text": "refused"}}})
		return
	}
	problem := map[string]any{"type": "https://developer.nexmo.com/api-errors", "title": http.StatusText(code), "detail": "refused"}
	if parameter != "" {
		problem["invalid_parameters"] = []any{map[string]string{"name": parameter, "reason": "must be a number"}}
	}
	write(w, code, problem)
}

func write(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document)
}

func (s *Simulator) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	switch r.Method + " " + r.URL.Path {
	case "POST /sms/json":
		s.takeText(w, r, body)
	case "GET /v2/reports/records":
		s.report(w, r)
	case "POST /v1/calls":
		s.place(w, r, body)
	case "GET /v1/calls":
		s.list(w, r)
	default:
		s.refuse(w, r, "3", http.StatusNotFound, "")
	}
}

func (s *Simulator) takeText(w http.ResponseWriter, r *http.Request, body []byte) {
	form, err := url.ParseQuery(string(body))
	refuse := func(status string) { s.refuse(w, r, status, http.StatusOK, "") }
	switch {
	case err != nil:
		refuse("3")
	case form.Get("api_key") != s.opts.APIKey || form.Get("api_secret") != s.opts.APISecret:
		refuse("4")
	case form.Get("from") == "" || form.Get("to") == "" || form.Get("text") == "":
		refuse("2")
	case !number(form.Get("to")) || !number(form.Get("from")) || len(form.Get("client-ref")) > 40:
		refuse("3")
	case !s.ours(form.Get("from")):
		refuse("15")
	default:
		s.mu.Lock()
		t := &Text{
			ID: fmt.Sprintf("0A%s%06X", strings.ToUpper(s.series), s.id()), From: form.Get("from"), To: form.Get("to"), Body: form.Get("text"), Form: form, Status: "buffered",
		}
		form.Del("api_secret")
		s.texts = append(s.texts, t)
		if s.net != nil {
			s.carry(t)
		}
		s.mu.Unlock()
		segments := phonesim.Segments(t.Body)
		parts := make([]any, segments) // each has an id of its own; the text goes by the first
		for i := range parts {
			id := t.ID
			if i > 0 {
				id += fmt.Sprintf("%02X", i)
			}
			parts[i] = map[string]string{
				"to": t.To, "message-id": id, "status": "0", "remaining-balance": "3.14", "message-price": "0.03", "network": "12345", "client-ref": form.Get("client-ref"),
			}
		}
		write(w, http.StatusOK, map[string]any{"message-count": strconv.Itoa(segments), "messages": parts})
	}
}

// ours reports whether a number, in digits, may send and call.
func (s *Simulator) ours(digits string) bool {
	return len(s.opts.Numbers) == 0 || slices.Contains(s.opts.Numbers, "+"+digits)
}

// number reports whether the vendor would call it one: digits, as its description has them.
func number(text string) bool {
	return len(text) >= 7 && len(text) <= 15 && strings.Trim(text, "0123456789") == ""
}

// report gives the texts of a span to a number, newest first, in pages.
func (s *Simulator) report(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if name, password, _ := r.BasicAuth(); name != s.opts.APIKey || password != s.opts.APISecret || query.Get("account_id") != s.opts.APIKey {
		s.refuse(w, r, "4", http.StatusUnauthorized, "")
		return
	}
	from, err := time.Parse(time.RFC3339, query.Get("date_start"))
	to, err2 := time.Parse(time.RFC3339, query.Get("date_end"))
	if err != nil || err2 != nil || to.Sub(from) > 24*time.Hour || query.Get("product") != "SMS" || query.Get("direction") != "outbound" {
		s.refuse(w, r, "3", http.StatusUnprocessableEntity, "date_start")
		return
	}
	skip, _ := strconv.Atoi(strings.TrimPrefix(query.Get("cursor"), "c"))
	s.mu.Lock()
	records := []any{}
	for _, t := range slices.Backward(s.texts) {
		if query.Get("to") != "" && t.To != query.Get("to") {
			continue
		}
		var ref any
		if t.Form.Has("client-ref") {
			ref = t.Form.Get("client-ref")
		}
		records = append(records, map[string]any{
			"account_id": s.opts.APIKey, "message_id": t.ID, "client_ref": ref, "direction": "outbound", "from": t.From, "to": t.To, "status": t.Status,
			"error_code": "0", "date_received": s.now().Format("2006-01-02T15:04:05+0000"),
		})
	}
	s.mu.Unlock()
	page := records[min(skip, len(records)):min(skip+s.opts.MaxRecords, len(records))]
	links := map[string]any{"self": map[string]string{"href": r.URL.String()}}
	if skip+s.opts.MaxRecords < len(records) {
		next := url.Values{"cursor": {"c" + strconv.Itoa(skip+s.opts.MaxRecords)}, "iv": {"i"}}
		links["next"] = map[string]string{"href": "https://api.nexmo.com/v2/reports/records?" + next.Encode()}
	}
	write(w, http.StatusOK, map[string]any{
		"_links": links, "request_status": "SUCCESS", "product": "SMS", "account_id": s.opts.APIKey, "items_count": len(page), "records": page,
	})
}
