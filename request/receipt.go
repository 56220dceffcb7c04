package request

import "slices"

// A Receipt is what a sender sees of a request (CONTRACT: STATUS). It never names a person.
type Receipt struct {
	Reference       string         `json:"reference"`
	Version         int            `json:"version"`
	Status          Status         `json:"status"`
	Type            Type           `json:"type"`
	Urgency         Urgency        `json:"urgency"`
	UrgencyProposed *Urgency       `json:"urgency_proposed"`
	ReceivedAt      Instant        `json:"received_at"`
	AcknowledgedAt  Instant        `json:"acknowledged_at"`
	Escalation      Escalation     `json:"escalation"`
	Missing         []MissingField `json:"missing"`
	Warnings        []Warning      `json:"warnings"`
	Due             []Due          `json:"due"`
}

// Receipt is the sender's view of the state. The warnings are sealed in the log and come from the caller.
func (s *State) Receipt(warnings []Warning) Receipt {
	r := Receipt{
		Reference: s.Ref.String(), Version: s.Version, Status: s.Status, Type: s.Type, Urgency: s.Urgency,
		ReceivedAt: At(s.Received), AcknowledgedAt: At(s.AcknowledgedAt), Escalation: s.Escalation,
		Missing: []MissingField{}, Warnings: []Warning{}, Due: []Due{},
	}
	if s.UrgencyProposed != "" {
		r.UrgencyProposed = &s.UrgencyProposed
	}
	r.Warnings = append(r.Warnings, warnings...)
	r.Due = append(r.Due, s.Due...)
	fields := slices.Concat(Common, Details[s.Type])
	for _, path := range s.Missing {
		m := MissingField{Field: path, Label: path}
		if i := slices.IndexFunc(fields, func(f Field) bool { return f.Path == path }); i >= 0 {
			m.Label, m.Source = fields[i].Label, fields[i].Source
		}
		r.Missing = append(r.Missing, m)
	}
	return r
}
