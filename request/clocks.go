package request

import (
	"slices"
	"time"
)

// A Due is a clock that runs against the request: absolute, never paused. Rule names the instrument, the article and its version.
type Due struct {
	Clock string  `json:"clock"` // acknowledge, indicate, provide
	At    Instant `json:"at"`
	Rule  string  `json:"rule"`
}

type clock struct {
	name        string
	instruments []string // nil: any
	urgencies   []Urgency
	access      string // accessibility that it is for; "": any
	after       time.Duration
	rule        string
}

const (
	day         = 24 * time.Hour
	acknowledge = "acknowledge"
)

// clocks is the table of legal and policy clocks (DOMAIN: Clocks), each running from receipt.
var clocks = []clock{
	{acknowledge, nil, []Urgency{Emergency}, "", 10 * time.Minute, "policy v1: acknowledge an emergency within 10 minutes"},
	{acknowledge, nil, []Urgency{Critical}, "", 30 * time.Minute, "policy v1: acknowledge a critical request within 30 minutes"},
	{acknowledge, nil, []Urgency{Urgent}, "", 60 * time.Minute, "policy v1: acknowledge an urgent request within 60 minutes"},
	{"indicate", []string{"eu_directive_2013_40"}, []Urgency{Emergency, Critical, Urgent}, "", 8 * time.Hour, "Directive 2013/40/EU Art. 13(1), v1: indicate within 8 hours whether, how and when"},
	{"provide", []string{"eu_directive_2023_977"}, []Urgency{Emergency, Critical, Urgent}, "direct", 8 * time.Hour, "Directive (EU) 2023/977 Art. 5, v1: urgent and directly accessible, 8 hours"},
	{"provide", []string{"eu_directive_2023_977"}, []Urgency{Emergency, Critical, Urgent}, "indirect", 3 * day, "Directive (EU) 2023/977 Art. 5, v1: urgent and indirectly accessible, 3 days"},
	{"provide", []string{"eu_directive_2023_977"}, []Urgency{Routine}, "", 7 * day, "Directive (EU) 2023/977 Art. 5, v1: otherwise 7 days"},
}

// Clocks gives the times that are due for a request received at received. A request of type eu_urgent_information runs the
// clocks of Directive (EU) 2023/977 even where it names no instrument.
func Clocks(c Content, urgency Urgency, received time.Time) []Due {
	instrument, access := c.text("/instrument"), c.text("/details/accessibility")
	if c.Type() == EUUrgentInformation {
		instrument = "eu_directive_2023_977"
	}
	due := []Due{}
	for _, k := range clocks {
		if (k.instruments == nil || slices.Contains(k.instruments, instrument)) && slices.Contains(k.urgencies, urgency) &&
			(k.access == "" || k.access == access) {
			due = append(due, Due{Clock: k.name, At: At(received.Add(k.after)), Rule: k.rule})
		}
	}
	return due
}

// ClocksAt gives the clocks at another urgency where the content cannot be read any more: the acknowledgement is due by the policy, and
// legal clocks, which hang on the content, stay as they were found.
func (s *State) ClocksAt(urgency Urgency) []Due {
	due := Clocks(Content{}, urgency, s.Received)
	for _, d := range s.Due {
		if d.Clock != acknowledge {
			due = append(due, d)
		}
	}
	return due
}
