package twiliosim

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dutyline/dutyline/phonesim"
)

// What the vendor allows a call. Source: its page on the Call resource.
const (
	defaultRinging   = 60 * time.Second
	longestRinging   = 600 * time.Second
	longestCall      = 4 * time.Hour // also the default of TimeLimit
	maxTwiml         = 4000          // characters of the parameter Twiml
	defaultDetection = 30 * time.Second
)

// The codes that only calls are refused with. Source: the vendor's error dictionary.
const (
	codeCallNoTo       = 21201
	codeInvalidTimeout = 21208
	codeNotVerified    = 21210
	codeCallNoFrom     = 21213
	codeInvalidApp     = 21218
	codeInvalidState   = 21220
	codeUnknownEvent   = 21626
)

// The values of StatusCallbackEvent.
const (
	eventInitiated = "initiated"
	eventRinging   = "ringing"
	eventAnswered  = "answered"
	eventCompleted = "completed" // whichever way the call ended
)

const (
	detectMessageEnd = "DetectMessageEnd"
	invalidURL       = "%s is not a valid URL"
)

var callSID = regexp.MustCompile(`^CA[0-9a-fA-F]{32}$`)

// unreachableNumbers are refused when called. Source: the vendor's page on test credentials.
var unreachableNumbers = map[string]struct {
	code   int
	reason string
}{
	"+15005550001": {21217, "Phone number does not appear to be valid"},
	"+15005550002": {21214, "'To' phone number cannot be reached"},
	"+15005550003": {21215, "Geo permission configuration is not permitting call"},
	"+15005550004": {21216, "Account not allowed to call this number"},
}

var isMethod = oneOf(http.MethodGet, http.MethodPost)

// callParameterTypes are the parameters of a new call whose type is narrower than a string.
var callParameterTypes = map[string]check{
	"Method":                             isMethod,
	"FallbackMethod":                     isMethod,
	"StatusCallbackMethod":               isMethod,
	"RecordingStatusCallbackMethod":      isMethod,
	"AsyncAmdStatusCallbackMethod":       isMethod,
	"Timeout":                            isInteger,
	"TimeLimit":                          isInteger,
	"Record":                             isBoolean,
	"MachineDetection":                   oneOf("Enable", detectMessageEnd),
	"MachineDetectionTimeout":            isInteger,
	"MachineDetectionSpeechThreshold":    isInteger,
	"MachineDetectionSpeechEndThreshold": isInteger,
	"MachineDetectionSilenceTimeout":     isInteger,
	"AsyncAmd":                           oneOf("true", "false"),
	"Byoc":                               sidOf("BY"),
	"ApplicationSid":                     sidOf("AP"),
}

// callUpdateTypes are the same of a changed call.
var callUpdateTypes = map[string]check{
	"Status":               oneOf(string(CallCanceled), string(CallCompleted)),
	"Method":               isMethod,
	"FallbackMethod":       isMethod,
	"StatusCallbackMethod": isMethod,
	"TimeLimit":            isInteger,
}

// createCall accepts a call. Types and enumerations are checked for all parameters that the vendor's description knows.
func (s *Simulator) createCall(r *http.Request, _ string) (int, any, *apiError) {
	if err := checkTypes(r.PostForm, callParameterTypes); err != nil {
		return 0, nil, err
	}
	c, err := readCallForm(r.PostForm)
	if err != nil {
		return 0, nil, err
	}
	s.net.Lock()
	defer s.net.Unlock()
	switch {
	case s.numbers[c.From] != nil:
	case len(s.opts.Numbers) > 0:
		return 0, nil, bad(codeNotVerified, "The 'From' number is not a number of this account, nor verified for it.")
	default:
		s.ownNumberOf(c.From)
	}
	c.SID, c.Provider, c.sim = s.sid("CA"), s.Name(), s
	s.net.Place(&c.Line, c)
	c.updated, c.index = c.CreatedAt, len(s.calls)
	s.calls = append(s.calls, c)
	s.callBySID[c.SID] = c
	s.stats.Calls++
	s.listen(c, r.PostForm["StatusCallbackEvent"])
	s.place(c)
	return http.StatusCreated, s.representCall(c), nil
}

// readCallForm reads the parameters that matter, in the order in which the vendor complains.
func readCallForm(form url.Values) (*call, *apiError) {
	c := &call{
		Line: phonesim.Line{
			Call: Call{To: form.Get("To"), From: form.Get("From")}, RingFor: defaultRinging, TalkFor: longestCall,
		},
		url:         readWebhookURL(form, "Url", "Method"),
		fallback:    readWebhookURL(form, "FallbackUrl", "FallbackMethod"),
		callback:    readWebhookURL(form, "StatusCallback", "StatusCallbackMethod"),
		amdCallback: readWebhookURL(form, "AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod"),
		twiml:       form.Get("Twiml"),
		detection:   form.Get("MachineDetection"), detectionLimit: defaultDetection, background: form.Get("AsyncAmd") == "true",
	}
	refused, isRefused := unreachableNumbers[c.To]
	switch {
	case c.To == "":
		return nil, bad(codeCallNoTo, "No 'To' number is specified")
	case c.From == "":
		return nil, bad(codeCallNoFrom, "The source phone number provided, 'From', is required.")
	case form.Get("ApplicationSid") != "":
		return nil, bad(codeInvalidApp, "ApplicationSid is not valid: the simulator has no applications.")
	case c.url.target == "" && c.twiml == "":
		return nil, bad(codeInvalidURL, "Url parameter is required.")
	case c.url.target != "" && !absolute(c.url.target):
		return nil, bad(codeInvalidURL, invalidURL, "Url")
	case utf8.RuneCountInString(c.twiml) > maxTwiml:
		return nil, bad(codeInvalidParameter, "The parameter 'Twiml' exceeds the 4000 character limit.")
	case !e164.MatchString(c.To):
		return nil, bad(codeInvalidTo, "The 'To' number is not a valid phone number.")
	case !e164.MatchString(c.From):
		return nil, bad(codeInvalidFrom, "The 'From' number is not a valid phone number.")
	case isRefused:
		return nil, bad(refused.code, "%s", refused.reason)
	case c.callback.target != "" && !absolute(c.callback.target):
		return nil, bad(codeInvalidCallback, "The 'StatusCallback' URL is not a valid URL.")
	case c.fallback.target != "" && !absolute(c.fallback.target):
		return nil, bad(codeInvalidURL, invalidURL, "FallbackUrl")
	case c.amdCallback.target != "" && !absolute(c.amdCallback.target):
		return nil, bad(codeInvalidURL, invalidURL, "AsyncAmdStatusCallback")
	}
	if !readSeconds(form, "Timeout", &c.RingFor, longestRinging) {
		return nil, bad(codeInvalidTimeout, "Timeout must be between 1 and 600 seconds.")
	}
	if !readSeconds(form, "TimeLimit", &c.TalkFor, longestCall) {
		return nil, bad(codeInvalidParameter, "The parameter 'TimeLimit' is invalid.")
	}
	if !readSeconds(form, "MachineDetectionTimeout", &c.detectionLimit, 59*time.Second) {
		return nil, bad(codeInvalidParameter, "The parameter 'MachineDetectionTimeout' is invalid.")
	}
	return c, nil
}

func readWebhookURL(form url.Values, target, method string) webhookURL {
	u := webhookURL{target: form.Get(target), method: form.Get(method)}
	if u.method == "" {
		u.method = http.MethodPost
	}
	return u
}

// readSeconds reads a number of seconds where there is one; false where it is not between 1 and most.
func readSeconds(form url.Values, name string, into *time.Duration, most time.Duration) bool {
	raw := form.Get(name)
	if raw == "" {
		return true
	}
	seconds, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || seconds < 1 || seconds > int64(most/time.Second) {
		return false
	}
	*into = time.Duration(seconds) * time.Second
	return true
}

// listen notes which events are reported: completed alone, unless others are named, each in a parameter of its own. The vendor takes a
// call with an event that it does not know and complains in the debugger.
func (s *Simulator) listen(c *call, events []string) {
	c.events = make(map[string]bool)
	if len(events) == 0 {
		events = []string{eventCompleted}
	}
	for _, event := range events {
		if !slices.Contains([]string{eventInitiated, eventRinging, eventAnswered, eventCompleted}, event) {
			s.alert("warning", codeUnknownEvent, c.SID, "an unknown StatusCallbackEvent: repeat the parameter for each of initiated, ringing, answered, completed")
			continue
		}
		c.events[event] = true
	}
}

// A callFilter is what a list of calls was asked for.
type callFilter struct {
	to, from, parent, status string
	started, ended           span
}

// listCalls lists calls, newest first.
func (s *Simulator) listCalls(r *http.Request, _ string) (int, any, *apiError) {
	query := r.URL.Query()
	f, err := readCallFilter(query)
	if err != nil {
		return 0, nil, err
	}
	p, err := readPaging(query)
	if err != nil {
		return 0, nil, err
	}
	s.net.Lock()
	defer s.net.Unlock()
	end, skip := len(s.calls), p.page*p.size
	if p.token != "" {
		last := s.callBySID[strings.TrimPrefix(p.token, "PA")]
		if last == nil {
			return 0, nil, bad(codeInvalidParameter, "The parameter 'PageToken' is invalid.")
		}
		end, skip = sort.Search(len(s.calls), func(i int) bool { return s.calls[i].index >= last.index }), 0
	}
	found, more := newest(s.calls[:end], skip, p.size, f.takes)
	calls := make([]callJSON, 0, len(found))
	for _, c := range found {
		calls = append(calls, s.representCall(c))
	}
	next := ""
	if more {
		next = found[len(found)-1].SID
	}
	out := pageOf(r.URL, query, p, len(found), next)
	out["calls"] = calls
	return http.StatusOK, out, nil
}

func (f callFilter) takes(c *call) bool {
	started := c.StartedAt
	if started.IsZero() {
		started = c.CreatedAt
	}
	return !c.deleted && f.parent == "" && (f.to == "" || c.To == f.to) && (f.from == "" || c.From == f.from) &&
		(f.status == "" || string(c.Status) == f.status) && f.started.holds(started) &&
		(f.ended == span{} || !c.EndedAt.IsZero() && f.ended.holds(c.EndedAt))
}

func readCallFilter(query url.Values) (callFilter, *apiError) {
	f := callFilter{to: query.Get("To"), from: query.Get("From"), parent: query.Get("ParentCallSid"), status: query.Get("Status")}
	switch {
	case f.parent != "" && !callSID.MatchString(f.parent):
		return f, bad(codeInvalidParameter, "The parameter 'ParentCallSid' is invalid.")
	case f.status != "" && !slices.Contains(callStatuses, f.status):
		return f, bad(codeInvalidParameter, "The parameter 'Status' is invalid.")
	}
	var err *apiError
	if f.started, err = readSpan(query, "StartTime"); err != nil {
		return f, err
	}
	f.ended, err = readSpan(query, "EndTime")
	return f, err
}

func (s *Simulator) fetchCall(r *http.Request, sid string) (int, any, *apiError) {
	s.net.Lock()
	defer s.net.Unlock()
	c := s.callOf(sid)
	if c == nil {
		return 0, nil, notFound(r)
	}
	return http.StatusOK, s.representCall(c), nil
}

// updateCall ends a call, or gives one that is in progress another document.
func (s *Simulator) updateCall(r *http.Request, sid string) (int, any, *apiError) {
	form := r.PostForm
	if err := checkTypes(form, callUpdateTypes); err != nil {
		return 0, nil, err
	}
	for name, code := range map[string]int{"Url": codeInvalidURL, "FallbackUrl": codeInvalidURL, "StatusCallback": codeInvalidCallback} {
		if u := form.Get(name); u != "" && !absolute(u) {
			return 0, nil, bad(code, invalidURL, name)
		}
	}
	status, target, twiml := form.Get("Status"), form.Get("Url"), form.Get("Twiml")
	limit := time.Duration(0)
	switch {
	case status != "" && target+twiml != "" || target != "" && twiml != "":
		return 0, nil, bad(codeInvalidParameter, "One of Status, Url and Twiml can be given, not several.")
	case utf8.RuneCountInString(twiml) > maxTwiml:
		return 0, nil, bad(codeInvalidParameter, "The parameter 'Twiml' exceeds the 4000 character limit.")
	case !readSeconds(form, "TimeLimit", &limit, longestCall):
		return 0, nil, bad(codeInvalidParameter, "The parameter 'TimeLimit' is invalid.")
	}
	s.net.Lock()
	defer s.net.Unlock()
	c := s.callOf(sid)
	switch {
	case c == nil:
		return 0, nil, notFound(r)
	case len(form) == 0:
		return http.StatusOK, s.representCall(c), nil
	case c.Status.Ended():
		return 0, nil, bad(codeInvalidState, "Call is not in-progress. Cannot change it.")
	case target+twiml != "" && c.Status != CallInProgress:
		return 0, nil, bad(codeInvalidState, "Call is not in-progress. Cannot redirect.")
	case status == string(CallCanceled) && c.Status == CallInProgress:
		return 0, nil, bad(codeInvalidState, "Call is in-progress. Cannot cancel it, only complete.")
	}
	c.updated = time.Now().UTC()
	if form.Has("FallbackUrl") {
		c.fallback = readWebhookURL(form, "FallbackUrl", "FallbackMethod")
	}
	if form.Has("StatusCallback") {
		c.callback = readWebhookURL(form, "StatusCallback", "StatusCallbackMethod")
	}
	if limit > 0 {
		c.Limit(limit)
	}
	switch {
	case status != "" && c.Status == CallInProgress:
		c.End(CallCompleted)
	case status != "":
		c.End(CallCanceled)
	case target != "":
		c.url = readWebhookURL(form, "Url", "Method")
		s.fetchDocument(c, c.url, nil)
	case twiml != "":
		c.url, c.twiml = webhookURL{}, twiml
		s.begin(c)
	}
	return http.StatusOK, s.representCall(c), nil
}

func (s *Simulator) deleteCall(r *http.Request, sid string) (int, any, *apiError) {
	s.net.Lock()
	defer s.net.Unlock()
	c := s.callOf(sid)
	switch {
	case c == nil:
		return 0, nil, notFound(r)
	case !c.Status.Ended():
		return 0, nil, refuse(http.StatusConflict, codeNotFinished, "Cannot delete this resource before it is complete")
	}
	c.deleted = true
	return http.StatusNoContent, nil, nil
}

// A callJSON is a call as the vendor represents it.
type callJSON struct {
	AccountSID      string            `json:"account_sid"`
	AnsweredBy      *string           `json:"answered_by"`
	APIVersion      string            `json:"api_version"`
	CallerName      *string           `json:"caller_name"`
	DateCreated     *string           `json:"date_created"`
	DateUpdated     *string           `json:"date_updated"`
	Direction       Direction         `json:"direction"`
	Duration        *string           `json:"duration"`
	EndTime         *string           `json:"end_time"`
	ForwardedFrom   *string           `json:"forwarded_from"`
	From            string            `json:"from"`
	FromFormatted   string            `json:"from_formatted"`
	GroupSID        *string           `json:"group_sid"`
	ParentCallSID   *string           `json:"parent_call_sid"`
	PhoneNumberSID  *string           `json:"phone_number_sid"`
	Price           *string           `json:"price"`
	PriceUnit       string            `json:"price_unit"`
	QueueTime       string            `json:"queue_time"`
	SID             string            `json:"sid"`
	StartTime       *string           `json:"start_time"`
	Status          CallStatus        `json:"status"`
	SubresourceURIs map[string]string `json:"subresource_uris"`
	To              string            `json:"to"`
	ToFormatted     string            `json:"to_formatted"`
	TrunkSID        *string           `json:"trunk_sid"`
	URI             string            `json:"uri"`
}

func (s *Simulator) representCall(c *call) callJSON {
	uri := apiRoot + "/" + s.opts.AccountSID + "/Calls/" + c.SID
	out := callJSON{
		AccountSID: s.opts.AccountSID, APIVersion: apiVersion, AnsweredBy: optional(c.AnsweredBy), SID: c.SID, Status: c.Status,
		DateCreated: rfc2822(c.CreatedAt), DateUpdated: rfc2822(c.updated), StartTime: rfc2822(c.StartedAt), EndTime: rfc2822(c.EndedAt),
		Direction: OutboundAPI, From: c.From, FromFormatted: c.From, To: c.To, ToFormatted: c.To, PriceUnit: "USD", QueueTime: "0",
		URI: uri + ".json", SubresourceURIs: map[string]string{"notifications": uri + "/Notifications.json", "recordings": uri + "/Recordings.json"},
	}
	if n := s.numbers[c.From]; n != nil {
		out.PhoneNumberSID = &n.SID
	}
	if !c.StartedAt.IsZero() {
		out.QueueTime = strconv.FormatInt(c.StartedAt.Sub(c.CreatedAt).Milliseconds(), 10)
	}
	if c.Status == CallCompleted {
		out.Duration = optional(strconv.Itoa(c.seconds()))
	}
	return out
}
