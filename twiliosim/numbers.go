package twiliosim

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// defaultSender stands in where a text names a messaging service and the account has no numbers; the vendor's own tests use it.
const defaultSender = "+15005550006"

var (
	e164         = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	shortCode    = regexp.MustCompile(`^[0-9]{3,6}$`)
	alphanumeric = regexp.MustCompile(`^[A-Za-z0-9 +&_-]{1,11}$`)
	letter       = regexp.MustCompile(`[A-Za-z]`)
)

// An ownNumber is one of the account's senders.
type ownNumber struct {
	SID      string
	Number   string
	SMSURL   string // "" = Options.InboundURL
	VoiceURL string
	created  time.Time
	next     time.Time // when the carrier takes the next text
	nextCall time.Time // when it takes the next call
}

// ownNumberOf returns the account's number, adding it where it is new.
func (s *Simulator) ownNumberOf(number string) *ownNumber {
	n := s.numbers[number]
	if n == nil {
		n = &ownNumber{SID: s.sid("PN"), Number: number, created: time.Now().UTC()}
		s.numbers[number] = n
		s.senders = append(s.senders, n)
	}
	return n
}

// serviceSender is who sends for a messaging service, and whom a phone answers that nobody wrote to.
func (s *Simulator) serviceSender() *ownNumber {
	if len(s.senders) > 0 {
		return s.senders[0]
	}
	return s.ownNumberOf(defaultSender)
}

// SetInboundURL replaces the webhook for texts that phones send to numbers without one of their own; "" = none.
func (s *Simulator) SetInboundURL(target string) error {
	if target != "" && !absolute(target) {
		return fmt.Errorf("set inbound webhook: %w", errNotAbsolute)
	}
	s.net.Lock()
	defer s.net.Unlock()
	s.opts.InboundURL = target
	return nil
}

// InboundURL returns the webhook that SetInboundURL or Options named.
func (s *Simulator) InboundURL() string {
	s.net.Lock()
	defer s.net.Unlock()
	return s.opts.InboundURL
}

var errNotAbsolute = errors.New("the webhook is not an absolute http or https URL")

// validSender tells a phone number, a short code or an alphanumeric sender from what is none.
func validSender(from string) bool {
	return e164.MatchString(from) || shortCode.MatchString(from) ||
		alphanumeric.MatchString(from) && letter.MatchString(from)
}

// absolute tells whether a webhook's URL is one that the vendor would call.
func absolute(target string) bool {
	u, err := url.Parse(target)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && len(target) <= 4000
}

type numberJSON struct {
	AccountSID   string          `json:"account_sid"`
	APIVersion   string          `json:"api_version"`
	Capabilities map[string]bool `json:"capabilities"`
	DateCreated  *string         `json:"date_created"`
	DateUpdated  *string         `json:"date_updated"`
	FriendlyName string          `json:"friendly_name"`
	PhoneNumber  string          `json:"phone_number"`
	SID          string          `json:"sid"`
	SMSMethod    string          `json:"sms_method"`
	SMSURL       string          `json:"sms_url"`
	Status       string          `json:"status"`
	URI          string          `json:"uri"`
	VoiceMethod  string          `json:"voice_method"`
	VoiceURL     string          `json:"voice_url"`
}

func (s *Simulator) representNumber(n *ownNumber) numberJSON {
	return numberJSON{
		AccountSID: s.opts.AccountSID, APIVersion: apiVersion, FriendlyName: n.Number, PhoneNumber: n.Number, SID: n.SID,
		Capabilities: map[string]bool{"voice": true, "sms": true, "mms": false, "fax": false},
		DateCreated:  rfc2822(n.created), DateUpdated: rfc2822(n.created),
		SMSMethod: http.MethodPost, SMSURL: cmp.Or(n.SMSURL, s.opts.InboundURL), Status: "in-use", VoiceMethod: http.MethodPost, VoiceURL: n.VoiceURL,
		URI: apiRoot + "/" + s.opts.AccountSID + "/IncomingPhoneNumbers/" + n.SID + ".json",
	}
}

func (s *Simulator) listNumbers(r *http.Request, _ string) (int, any, *apiError) {
	query := r.URL.Query()
	p, err := readPaging(query)
	if err != nil {
		return 0, nil, err
	}
	s.net.Lock()
	defer s.net.Unlock()
	all := []numberJSON{}
	for _, n := range s.senders {
		if want := query.Get("PhoneNumber"); want == "" || strings.Contains(n.Number, want) {
			all = append(all, s.representNumber(n))
		}
	}
	from := min(p.page*p.size, len(all))
	to := min(from+p.size, len(all))
	next := ""
	if to < len(all) {
		next = all[to-1].SID
	}
	out := pageOf(r.URL, query, p, to-from, next)
	out["incoming_phone_numbers"] = all[from:to]
	return http.StatusOK, out, nil
}

func (s *Simulator) numberBySID(sid string) *ownNumber {
	for _, n := range s.senders {
		if n.SID == sid {
			return n
		}
	}
	return nil
}

func (s *Simulator) fetchNumber(r *http.Request, sid string) (int, any, *apiError) {
	s.net.Lock()
	defer s.net.Unlock()
	n := s.numberBySID(sid)
	if n == nil {
		return 0, nil, notFound(r)
	}
	return http.StatusOK, s.representNumber(n), nil
}

// updateNumber sets the webhooks of one of the account's numbers; an empty SmsUrl returns to Options.InboundURL.
func (s *Simulator) updateNumber(r *http.Request, sid string) (int, any, *apiError) {
	for _, name := range []string{"SmsUrl", "VoiceUrl"} {
		if u := r.PostForm.Get(name); u != "" && !absolute(u) {
			return 0, nil, bad(codeInvalidURL, "%s is not valid", name)
		}
	}
	s.net.Lock()
	defer s.net.Unlock()
	n := s.numberBySID(sid)
	if n == nil {
		return 0, nil, notFound(r)
	}
	if r.PostForm.Has("SmsUrl") {
		n.SMSURL = r.PostForm.Get("SmsUrl")
	}
	if r.PostForm.Has("VoiceUrl") {
		n.VoiceURL = r.PostForm.Get("VoiceUrl")
	}
	return http.StatusOK, s.representNumber(n), nil
}
