package config

import "time"

// A Config is what an operator sets. Zero values mean "not set" unless a field says otherwise; [Load] fills in the defaults that it names.
type Config struct {
	Listen        string   // host:port; default localhost:8080
	PublicURL     string   // how senders, officers and providers reach the node; production: https
	Node          string   // name of this node, unique in a deployment; default: the host's name
	DataDir       string   // default ./data
	AlarmTo       []string // who is paged for an alarm: ids of people, person:<id>, team:<id>; empty: the team coordinators
	NATS          NATS
	Redis         Redis
	Twilio        Twilio
	Vonage        Vonage
	Mail          Mail
	Canary        Canary
	Contacts      Contacts
	Policy        Policy
	Log           Log
	DeploymentKey Secret // 32 bytes in hexadecimal or base64, see [DecodeKey]; the same on every node
}

// NATS is where the log lies.
type NATS struct {
	URL             string // several with commas in between; "" standalone: embedded
	Replicas        int    // of each stream: 1, 3 or 5; 0: the node decides
	CredentialsFile string
	CAFile          string
	CertFile        string // with KeyFile: the client's certificate
	KeyFile         string
}

// Redis is what the roster is served from. Its address can carry a password.
type Redis struct {
	URL Secret // redis:// or rediss://; "" standalone: embedded
}

// Twilio is the telephone provider that is used first.
type Twilio struct {
	BaseURL           string // "" standalone: the simulator; "" in production: the vendor
	AccountSID        string
	AuthToken         Secret
	AuthTokenPrevious Secret   // still accepted on webhooks while a token is being replaced
	Numbers           []string // E.164, from which texts and calls go out
	TextsPerSecond    *float64 // segments, per number; 0: unlimited; nil: not set
	CallsPerSecond    *float64 // per number; 0: unlimited; nil: not set
}

// Vonage is the second telephone provider: the only one where Twilio is not configured.
type Vonage struct {
	BaseURL                 string // in place of all of the vendor's addresses; "": the vendor
	VoiceURL                string // of the region that calls are placed in; "": BaseURL, or the vendor's nearest
	APIKey                  string
	APISecret               Secret
	ApplicationID           string
	PrivateKey              Secret // of the application, in PEM
	SignatureSecret         Secret // of webhooks
	SignatureSecretPrevious Secret // still accepted on webhooks while the secret is being replaced
	Numbers                 []string
	TextsPerSecond          *float64 // segments, per number; 0: unlimited; nil: not set
	CallsPerSecond          *float64 // per number; 0: unlimited; nil: not set
}

// Configured reports whether anything of the provider is set.
func (v Vonage) Configured() bool {
	return v.BaseURL != "" || v.VoiceURL != "" || v.APIKey != "" || v.APISecret != "" || v.ApplicationID != "" || v.PrivateKey != "" ||
		v.SignatureSecret != "" || v.SignatureSecretPrevious != "" || len(v.Numbers) > 0 || v.TextsPerSecond != nil || v.CallsPerSecond != nil
}

// Mail is the server that takes e-mails to officers and coordinators, which go beside their telephones.
type Mail struct {
	Host     string // "": nobody is told by e-mail
	Port     int    // 0: 587, with implicit TLS 465
	Username string // with Password
	Password Secret
	From     string // who writes: an address, with or without a name
	TLS      string // starttls, implicit; "": starttls
	CAFile   string // PEM, in place of the system's
}

// Canary says how the providers are tested: by texts to telephones that answer by themselves.
type Canary struct {
	TwilioTo string        // a telephone, in E.164, that texts through Twilio go to and come back from; "": Twilio is not tested
	VonageTo string        // the same of Vonage
	Every    time.Duration // between two through the same provider; default 15 min
	Slow     time.Duration // a text that takes longer to come back is slow; default 1 min, or half of Every where that is less
}

// Contacts bound which telephone numbers and webhooks people may have.
type Contacts struct {
	Allow []string // prefixes in E.164, as +8816, of numbers whose kind is refused otherwise: satellite, premium rate and their like
	// WebhookNetworks are networks, as 10.1.2.0/24, in which webhooks of people are called besides the public internet.
	WebhookNetworks []string
}

// Policy is how people are paged.
type Policy struct {
	AckLapse   time.Duration            // an acknowledgement ends after this, unless its owner has read the content; 0: never
	UndoWindow time.Duration            // an acknowledgement can be taken back within this; 0: as the program has it
	Levels     [][]string               // targets of each level in order; nil: as the program has it
	Waits      map[string]time.Duration // by urgency, for an answer to one step; an urgency that is absent: as the program has it
	// SecondPath is after what time without an answer people are asked through the second provider too, by urgency; 0: at once, [Never]: only when one
	// fails; an urgency that is absent: as the program has it.
	SecondPath map[string]time.Duration
}

// Never stands for a time that does not come.
const Never time.Duration = -1

// Log is what the program says of itself.
type Log struct {
	Level  string // debug, info, warn, error; default info
	Format string // console, json; default auto: console on a terminal
}

// The defaults of [Load].
const (
	DefaultListen  = "localhost:8080"
	DefaultDataDir = "./data"

	DefaultCanaryEvery = 15 * time.Minute
	DefaultCanarySlow  = time.Minute
)
