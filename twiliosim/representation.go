package twiliosim

import "strconv"

// A messageJSON is a message as the vendor represents it: numbers as strings, except for the error code.
type messageJSON struct {
	AccountSID          string            `json:"account_sid"`
	APIVersion          string            `json:"api_version"`
	Body                string            `json:"body"`
	DateCreated         *string           `json:"date_created"`
	DateSent            *string           `json:"date_sent"`
	DateUpdated         *string           `json:"date_updated"`
	Direction           Direction         `json:"direction"`
	ErrorCode           *int              `json:"error_code"`
	ErrorMessage        *string           `json:"error_message"`
	From                *string           `json:"from"`
	MessagingServiceSID *string           `json:"messaging_service_sid"`
	NumMedia            string            `json:"num_media"`
	NumSegments         string            `json:"num_segments"`
	Price               *string           `json:"price"`
	PriceUnit           string            `json:"price_unit"`
	SID                 string            `json:"sid"`
	Status              Status            `json:"status"`
	SubresourceURIs     map[string]string `json:"subresource_uris"`
	To                  string            `json:"to"`
	URI                 string            `json:"uri"`
}

func (s *Simulator) represent(m *message) messageJSON {
	uri := apiRoot + "/" + s.opts.AccountSID + "/Messages/" + m.SID
	out := messageJSON{
		AccountSID: s.opts.AccountSID, APIVersion: apiVersion, Body: m.Body,
		DateCreated: rfc2822(m.AcceptedAt), DateSent: rfc2822(m.SentAt), DateUpdated: rfc2822(m.updated),
		Direction: m.Direction, From: optional(m.From), MessagingServiceSID: optional(m.MessagingService),
		NumMedia: strconv.Itoa(m.media), NumSegments: strconv.Itoa(m.Segments), PriceUnit: "USD",
		SID: m.SID, Status: m.Status, To: m.To, URI: uri + ".json",
		SubresourceURIs: map[string]string{"media": uri + "/Media.json", "feedback": uri + "/Feedback.json"},
	}
	if m.ErrorCode != 0 {
		code := m.ErrorCode
		out.ErrorCode, out.ErrorMessage = &code, optional(reason(code))
	}
	return out
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// reason says in words why a text ended; the vendor warns its customers not to rely on the wording.
func reason(code int) string {
	switch code {
	case codeUnreachable:
		return "Unreachable destination handset"
	case codeExpired:
		return "Validity period expired"
	case codeOptedOut:
		return "Attempt to send to unsubscribed recipient"
	case codeNotRetrieved:
		return "The webhook did not take the text"
	default:
		return ""
	}
}
