package request

// An Urgency says how soon harm is expected. The sender proposes it, [Judge] checks it, a human may change it.
type Urgency string

// The urgencies, most urgent first (DOMAIN: Urgency).
const (
	Emergency Urgency = "emergency" // imminent risk to life or safety, or to critical infrastructure
	Critical  Urgency = "critical"  // irreversible loss expected within 24 hours: a log rolls over, funds move
	Urgent    Urgency = "urgent"    // within seven days
	Routine   Urgency = "routine"
)

// Urgencies lists them, most urgent first. Do not modify.
var Urgencies = []Urgency{Emergency, Critical, Urgent, Routine}

// Rank orders urgencies: 0 is the most urgent. An unknown urgency, written by a newer version, ranks as Urgent: it must not wait for morning.
func (u Urgency) Rank() int {
	switch u {
	case Emergency:
		return 0
	case Critical:
		return 1
	case Routine:
		return 3
	default:
		return 2
	}
}

// Judge gives the urgency with which a request starts. What its sender proposed counts, with two rules: a type that exists for
// emergencies only is one, and where nothing was proposed a readiness test is routine and anything else urgent.
func Judge(t Type, proposed Urgency) Urgency {
	switch {
	case t == EmergencyDisclosure || t == EmergencyMLA:
		return Emergency
	case proposed != "":
		return proposed
	case t == ReadinessTest:
		return Routine
	default:
		return Urgent
	}
}
