package request

// A Type says what is asked for (DOMAIN: Request types).
type Type string

// The request types.
const (
	TechnicalAdvice       Type = "technical_advice"
	LegalInformation      Type = "legal_information"
	ProviderLocation      Type = "provider_location"
	Preservation          Type = "preservation"
	PreservationExtension Type = "preservation_extension"
	TrafficDataDisclosure Type = "traffic_data_disclosure"
	EmergencyDisclosure   Type = "emergency_disclosure"
	EmergencyMLA          Type = "emergency_mla"
	StoredData            Type = "stored_data"
	LocateSuspect         Type = "locate_suspect"
	RealtimeTraffic       Type = "realtime_traffic"
	Interception          Type = "interception"
	AssetFreeze           Type = "asset_freeze"
	EUUrgentInformation   Type = "eu_urgent_information"
	ReadinessTest         Type = "readiness_test"
)

// Types lists the request types in the order of DOMAIN.md. Do not modify.
var Types = []Type{
	TechnicalAdvice, LegalInformation, ProviderLocation, Preservation, PreservationExtension, TrafficDataDisclosure,
	EmergencyDisclosure, EmergencyMLA, StoredData, LocateSuspect, RealtimeTraffic, Interception, AssetFreeze,
	EUUrgentInformation, ReadinessTest,
}

// A Kind is the JSON type of a field.
type Kind string

// The kinds. Open takes any JSON value: lists of identifiers, amounts and periods are written in many forms, and a form that we did not
// foresee is no reason to turn an urgent request away.
const (
	Text    Kind = "string"
	Boolean Kind = "boolean"
	Object  Kind = "object"
	Open    Kind = "any value"
)

// A Field is one row of the table of what a request can carry. The tables are data so that a lawyer can correct them.
type Field struct {
	Path     string   // RFC 6901 pointer from the root of the request
	Label    string   // what a person calls it
	Source   string   // article that asks for it, or "practice"
	Kind     Kind     // JSON type; another one is refused
	Enum     []string // allowed values, if they are a closed list
	Optional bool     // not listed as missing when absent
	NotFor   []Type   // types that do not need it: not listed as missing there
}

const (
	practice = "UN 41; Budapest 35"
	assist   = "UN 42(3); Budapest 29(2)"
)

// Common lists the members that every request can carry. Do not modify.
var Common = []Field{
	{Path: "/type", Label: "Type of request", Source: "UN 41(3); Budapest 35(1)", Kind: Text, Enum: names(Types)},
	{Path: "/instrument", Label: "Legal instrument relied on", Source: practice, Kind: Text},
	{Path: "/urgency", Label: "Urgency proposed", Source: practice, Kind: Text, Enum: names(Urgencies)},
	{Path: "/urgency_reason", Label: "Reason for the urgency", Source: practice, Kind: Text},
	{Path: "/language", Label: "Language of the request", Source: practice, Kind: Text},
	{Path: "/requesting_state", Label: "Requesting State", Source: assist, Kind: Text},
	{Path: "/authority", Label: "Authority seeking the assistance", Source: "UN 42(3)(a); Budapest 29(2)(a)", Kind: Text},
	{Path: "/contact_point", Label: "Point of contact it comes from", Source: "UN 41(1); Budapest 35(1)", Kind: Text},
	{Path: "/sender_reference", Label: "Your own reference", Source: practice, Kind: Text},
	{Path: "/person_in_charge", Label: "Person in charge", Source: practice, Kind: Object},
	{Path: "/person_in_charge/name", Label: "Person in charge: name", Source: practice, Kind: Text},
	{Path: "/person_in_charge/phone", Label: "Person in charge: telephone", Source: practice, Kind: Text},
	{Path: "/person_in_charge/email", Label: "Person in charge: e-mail", Source: practice, Kind: Text},
	{Path: "/callback_person", Label: "Person for call-back confirmation", Source: practice, Kind: Object},
	{Path: "/callback_person/name", Label: "Call-back person: name", Source: practice, Kind: Text},
	{Path: "/callback_person/phone", Label: "Call-back person: telephone", Source: practice, Kind: Text},
	{Path: "/callback_person/email", Label: "Call-back person: e-mail", Source: practice, Kind: Text},
	{Path: "/offence", Label: "Offence under investigation", Source: "UN 42(3)(b); Budapest 29(2)(b)", Kind: Text, NotFor: []Type{ReadinessTest}},
	{Path: "/legal_provision", Label: "Legal provision", Source: "UN 42(3)(b); Budapest 29(2)(b)", Kind: Text, NotFor: []Type{ReadinessTest}},
	{Path: "/facts", Label: "Summary of the facts", Source: "UN 42(3)(b); Budapest 29(2)(b)", Kind: Text, NotFor: []Type{ReadinessTest}},
	{Path: "/confidential", Label: "Whether to keep the request confidential", Source: "Budapest 27(8)", Kind: Boolean},
	{Path: "/do_not_notify_user", Label: "Whether the user must not be notified", Source: practice, Kind: Boolean},
	{Path: "/conditions_of_use", Label: "Conditions of use", Source: "Budapest 28", Kind: Text, NotFor: []Type{ReadinessTest}},
	{Path: "/details", Label: "Details of the type", Source: practice, Kind: Object, Optional: true},
}

// Details lists the members of /details for each type. Do not modify.
var Details = map[Type][]Field{
	TechnicalAdvice:  {{Path: "/details/question", Label: "Question", Source: "UN 41(3)(a); Budapest 35(1)(a)", Kind: Text}},
	LegalInformation: {{Path: "/details/question", Label: "Question", Source: "UN 41(3)(c); Budapest 35(1)(c)", Kind: Text}},
	ProviderLocation: {{Path: "/details/identifier", Label: "Identifier sought", Source: "UN 41(3)(b), 42(2)", Kind: Open}},
	Preservation: {
		{Path: "/details/data", Label: "Data to preserve", Source: "UN 42(3)(c); Budapest 29(2)(c)", Kind: Open},
		{Path: "/details/relation_to_offence", Label: "Relation of the data to the offence", Source: "UN 42(3)(c); Budapest 29(2)(c)", Kind: Text},
		{Path: "/details/necessity", Label: "Why preservation is necessary", Source: "UN 42(3)(e); Budapest 29(2)(e)", Kind: Text},
		{Path: "/details/mla_intention", Label: "Intention to send a request for mutual legal assistance", Source: "UN 42(3)(f); Budapest 29(2)(f)", Kind: Open},
		{Path: "/details/custodian", Label: "Custodian of the data, if known", Source: "UN 42(3)(d); Budapest 29(2)(d)", Kind: Open, Optional: true},
		{Path: "/details/location", Label: "Location of the computer system, if known", Source: "UN 42(3)(d); Budapest 29(2)(d)", Kind: Open, Optional: true},
	},
	PreservationExtension: {
		{Path: "/details/earlier_reference", Label: "Reference of the earlier request", Source: "UN 42(9)", Kind: Text},
		{Path: "/details/days", Label: "Days asked for", Source: "UN 42(9)", Kind: Open},
		{Path: "/details/reason", Label: "Reason for the extension", Source: "UN 42(9)", Kind: Text},
	},
	TrafficDataDisclosure: {
		{Path: "/details/earlier_reference", Label: "Reference of the earlier request", Source: "UN 43; Budapest 30", Kind: Text},
		{Path: "/details/provider", Label: "Service provider", Source: "UN 43; Budapest 30", Kind: Open},
		{Path: "/details/path", Label: "Path of the communication", Source: "UN 43; Budapest 30", Kind: Open},
	},
	EmergencyDisclosure: {
		{Path: "/details/emergency_facts", Label: "Facts that show the emergency", Source: "UN 41(3)(e); 2AP 9(3)(b)", Kind: Text},
		{Path: "/details/bearing", Label: "How the data bears on the emergency", Source: "2AP 9(3)(b)", Kind: Text},
		{Path: "/details/provider", Label: "Provider that holds the data", Source: "2AP 9(3)(c)", Kind: Open},
		{Path: "/details/penalties", Label: "Penalties for the offence", Source: "2AP 9(3)(a)", Kind: Text},
		{Path: "/details/data", Label: "Data sought", Source: "2AP 9(3)(c)", Kind: Open},
	},
	EmergencyMLA: {
		{Path: "/details/emergency_facts", Label: "Facts that show the emergency", Source: "2AP 10(1)", Kind: Text},
		{Path: "/details/mla_request", Label: "Contents of the request for mutual legal assistance", Source: "2AP 10(1)", Kind: Open},
	},
	StoredData: {
		{Path: "/details/data", Label: "Data sought", Source: "UN 44; Budapest 31", Kind: Open},
		{Path: "/details/vulnerability", Label: "Why the data is vulnerable to loss", Source: "UN 44; Budapest 31(3)(a)", Kind: Text},
	},
	LocateSuspect: {
		{Path: "/details/identifiers", Label: "Identifiers of the suspect", Source: "UN 41(3)(d); Budapest 35(1)(c)", Kind: Open},
		{Path: "/details/purpose", Label: "Purpose of locating", Source: "UN 41(3)(d)", Kind: Text},
	},
	RealtimeTraffic: surveillance("UN 45; Budapest 33"),
	Interception:    surveillance("UN 46; Budapest 34"),
	AssetFreeze: {
		{Path: "/details/property", Label: "Property", Source: "UN 49-50", Kind: Open},
		{Path: "/details/facts", Label: "Facts that connect the property", Source: "UN 49-50", Kind: Text},
		{Path: "/details/actions", Label: "Actions asked for", Source: "UN 49-50", Kind: Open},
		{Path: "/details/order", Label: "Freezing order", Source: "UN 49-50", Kind: Open},
		{Path: "/details/amount", Label: "Amount", Source: "UN 49-50", Kind: Open},
	},
	EUUrgentInformation: {
		{Path: "/details/accessibility", Label: "Directly or indirectly accessible", Source: "Directive (EU) 2023/977, Art. 5", Kind: Text, Enum: []string{"direct", "indirect"}},
	},
	ReadinessTest: {{Path: "/details/scenario", Label: "Synthetic scenario, marked as a test", Source: "UN 41(5)", Kind: Text}},
}

func surveillance(source string) []Field {
	return []Field{
		{Path: "/details/target", Label: "Target", Source: source, Kind: Open},
		{Path: "/details/justification", Label: "Justification", Source: source, Kind: Text},
		{Path: "/details/period", Label: "Period", Source: source, Kind: Open},
		{Path: "/details/period_justification", Label: "Justification of the period", Source: source, Kind: Text},
		{Path: "/details/judicial_authorisation", Label: "Judicial authorisation", Source: source, Kind: Open},
	}
}

// Instruments lists the instruments that the tables know. The list is open: one that is not on it is taken with a warning. Do not modify.
var Instruments = []string{
	"un_cybercrime_convention", "budapest_convention", "budapest_second_protocol", "eu_directive_2013_40",
	"eu_directive_2023_977", "eu_regulation_2023_1543",
}

// Languages lists the languages that duty officers are addressed in (BCP 47). A request may come in another one. Do not modify.
var Languages = []string{"en", "fr", "es", "ar", "ru", "zh"}

func names[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}
