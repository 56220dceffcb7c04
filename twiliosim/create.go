package twiliosim

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// maxBody is the longest text, in characters.
const maxBody = 1600

// createMessage accepts a text. What the vendor's description asks of types and enumerations is checked for all its parameters, also those
// that change nothing here; parameters that it does not know are ignored.
func (s *Simulator) createMessage(r *http.Request, _ string) (int, any, *apiError) {
	if err := checkTypes(r.PostForm, parameterTypes); err != nil {
		return 0, nil, err
	}
	m, err := readMessageForm(r.PostForm)
	if err != nil {
		return 0, nil, err
	}
	validity := defaultValidity
	if v := r.PostForm.Get("ValidityPeriod"); v != "" {
		seconds, _ := strconv.ParseInt(v, 10, 64) // checked above
		validity = time.Duration(seconds) * time.Second
	}
	s.net.Lock()
	defer s.net.Unlock()
	if err := s.checkSender(m); err != nil {
		return 0, nil, err
	}
	if s.net.Handset(m.To).Behaviour() == OptedOut {
		return 0, nil, bad(codeOptedOut, "Attempt to send to unsubscribed recipient")
	}
	s.add(m)
	due := m.AcceptedAt
	if m.Status == StatusScheduled {
		at, _ := time.Parse(time.RFC3339, r.PostForm.Get("SendAt")) // checked above
		if at.After(due) {
			due = at
		}
	}
	m.expires = due.Add(validity)
	s.stats.Accepted++
	s.send(m, due)
	return http.StatusCreated, s.represent(m), nil
}

// readMessageForm reads the parameters that matter, in the order in which the vendor complains.
func readMessageForm(form url.Values) (*message, *apiError) {
	m := &message{Message: Message{
		Direction: OutboundAPI, Status: StatusQueued, To: form.Get("To"), From: form.Get("From"), Body: form.Get("Body"),
		StatusCallback: form.Get("StatusCallback"), MessagingService: form.Get("MessagingServiceSid"),
	}}
	for _, u := range form["MediaUrl"] {
		if u != "" {
			m.media++
		}
	}
	switch {
	case m.To == "":
		return nil, bad(codeNoTo, "A 'To' phone number is required.")
	case m.From == "" && m.MessagingService == "":
		return nil, bad(codeNoFrom, "A 'From' phone number is required.")
	case m.Body == "" && m.media == 0 && form.Get("ContentSid") == "":
		return nil, bad(codeNoBody, "Message body is required.")
	case utf8.RuneCountInString(m.Body) > maxBody:
		return nil, bad(codeBodyTooLong, "The concatenated message body exceeds the 1600 character limit.")
	case !e164.MatchString(m.To):
		return nil, bad(codeInvalidTo, "The 'To' number is not a valid phone number.")
	case m.From != "" && !validSender(m.From):
		return nil, bad(codeInvalidFrom, "The 'From' number is not a valid phone number, short code or alphanumeric sender.")
	case m.To == m.From:
		return nil, bad(codeSameNumbers, "'To' and 'From' numbers cannot be the same.")
	case m.StatusCallback != "" && !absolute(m.StatusCallback):
		return nil, bad(codeInvalidCallback, "The 'StatusCallback' URL is not a valid URL.")
	}
	if v := form.Get("ValidityPeriod"); v != "" {
		seconds, err := strconv.ParseInt(v, 10, 64)
		if err != nil || seconds < 1 || seconds > int64(defaultValidity/time.Second) {
			return nil, bad(codeInvalidValidity, "The validity period must be between 1 and 36000 seconds.")
		}
	}
	switch {
	case form.Get("ScheduleType") != "" && form.Get("SendAt") != "":
		m.Status = StatusScheduled
	case m.MessagingService != "":
		m.Status = StatusAccepted
	}
	return m, nil
}

// checkSender refuses a number that is not the account's.
func (s *Simulator) checkSender(m *message) *apiError {
	switch {
	case m.From == "" || s.numbers[m.From] != nil:
	case len(s.opts.Numbers) > 0:
		return bad(codeNotOwned, "The 'From' number is not a message-capable number of this account.")
	default:
		s.ownNumberOf(m.From)
	}
	return nil
}

// A check tells whether a parameter's value has the type that the vendor's description gives.
type check func(value string) bool

// parameterTypes are the parameters of a new message whose type is narrower than a string.
var parameterTypes = map[string]check{
	"ApplicationSid":      sidOf("AP"),
	"MaxPrice":            isNumber,
	"ProvideFeedback":     isBoolean,
	"Attempt":             isInteger,
	"ValidityPeriod":      isInteger,
	"ForceDelivery":       isBoolean,
	"ContentRetention":    oneOf("retain", "discard"),
	"AddressRetention":    oneOf("retain", "obfuscate"),
	"SmartEncoded":        isBoolean,
	"TrafficType":         oneOf("free"),
	"ShortenUrls":         isBoolean,
	"ScheduleType":        oneOf("fixed"),
	"SendAt":              isTime,
	"SendAsMms":           isBoolean,
	"RiskCheck":           oneOf("enable", "disable"),
	"MessagingServiceSid": sidOf("MG"),
	"ContentSid":          sidOf("HX"),
}

func checkTypes(form url.Values, types map[string]check) *apiError {
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if is := types[name]; is != nil && !is(form.Get(name)) {
			return bad(codeInvalidParameter, "The parameter '%s' is invalid.", name)
		}
	}
	return nil
}

func sidOf(prefix string) check {
	return regexp.MustCompile(`^` + prefix + `[0-9a-fA-F]{32}$`).MatchString
}

func oneOf(values ...string) check {
	return func(value string) bool { return slices.Contains(values, value) }
}

func isInteger(value string) bool {
	_, err := strconv.ParseInt(value, 10, 64)
	return err == nil
}

func isBoolean(value string) bool {
	_, err := strconv.ParseBool(value)
	return err == nil
}

var decimal = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

func isNumber(value string) bool { return decimal.MatchString(value) }

func isTime(value string) bool {
	_, err := time.Parse(time.RFC3339, value)
	return err == nil
}
